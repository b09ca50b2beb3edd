"""Beheer > Instellingen > Rechten: the templates of rights that client users are given."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models.accounts.roles import BY_MODULE, WITHOUT_MODULE
from models.clients.rights import (
    RightsTemplate,
    add_template,
    folders_of,
    opened_folders,
    template_use,
    templates,
    templates_used,
    usual_folders,
    with_view,
)
from models.core import Refused, Say
from models.viewer import Right, Viewer
from web.forms import Form, Text
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes, rehearsing
from web.settings import about, allow

settings = Routes("settings", Access.STAFF)


class Template(Form):
    name = Text(most=120, required=True)


@settings.get("/settings/rights")
async def rights(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    rows = [row | {"can": _in_words(row["rights"])} for row in await templates_used()]
    return show("settings/rights.html", **about("rights", templates=rows))


@settings.get("/settings/rights/new")
async def new_template(request: Request, viewer: Viewer) -> Reply:
    allow(viewer)
    return show("settings/template.html", **await _template(None, Template.blank(), 0, {}))


@settings.post("/settings/rights/new")
async def add(request: Request, viewer: Viewer) -> Reply:
    form, (bits, folders) = await Template.read(request), await _chosen(request)

    async def adding(name: str) -> None:
        await add_template(viewer.scope(RightsTemplate), name, bits, folders, by=viewer)

    if await form.submit(adding):
        return go(rights.url(), toast=Say("Sjabloon “{name}” toegevoegd.", name=form.name.data))
    return invalid("settings/template.html", **await _template(None, form, bits, folders))


@settings.get("/settings/rights/{template_id:int}")
async def template(request: Request, viewer: Viewer, template_id: int) -> Reply:
    allow(viewer)
    one = await viewer.scope(RightsTemplate).get(template_id)
    form = Template.blank(name=one.name)
    return show("settings/template.html", **await _template(one, form, one.rights, await folders_of(one.id)))


@settings.post("/settings/rights/{template_id:int}")
async def change_template(request: Request, viewer: Viewer, template_id: int) -> Reply:
    """First shown for how many people something changes; then, confirmed, done."""
    allow(viewer)
    one = await viewer.scope(RightsTemplate).get(template_id)
    form, (bits, folders) = await Template.read(request), await _chosen(request)
    typed = await request.form()
    held = await template_use(one.key)
    moved = with_view(bits) != one.rights or folders != await folders_of(one.id)
    if not form.errors and moved and held["people"] and not typed.get("confirmed") and not rehearsing.get():
        context = await _template(one, form, bits, folders)
        return show("settings/template.html", **context | {"asks": _differs(one.rights, with_view(bits))})

    async def changing(name: str) -> None:
        await one.change(name, bits, folders, by=viewer)

    if await form.submit(changing):
        return go(rights.url(), toast=Say("Sjabloon “{name}” is bewaard.", name=one.name))
    return invalid("settings/template.html", **await _template(one, form, bits, folders))


@settings.get("/settings/rights/{template_id:int}/removal")
async def removal(request: Request, viewer: Viewer, template_id: int) -> Reply:
    """What goes with it, and what becomes of that."""
    allow(viewer)
    one = await viewer.scope(RightsTemplate).get(template_id)
    return show("settings/template_removal.html", **await _removal(one))


@settings.post("/settings/rights/{template_id:int}/removal")
async def remove_template(request: Request, viewer: Viewer, template_id: int) -> Reply:
    allow(viewer)
    one, form = await viewer.scope(RightsTemplate).get(template_id), await request.form()
    do, to = str(form.get("do", "")), str(form.get("to", ""))
    try:
        carry_to = None
        if do == "carry":
            if not to.isdecimal() or len(to) > 9:
                raise Refused("", Say("Kies een ander sjabloon."))
            carry_to = await viewer.scope(RightsTemplate).get(int(to))
        await one.remove(carry_to, drops=do == "drop", by=viewer)
    except Refused as refused:
        return invalid("settings/template_removal.html", **await _removal(one) | {"problem": refused.why, "do": do})
    return go(rights.url(), toast=Say("Sjabloon “{name}” is verwijderd.", name=one.name))


async def _removal(one: RightsTemplate) -> dict[str, Any]:
    others = [row for row in await templates() if row["id"] != one.id]
    return about(
        "rights", template=one, held=await template_use(one.key), opened=await opened_folders(one.id), others=others,
        problem=None, do="",
    )  # fmt: skip


async def _chosen(request: Request) -> tuple[int, dict[str, bool]]:
    """The rights that were ticked, and the folders: `folder` their names, `act-<name>` where one may also hand in."""
    form = await request.form()
    known = {str(int(right)): int(right) for right in Right}
    bits = sum({known[str(one)] for one in form.getlist("rights") if str(one) in known})
    names = [" ".join(str(one).replace("\x00", "").split())[:1000] for one in form.getlist("folder")]
    return bits, {name: bool(form.get(f"act-{name}")) for name in names if name}


async def _template(one: RightsTemplate | None, form: Template, bits: int, folders: dict[str, bool]) -> dict[str, Any]:
    offered = [name for name in await usual_folders() if name not in folders]
    return about(
        "rights", template=one, form=form, bits=bits, folders=folders, offered=offered, by_module=BY_MODULE,
        without_module=WITHOUT_MODULE, held=await template_use(one.key) if one else None, asks=None,
    )  # fmt: skip


def _in_words(bits: int) -> list[Say]:
    pairs = [(right, label) for one in BY_MODULE for right, label in ((one.view, one.looking), (one.act, one.acting))]
    return [label for right, label in (*pairs, *WITHOUT_MODULE) if bits & right]


def _differs(before: int, after: int) -> dict[str, list[Say]]:
    return {"more": _in_words(after & ~before), "less": _in_words(before & ~after)}
