"""Coming in with a code on paper: fill it in, see whose it is, confirm the address, choose a password."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models import engine, passwords, throttling
from models.accounts import User, codes
from models.core import Gone, Refused, Say
from models.settings import Firm
from models.viewer import Viewer
from web.forms import Form, PasswordField, Required, Text
from web.replies import Reply, invalid, show
from web.routing import Access, Routes
from web.security import address_of
from web.sessions import let_in

activate = Routes("activate", Access.PUBLIC)

_LAYOUT = "layout_public.html"
_SLOWED = Say("Er is vanaf hier te vaak een code geprobeerd. Wacht een kwartier en probeer het dan opnieuw.")


class Code(Form):
    code = Text(most=40, required=True)


class Account(Code):
    email = Text(most=254, required=True)
    password = PasswordField(validators=[Required()])


@activate.get("/activate")
async def page(request: Request, viewer: Viewer) -> Reply:
    """A code behind the # of the address is filled in by the browser and never sent in an address."""
    return _ask(Code.blank(), show)


def _ask(form: Code, make: Any) -> Reply:
    reply: Reply = make("activate/code.html", title=Say("Uw portaal activeren"), layout=_LAYOUT, form=form)
    return reply


async def _count_try(request: Request, form: Any) -> bool:
    """Before the unit, so that a guess is counted whatever becomes of it."""
    return await engine.run_writing(lambda: throttling.count_try(throttling.of_activation(address_of(request))))


@activate.post("/activate", before=_count_try)
async def fill_in(request: Request, viewer: Viewer, prepared: bool) -> Reply:
    form = await Code.read(request)
    if form.errors:
        return _ask(form, invalid)
    if not prepared:
        form.refuse(Refused("code", _SLOWED))
        return _ask(form, invalid)
    try:
        code, person = await codes.open_code(form.code.data or "")
    except Gone as gone:
        form.refuse(Refused("code", gone.why))
        return _ask(form, invalid)
    await codes.note_filled_in(code)
    await throttling.take_off(throttling.of_activation(address_of(request)))
    return _account(Account.blank(code=form.code.data, email=person.email), person, show)


def _account(form: Account, person: User, make: Any) -> Reply:
    reply: Reply = make(
        "activate/account.html", title=Say("Uw portaal activeren"), layout=_LAYOUT, form=form, person=person
    )
    return reply


async def _hash(request: Request, form: Any) -> str | Refused:
    """Before the unit: the try is counted, the rules and the hash; a dead code costs no hashing."""
    if not await _count_try(request, form):
        return Refused("code", _SLOWED)
    async with engine.reading():
        try:
            _, person = await codes.open_code(str(form.get("code", "")))
            least = (await Firm.load()).password_length
        except Gone:
            return ""
    password = str(form.get("password", ""))
    try:
        passwords.check(password, str(form.get("email", "")), person.surname, person.first_name, least=least)
    except Refused as refused:
        return refused
    return await passwords.hash_password(password)


@activate.post("/activate/account", before=_hash)
async def set_up(request: Request, viewer: Viewer, prepared: str | Refused) -> Reply:
    form = await Account.read(request)
    try:
        if isinstance(prepared, Refused) and prepared.field == "code":
            raise Gone(prepared.why)
        _, person = await codes.open_code(form.code.data or "")
    except Gone as gone:
        asked = Code.blank(code=form.code.data)
        asked.refuse(Refused("code", gone.why))
        return _ask(asked, invalid)
    await throttling.take_off(throttling.of_activation(address_of(request)))
    if isinstance(prepared, Refused) and not form.errors:
        form.refuse(prepared)

    async def activating(*, code: str, email: str, password: str) -> None:
        assert isinstance(prepared, str)
        await codes.use_code(code, email, prepared)

    if await form.submit(activating):
        return await let_in(
            request, await codes.activated(person.id), toast=Say("Uw portaal is geactiveerd."), how="paper"
        )
    return _account(form, person, invalid)
