"""Pages of the trail: narrowed by person, operation, client and period."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from models import engine
from models.accounts.lists import named
from models.people import search_words
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

_HERE = ZoneInfo("Europe/Amsterdam")


@dataclasses.dataclass(frozen=True)
class Filter:
    """`people`: who did it, any of these. `since` and `until` are days, both included."""

    people: tuple[int, ...] | None = None
    operation: str = ""
    client: int | None = None
    since: dt.date | None = None
    until: dt.date | None = None


async def page(viewer: Viewer, asked: Filter, number: int, size: int) -> tuple[list[dict[str, Any]], int]:
    """The lines of a page, counted from 1 and newest first, and how many there are. For who may see the whole trail."""
    viewer.require(Permission.VIEW_TRAIL)
    where, args = _where(asked)
    rows = await engine.raw(
        "SELECT t.*, u.id AS who_id, u.full_name, c.name AS client_name FROM "
        f"(SELECT * FROM trail WHERE {where} ORDER BY at DESC, id DESC LIMIT {int(size)} OFFSET {int((number - 1) * size)}) t "
        "LEFT JOIN users u ON u.id = coalesce(t.person, CASE WHEN t.record_table = 'User' THEN t.record_id END) LEFT JOIN client c ON c.id = t.client ORDER BY t.at DESC, t.id DESC",
        *args,
    )
    total = (await engine.raw(f"SELECT count(*) AS n FROM trail WHERE {where}", *args))[0]["n"]
    return [named(row) for row in rows], int(total)


async def after(viewer: Viewer, asked: Filter, last: int, size: int) -> list[dict[str, Any]]:
    """The next lines for an export, oldest first: those after the line with id `last`. For who may see the whole trail."""
    viewer.require(Permission.VIEW_TRAIL)
    where, args = _where(asked)
    rows = await engine.raw(
        "SELECT t.*, u.full_name, c.name AS client_name, c.number AS client_number FROM "
        f"(SELECT * FROM trail WHERE {where} AND id > {int(last)} ORDER BY id LIMIT {int(size)}) t "
        "LEFT JOIN users u ON u.id = coalesce(t.person, CASE WHEN t.record_table = 'User' THEN t.record_id END) "
        "LEFT JOIN client c ON c.id = t.client ORDER BY t.id",
        *args,
    )
    return [named(row) for row in rows]


async def colleagues() -> list[str]:
    """The office's own people, as the filter offers them: name and address."""
    rows = await engine.raw("SELECT full_name, email FROM users WHERE kind = 'staff' ORDER BY sort_key, id LIMIT 500")
    return [_with_address(row) for row in rows]


async def found(viewer: Viewer, typed: str) -> tuple[tuple[int, ...], str]:
    """Who is meant by an id, or by words of a name and an address, staff or client user; and how the filter shows it."""
    viewer.require(Permission.VIEW_TRAIL)
    if typed.isascii() and typed.isdecimal() and len(typed) < 10:
        rows = await engine.raw(f"{_PEOPLE_SQL} WHERE id = $1", int(typed))
        return tuple(row["id"] for row in rows), _with_address(rows[0]) if rows else typed
    words = [word.replace("%", "").replace("_", "") for word in search_words(typed.replace("\x00", ""))]
    where = " AND ".join(f"search_key LIKE ${n}" for n, _ in enumerate(words, 1)) or "1 = 0"
    rows = await engine.raw(f"{_PEOPLE_SQL} WHERE {where} ORDER BY id LIMIT 200", *(f"%{word}%" for word in words))
    return tuple(row["id"] for row in rows), typed


_PEOPLE_SQL = "SELECT id, full_name, email FROM users"


def _with_address(row: dict[str, Any]) -> str:
    return f"{named(row)['who']} {row['email']}".strip()


def _where(asked: Filter) -> tuple[str, list[Any]]:
    found: list[tuple[str, Any]] = []
    sql: list[str] = []
    if asked.people is not None:
        ids = ", ".join(str(int(id)) for id in asked.people) or "-1"
        # what the system did to somebody (a link he used) stands under his name, as the page shows it
        sql.append(f"(person IN ({ids}) OR (person IS NULL AND record_table = 'User' AND record_id IN ({ids})))")
    if asked.operation:
        found.append(("(operation = {0} OR operation = {0} || '.bulk')", asked.operation))
    if asked.client is not None:
        found.append(("client = {}", asked.client))
    if asked.since:
        found.append(("at >= {}", midnight(asked.since)))
    if asked.until:
        found.append(("at < {}", midnight(asked.until + dt.timedelta(days=1))))
    sql += [text.format(f"${n}") for n, (text, _) in enumerate(found, 1)]
    return " AND ".join(sql) or "1 = 1", [value for _, value in found]


def midnight(day: dt.date) -> dt.datetime:
    """When a day begins here, as a moment in UTC."""
    return dt.datetime.combine(day, dt.time(), _HERE).astimezone(dt.UTC)
