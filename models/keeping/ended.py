"""Requests for approval that ended without being filed: refused, withdrawn, replaced or expired. Their bytes have a term of their
own (`Firm.approval_months`) and stand on the same lists as documents, a request a line; their proof stays.

The term counts from the day on which it ended, or from the end of its book year where that came later.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from models import engine
from models.accounts.blocking import listed
from models.approvals.letting_go import ENDED
from models.approvals.states import one_of
from models.approvals.words import period_words
from models.keeping.records import Destruction, DestructionItem
from models.keeping.terms import year_end
from models.notices import ZONE
from models.retention import until

WHY = "ended"
_AT_ONCE = 500
_HELD = "r.client IN (SELECT i.client FROM hold_item i JOIN hold h ON h.id = i.hold WHERE h.lifted_at IS NULL AND i.client IS NOT NULL)"
_ROWS = f"""SELECT r.id, r.client, r.state, r.version, r.book_year, r.period, r.title, k.name AS kind_name, coalesce(r.ended_at, r.completed_at, r.made_at) AS ended_at,
 c.number, c.name AS client_name, c.year_end_month, CASE WHEN {_HELD} THEN 1 ELSE 0 END AS is_held
FROM approval_request r JOIN approval_kind k ON k.id = r.kind JOIN client c ON c.id = r.client WHERE r.state IN ({one_of(ENDED)})"""
# What was filed follows the term of its document.
_KEEPS = """NOT EXISTS (SELECT 1 FROM approval_document p WHERE p.request = r.id AND p.document IS NOT NULL)
 AND (EXISTS (SELECT 1 FROM approval_document p WHERE p.request = r.id AND p.blob <> '')
 OR EXISTS (SELECT 1 FROM approval_former_part p WHERE p.request = r.id AND p.blob <> ''))"""
_PARTS = """SELECT request, 0 AS former, id, name, sha256, size FROM approval_document WHERE blob <> '' AND request IN {each}
UNION ALL SELECT request, 1, id, name, sha256, size FROM approval_former_part WHERE blob <> '' AND request IN {each} ORDER BY 1, 2, 3"""


async def lines_due(destruction: Destruction, months: int) -> AsyncIterator[list[tuple[Any, ...]]]:
    """The lines of a list (`proposing.COLUMNS`), some hundreds at a time: of those that nobody holds and whose term is over."""
    before = dt.datetime.combine(destruction.as_of, dt.time(), ZONE).astimezone(dt.UTC)
    last = 0
    while True:
        rows = await engine.raw(
            f"{_ROWS} AND r.id > $1 AND coalesce(r.ended_at, r.completed_at, r.made_at) < $2 AND {_KEEPS} ORDER BY r.id LIMIT {_AT_ONCE}",
            last, before,
        )  # fmt: skip
        if not rows:
            return
        last = rows[-1]["id"]
        due = [row for row in rows if not row["is_held"] and last_day(row, months) < destruction.as_of]
        parts = await _parts_of([row["id"] for row in due])
        yield [_line(destruction, row, months, parts.get(row["id"], [])) for row in due]


def since(row: dict[str, Any]) -> dt.date:
    """The day from which its term counts."""
    ended: dt.date = engine.as_moment(row["ended_at"]).astimezone(ZONE).date()
    return max(ended, year_end(row["book_year"], row["year_end_month"] or 12)) if row["book_year"] else ended


def last_day(row: dict[str, Any], months: int) -> dt.date:
    return until(months, since(row))


async def _parts_of(requests: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    if requests:
        for row in await engine.raw(_PARTS.replace("{each}", listed(1)), json.dumps(list(requests))):
            found.setdefault(row["request"], []).append(row)
    return found


def _line(destruction: Destruction, row: dict[str, Any], months: int, parts: list[dict[str, Any]]) -> tuple[Any, ...]:
    name = " ".join(
        one for one in (row["kind_name"], period_words(row["book_year"], row["period"]), row["title"]) if one
    )
    return (
        destruction.id, -row["id"], row["client"], f"{row['number']} {row['client_name']}"[:240], 0, 0, ", ".join(part["name"] for part in parts),
        name[:255], WHY, None, "", "", WHY, since(row), months, 0, last_day(row, months), row["book_year"],
        sum(int(part["size"]) for part in parts), row["version"], _hash_of(parts), None,
    )  # fmt: skip


def _hash_of(parts: Iterable[dict[str, Any]]) -> str:
    """Of all its bytes together."""
    return hashlib.sha256("\n".join(part["sha256"] for part in parts).encode()).hexdigest()


async def as_they_are(requests: Sequence[int]) -> dict[int, dict[str, Any]]:
    """In the unit that lets them go: those that are ended still, which nobody opens again meanwhile; with `parts`."""
    if not requests:
        return {}
    asked = json.dumps(list(requests))
    await engine.raw(f"UPDATE approval_request SET version = version WHERE id IN {listed(1)}", asked)
    rows = await engine.raw(f"{_ROWS} AND r.id IN {listed(1)} AND {_KEEPS}", asked)
    parts = await _parts_of([row["id"] for row in rows])
    return {row["id"]: row | {"parts": parts.get(row["id"], [])} for row in rows}


def changed(item: DestructionItem, row: dict[str, Any] | None, months: int, today: dt.date) -> str:
    """As `destroying.changed`, of a request."""
    if row is None:
        return "open"
    if row["is_held"]:
        return "held"
    if (row["version"], _hash_of(row["parts"])) != (item.version, item.content_hash):
        return "version"
    if row["client"] != item.client:
        return "moved"
    return "" if last_day(row, months) < today else "term"
