"""The office's own people: who they are, adding a colleague, and what each may."""

from __future__ import annotations

from typing import Any, TypeVar

from starlette.requests import Request

from models.accounts import User, add_staff, change_role
from models.accounts import staff as colleagues
from models.core import Missing, Say
from models.offices import Office
from models.viewer import NOTHING, STAFF_MODULES, Viewer
from web.forms import BooleanField, Form, SelectField, Text
from web.proof import asks_proof
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes
from web.user import page as person_page

staff = Routes("staff", Access.STAFF)

ROLES = [
    ("employee", Say("Medewerker")),
    ("office_administrator", Say("Kantoorbeheerder")),
    ("administrator", Say("Beheerder")),
]
MODULES = {
    "clients": Say("Cliënten"),
    "users": Say("Gebruikers"),
    "dossiers": Say("Dossiers"),
    "imports": Say("Importeren"),
    "rollout": Say("Uitrol en uitnodigingen"),
    "mail": Say("Post"),
    "pins": Say("Pincodes en pincodebrieven"),
}


class Role(Form):
    role = SelectField(ROLES)
    all_clients = BooleanField()
    office = SelectField(coerce=lambda value: int(value) if str(value).isdecimal() else 0)


F = TypeVar("F", bound=Role)


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
    people = await colleagues.colleagues(viewer)
    return show("staff/list.html", title=Say("Kantoorgebruikers"), section="staff", people=people, roles=dict(ROLES))


@staff.get("/staff/new")
async def new(request: Request, viewer: Viewer) -> Reply:
    _allow(viewer)
    form = await _offering(viewer, Colleague.blank(role="employee", all_clients=True, office=viewer.fence or 0))
    return show("staff/new.html", title=Say("Medewerker toevoegen"), section="staff", form=form)


@staff.post("/staff")
async def add(request: Request, viewer: Viewer) -> Reply:
    if asked := await asks_proof(request, viewer):
        return asked
    form = await _read(Colleague, request, viewer)
    made: list[User] = []

    async def adding(**details: Any) -> None:
        details["office"] = details["office"] or None
        made.append(await add_staff(viewer.users, **details))

    if await form.submit(adding, by=viewer):
        return go(list_.url(), toast=Say("{who} is toegevoegd en krijgt een mail.", who=made[0].display_name))
    return invalid("staff/new.html", title=Say("Medewerker toevoegen"), section="staff", form=form)


@staff.get("/staff/{user_id:int}/role")
async def role(request: Request, viewer: Viewer, user_id: int) -> Reply:
    """What a colleague may and whose clients he sees."""
    _allow(viewer)
    person = await _colleague(viewer, user_id)
    form = Role.blank(role=person.role, all_clients=person.all_clients, office=person.office or 0)
    context = await _role(person, await _offering(viewer, form))
    return show("staff/role.html", **context)


@staff.post("/staff/{user_id:int}/role")
async def set_role(request: Request, viewer: Viewer, user_id: int) -> Reply:
    person = await _colleague(viewer, user_id)
    if asked := await asks_proof(request, viewer):
        return asked
    form, typed = await _read(Role, request, viewer), await request.form()
    place: dict[str, Any] = (
        {name: ids_in(typed, name) for name in ("selections", "groups")} if "placed" in typed else {}
    )

    async def changing(**details: Any) -> None:
        details["office"] = details["office"] or None
        await change_role(person, permissions=permissions_in(typed), **place, **details)

    if await form.submit(changing, by=viewer):
        return go(person_page.url(user_id=user_id), toast=Say("De rol is bewaard."))
    return invalid("staff/role.html", **await _role(person, form, typed))


async def _role(person: User, form: Role, typed: Any = None) -> dict[str, Any]:
    place = await colleagues.place_of(person.id)
    if typed is not None:
        for name, rows in place.items():
            chosen = set(ids_in(typed, name))
            place[name] = [row | {"held": row["id"] in chosen} for row in rows]
    return {
        "title": person.display_name,
        "section": "staff",
        "person": person,
        "form": form,
        "modules": [(one, MODULES[one.name]) for one in STAFF_MODULES],
        "permissions": levels_of(person.permissions_own if typed is None else permissions_in(typed)),
        **place,
    }


def permissions_in(form: Any) -> str:
    """'' for all of the role; else module:level of each module that was chosen on the form, or '-' for none."""
    if str(form.get("whole", "1")) == "1":
        return ""
    found = [f"{one.name}:{form.get(f'level-{one.name}')}" for one in STAFF_MODULES if form.get(f"level-{one.name}")]
    return ",".join(found) or NOTHING


def levels_of(permissions: str) -> dict[str, str] | None:
    """module > level; None where somebody has all of his role."""
    return dict(pair.split(":", 1) for pair in permissions.split(",") if ":" in pair) if permissions else None


def ids_in(form: Any, name: str) -> list[int]:
    return [int(value) for value in map(str, form.getlist(name)) if value.isdecimal() and len(value) < 10]


async def _offering(viewer: Viewer, form: F) -> F:
    """With what this viewer can choose: a manager of one branch office has no administrators and no other office to give."""
    offices = await viewer.scope(Office).select(Office.id, Office.name, order=(Office.name_key,))
    form.office.choices = [(0, Say("Hele kantoor"))] if not viewer.fence else []
    form.office.choices += [(row["id"], row["name"]) for row in offices]
    if viewer.user.role == "office_administrator":
        form.role.choices = [one for one in ROLES if one[0] != "administrator"]
    return form


async def _read(kind: type[F], request: Request, viewer: Viewer) -> F:
    form = await _offering(viewer, kind(await request.form()))
    form.general = []
    if "office" not in await request.form():
        form.office.data = viewer.fence or 0
    form.validate()
    return form


def _allow(viewer: Viewer) -> None:
    if not viewer.may("manage_staff"):
        raise Missing("staff")


async def _colleague(viewer: Viewer, user_id: int) -> User:
    person = await viewer.users.get(user_id)
    if person.kind != "staff":
        raise Missing("staff", user_id)
    return person
