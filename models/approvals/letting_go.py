"""When the term of a filed document is over, or that of a request which ended without being filed, its bytes go here as well: a
certificate of destruction tells the truth. What stays is the proof: who approved which bytes, by their hash; and on which day
they were let go."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from models import engine
from models.accounts.blocking import listed
from models.approvals.record import Line, note_each
from models.approvals.states import OPEN, one_of
from models.core import Refused, Say
from models.live import touch

ENDED = ("rejected", "withdrawn", "replaced", "expired")
_UNFINISHED = one_of(("draft", "sign_off", *OPEN, "approved", "on_paper"))


async def let_go(documents: str, why: str = "term", name: str = "") -> dict[str, dt.datetime]:
    """In the unit, just before these documents (a JSON list of ids) go: hash > when its bytes were last kept here. `why`: term or
    infected; `name` of who decided it.

    What is still being asked about keeps its bytes: nobody approves what cannot be read.
    """
    parts = await engine.raw(
        "SELECT p.id, p.request, p.client, p.name, p.blob, coalesce(r.offered_at, r.made_at) AS at FROM approval_document p "
        f"JOIN approval_request r ON r.id = p.request WHERE p.document IN {listed(1)} AND p.blob <> '' AND r.state NOT IN ({_UNFINISHED})",
        documents,
    )
    mine = json.dumps([row["id"] for row in parts])
    former = await engine.raw(
        f"SELECT blob, replaced_at AS at FROM approval_former_part WHERE document IN {listed(1)} AND blob <> ''", mine
    )
    await _empty(mine)
    seals = await engine.raw(
        f"UPDATE approval_seal SET sha256 = '', stamp_due = $2, proof_due = $2 WHERE document IN {listed(1)} AND sha256 <> '' RETURNING digest AS blob, at",
        documents, False,
    )  # fmt: skip
    await _note(parts, why, name)
    return _newest([*parts, *former, *seals])


async def let_go_of_ended(requests: Sequence[int], name: str) -> tuple[list[dict[str, Any]], dict[str, dt.datetime]]:
    """In the unit: the bytes of these requests, which ended. What went (request, name, size, sha256, at), and as `let_go`."""
    asked = json.dumps(list(requests))
    parts = await engine.raw(
        "SELECT p.id, p.request, p.client, p.name, p.size, p.sha256, p.blob, coalesce(r.ended_at, r.completed_at, r.made_at) AS at "
        f"FROM approval_document p JOIN approval_request r ON r.id = p.request WHERE p.request IN {listed(1)} AND p.blob <> '' "
        f"AND r.state IN ({one_of(ENDED)}) ORDER BY p.id",
        asked,
    )
    former = await engine.raw(
        "SELECT p.request, p.name, p.size, p.sha256, p.blob, p.replaced_at AS at FROM approval_former_part p JOIN approval_request r "
        f"ON r.id = p.request WHERE p.request IN {listed(1)} AND p.blob <> '' AND r.state IN ({one_of(ENDED)}) ORDER BY p.id",
        asked,
    )
    await engine.raw(f"UPDATE approval_former_part SET blob = '' WHERE request IN {listed(1)}", asked)
    await _empty(json.dumps([row["id"] for row in parts]))
    await _note(parts, "term", name)
    return [*parts, *former], _newest([*parts, *former])


async def _empty(parts: str) -> None:
    await engine.raw(f"UPDATE approval_former_part SET blob = '' WHERE document IN {listed(1)}", parts)
    await engine.raw(f"UPDATE approval_document SET blob = '' WHERE id IN {listed(1)}", parts)


async def _note(parts: Sequence[dict[str, Any]], why: str, name: str) -> None:
    """On the record of each request, which goes on after it ended: which bytes, by their hash."""
    gone: dict[tuple[int, int], dict[str, str]] = {}
    for part in parts:
        gone.setdefault((part["request"], part["client"]), {})[str(part["id"])] = part["blob"]
    if gone:
        await note_each(
            [
                Line(request, client, "let_go", name=name, role="kantoor" if name else "Poort", detail={"why": why, "sha256": hashes})
                for (request, client), hashes in gone.items()
            ]
        )  # fmt: skip
        await touch(*sorted(f"approval-{request}" for request, _ in gone)[:200])


def _newest(rows: Sequence[dict[str, Any]]) -> dict[str, dt.datetime]:
    found: dict[str, dt.datetime] = {}
    for row in rows:
        at = engine.as_moment(row["at"])
        found[row["blob"]] = max(at, found.get(row["blob"], at))
    return found


async def refuse_let_go(request: int) -> None:
    """What nobody can read any more is not asked again."""
    if await engine.raw("SELECT 1 AS one FROM approval_document WHERE request = $1 AND blob = '' LIMIT 1", request):
        raise Refused("", Say("De stukken van deze accordering zijn na de bewaartermijn vernietigd. Maak een nieuwe."))
