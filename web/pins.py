"""One's own means of approving: replacing the PIN by a passkey, once that passkey has shown that it works."""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from models import engine, passkeys
from models.core import Refused, Say
from models.passkeys import Passkey, why_not_here
from models.pins import NotProved, means, prove, reissuing
from models.viewer import Viewer
from web.account import page as account_page
from web.challenges import answer_with, spent
from web.proof import asks_proof
from web.replies import Reply, Toast, changed, go, invalid, show
from web.routing import Routes, viewer_of

own = Routes("account")


@own.get("/account/pin")
async def pin(request: Request, viewer: Viewer) -> Reply:
    """How a passkey takes the place of the PIN."""
    if asked := await asks_proof(request, viewer):
        return asked
    return await _page(viewer, show)


async def _page(viewer: Viewer, make: Any, refused: Refused | None = None) -> Reply:
    if "pin" not in await means.look(int(viewer.user.id)):
        return go(account_page.url(), toast=Toast(Say("U hebt geen pincode die nog werkt."), "attention"))
    reply: Reply = make(
        "account/pin.html",
        title=Say("Pincode vervangen door een passkey"),
        section="account",
        has_passkey=await viewer.scope(Passkey).exists(),
        why_not=why_not_here(),
        refused=refused,
    )
    return reply


@own.get("/account/pin/options")
async def pin_options(request: Request, viewer: Viewer) -> Response:
    return await answer_with(
        f"pin {viewer.session_id}", lambda it: passkeys.options_for_use(it, viewer.user.id, verified=True)
    )


class Shown(NamedTuple):
    """The challenge that the passkey signed, and why the PIN was not shown (None when it was)."""

    challenge: bytes | None
    refused: Say | None


async def _shown(request: Request, form: Any) -> Shown:
    """Before the unit: the PIN itself, which a password alone must not replace. A try counts whatever becomes of it."""
    challenge = await spent(request, f"pin {request.scope.get('poort.session_id', 0)}")
    if not request.user.is_authenticated or request.user.kind != "client":
        return Shown(challenge, None)
    async with engine.reading():
        viewer = await viewer_of(request.user, request.scope.get("poort.session_id", 0))
    proof = await prove(viewer, "pin", "pin", str(form.get("pin_code", "")))
    return Shown(challenge, proof.why if isinstance(proof, NotProved) else None)


@own.post("/account/pin", before=_shown)
async def replace_pin(request: Request, viewer: Viewer, prepared: Shown) -> Reply:
    if asked := await asks_proof(request, viewer, pin.url()):
        return asked
    answer = str((await request.form()).get("credential", ""))
    try:
        if prepared.refused:
            raise Refused("", prepared.refused)
        if not await passkeys.owner_of(answer, prepared.challenge, viewer.user.id, verified=True):
            raise Refused("", Say("Deze passkey past niet bij uw account. Probeer het nog eens, of kies een andere."))
        passkey = await passkeys.passkey_in(answer)
        assert passkey is not None
        await reissuing.replace_by_passkey(viewer.user, passkey, by=viewer)
    except Refused as refused:
        return await _page(viewer, invalid, refused)
    return changed(
        then=account_page.url(),
        toast=Say("Voortaan geeft u akkoord met uw passkey. Uw pincode werkt niet meer."),
    )
