"""Verifying the trail from a screen: long work, because the chain of years is walked link by link."""

from __future__ import annotations

from typing import Any

from models import sealing
from models.core import Refused, Say
from models.tasks import Progress, Task, start, work
from models.viewer import Permission, Viewer


@work("verify_trail")
async def verify_trail(task: Task, progress: Progress) -> dict[str, Any]:
    """`asked` has the anchor that was pasted, if any. A chain that does not hold ends the task as failed, with the reason."""
    anchor = sealing.anchor_in(task.asked.get("anchor", ""))
    verdict = await sealing.verify([anchor] if anchor else [], progress.report)
    if not verdict.holds:
        raise Refused("", verdict.said)
    return {"lines": verdict.lines, "emptied": verdict.emptied, **verdict.said.as_json()}


async def start_verifying(typed: str, *, by: Viewer) -> Task:
    """`typed`: an anchor out of a mail, or nothing."""
    by.require(Permission.VIEW_TRAIL)
    if typed and sealing.anchor_in(typed) is None:
        raise Refused("anchor", Say("Dit is geen anker. Het ziet eruit als 1234-0a1b2c…, zoals in de wekelijkse mail."))
    return await start("verify_trail", None, by=by, anchor=typed)
