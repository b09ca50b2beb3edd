"""What came for approval is looked into by the worker: how many pages a PDF has, and whether it is locked or broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models import drawing, engine
from models.live import touch
from models.offering.plan import plan_offering
from models.placing.records import Placing
from models.tasks import Progress

if TYPE_CHECKING:
    from models.viewer import Viewer

AT_ONCE = 200
MOST_BYTES = 256 * 1024 * 1024  # of these together: they lie on this machine meanwhile
PDF = "application/pdf"


async def look_into(placing: Placing, by: Viewer, progress: Progress) -> None:
    """All that was not looked into, and then the plan. Killed at any moment it goes on where it was."""
    done = 0
    while rows := await _unseen(placing.id):
        await progress.report(done, done + rows[0]["total"])
        rows = _some(rows)
        found = await drawing.glance([(row["sha256"], row["size"]) for row in rows if row["mime"] == PDF])
        await engine.run_writing(lambda rows=rows, found=found: _keep(rows, found))  # type: ignore[misc]
        done += len(rows)
    await engine.run_writing(lambda: _plan(placing, by))


async def _unseen(placing: int) -> list[dict[str, Any]]:
    async with engine.reading():
        return await engine.raw(
            "SELECT id, sha256, size, mime, count(*) OVER () AS total FROM placement_file WHERE placement = $1 AND look = '' "
            f"AND state <> 'refused' ORDER BY id LIMIT {AT_ONCE}",
            placing,
        )


def _some(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first of them, and what fits beside it."""
    total = 0
    some: list[dict[str, Any]] = []
    for row in rows:
        total += row["size"]
        if some and total > MOST_BYTES:
            break
        some.append(row)
    return some


async def _keep(rows: list[dict[str, Any]], found: dict[str, int | str]) -> None:
    await engine.raw_many(
        "UPDATE placement_file SET look = $1, pages = $2 WHERE id = $3",
        [(*_told(row, found), row["id"]) for row in rows],
    )


def _told(row: dict[str, Any], found: dict[str, int | str]) -> tuple[str, int | None]:
    if row["mime"] != PDF:
        return "other", None
    what = found[row["sha256"]]
    if isinstance(what, int):
        return "fine", what
    return ("locked" if what == "password" else "bad"), None


async def _plan(placing: Placing, by: Viewer) -> None:
    fresh = await Placing.objects().where(Placing.id == placing.id).first()
    if fresh is not None and fresh.state in ("open", "reading"):
        await plan_offering(fresh, by)
        await touch(f"placing-{placing.id}")
