"""Pages of the trail: narrowed by person, operation, client and period."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from models import engine
from models.accounts.lists import named
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

_HERE = ZoneInfo("Europe/Amsterdam")


@dataclasses.dataclass(frozen=True)
class Filter:
    """`since` and `until` are days, both included."""

    person: int | None = None
    operation: str = ""
    client: int | None = None
    since: dt.date | None = None
    until: dt.date | None = None


async def page(viewer: Viewer, asked: Filter, number: int, size: int) -> tuple[list[dict[str, Any]], int]:
    """The lines of a page, counted from 1 and newest first, and how many there are. For who may see the whole trail."""
    viewer.require(Permission.VIEW_TRAIL)
    where, args = _where(asked)
    rows = await engine.raw(
        "SELECT t.*, u.id AS who_id, u.first_name, u.initials, u.prefix, u.surname, c.name AS client_name FROM "
        f"(SELECT * FROM trail WHERE {where} ORDER BY at DESC, id DESC LIMIT {int(size)} OFFSET {int((number - 1) * size)}) t "
        "LEFT JOIN users u ON u.id = coalesce(t.person, CASE WHEN t.record_table = 'User' THEN t.record_id END) LEFT JOIN client c ON c.id = t.client ORDER BY t.at DESC, t.id DESC",
        *args,
    )
    total = (await engine.raw(f"SELECT count(*) AS n FROM trail WHERE {where}", *args))[0]["n"]
    return [named(row) for row in rows], int(total)


async def people(beside: int | None = None) -> list[tuple[int, str]]:
    """Who may be chosen in the filter: the office's own people, and who is chosen now (`beside`), a client user perhaps."""
    rows = await engine.raw(
        "SELECT id, first_name, initials, prefix, surname FROM users WHERE kind = 'staff' OR id = $1 ORDER BY sort_key, id LIMIT 500",
        beside or -1,
    )
    return [(row["id"], named(row)["who"]) for row in rows]


def _where(asked: Filter) -> tuple[str, list[Any]]:
    found: list[tuple[str, Any]] = []
    if asked.person is not None:
        found.append(("person = {}", asked.person))
    if asked.operation:
        found.append(("operation = {}", asked.operation))
    if asked.client is not None:
        found.append(("client = {}", asked.client))
    if asked.since:
        found.append(("at >= {}", _midnight(asked.since)))
    if asked.until:
        found.append(("at < {}", _midnight(asked.until + dt.timedelta(days=1))))
    sql = " AND ".join(text for text, _ in found) or "1 = 1"
    return sql.format(*(f"${n}" for n in range(1, len(found) + 1))), [value for _, value in found]


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), _HERE).astimezone(dt.UTC)
