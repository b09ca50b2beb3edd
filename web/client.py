"""One client: at a glance, his details, his log; and a new one."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

from starlette.requests import Request

from models import dutch
from models.clients import Client, add_client, lists, portrait
from models.clients.checks import CHECKS, FIELDS, LENGTHS
from models.clients.visits import visited
from models.core import Missing, Say
from models.viewer import Viewer
from web.clients import page_number
from web.forms import Form, SelectMultipleField, StringField, Text, TypedText
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes, remember

clients = Routes("clients", Access.STAFF)

LOG_SIZE = 50


def _line(name: str, *, required: bool = False) -> Text:
    if name in CHECKS:
        return TypedText(CHECKS[name], most=LENGTHS[name])
    return Text(most=LENGTHS[name], required=required)


class DateText(TypedText):
    """A day in Dutch notation; None when left empty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(dutch.parse_date, most=20, **kwargs)

    def _value(self) -> str:
        return self.data.strftime("%d-%m-%Y") if isinstance(self.data, dt.date) else str(self.data or "")

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        super().post_validate(form, validation_stopped)
        if not self.errors and not self.data:
            self.data = None  # type: ignore[assignment]


class Details(Form):
    number = _line("number", required=True)
    name = _line("name", required=True)
    legal_form = _line("legal_form")
    kvk = _line("kvk")
    vat = _line("vat")
    iban = _line("iban")
    street = _line("street")
    house_number = _line("house_number")
    addition = _line("addition")
    postcode = _line("postcode")
    city = _line("city")
    email = _line("email")
    phone = _line("phone")
    sector = _line("sector")
    manager = _line("manager")
    since = DateText()
    seen = StringField()


class Ticks(Form):
    groups = SelectMultipleField(coerce=int, validate_choice=False)
    people = SelectMultipleField(coerce=int, validate_choice=False)


@clients.get("/clients/new")
async def new(request: Request, viewer: Viewer) -> Reply:
    _allow(viewer)
    return show("clients/new.html", title=Say("Cliënt toevoegen"), section="clients", form=Details.blank())


@clients.post("/clients/new")
async def add(request: Request, viewer: Viewer) -> Reply:
    form = await Details.read(request)
    made: list[Client] = []

    async def adding(**details: Any) -> None:
        made.append(await add_client(viewer.clients, **_without_seen(details)))

    if await form.submit(adding, by=viewer):
        return go(page.url(client_id=made[0].id), toast=Say("Cliënt “{name}” toegevoegd.", name=made[0].name))
    return invalid("clients/new.html", title=Say("Cliënt toevoegen"), section="clients", form=form)


@clients.get("/clients/{client_id:int}")
async def page(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    about = await portrait.of(client)
    remember(request, partial(visited, viewer.user.id, client_id))
    return show("clients/page.html", title=client.name, section="clients", client=client, tab="overview", **about)


@clients.get("/clients/{client_id:int}/details")
async def details(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    form = Details.blank(**{name: getattr(client, name) for name in FIELDS}, seen=client.version)
    return show(
        "clients/details.html", title=client.name, section="clients", **await _details(viewer, client), form=form
    )


@clients.post("/clients/{client_id:int}/details")
async def change(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    form = await Details.read(request)
    if await form.submit(client.change, by=viewer):
        return go(details.url(client_id=client_id), toast=Say("De gegevens zijn bewaard."))
    now = _changed_meanwhile(client, form)
    form.seen.data, form.seen.raw_data = (
        client.version,
        None,
    )  # what was typed is saved over it at the next try, knowingly
    context = await _details(viewer, client)
    return invalid("clients/details.html", title=client.name, section="clients", **{**context, "now": now}, form=form)


@clients.post("/clients/{client_id:int}/groups")
async def set_groups(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    form = await Ticks.read(request)
    await client.set_groups(form.groups.data or [], by=viewer)
    return go(details.url(client_id=client_id), toast=Say("De groepen zijn bewaard."))


@clients.post("/clients/{client_id:int}/responsible")
async def set_responsible_people(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    form = await Ticks.read(request)
    await client.set_responsible(form.people.data or [], by=viewer)
    return go(details.url(client_id=client_id), toast=Say("Bewaard wie verantwoordelijk is."))


@clients.post("/clients/{client_id:int}/archive")
async def archive(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    await client.archive(by=viewer)
    undo = restore.url(client_id=client_id)
    return go(page.url(client_id=client_id), toast=Say("“{name}” is gearchiveerd.", name=client.name), undo=undo)


@clients.post("/clients/{client_id:int}/restoration")
async def restore(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    await client.restore(by=viewer)
    return go(page.url(client_id=client_id), toast=Say("“{name}” is weer actief.", name=client.name))


@clients.get("/clients/{client_id:int}/log")
async def log(request: Request, viewer: Viewer, client_id: int) -> Reply:
    from web.trail import sentence

    client = await viewer.clients.get(client_id)
    number = page_number(request)
    lines, total = await portrait.log(client, number, LOG_SIZE)
    return show(
        "clients/log.html",
        title=client.name,
        section="clients",
        client=client,
        tab="log",
        lines=[{**line, "text": sentence(line)} for line in lines],
        total=total,
        page=number,
        size=LOG_SIZE,
        base=log.url(client_id=client_id),
    )


async def _details(viewer: Viewer, client: Client) -> dict[str, Any]:
    about = await portrait.of(client)
    return {
        "client": client,
        "tab": "details",
        "now": [],
        "own_groups": {row["id"] for row in about["client_groups"]},
        "own_staff": {row["id"] for row in about["staff"]},
        **await lists.choices(viewer),
    }


def _changed_meanwhile(client: Client, form: Details) -> list[tuple[str, str]]:
    """(field, what is kept now) of what differs from what was typed, when somebody else saved in between."""
    if form.seen.data == client.version:
        return []
    kept = {name: getattr(client, name) for name in FIELDS}
    typed = {name: form[name].data or None for name in FIELDS}
    return [(name, str(kept[name] or "–")) for name in FIELDS if (kept[name] or None) != typed[name]]


def _without_seen(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "seen"}


def _allow(viewer: Viewer) -> None:
    if not viewer.may("manage_clients"):
        raise Missing("clients.new")
