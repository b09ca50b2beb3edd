"""The particulars of one client: adding and changing them, its groups, sectors, modules, colleagues, BSN and partner."""

from __future__ import annotations

import datetime as dt
from typing import Any

from starlette.requests import Request

from models import dutch
from models.clients import Client, add_client, lists, sectors
from models.clients.checks import ABROAD, CHECKS, CHOICES, FIELDS, LENGTHS, WITH_BSN
from models.clients.portrait import particulars
from models.clients.records import RESPONSIBLE_FOR
from models.core import Missing, Refused, Say
from models.offices import Office
from models.settings import MODULES
from models.viewer import Viewer
from web.client import page
from web.forms import Form, SelectField, SelectMultipleField, StringField, Text, TextAreaField, TypedText, an_id
from web.proof import asks_proof
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes
from web.settings import MODULE_NAMES
from web.staff import ids_in

clients = Routes("clients", Access.STAFF)


def line(name: str, *, required: bool = False) -> Text:
    """The field of a form for one line of a client's details, with its check and its length."""
    if name in ABROAD:
        return Postcode(ABROAD[name])
    if name in CHECKS:
        return TypedText(CHECKS[name], most=LENGTHS[name])
    return Text(most=LENGTHS[name], required=required)


class Postcode(TypedText):
    """A Dutch one, unless a country was typed."""

    def __init__(self, country: str = "", **kwargs: Any) -> None:
        super().__init__(dutch.postcode, most=LENGTHS["postcode"], **kwargs)
        self.country = country

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        if form[self.country].data:
            return
        super().post_validate(form, validation_stopped)


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


TONES = [(True, Say("U: Geachte heer Jansen")), (False, Say("Je: Beste Jan"))]


class Details(Form):
    """Every plain field of a client; `offered` sets the branch offices that can be chosen."""

    number = line("number", required=True)
    name = line("name", required=True)
    kind = SelectField(list(CHOICES["kind"].items()), default="organisation")
    legal_form = line("legal_form")
    kvk = line("kvk")
    branch_number = line("branch_number")
    rsin = line("rsin")
    vat = line("vat")
    payroll_numbers = line("payroll_numbers")
    iban = line("iban")
    street = line("street")
    house_number = line("house_number")
    letter = line("letter")
    addition = line("addition")
    postcode = line("postcode")
    city = line("city")
    lines = TextAreaField()
    country = line("country")
    post_street = line("post_street")
    post_house_number = line("post_house_number")
    post_letter = line("post_letter")
    post_addition = line("post_addition")
    post_postcode = line("post_postcode")
    post_city = line("post_city")
    post_lines = TextAreaField()
    post_country = line("post_country")
    email = line("email")
    phone = line("phone")
    website = line("website")
    language = SelectField(list(CHOICES["language"].items()), default="nl")
    formal = SelectField(
        TONES,
        coerce=lambda value: str(value) == "True",
        default=True,
    )
    second_factor = SelectField(list(CHOICES["second_factor"].items()), default="")
    office = SelectField(coerce=lambda value: int(value) if str(value).isdecimal() else 0, default=0)
    manager = line("manager")
    since = DateText()
    notes = TextAreaField()
    seen = StringField()


class Ticks(Form):
    groups = SelectMultipleField(coerce=an_id, validate_choice=False)
    people = SelectMultipleField(coerce=an_id, validate_choice=False)


@clients.get("/clients/new")
async def new(request: Request, viewer: Viewer) -> Reply:
    _allow(viewer)
    form = await _offered(viewer, Details.blank(formal=True, language="nl", office=viewer.fence or 0))
    return show("clients/new.html", title=Say("Cliënt toevoegen"), section="clients", form=form)


@clients.post("/clients/new")
async def add(request: Request, viewer: Viewer) -> Reply:
    form = await _read(request, viewer)
    made: list[Client] = []

    async def adding(**details: Any) -> None:
        made.append(await add_client(viewer.clients, **_without_seen(details)))

    if await form.submit(adding, by=viewer):
        return go(page.url(client_id=made[0].id), toast=Say("Cliënt “{name}” toegevoegd.", name=made[0].name))
    return invalid("clients/new.html", title=Say("Cliënt toevoegen"), section="clients", form=form)


@clients.get("/clients/{client_id:int}/details")
async def details(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    return show("clients/details.html", **await _details(viewer, client))


@clients.post("/clients/{client_id:int}/details")
async def change(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    form = await _read(request, viewer, client)
    if await form.submit(client.change, by=viewer):
        return go(details.url(client_id=client_id), toast=Say("De gegevens zijn bewaard."))
    now = _changed_meanwhile(client, form)
    # What was typed is saved over it at the next try, knowingly.
    form.seen.data, form.seen.raw_data = client.version, None
    return invalid("clients/details.html", **await _details(viewer, client, form=form, now=now))


@clients.post("/clients/{client_id:int}/groups")
async def set_groups(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    form = await Ticks.read(request)
    await client.set_groups(form.groups.data or [], by=viewer)
    return go(details.url(client_id=client_id), toast=Say("De groepen zijn bewaard."))


@clients.post("/clients/{client_id:int}/responsible")
async def set_responsible_people(request: Request, viewer: Viewer, client_id: int) -> Reply:
    """Who is responsible, and each for what: `role-7-tax` beside person 7."""
    client = await viewer.clients.get(client_id)
    form, typed = await Ticks.read(request), await request.form()
    people = form.people.data or []
    roles = {one: [role for role in RESPONSIBLE_FOR if f"role-{one}-{role}" in typed] for one in people}
    told = roles if "roles" in typed else None
    await client.set_responsible(people + ids_in(typed, "person"), told, by=viewer)
    return go(details.url(client_id=client_id), toast=Say("Bewaard wie verantwoordelijk is."))


@clients.post("/clients/{client_id:int}/sectors")
async def set_sectors(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    await client.set_sectors(ids_in(await request.form(), "sectors"), by=viewer)
    return go(details.url(client_id=client_id), toast=Say("De branches zijn bewaard."))


@clients.post("/clients/{client_id:int}/modules")
async def set_modules(request: Request, viewer: Viewer, client_id: int) -> Reply:
    """The ceiling of what its users may have."""
    client = await viewer.clients.get(client_id)
    await client.set_modules([str(one) for one in (await request.form()).getlist("modules")], by=viewer)
    return go(details.url(client_id=client_id), toast=Say("De onderdelen zijn bewaard."))


@clients.post("/clients/{client_id:int}/bsn")
async def set_bsn(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    typed = str((await request.form()).get("bsn", "")).strip()[:40]
    try:
        await client.set_bsn(typed, by=viewer)
    except Refused as refused:
        return invalid("clients/details.html", **await _details(viewer, client, wrong_bsn=refused.why))
    words = Say("Het BSN is versleuteld bewaard.") if typed else Say("Het BSN is weggehaald.")
    return go(details.url(client_id=client_id), toast=words)


@clients.post("/clients/{client_id:int}/bsn/reveal")
async def reveal_bsn(request: Request, viewer: Viewer, client_id: int) -> Reply:
    """The number itself, once, on this page; that somebody looked is on the trail."""
    client = await viewer.clients.get(client_id)
    if asked := await asks_proof(request, viewer, details.url(client_id=client_id)):
        return asked
    return show("clients/details.html", **await _details(viewer, client, bsn=await client.reveal_bsn(by=viewer)))


@clients.post("/clients/{client_id:int}/partner")
async def set_partner(request: Request, viewer: Viewer, client_id: int) -> Reply:
    """The fiscal partner, by number or exact name; nothing typed ends it."""
    client = await viewer.clients.get(client_id)
    typed = str((await request.form()).get("partner", "")).strip()[:230]
    try:
        partner = await _named(viewer, typed) if typed else None
        await client.set_partner(partner, by=viewer)
    except Refused as refused:
        return invalid(
            "clients/details.html", **await _details(viewer, client, wrong_partner=refused.why, partner_typed=typed)
        )
    words = Say("{a} en {b} zijn fiscale partners.", a=client.name, b=partner.name) if partner else Say("Het partnerschap is losgemaakt.")  # fmt: skip
    return go(details.url(client_id=client_id), toast=words)


async def _named(viewer: Viewer, typed: str) -> Client:
    found = lists.named(viewer, typed)
    one = await found.find() if await found.count() == 1 else None
    if one is None:
        raise Refused("partner", Say("Geen cliënt heeft dit nummer, of meer cliënten heten zo: typ het nummer."))
    return one


async def _offered(viewer: Viewer, form: Details) -> Details:
    offices = await viewer.scope(Office).select(Office.id, Office.name, order=(Office.name_key,))
    form.office.choices = [(0, Say("Geen"))] if not viewer.fence else []
    form.office.choices += [(row["id"], row["name"]) for row in offices]
    return form


async def _read(request: Request, viewer: Viewer, client: Client | None = None) -> Details:
    typed = await request.form()
    there = {name: getattr(client, name) for name in FIELDS} if client else {"office": viewer.fence or 0}
    form = await _offered(viewer, Details(typed, data={**there, "office": there["office"] or 0}))
    form.general = []
    form.validate()
    return form


async def _details(viewer: Viewer, client: Client, form: Details | None = None, **more: Any) -> dict[str, Any]:
    if form is None:
        there = {name: getattr(client, name) for name in FIELDS}
        form = Details.blank(**{**there, "office": client.office or 0, "seen": client.version})
        await _offered(viewer, form)
    about = await particulars(client)
    ticked = MODULES if not client.modules else client.modules.split(",")
    return {
        "title": client.name,
        "section": "clients",
        "client": client,
        "tab": "details",
        "form": form,
        "now": [],
        "bsn": None,
        "wrong_bsn": None,
        "wrong_partner": None,
        "partner_typed": about["partner"]["number"] if about["partner"] else "",
        "has_bsn": client.kind in WITH_BSN,
        "sectors": await sectors.of_client(client.id),
        "modules": [(key, name, key in ticked) for key, name in MODULE_NAMES.items()],
        "duties": RESPONSIBLE_FOR,
        **about,
        **await lists.choices(viewer),
        **more,
    }


def _changed_meanwhile(client: Client, form: Details) -> list[tuple[str, str]]:
    """(field, what is kept now) of what differs from what was typed, when somebody else saved in between."""
    if form.seen.data == client.version:
        return []
    kept = {name: getattr(client, name) for name in FIELDS if name in form}
    return [(name, str(value or "–")) for name, value in kept.items() if (value or None) != (form[name].data or None)]


def _without_seen(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "seen"}


def _allow(viewer: Viewer) -> None:
    if not viewer.may("manage_clients"):
        raise Missing("clients.new")
