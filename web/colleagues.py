"""In the portal: the company as the office knows it, and its people, whose access a director looks after himself."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models.accounts import mailbox
from models.accounts.reaching import will_mail
from models.accounts.roles import RIGHTS
from models.clients import Client
from models.clients.colleagues import colleagues_for, offered_by
from models.clients.reached import NOTHING
from models.core import Forbidden, Missing, Refused, Say
from models.people import addressee
from models.viewer import Permission, Right, Viewer
from web.forms import BooleanField, Form, SelectMultipleField, StringField, Text, an_id
from web.replies import Reply, go, invalid, show
from web.rights import bits_in
from web.routing import Access, Routes, rehearsing
from web.user import preview

colleagues = Routes("colleagues", Access.CLIENT)


class NewColleague(Form):
    email = Text(most=254, asked=True)
    first_name = Text(most=80)
    initials = Text(most=40)
    prefix = Text(most=40)
    surname = Text(most=200, asked=True)
    phone = Text(most=40)
    role = StringField()
    rights = SelectMultipleField(coerce=an_id, validate_choice=False)
    announced = BooleanField()


@colleagues.get("/portal/clients/{client_id:int}/colleagues")
async def list_(request: Request, viewer: Viewer, client_id: int) -> Reply:
    """Who reaches this company in the portal, and what each of them may."""
    client = await _mine(viewer, client_id)
    people = await colleagues_for(viewer, client)
    return show(
        "colleagues/list.html", title=Say("Collega’s"), section="home", client=client, people=people, rights=RIGHTS
    )


@colleagues.get("/portal/clients/{client_id:int}/colleagues/new")
async def new(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await _mine(viewer, client_id)
    return show("colleagues/new.html", **await _context(viewer, client, NewColleague.blank()))


@colleagues.post("/portal/clients/{client_id:int}/colleagues")
async def add(request: Request, viewer: Viewer, client_id: int) -> Reply:
    """A colleague; first the mail is shown, where one goes out at once."""
    client = await _mine(viewer, client_id)
    form = await NewColleague.read(request)
    email = (form.email.data or "").strip()
    typed = {name: form[name].data or "" for name in ("first_name", "initials", "prefix", "surname", "phone")}
    context = await _context(viewer, client, form)
    if not form.errors and not rehearsing.get() and not form.announced.data and await _will_mail(email, typed):
        # Of somebody who is known already, his name is not told to who only typed his address.
        mail = await preview(addressee(typed), "nl", NOTHING.beside(client.name))
        return show("colleagues/announced.html", **context, mail=mail)
    bits = sum({bit for bit in form.rights.data or [] if bit in set(Right)}) or None
    made: list[Any] = []

    async def adding(**_: Any) -> None:
        made.append(
            await client.add_colleague(
                email=email, role=form.role.data or "", rights=bits, announced=bool(form.announced.data), by=viewer, **typed
            )
        )  # fmt: skip

    if await form.submit(adding):
        return go(list_.url(client_id=client_id), toast=_said(email, made[0][0].state))
    return invalid("colleagues/new.html", **context)


async def _will_mail(email: str, typed: dict[str, str]) -> bool:
    """Of who works at the office it is not told that he does: the refusal comes with the operation."""
    people = await mailbox.holders_of(email)
    return not any(one.kind == "staff" for one in people) and await will_mail(email, mailbox.named(people, typed))


@colleagues.get("/portal/clients/{client_id:int}/colleagues/{user_id:int}")
async def page(request: Request, viewer: Viewer, client_id: int, user_id: int) -> Reply:
    """What one colleague may, to change it or take it away."""
    client = await _mine(viewer, client_id)
    return show("colleagues/page.html", **await _about(viewer, client, user_id))


@colleagues.post("/portal/clients/{client_id:int}/colleagues/{user_id:int}")
async def change(request: Request, viewer: Viewer, client_id: int, user_id: int) -> Reply:
    client = await _mine(viewer, client_id)
    form = await request.form()
    role, bits = str(form.get("role", "")), bits_in(form)
    try:
        person = await client.change_colleague(user_id, role, bits, by=viewer)
    except Refused as refused:
        typed = {"role": role, "own": bits or 0, "why": refused.why}
        return invalid("colleagues/page.html", **await _about(viewer, client, user_id, typed))
    toast = Say("De rechten van {who} bij “{client}” zijn bewaard.", who=person.display_name, client=client.name)
    return go(list_.url(client_id=client_id), toast=toast)


@colleagues.get("/portal/clients/{client_id:int}/colleagues/{user_id:int}/removal")
async def removal(request: Request, viewer: Viewer, client_id: int, user_id: int) -> Reply:
    client = await _mine(viewer, client_id)
    return show("colleagues/removal.html", **await _about(viewer, client, user_id))


@colleagues.post("/portal/clients/{client_id:int}/colleagues/{user_id:int}/removal")
async def remove(request: Request, viewer: Viewer, client_id: int, user_id: int) -> Reply:
    client = await _mine(viewer, client_id)
    try:
        person = await client.remove_colleague(user_id, by=viewer)
    except Refused as refused:
        return invalid("colleagues/removal.html", **await _about(viewer, client, user_id, {"why": refused.why}))
    toast = Say("{who} heeft geen toegang meer tot “{client}”.", who=person.display_name, client=client.name)
    return go(list_.url(client_id=client_id), toast=toast)


async def _mine(viewer: Viewer, client_id: int) -> Client:
    client = await viewer.clients.get(client_id)
    if not viewer.may(Permission.MANAGE_COLLEAGUES, client):
        raise Forbidden(Permission.MANAGE_COLLEAGUES)
    return client


async def _context(viewer: Viewer, client: Client, form: NewColleague) -> dict[str, Any]:
    return {
        "title": Say("Collega toevoegen"),
        "section": "home",
        "client": client,
        "form": form,
        "roles": _choices(await offered_by(viewer, client)),
        "rights": _within(viewer, client),
        "bits": sum(set(form.rights.data or [])),
    }


async def _about(viewer: Viewer, client: Client, user_id: int, typed: dict[str, Any] | None = None) -> dict[str, Any]:
    person = next((one for one in await colleagues_for(viewer, client) if one["id"] == user_id), None)
    if person is None:
        raise Missing("User", user_id)
    return {
        "title": person["who"],
        "section": "home",
        "client": client,
        "person": person,
        "roles": _choices(await offered_by(viewer, client)),
        "rights": _within(viewer, client),
        "typed": {"role": person["role"], "own": person["own"], "why": None} | (typed or {}),
    }


def _choices(offered: list[dict[str, Any]]) -> list[tuple[str, Say]]:
    return [*((one["key"], Say(one["name"])) for one in offered), ("", Say("Zelf kiezen"))]


def _within(viewer: Viewer, client: Client) -> list[tuple[Right, Say]]:
    """The rights that he has himself, and so may give."""
    held = viewer.grants[client.id].rights
    return [(right, label) for right, label in RIGHTS if right in held]


def _said(email: str, state: str) -> Say:
    if state == "invited":
        return Say("De uitnodiging gaat naar {email}.", email=email)
    if state == "prepared":
        return Say("Uw collega staat klaar. Uw kantoor verstuurt de uitnodiging.")
    return Say("Uw collega heeft nu toegang.")
