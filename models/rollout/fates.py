"""What became of everybody in an opening: counted, and listed with a filter. Nobody ever disappears from it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from models import engine
from models.clients.reached import NOTHING, reached_by

if TYPE_CHECKING:
    from models.rollout.records import Opening
    from models.viewer import Viewer

# in the order in which an invitation lives
FATES = ("prepared", "queued", "handed", "opened", "active", "refused", "unknown", "stopped", "withdrawn", "left_out")

# $1 is the present moment
_FATE = """CASE WHEN p.because <> '' THEN 'left_out' WHEN u.state = 'active' THEN 'active' WHEN coalesce(l.ended_why, k.ended_why) = 'withdrawn' THEN 'withdrawn'
 WHEN k.opened_at IS NOT NULL THEN 'opened' WHEN l.id IS NULL AND k.id IS NOT NULL THEN
  CASE WHEN k.ended_at IS NOT NULL OR u.state = 'blocked' THEN 'stopped' WHEN k.printed_at IS NULL THEN 'prepared' ELSE 'handed' END
 WHEN l.id IS NULL THEN 'prepared' WHEN e.state IN ('refused', 'failed') THEN 'refused' WHEN l.opened_at IS NOT NULL THEN 'opened'
 WHEN e.state = 'unknown' THEN 'unknown' WHEN e.state = 'cancelled' OR u.state = 'blocked' THEN 'stopped' WHEN e.state = 'done' THEN 'handed'
 WHEN e.attempts = 0 AND e.state = 'waiting' AND e.run_after > $1 THEN 'prepared' ELSE 'queued' END"""


def _from(openings: list[int]) -> str:
    """Everybody in these, each with the last invitation that he got by it."""
    which = ", ".join(str(int(one)) for one in openings) or "NULL"
    return f"""FROM opening_person p JOIN users u ON u.id = p.person
LEFT JOIN (SELECT opening, person, max(id) AS link FROM link WHERE opening IN ({which}) AND kind = 'invitation' GROUP BY opening, person) last
ON last.person = p.person AND last.opening = p.opening
LEFT JOIN activation_code k ON k.opening = p.opening AND k.person = p.person
LEFT JOIN link l ON l.id = last.link LEFT JOIN errand e ON e.kind = 'invitation' AND e.subject_id = l.id WHERE p.opening IN ({which})"""


async def counted(opening: Opening, now: Any) -> dict[str, int]:
    """fate > how many; every fate is named."""
    return (await _counted([opening.id], now))[opening.id]


async def _counted(openings: list[int], now: Any) -> dict[int, dict[str, int]]:
    found = {one: dict.fromkeys(FATES, 0) for one in openings}
    for row in await engine.raw(
        f"SELECT opening, fate, count(*) AS n FROM (SELECT p.opening, {_FATE} AS fate {_from(openings)}) x GROUP BY opening, fate",
        now,
    ):
        found[row["opening"]][row["fate"]] = row["n"]
    return found


async def opened(viewer: Viewer, now: Any, *, page: int = 1, size: int = 50) -> tuple[list[dict[str, Any]], int]:
    """One page of the openings, newest first: the record, what was chosen (`selection`), and how many of each fate; and how many in all."""
    from models.rollout.records import Opening

    started = viewer.openings.where(Opening.started_at.is_not_null())
    rows = (
        await Opening.objects()
        .where(started.condition)
        .order_by(Opening.started_at, Opening.id, ascending=False)
        .limit(size)
        .offset((page - 1) * size)
    )
    fates = await _counted([row.id for row in rows], now) if rows else {}
    listed = [{"opening": row, "selection": json.loads(row.selection), "fates": fates[row.id]} for row in rows]
    return listed, await started.count()


async def left_out(opening: Opening) -> dict[str, int]:
    rows = await engine.raw(
        "SELECT because, count(*) AS n FROM opening_person WHERE opening = $1 AND because <> '' GROUP BY because",
        opening.id,
    )
    return {row["because"]: row["n"] for row in rows}


async def people_of(
    opening: Opening, now: Any, *, seen_by: Viewer | None = None, fate: str = "", page: int = 1, size: int = 50
) -> tuple[list[dict[str, Any]], int]:
    """One page of the people, each with his fate and the clients he reaches (`reached`), and how many there are in all."""
    named = (
        "SELECT p.person, p.because, u.sort_key, u.full_name, u.email, u.state, u.language, "
        f"l.opened_at, e.id AS errand, e.said, e.finished_at, {_FATE} AS fate {_from([opening.id])}"
    )
    asked = "WHERE fate = $2" if fate in FATES else ""
    values = [now, *([fate] if asked else [])]
    rows = await engine.raw(
        f"SELECT * FROM ({named}) x {asked} ORDER BY sort_key, person LIMIT {int(size)} OFFSET {(int(page) - 1) * int(size)}",
        *values,
    )
    total = (await engine.raw(f"SELECT count(*) AS n FROM ({named}) x {asked}", *values))[0]["n"]
    reached = await reached_by([row["person"] for row in rows], seen_by=seen_by, most=4)
    return [{**row, "reached": reached.get(row["person"], NOTHING)} for row in rows], total
