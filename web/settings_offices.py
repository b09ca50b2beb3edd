"""Beheer > Instellingen > Vestigingen: branch offices with a name, colour, logo and sender of their own."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models import branding
from models.clients.lists import Filter, count
from models.core import Refused, Say
from models.offices import FIELDS, Office, add_office, offices_used, staff_of
from models.viewer import Permission, Viewer
from web.forms import Form, Text
from web.replies import Reply, Toast, go, invalid, show
from web.routing import Access, Routes
from web.settings import about, allow
from web.uploads import Received

settings = Routes("settings", Access.STAFF)


class OfficeForm(Form):
    name = Text(most=120, asked=True)
    street = Text(most=120)
    postcode = Text(most=12)
    city = Text(most=120)
    phone = Text(most=40)
    brand = Text(most=20)
    sender_name = Text(most=120)
    sender_address = Text(most=254)


@settings.get("/settings/offices")
async def offices(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    return show("settings/offices.html", **about("offices", rows=await offices_used()))


@settings.get("/settings/offices/new")
async def new_office(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    return show("settings/office.html", **about("offices", form=OfficeForm.blank(), one=None))


@settings.post("/settings/offices/new")
async def add_office_(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    form = await OfficeForm.read(request)
    made: list[Office] = []

    async def adding(**typed: Any) -> None:
        made.append(await add_office(viewer.scope(Office), by=viewer, **typed))

    if await form.submit(adding):
        return go(office.url(office_id=made[0].id), toast=Say("Vestiging “{name}” toegevoegd.", name=made[0].name))
    return invalid("settings/office.html", **about("offices", form=form, one=None))


@settings.get("/settings/offices/{office_id:int}")
async def office(request: Request, viewer: Viewer, office_id: int) -> Reply:
    allow(viewer)
    one = await viewer.scope(Office).get(office_id)
    form = OfficeForm.blank(**{name: getattr(one, name) for name in FIELDS})
    return show("settings/office.html", **await _office(viewer, one, form))


@settings.post("/settings/offices/{office_id:int}")
async def change_office(request: Request, viewer: Viewer, office_id: int) -> Reply:
    allow(viewer)
    one = await viewer.scope(Office).get(office_id)
    form = await OfficeForm.read(request)
    if await form.submit(one.change, by=viewer):
        return go(office.url(office_id=office_id), toast=Say("De vestiging is bewaard."))
    return invalid("settings/office.html", **await _office(viewer, one, form))


@settings.post("/settings/offices/{office_id:int}/removal")
async def remove_office(request: Request, viewer: Viewer, office_id: int) -> Reply:
    one = await viewer.scope(Office).get(office_id)
    try:
        await one.remove(by=viewer)
    except Refused as refused:
        return go(office.url(office_id=office_id), toast=Toast(refused.why, "attention"))
    return go(offices.url(), toast=Say("Vestiging “{name}” is verwijderd.", name=one.name))


async def _may_set_logo(request: Request, viewer: Viewer, office_id: int) -> None:
    viewer.require(Permission.MANAGE_SETTINGS)
    await viewer.scope(Office).get(office_id)


@settings.upload("/settings/offices/{office_id:int}/logo", before=_may_set_logo)
async def set_office_logo(request: Request, viewer: Viewer, office_id: int, received: Received) -> Reply:
    one = await viewer.scope(Office).get(office_id)
    try:
        if received.refused and not received.files:
            raise Refused("logo", Say("Dit bestand kan geen logo zijn. Kies een PNG, JPEG of WebP van hoogstens 2 MB."))
        file = received.one_file("logo")
        await one.set_logo(file.sha256, branding.check_logo(file.head, file.size), by=viewer)
    except Refused as refused:
        return go(office.url(office_id=office_id), toast=Toast(refused.why, "danger"))
    return go(office.url(office_id=office_id), toast=Say("Het logo is bewaard."))


@settings.post("/settings/offices/{office_id:int}/logo/removal")
async def remove_office_logo(request: Request, viewer: Viewer, office_id: int) -> Reply:
    await (await viewer.scope(Office).get(office_id)).remove_logo(by=viewer)
    return go(office.url(office_id=office_id), toast=Say("Het logo is verwijderd."))


async def _office(viewer: Viewer, one: Office, form: OfficeForm) -> dict[str, Any]:
    return about(
        "offices", form=form, one=one, staff=await staff_of(one.id), clients=await count(viewer, Filter(office=one.id)),
    )  # fmt: skip
