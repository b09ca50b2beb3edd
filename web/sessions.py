"""Signing in and out, the second factor, forgotten passwords, and the one-time links of mails."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette_login.utils import login_user, logout_user

from models import engine, passkeys, passwords, sign_ins, signing_in, throttling
from models.accounts import User, mailbox
from models.core import Gone, Missing, Refused, Say
from models.lost_factors import has_factor_after_all
from models.providers import enabled as enabled_providers
from models.settings import Firm
from models.viewer import Viewer
from web import routing, trusting
from web.addresses import local_path
from web.forms import Form, PasswordField, Required, Text
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes, remember
from web.security import address_of, agent_of, device_seal, is_known_device, known_cookie

sessions = Routes("sessions", Access.PUBLIC)

LAYOUT = "layout_public.html"
ASKING_LASTS = 0.4  # seconds, whether the address is somebody's or not
WRONG = Say("Dit e-mailadres en wachtwoord horen niet bij elkaar. Controleer beide, of kies “Wachtwoord vergeten”.")
_SLOWED = Say(
    "Er is te vaak geprobeerd. Wacht een kwartier, of kies “Wachtwoord vergeten”: met de link in die mail komt u meteen binnen."
)
_SLOWED_CODE = Say("Er is te vaak een verkeerde code ingevuld. Wacht een kwartier en probeer het dan opnieuw.")


class SignIn(Form):
    email = Text(most=254, required=True)
    password = PasswordField(validators=[Required()])


class Code(Form):
    code = Text(most=30, required=True)


class NewPassword(Form):
    password = PasswordField(validators=[Required()])


class Forgotten(Form):
    email = Text(most=254, required=True)


def next_of(request: Request) -> str:
    return local_path(request.scope.get("poort.next") or request.query_params.get("next", ""))


@sessions.get("/sign-in")
async def sign_in(request: Request, viewer: Viewer) -> Reply:
    if viewer.is_signed_in:
        return go(target_of(request, viewer.user))
    return await sign_in_form(request, SignIn.blank())


async def sign_in_form(request: Request, form: SignIn, wrong: Say | None = None) -> Reply:
    make, next_url = invalid if wrong or form.errors else show, next_of(request)
    kept = next_url.startswith("/drafts/")
    reply: Reply = make(
        "sessions/sign_in.html",
        title=Say("Aanmelden"),
        layout=LAYOUT,
        form=form,
        wrong=wrong,
        next_url=next_url,
        kept=kept,
        has_passkeys=passkeys.site() is not None and request.query_params.get("by") != "password",
        by_password=request.query_params.get("by") == "password",
        providers=await enabled_providers(),
    )
    return reply


@dataclass
class Tried:
    """What became of a password: whom it fits; or what to say, and whose accounts were tried (0: nobody's)."""

    fits: list[User] = field(default_factory=list)
    wrong: Say | None = None
    tried: list[int] = field(default_factory=list)
    together: int = 1  # how many who are active share the mailbox


async def _check_password(request: Request, form: Any) -> Tried:
    """Before the unit: find who has the address and check the password, which takes as long for an address that nobody has."""
    email, password = str(form.get("email", ""))[:254].strip(), str(form.get("password", ""))
    return await try_password(request, email, password) if email and password else Tried()


async def try_password(request: Request, email: str, password: str, only: int = 0) -> Tried:
    """Count the try, and check it against everybody with this address (`only`: against one of them)."""

    async def begin() -> tuple[list[User], throttling.Limits, int]:
        found = await mailbox.holders_of(email)
        known = any(is_known_device(request, one.id) for one in found)
        limits = throttling.of_sign_in(email, address_of(request), request.cookies[known_cookie()] if known else "")
        within = await throttling.count_try(limits)
        return found, limits, await mailbox.most_together() if within else 0

    found, limits, most = await engine.run_writing(begin)
    if not most:
        return Tried(wrong=_SLOWED)
    tried = [one for one in found if only in (0, one.id)]
    right = [one for one in tried if await passwords.verify(password, one.password) and one.state == "active"]
    if not right:
        for _ in range(most - len(tried)):  # or the time would tell how many have this address
            await passwords.verify(password, "")
        return Tried(wrong=WRONG, tried=[one.id for one in tried] or [0])
    await engine.run_writing(lambda: throttling.give_back(limits))
    return Tried(fits=right, together=sum(one.state == "active" for one in found))


@sessions.post("/sign-in", before=_check_password)
async def begin_session(request: Request, viewer: Viewer, prepared: Tried) -> Reply:
    """Inside; who shares his mailbox first says who he is (web/choosing.py)."""
    form = await SignIn.read(request)
    if not prepared.fits:
        for person in prepared.tried:
            await note(request, person, "password", succeeded=False)
        return await sign_in_form(request, form, prepared.wrong)
    if prepared.together == 1:
        return await let_in(request, prepared.fits[0])
    await end_present(request)
    request.scope["poort.cookie"], _ = await signing_in.begin_session(
        prepared.fits[0], half=True, address=address_of(request), agent=agent_of(request), fits=prepared.fits
    )
    return go("/sign-in/who" + (f"?{urlencode({'next': next_of(request)})}" if next_of(request) else ""))


async def let_in(request: Request, user: User, toast: Say | None = None, how: str = "password") -> Reply:
    """The password was right (or just set by a link): on to the second factor where there is one, else inside."""
    trusted = user.has_second_factor and await trusting.is_trusted(request, user)
    if user.has_second_factor and not trusted:
        await end_present(request)
        request.scope["poort.cookie"], _ = await signing_in.begin_session(
            user, half=True, address=address_of(request), agent=agent_of(request), how=how
        )
        return go(code.url(next=next_of(request)), toast=toast)
    await enter(request, user, how, "trusted" if trusted else "")
    return go(target_of(request, user), toast=toast)


async def enter(request: Request, user: User, how: str = "password", factor: str = "") -> None:
    """Sign the person in: a new session under a new random token; an earlier one of this browser ends.

    `how` and `factor` are what his list of sign-ins says (models/sign_ins.py).
    """
    await end_present(request)
    token, _ = await signing_in.begin_session(
        user, half=False, address=address_of(request), agent=agent_of(request), how=how, factor=factor
    )
    await note(request, user.id, how, factor)
    request.scope["poort.cookie"] = token
    request.scope["poort.known"] = device_seal(user.id)
    await login_user(request, user)


async def note(request: Request, person: int, how: str, factor: str = "", *, succeeded: bool = True) -> None:
    address, agent = address_of(request), agent_of(request)
    await sign_ins.note(person, how, factor=factor, succeeded=succeeded, address=address, agent=agent)


async def finish(request: Request, half: signing_in.SignedIn, factor: str) -> Reply:
    """The second factor was right: inside, and this browser is trusted if that was asked."""
    if (await request.form()).get("trust"):
        await trusting.trust(request, half.user)
    await has_factor_after_all(half.user.id)
    await enter(request, half.user, half.how, factor)
    return go(target_of(request, half.user))


async def refuse_factor(request: Request, half: signing_in.SignedIn, factor: str, form: Code, why: Refused) -> Reply:
    await note(request, half.user.id, half.how, factor, succeeded=False)
    form.refuse(why)
    return code_form(request, form, invalid)


async def end_present(request: Request) -> None:
    present = (
        request.scope.get("poort.signed_in") or request.scope.get("poort.half") or request.scope.get("poort.choosing")
    )
    if present:
        await signing_in.end_session(present.session_id)


def target_of(request: Request, user: User) -> str:
    """Where the person was going, if he may open it; else his first page."""
    home, wanted = ("/" if user.kind == "staff" else "/portal"), next_of(request)
    if not wanted or wanted.startswith("/sign-"):
        return home
    try:
        action, _ = routing.action_at("GET", wanted.partition("?")[0])
    except Missing:
        return wanted if user.kind == "staff" else home
    barred = {"staff": Access.CLIENT, "client": Access.STAFF}[user.kind]
    return home if action.access is barred else wanted


@sessions.get("/sign-in/code")
async def code(request: Request, viewer: Viewer) -> Reply:
    if "poort.half" not in request.scope:
        return go(sign_in.url(next=next_of(request)))
    return code_form(request, Code.blank(), show)


def code_form(request: Request, form: Code, make: Any) -> Reply:
    person, here = request.scope["poort.half"].user, passkeys.site() is not None
    reply: Reply = make(
        "sessions/code.html",
        title=Say("Tweede factor"),
        layout=LAYOUT,
        form=form,
        next_url=next_of(request),
        person=person,
        by_passkey=bool(person.has_passkey) and here,
    )
    return reply


async def _count_code(request: Request, form: Any) -> bool:
    """Before the unit, so that a try is counted whatever becomes of it."""
    half = request.scope.get("poort.half")
    if half is None:
        return False
    return await engine.run_writing(lambda: throttling.count_try(_code_limits(request, half.user)))


def _code_limits(request: Request, user: User) -> throttling.Limits:
    return throttling.of_code(user.id, request.cookies[known_cookie()] if is_known_device(request, user.id) else "")


@sessions.post("/sign-in/code", before=_count_code)
async def finish_session(request: Request, viewer: Viewer, prepared: bool) -> Reply:
    half = request.scope.get("poort.half")
    if half is None:
        return go(sign_in.url(next=next_of(request)))
    form, user = await Code.read(request), half.user
    if not prepared:
        form.refuse(Refused("code", _SLOWED_CODE))
    elif not form.errors and await user.takes_code(form.code.data or ""):
        await throttling.give_back(_code_limits(request, user))
        return await finish(request, half, "code")
    elif not form.errors:
        why = Say("Deze code klopt niet of is al gebruikt. Neem de nieuwste code over.")
        return await refuse_factor(request, half, "code", form, Refused("code", why))
    return code_form(request, form, invalid)


@sessions.post("/sign-out", access=Access.SIGNED_IN)
async def sign_out(request: Request, viewer: Viewer) -> Reply:
    await signing_in.end_session(viewer.session_id)
    await logout_user(request)
    request.scope["poort.cookie"] = ""
    back = next_of(request)  # of who has to come in by his password this time, to approve with his passkey
    return go(sign_in.url(next=back or None, by="password" if back else None), toast=Say("U bent afgemeld."))


@sessions.get("/sign-in/forgotten")
async def forgotten(request: Request, viewer: Viewer) -> Reply:
    return _forgotten(request, Forgotten.blank(), show, sent=False)


def _forgotten(request: Request, form: Forgotten, make: Any, *, sent: bool) -> Reply:
    reply: Reply = make(
        "sessions/forgotten.html",
        title=Say("Wachtwoord vergeten"),
        layout=LAYOUT,
        form=form,
        sent=sent,
        hours=signing_in.LINK_HOURS,
        next_url=next_of(request),
    )
    return reply


async def _ask(request: Request, form: Any) -> bool:
    """Before the unit, in one of its own: it lasts as long for an address that nobody has."""
    began, email = time.monotonic(), " ".join(str(form.get("email", ""))[:254].split())

    async def ask() -> bool:
        within = await throttling.count_try(throttling.of_forgotten(address_of(request)))
        if within:
            await signing_in.ask_new_password(email)
        return within

    within = await engine.run_writing(ask)
    await asyncio.sleep(max(0.0, ASKING_LASTS - (time.monotonic() - began)))
    return within


@sessions.post("/sign-in/forgotten", before=_ask)
async def ask_password(request: Request, viewer: Viewer, prepared: bool) -> Reply:
    """The same answer whether the address is known or not."""
    form = await Forgotten.read(request)
    if not prepared:
        form.refuse(Refused("email", Say("Er is vanaf hier te vaak een link aangevraagd. Wacht een kwartier.")))
    return _forgotten(request, form, invalid if form.errors else show, sent=not form.errors)


@sessions.get("/welcome/{token}")
async def welcome(request: Request, viewer: Viewer, token: str) -> Reply:
    """The page of an invitation, or of a new password. Looking uses nothing up: mail scanners look at every link."""
    try:
        link, user = await signing_in.open_link(token)
    except Gone as gone:
        return gone_page(gone)
    if _is_a_person(request):
        remember(request, lambda: signing_in.note_opened(link.id))
    return _welcome(NewPassword.blank(), token, user, link.kind, show)


def gone_page(gone: Gone) -> Reply:
    title = Say("Deze link werkt niet meer")
    return show("sessions/gone.html", title=title, layout=LAYOUT, status=410, why=gone.why)


def _is_a_person(request: Request) -> bool:
    """A browser that opens a page says so, or at least for whom: scanners and previews do neither."""
    dest = request.headers.get("sec-fetch-dest")
    return request.method == "GET" and (dest == "document" if dest else "accept-language" in request.headers)


def _welcome(form: NewPassword, token: str, user: User, kind: str, make: Any) -> Reply:
    reply: Reply = make(
        "sessions/welcome.html", title=Say("Welkom"), layout=LAYOUT, form=form, token=token, user=user, kind=kind
    )
    return reply


async def _hash_new(request: Request, form: Any) -> str | Refused:
    """Before the unit: the rules and the hash; a dead link costs no hashing."""
    password = str(form.get("password", ""))
    async with engine.reading():
        try:
            _, user = await signing_in.open_link(request.path_params["token"])
            least = (await Firm.load()).password_length
        except Gone:
            return ""
    try:
        passwords.check(password, user.email, user.surname, user.first_name, least=least)
    except Refused as refused:
        return refused
    return await passwords.hash_password(password)


@sessions.post("/welcome/{token}", before=_hash_new)
async def set_password(request: Request, viewer: Viewer, token: str, prepared: str | Refused) -> Reply:
    try:
        link, user = await signing_in.open_link(token)
    except Gone as gone:
        return gone_page(gone)
    form = await NewPassword.read(request)
    if isinstance(prepared, Refused):
        if not form.errors:
            form.refuse(prepared)
        return _welcome(form, token, user, link.kind, invalid)
    user = await signing_in.use_link(token, prepared)
    return await let_in(request, user, toast=Say("Uw wachtwoord is ingesteld."))


def home_of(viewer: Viewer) -> str:
    return "/" if viewer.is_staff else "/portal"
