"""Beheer > Bewaren > Opgeschort: terms that are suspended because of a case, put on things and lifted."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models.clients import lists
from models.core import Missing, Refused, Say
from models.keeping import holds
from models.keeping.holds import On, add_hold, extend, lift
from models.keeping.records import Hold
from models.notices import ZONE
from models.settings import utcnow
from models.viewer import Viewer
from web.client_details import DateText
from web.forms import Form, Required, Text, TextAreaField
from web.keeping import about, allow
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes

keeping = Routes("keeping", Access.STAFF)


class NewHold(Form):
    of = Text(most=200, asked=True)
    name = Text(most=120, asked=True)
    reason = TextAreaField(default="", validators=[Required()])
    since = DateText(asked=True)
    expected_until = DateText()


class Lifting(Form):
    why = TextAreaField(default="", validators=[Required()])


@keeping.get("/keeping/holds")
async def list_holds(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    return show("keeping/holds.html", **about("holds", Say("Opgeschorte bewaarplicht")), rows=await holds.all_holds())


@keeping.get("/keeping/holds/new")
async def new_hold(request: Request, viewer: Viewer) -> Reply:
    """On what, the address says (`client`, `folder` or `document`); else a client is asked for."""
    allow(viewer)
    form = NewHold.blank(since=utcnow().astimezone(ZONE).date())
    return show("keeping/hold_new.html", **await _adding(request, viewer, form))


@keeping.post("/keeping/holds/new")
async def create_hold(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    form, on = await NewHold.read(request), _on(request)
    if not form.since.data and not form.since.errors:
        form.since.errors = [Say("Vul een dag in.")]

    async def adding(of: str, **typed: Any) -> None:
        await add_hold(viewer.scope(Hold), **typed, on=on or On(client=await _named(viewer, of)), by=viewer)

    if await form.submit(adding):
        return go(list_holds.url(), toast=Say("De bewaarplicht is opgeschort: “{name}”.", name=form.name.data))
    return invalid("keeping/hold_new.html", **await _adding(request, viewer, form))


async def _adding(request: Request, viewer: Viewer, form: NewHold) -> dict[str, Any]:
    on, name = _on(request), ""
    if on and on.document:
        name = (await viewer.documents.get(on.document)).name
    elif on and on.folder:
        name = (await viewer.folders.get(on.folder)).name
    elif on:
        name = (await viewer.clients.get(on.client or 0)).name
    running = [row for row in await holds.all_holds() if row["lifted_at"] is None] if on else []
    asked = {key: value for key, value in on._asdict().items() if value} if on else {}
    return about("holds", Say("Bewaarplicht opschorten"), form=form, on=name, query=asked, running=running)


async def _named(viewer: Viewer, typed: str) -> int:
    """The client of whom the number or the name was typed. Raises Refused."""
    found = lists.named(viewer, typed)
    one = await found.find() if typed and await found.count() == 1 else None
    if one is None:
        raise Refused("of", Say("Geen cliënt heeft dit nummer, of meer cliënten heten zo: typ het nummer."))
    return int(one.id)


@keeping.get("/keeping/holds/{hold_id:int}")
async def hold(request: Request, viewer: Viewer, hold_id: int) -> Reply:
    allow(viewer)
    one = await viewer.scope(Hold).get(hold_id)
    return show("keeping/hold.html", **await _hold(one, Lifting.blank()))


@keeping.post("/keeping/holds/{hold_id:int}/items")
async def add_to_hold(request: Request, viewer: Viewer, hold_id: int) -> Reply:
    """The same case, on one thing more; which, the address says."""
    allow(viewer)
    one = await viewer.scope(Hold).get(hold_id)
    on = _on(request)
    if on is None:
        raise Missing("hold item")
    await extend(one, on, by=viewer)
    return go(hold.url(hold_id=hold_id), toast=Say("De opschorting “{name}” geldt nu ook hiervoor.", name=one.name))


@keeping.post("/keeping/holds/{hold_id:int}/lifting")
async def lift_hold(request: Request, viewer: Viewer, hold_id: int) -> Reply:
    allow(viewer)
    one = await viewer.scope(Hold).get(hold_id)
    form = await Lifting.read(request)

    async def lifting(why: str) -> None:
        await lift(one, why, by=viewer)

    if await form.submit(lifting):
        return go(list_holds.url(), toast=Say("De opschorting “{name}” is opgeheven.", name=one.name))
    return invalid("keeping/hold.html", **await _hold(one, form))


async def _hold(one: Hold, form: Lifting) -> dict[str, Any]:
    return about("holds", Say("Opgeschorte bewaarplicht"), one=one, items=await holds.items_of(one), form=form)


def _on(request: Request) -> On | None:
    found = {name: request.query_params.get(name, "") for name in ("client", "folder", "document")}
    ids = {name: int(value) for name, value in found.items() if value.isdecimal() and len(value) < 10}
    for name in ("document", "folder", "client"):
        if name in ids:
            return On(**{name: ids[name]})
    return None
