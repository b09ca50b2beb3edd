"""Who wants to do something sensitive shows once more that it is he: by password, authenticator code or passkey.

One line in a handler: `if asked := await asks_proof(request, viewer): return asked`. What was typed is kept meanwhile.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from models import engine, passkeys, passwords, signing_in, throttling
from models.accounts import PROOF_LASTS
from models.core import Forbidden, Refused, Say
from models.settings import utcnow
from models.viewer import Viewer
from web import routing
from web.addresses import address_for, local_path
from web.challenges import answer_with, spent
from web.drafts import keep_typed
from web.forms import Form, PasswordField, Text
from web.replies import Reply, go, invalid, show
from web.routing import Routes

own = Routes("account")

_SLOWED = Say("Er is te vaak een verkeerd wachtwoord ingevuld. Wacht een kwartier en probeer het dan opnieuw.")


class Proof(Form):
    present_password = PasswordField()
    code = Text(most=30)


async def asks_proof(request: Request, viewer: Viewer, then: str = "") -> Reply | None:
    """The way to the page that asks it; None when password or factor was shown in this session of late.

    After it the person comes back at `then`; without it at this page, or at this form as he filled it in.
    """
    session = request.scope.get("poort.signed_in")
    if session and session.proved_at and utcnow() - session.proved_at < PROOF_LASTS:
        return None
    if routing.rehearsing.get():
        raise Forbidden("not proved")
    if not then and request.method == "POST":
        then = await keep_typed(request, await request.form(), viewer.user.id)
    return go(proof.url(next=then or request.url.path + (f"?{request.url.query}" if request.url.query else "")))


async def check_present(request: Request, form: Any) -> Refused | None:
    """Before the unit: whether the password is shown that the person has now. Guesses are counted."""
    user = request.user
    if not user.is_authenticated:
        return None
    limits = throttling.of_proof(user.id)
    if not await engine.run_writing(lambda: throttling.count_try(limits)):
        return Refused("present_password", _SLOWED)
    if not await passwords.verify(str(form.get("present_password", "")), user.password):
        return Refused("present_password", Say("Dit is niet uw huidige wachtwoord."))
    await engine.run_writing(lambda: throttling.give_back(limits))
    return None


async def _check_either(request: Request, form: Any) -> Refused | None:
    code, user = str(form.get("code", "")).strip(), request.user
    if not code:
        if not str(form.get("present_password", "")):
            return Refused("present_password", Say("Vul dit in."))
        return await check_present(request, form)
    if not user.is_authenticated:
        return None

    async def check() -> Refused | None:
        limits = throttling.of_proof(user.id)
        if not await throttling.count_try(limits):
            return Refused("code", _SLOWED)
        if not await user.takes_code(code):
            return Refused("code", Say("Deze code klopt niet of is al gebruikt. Neem de nieuwste code over."))
        await throttling.give_back(limits)
        return None

    return await engine.run_writing(check)


@own.get("/account/proof")
async def proof(request: Request, viewer: Viewer) -> Reply:
    return _page(request, viewer, Proof.blank(), show)


def _page(request: Request, viewer: Viewer, form: Proof, make: Any) -> Reply:
    form.present_password.flags.required = not viewer.user.totp_secret
    reply: Reply = make(
        "account/proof.html",
        title=Say("Even bevestigen dat u het bent"),
        section="account",
        form=form,
        next_url=local_path(request.query_params.get("next", "")),
        by_passkey=bool(viewer.user.has_passkey) and passkeys.site() is not None,
    )
    return reply


@own.post("/account/proof", before=_check_either)
async def prove(request: Request, viewer: Viewer, prepared: Refused | None) -> Reply:
    form = await Proof.read(request)
    if prepared and not form.errors:
        form.refuse(prepared)
    if form.errors:
        return _page(request, viewer, form, invalid)
    return await _proved(request, viewer)


@own.get("/account/proof/passkey")
async def proof_options(request: Request, viewer: Viewer) -> Response:
    return await answer_with(f"proof {viewer.session_id}", lambda it: passkeys.options_for_use(it, viewer.user.id))


async def _spend(request: Request, form: Any) -> bytes | None:
    return await spent(request, f"proof {request.scope.get('poort.session_id', 0)}")


@own.post("/account/proof/passkey", before=_spend)
async def prove_by_passkey(request: Request, viewer: Viewer, prepared: bytes | None) -> Reply:
    answer = str((await request.form()).get("credential", ""))
    if await passkeys.owner_of(answer, prepared, viewer.user.id):
        return await _proved(request, viewer)
    form = Proof.blank()
    form.refuse(
        Refused("", Say("Deze passkey past niet bij uw account. Probeer het nog eens, of kies een andere manier."))
    )
    return _page(request, viewer, form, invalid)


async def _proved(request: Request, viewer: Viewer) -> Reply:
    await signing_in.prove(viewer.session_id)
    return go(local_path(request.query_params.get("next", "")) or address_for("account.page"))
