"""Requests: the board over all clients, asking one or hundreds with a look beforehand, and judging what came in."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from models.clients import ClientGroup
from models.core import Refused, Say
from models.dossiers.structures import chosen
from models.requests import (
    DocumentRequest,
    RequestItem,
    RequestTemplate,
    accept,
    accept_all,
    board,
    board_counts,
    change_due,
    items_of,
    make_requests,
    remove_template,
    save_template,
    send_back,
    template_items,
    withdraw,
)
from models.requests.making import read_items
from models.requests.reading import SIZE, Filter, reach_of
from models.scanning import shut_documents
from models.tasks import Task
from models.viewer import Permission, Viewer
from web.dossiers_copy import selection_in
from web.forms import Form, SelectField, StringField, Text, TextAreaField
from web.replies import Reply, Toast, go, invalid, show
from web.routing import Access, Routes

requests = Routes("requests", Access.STAFF)

STATES = [
    ("", Say("Alles")), ("open", Say("Open")), ("late", Say("Te laat")), ("answered", Say("Wacht op beoordeling")),
    ("done", Say("Klaar")), ("withdrawn", Say("Ingetrokken")),
]  # fmt: skip


class NewRequest(Form):
    who = SelectField(
        choices=[("clients", Say("Deze cliënten")), ("group", Say("Een groep")), ("all", Say("Alle cliënten"))],
        default="clients",
    )
    group = SelectField(choices=[], coerce=int, validate_choice=False, default=0)
    numbers = StringField(default="")
    title = Text(most=500, required=True)
    message = TextAreaField(default="")
    due_on = StringField(default="")
    items = TextAreaField(default="")


class TemplateForm(Form):
    name = Text(most=500, required=True)
    message = TextAreaField(default="")
    items = TextAreaField(default="")


@requests.get("/requests")
async def list_(request: Request, viewer: Viewer) -> Reply:
    asked = request.query_params
    state = asked.get("state", "")
    narrowed = Filter(state if state in dict(STATES) else "", asked.get("q", "")[:100])
    number = int(asked["page"]) if asked.get("page", "").isdecimal() and len(asked["page"]) < 6 else 1
    rows, total = await board(viewer, narrowed, number)
    return show(
        "requests/board.html", title=Say("Opvragen"), section="requests", rows=rows, total=total, page=number, size=SIZE,
        counts=await board_counts(viewer), narrowed=narrowed, states=STATES, templates=await _templates(viewer),
        base=list_.url(state=narrowed.state or None, q=narrowed.words or None),
    )  # fmt: skip


async def _templates(viewer: Viewer) -> list[dict[str, Any]]:
    return await viewer.scope(RequestTemplate).select(
        RequestTemplate.id, RequestTemplate.name, order=(RequestTemplate.name_key,)
    )


@requests.get("/requests/new")
async def new(request: Request, viewer: Viewer) -> Reply:
    """`?template=` fills it in; `?numbers=` are the clients."""
    asked = request.query_params
    values: dict[str, Any] = {"who": "clients", "group": 0, "numbers": asked.get("numbers", "")[:2000]}
    if asked.get("template", "").isdecimal() and len(asked["template"]) < 10:
        template = await viewer.scope(RequestTemplate).get(int(asked["template"]))
        values |= {
            "title": template.name,
            "message": template.message,
            "items": _as_text(await template_items(template)),
        }
    return await _new(viewer, NewRequest.blank(**values), show)


async def _new(viewer: Viewer, form: NewRequest, make: Callable[..., Reply]) -> Reply:
    groups = await viewer.groups.select(ClientGroup.id, ClientGroup.name, order=(ClientGroup.name_key,))
    form.group.choices = [(0, Say("Kies een groep")), *((group["id"], group["name"]) for group in groups)]
    return make("requests/new.html", title=Say("Stukken opvragen"), section="requests", form=form, groups=groups)


@requests.post("/requests/preview")
async def preview(request: Request, viewer: Viewer) -> Reply:
    """Of how many clients it would be asked, and how many people read of it; nothing is asked yet."""
    viewer.require(Permission.EDIT_DOSSIERS)
    form = await NewRequest.read(request)
    try:
        selection, clients, due, items = await _meant(request, viewer, form)
    except Refused as refused:
        form.refuse(Refused("numbers" if refused.field in ("clients", "group") else refused.field, refused.why))
        return await _new(viewer, form, invalid)
    if form.errors:
        return await _new(viewer, form, invalid)
    return show(
        "requests/preview.html", title=Say("Dit wordt gevraagd"), section="requests", form=form, selection=selection,
        clients=len(clients), reach=await reach_of(clients), due=due, items=items, batch=str(uuid.uuid4()),
    )  # fmt: skip


async def _meant(
    request: Request, viewer: Viewer, form: NewRequest
) -> tuple[Any, list[int], dt.date | None, list[Any]]:
    selection = await selection_in(viewer, await request.form())
    return selection, await chosen(viewer, selection), day_in(form.due_on.data), read_items(form.items.data or "")


@requests.post("/requests")
async def make(request: Request, viewer: Viewer) -> Reply:
    form = await NewRequest.read(request)
    batch = str((await request.form()).get("batch", ""))[:36] or str(uuid.uuid4())
    try:
        selection, _, due, items = await _meant(request, viewer, form)
        done = await make_requests(selection, form.title.data, form.message.data or "", due, items, batch, by=viewer)
    except Refused as refused:
        form.refuse(Refused("numbers" if refused.field in ("clients", "group") else refused.field, refused.why))
        return await _new(viewer, form, invalid)
    if isinstance(done, Task):
        return go(f"/tasks/{done.id}")
    return go(list_.url(), toast=Say("Gevraagd aan {n} cliënten.", n=done))


@requests.get("/requests/{asking_id:int}")
async def page(request: Request, viewer: Viewer, asking_id: int) -> Reply:
    found: DocumentRequest = await viewer.scope(DocumentRequest).get(asking_id)
    items = await items_of(found)
    return show(
        "requests/page.html", title=found.title, section="requests", request=found, items=items,
        shut=await shut_documents([row["id"] for one in items for row in one["documents"]]),
        client=await viewer.clients.get(found.client), may_edit=viewer.may("edit_dossiers") and viewer.view_as is None,
    )  # fmt: skip


@requests.post("/requests/{asking_id:int}/withdrawal")
async def withdraw_(request: Request, viewer: Viewer, asking_id: int) -> Reply:
    found = await viewer.scope(DocumentRequest).get(asking_id)
    await withdraw(found, by=viewer)
    return go(list_.url(), toast=Say("“{title}” is ingetrokken.", title=found.title))


@requests.post("/requests/{asking_id:int}/due")
async def due(request: Request, viewer: Viewer, asking_id: int) -> Reply:
    found = await viewer.scope(DocumentRequest).get(asking_id)
    try:
        await change_due(found, day_in(str((await request.form()).get("due_on", ""))), by=viewer)
    except Refused as refused:
        return go(page.url(asking_id=asking_id), toast=Toast(refused.why, "attention"))
    return go(page.url(asking_id=asking_id), toast=Say("De uiterste dag is bewaard."))


@requests.post("/requests/{asking_id:int}/acceptance")
async def accept_everything(request: Request, viewer: Viewer, asking_id: int) -> Reply:
    found = await viewer.scope(DocumentRequest).get(asking_id)
    count = await accept_all(found, by=viewer)
    return go(page.url(asking_id=asking_id), toast=Say("{n} goedgekeurd.", n=count))


@requests.post("/request-items/{item_id:int}/acceptance")
async def accept_item(request: Request, viewer: Viewer, item_id: int) -> Reply:
    item = await viewer.scope(RequestItem).get(item_id)
    try:
        await accept(item, by=viewer)
    except Refused as refused:
        return go(page.url(asking_id=item.request), toast=Toast(refused.why, "attention"))
    return go(page.url(asking_id=item.request), toast=Say("“{title}” is goedgekeurd.", title=item.title))


@requests.post("/request-items/{item_id:int}/return")
async def return_item(request: Request, viewer: Viewer, item_id: int) -> Reply:
    item = await viewer.scope(RequestItem).get(item_id)
    try:
        await send_back(item, str((await request.form()).get("reason", "")), by=viewer)
    except Refused as refused:
        return go(page.url(asking_id=item.request), toast=Toast(refused.why, "attention"))
    return go(page.url(asking_id=item.request), toast=Say("“{title}” is teruggestuurd.", title=item.title))


@requests.get("/requests/templates/new")
async def new_template(request: Request, viewer: Viewer) -> Reply:
    return _template(None, TemplateForm.blank(), show)


@requests.get("/requests/templates/{request_template_id:int}")
async def template(request: Request, viewer: Viewer, request_template_id: int) -> Reply:
    found = await viewer.scope(RequestTemplate).get(request_template_id)
    form = TemplateForm.blank(name=found.name, message=found.message, items=_as_text(await template_items(found)))
    return _template(found, form, show)


@requests.post("/requests/templates")
async def add_template(request: Request, viewer: Viewer) -> Reply:
    return await _save_template(request, viewer, None)


@requests.post("/requests/templates/{request_template_id:int}")
async def change_template(request: Request, viewer: Viewer, request_template_id: int) -> Reply:
    return await _save_template(request, viewer, await viewer.scope(RequestTemplate).get(request_template_id))


@requests.post("/requests/templates/{request_template_id:int}/removal")
async def remove_template_(request: Request, viewer: Viewer, request_template_id: int) -> Reply:
    found = await viewer.scope(RequestTemplate).get(request_template_id)
    await remove_template(found, by=viewer)
    return go(list_.url(), toast=Say("Sjabloon “{name}” is verwijderd.", name=found.name))


async def _save_template(request: Request, viewer: Viewer, found: RequestTemplate | None) -> Reply:
    form = await TemplateForm.read(request)

    async def save(name: str, message: str, items: str) -> None:
        await save_template(
            viewer.scope(RequestTemplate), found, name, message or "", read_items(items or ""), by=viewer
        )

    if await form.submit(save):
        return go(list_.url(), toast=Say("Sjabloon “{name}” is bewaard.", name=form.name.data))
    return _template(found, form, invalid)


def _template(found: RequestTemplate | None, form: TemplateForm, make: Callable[..., Reply]) -> Reply:
    return make(
        "requests/template.html", title=Say("Sjabloon voor opvragen"), section="requests", template=found, form=form
    )


def day_in(text: str | None) -> dt.date | None:
    """A day as a browser or a Dutchman writes it; None for nothing. Raises Refused."""
    text = (text or "").strip()
    if not text:
        return None
    for form in ("%Y-%m-%d", "%d-%m-%Y", "%d/%m/%Y"):
        try:
            return dt.datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise Refused("due_on", Say("Vul een dag in, bijvoorbeeld 31-12-2026."))


def _as_text(items: list[tuple[str, str]]) -> str:
    return "\n".join(f"{title} | {why}" if why else title for title, why in items)
