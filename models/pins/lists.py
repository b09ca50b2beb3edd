"""Who has which PIN: the office's list, its filters and counts; and of one person what he had, newest first."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from piccolo.columns.combination import WhereRaw

from models import engine
from models.accounts import User
from models.core import Scope
from models.mine import seen_people
from models.pins.records import BY_PASSKEY, LIVING, STATES
from models.viewer import Right
from models.words import holding

if TYPE_CHECKING:
    from models.viewer import Viewer

_LACKS = f"""users.state <> 'blocked' AND EXISTS (SELECT 1 FROM access a JOIN client c ON c.id = a.client
 WHERE a.person = users.id AND c.state = 'active' AND (a.rights & {int(Right.APPROVE)}) <> 0)
 AND NOT EXISTS (SELECT 1 FROM pin l WHERE l.person = users.id AND l.kind = {{}} AND l.state IN {LIVING})
 AND NOT EXISTS (SELECT 1 FROM pin k WHERE k.person = users.id AND {BY_PASSKEY})"""
_NEWEST = "SELECT max(n.id) FROM pin n WHERE n.person = users.id AND n.kind = {}"


@dataclasses.dataclass(frozen=True)
class Filter:
    """`kind`: pin or codes. `state`: one of STATES, that the newest of the person is in; 'none': who may approve for a client and
    has none that lives; '': everybody who ever had one."""

    kind: str = "pin"
    state: str = ""
    q: str = ""

    def conditions(self) -> list[tuple[str, tuple[Any, ...]]]:
        """SQL over `users` with `{}` for each argument."""
        found: list[tuple[str, tuple[Any, ...]]] = [("users.kind = 'client'", ())]
        if self.state == "none":
            found.append((_LACKS, (self.kind,)))
        elif self.state in STATES:
            found.append(
                (f"EXISTS (SELECT 1 FROM pin k WHERE k.id = ({_NEWEST}) AND k.state = {{}})", (self.kind, self.state))
            )
        else:
            found.append(("EXISTS (SELECT 1 FROM pin k WHERE k.person = users.id AND k.kind = {})", (self.kind,)))
        return found + holding("users", self.q)


def matching(viewer: Viewer, asked: Filter) -> Scope[User]:
    """The people that exist for this viewer and match."""
    return viewer.users.where(*(WhereRaw(sql, *args) for sql, args in asked.conditions()))


async def count(viewer: Viewer, asked: Filter) -> int:
    return await matching(viewer, asked).count()


async def page(viewer: Viewer, asked: Filter, number: int, size: int) -> list[dict[str, Any]]:
    """One page, counted from 1: id (of the person), who, clients (names that the viewer sees), and of his newest PIN or list
    state, batch, made_at, posted_on, used_at, blocked_at, unused (codes); these are None for who never had one."""
    where, args = _where(viewer, asked)
    join = "group_concat" if engine.is_sqlite() else "string_agg"
    args.append(asked.kind)
    sql = (
        f"SELECT u.id, u.full_name AS who, k.state, k.batch, k.letter, k.made_at, k.posted_on, k.used_at, k.blocked_at, "
        "(SELECT count(*) FROM pin_code o WHERE o.pin = k.id AND o.used_at IS NULL) AS unused, "
        f"(SELECT {join}(c.name, ', ') FROM access a JOIN client c ON c.id = a.client WHERE a.person = u.id AND {_seen(viewer)}) AS clients "
        f"FROM (SELECT users.id AS place FROM users WHERE {where} ORDER BY users.sort_key, users.id "
        f"LIMIT {int(size)} OFFSET {int((number - 1) * size)}) p JOIN users u ON u.id = p.place "
        f"LEFT JOIN pin k ON k.id = (SELECT max(n.id) FROM pin n WHERE n.person = u.id AND n.kind = ${len(args)}) "
        "ORDER BY u.sort_key, u.id"
    )
    return await engine.raw(sql, *args)


def _seen(viewer: Viewer) -> str:
    from models.clients import seen

    return seen(viewer, "a.client")


def _where(viewer: Viewer, asked: Filter) -> tuple[str, list[Any]]:
    sql, args = [seen_people(viewer, "users")], list[Any]()
    for text, values in asked.conditions():
        places = []
        for value in values:
            args.append(value)
            places.append(f"${len(args)}")
        sql.append(text.format(*places))
    return " AND ".join(f"({one})" for one in sql), args


async def counts(viewer: Viewer, kind: str) -> dict[str, int]:
    """How many people's newest of this kind is in which state, and 'none': see Filter."""
    people = seen_people(viewer, "users")
    rows = await engine.raw(
        f"SELECT k.state, count(*) AS n FROM pin k JOIN users ON users.id = k.person WHERE k.kind = $1 AND users.kind = 'client' AND {people} "
        "AND NOT EXISTS (SELECT 1 FROM pin n WHERE n.person = k.person AND n.kind = k.kind AND n.id > k.id) GROUP BY k.state "
        f"UNION ALL SELECT 'none', count(*) FROM users WHERE users.kind = 'client' AND {people} AND {_LACKS.format('$1')}",
        kind,
    )
    return {row["state"]: int(row["n"]) for row in rows}


async def issued(viewer: Viewer, kind: str) -> int:
    rows = await engine.raw(
        f"SELECT count(*) AS n FROM pin k JOIN users ON users.id = k.person WHERE k.kind = $1 AND {seen_people(viewer, 'users')}",
        kind,
    )
    return int(rows[0]["n"])


async def register(viewer: Viewer, kind: str, number: int, size: int) -> list[dict[str, Any]]:
    """What was issued, newest first, a page counted from 1: person, who, and the columns of `of_person`."""
    return await engine.raw(
        f"{_HISTORY.format(person='k.person, users.full_name AS who, ')} JOIN users ON users.id = k.person WHERE k.kind = $1 "
        f"AND {seen_people(viewer, 'users')} ORDER BY k.id DESC LIMIT {int(size)} OFFSET {int((number - 1) * size)}",
        kind,
    )


async def of_person(person: User) -> list[dict[str, Any]]:
    """What he had of both kinds, newest first: id, kind, state, batch, made_at, made_by_name, printed_at, posted_on, confirmed_at,
    used_at, blocked_at, ended_at, ended_by_name, wrong, unused."""
    return await engine.raw(f"{_HISTORY.format(person='')} WHERE k.person = $1 ORDER BY k.id DESC LIMIT 20", person.id)


_HISTORY = """
SELECT {person}k.id, k.kind, k.state, k.batch, k.letter, k.made_at, m.full_name AS made_by_name, k.printed_at, k.posted_on,
 k.confirmed_at, k.used_at, k.blocked_at, k.ended_at, e.full_name AS ended_by_name, k.wrong,
 (SELECT count(*) FROM pin_code o WHERE o.pin = k.id AND o.used_at IS NULL) AS unused
FROM pin k LEFT JOIN users m ON m.id = k.made_by LEFT JOIN users e ON e.id = k.ended_by"""
