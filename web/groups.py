"""Groups of clients: the list, one group with its clients, and adding, renaming and removing one."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models.clients import ClientGroup, add_group, add_to_group, lists, remove_from_group
from models.clients import groups as held
from models.core import Refused, Say
from models.viewer import Viewer
from web.clients import SIZE, ids_of, page_number
from web.forms import Form, Text
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes

groups = Routes("groups", Access.STAFF)


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
    form = Group.blank(name=group.name, description=group.description)
    return show("groups/page.html", **await _page(request, viewer, group), form=form)


@groups.post("/groups/{group_id:int}/name")
async def rename(request: Request, viewer: Viewer, group_id: int) -> Reply:
    group = await viewer.groups.get(group_id)
    form = await Group.read(request)
    if await form.submit(group.rename, by=viewer):
        return go(page.url(group_id=group_id), toast=Say("De groep is bewaard."))
    return invalid("groups/page.html", **await _page(request, viewer, group), form=form)


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


async def _page(request: Request, viewer: Viewer, group: ClientGroup) -> dict[str, Any]:
    asked, number = lists.Filter(group=group.id), page_number(request)
    return {
        "title": group.name,
        "section": "groups",
        "group": group,
        "rows": await lists.page(viewer, asked, "name", number, SIZE),
        "total": await lists.count(viewer, asked),
        "page": number,
        "size": SIZE,
        "base": page.url(group_id=group.id),
    }
