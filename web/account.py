"""One's own security page: password, second factor, sessions, preferences. For staff and clients alike."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models import factors, passwords
from models.accounts import Session
from models.core import Refused, Say
from models.secret_box import decrypt, encrypt
from models.settings import Firm
from models.viewer import Viewer
from web.forms import Form, PasswordField, SelectField, Text
from web.replies import Reply, changed, go, invalid, show
from web.routing import Routes
from web.sessions import home_of

account = Routes("account")


class Password(Form):
    present = PasswordField()
    password = PasswordField()


class Authenticator(Form):
    sealed = Text(most=2000, required=True)
    code = Text(most=10, required=True)


class Preferences(Form):
    language = SelectField(choices=[("nl", "Nederlands"), ("en", "English")])
    theme = SelectField(choices=[("", Say("Zoals het systeem")), ("light", Say("Licht")), ("dark", Say("Donker"))])
    digest = SelectField(choices=[("daily", Say("Eén keer per dag")), ("at_once", Say("Meteen")), ("never", Say("Niet"))])


@account.get("/account")
async def page(request: Request, viewer: Viewer) -> Reply:
    return await _page(viewer, show)


async def _page(viewer: Viewer, make: Any, **forms: Form) -> Reply:
    user = viewer.user
    context: dict[str, Any] = {
        "password_form": Password.blank(),
        "preferences": Preferences.blank(language=user.language, theme=user.theme, digest=user.digest),
        "sessions": await viewer.sessions.all(Session.id),
        "codes_left": await user.recovery_codes_left(),
        **forms,
    }
    reply: Reply = make("account/page.html", title=Say("Uw account"), section="account", **context)
    return reply


async def _check_and_hash(request: Request, form: Any) -> str | Refused:
    user = request.user
    if not user.is_authenticated:
        return ""
    if not await passwords.verify(str(form.get("present", "")), user.password):
        return Refused("present", Say("Dit is niet uw huidige wachtwoord."))
    password = str(form.get("password", ""))
    try:
        passwords.check(password, user.email, user.surname, user.first_name)
    except Refused as refused:
        return refused
    return await passwords.hash_password(password)


@account.post("/account/password", before=_check_and_hash)
async def set_password(request: Request, viewer: Viewer, prepared: str | Refused) -> Reply:
    form = await Password.read(request)
    if isinstance(prepared, Refused):
        form.refuse(prepared)
        return await _page(viewer, invalid, password_form=form)
    await viewer.user.set_password(prepared, by=viewer)
    return changed(then=page.url(), toast=Say("Uw wachtwoord is gewijzigd. Op andere apparaten bent u afgemeld."))


@account.post("/account/preferences")
async def set_preferences(request: Request, viewer: Viewer) -> Reply:
    form = await Preferences.read(request)
    if await form.submit(viewer.user.set_preferences, by=viewer):
        return changed(then=page.url(), toast=Say("Uw voorkeuren zijn bewaard."))
    return await _page(viewer, invalid, preferences=form)


@account.get("/account/second-factor")
async def second_factor(request: Request, viewer: Viewer) -> Reply:
    return await _second_factor(request, viewer, factors.new_secret(), Authenticator.blank(), show)


async def _second_factor(request: Request, viewer: Viewer, secret: str, form: Authenticator, make: Any) -> Reply:
    firm = await Firm.load()
    address = factors.address(secret, viewer.user.email, firm.name or "Poort")
    reply: Reply = make(
        "account/second_factor.html",
        title=Say("Tweede factor"),
        section="account",
        form=form,
        sealed=encrypt(secret),
        key=" ".join(secret[n : n + 4] for n in range(0, len(secret), 4)),
        qr=factors.qr_image(address),
        first=request.query_params.get("first", ""),
    )
    return reply


@account.post("/account/second-factor")
async def set_authenticator(request: Request, viewer: Viewer) -> Reply:
    form = await Authenticator.read(request)
    try:
        secret = decrypt(form.sealed.data or "")
    except ValueError:
        return go(second_factor.url())
    if form.errors:
        return await _second_factor(request, viewer, secret, form, invalid)
    try:
        codes = await viewer.user.set_authenticator(secret, form.code.data or "", by=viewer)
    except Refused as refused:
        form.refuse(refused)
        return await _second_factor(request, viewer, secret, form, invalid)
    return show("account/recovery_codes.html", title=Say("Herstelcodes"), section="account", codes=codes, first=request.query_params.get("first", ""))


@account.post("/account/second-factor/removal")
async def remove_authenticator(request: Request, viewer: Viewer) -> Reply:
    await viewer.user.remove_authenticator(by=viewer)
    return changed(then=page.url(), toast=Say("De tweede factor staat uit."))


@account.post("/account/second-factor/skipped")
async def skip_second_factor(request: Request, viewer: Viewer) -> Reply:
    await viewer.user.skip_second_factor(by=viewer)
    return go("/welcome-office" if viewer.is_staff and request.query_params.get("first") else home_of(viewer))


@account.post("/account/recovery-codes")
async def renew_recovery_codes(request: Request, viewer: Viewer) -> Reply:
    codes = await viewer.user.renew_recovery_codes(by=viewer)
    return show("account/recovery_codes.html", title=Say("Herstelcodes"), section="account", codes=codes, first="")


@account.post("/account/sessions/{session_id:int}/end")
async def end_session(request: Request, viewer: Viewer, session_id: int) -> Reply:
    session = await viewer.sessions.get(session_id)
    await session.end(by=viewer)
    return changed(then=page.url(), toast=Say("Die sessie is beëindigd."))


@account.post("/account/sessions/end")
async def end_other_sessions(request: Request, viewer: Viewer) -> Reply:
    for session in await viewer.sessions.where(Session.id != viewer.session_id).all():
        await session.end(by=viewer)
    return changed(then=page.url(), toast=Say("Alle andere sessies zijn beëindigd."))


