"""Tokens for other software: made, ended, and what a call with one may do."""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

from models import engine
from models.accounts import User
from models.clients import Client, ClientGroup, Membership
from models.connecting.records import ApiToken, TokenReach
from models.core import Forbidden, Refusals, Refused, Say, Scope, digest, operation, save, was_and_is
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
Limit = tuple[int | None, int | None]  # a group, or a client


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
    values, limits = await checked_token(name, scopes, expires_on, reach, groups, clients, by=by)
    if await ApiToken.count().where(ApiToken.ended_at.is_null()) >= MOST:
        raise Refused("", Say("Er zijn al {n} tokens. Beëindig er eerst een dat niet meer wordt gebruikt.", n=MOST))
    text = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(**values, digest=digest(text), person=by.user.id, made_at=utcnow())
    await token.save()
    await _limit(token, limits)
    more = {"limits": len(limits)} if limits else {}
    await by.note("ApiToken.make", token, {"name": token.name, "scopes": token.scopes, **more})
    return token, text


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def change_token(
    token: ApiToken, name: str, scopes: list[str], expires_on: dt.date | None, reach: str = "all", groups: Sequence[int] = (),
    clients: str = "", *, by: Viewer,
) -> None:  # fmt: skip
    """From the next call on; its text stays as it is. Limits that `by` cannot see stay. Who did not make it can only take away."""
    if token.ended_at is not None:
        raise Refused("", Say("Dit token is beëindigd."))
    now = await reach_of(token, by)
    values, limits = await checked_token(name, scopes, expires_on, reach, groups, clients, by=by, token=token)
    before = {name: getattr(token, name) for name in values}
    moved = was_and_is(_as_noted(before), _as_noted(values))
    for word, left, right in (("added", limits, now.all), ("removed", now.all, limits)):
        for what, said in (await _named(set(left) - set(right))).items():
            moved["before"][f"{what}_{word}"], moved["after"][f"{what}_{word}"] = "", said
    if not moved["after"]:
        return
    await save(token, **values)
    await TokenReach.delete().where(TokenReach.token == token.id)
    await _limit(token, limits)
    await by.note("ApiToken.change", token, {"name": token.name, **moved})


async def checked_token(
    name: str, scopes: list[str], expires_on: dt.date | None, reach: str = "all", groups: Sequence[int] = (), clients: str = "", *,
    by: Viewer, token: ApiToken | None = None,
) -> tuple[dict[str, Any], list[Limit]]:  # fmt: skip
    """As it is kept, and to what it is limited; `token` is the one that changes. Raises RefusedFields with all that is wrong."""
    wrong = Refusals()
    name = " ".join(name.split())
    if not name:
        wrong.add("name", Say("Vul in voor welk programma dit token is."))
    if not scopes or any(scope not in SCOPES for scope in scopes):
        wrong.add("scopes", Say("Kies wat dit token mag."))
    if expires_on is not None and expires_on < this_day():
        wrong.add("expires_on", Say("Deze dag is al voorbij."))
    now = await reach_of(token, by) if token else Reach((), (), ())
    limits = await _limits(groups, clients, now.unseen, wrong, by) if reach == "some" else []
    kept = ",".join(scope for scope in SCOPES if scope in scopes)
    values = {"name": name[:120], "scopes": kept, "expires_on": expires_on, "is_limited": reach == "some"}
    if token and token.person != by.user.id:
        _only_less(token, values, set(limits) - set(now.all), wrong)
    wrong.settle()
    return values, limits


def _only_less(token: ApiToken, values: dict[str, Any], more: set[Limit], wrong: Refusals) -> None:
    """It acts as who made it: nobody else gives it more."""
    why = Say("Dit token werkt als een collega: alleen wie het maakte, kan het meer geven.")
    if set(filter(None, values["scopes"].split(","))) - set(token.scopes.split(",")):
        wrong.add("scopes", why)
    if token.expires_on and (values["expires_on"] is None or values["expires_on"] > token.expires_on):
        wrong.add("expires_on", why)
    if token.is_limited and (more or not values["is_limited"]):
        wrong.add("reach", why)


class Reach(NamedTuple):
    """To what a token is limited: all of it, its groups and the numbers of its clients as somebody sees them, and what he cannot see."""

    all: Sequence[Limit]
    groups: Sequence[int]
    numbers: Sequence[str]
    unseen: Sequence[Limit] = ()


async def reach_of(token: ApiToken, by: Viewer) -> Reach:
    rows = await engine.raw("SELECT client_group, client FROM api_token_reach WHERE token = $1 ORDER BY id", token.id)
    every = [(row["client_group"], row["client"]) for row in rows]
    groups, clients = (
        await _there([group for group, _ in every if group], by),
        [client for _, client in every if client],
    )
    seen = await by.clients.where(Client.id.is_in([*clients, -1])).select(Client.id, Client.number, order=(Client.number,))  # fmt: skip
    known = {(group, None) for group in groups} | {(None, row["id"]) for row in seen}
    return Reach(every, groups, [row["number"] for row in seen], [one for one in every if one not in known])


async def _there(groups: Sequence[int], by: Viewer) -> list[int]:
    rows = await by.groups.where(ClientGroup.id.is_in([*groups, -1])).select(ClientGroup.id)
    return [row["id"] for row in rows]


async def _limits(
    groups: Sequence[int], clients: str, unseen: Sequence[Limit], wrong: Refusals, by: Viewer
) -> list[Limit]:
    """Refused is what is not there for who fills it in; what he cannot see of it stays."""
    there = await _there(groups, by)
    numbers = list(dict.fromkeys(re.split(r"[\s,;]+", clients.strip(" \t,;")))) if clients.strip(" \t,;") else []
    found = await by.clients.where(Client.number.is_in([*numbers, ""])).select(Client.id, Client.number)
    known = {row["number"] for row in found}
    missing = [one for one in numbers if one not in known]
    for one in missing[:5]:
        wrong.add("clients", Say("Er is geen cliënt met nummer “{number}”.", number=one[:20]))
    if len(there) < len(set(groups)):
        wrong.add("groups", Say("Een van deze groepen is er niet meer."))
    elif not there and not numbers and not unseen:
        wrong.add("groups", Say("Kies ten minste één groep, of vul een cliëntnummer in."))
    if len(found) > MOST_CLIENTS:
        wrong.add("clients", Say("Dit zijn {n} cliënten; er passen er {most}. Maak er een groep van.", n=len(found), most=MOST_CLIENTS))  # fmt: skip
    return [*((group, None) for group in there), *((None, row["id"]) for row in found if row["number"]), *unseen]


async def _limit(token: ApiToken, limits: Sequence[Limit]) -> None:
    if limits:
        columns = ("token", "client_group", "client")
        await engine.copy_rows("api_token_reach", columns, [(token.id, *one) for one in limits])


def _as_noted(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"expires_on": str(values["expires_on"] or "")}


async def _named(limits: set[Limit]) -> dict[str, str]:
    """For the trail: the names of groups and the numbers of clients, of those that there are."""
    ids = {"groups": [one[0] for one in limits if one[0]], "clients": [one[1] for one in limits if one[1]]}
    named = {}
    for what, table, column in (("groups", "client_group", "name"), ("clients", "client", "number")):
        if ids[what]:
            rows = await engine.raw(f"SELECT {column} AS said FROM {table} WHERE id IN ({','.join(str(int(id)) for id in ids[what])}) ORDER BY said")  # fmt: skip
            named[f"token_{what}"] = ", ".join(row["said"] for row in rows)
    return named


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


async def maker_of(token: ApiToken) -> str:
    """The name of the colleague as whom it acts."""
    rows = await engine.raw("SELECT full_name FROM users WHERE id = $1", token.person)
    return str(rows[0]["full_name"])
