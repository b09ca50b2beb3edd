"""Reminding approvers of one request, taking reminders back, and the list of who is to be called where mail did not help."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import partials
from models.approvals import ApprovalRequest, calling
from models.approvals import reminding as remind
from models.approvals.calling import MOST, REACHED_BADLY, SIZE
from models.clients.export import workbook
from models.core import Refused, Say
from models.requests.making import read_day
from models.settings import this_day
from models.viewer import Permission, Viewer
from web.approvals import page as page_of
from web.approvals_board import list_, look_at_reminders
from web.clients import as_workbook, page_number
from web.replies import Reply, Toast, go, invalid, show
from web.routing import Access, Routes

approvals = Routes("approvals", Access.STAFF)

COLUMNS = (
    ("who", Say("Naam")), ("mobile", Say("Mobiel")), ("phone", Say("Telefoon")), ("client_phone", Say("Telefoon van de cliënt")), ("number", Say("Nummer")),
    ("client_name", Say("Cliënt")), ("kind_name", Say("Soort")), ("period_name", Say("Periode")), ("title", Say("Titel")), ("since", Say("Gevraagd")),
    ("due", Say("Uiterlijk")), ("legal_due", Say("Wettelijk uiterlijk")), ("why", Say("Mail")), ("called_on", Say("Gebeld")), ("called_by", Say("Door")),
    ("note", Say("Notitie")),
)  # fmt: skip


@approvals.get("/approvals/{approval_id:int}/reminder")
async def remind_one(request: Request, viewer: Viewer, approval_id: int) -> Reply:
    """Who would be reminded of this one; nothing is sent yet."""
    viewer.require(Permission.EDIT_APPROVALS)
    found: ApprovalRequest = await viewer.scope(ApprovalRequest).get(approval_id)
    return await look_at_reminders(viewer, [found.id])


@approvals.post("/approvals/reminders/{batch}/undo")
async def undo_reminders(request: Request, viewer: Viewer, batch: str) -> Reply:
    try:
        count = await remind.undo(batch, by=viewer)
    except Refused as refused:
        return go(list_.url(), toast=Toast(refused.why, "attention"))
    if count == 1:
        return go(list_.url(), toast=Say("Eén herinnering is teruggenomen."))
    return go(list_.url(), toast=Say("{n} herinneringen zijn teruggenomen.", n=count))


@approvals.get("/approvals/phone")
async def phone(request: Request, viewer: Viewer) -> Reply:
    """`?responsible=me`: only what one is responsible for oneself."""
    viewer.require(Permission.VIEW_REQUESTED)
    return await _phone(request, viewer)


async def _phone(request: Request, viewer: Viewer, typed: dict[str, Any] | None = None) -> Reply:
    mine = request.query_params.get("responsible") == "me"
    number = min(page_number(request), 10_000)
    rows, total = await calling.to_call(viewer, number, responsible=viewer.user.id if mine else 0)
    query = {"responsible": "me"} if mine else {}
    return (invalid if typed else show)(
        "approvals/phone.html", title=Say("Bellijst accorderen"), section="approvals", rows=rows, total=total, page=number, size=SIZE, mine=mine,
        base=phone.url(**query), here=phone.url(**query, page=number if number > 1 else None), export_url=phone_export.url(**query), all_url=phone.url(), mine_url=phone.url(responsible="me"), badly=REACHED_BADLY,
        may_edit=viewer.view_as is None and viewer.may(Permission.EDIT_APPROVALS), today=this_day(), typed=typed,
    )  # fmt: skip


@approvals.get("/approvals/phone/export")
async def phone_export(request: Request, viewer: Viewer) -> Response:
    """The whole list, of all pages."""
    viewer.require(Permission.VIEW_REQUESTED)
    mine = request.query_params.get("responsible") == "me"
    rows, _ = await calling.to_call(viewer, 1, MOST, viewer.user.id if mine else 0)
    with partials.speaking(viewer.user.language):
        spoken = [row | {"why": partials.speak(REACHED_BADLY[row["why"]]) if row["why"] else ""} for row in rows]
        columns = [(key, partials.speak(words)) for key, words in COLUMNS]
    return as_workbook(workbook(spoken, columns), "bellijst.xlsx")


@approvals.post("/approvals/{approval_id:int}/calls")
async def called(request: Request, viewer: Viewer, approval_id: int) -> Reply:
    """That somebody was called. What was typed stays where it was not right."""
    found: ApprovalRequest = await viewer.scope(ApprovalRequest).get(approval_id)
    form = await request.form()
    texts = {name: str(form.get(name, "")) for name in ("person", "note", "called_on", "back")}
    person = (
        int(texts["person"])
        if texts["person"].isascii() and texts["person"].isdecimal() and len(texts["person"]) < 10
        else 0
    )
    try:
        await calling.note_call(found, person, texts["note"], read_day(texts["called_on"], "called_on"), by=viewer)
    except Refused as refused:
        if not refused.field:
            return go(phone.url(), toast=Toast(refused.why, "attention"))
        return await _phone(
            request,
            viewer,
            {"id": found.id, "person": person, "why": refused.why, **{k: texts[k] for k in ("note", "called_on")}},
        )
    back = page_of.url(approval_id=found.id) if texts["back"] == "page" else phone.url()
    return go(back, toast=Say("Genoteerd dat er gebeld is."))
