"""The cookie of a browser that is trusted: tokens of at most five people who share it."""

from __future__ import annotations

from starlette.requests import Request

from models import config, trusted
from models.accounts import User
from web.security import address_of, agent_of

_MOST, _DAYS = 5, 90


def _cookie() -> str:
    return "__Host-trusted" if config.settings().is_secure else "trusted"


def _tokens(request: Request) -> list[str]:
    return [token for token in request.cookies.get(_cookie(), "").split(".") if 0 < len(token) < 100][:_MOST]


async def is_trusted(request: Request, user: User) -> bool:
    return await trusted.is_trusted(user, _tokens(request))


async def trust(request: Request, user: User) -> None:
    """This browser does not ask this person's second factor for as many days as the office allows."""
    if token := await trusted.trust(user, address_of(request), agent_of(request)):
        kept = ".".join([token, *_tokens(request)][:_MOST])
        request.scope.setdefault("poort.cookies", []).append((_cookie(), kept, _DAYS))
