"""What clients' people did not open yet, and reminding exactly those who did not."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from starlette.requests import Request

from models import reminding, unread
from models.clients import ClientGroup
from models.core import Missing, Refused, Say
from models.dossiers import Document
from models.settings import Firm
from models.unread import SIZE, Filter
from models.viewer import Permission, Viewer
from web.reminders import leaving
from web.replies import Reply, Toast, go, show
from web.routing import Access, Routes

unreads = Routes("unread", Access.STAFF)

WHERE = [("", Say("Dossiers van cliënten")), ("general", Say("Algemene dossiers"))]


def filter_of(asked: Any) -> Filter:
    def number(name: str) -> int:
        value = str(asked.get(name, ""))
        return int(value) if value.isdecimal() and len(value) < 10 else 0

    try:
        since = dt.date.fromisoformat(str(asked.get("since", "")))
    except ValueError:
        since = None
    where = "general" if asked.get("where") == "general" else ""
    return Filter(str(asked.get("q", ""))[:100], number("client"), number("group"), number("folder"), since, where)


@unreads.get("/unread")
async def list_(request: Request, viewer: Viewer) -> Reply:
    """Over all clients, or narrowed in the address to one client, group or folder."""
    if not viewer.may(Permission.READ_DOSSIERS):
        raise Missing("unread")
    narrowed, asked = filter_of(request.query_params), request.query_params.get("page", "")
    number = int(asked) if asked.isdecimal() and len(asked) < 6 else 1
    rows, total = await unread.page(viewer, narrowed, number)
    groups = await viewer.groups.select(ClientGroup.id, ClientGroup.name, order=(ClientGroup.name_key,))
    kept = narrowed.as_query()
    return show(
        "unread/list.html", title=Say("Nog niet gelezen"), section="requests", rows=rows, total=total, page=number, size=SIZE, narrowed=narrowed,
        groups=[("", Say("Alle groepen")), *((one["id"], one["name"]) for one in groups)], wheres=WHERE, base=list_.url(**kept),
        query={name: value for name, value in kept.items() if value}, may_edit=viewer.may("edit_dossiers"),
        client=await viewer.clients.get(narrowed.client) if narrowed.client else None,
        folder=await viewer.folders.get(narrowed.folder) if narrowed.folder else None,
    )  # fmt: skip


@unreads.get("/folders/{folder_id:int}/told")
async def told(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    """When and to how many people it is told when something is published in this folder."""
    folder = await viewer.folders.get(folder_id)
    found = await unread.hearers_of(viewer, [], folder=folder.id) if viewer.may(Permission.READ_DOSSIERS) else None
    hour = (await Firm.load()).digest_hour
    return show("unread/told.html", title=folder.name, section="dossiers", folder=folder, told=found, hour=hour)


@unreads.post("/unread/nudge")
async def look(request: Request, viewer: Viewer) -> Reply:
    """Who would be reminded of the documents that were ticked, or of all that match; nothing is sent yet."""
    viewer.require(Permission.EDIT_DOSSIERS)
    form = await request.form()
    ids = await _chosen(viewer, form)
    if not ids:
        return go(list_.url(), toast=Toast(Say("Kies eerst een of meer documenten."), "attention"))
    return await _look(viewer, ids, form)


@unreads.get("/documents/{document_id:int}/nudge")
async def look_at_one(request: Request, viewer: Viewer, document_id: int) -> Reply:
    viewer.require(Permission.EDIT_DOSSIERS)
    document = await viewer.documents.get(document_id)
    return await _look(viewer, [document.id], {}, f"/documents/{document.id}")


async def _look(viewer: Viewer, ids: list[int], form: Any, back: str = "") -> Reply:
    all_ = bool(form.get("all_matching"))
    query = filter_of(form).as_query()
    return show(
        "unread/nudge.html", title=Say("Herinneren wie nog niet las"), section="requests", found=await reminding.of_documents(viewer, ids),
        count=len(ids), ids=[] if all_ else ids, all_matching=all_, query=query if all_ else {}, reasons=reminding.REASONS,
        batch=str(uuid.uuid4()), back=back or list_.url(**query), one=back,
    )  # fmt: skip


@unreads.post("/unread/nudges")
async def nudge(request: Request, viewer: Viewer) -> Reply:
    form = await request.form()
    ids, batch = await _chosen(viewer, form), str(form.get("batch", ""))
    back = f"/documents/{ids[0]}" if form.get("one") and ids else list_.url(**filter_of(form).as_query())
    try:
        count = await reminding.send(await reminding.of_documents(viewer, ids), batch, by=viewer)
    except Refused as refused:
        return go(back, toast=Toast(refused.why, "attention"))
    return go(back, toast=leaving(count), undo=f"/reminders/{batch}/undo")


async def _chosen(viewer: Viewer, form: Any) -> list[int]:
    """The ids that were ticked, or all that match, of those that exist for this viewer."""
    if form.get("all_matching"):
        return await unread.matching(viewer, filter_of(form))
    ticked = [int(one) for one in form.getlist("ids") if str(one).isdecimal() and len(str(one)) < 10]
    rows = await viewer.documents.where(Document.id.is_in(ticked[:5000] or [-1])).select(Document.id)
    return [row["id"] for row in rows]
