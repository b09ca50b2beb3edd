"""Passkeys: signing in with one, as second factor after a password, and one's own list of them."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from models import passkeys
from models.core import Missing, Refused, Say
from models.passkeys import Passkey, why_not_here
from models.settings import Firm
from models.viewer import Viewer
from web.account import back_of, codes_page, counts_later
from web.account import page as account_page
from web.addresses import address_for
from web.challenges import answer_with, spent
from web.devices import device_of
from web.forms import Form, Text
from web.proof import asks_proof
from web.replies import Reply, changed, go, invalid, show
from web.routing import Access, Routes
from web.security import agent_of
from web.sessions import Code, SignIn, enter, finish, next_of, refuse_factor, sign_in, sign_in_form, target_of

door = Routes("sessions", Access.PUBLIC)
own = Routes("account")

_WRONG = Say("Aanmelden met deze passkey is niet gelukt. Probeer het nog eens, of meld u aan met uw wachtwoord.")


class Named(Form):
    name = Text(most=80, required=True)


# signing in


@door.get("/sign-in/passkey")
async def passkey_options(request: Request, viewer: Viewer) -> Response:
    """For any passkey of this site: who it is, the passkey says."""
    return await answer_with("sign-in", passkeys.options_for_use)


async def _spend(request: Request, form: Any) -> bytes | None:
    return await spent(request, "sign-in")


@door.post("/sign-in/passkey", before=_spend)
async def begin_by_passkey(request: Request, viewer: Viewer, prepared: bytes | None) -> Reply:
    """The passkey alone lets in: the device asked for a finger, face or PIN. One answer to whoever may not."""
    answer = str((await request.form()).get("credential", ""))
    user = await passkeys.owner_of(answer, prepared)
    if user is None:
        return await sign_in_form(request, SignIn.blank(), _WRONG)
    await enter(request, user, "passkey")
    return go(target_of(request, user))


# after a password


@door.get("/sign-in/code/passkey")
async def code_options(request: Request, viewer: Viewer) -> Response:
    half = request.scope.get("poort.half")
    if half is None:
        raise Missing("half a session")
    return await answer_with(f"half {half.session_id}", lambda it: passkeys.options_for_use(it, half.user.id))


async def _spend_half(request: Request, form: Any) -> bytes | None:
    half = request.scope.get("poort.half")
    return await spent(request, f"half {half.session_id}") if half else None


@door.post("/sign-in/code/passkey", before=_spend_half)
async def finish_by_passkey(request: Request, viewer: Viewer, prepared: bytes | None) -> Reply:
    half = request.scope.get("poort.half")
    if half is None:
        return go(sign_in.url(next=next_of(request)))
    answer = str((await request.form()).get("credential", ""))
    user = await passkeys.owner_of(answer, prepared, half.user.id)
    if user is None:
        why = Say("Deze passkey past niet bij uw account. Probeer het nog eens, of kies een andere manier.")
        return await refuse_factor(request, half, "passkey", Code.blank(), Refused("", why))
    return await finish(request, half, "passkey")


# one's own


@own.get("/account/passkeys/new")
async def new_passkey(request: Request, viewer: Viewer) -> Reply:
    if asked := await asks_proof(request, viewer):
        return asked
    device = device_of(agent_of(request))
    return await _new(request, viewer, Named.blank(name=str(device)), show)


async def _new(request: Request, viewer: Viewer, form: Named, make: Any) -> Reply:
    waiting = viewer.waits_for_factor(await Firm.load())
    reply: Reply = make(
        "account/passkey_new.html",
        title=Say("Passkey toevoegen"),
        section="account",
        layout="layout_public.html" if waiting else None,
        form=form,
        waiting=waiting,
        why_not=why_not_here(),
        back=back_of(request),
        # where he goes back to put it in the place of his PIN, it counts from then on
        counts_from=None if back_of(request) == address_for("account.pin") else await counts_later(viewer),
    )
    return reply


@own.get("/account/passkeys/options")
async def new_options(request: Request, viewer: Viewer) -> Response:
    firm = await Firm.load()
    return await answer_with(f"new {viewer.session_id}", lambda it: passkeys.options_for_new(viewer.user, firm, it))


async def _spend_new(request: Request, form: Any) -> bytes | None:
    return await spent(request, f"new {request.scope.get('poort.session_id', 0)}")


@own.post("/account/passkeys", before=_spend_new)
async def add_passkey(request: Request, viewer: Viewer, prepared: bytes | None) -> Reply:
    if asked := await asks_proof(request, viewer, new_passkey.url(next=back_of(request) or None)):
        return asked
    form, answer = await Named.read(request), str((await request.form()).get("credential", ""))
    codes: list[str] = []

    async def adding(name: str) -> None:
        codes.extend(await passkeys.add_passkey(viewer.user, answer, prepared, name, by=viewer))

    if not await form.submit(adding):
        return await _new(request, viewer, form, invalid)
    if codes:
        return codes_page(request, viewer, codes)
    return changed(then=back_of(request) or account_page.url(), toast=Say("De passkey is toegevoegd."))


@own.get("/account/passkeys/{passkey_id:int}")
async def passkey(request: Request, viewer: Viewer, passkey_id: int) -> Reply:
    found = await viewer.scope(Passkey).get(passkey_id)
    return _one(found, Named.blank(name=found.name), show)


def _one(found: Passkey, form: Named, make: Any) -> Reply:
    reply: Reply = make("account/passkey.html", title=found.name, section="account", passkey=found, form=form)
    return reply


@own.post("/account/passkeys/{passkey_id:int}")
async def rename_passkey(request: Request, viewer: Viewer, passkey_id: int) -> Reply:
    found, form = await viewer.scope(Passkey).get(passkey_id), await Named.read(request)
    if await form.submit(found.rename, by=viewer):
        return changed(then=account_page.url(), toast=Say("De naam is bewaard."))
    return _one(found, form, invalid)


@own.post("/account/passkeys/{passkey_id:int}/removal")
async def remove_passkey(request: Request, viewer: Viewer, passkey_id: int) -> Reply:
    found = await viewer.scope(Passkey).get(passkey_id)
    if asked := await asks_proof(request, viewer, passkey.url(passkey_id=passkey_id)):
        return asked
    form = Form.blank()
    if await form.submit(found.drop, by=viewer):
        return changed(then=account_page.url(), toast=Say("De passkey is verwijderd."))
    named = Named.blank(name=found.name)
    named.general = form.general
    return _one(found, named, invalid)
