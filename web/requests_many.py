"""What is done to many requests at once, with a look beforehand: another last day, withdrawn, open again, reminded."""

from __future__ import annotations

import uuid
from typing import Any

from starlette.requests import Request

from models import reminding
from models.core import Refused, Say
from models.requests import DocumentRequest
from models.requests.changing import MOST, change_many, ids_of, withdraw_batch
from models.requests.making import read_day
from models.requests.reading import matching
from models.viewer import Permission, Viewer
from web.reminders import leaving
from web.replies import Reply, Toast, go, show
from web.requests import filter_of, list_, page
from web.routing import Access, Routes

requests_many = Routes("requests_many", Access.STAFF)

DO = {
    "remind": Say("Herinneren"),
    "due": Say("Andere uiterste dag"),
    "withdraw": Say("Intrekken"),
    "reopen": Say("Weer openen"),
}


@requests_many.post("/requests/many")
async def look(request: Request, viewer: Viewer) -> Reply:
    """Nothing is done yet."""
    viewer.require(Permission.EDIT_DOSSIERS)
    form = await request.form()
    do, ids = str(form.get("do", "")), await _chosen(viewer, form)
    if do not in DO or not ids:
        return go(
            list_.url(), toast=Toast(Say("Kies eerst een of meer opvragingen, en wat er moet gebeuren."), "attention")
        )
    return await _look(viewer, form, do, ids)


async def _look(viewer: Viewer, form: Any, do: str, ids: list[int], why: Say | None = None) -> Reply:
    all_ = bool(form.get("all_matching"))
    return show(
        "requests/many.html", title=DO[do], section="requests", do=do, words=DO[do], count=len(ids), why=why, due_on=str(form.get("due_on", "")),
        ids=[] if all_ else ids, query=filter_of(form).as_query() if all_ else {}, all_matching=all_,
        found=await reminding.of_requests(viewer, ids) if do == "remind" else None, reasons=reminding.REASONS, batch=str(uuid.uuid4()),
    )  # fmt: skip


@requests_many.get("/requests/{asking_id:int}/reminder")
async def remind_one(request: Request, viewer: Viewer, asking_id: int) -> Reply:
    """Who would be reminded of this one."""
    viewer.require(Permission.EDIT_DOSSIERS)
    found = await viewer.scope(DocumentRequest).get(asking_id)
    return await _look(viewer, {}, "remind", [found.id])


@requests_many.post("/requests/many/changes")
async def carry_out(request: Request, viewer: Viewer) -> Reply:
    form = await request.form()
    do, ids = str(form.get("do", "")), await _chosen(viewer, form)
    back = page.url(asking_id=ids[0]) if len(ids) == 1 else list_.url()
    try:
        if do == "remind":
            batch = str(form.get("batch", ""))
            count = await reminding.send(await reminding.of_requests(viewer, ids), batch, by=viewer)
            said = leaving(count)
            return go(back, toast=said, undo=f"/reminders/{batch}/undo")
        count = await change_many(ids, do, read_day(str(form.get("due_on", ""))) if do == "due" else None, by=viewer)
    except Refused as refused:
        if do in DO and refused.field == "due_on":
            return await _look(viewer, form, do, ids, refused.why)
        return go(back, toast=Toast(refused.why, "attention"))
    if count == 1:
        return go(back, toast=Say("{what}: 1 opvraging.", what=DO[do]))
    return go(back, toast=Say("{what}: {n} opvragingen.", what=DO[do], n=count))


@requests_many.post("/requests/batches/{batch}/undo")
async def undo(request: Request, viewer: Viewer, batch: str) -> Reply:
    """What was asked just now is not asked after all."""
    try:
        count = await withdraw_batch(batch, by=viewer)
    except Refused as refused:
        return go(list_.url(), toast=Toast(refused.why, "attention"))
    return go(list_.url(), toast=Say("Teruggenomen bij {n} cliënten.", n=count))


async def _chosen(viewer: Viewer, form: Any) -> list[int]:
    """The ids that were ticked, or all that match, of those that exist for this viewer."""
    if form.get("all_matching"):
        return await matching(viewer, filter_of(form), MOST)
    ticked = [int(one) for one in form.getlist("ids") if str(one).isdecimal() and len(str(one)) < 10]
    if not ticked:
        return []
    return await ids_of(viewer.scope(DocumentRequest).where(DocumentRequest.id.is_in(ticked[:MOST])))
