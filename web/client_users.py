"""The users of one client, and adding one: with a screen that shows the mail first where one would be sent at once."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models.accounts import User, lists, mailbox
from models.accounts.reaching import will_mail
from models.clients import Client
from models.clients.grouping import default_template
from models.clients.reached import NOTHING, reached_by
from models.clients.tone import addressed
from models.core import Missing, Refused, Say
from models.people import addressee
from models.settings import Firm
from models.viewer import Right, Viewer
from web.forms import BooleanField, Form, SelectMultipleField, StringField, Text, an_id
from web.replies import Reply, go, invalid, show
from web.rights import template_choices
from web.routing import Access, Routes, rehearsing
from web.sharing import holders
from web.user import RIGHTS, preview

client_users = Routes("client_users", Access.STAFF)


class NewUser(Form):
    email = StringField()
    first_name = Text(most=80)
    initials = Text(most=40)
    prefix = Text(most=40)
    surname = Text(most=200, asked=True)
    phone = Text(most=40)
    whose = StringField()
    role = StringField(default="lezer")
    rights = SelectMultipleField(coerce=an_id, validate_choice=False)
    announced = BooleanField()


@client_users.get("/clients/{client_id:int}/users")
async def list_(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    people = await lists.of_client(client.id)
    return show(
        "users/of_client.html",
        title=client.name,
        section="clients",
        client=client,
        tab="users",
        people=people,
        rights=RIGHTS,
    )


@client_users.get("/clients/{client_id:int}/users/new")
async def new(request: Request, viewer: Viewer, client_id: int) -> Reply:
    if not viewer.may("manage_users"):
        raise Missing("client_users.new")
    client = await viewer.clients.get(client_id)
    return show(
        "users/new.html",
        title=Say("Gebruiker toevoegen"),
        section="clients",
        **await _context(client, NewUser.blank(role=await default_template([client.id]) or "lezer"), viewer),
    )


@client_users.post("/clients/{client_id:int}/users")
async def add(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    form = await NewUser.read(request)
    typed = {name: form[name].data or "" for name in ("first_name", "initials", "prefix", "surname", "phone")}
    email = form.email.data or ""
    try:
        known = await mailbox.meant(email.strip(), typed, form.whose.data or "")
    except Refused as refused:
        known = None
        form.refuse(refused)
    if not form.errors and not rehearsing.get() and not form.announced.data and await will_mail(email.strip(), known):
        who = await addressed(known) if known else addressee(typed)
        reached = (await reached_by([known.id], seen_by=viewer)).get(known.id, NOTHING) if known else NOTHING
        mail = await preview(who, known.language if known else "nl", reached.beside(client.name))
        return show(
            "users/announced.html",
            title=Say("Gebruiker toevoegen"),
            section="clients",
            **await _context(client, form, viewer),
            mail=mail,
        )
    made: list[tuple[User, bool]] = []

    async def adding(**_: Any) -> None:
        bits = sum({bit for bit in form.rights.data or [] if bit in set(Right)}) or None
        outcome = await client.add_user(
            email=email,
            whose=form.whose.data or "",
            role=form.role.data or "",
            rights=bits,
            announced=bool(form.announced.data),
            by=viewer,
            **typed,
        )
        made.append(outcome)

    if await form.submit(adding):
        return go(list_.url(client_id=client_id), toast=_said(*made[0]))
    return invalid(
        "users/new.html", title=Say("Gebruiker toevoegen"), section="clients", **await _context(client, form, viewer)
    )


async def _context(client: Client, form: NewUser, viewer: Viewer) -> dict[str, Any]:
    at_once = not (await Firm.load()).users_without_login
    bits = sum(set(form.rights.data or []))
    roles = await template_choices()
    there = await holders(form, viewer)
    return {
        "client": client,
        "form": form,
        "roles": roles,
        "rights": RIGHTS,
        "bits": bits,
        "at_once": at_once,
        "holders": there,
    }


def _said(person: User, existed: bool) -> Say:
    who = person.display_name
    if existed:
        return Say("{who} bestond al met dit e-mailadres en heeft nu ook toegang tot deze cliënt.", who=who)
    if person.state == "invited":
        return Say("{who} is toegevoegd. De uitnodiging gaat naar {email}.", who=who, email=person.email)
    return Say("{who} is klaargezet. Er is niets verstuurd.", who=who)
