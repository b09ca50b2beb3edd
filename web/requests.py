"""Requests: the board over all clients, asking one or hundreds with a look beforehand, and judging what came in."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import partials
from models import reminding
from models.client_news import ZONE, ladder
from models.clients import Client, ClientGroup, lists
from models.clients.export import workbook
from models.core import Refused, Say
from models.requests import (
    DocumentRequest,
    RequestItem,
    RequestTemplate,
    accept,
    accept_all,
    accept_for_client,
    add_items,
    ask_again,
    board,
    board_counts,
    change_due,
    change_item_due,
    items_of,
    make_requests,
    remove_item,
    remove_template,
    reopen,
    save_template,
    send_back,
    template_items,
    withdraw,
)
from models.requests.making import Whom, as_text, asked_of, folder_names, read_day, read_items
from models.requests.reading import ORDERS, SIZE, Filter, choices, reach_of
from models.scanning import shut_documents
from models.settings import Firm, utcnow
from models.tasks import Task
from models.viewer import Permission, Viewer
from web.clients import as_workbook, ids_of
from web.clients import filter_of as clients_filter
from web.dossiers_copy import selection_in
from web.forms import Asked, Form, SelectField, StringField, Text, TextAreaField, an_id
from web.replies import Reply, Toast, go, invalid, show
from web.routing import Access, Routes

requests = Routes("requests", Access.STAFF)

STATES = [
    ("", Say("Alles")), ("open", Say("Open")), ("late", Say("Te laat")), ("answered", Say("Wacht op beoordeling")),
    ("done", Say("Klaar")), ("withdrawn", Say("Ingetrokken")),
]  # fmt: skip

COLUMNS = (
    ("number", Say("Nummer")), ("client_name", Say("Cliënt")), ("title", Say("Wat")), ("made_at", Say("Gevraagd")), ("due_on", Say("Uiterlijk")),
    ("state", Say("Toestand")), ("items", Say("Stukken")), ("waiting", Say("Wacht op de cliënt")), ("answered", Say("Wacht op beoordeling")),
    ("accepted", Say("Goedgekeurd")),
)  # fmt: skip


class NewRequest(Form):
    who = SelectField(
        choices=[
            ("clients", Say("Deze cliënten")),
            ("group", Say("Een groep")),
            ("all", Say("Alle cliënten")),
            ("filter", Say("De cliënten van het filter")),
        ],
        default="clients",
    )
    group = SelectField(choices=[], coerce=an_id, validate_choice=False, default=0)
    numbers = StringField(default="")
    title = Text(most=500, required=True)
    message = TextAreaField(default="")
    due_on = StringField(default="")
    items = TextAreaField(default="", validators=[Asked()])
    folder = SelectField(choices=[], validate_choice=False, default="")
    template = StringField(default="")
    narrowed = StringField(default="")


class TemplateForm(Form):
    name = Text(most=500, required=True)
    message = TextAreaField(default="")
    items = TextAreaField(default="", validators=[Asked()])


def filter_of(asked: Any) -> Filter:
    """What the board is narrowed to, out of an address or a form; nonsense is passed over."""

    def number(name: str) -> int:
        value = str(asked.get(name, ""))
        return int(value) if value.isdecimal() and len(value) < 10 else 0

    def day(name: str) -> dt.date | None:
        try:
            return read_day(str(asked.get(name, "")))
        except Refused:
            return None

    state = str(asked.get("state", ""))
    return Filter(
        state if state in dict(STATES) else "", str(asked.get("q", ""))[:100], number("client"), number("responsible"),
        number("template"), day("due_from"), day("due_until"),
    )  # fmt: skip


@requests.get("/requests")
async def list_(request: Request, viewer: Viewer) -> Reply:
    asked = request.query_params
    narrowed, sort = filter_of(asked), asked.get("sort", "due")
    sort = sort if sort.removeprefix("-") in ORDERS else "due"
    number = int(asked["page"]) if asked.get("page", "").isdecimal() and len(asked["page"]) < 6 else 1
    rows, total = await board(viewer, narrowed, number, sort)
    staff, templates = await choices(viewer)
    kept = narrowed.as_query()
    return show(
        "requests/board.html", title=Say("Opvragen"), section="requests", rows=rows, total=total, page=number, size=SIZE,
        counts=await board_counts(viewer), narrowed=narrowed, states=STATES, templates=[{"id": id, "name": name} for id, name in templates],
        staff=[("", Say("Iedereen")), *staff], by_template=[("", Say("Elk sjabloon")), *templates], sort=sort, unsorted=list_.url(**kept),
        base=list_.url(**kept, sort=sort if sort != "due" else None), query={name: value for name, value in kept.items() if value},
        export_url=export.url(**kept), may_edit=viewer.may("edit_dossiers"),
    )  # fmt: skip


@requests.get("/requests/export")
async def export(request: Request, viewer: Viewer) -> Response:
    """All that match the filter, as a workbook."""
    viewer.require(Permission.READ_DOSSIERS)
    rows, _ = await board(viewer, filter_of(request.query_params), 1, size=20_000)
    with partials.speaking(viewer.user.language):
        states = {name: partials.speak(label) for name, label in STATES}
        columns = [(key, partials.speak(heading)) for key, heading in COLUMNS]
    told = [row | {"state": states["late" if row["is_late"] else row["state"]]} for row in rows]
    return as_workbook(await asyncio.to_thread(workbook, told, columns), "opvragingen.xlsx")


@requests.get("/requests/new")
async def new(request: Request, viewer: Viewer) -> Reply:
    """`?template=` fills it in; `?numbers=` are the clients, `?narrowed=` the filter of the list of clients that chooses them."""
    asked = request.query_params
    values: dict[str, Any] = {"who": "clients", "group": 0, "numbers": asked.get("numbers", "")[:20_000]}
    if asked.get("narrowed"):
        values |= {"who": "filter", "narrowed": asked["narrowed"][:2000]}
    if asked.get("template", "").isdecimal() and len(asked["template"]) < 10:
        template = await viewer.scope(RequestTemplate).get(int(asked["template"]))
        values |= {
            "title": template.name, "message": template.message, "items": as_text(await template_items(template)),
            "template": str(template.id),
        }  # fmt: skip
    return await _new(viewer, NewRequest.blank(**values), show)


@requests.post("/requests/choice")
async def choice(request: Request, viewer: Viewer) -> Reply:
    """From the list of clients, on to the form: nothing is asked here."""
    form = await request.form()
    if form.get("all_matching"):
        narrowed = {name: value for name, value in asdict(clients_filter(form)).items() if value}
        return go(new.url(narrowed=json.dumps(narrowed)))
    rows = await lists.picked(viewer, ids_of(form), None).select(Client.number, order=(Client.number_key,), limit=1000)
    return go(new.url(numbers=", ".join(row["number"] for row in rows)))


async def _new(viewer: Viewer, form: NewRequest, make: Callable[..., Reply]) -> Reply:
    groups = await viewer.groups.select(ClientGroup.id, ClientGroup.name, order=(ClientGroup.name_key,))
    form.group.choices = [(0, Say("Kies een groep")), *((group["id"], group["name"]) for group in groups)]
    form.folder.choices = [("", Say("De eerste uploadmap")), *((name, name) for name in await folder_names(viewer))]
    if form.who.data != "filter":
        form.who.choices = form.who.choices[:3]
    return make("requests/new.html", title=Say("Stukken opvragen"), section="requests", form=form, groups=groups)


@requests.post("/requests/preview")
async def preview(request: Request, viewer: Viewer) -> Reply:
    """Of whom it would be asked, and how many people read of it and when; nothing is asked yet."""
    viewer.require(Permission.EDIT_DOSSIERS)
    form = await NewRequest.read(request)
    try:
        whom, clients, due, items = await _meant(request, viewer, form)
    except Refused as refused:
        form.refuse(_beside(refused))
        return await _new(viewer, form, invalid)
    if form.errors:
        return await _new(viewer, form, invalid)
    named = await viewer.clients.where(Client.id.is_in(clients[:500])).select(
        Client.name, order=(Client.sort_key,), limit=12
    )
    return show(
        "requests/preview.html", title=Say("Dit wordt gevraagd"), section="requests", form=form, whom=whom, clients=len(clients),
        names=[row["name"] for row in named], reach=await reach_of(clients), due=due, items=items, batch=str(uuid.uuid4()),
        hour=(await Firm.load()).digest_hour,
    )  # fmt: skip


def _beside(refused: Refused) -> Refused:
    """Where on the form a refusal of whom it is for stands."""
    field = {"clients": "numbers", "group": "numbers", "name": "folder"}.get(refused.field, refused.field)
    return Refused(field, refused.why)


async def _meant(
    request: Request, viewer: Viewer, form: NewRequest
) -> tuple[Whom, list[int], dt.date | None, list[Any]]:
    found = await selection_in(viewer, await request.form())
    whom = Whom(**vars(found), narrowed=str(form.narrowed.data or "") if found.who == "filter" else "")
    return whom, await asked_of(viewer, whom), read_day(form.due_on.data), read_items(form.items.data or "")


@requests.post("/requests")
async def make(request: Request, viewer: Viewer) -> Reply:
    form = await NewRequest.read(request)
    batch = str((await request.form()).get("batch", ""))[:36] or str(uuid.uuid4())
    template = form.template.data or ""
    try:
        whom, _, due, items = await _meant(request, viewer, form)
        done = await make_requests(
            whom, form.title.data, form.message.data or "", due, items, batch, by=viewer, folder=form.folder.data or "",
            template=int(template) if template.isdecimal() and len(template) < 10 else None,
        )  # fmt: skip
    except Refused as refused:
        form.refuse(_beside(refused))
        return await _new(viewer, form, invalid)
    if isinstance(done, Task):
        return go(f"/tasks/{done.id}")
    return go(list_.url(), toast=Say("Gevraagd aan {n} cliënten.", n=done), undo=f"/requests/batches/{batch}/undo")


@requests.get("/requests/{asking_id:int}")
async def page(request: Request, viewer: Viewer, asking_id: int) -> Reply:
    found: DocumentRequest = await viewer.scope(DocumentRequest).get(asking_id)
    items, firm = await items_of(found), await Firm.load()
    waits = [one for one in items if one["state"] in ("open", "sent_back")]
    days = [due for one in waits if (due := one["due_on"] or found.due_on)]
    steps = [step for due in days if (step := ladder(firm).next_step(due, utcnow().astimezone(ZONE).date()))]
    return show(
        "requests/page.html", title=found.title, section="requests", request=found, items=items, waits=len(waits),
        shut=await shut_documents([row["id"] for one in items for row in one["documents"]]),
        client=await viewer.clients.get(found.client), may_edit=viewer.may("edit_dossiers") and viewer.view_as is None,
        reminded=await reminding.of_request(found.id, 20), next_step=min(steps, default=None),
    )  # fmt: skip


@requests.post("/requests/{asking_id:int}/withdrawal")
async def withdraw_(request: Request, viewer: Viewer, asking_id: int) -> Reply:
    found = await viewer.scope(DocumentRequest).get(asking_id)
    await withdraw(found, by=viewer)
    undo = reopen_.url(asking_id=asking_id)
    return go(list_.url(), toast=Say("“{title}” is ingetrokken.", title=found.title), undo=undo)


@requests.post("/requests/{asking_id:int}/reopening")
async def reopen_(request: Request, viewer: Viewer, asking_id: int) -> Reply:
    found = await viewer.scope(DocumentRequest).get(asking_id)
    return await _do(asking_id, reopen(found, by=viewer), Say("“{title}” staat weer open.", title=found.title))


@requests.post("/requests/{asking_id:int}/due")
async def due(request: Request, viewer: Viewer, asking_id: int) -> Reply:
    found = await viewer.scope(DocumentRequest).get(asking_id)
    text = str((await request.form()).get("due_on", ""))
    return await _do(asking_id, _changing_due(change_due, found, text, viewer), Say("De uiterste dag is bewaard."))


@requests.post("/requests/{asking_id:int}/acceptance")
async def accept_everything(request: Request, viewer: Viewer, asking_id: int) -> Reply:
    found = await viewer.scope(DocumentRequest).get(asking_id)
    count = await accept_all(found, by=viewer)
    return go(page.url(asking_id=asking_id), toast=Say("{n} goedgekeurd.", n=count))


@requests.post("/requests/{asking_id:int}/items")
async def add(request: Request, viewer: Viewer, asking_id: int) -> Reply:
    """Ask more: `items`, as on the form of a new request."""
    found = await viewer.scope(DocumentRequest).get(asking_id)
    text = str((await request.form()).get("items", ""))[:60_000]
    try:
        count = await add_items(found, read_items(text), by=viewer)
    except Refused as refused:
        return go(page.url(asking_id=asking_id), toast=Toast(refused.why, "attention"))
    return go(page.url(asking_id=asking_id), toast=Say("{n} erbij gevraagd.", n=count))


@requests.post("/request-items/{item_id:int}/acceptance")
async def accept_item(request: Request, viewer: Viewer, item_id: int) -> Reply:
    item = await viewer.scope(RequestItem).get(item_id)
    return await _do(item.request, accept(item, by=viewer), Say("“{title}” is goedgekeurd.", title=item.title))


@requests.post("/request-items/{item_id:int}/paper")
async def accept_paper(request: Request, viewer: Viewer, item_id: int) -> Reply:
    """It came another way than by the portal; `note` says how."""
    item = await viewer.scope(RequestItem).get(item_id)
    note = str((await request.form()).get("note", ""))
    return await _do(
        item.request, accept_for_client(item, note, by=viewer), Say("“{title}” is goedgekeurd.", title=item.title)
    )


@requests.post("/request-items/{item_id:int}/return")
async def return_item(request: Request, viewer: Viewer, item_id: int) -> Reply:
    item = await viewer.scope(RequestItem).get(item_id)
    reason = str((await request.form()).get("reason", ""))
    return await _do(
        item.request, send_back(item, reason, by=viewer), Say("“{title}” is teruggestuurd.", title=item.title)
    )


@requests.post("/request-items/{item_id:int}/again")
async def ask_item_again(request: Request, viewer: Viewer, item_id: int) -> Reply:
    item = await viewer.scope(RequestItem).get(item_id)
    return await _do(item.request, ask_again(item, by=viewer), Say("“{title}” staat weer open.", title=item.title))


@requests.post("/request-items/{item_id:int}/removal")
async def remove_item_(request: Request, viewer: Viewer, item_id: int) -> Reply:
    item = await viewer.scope(RequestItem).get(item_id)
    return await _do(
        item.request, remove_item(item, by=viewer), Say("“{title}” wordt niet meer gevraagd.", title=item.title)
    )


@requests.post("/request-items/{item_id:int}/due")
async def item_due(request: Request, viewer: Viewer, item_id: int) -> Reply:
    item = await viewer.scope(RequestItem).get(item_id)
    text = str((await request.form()).get("due_on", ""))
    return await _do(
        item.request, _changing_due(change_item_due, item, text, viewer), Say("De uiterste dag is bewaard.")
    )


async def _changing_due(change: Callable[..., Any], record: Any, text: str, viewer: Viewer) -> None:
    await change(record, read_day(text), by=viewer)


async def _do(asking_id: int, change: Awaitable[Any], done: Say) -> Reply:
    """Back to the page of the request, with what was done or why it was not."""
    try:
        await change
    except Refused as refused:
        return go(page.url(asking_id=asking_id), toast=Toast(refused.why, "attention"))
    return go(page.url(asking_id=asking_id), toast=done)


@requests.get("/requests/templates/new")
async def new_template(request: Request, viewer: Viewer) -> Reply:
    return _template(None, TemplateForm.blank(), show)


@requests.get("/requests/templates/{request_template_id:int}")
async def template(request: Request, viewer: Viewer, request_template_id: int) -> Reply:
    found = await viewer.scope(RequestTemplate).get(request_template_id)
    form = TemplateForm.blank(name=found.name, message=found.message, items=as_text(await template_items(found)))
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
