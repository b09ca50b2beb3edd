"""The trash of a dossier: what lies in it, and emptying it for good."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models.core import Refused, Say
from models.dossiers import Dossier, trash_of
from models.keeping import trash as trashing
from models.keeping.trash import until as kept_until
from models.notices import ZONE
from models.settings import utcnow
from models.viewer import Permission, Viewer
from web.dossiers import home_of, may_edit
from web.proof import asks_proof
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes

trash = Routes("trash", Access.STAFF)


@trash.get("/dossiers/{dossier_id:int}/trash")
async def page(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    dossier = await viewer.dossiers.get(dossier_id)
    folders, documents = await trash_of(viewer, dossier_id)
    days = await trashing.days()
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
        days=days,
        until={("f", row["id"]): kept_until(row["trashed_at"], days) for row in folders}
        | {("d", row["id"]): kept_until(row["trashed_at"], days) for row in documents},
        today=utcnow().astimezone(ZONE).date(),
    )


@trash.get("/dossiers/{dossier_id:int}/trash/emptying")
async def emptying(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    dossier = await viewer.dossiers.get(dossier_id)
    viewer.require(Permission.MANAGE_SETTINGS, dossier)
    return show("dossiers/emptying.html", **await _emptying(dossier))


@trash.post("/dossiers/{dossier_id:int}/trash/emptying")
async def empty(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    """What a case or a term keeps stays; with `despite_term` and a reason what is within its term goes too."""
    dossier = await viewer.dossiers.get(dossier_id)
    viewer.require(Permission.MANAGE_SETTINGS, dossier)
    form = await request.form()
    despite, reason = form.get("despite_term") == "1", str(form.get("reason", ""))[:2000]
    if despite and (asked := await asks_proof(request, viewer)):
        return asked
    try:
        count = await dossier.empty_trash(reason, despite_term=despite, by=viewer)
    except Refused as refused:
        return invalid(
            "dossiers/emptying.html", **await _emptying(dossier, reason=reason, despite=despite, why=refused.why)
        )
    return go(home_of(dossier), toast=Say("Uit de prullenbak vernietigd: {n} mappen en documenten.", n=count))


async def _emptying(
    dossier: Dossier, *, reason: str = "", despite: bool = False, why: Say | None = None
) -> dict[str, Any]:
    return {
        "title": Say("Voorgoed legen"), "section": "dossiers", "dossier": dossier, "counts": await trashing.counted(dossier.id),
        "reason": reason, "despite": despite, "why": why,
    }  # fmt: skip
