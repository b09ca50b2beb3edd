"""The public check: whether exactly these bytes were approved here, by whom and when. Only who has a file, or its SHA-256, learns it.

What is not approved, or not any more ours to tell of, is not found: nobody learns here that something is waiting for approval.
Nor is an attachment found, which may be general terms that everybody has; and where several clients approved the very same bytes,
no names are told, because having them says nothing of who one is.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

from models import engine
from models.certifying.facts import day_of, facts_of
from models.certifying.records import ApprovalSeal
from models.certifying.wording import Both, period_of
from models.settings import Firm
from models.storage.base import is_sha256


@dataclass(frozen=True)
class Approval:
    """Somebody who approved: his name as the office lets it be told, his role then, when, and for whom he did it, or ''. Of what was
    signed on paper `signed_on` is the day, and `at` when the office recorded it."""

    name: str
    role: str
    at: dt.datetime
    on_paper: bool = False
    behalf: str = ""
    signed_on: dt.date | None = None


@dataclass(frozen=True)
class Found:
    """What is known of a file: `what` is document, scan or certificate; `ended` says why it counts no more: '', or replaced;
    `newer`: of a certificate, that there is a newer one; `only_paper`: that who signed did so on paper, and may
    have seen another file; `withheld`: that others approved the same bytes, so that no names are told."""

    what: str
    kind: Both
    period: Both
    completed_at: dt.datetime | None
    ended: str = ""
    ended_at: dt.datetime | None = None
    newer: bool = False
    approvals: list[Approval] = field(default_factory=list)
    only_paper: bool = False
    withheld: bool = False


def tidied(typed: str) -> str:
    """A SHA-256 as programs write it: 'AB CD …', 'ab:cd:…', or with the name of the file behind it."""
    first = "".join(typed.split()).replace(":", "").lower()
    return first[:64] if is_sha256(first[:64]) else ""


_SQL = """SELECT * FROM (
 SELECT d.request, d.client, CASE d.part WHEN 'main' THEN 'document' ELSE 'scan' END AS what, 0 AS number, r.state, r.completed_at FROM approval_document d
 JOIN approval_request r ON r.id = d.request WHERE d.sha256 = $1 AND (d.part = 'main' OR d.is_scan)
 UNION ALL SELECT s.request, s.client, 'certificate', s.number, r.state, r.completed_at FROM approval_seal s JOIN approval_request r ON r.id = s.request WHERE s.digest = $1
) x WHERE state IN ('approved', 'filed', 'on_paper') OR (state = 'replaced' AND request IN (SELECT request FROM approval_seal)) ORDER BY request DESC LIMIT 20"""


async def look_up(sha256: str) -> list[Found]:
    """In a unit: the approvals of exactly these bytes, the newest first; none where there are none."""
    rows = await engine.raw(_SQL, sha256)
    names = (await Firm.load()).check_names
    several = len({row["client"] for row in rows}) > 1
    found = [found for row in rows if (found := await _found(row, names)) is not None]
    return [replace(one, approvals=[], withheld=True) for one in found[:1]] if several else found


async def _found(row: dict[str, Any], names: str) -> Found | None:
    facts = await facts_of(row["request"])
    if not facts.approvals:
        return None
    request = facts.request
    approvals = [
        Approval(
            named(act["name"], names),
            act["role"],
            act["at"],
            act["act"] == "on_paper",
            named(act["behalf"], names),
            day_of(act.get("signed_on")),
        )
        for act in facts.approvals
    ]
    newer = row["what"] == "certificate" and await ApprovalSeal.exists().where(
        (ApprovalSeal.request == row["request"]) & (ApprovalSeal.number > row["number"])
    )
    ended = row["state"] if row["state"] == "replaced" else ""
    return Found(
        row["what"], Both(request["kind_name"], request["kind_name_en"] or request["kind_name"]), period_of(request["period"], request["book_year"]),
        request["completed_at"], ended, request["ended_at"] if ended else None, bool(newer), approvals, all(one.on_paper for one in approvals),
    )  # fmt: skip


def named(name: str, how: str) -> str:
    """As the certificate has it, or only its initials: Rik de Vries becomes R. d. V."""
    if how != "initials":
        return name
    return " ".join(f"{part[0]}." for part in name.replace("-", " ").split() if part[0].isalpha())
