"""The office's own people: who they are, adding a colleague, and what each may."""

from __future__ import annotations

from starlette.requests import Request

from models.accounts import User, add_staff, change_role
from models.accounts import staff as colleagues
from models.accounts.lists import named
from models.core import Missing, Say
from models.viewer import Viewer
from web.forms import BooleanField, Form, SelectField, Text
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes
from web.user import page as person_page

staff = Routes("staff", Access.STAFF)

ROLES = [("employee", Say("Medewerker")), ("administrator", Say("Beheerder"))]


class Role(Form):
    role = SelectField(ROLES)
    all_clients = BooleanField()


class Colleague(Role):
    email = Text(most=254, required=True)
    first_name = Text(most=80)
    initials = Text(most=40)
    prefix = Text(most=40)
    surname = Text(most=200, required=True)
    phone = Text(most=40)


@staff.get("/staff")
async def list_(request: Request, viewer: Viewer) -> Reply:
    _allow(viewer)
    people = [named(row) for row in await colleagues.colleagues()]
    return show("staff/list.html", title=Say("Kantoorgebruikers"), section="settings", people=people, tab="staff")


@staff.get("/staff/new")
async def new(request: Request, viewer: Viewer) -> Reply:
    _allow(viewer)
    return show(
        "staff/new.html",
        title=Say("Medewerker toevoegen"),
        section="settings",
        form=Colleague.blank(role="employee", all_clients=True),
    )


@staff.post("/staff")
async def add(request: Request, viewer: Viewer) -> Reply:
    form = await Colleague.read(request)
    made: list[User] = []

    async def adding(**details: str) -> None:
        made.append(await add_staff(viewer.users, **details))  # type: ignore[arg-type]

    if await form.submit(adding, by=viewer):
        return go(list_.url(), toast=Say("{who} is toegevoegd en krijgt een mail.", who=made[0].display_name))
    return invalid("staff/new.html", title=Say("Medewerker toevoegen"), section="settings", form=form)


@staff.get("/staff/{user_id:int}/role")
async def role(request: Request, viewer: Viewer, user_id: int) -> Reply:
    _allow(viewer)
    person = await _colleague(viewer, user_id)
    form = Role.blank(role=person.role, all_clients=person.all_clients)
    return show("staff/role.html", title=person.display_name, section="settings", person=person, form=form)


@staff.post("/staff/{user_id:int}/role")
async def set_role(request: Request, viewer: Viewer, user_id: int) -> Reply:
    person = await _colleague(viewer, user_id)
    form = await Role.read(request)

    async def changing(**details: object) -> None:
        await change_role(person, **details)  # type: ignore[arg-type]

    if await form.submit(changing, by=viewer):
        return go(person_page.url(user_id=user_id), toast=Say("De rol is bewaard."))
    return invalid("staff/role.html", title=person.display_name, section="settings", person=person, form=form)


def _allow(viewer: Viewer) -> None:
    if not viewer.may("manage_staff"):
        raise Missing("staff")


async def _colleague(viewer: Viewer, user_id: int) -> User:
    person = await viewer.users.get(user_id)
    if person.kind != "staff":
        raise Missing("staff", user_id)
    return person
