"""The long work of placing for approval: each may be killed at any moment and is begun again; nothing is asked of anybody twice."""

from __future__ import annotations

from typing import Any

from models import engine
from models.core import Say
from models.offering.plan import offering_of, plan_offering
from models.offering.putting import put
from models.offering.taking_back import take_back
from models.placing.records import Placing
from models.placing.work import end_placing, of_task
from models.tasks import Cancelled, Progress, Task, work
from models.viewer import Viewer

CLIENTS = 50  # in one unit: short enough that others can write in between


@work("offer_files")
async def offer_files(task: Task, progress: Progress) -> dict[str, Any]:
    """A file that was placed no longer waits, in the same unit as its request: begun again, it goes on where it was."""
    placing, by = await of_task(task)
    if placing.state != "placing":
        return {}
    done = task.done
    try:
        while count := await engine.run_writing(lambda: put(placing, by, CLIENTS)):
            done += count
            await progress.report(min(done, task.total) if task.total else done)
    except Cancelled:
        await engine.run_writing(lambda: end_placing(placing, "placed_at"))
        raise
    await engine.run_writing(lambda: end_placing(placing, "placed_at"))
    await engine.analyze("approval_request", "approval_document", "approval_record", "approver", "placement_file")
    rows = await engine.raw(
        "SELECT count(DISTINCT request) AS made, sum(CASE WHEN state IN ('left', 'unmatched') THEN 1 ELSE 0 END) AS waiting "
        "FROM placement_file WHERE placement = $1",
        placing.id,
    )
    return _came(rows[0]["made"], int(rows[0]["waiting"] or 0)).as_json()


def _came(made: int, waiting: int) -> Say:
    if waiting == 1:
        return Say("{made} klaargezet, 1 bestand wacht op een besluit.", made=made)
    return Say("{made} klaargezet, {waiting} bestanden wachten op een besluit.", made=made, waiting=waiting)


@work("undo_offering")
async def undo_offering(task: Task, progress: Progress) -> dict[str, Any]:
    placing, by = await of_task(task)
    if placing.state != "undoing":
        return {}
    done = 0
    try:
        while count := await engine.run_writing(lambda: take_back(placing, by, CLIENTS)):
            done += count
            await progress.report(done)
    except Cancelled:
        await engine.run_writing(lambda: end_placing(placing, "undone_at"))
        raise
    await engine.run_writing(lambda: _end_undo(placing, by))
    return {}


async def _end_undo(placing: Placing, by: Viewer) -> None:
    await end_placing(placing, "undone_at")
    await plan_offering(placing, by)
    await by.note("Placing.taken_back", placing, {"requests": (await offering_of(placing)).told["requests"]})
