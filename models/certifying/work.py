"""Verifying the proof of all approvals from a screen: long work."""

from __future__ import annotations

from typing import Any

from models import engine
from models.certifying import attention, completing
from models.certifying.verifying import verify_all
from models.core import Refused, Say
from models.tasks import Progress, Task, start, work
from models.viewer import Permission, Viewer


@work("verify_approvals")
async def verify_approvals(task: Task, progress: Progress) -> dict[str, Any]:
    """A proof that does not hold ends the task as failed, with the reason."""
    verdict = await verify_all(progress.report)
    if not verdict.holds:
        raise Refused("", verdict.said)
    return {"records": verdict.records, "requests": verdict.requests, **verdict.said.as_json()}


async def start_verifying(*, by: Viewer) -> Task:
    by.require(Permission.VIEW_TRAIL)
    return await start("verify_approvals", None, by=by)


@work("seal_again")
async def seal_again(task: Task, progress: Progress) -> dict[str, Any]:
    """Everything that waits for its seal, its time-stamp or its proof is tried now, and not when its turn comes. Repeatable."""
    await engine.run_writing(completing.hurry)
    done = 0
    while await completing.is_due():
        done += await completing.seal_due()
        await progress.report(done)
    done += await completing.mend_all()
    left = await attention.points()
    waits = [point for point in left if point.address == attention.WAITING]
    if waits:
        raise Refused("", waits[0].words)
    return {"done": done, **Say("Er wacht niets meer op een zegel, tijdstempel of bewijs.").as_json()}


async def start_sealing(*, by: Viewer) -> Task:
    by.require(Permission.MANAGE_SETTINGS)
    return await start("seal_again", None, by=by)
