"""One's own security page: password, second factor, sessions, preferences. For staff and clients alike."""

from __future__ import annotations

import datetime as dt
from typing import Any

from starlette.requests import Request

from models import engine, factors, hearing, passwords, pins, sign_ins
from models.accounts import vouching
from models.core import Refused, Say
from models.passkeys import Passkey, why_not_here
from models.secret_box import decrypt, encrypt
from models.settings import Firm
from models.trusted import TrustedDevice
from models.viewer import Permission, Viewer
from web.addresses import address_for, local_path
from web.devices import device_of, is_phone
from web.forms import Form, PasswordField, Required, SelectField, Text
from web.mailing import DIGESTS, DIGESTS_OF_CLIENTS
from web.proof import asks_proof, check_present
from web.replies import Reply, changed, go, invalid, show
from web.routing import Routes
from web.sessions import home_of

account = Routes("account")

_LAYOUT = "layout_public.html"  # of the steps of the set-up


WAYS = {
    "password": Say("Wachtwoord"),
    "passkey": Say("Passkey"),
    "link": Say("Link in een mail"),
    "paper": Say("Code op papier"),
    "oidc": Say("Account van Microsoft of Google"),
}
FACTORS = {"code": Say("met code"), "passkey": Say("met passkey"), "trusted": Say("vertrouwd apparaat")}


class Password(Form):
    present_password = PasswordField(validators=[Required()])
    password = PasswordField(validators=[Required()])


class Authenticator(Form):
    sealed = Text(most=2000, required=True)
    code = Text(most=10, required=True)


class Preferences(Form):
    language = SelectField(choices=[("nl", Say("Nederlands")), ("en", Say("English"))])
    theme = SelectField(choices=[("", Say("Zoals mijn apparaat")), ("light", Say("Licht")), ("dark", Say("Donker"))])
    digest = SelectField(choices=DIGESTS)


class ClientPreferences(Preferences):
    digest = SelectField(choices=DIGESTS_OF_CLIENTS)


MOST_CHOICES = 60  # clients of which one chooses apart; those with a choice of their own first


def _preferences(viewer: Viewer) -> type[Preferences]:
    return Preferences if viewer.is_staff else ClientPreferences


@account.get("/account")
async def page(request: Request, viewer: Viewer) -> Reply:
    return await _page(viewer, show)


async def _page(viewer: Viewer, make: Any, **forms: Form) -> Reply:
    user, firm = viewer.user, await Firm.load()
    context: dict[str, Any] = {
        "password_form": Password.blank(),
        "preferences": _preferences(viewer).blank(language=user.language, theme=user.theme, digest=user.digest),
        "sessions": sorted(await viewer.sessions.all(), key=lambda session: session.seen_at, reverse=True),
        "device_of": device_of,
        "is_phone": is_phone,
        "codes_left": await user.recovery_codes_left(),
        "is_demanded": viewer.demands_second_factor(firm),
        "passkeys": await viewer.scope(Passkey).all(Passkey.id),
        "no_passkeys": why_not_here(),
        "trusted": await viewer.scope(TrustedDevice).all(TrustedDevice.id),
        "sign_ins": await sign_ins.recent(viewer),
        "ways": WAYS,
        "factors": FACTORS,
        **await _approving(viewer),
        "office_digest": dict(DIGESTS)[firm.client_digest],
        "hearing": await _hearing(viewer) if viewer.is_client and len(viewer.grants) > 1 else [],
        "hearings": [("", Say("Zoals hierboven")), *DIGESTS],
        **forms,
    }
    reply: Reply = make("account/page.html", title=Say("Uw account"), section="account", **context)
    return reply


async def _approving(viewer: Viewer) -> dict[str, Any]:
    """With what he can approve, for who approves for some client."""
    if not viewer.is_client or not viewer.may(Permission.APPROVE):
        return {"approving": None, "has_pin": False}
    standing = await pins.standing(viewer, "pin")
    works = {way.method for way in standing.ways} | {
        way.method for way in standing.closed if way.why is not pins.BLOCKED
    }
    return {"approving": standing, "has_pin": "pin" in works and why_not_here() is None}


async def _check_and_hash(request: Request, form: Any) -> str | Refused:
    if refused := await check_present(request, form):
        return refused
    password, user = str(form.get("password", "")), request.user
    if not user.is_authenticated:
        return ""
    async with engine.reading():
        least = (await Firm.load()).password_length
    try:
        passwords.check(password, user.email, user.surname, user.first_name, least=least)
    except Refused as refused_:
        return refused_
    return await passwords.hash_password(password)


@account.post("/account/password", before=_check_and_hash)
async def set_password(request: Request, viewer: Viewer, prepared: str | Refused) -> Reply:
    form = await Password.read(request)
    if isinstance(prepared, Refused) and not form[prepared.field].errors:
        form.refuse(prepared)
    if form.errors or isinstance(prepared, Refused):
        return await _page(viewer, invalid, password_form=form)
    await viewer.user.set_password(prepared, by=viewer)
    return changed(then=page.url(), toast=Say("Uw wachtwoord is gewijzigd. Op andere apparaten bent u afgemeld."))


@account.post("/account/preferences")
async def set_preferences(request: Request, viewer: Viewer) -> Reply:
    form = await _preferences(viewer).read(request)
    if await form.submit(viewer.user.set_preferences, by=viewer):
        if viewer.is_client:
            await hearing.choose(viewer.user, _chosen(await request.form()), by=viewer)
        return changed(then=page.url(), toast=Say("Uw voorkeuren zijn bewaard."))
    return await _page(viewer, invalid, preferences=form)


async def _hearing(viewer: Viewer) -> list[dict[str, Any]]:
    """The clients of which he may choose apart: id, name, how."""
    held = await hearing.choices_of(viewer)
    found = [
        {"id": g.client_id, "name": g.client_name, "how": held.get(g.client_id, "")} for g in viewer.grants.values()
    ]
    return sorted(found, key=lambda one: not one["how"])[:MOST_CHOICES]


def _chosen(form: Any) -> dict[int, str]:
    """client > how, out of the fields how-7."""
    found = {}
    for name, value in form.items():
        number = name.removeprefix("how-")
        if name.startswith("how-") and number.isdecimal() and len(number) < 10:
            found[int(number)] = str(value)
    return found


# the authenticator


@account.get("/account/second-factor")
async def second_factor(request: Request, viewer: Viewer) -> Reply:
    if not (await Firm.load()).takes_factor("totp"):
        return go(address_for("account.new_passkey", next=back_of(request) or None))
    if asked := await asks_proof(request, viewer, second_factor.url(next=back_of(request) or None)):
        return asked
    return await _second_factor(request, viewer, factors.new_secret(), Authenticator.blank(), show)


def back_of(request: Request) -> str:
    """From where he came to make a means, and where he goes on once it is made; '' for his account."""
    return local_path(request.query_params.get("next", ""))


async def counts_later(viewer: Viewer) -> dt.datetime | None:
    """From when what he makes in this session counts for approving, told to who approves; None for at once."""
    return await vouching.counts_from(viewer) if viewer.is_client and viewer.may(Permission.APPROVE) else None


async def _second_factor(request: Request, viewer: Viewer, secret: str, form: Authenticator, make: Any) -> Reply:
    firm = await Firm.load()
    address = factors.address(secret, viewer.user.email, firm.name or "Poort")
    reply: Reply = make(
        "account/second_factor.html",
        title=Say("Tweede factor"),
        section="account",
        layout=_LAYOUT if request.query_params.get("first") or _is_waiting(firm, viewer) else None,
        form=form,
        sealed=encrypt(secret),
        key=" ".join(secret[n : n + 4] for n in range(0, len(secret), 4)),
        qr=factors.qr_image(address),
        app_link=address,
        first=request.query_params.get("first", ""),
        may_passkey=why_not_here() is None and not viewer.user.totp_secret,
        is_demanded=viewer.demands_second_factor(firm),
        back=back_of(request),
        counts_from=await counts_later(viewer),
    )
    return reply


def _is_waiting(firm: Firm, viewer: Viewer) -> bool:
    """Whether nothing else opens before the second factor is set: then there is no menu to walk away by."""
    return viewer.waits_for_factor(firm)


@account.post("/account/second-factor")
async def set_authenticator(request: Request, viewer: Viewer) -> Reply:
    if asked := await asks_proof(request, viewer, second_factor.url(next=back_of(request) or None)):
        return asked
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
    return codes_page(request, viewer, codes)


def codes_page(request: Request, viewer: Viewer, codes: list[str]) -> Reply:
    is_first = bool(request.query_params.get("first"))
    return show(
        "account/recovery_codes.html",
        title=Say("Herstelcodes"),
        section="account",
        layout=_LAYOUT if is_first else None,
        codes=codes,
        then=_after_first(viewer) if is_first else back_of(request) or page.url(),
    )


def _after_first(viewer: Viewer) -> str:
    """The next step of the set-up, for whom it concerns."""
    return "/welcome-office/logo" if viewer.may(Permission.MANAGE_SETTINGS) else home_of(viewer)


@account.get("/account/second-factor/removal")
async def removal(request: Request, viewer: Viewer) -> Reply:
    if asked := await asks_proof(request, viewer, removal.url()):
        return asked
    return show("account/removal.html", title=Say("Tweede factor uitzetten"), section="account")


@account.post("/account/second-factor/removal")
async def remove_authenticator(request: Request, viewer: Viewer) -> Reply:
    if asked := await asks_proof(request, viewer, removal.url()):
        return asked
    await viewer.user.remove_authenticator(by=viewer)
    return changed(then=page.url(), toast=Say("De tweede factor staat uit."))


@account.post("/account/second-factor/skipped")
async def skip_second_factor(request: Request, viewer: Viewer) -> Reply:
    await viewer.user.skip_second_factor(by=viewer)
    return go(_after_first(viewer) if request.query_params.get("first") else home_of(viewer))


@account.post("/account/recovery-codes")
async def renew_recovery_codes(request: Request, viewer: Viewer) -> Reply:
    if asked := await asks_proof(request, viewer, page.url()):
        return asked
    return codes_page(request, viewer, await viewer.user.renew_recovery_codes(by=viewer))


@account.post("/account/sessions/{session_id:int}/end")
async def end_session(request: Request, viewer: Viewer, session_id: int) -> Reply:
    session = await viewer.sessions.get(session_id)
    await session.end(by=viewer)
    return changed(then=page.url(), toast=Say("Dat apparaat is afgemeld."))


@account.post("/account/sessions/end")
async def end_other_sessions(request: Request, viewer: Viewer) -> Reply:
    await viewer.user.end_other_sessions(by=viewer)
    return changed(then=page.url(), toast=Say("Alle andere apparaten zijn afgemeld."))


@account.post("/account/trusted/{trusted_id:int}/withdrawal")
async def withdraw_trust(request: Request, viewer: Viewer, trusted_id: int) -> Reply:
    device = await viewer.scope(TrustedDevice).get(trusted_id)
    await device.withdraw(by=viewer)
    return changed(then=page.url(), toast=Say("Dat apparaat wordt niet meer vertrouwd."))
