"""The trash of a dossier: what lies in it, and emptying it for good."""

from __future__ import annotations

from starlette.requests import Request

from models.core import Say
from models.dossiers import trash_of
from models.viewer import Permission, Viewer
from web.dossiers import home_of, may_edit
from web.replies import Reply, go, show
from web.routing import Access, Routes

trash = Routes("trash", Access.STAFF)


@trash.get("/dossiers/{dossier_id:int}/trash")
async def page(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    dossier = await viewer.dossiers.get(dossier_id)
    folders, documents = await trash_of(viewer, dossier_id)
    client = await viewer.clients.get(dossier.client) if dossier.client is not None else None
    return show(
        "dossiers/trash.html",
        title=Say("Prullenbak"),
        section="clients" if client else "dossiers",
        dossier=dossier,
        client=client,
        home=home_of(dossier),
        folders=folders,
        documents=documents,
        may_edit=may_edit(viewer, dossier.client),
    )


@trash.get("/dossiers/{dossier_id:int}/trash/emptying")
async def emptying(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    dossier = await viewer.dossiers.get(dossier_id)
    viewer.require(Permission.MANAGE_SETTINGS, dossier)
    folders, documents = await dossier.in_trash()
    return show(
        "dossiers/emptying.html",
        title=Say("Voorgoed legen"),
        section="dossiers",
        dossier=dossier,
        folders=folders,
        documents=documents,
    )


@trash.post("/dossiers/{dossier_id:int}/trash/emptying")
async def empty(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    dossier = await viewer.dossiers.get(dossier_id)
    count = await dossier.empty_trash(by=viewer)
    return go(home_of(dossier), toast=Say("De prullenbak is geleegd: {n} mappen en documenten.", n=count))
