"""Where staff land: what happened, what to do, and on a fresh installation where to begin."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models import overview as seen
from models.core import Say
from models.rollout import checklist
from models.settings import Firm
from models.viewer import Viewer
from web.replies import Reply, show
from web.routing import Access, Routes

overview = Routes("overview", Access.STAFF)


@overview.get("/")
async def page(request: Request, viewer: Viewer) -> Reply:
    steps = await checklist(viewer, await Firm.load())
    return show(
        "overview/page.html",
        title=Say("Overzicht"),
        section="overview",
        steps=steps,
        is_fresh=not steps.clients and viewer.sees_all_clients,
        tasks=await seen.running(viewer, 5),
        **await _uploads(viewer),
    )


@overview.get("/overview/uploads")
async def uploads(request: Request, viewer: Viewer) -> Reply:
    return show("overview/uploads.html", title=Say("Laatst aangeleverd"), section="overview", **await _uploads(viewer))


@overview.get("/overview/tasks")
async def running(request: Request, viewer: Viewer) -> Reply:
    return show(
        "overview/running.html", title=Say("Lopend werk"), section="overview", tasks=await seen.running(viewer, 5)
    )


@overview.get("/overview/rollout")
async def progress(request: Request, viewer: Viewer) -> Reply:
    steps = await checklist(viewer, await Firm.load())
    return show("overview/rollout.html", title=Say("Uitrol"), section="overview", steps=steps)


async def _uploads(viewer: Viewer) -> dict[str, Any]:
    return {"uploads": await seen.newest_uploads(viewer, 10)}
