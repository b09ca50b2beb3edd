"""Groups of clients: the list, one group with its clients, and adding, renaming and removing one."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

from models.clients import ClientGroup, add_group, add_to_group, lists, remove_from_group
from models.clients import groups as held
from models.clients.grouping import PURPOSES, choices, matching_count
from models.clients.rules import CONDITIONS, LABELS, in_words
from models.core import Refused, Say
from models.viewer import Viewer
from web.clients import SIZE, ids_of, page_number
from web.forms import Form, Text
from web.replies import Reply, go, invalid, show
from web.rights import template_choices
from web.routing import Access, Routes
from web.settings import MODULE_NAMES

groups = Routes("groups", Access.STAFF)


IDS = frozenset({"office", "responsible", "sector"})


class Group(Form):
    name = Text(most=120, required=True)
    description = Text(most=400)


@groups.get("/groups")
async def list_(request: Request, viewer: Viewer) -> Reply:
    return show("groups/list.html", **await _list(viewer), form=Group.blank())


@groups.post("/groups")
async def add(request: Request, viewer: Viewer) -> Reply:
    form = await Group.read(request)
    made: list[ClientGroup] = []

    async def adding(**values: Any) -> None:
        made.append(await add_group(viewer.groups, **values))

    if await form.submit(adding, by=viewer):
        return go(page.url(group_id=made[0].id), toast=Say("Groep “{name}” toegevoegd.", name=made[0].name))
    return invalid("groups/list.html", **await _list(viewer), form=form)


@groups.get("/groups/{group_id:int}")
async def page(request: Request, viewer: Viewer, group_id: int) -> Reply:
    group = await viewer.groups.get(group_id)
    return show("groups/page.html", **await _page(request, viewer, group), form=_form(group))


@groups.post("/groups/{group_id:int}/name")
async def rename(request: Request, viewer: Viewer, group_id: int) -> Reply:
    group = await viewer.groups.get(group_id)
    form = await Group.read(request)
    if await form.submit(group.rename, by=viewer):
        return go(page.url(group_id=group_id), toast=Say("De groep is bewaard."))
    return invalid("groups/page.html", **await _page(request, viewer, group), form=form)


@groups.post("/groups/{group_id:int}/purpose")
async def set_purpose(request: Request, viewer: Viewer, group_id: int) -> Reply:
    """What the group is for; a rights group hands a template to new users."""
    group, form = await viewer.groups.get(group_id), await request.form()
    purpose, template = str(form.get("purpose", "")), str(form.get("template", ""))
    try:
        await group.set_purpose(purpose, template, by=viewer)
    except Refused as refused:
        typed = {"purpose": purpose, "template": template, "why": refused.why}
        return invalid("groups/page.html", **await _page(request, viewer, group, typed), form=_form(group))
    return go(page.url(group_id=group_id), toast=Say("De groep is bewaard."))


@groups.get("/groups/{group_id:int}/rule")
async def rule(request: Request, viewer: Viewer, group_id: int) -> Reply:
    """By what clients are in the group by themselves; with values in the address: how many that would be."""
    group = await viewer.groups.get(group_id)
    typed = rule_in(request.query_params) if request.query_params else json.loads(group.rule or "{}")
    return show("groups/rule.html", **await _rule(viewer, group, typed))


@groups.get("/groups/{group_id:int}/rule/count")
async def count_rule(request: Request, viewer: Viewer, group_id: int) -> Reply:
    await viewer.groups.get(group_id)
    typed = rule_in(request.query_params)
    return show("groups/rule_count.html", typed=typed, count=await matching_count(viewer, typed))


@groups.post("/groups/{group_id:int}/rule")
async def set_rule(request: Request, viewer: Viewer, group_id: int) -> Reply:
    group, typed = await viewer.groups.get(group_id), rule_in(await request.form())
    await group.set_rule(typed, by=viewer)
    words = Say("De groep volgt vanaf nu deze regel.") if typed else Say("De groep volgt geen regel meer.")
    return go(page.url(group_id=group_id), toast=words)


@groups.get("/groups/{group_id:int}/removal")
async def removal(request: Request, viewer: Viewer, group_id: int) -> Reply:
    group = await viewer.groups.get(group_id)
    return show(
        "groups/removal.html",
        title=Say("Groep verwijderen"),
        section="groups",
        group=group,
        **await held.depending(group),
    )


@groups.post("/groups/{group_id:int}/removal")
async def remove(request: Request, viewer: Viewer, group_id: int) -> Reply:
    group = await viewer.groups.get(group_id)
    await group.remove(by=viewer)
    return go(list_.url(), toast=Say("Groep “{name}” is verwijderd; de cliënten blijven.", name=group.name))


@groups.post("/groups/{group_id:int}/members")
async def add_member(request: Request, viewer: Viewer, group_id: int) -> Reply:
    """The client with this number or exact name."""
    group = await viewer.groups.get(group_id)
    typed = str((await request.form()).get("client", ""))
    found = lists.named(viewer, typed)
    count = await found.count()
    if count != 1:
        why = (
            Say("Geen cliënt heeft dit nummer of deze naam.")
            if not count
            else Say("Meer cliënten heten zo: typ het nummer.")
        )
        raise Refused("client", why)
    await add_to_group(found, group, by=viewer)
    return go(page.url(group_id=group_id), toast=Say("Toegevoegd aan “{group}”.", group=group.name))


@groups.post("/groups/{group_id:int}/members/removal")
async def remove_members(request: Request, viewer: Viewer, group_id: int) -> Reply:
    group, form = await viewer.groups.get(group_id), await request.form()
    asked = lists.Filter(group=group_id) if form.get("all_matching") else None
    count = await remove_from_group(lists.picked(viewer, ids_of(form), asked), group, by=viewer)
    return go(page.url(group_id=group_id), toast=Say("{n} cliënten uit “{group}” gehaald.", n=count, group=group.name))


async def _list(viewer: Viewer) -> dict[str, Any]:
    return {"title": Say("Groepen"), "section": "groups", "rows": await held.counted(viewer)}


def rule_in(form: Any) -> dict[str, list[Any]]:
    """The rule that was put together on a form or in an address: condition > values; unknown values match nobody."""
    found: dict[str, list[Any]] = {}
    for name in CONDITIONS:
        values = [value for value in map(str, form.getlist(name)) if value and len(value) < 200]
        ids = [int(value) for value in values if value.isdecimal() and len(value) < 10]
        if found_values := ids if name in IDS else values:
            found[name] = list(found_values)
    return found


async def _rule(viewer: Viewer, group: ClientGroup, typed: dict[str, list[Any]]) -> dict[str, Any]:
    offered = await choices() | {"module": list(MODULE_NAMES.items())}
    return {
        "title": Say("Regel van de groep"),
        "section": "groups",
        "group": group,
        "conditions": [(name, LABELS[name], offered[name]) for name in CONDITIONS if offered.get(name)],
        "typed": typed,
        "count": await matching_count(viewer, typed),
    }


def _form(group: ClientGroup) -> Group:
    return Group.blank(name=group.name, description=group.description)


async def _page(
    request: Request, viewer: Viewer, group: ClientGroup, typed: dict[str, Any] | None = None
) -> dict[str, Any]:
    asked, number = lists.Filter(group=group.id), page_number(request)
    return {
        "purposes": PURPOSES,
        "templates": [(key, name) for key, name in await template_choices() if key],
        "purpose": typed or {"purpose": group.purpose, "template": group.template, "why": None},
        "rule": await in_words(group.rule) if group.rule else [],
        "rule_labels": LABELS,
        "title": group.name,
        "section": "groups",
        "group": group,
        "rows": await lists.page(viewer, asked, "name", number, SIZE),
        "total": await lists.count(viewer, asked),
        "page": number,
        "size": SIZE,
        "base": page.url(group_id=group.id),
    }
