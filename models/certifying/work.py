"""Verifying the proof of all approvals from a screen: long work."""

from __future__ import annotations

from typing import Any

from models.certifying.verifying import verify_all
from models.core import Refused
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
