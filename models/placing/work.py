"""The long work of placing: each may be killed at any moment and is begun again; no file is placed twice."""

from __future__ import annotations

import json
from typing import Any

from models import engine
from models.accounts import User
from models.core import Refused, Say, save
from models.live import touch
from models.placing.arriving import take_out
from models.placing.putting import put
from models.placing.records import Placing, PlacingSource
from models.placing.taking_back import take_back, trash_empty_folders
from models.settings import utcnow
from models.tasks import Cancelled, Progress, Task, work
from models.viewer import Viewer

BATCH = 200  # files in one unit: short enough that others can write in between


@work("read_placing")
async def read_placing(task: Task, progress: Progress) -> dict[str, Any]:
    placing, by = await of_task(task)
    read = 0
    try:
        while source := await _unread(placing.id):
            await take_out(placing, source, by, progress)
            read += 1
    except Cancelled:
        await engine.run_writing(lambda: _give_up(placing))
        raise
    if placing.purpose == "approvals":
        from models.offering.looking import look_into

        await look_into(placing, by, progress)
    await engine.run_writing(lambda: _open_when_read(placing))
    return {"archives": read}


async def _unread(placing: int) -> PlacingSource | None:
    async with engine.reading():
        found = (PlacingSource.placement == placing) & PlacingSource.is_read.eq(False)
        return await PlacingSource.objects().where(found).order_by(PlacingSource.id).first()


async def _give_up(placing: Placing) -> None:
    """What was read stays; the rest says that it was stopped."""
    why = json.dumps(Say("Het uitpakken is gestopt.").as_json())
    await engine.raw(
        "UPDATE placement_source SET is_read = $2, problem = $3 WHERE placement = $1 AND NOT is_read",
        placing.id,
        True,
        why,
    )
    await _open_when_read(placing)


async def _open_when_read(placing: Placing) -> None:
    """Unless another ZIP came meanwhile: that has a task of its own."""
    rows = await engine.raw(
        "SELECT 1 AS one FROM placement_source WHERE placement = $1 AND NOT is_read LIMIT 1", placing.id
    )
    if not rows:
        await engine.raw("UPDATE placement SET state = 'open' WHERE id = $1 AND state = 'reading'", placing.id)
    await touch("placing", f"placing-{placing.id}")


@work("place_files")
async def place_files(task: Task, progress: Progress) -> dict[str, Any]:
    """Batch by batch. A row that was placed is no longer waiting, in the same unit: begun again, it goes on where it was."""
    placing, by = await of_task(task)
    if placing.state != "placing":
        return {}
    done = task.done
    try:
        while count := await engine.run_writing(lambda: put(placing, by, BATCH)):
            done += count
            await progress.report(min(done, task.total) if task.total else done)
    except Cancelled:
        await engine.run_writing(lambda: end_placing(placing, "placed_at"))
        raise
    await engine.run_writing(lambda: end_placing(placing, "placed_at"))
    await engine.analyze("document", "folder", "dossier", "placement_file")
    return _outcome(await _counts(placing.id))


@work("undo_placing")
async def undo_placing(task: Task, progress: Progress) -> dict[str, Any]:
    placing, by = await of_task(task)
    if placing.state != "undoing":
        return {}
    done = 0
    try:
        while count := await engine.run_writing(lambda: take_back(placing, by, BATCH)):
            done += count
            await progress.report(done)
        await engine.run_writing(lambda: trash_empty_folders(placing, by))
    except Cancelled:
        await engine.run_writing(lambda: end_placing(placing, "undone_at"))
        raise
    await engine.run_writing(lambda: end_placing(placing, "undone_at"))
    return {}


async def end_placing(placing: Placing, moment: str) -> None:
    await save(placing, state="open", **{moment: utcnow()})
    await touch("placing", f"placing-{placing.id}", "rollout")


async def _counts(placing: int) -> dict[str, int]:
    rows = await engine.raw(
        "SELECT state, count(*) AS n FROM placement_file WHERE placement = $1 GROUP BY state", placing
    )
    return {row["state"]: row["n"] for row in rows}


def _outcome(counts: dict[str, int]) -> dict[str, Any]:
    placed = counts.get("placed", 0)
    waiting = counts.get("left", 0) + counts.get("unmatched", 0)
    return Say("{placed} geplaatst, {waiting} wachten op een besluit.", placed=placed, waiting=waiting).as_json()


async def of_task(task: Task) -> tuple[Placing, Viewer]:
    async with engine.reading():
        placing = await Placing.objects().where(Placing.id == task.subject_id).first()
        user = await User.objects().where(User.id == task.owner).first()
    if placing is None:
        raise Refused("", Say("Deze plaatsing is verwijderd."))
    by = Viewer(user) if user else None
    if by is None or by.user.state != "active" or not by.may(placing.needs):
        await engine.run_writing(lambda: save(placing, state="open"))
        raise Refused("", Say("Wie deze plaatsing begon, mag dat niet meer."))
    return placing, by
