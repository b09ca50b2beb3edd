"""Tokens for other software: made, ended, and what a call with one may do."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any

from models import engine
from models.accounts import User
from models.connecting.records import ApiToken
from models.core import Forbidden, Refused, Say, Scope, digest, operation, save
from models.settings import this_day, utcnow
from models.viewer import Permission, Viewer

SCOPES: dict[str, Say] = {
    "read": Say("Accorderingen lezen"),
    "place": Say("Stukken ter accordering plaatsen en intrekken"),
}
_MAY: dict[str, frozenset[Permission]] = {
    "read": frozenset({Permission.VIEW_REQUESTED}),
    "place": frozenset({Permission.VIEW_REQUESTED, Permission.EDIT_APPROVALS}),
}
PREFIX = "poort_"  # by which software that looks for leaked secrets can know one
MOST = 50


class TokenViewer(Viewer):
    """The colleague who made the token, with no more rights than its scopes; the trail names the token."""

    def __init__(self, user: User, token: ApiToken) -> None:
        super().__init__(user)
        self.token = token
        self._may = frozenset().union(*(_MAY[scope] for scope in token.scopes.split(",") if scope in _MAY))

    def may(self, permission: Permission | str, record: Any = None) -> bool:
        return Permission(permission) in self._may and super().may(permission, record)

    def needs(self, scope: str) -> None:
        """Raises Forbidden when the token was not made for this."""
        if scope not in self.token.scopes.split(","):
            raise Forbidden(scope)

    async def note(self, operation: str, record: Any, detail: dict[str, Any] | None = None) -> None:
        await super().note(operation, record, {**(detail or {}), "by_api": self.token.name})


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def make_token(
    _all: Scope[ApiToken], name: str, scopes: list[str], expires_on: dt.date | None, *, by: Viewer
) -> tuple[ApiToken, str]:
    """The token, and its text, which is shown once and kept nowhere."""
    name = " ".join(name.split())
    if not name:
        raise Refused("name", Say("Vul in voor welk programma dit token is."))
    if not scopes or any(scope not in SCOPES for scope in scopes):
        raise Refused("scopes", Say("Kies wat dit token mag."))
    if expires_on is not None and expires_on < this_day():
        raise Refused("expires_on", Say("Deze dag is al voorbij."))
    if await ApiToken.count().where(ApiToken.ended_at.is_null()) >= MOST:
        raise Refused("", Say("Er zijn al {n} tokens. Beëindig er eerst een dat niet meer wordt gebruikt.", n=MOST))
    text = PREFIX + secrets.token_urlsafe(32)
    kept = ",".join(scope for scope in SCOPES if scope in scopes)
    token = ApiToken(
        name=name[:120], digest=digest(text), scopes=kept, person=by.user.id, made_at=utcnow(), expires_on=expires_on
    )
    await token.save()
    await by.note("ApiToken.make", token, {"name": token.name, "scopes": kept})
    return token, text


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def end_token(token: ApiToken, *, by: Viewer) -> None:
    """From this moment it lets nobody in."""
    if token.ended_at is None:
        await save(token, ended_at=utcnow())
        await by.note("ApiToken.end", token, {"name": token.name})


async def viewer_of_token(text: str, address: str, now: dt.datetime | None = None) -> TokenViewer | None:
    """Who comes with this token, or None: unknown, ended, expired, or its maker may not come in any more."""
    if not text.startswith(PREFIX) or len(text) > 100:
        return None
    token = await ApiToken.objects().where((ApiToken.digest == digest(text)) & ApiToken.ended_at.is_null()).first()
    if token is None or (token.expires_on is not None and token.expires_on < this_day(now)):
        return None
    user = await User.objects().where(User.id == token.person).first()
    if user is None or user.kind != "staff" or user.state != "active":
        return None
    return TokenViewer(user, token)


async def note_used(token: ApiToken, address: str) -> None:
    """At most once a minute: in a unit of its own."""
    now = utcnow()
    if token.used_at is None or now - token.used_at > dt.timedelta(minutes=1) or token.used_from != address:
        await engine.run_writing(lambda: save(token, used_at=now, used_from=address[:45]))


async def all_tokens() -> list[dict[str, Any]]:
    """Those that live first, then the ended, each with who made it and whether it still works."""
    return await engine.raw(
        "SELECT t.id, t.name, t.scopes, t.made_at, t.expires_on, t.used_at, t.used_from, t.ended_at, u.full_name AS who, u.state AS who_state "
        "FROM api_token t JOIN users u ON u.id = t.person ORDER BY CASE WHEN t.ended_at IS NULL THEN 0 ELSE 1 END, t.id DESC LIMIT 200"
    )
