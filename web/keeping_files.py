"""Beheer > Bewaren > Bestanden: whether the stored files are whole, and which are not."""

from __future__ import annotations

from starlette.requests import Request

from models import config
from models.core import Say
from models.keeping import lists, rehashing
from models.settings import Firm
from models.viewer import Viewer
from web.keeping import about, allow
from web.replies import Reply, go, show
from web.routing import Access, Routes

keeping = Routes("keeping", Access.STAFF)


@keeping.get("/keeping/files")
async def files(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    return show(
        "keeping/files.html", **about("files", Say("Bestanden nakijken")), rows=await rehashing.broken(), figures=await rehashing.figures(),
        firm_days=(await Firm.load()).check_days, states=rehashing.STATES, busy=[one for one in await lists.busy_tasks() if one.kind == "check_files"],
        is_encrypted=bool(config.settings().files_keys),
    )  # fmt: skip


@keeping.post("/keeping/files")
async def check_files(request: Request, viewer: Viewer) -> Reply:
    """Now: those that are known to be wrong, else all."""
    allow(viewer)
    await rehashing.start_checking(by=viewer)
    return go(files.url(), toast=Say("Het nakijken is begonnen."))
