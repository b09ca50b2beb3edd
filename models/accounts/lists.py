"""Many client users at once: which match a filter, one page of them, blocking and letting in; and one person at a glance."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from piccolo.columns.combination import WhereRaw

from models import engine
from models.accounts.blocking import listed
from models.accounts.columns import COLUMNS, EVERY_ORDER, FIRST
from models.accounts.invited import events_sql, told
from models.accounts.records import STATES, User
from models.clients.columns import order_of
from models.core import Refused, Say, Scope
from models.settings import this_day, utcnow
from models.words import holding

if TYPE_CHECKING:
    from models.viewer import Viewer

MISSING = {
    "email": "users.email = ''",
    "client": "NOT EXISTS (SELECT 1 FROM access x WHERE x.person = users.id)",
    "steps": "users.id IN (SELECT p.person FROM preparation p)",
    # who could be invited and never was: what the checklist counts as still to do
    "invitation": "users.state = 'prepared' AND users.email <> '' AND users.id IN "
    "(SELECT a.person FROM access a JOIN client c ON c.id = a.client WHERE c.state = 'active')",
}


# When somebody was last here; the moment is how long ago.
_HERE_SINCE = "EXISTS (SELECT 1 FROM session s WHERE s.person = users.id AND s.seen_at >= {})"
SEEN = {"month": dt.timedelta(days=30), "quarter": dt.timedelta(days=90), "never": dt.timedelta(0)}


@dataclasses.dataclass(frozen=True)
class Filter:
    """What is asked of the list. Unknown values narrow nothing. `seen`: month (within one), quarter (longer ago than one) or
    never; `factor`: yes or no; `role` is the key of a template."""

    q: str = ""
    state: str = ""
    group: int | None = None
    client: int | None = None
    missing: str = ""
    kind: str = "client"
    role: str = ""
    factor: str = ""
    language: str = ""
    seen: str = ""
    responsible: int | None = None
    office: int | None = None

    def conditions(self) -> list[tuple[str, tuple[Any, ...]]]:
        """SQL over `users` with `{}` for each argument."""
        found: list[tuple[str, tuple[Any, ...]]] = []
        if self.kind:
            found.append(("users.kind = {}", (self.kind,)))
        if self.state in STATES:
            found.append(("users.state = {}", (self.state,)))
        found += holding("users", self.q)
        for name, sql in _BY_ACCESS.items():
            if value := getattr(self, name):
                found.append((f"users.id IN (SELECT a.person FROM access a {sql})", (value,)))
        if self.language:
            found.append(("users.language = {}", (self.language,)))
        if self.factor in _FACTOR:
            found.append((_FACTOR[self.factor], ()))
        if self.seen == "never":
            found.append(("NOT EXISTS (SELECT 1 FROM session s WHERE s.person = users.id)", ()))
        elif self.seen in SEEN:
            sql = _HERE_SINCE if self.seen == "month" else f"NOT {_HERE_SINCE}"
            found.append((sql, (utcnow() - SEEN[self.seen],)))
        if self.missing in MISSING:
            found.append((MISSING[self.missing], ()))
        return found


_FACTOR = {
    "yes": "(users.totp_secret <> '' OR users.has_passkey)",
    "no": "(users.totp_secret = '' AND NOT users.has_passkey)",
}
_BY_ACCESS = {
    "client": "WHERE a.client = {}",
    "group": "JOIN membership m ON m.client = a.client WHERE m.client_group = {}",
    "role": "WHERE a.role = {}",
    "responsible": "JOIN responsible r ON r.client = a.client WHERE r.person = {}",
    "office": "JOIN client c ON c.id = a.client WHERE c.office = {}",
}


def matching_users(viewer: Viewer, **asked: Any) -> Scope[User]:
    """The users that exist for this viewer, narrowed: any of the fields of `Filter`; `kind` is client, staff or '' for both."""
    return viewer.users.where(*(WhereRaw(sql, *args) for sql, args in Filter(**asked).conditions()))


def picked(viewer: Viewer, ids: list[int], asked: Filter | None) -> Scope[User]:
    """Who was ticked: these rows, or (with a filter) all that match it. Client users only."""
    if asked is not None:
        return matching_users(viewer, **{**dataclasses.asdict(asked), "kind": "client"})
    if not ids:
        raise Refused("", Say("Kies eerst een of meer gebruikers."))
    return viewer.users.where(User.kind == "client", User.id.is_in(ids[:5000]))


# Beside each of the fifty people: his clients as far as this viewer sees them, and when he was last here.
_PAGE_SQL = """
SELECT u.id, u.full_name{columns}
FROM (SELECT id AS place FROM users WHERE {where} ORDER BY {order}{window}) p JOIN users u ON u.id = p.place
ORDER BY {order}
"""


def seen(viewer: Viewer, column: str = "c.id") -> str:
    from models.clients import seen  # which needs the accounts

    return seen(viewer, column)


async def page(
    viewer: Viewer, asked: Filter, order: str, number: int, size: int, columns: Iterable[str] = FIRST,
    ids: list[int] | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """One page, counted from 1; size 0 is all of it, `ids` only of these: id, who, and of each of the `columns` (of COLUMNS) what stands in it."""
    where, args = _where(viewer, asked)
    if ids is not None:
        args.append(json.dumps(ids))
        where += f" AND users.id IN {listed(len(args))}"
    mine = f" AND {seen(viewer, 'a.client')}"
    join, comma = ("group_concat", "") if engine.is_sqlite() else ("string_agg", ", ','")
    chosen = "".join(
        f", {COLUMNS[name].sql.format(join=join, mine=mine, comma=comma, today=engine.day_sql(this_day()))} AS {name}"
        for name in columns
    )
    window = f" LIMIT {int(size)} OFFSET {int((number - 1) * size)}" if size else ""
    sql = _PAGE_SQL.format(columns=chosen, where=where, order=order_of(order, EVERY_ORDER), window=window)
    return [named(row) for row in await engine.raw(sql, *args)]


async def count(viewer: Viewer, asked: Filter) -> int:
    where, args = _where(viewer, asked)
    return int((await engine.raw(f"SELECT count(*) AS n FROM users WHERE {where}", *args))[0]["n"])


def named(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "who": row["full_name"] or ""}


def _where(viewer: Viewer, asked: Filter) -> tuple[str, list[Any]]:
    conditions = asked.conditions()
    if not viewer.sees_all_clients:
        reached = f"SELECT a.person FROM access a WHERE {seen(viewer, 'a.client')}"
        begun = f"SELECT p.person FROM preparation p WHERE p.begun_by = {int(viewer.user.id)}"
        conditions.append(
            (f"users.id IN ({reached} UNION {begun})", ())
        )  # one list of ids: with OR each row is looked at
    args = [argument for _, more in conditions for argument in more]
    sql = " AND ".join(text for text, _ in conditions) or "1 = 1"
    return sql.format(*(f"${n}" for n in range(1, len(args) + 1))), args


async def note_people(operation: str, which: str, by: int, *args: Any) -> None:
    """A line on the trail of each of these people, with his name: `which` selects their ids, with `args` from $1 on, the
    moment last."""
    first = len(args)
    moment = "TEXT" if engine.is_sqlite() else "TIMESTAMPTZ"
    detail = "json_object('name', full_name)" if engine.is_sqlite() else "json_build_object('name', full_name)::text"
    await engine.raw(
        "INSERT INTO trail (at, person, operation, record_table, record_id, detail) "
        f"SELECT CAST(${first} AS {moment}), CAST(${first + 1} AS INTEGER), CAST(${first + 2} AS VARCHAR), 'User', id, {detail} "
        f"FROM users WHERE id IN ({which})",
        *args, by, operation,
    )  # fmt: skip


# one person at a glance


async def portrait(viewer: Viewer, person: User) -> dict[str, Any]:
    """invitations, accesses (clients he reaches, as this viewer sees them), sessions, mails, link (his last invitation), lines (of his trail), hidden (clients not shown)."""
    accesses = await engine.raw(
        "SELECT a.client, a.rights, a.role, c.name, c.number, c.state, "
        f"CASE WHEN {seen(viewer)} THEN 1 ELSE 0 END AS mine "
        "FROM access a JOIN client c ON c.id = a.client WHERE a.person = $1 ORDER BY c.sort_key, c.id",
        person.id,
    )  # fmt: skip
    invitations = await _invitations_of(person)
    return {
        "invitations": invitations,
        "accesses": [row for row in accesses if row["mine"]],
        "hidden": sum(1 for row in accesses if not row["mine"]),
        "link": next((one for one in invitations if one["way"] == "mail"), None),
        "sessions": await engine.raw(
            "SELECT id, created_at, seen_at, address, agent FROM session WHERE person = $1 AND ended_at IS NULL AND expires_at > $2 "
            "AND stage = 'signed_in' ORDER BY seen_at DESC LIMIT 20",
            person.id, utcnow(),
        ),
        "mails": await engine.raw(
            "SELECT id, kind, state, said, subject_line, address, created_at, finished_at FROM errand WHERE person = $1 AND kind <> 'run_task' "
            "ORDER BY id DESC LIMIT 20",
            person.id,
        ),
        "lines": [told(named(row)) for row in await engine.raw(
            "SELECT t.at, t.operation, t.detail, u.full_name FROM "
            "(SELECT at, id, person, operation, record_table, record_id, detail FROM trail WHERE record_table = 'User' AND record_id = $1 "
            f"AND (client IS NULL OR {seen(viewer, 'trail.client')}) "
            f"UNION ALL {events_sql('$1')}) t LEFT JOIN users u ON u.id = coalesce(t.person, t.record_id) ORDER BY t.at DESC, t.id DESC LIMIT 20",
            person.id,
        )],
    }  # fmt: skip


async def _invitations_of(person: User) -> list[dict[str, Any]]:
    """Every invitation by mail and code on paper, newest first: way, email and the moments of its life."""
    return await engine.raw(
        "SELECT 'mail' AS way, email, created_at, expires_at, opened_at, bounced_at, used_at, ended_at, ended_why "
        "FROM link WHERE person = $1 AND kind = 'invitation' UNION ALL "
        "SELECT 'paper', '', created_at, expires_at, opened_at, NULL, used_at, ended_at, ended_why "
        "FROM activation_code WHERE person = $1 ORDER BY created_at DESC LIMIT 20",
        person.id,
    )


async def of_client(client_id: int) -> list[dict[str, Any]]:
    """Everybody who reaches a client, with role and rights there."""
    rows = await engine.raw(
        "SELECT u.id, u.full_name, u.email, u.state, a.rights, a.role FROM access a "
        "JOIN users u ON u.id = a.person WHERE a.client = $1 ORDER BY u.sort_key, u.id LIMIT 500",
        client_id,
    )
    return [named(row) for row in rows]
