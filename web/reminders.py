"""Reminders by hand, taken back while they have not left."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from models import reminding
from models.core import Refused, Say
from models.viewer import Viewer
from web.addresses import local_path
from web.replies import Reply, Toast, go
from web.routing import Access, Routes

reminders = Routes("reminders", Access.STAFF)


@reminders.post("/reminders/{batch}/undo")
async def undo(request: Request, viewer: Viewer, batch: str) -> Reply:
    came = urlsplit(request.headers.get("hx-current-url") or request.headers.get("referer") or "")
    back = local_path(f"{came.path}?{came.query}" if came.query else came.path) or "/requests"
    try:
        count = await reminding.undo(batch, by=viewer)
    except Refused as refused:
        return go(back, toast=Toast(refused.why, "attention"))
    if count == 1:
        return go(back, toast=Say("Eén herinnering is teruggenomen."))
    return go(back, toast=Say("{n} herinneringen zijn teruggenomen.", n=count))


def leaving(count: int) -> Say:
    if count == 1:
        return Say("Eén herinnering gaat zo de deur uit.")
    return Say("{n} herinneringen gaan zo de deur uit.", n=count)
