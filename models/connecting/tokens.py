"""Tokens for other software: made, ended, and what a call with one may do."""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Sequence
from typing import Any

from models import engine
from models.accounts import User
from models.clients import Client, ClientGroup, Membership
from models.connecting.records import ApiToken, TokenReach
from models.core import Forbidden, Refused, Say, Scope, digest, operation, save
from models.settings import this_day, utcnow
from models.viewer import Permission, Viewer

SCOPES: dict[str, Say] = {
    "read": Say("Accorderingen lezen"),
    "place": Say("Stukken ter accordering plaatsen en intrekken"),
    "proof": Say("Akkoordverklaringen en bewijsbestanden ophalen"),
}
_MAY: dict[str, frozenset[Permission]] = {
    "read": frozenset({Permission.VIEW_REQUESTED}),
    "place": frozenset({Permission.VIEW_REQUESTED, Permission.EDIT_APPROVALS}),
    "proof": frozenset({Permission.VIEW_REQUESTED}),
}
PREFIX = "poort_"  # by which software that looks for leaked secrets can know one
MOST, MOST_CLIENTS = 50, 500


class TokenViewer(Viewer):
    """The colleague who made the token, with no more rights than its scopes and no other clients than those it is limited to; the
    trail names the token."""

    def __init__(self, user: User, token: ApiToken) -> None:
        super().__init__(user)
        self.token = token
        self.program = str(token.name)
        self._may = frozenset().union(*(_MAY[scope] for scope in token.scopes.split(",") if scope in _MAY))

    def may(self, permission: Permission | str, record: Any = None) -> bool:
        return Permission(permission) in self._may and super().may(permission, record)

    @property
    def is_confined(self) -> bool:  # type: ignore[override]
        return bool(self.token.is_limited)

    def within(self, column: Any) -> Any:
        if not self.is_confined:
            return None
        of = TokenReach.token == self.token.id
        groups = TokenReach.select(TokenReach.client_group).where(of & TokenReach.client_group.is_not_null())
        members = Membership.select(Membership.client).where(Membership.client_group.is_in(groups))
        return column.is_in(members) | column.is_in(
            TokenReach.select(TokenReach.client).where(of & TokenReach.client.is_not_null())
        )

    def within_sql(self, column: str) -> str:
        if not self.is_confined:
            return ""
        return (
            f"{column} IN (SELECT m.client FROM membership m JOIN api_token_reach t ON t.client_group = m.client_group WHERE t.token = {int(self.token.id)} "
            f"UNION SELECT t.client FROM api_token_reach t WHERE t.token = {int(self.token.id)} AND t.client IS NOT NULL)"
        )

    def needs(self, scope: str) -> None:
        """Raises Forbidden when the token was not made for this."""
        if scope not in self.token.scopes.split(","):
            raise Forbidden(scope)

    async def note(self, operation: str, record: Any, detail: dict[str, Any] | None = None) -> None:
        await super().note(operation, record, {**(detail or {}), "by_api": self.token.name})


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def make_token(
    _all: Scope[ApiToken], name: str, scopes: list[str], expires_on: dt.date | None, reach: str = "all", groups: Sequence[int] = (),
    clients: str = "", *, by: Viewer,
) -> tuple[ApiToken, str]:  # fmt: skip
    """The token, and its text, which is shown once and kept nowhere. With `reach` "some" it sees no more than the clients of these
    groups, as they are from day to day, and those with these numbers."""
    name = " ".join(name.split())
    if not name:
        raise Refused("name", Say("Vul in voor welk programma dit token is."))
    if not scopes or any(scope not in SCOPES for scope in scopes):
        raise Refused("scopes", Say("Kies wat dit token mag."))
    if expires_on is not None and expires_on < this_day():
        raise Refused("expires_on", Say("Deze dag is al voorbij."))
    if await ApiToken.count().where(ApiToken.ended_at.is_null()) >= MOST:
        raise Refused("", Say("Er zijn al {n} tokens. Beëindig er eerst een dat niet meer wordt gebruikt.", n=MOST))
    limits = await _limits(groups, clients, by) if reach == "some" else []
    text = PREFIX + secrets.token_urlsafe(32)
    kept = ",".join(scope for scope in SCOPES if scope in scopes)
    token = ApiToken(
        name=name[:120], digest=digest(text), scopes=kept, person=by.user.id, made_at=utcnow(), expires_on=expires_on,
        is_limited=reach == "some",
    )  # fmt: skip
    await token.save()
    if limits:
        await engine.copy_rows(
            "api_token_reach", ("token", "client_group", "client"), [(token.id, *one) for one in limits]
        )
    more = {"limits": len(limits)} if limits else {}
    await by.note("ApiToken.make", token, {"name": token.name, "scopes": kept, **more})
    return token, text


async def _limits(groups: Sequence[int], clients: str, by: Viewer) -> list[tuple[int | None, int | None]]:
    """Group or client of each; refused is what is not there for who makes the token."""
    there = await by.groups.where(ClientGroup.id.is_in([*groups, -1])).select(ClientGroup.id)
    numbers = list(dict.fromkeys(re.split(r"[\s,;]+", clients.strip()))) if clients.strip() else []
    found = await by.clients.where(Client.number.is_in([*numbers, ""])).select(Client.id, Client.number)
    if missing := [one for one in numbers if one not in {row["number"] for row in found}]:
        raise Refused("clients", Say("Er is geen cliënt met nummer “{number}”.", number=missing[0][:20]))
    if len(there) < len(set(groups)):
        raise Refused("groups", Say("Een van deze groepen is er niet meer."))
    if not there and not found:
        raise Refused("groups", Say("Kies ten minste één groep, of vul een cliëntnummer in."))
    if len(found) > MOST_CLIENTS:
        raise Refused("clients", Say("Dit zijn {n} cliënten; er passen er {most}. Maak er een groep van.", n=len(found), most=MOST_CLIENTS))  # fmt: skip
    return [*((row["id"], None) for row in there), *((None, row["id"]) for row in found if row["number"])]


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
        "SELECT t.id, t.name, t.scopes, t.made_at, t.expires_on, t.used_at, t.used_from, t.ended_at, u.full_name AS who, u.state AS who_state, t.is_limited, "
        "(SELECT count(*) FROM api_token_reach x WHERE x.token = t.id AND x.client_group IS NOT NULL) AS groups, "
        "(SELECT count(*) FROM api_token_reach x WHERE x.token = t.id AND x.client IS NOT NULL) AS clients "
        "FROM api_token t JOIN users u ON u.id = t.person ORDER BY CASE WHEN t.ended_at IS NULL THEN 0 ELSE 1 END, t.id DESC LIMIT 200"
    )
