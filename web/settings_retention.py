"""Beheer > Instellingen > Bewaartermijnen: how long what is kept, and on which ground."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from models.core import Say
from models.keeping import anchors
from models.retention import ANCHORS, RetentionClass, add_class, classes
from models.settings import Firm
from models.viewer import Viewer
from web.forms import Form, SelectField, Text, TypedText
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes
from web.settings import about, allow

settings = Routes("settings", Access.STAFF)


def _months(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 5 else 0


class Retention(Form):
    name = Text(most=120, required=True)
    months = TypedText(_months, most=4, required=True)
    anchor = SelectField(list(ANCHORS.items()))
    ground = Text(most=300)


class Keeping(Form):
    trash_days = Text(most=9, asked=True)
    margin_months = Text(most=9, asked=True)
    approval_months = Text(most=9, asked=True)
    check_days = Text(most=9, asked=True)


@settings.get("/settings/retention")
async def retention(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    firm = await Firm.load()
    return await _page(Keeping.blank(**{name: getattr(firm, name) for name in Keeping.blank().data}), show)


@settings.post("/settings/retention")
async def set_keeping(request: Request, viewer: Viewer) -> Reply:
    """The days of the trash, the margin for extensions, the term of approvals that were not filed, and how often files are checked."""
    allow(viewer)
    firm, form = await Firm.load(), await Keeping.read(request)
    if await form.submit(firm.change, by=viewer):
        return go(retention.url(), toast=Say("De instellingen zijn bewaard."))
    return await _page(form, invalid)


async def _page(form: Keeping, make: Callable[..., Reply]) -> Reply:
    rows, used = await classes(), await anchors.used()
    for row in rows:
        row["used"] = used.get(row["id"], {})
    return make(
        "settings/retention.html",
        **about("retention", rows=rows, anchors=ANCHORS, form=form, kinds=await anchors.kinds_with_class()),
    )


@settings.get("/settings/retention/new")
async def new_class(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    return show(
        "settings/retention_class.html", **about("retention", form=Retention.blank(months="84"), one=None, where=[])
    )


@settings.post("/settings/retention/new")
async def add_retention(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    form = await Retention.read(request)

    async def adding(**typed: Any) -> None:
        await add_class(viewer.scope(RetentionClass), **typed, by=viewer)

    if await form.submit(adding):
        return go(retention.url(), toast=Say("Bewaartermijn “{name}” toegevoegd.", name=form.name.data))
    return invalid("settings/retention_class.html", **about("retention", form=form, one=None, where=[]))


@settings.get("/settings/retention/{class_id:int}")
async def retention_class(request: Request, viewer: Viewer, class_id: int) -> Reply:
    allow(viewer)
    one = await viewer.scope(RetentionClass).get(class_id)
    form = Retention.blank(name=one.name, months=one.months, anchor=one.anchor, ground=one.ground)
    where = await anchors.structures_of(class_id)
    return show("settings/retention_class.html", **about("retention", form=form, one=one, where=where))


@settings.post("/settings/retention/{class_id:int}")
async def change_class(request: Request, viewer: Viewer, class_id: int) -> Reply:
    allow(viewer)
    one = await viewer.scope(RetentionClass).get(class_id)
    form = await Retention.read(request)
    if await form.submit(one.change, by=viewer):
        return go(retention.url(), toast=Say("Bewaartermijn “{name}” is bewaard.", name=one.name))
    return invalid("settings/retention_class.html", **about("retention", form=form, one=one, where=[]))


@settings.post("/settings/retention/{class_id:int}/removal")
async def remove_class(request: Request, viewer: Viewer, class_id: int) -> Reply:
    one = await viewer.scope(RetentionClass).get(class_id)
    await one.remove(by=viewer)
    return go(retention.url(), toast=Say("Bewaartermijn “{name}” is verwijderd.", name=one.name))
