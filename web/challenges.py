"""What a browser is asked to sign with a passkey: handed out as JSON with a sealed cookie, and taken back once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from models import config, engine, passkeys, throttling
from models.core import Refused
from web.security import address_of


def _cookie() -> str:
    return "__Host-passkey" if config.settings().is_secure else "passkey"


async def answer_with(purpose: str, options: Callable[[bytes], Awaitable[str]]) -> Response:
    """The options as JSON; 404 where passkeys cannot be used."""
    sealed = passkeys.new_challenge(purpose)
    try:
        body = await options(passkeys.challenge_in(sealed))
    except Refused:
        return Response(status_code=404)
    response = Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
    secure = config.settings().is_secure
    response.set_cookie(
        _cookie(), sealed, max_age=passkeys.CHALLENGE_LASTS, path="/", httponly=True, samesite="strict", secure=secure
    )
    return response


async def spent(request: Request, purpose: str) -> bytes | None:
    """Before the unit, in one of its own, so that it is used up whatever comes of it: the challenge, or None."""
    limits, sealed = throttling.of_passkey(address_of(request)), request.cookies.get(_cookie(), "")

    async def spend() -> bytes | None:
        return await passkeys.spend(sealed, purpose) if await throttling.count_try(limits) else None

    return await engine.run_writing(spend)
