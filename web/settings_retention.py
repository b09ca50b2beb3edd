"""Beheer > Instellingen > Bewaartermijnen: how long what is kept, and on which ground."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models.core import Say
from models.retention import ANCHORS, RetentionClass, add_class, classes
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


@settings.get("/settings/retention")
async def retention(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    return show("settings/retention.html", **about("retention", rows=await classes(), anchors=ANCHORS))


@settings.get("/settings/retention/new")
async def new_class(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    return show("settings/retention_class.html", **about("retention", form=Retention.blank(months="84"), one=None))


@settings.post("/settings/retention/new")
async def add_retention(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    form = await Retention.read(request)

    async def adding(**typed: Any) -> None:
        await add_class(viewer.scope(RetentionClass), **typed, by=viewer)

    if await form.submit(adding):
        return go(retention.url(), toast=Say("Bewaartermijn “{name}” toegevoegd.", name=form.name.data))
    return invalid("settings/retention_class.html", **about("retention", form=form, one=None))


@settings.get("/settings/retention/{class_id:int}")
async def retention_class(request: Request, viewer: Viewer, class_id: int) -> Reply:
    allow(viewer)
    one = await viewer.scope(RetentionClass).get(class_id)
    form = Retention.blank(name=one.name, months=one.months, anchor=one.anchor, ground=one.ground)
    return show("settings/retention_class.html", **about("retention", form=form, one=one))


@settings.post("/settings/retention/{class_id:int}")
async def change_class(request: Request, viewer: Viewer, class_id: int) -> Reply:
    allow(viewer)
    one = await viewer.scope(RetentionClass).get(class_id)
    form = await Retention.read(request)
    if await form.submit(one.change, by=viewer):
        return go(retention.url(), toast=Say("Bewaartermijn “{name}” is bewaard.", name=one.name))
    return invalid("settings/retention_class.html", **about("retention", form=form, one=one))


@settings.post("/settings/retention/{class_id:int}/removal")
async def remove_class(request: Request, viewer: Viewer, class_id: int) -> Reply:
    one = await viewer.scope(RetentionClass).get(class_id)
    await one.remove(by=viewer)
    return go(retention.url(), toast=Say("Bewaartermijn “{name}” is verwijderd.", name=one.name))
