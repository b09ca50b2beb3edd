"""Signing in and out, the second factor, forgotten passwords, and the one-time links of mails."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette_login.utils import login_user, logout_user

from models import engine, passwords, signing_in
from models.accounts import User
from models.core import Gone, Refused, Say
from models.viewer import Viewer
from web.addresses import local_path
from web.forms import Form, PasswordField, Text
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes, remember
from web.security import address_of, agent_of, known_seal

sessions = Routes("sessions", Access.PUBLIC)

_LAYOUT = "layout_public.html"
_WRONG = Say("Dit e-mailadres en wachtwoord horen niet bij elkaar. Controleer beide, of kies “Wachtwoord vergeten”.")
_SLOWED = Say("Er is vanaf hier te vaak geprobeerd. Wacht een kwartier, of kies “Wachtwoord vergeten”.")


class SignIn(Form):
    email = Text(most=254, required=True)
    password = PasswordField()


class Code(Form):
    code = Text(most=20, required=True)


class NewPassword(Form):
    password = PasswordField()


class Forgotten(Form):
    email = Text(most=254, required=True)


def _next(request: Request) -> str:
    return local_path(request.query_params.get("next", ""))


@sessions.get("/sign-in")
async def sign_in(request: Request, viewer: Viewer) -> Reply:
    if viewer.is_signed_in:
        return go(_next(request) or home_of(viewer))
    return _sign_in_form(request, SignIn.blank())


def _sign_in_form(request: Request, form: SignIn, wrong: Say | None = None) -> Reply:
    make = invalid if wrong or form.errors else show
    return make("sessions/sign_in.html", title=Say("Aanmelden"), layout=_LAYOUT, form=form, wrong=wrong, next_url=_next(request))


async def _check_password(request: Request, form: Any) -> tuple[User | None, str]:
    """Before the unit: find the person and check the password, which takes as long for an address that nobody has."""
    email, password, address = str(form.get("email", ""))[:254], str(form.get("password", "")), address_of(request)
    async with engine.reading():
        user = await signing_in.by_email(email)
        known = user is not None and request.cookies.get("known") == known_seal(user.id)
        if not await signing_in.may_try(email, address, known):
            return None, "slowed"
    right = await passwords.verify(password, user.password if user else "")
    return (user, "") if user and right and user.state == "active" else (None, "wrong")


@sessions.post("/sign-in", before=_check_password)
async def begin_session(request: Request, viewer: Viewer, prepared: tuple[User | None, str]) -> Reply:
    form = await SignIn.read(request)
    user, problem = prepared
    if user is None:
        if problem == "wrong":
            await signing_in.note_failure(form.email.data or "", address_of(request))
        return _sign_in_form(request, form, _SLOWED if problem == "slowed" else _WRONG)
    await signing_in.forget_failures(form.email.data or "", address_of(request))
    if user.totp_secret:
        token, _ = await signing_in.begin_session(user, half=True, address=address_of(request), agent=agent_of(request))
        request.scope["poort.cookie"] = token
        return go(code.url(next=_next(request)))
    await enter(request, user)
    return go(_next(request) or ("/" if user.kind == "staff" else "/portal"))


async def enter(request: Request, user: User) -> None:
    """Sign the person in: a new session under a new random token; an earlier one of this browser ends."""
    if old := request.scope.get("poort.session_id") or getattr(request.scope.get("poort.half"), "session_id", None):
        await signing_in.end_session(old)
    token, session_id = await signing_in.begin_session(user, half=False, address=address_of(request), agent=agent_of(request))
    request.scope["poort.cookie"] = token
    request.scope["poort.known"] = known_seal(user.id)
    request.scope["poort.session_id"] = session_id
    await login_user(request, user)


@sessions.get("/sign-in/code")
async def code(request: Request, viewer: Viewer) -> Reply:
    if "poort.half" not in request.scope:
        return go(sign_in.url(next=_next(request)))
    return show("sessions/code.html", title=Say("Code"), layout=_LAYOUT, form=Code.blank(), next_url=_next(request))


@sessions.post("/sign-in/code")
async def finish_session(request: Request, viewer: Viewer) -> Reply:
    half = request.scope.get("poort.half")
    if half is None:
        return go(sign_in.url(next=_next(request)))
    form, user, address = await Code.read(request), half.user, address_of(request)
    throttle = f"code {user.id}"
    if not await signing_in.may_try(throttle, address, False):
        form.refuse(Refused("code", _SLOWED))
    elif not form.errors and await user.takes_code(form.code.data or ""):
        await signing_in.forget_failures(throttle, address)
        await enter(request, user)
        return go(_next(request) or ("/" if user.kind == "staff" else "/portal"))
    elif not form.errors:
        await signing_in.note_failure(throttle, address)
        form.refuse(Refused("code", Say("Deze code klopt niet of is al gebruikt.")))
    return invalid("sessions/code.html", title=Say("Code"), layout=_LAYOUT, form=form, next_url=_next(request))


@sessions.post("/sign-out", access=Access.SIGNED_IN)
async def sign_out(request: Request, viewer: Viewer) -> Reply:
    await signing_in.end_session(viewer.session_id)
    await logout_user(request)
    request.scope["poort.cookie"] = ""
    return go(sign_in.url(), toast=Say("U bent afgemeld."))


@sessions.get("/sign-in/forgotten")
async def forgotten(request: Request, viewer: Viewer) -> Reply:
    return show("sessions/forgotten.html", title=Say("Wachtwoord vergeten"), layout=_LAYOUT, form=Forgotten.blank(), sent=False)


@sessions.post("/sign-in/forgotten")
async def ask_password(request: Request, viewer: Viewer) -> Reply:
    """Always the same answer; asking for one address is throttled, so that nobody's mailbox is filled."""
    form = await Forgotten.read(request)
    if form.errors:
        return invalid("sessions/forgotten.html", title=Say("Wachtwoord vergeten"), layout=_LAYOUT, form=form, sent=False)
    throttle = f"forgotten {form.email.data}"
    if await signing_in.may_try(throttle, address_of(request), False):
        await signing_in.note_failure(throttle, address_of(request))
        await signing_in.ask_new_password(form.email.data or "")
    return show("sessions/forgotten.html", title=Say("Wachtwoord vergeten"), layout=_LAYOUT, form=form, sent=True)


@sessions.get("/welcome/{token}")
async def welcome(request: Request, viewer: Viewer, token: str) -> Reply:
    """The page of an invitation, or of a new password."""
    link, user = await signing_in.open_link(token)
    remember(request, lambda: signing_in.note_opened(link.id))
    return _welcome(NewPassword.blank(), token, user, link.kind, show)


def _welcome(form: NewPassword, token: str, user: User, kind: str, make: Any) -> Reply:
    reply: Reply = make("sessions/welcome.html", title=Say("Welkom"), layout=_LAYOUT, form=form, token=token, user=user, kind=kind)
    return reply


async def _hash_new(request: Request, form: Any) -> str | Refused:
    """Before the unit: the rules and the hash; a dead link costs no hashing."""
    password = str(form.get("password", ""))
    async with engine.reading():
        try:
            _, user = await signing_in.open_link(request.path_params["token"])
        except Gone:
            return ""
    try:
        passwords.check(password, user.email, user.surname, user.first_name)
    except Refused as refused:
        return refused
    return await passwords.hash_password(password)


@sessions.post("/welcome/{token}", before=_hash_new)
async def set_password(request: Request, viewer: Viewer, token: str, prepared: str | Refused) -> Reply:
    link, user = await signing_in.open_link(token)
    form = await NewPassword.read(request)
    if isinstance(prepared, Refused):
        form.refuse(prepared)
        return _welcome(form, token, user, link.kind, invalid)
    user = await signing_in.use_link(token, prepared)
    if user.totp_secret:
        return go(sign_in.url(), toast=Say("Uw wachtwoord is ingesteld. Meld u ermee aan."))
    await enter(request, user)
    return go("/" if user.kind == "staff" else "/portal", toast=Say("Uw wachtwoord is ingesteld. Welkom."))


def home_of(viewer: Viewer) -> str:
    return "/" if viewer.is_staff else "/portal"
