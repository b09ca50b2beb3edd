"""One person: his state, his clients, his sessions, the mails he got, and what the office does with them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from starlette.requests import Request

from models import config
from models.accounts import User, lists, mailbox, roles
from models.accounts.preparing import preparation_of
from models.carrying import KEPT
from models.clients import lists as client_lists
from models.clients.reached import Reached, reached_by
from models.clients.tone import addressed
from models.core import Refused, Say
from models.lost_factors import open_of
from models.people import Addressee
from models.rollout import board
from models.settings import Firm, utcnow
from models.viewer import Viewer
from partials import mails
from web.devices import device_of, is_phone
from web.invitations import STATES
from web.mail import KINDS
from web.mailing import mailing_of
from web.person import Person, filled
from web.proof import asks_proof
from web.replies import Reply, Toast, go, invalid, show
from web.rights import bits_in, template_choices
from web.sharing import Address
from web.trail import sentence
from web.users import list_, users

RIGHTS = tuple((int(right), label) for right, label in roles.RIGHTS)


@users.get("/users/{user_id:int}")
async def page(request: Request, viewer: Viewer, user_id: int) -> Reply:
    person = await viewer.users.get(user_id)
    return show("users/page.html", title=person.display_name, section=section_of(person), **await about(viewer, person))


@users.post("/users/{user_id:int}/name")
async def rename(request: Request, viewer: Viewer, user_id: int) -> Reply:
    person = await viewer.users.get(user_id)
    form = await Person.read(request)
    if await form.submit(person.change_name, by=viewer):
        return go(page.url(user_id=user_id), toast=Say("De gegevens zijn bewaard."))
    context = {**await about(viewer, person), "name_form": form}
    return invalid("users/page.html", title=person.display_name, section=section_of(person), **context)


@users.post("/users/{user_id:int}/address")
async def change_address(request: Request, viewer: Viewer, user_id: int) -> Reply:
    person = await viewer.users.get(user_id)
    was = person.state
    if was == "active" and (asked := await asks_proof(request, viewer)):
        return asked
    form = await Address.read(request)
    if await form.submit(person.change_email, by=viewer):
        return go(page.url(user_id=user_id), toast=_moved(was, person))
    context = {**await about(viewer, person), "address_form": form, "others": await form.others(viewer, person)}
    return invalid("users/page.html", title=person.display_name, section=section_of(person), **context)


@users.post("/users/{user_id:int}/mail-preferences")
async def set_mail(request: Request, viewer: Viewer, user_id: int) -> Reply:
    person = await viewer.users.get(user_id)
    form = await mailing_of(person).read(request)
    if await form.submit(person.set_mail_preferences, by=viewer):
        return go(page.url(user_id=user_id), toast=Say("De mailvoorkeuren zijn bewaard."))
    context = {**await about(viewer, person), "mail_form": form}
    return invalid("users/page.html", title=person.display_name, section=section_of(person), **context)


@users.get("/users/{user_id:int}/invitation")
async def invitation(request: Request, viewer: Viewer, user_id: int) -> Reply:
    """The mail as he would get it; nothing is sent by looking."""
    person = await viewer.users.get(user_id)
    context = {
        "person": person,
        "why_not": await person.why_not_invited(),
        "mail": await preview(
            await addressed(person), person.language, (await reached_by([person.id], seen_by=viewer)).get(person.id)
        ),
    }
    return show("users/invitation.html", title=Say("Uitnodigen"), section=section_of(person), **context)


@users.post("/users/{user_id:int}/invitation")
async def invite(request: Request, viewer: Viewer, user_id: int) -> Reply:
    person = await viewer.users.get(user_id)
    try:
        await person.invite(by=viewer)
    except Refused as refused:
        return await refusal(viewer, person, refused)
    return go(page.url(user_id=user_id), toast=Say("De uitnodiging gaat naar {email}.", email=person.email))


@users.get("/users/{user_id:int}/block")
async def blocking(request: Request, viewer: Viewer, user_id: int) -> Reply:
    """Before it happens: what it means for him. Changes nothing."""
    person = await viewer.users.get(user_id)
    try:
        await person.may_be_managed(viewer)
    except Refused as refused:
        return await refusal(viewer, person, refused)
    return show("users/blocking.html", title=Say("Blokkeren"), section=section_of(person), person=person)


@users.post("/users/{user_id:int}/block")
async def block(request: Request, viewer: Viewer, user_id: int) -> Reply:
    person = await viewer.users.get(user_id)
    try:
        await person.block(by=viewer)
    except Refused as refused:
        return await refusal(viewer, person, refused)
    undo = unblock.url(user_id=user_id)
    return go(
        page.url(user_id=user_id),
        toast=Say("{who} is geblokkeerd en overal afgemeld.", who=person.display_name),
        undo=undo,
    )


@users.post("/users/{user_id:int}/unblock")
async def unblock(request: Request, viewer: Viewer, user_id: int) -> Reply:
    person = await viewer.users.get(user_id)
    try:
        await person.unblock(by=viewer)
    except Refused as refused:
        return await refusal(viewer, person, refused)
    words = Say("{who} is gedeblokkeerd.", who=person.display_name)
    if person.state == "prepared":
        words = Say("{who} is gedeblokkeerd. Nodig hem opnieuw uit.", who=person.display_name)
    return go(page.url(user_id=user_id), toast=words)


@users.post("/users/{user_id:int}/sign-out")
async def sign_out(request: Request, viewer: Viewer, user_id: int) -> Reply:
    """One session (`session`) or all."""
    person = await viewer.users.get(user_id)
    which = str((await request.form()).get("session", ""))
    try:
        await person.sign_out(int(which) if which.isdecimal() and len(which) < 10 else None, by=viewer)
    except Refused as refused:
        return await refusal(viewer, person, refused)
    return go(page.url(user_id=user_id), toast=Say("{who} is afgemeld.", who=person.display_name))


@users.post("/users/{user_id:int}/accesses")
async def give_access(request: Request, viewer: Viewer, user_id: int) -> Reply:
    person, form = await viewer.users.get(user_id), await request.form()
    client = await client_lists.named(viewer, str(form.get("client", ""))).find()
    try:
        if client is None:
            raise Refused("client", Say("Er is geen cliënt met dit nummer of deze naam."))
        await person.give_access(client, *role_in(form), by=viewer)
    except Refused as refused:
        return await refusal(viewer, person, refused, form, "new")
    return go(
        page.url(user_id=user_id),
        toast=Say("{who} heeft nu toegang tot “{client}”.", who=person.display_name, client=client.name),
    )


@users.post("/users/{user_id:int}/accesses/{client_id:int}/removal")
async def take_access(request: Request, viewer: Viewer, user_id: int, client_id: int) -> Reply:
    person, client = await viewer.users.get(user_id), await viewer.clients.get(client_id)
    await person.take_access(client, by=viewer)
    there = page.url(user_id=user_id) if client_id_still_visible(viewer) else list_.url()
    return go(
        there, toast=Say("{who} heeft geen toegang meer tot “{client}”.", who=person.display_name, client=client.name)
    )


# what the pages show


async def about(viewer: Viewer, person: User) -> dict[str, Any]:
    seen = await lists.portrait(viewer, person)
    may = viewer.may("manage_staff" if person.kind == "staff" else "manage_users")
    choices = await template_choices()
    return {
        "lost": await open_of(person.id) if person.has_second_factor else None,
        "person": person,
        "may": may,
        "name_form": filled(person),
        "address_form": Address.blank(email=person.email),
        "others": [],
        "sharing": await mailbox.told(person.email, viewer, person.id) if person.kind == "client" else [],
        "mail_form": mailing_of(person).blank(language=person.language, digest=person.digest),
        "preparation": await preparation_of(person.id) if may and person.kind == "client" else None,
        "stands": STATES[await board.state_of(person.id)] if person.kind == "client" else None,
        "now": utcnow(),
        "steps": _steps(person, seen["link"]),
        "roles": choices,
        "role_names": dict(choices),
        "rights": RIGHTS,
        "kinds": KINDS,
        "kept": KEPT.text,
        "device_of": device_of,
        "is_phone": is_phone,
        "refused": None,
        **seen,
        "lines": [{**line, "text": sentence(line)} for line in seen["lines"]],
    }


async def refusal(viewer: Viewer, person: User, refused: Refused, form: Any = None, where: Any = "") -> Reply:
    """The page again with the reason: at the form about access `where` (a client's id or "new") with what was typed, or on top."""
    typed = None
    if form is not None:
        role, bits = role_in(form)
        typed = {"client": str(form.get("client", "")), "role": role, "bits": bits or 0}
    told = {"why": refused.why, "field": refused.field, "where": where, "typed": typed}
    context = {**await about(viewer, person), "refused": told}
    return invalid("users/page.html", title=person.display_name, section=section_of(person), **context)


async def preview(person: Addressee, language: str, reached: Reached | None) -> Any:
    """The invitation, composed as the worker composes it, but for its link."""
    firm = await Firm.load()
    until = utcnow() + dt.timedelta(days=firm.invitation_days)
    link = f"{config.settings().base_url}/…"
    return mails.invitation(language, reached, firm=firm, person=person, link=link, valid_until=until)


def role_in(form: Any) -> tuple[str, int | None]:
    """The template that was chosen, and the bits that are given beside it."""
    return str(form.get("role", "")), bits_in(form)


def section_of(person: User) -> str:
    return "settings" if person.kind == "staff" else "users"


def client_id_still_visible(viewer: Viewer) -> bool:
    """Whether the person can surely still be seen: who sees only his own clients may just have let go of him."""
    return viewer.sees_all_clients


def _steps(person: User, link: dict[str, Any] | None) -> list[tuple[Say, Any]]:
    """(step, moment or None): prepared, invited, link opened, active. Who came in without an invitation had none to open."""
    asked = [
        (Say("Uitgenodigd"), person.invited_at),
        (Say("Link geopend"), link["opened_at"] if link else person.activated_at),
    ]
    came_in_otherwise = person.activated_at and not person.invited_at
    return [
        (Say("Klaargezet"), person.created_at),
        *([] if came_in_otherwise else asked),
        (Say("Actief"), person.activated_at),
    ]


def _moved(was: str, person: User) -> Say | Toast:
    if was == "invited":
        words = Say(
            "Het adres is gewijzigd. De oude uitnodiging werkt niet meer: nodig {who} opnieuw uit.",
            who=person.display_name,
        )
        return Toast(words, "attention")
    if was == "active":
        return Say("Het adres is gewijzigd. Op het oude adres komt een bericht; openstaande links werken niet meer.")
    return Say("Het adres is bewaard.")
