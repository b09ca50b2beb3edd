"""Groups of colleagues: what their members may together, and which groups of clients they see."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models.accounts.staff_groups import StaffGroup, add_staff_group, counted, held_by
from models.core import Missing, Refused, Say
from models.viewer import NOTHING, STAFF_MODULES, Viewer
from web.forms import Form, Text
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes
from web.staff import MODULES, ids_in, levels_of, permissions_in

staff_groups = Routes("staff_groups", Access.STAFF)


class Name(Form):
    name = Text(most=120, required=True)


@staff_groups.get("/staff-groups")
async def list_(request: Request, viewer: Viewer) -> Reply:
    _allow(viewer)
    return show("staff/groups.html", **await _list(), form=Name.blank())


@staff_groups.post("/staff-groups")
async def add(request: Request, viewer: Viewer) -> Reply:
    form = await Name.read(request)
    made: list[StaffGroup] = []

    async def adding(**values: Any) -> None:
        made.append(await add_staff_group(viewer.scope(StaffGroup), **values))

    if await form.submit(adding, by=viewer):
        words = Say("Kantoorgroep “{name}” toegevoegd. Kies nu wie erin zit en wat zij mogen.", name=made[0].name)
        return go(page.url(staff_group_id=made[0].id), toast=words)
    return invalid("staff/groups.html", **await _list(), form=form)


@staff_groups.get("/staff-groups/{staff_group_id:int}")
async def page(request: Request, viewer: Viewer, staff_group_id: int) -> Reply:
    _allow(viewer)
    group = await viewer.scope(StaffGroup).get(staff_group_id)
    return show("staff/group.html", **await _page(group, Name.blank(name=group.name)))


@staff_groups.post("/staff-groups/{staff_group_id:int}")
async def change(request: Request, viewer: Viewer, staff_group_id: int) -> Reply:
    group = await viewer.scope(StaffGroup).get(staff_group_id)
    form, typed = await Name.read(request), await request.form()
    chosen = {name: ids_in(typed, name) for name in ("selections", "members")}
    permissions = permissions_in(typed).replace(NOTHING, "")

    async def changing(**values: Any) -> None:
        await group.change(permissions=permissions, **chosen, **values)

    if await form.submit(changing, by=viewer):
        return go(page.url(staff_group_id=staff_group_id), toast=Say("De kantoorgroep is bewaard."))
    return invalid("staff/group.html", **await _page(group, form, permissions, chosen))


@staff_groups.post("/staff-groups/{staff_group_id:int}/removal")
async def remove(request: Request, viewer: Viewer, staff_group_id: int) -> Reply:
    group = await viewer.scope(StaffGroup).get(staff_group_id)
    try:
        await group.remove(by=viewer)
    except Refused as refused:
        form = Name.blank(name=group.name)
        form.refuse(refused)
        return invalid("staff/group.html", **await _page(group, form))
    return go(list_.url(), toast=Say("Kantoorgroep “{name}” is verwijderd; de medewerkers blijven.", name=group.name))


async def _list() -> dict[str, Any]:
    return {"title": Say("Kantoorgroepen"), "section": "staff", "rows": await counted()}


async def _page(
    group: StaffGroup, form: Name, permissions: str | None = None, chosen: dict[str, list[int]] | None = None
) -> dict[str, Any]:
    members, selections = await held_by(group.id)
    if chosen is not None:
        members = [row | {"held": row["id"] in chosen["members"]} for row in members]
        selections = [row | {"held": row["id"] in chosen["selections"]} for row in selections]
    return {
        "title": group.name,
        "section": "staff",
        "group": group,
        "form": form,
        "modules": [(one, MODULES[one.name]) for one in STAFF_MODULES],
        "permissions": levels_of(group.permissions if permissions is None else permissions),
        "members": members,
        "selections": selections,
    }


def _allow(viewer: Viewer) -> None:
    if not viewer.may("manage_staff"):
        raise Missing("staff_groups")
