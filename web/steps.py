"""Adding a person step by step. Every step is a page with a form of its own; each is kept when one goes on."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models.accounts import User, preparing
from models.clients import Client
from models.clients import lists as client_lists
from models.clients.reached import reached_by
from models.clients.rights import templates
from models.clients.tone import addressed
from models.core import Missing, Refused, Say
from models.settings import Firm
from models.viewer import Viewer
from web.forms import StringField
from web.mailing import mailing_of
from web.person import Person, filled
from web.replies import Reply, go, invalid, show
from web.rights import template_choices
from web.routing import Access, Routes
from web.sharing import Address
from web.user import RIGHTS, preview, role_in
from web.user import page as user_page

steps = Routes("steps", Access.STAFF)

MOST = 20  # clients that a search shows
NAMES = {
    "person": Say("Persoon"),
    "email": Say("E-mail"),
    "rights": Say("Rechten"),
    "clients": Say("Cliënten"),
    "mail": Say("Mail"),
    "finish": Say("Afronden"),
}


class Begin(Person):
    client = StringField(default="")


@steps.get("/users/new")
async def new(request: Request, viewer: Viewer) -> Reply:
    """The first step. With ?client= it was begun at that client's page, and he gets access there first."""
    _allow(viewer)
    client = await _client(viewer, request.query_params.get("client", ""))
    form = Begin.blank(client=str(client.id) if client else "")
    return show("steps/person.html", **_frame("person", None), form=form, begun_at=client)


@steps.post("/users/new")
async def begin(request: Request, viewer: Viewer) -> Reply:
    form = await Begin.read(request)
    client = await _client(viewer, form.client.data or "")
    made: list[User] = []

    async def beginning(**names: str) -> None:
        names.pop("client")
        made.append(await preparing.begin(viewer.users, client=client, by=viewer, **names))

    if await form.submit(beginning):
        return go(email.url(user_id=made[0].id))
    return invalid("steps/person.html", **_frame("person", None), form=form, begun_at=client)


@steps.get("/users/{user_id:int}/steps")
async def continue_(request: Request, viewer: Viewer, user_id: int) -> Reply:
    """Where he was left."""
    person = await _person(viewer, user_id)
    found = await preparing.preparation_of(person.id)
    return go(f"/users/{user_id}/steps/{found.step}" if found else user_page.url(user_id=user_id))


@steps.get("/users/{user_id:int}/steps/person")
async def person(request: Request, viewer: Viewer, user_id: int) -> Reply:
    who = await _person(viewer, user_id)
    if not await preparing.preparation_of(who.id):
        return go(user_page.url(user_id=user_id))
    return show("steps/person.html", **_frame("person", who), form=filled(who), begun_at=None)


@steps.post("/users/{user_id:int}/steps/person")
async def set_person(request: Request, viewer: Viewer, user_id: int) -> Reply:
    who, form = await _begun(viewer, user_id), await Person.read(request)
    if await form.submit(who.change_name, by=viewer):
        return go(email.url(user_id=user_id))
    return invalid("steps/person.html", **_frame("person", who), form=form, begun_at=None)


@steps.get("/users/{user_id:int}/steps/email")
async def email(request: Request, viewer: Viewer, user_id: int) -> Reply:
    who = await _person(viewer, user_id)
    if not await preparing.preparation_of(who.id):
        return go(user_page.url(user_id=user_id))
    return show("steps/email.html", **_frame("email", who), form=Address.blank(email=who.email), others=[])


@steps.post("/users/{user_id:int}/steps/email")
async def set_email(request: Request, viewer: Viewer, user_id: int) -> Reply:
    """May stay empty: then he is prepared, and cannot be invited yet."""
    who, form = await _begun(viewer, user_id), await Address.read(request)
    if await form.submit(who.change_email, by=viewer):
        await preparing.reach_step(who, "rights", by=viewer)
        return go(rights.url(user_id=user_id))
    return invalid("steps/email.html", **_frame("email", who), form=form, others=await form.others(viewer, who))


@steps.get("/users/{user_id:int}/steps/rights")
async def rights(request: Request, viewer: Viewer, user_id: int) -> Reply:
    who = await _person(viewer, user_id)
    found = await preparing.preparation_of(who.id)
    if not found:
        return go(user_page.url(user_id=user_id))
    return show("steps/rights.html", **_frame("rights", who), **await _rights(found.role, found.own))


@steps.post("/users/{user_id:int}/steps/rights")
async def choose_rights(request: Request, viewer: Viewer, user_id: int) -> Reply:
    who = await _begun(viewer, user_id)
    role, bits = role_in(await request.form())
    try:
        await preparing.choose_rights(who, role, bits, by=viewer)
    except Refused as refused:
        return invalid("steps/rights.html", **_frame("rights", who), **await _rights(role, bits or 0, refused.why))
    return go(clients.url(user_id=user_id))


async def _rights(role: str, bits: int, why: Say | None = None) -> dict[str, Any]:
    return {"roles": await template_choices(), "rights": RIGHTS, "role": role, "bits": bits, "why": why}


@steps.get("/users/{user_id:int}/steps/clients")
async def clients(request: Request, viewer: Viewer, user_id: int) -> Reply:
    """The clients he reaches, and a search for more; several can be added at once, each with its own template."""
    who = await _person(viewer, user_id)
    found = await preparing.preparation_of(who.id)
    if not found:
        return go(user_page.url(user_id=user_id))
    q = request.query_params.get("q", "").replace("\x00", "").strip()[:100]
    return show("steps/clients.html", **_frame("clients", who), **await _clients(viewer, who, found.role, q))


@steps.post("/users/{user_id:int}/steps/clients")
async def add_clients(request: Request, viewer: Viewer, user_id: int) -> Reply:
    """What was ticked; with `next` on to the next step."""
    who, form = await _begun(viewer, user_id), await request.form()
    ids = [int(value) for value in map(str, form.getlist("ids")) if value.isdecimal() and len(value) < 10]
    chosen = {one: str(form.get(f"role-{one}", "")) for one in ids[:MOST]}
    q = str(form.get("q", "")).strip()[:100]
    try:
        count = await preparing.add_clients(who, chosen, by=viewer)
    except Refused as refused:
        found = await preparing.preparation_of(who.id)
        context = await _clients(viewer, who, found.role if found else "", q)
        return invalid("steps/clients.html", **_frame("clients", who), **{**context, "why": refused.why})
    if form.get("next"):
        await preparing.reach_step(who, "mail", by=viewer)
        return go(mail.url(user_id=user_id))
    words = Say("Kies eerst een of meer cliënten.")
    if count:
        words = Say("{who} heeft nu toegang tot {n} cliënten erbij.", who=who.display_name, n=count)
    if count == 1:
        words = Say("{who} heeft nu toegang tot 1 cliënt erbij.", who=who.display_name)
    return go(clients.url(user_id=user_id, q=q or None), toast=words)


@steps.post("/users/{user_id:int}/steps/clients/{client_id:int}/removal")
async def take_client(request: Request, viewer: Viewer, user_id: int, client_id: int) -> Reply:
    who, client = await _begun(viewer, user_id), await viewer.clients.get(client_id)
    await who.take_access(client, by=viewer)
    words = Say("{who} heeft geen toegang meer tot “{client}”.", who=who.display_name, client=client.name)
    return go(clients.url(user_id=user_id), toast=words)


async def _clients(viewer: Viewer, who: User, role: str, q: str) -> dict[str, Any]:
    held = await preparing.accesses_of(viewer, who)
    found = client_lists.matching(viewer, q=q).where(Client.id.not_in([row["client"] for row in held] or [-1]))
    total = await found.count()
    rows = await found.select(Client.id, Client.name, Client.number, Client.city, order=(Client.sort_key,), limit=MOST)
    names = {one["key"]: Say(one["name"]) for one in await templates()}
    roles = [*names.items(), *([("", Say("Geen sjabloon"))] if not role else [])]
    return {
        "held": held,
        "found": rows,
        "total": total,
        "q": q,
        "role": role,
        "roles": roles,
        "names": names,
        "why": None,
    }


@steps.get("/users/{user_id:int}/steps/mail")
async def mail(request: Request, viewer: Viewer, user_id: int) -> Reply:
    who = await _person(viewer, user_id)
    if not await preparing.preparation_of(who.id):
        return go(user_page.url(user_id=user_id))
    form = mailing_of(who).blank(language=who.language, digest=who.digest)
    return show("steps/mail.html", **_frame("mail", who), form=form)


@steps.post("/users/{user_id:int}/steps/mail")
async def set_mail(request: Request, viewer: Viewer, user_id: int) -> Reply:
    who = await _begun(viewer, user_id)
    form = await mailing_of(who).read(request)
    if await form.submit(who.set_mail_preferences, by=viewer):
        await preparing.reach_step(who, "finish", by=viewer)
        return go(finish.url(user_id=user_id))
    return invalid("steps/mail.html", **_frame("mail", who), form=form)


@steps.get("/users/{user_id:int}/steps/finish")
async def finish(request: Request, viewer: Viewer, user_id: int) -> Reply:
    """What will happen: the mail is shown where one would go out."""
    who = await _person(viewer, user_id)
    if not await preparing.preparation_of(who.id):
        return go(user_page.url(user_id=user_id))
    return show("steps/finish.html", **_frame("finish", who), **await _ending(viewer, who))


@steps.post("/users/{user_id:int}/steps/finish")
async def end(request: Request, viewer: Viewer, user_id: int) -> Reply:
    """Mails only what was shown: the form says that it was (`invite`)."""
    who, form = await _begun(viewer, user_id), await request.form()
    invite = form.get("invite") == "1"
    try:
        await preparing.finish(who, invite=invite, by=viewer)
    except Refused as refused:
        context = {**await _ending(viewer, who), "why_not": refused.why}
        return invalid("steps/finish.html", **_frame("finish", who), **context)
    words = Say("{who} is klaargezet. Er is niets verstuurd.", who=who.display_name)
    if invite:
        words = Say("{who} is toegevoegd. De uitnodiging gaat naar {email}.", who=who.display_name, email=who.email)
    return go(user_page.url(user_id=user_id), toast=words)


@steps.post("/users/{user_id:int}/steps/discard")
async def discard(request: Request, viewer: Viewer, user_id: int) -> Reply:
    who = await _begun(viewer, user_id)
    try:
        await preparing.discard(who, by=viewer)
    except Refused as refused:
        context = {**await _ending(viewer, who), "why_not": refused.why}
        return invalid("steps/finish.html", **_frame("finish", who), **context)
    return go("/users", toast=Say("{who} is niet toegevoegd.", who=who.display_name))


async def _ending(viewer: Viewer, who: User) -> dict[str, Any]:
    at_once = not (await Firm.load()).users_without_login
    why_not = await who.why_not_invited()
    shown = None
    if at_once and not why_not:
        reached = (await reached_by([who.id], seen_by=viewer)).get(who.id)
        shown = await preview(await addressed(who), who.language, reached)
    held = await preparing.accesses_of(viewer, who)
    names = {one["key"]: Say(one["name"]) for one in await templates()}
    return {"at_once": at_once, "why_not": why_not, "mail": shown, "held": held, "names": names}


# finding


def _allow(viewer: Viewer) -> None:
    if not viewer.may("manage_users"):
        raise Missing("steps")


async def _person(viewer: Viewer, user_id: int) -> User:
    _allow(viewer)
    found = await viewer.users.get(user_id)
    if found.kind != "client":
        raise Missing("steps", user_id)
    return found


async def _begun(viewer: Viewer, user_id: int) -> User:
    """For what changes him: only while his steps are not finished."""
    found = await _person(viewer, user_id)
    if not await preparing.preparation_of(found.id):
        raise Missing("steps", user_id)
    return found


async def _client(viewer: Viewer, typed: str) -> Client | None:
    if not (typed.isdecimal() and len(typed) < 10):
        return None
    return await viewer.clients.where(Client.id == int(typed), Client.state == "active").find()


def _frame(step: str, who: User | None) -> dict[str, Any]:
    """What every step shows around its form: where one is, and the steps to go back to."""
    urls = [f"/users/{who.id}/steps/{name}" if who else None for name in NAMES]
    return {
        "title": Say("Gebruiker toevoegen"),
        "section": "users",
        "person": who,
        "steps": list(zip(NAMES.values(), urls, strict=True)),
        "at": list(NAMES).index(step),
    }
