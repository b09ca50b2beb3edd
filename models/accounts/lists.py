"""Many client users at once: which match a filter, one page of them, blocking and letting in; and one person at a glance."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from piccolo.columns.combination import WhereRaw

from models import engine
from models.accounts.invited import events_sql, told
from models.accounts.records import STATES, User
from models.core import Refused, Say, Scope
from models.settings import utcnow
from models.words import holding

if TYPE_CHECKING:
    from models.viewer import Viewer

ORDERS = {
    "name": "sort_key, id",
    "-name": "sort_key DESC, id DESC",
    "email": "email_key, id",
    "-email": "email_key DESC, id DESC",
    "state": "state, sort_key, id",
    "-state": "state DESC, sort_key DESC, id DESC",
}
MISSING = {
    "email": "users.email = ''",
    "client": "NOT EXISTS (SELECT 1 FROM access x WHERE x.person = users.id)",
    "steps": "users.id IN (SELECT p.person FROM preparation p)",
    # who could be invited and never was: what the checklist counts as still to do
    "invitation": "users.state = 'prepared' AND users.email <> '' AND users.id IN "
    "(SELECT a.person FROM access a JOIN client c ON c.id = a.client WHERE c.state = 'active')",
}


@dataclasses.dataclass(frozen=True)
class Filter:
    """What is asked of the list. Unknown values narrow nothing."""

    q: str = ""
    state: str = ""
    group: int | None = None
    client: int | None = None
    missing: str = ""
    kind: str = "client"

    def conditions(self) -> list[tuple[str, tuple[Any, ...]]]:
        """SQL over `users` with `{}` for each argument."""
        found: list[tuple[str, tuple[Any, ...]]] = []
        if self.kind:
            found.append(("users.kind = {}", (self.kind,)))
        if self.state in STATES:
            found.append(("users.state = {}", (self.state,)))
        found += holding("users", self.q)
        if self.client is not None:
            found.append(("users.id IN (SELECT a.person FROM access a WHERE a.client = {})", (self.client,)))
        if self.group is not None:
            sql = "users.id IN (SELECT a.person FROM access a JOIN membership m ON m.client = a.client WHERE m.client_group = {})"
            found.append((sql, (self.group,)))
        if self.missing in MISSING:
            found.append((MISSING[self.missing], ()))
        return found


def matching_users(
    viewer: Viewer, *, q: str = "", state: str = "", client: int | None = None, kind: str = "client",
    group: int | None = None, missing: str = "",
) -> Scope[User]:  # fmt: skip
    """The users that exist for this viewer, narrowed; `kind` is client, staff or '' for both."""
    asked = Filter(q, state, group, client, missing, kind)
    return viewer.users.where(*(WhereRaw(sql, *args) for sql, args in asked.conditions()))


def picked(viewer: Viewer, ids: list[int], asked: Filter | None) -> Scope[User]:
    """Who was ticked: these rows, or (with a filter) all that match it. Client users only."""
    if asked is not None:
        return matching_users(viewer, **{**dataclasses.asdict(asked), "kind": "client"})
    if not ids:
        raise Refused("", Say("Kies eerst een of meer gebruikers."))
    return viewer.users.where(User.kind == "client", User.id.is_in(ids[:5000]))


# Beside each of the fifty people: his clients as far as this viewer sees them, and when he was last here.
_PAGE_SQL = """
SELECT u.*, (SELECT {join}(c.name, ', ') FROM access a JOIN client c ON c.id = a.client WHERE a.person = u.id{mine}) AS clients,
 (SELECT s.seen_at FROM session s WHERE s.person = u.id ORDER BY s.seen_at DESC LIMIT 1) AS seen_at
FROM (SELECT id, full_name, email, email_key, state, sort_key, invited_at, activated_at
 FROM users WHERE {where} ORDER BY {order} LIMIT {size} OFFSET {offset}) u
ORDER BY {order}
"""


def seen(viewer: Viewer, column: str = "c.id") -> str:
    from models.clients import seen  # which needs the accounts

    return seen(viewer, column)


async def page(viewer: Viewer, asked: Filter, order: str, number: int, size: int) -> list[dict[str, Any]]:
    """One page, counted from 1: id, who, email, state, clients (names joined), seen_at."""
    where, args = _where(viewer, asked)
    mine = f" AND {seen(viewer, 'a.client')}"
    join = "group_concat" if engine.is_sqlite() else "string_agg"
    sql = _PAGE_SQL.format(
        join=join,
        mine=mine,
        where=where,
        order=ORDERS.get(order, ORDERS["name"]),
        size=size,
        offset=(number - 1) * size,
    )
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
        conditions.append((f"(users.id IN ({reached}) OR users.id IN ({begun}))", ()))
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
    links = await engine.raw(
        "SELECT created_at, expires_at, opened_at, used_at, ended_at FROM link WHERE person = $1 AND kind = 'invitation' ORDER BY id DESC LIMIT 1",
        person.id,
    )
    return {
        "invitations": await _invitations_of(person),
        "accesses": [row for row in accesses if row["mine"]],
        "hidden": sum(1 for row in accesses if not row["mine"]),
        "link": links[0] if links else None,
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
