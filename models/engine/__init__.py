"""The database: which one, its units of work, and SQL that runs on both.

Times are given as aware datetimes and come back aware, in UTC; what a column is declared as, it comes back as, through
Piccolo and through `raw()`. Expressions over dates (`max(at)`) are text on SQLite: `as_day()` and `as_moment()` read them.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from piccolo.table import Table

from models import config
from models.engine.errors import (
    Busy,
    TooSlow,
    is_busy,
    is_check_violation,
    is_disk_full,
    is_foreign_key_violation,
    is_read_only,
    is_serialization_failure,
    is_unique_violation,
)
from models.engine.postgres import PoolEngine
from models.engine.sqlite import WalEngine
from models.engine.units import (
    Counter,
    Rows,
    Unit,
    after_commit,
    all_or_nothing,
    be_patient,
    count_queries,
    database,
    in_writing,
    present,
    query_count,
    reading,
    run_writing,
    set_database,
    writing,
)
from models.engine.values import as_day, as_moment

__all__ = [
    "Busy",
    "Counter",
    "Rows",
    "TooSlow",
    "after_commit",
    "all_or_nothing",
    "analyze",
    "as_day",
    "as_moment",
    "be_patient",
    "close",
    "copy_rows",
    "count_queries",
    "day_sql",
    "engine",
    "in_writing",
    "is_busy",
    "is_check_violation",
    "is_disk_full",
    "is_foreign_key_violation",
    "is_read_only",
    "is_serialization_failure",
    "is_sqlite",
    "is_unique_violation",
    "make",
    "query_count",
    "raw",
    "raw_many",
    "reading",
    "run_writing",
    "start",
    "use",
    "writing",
]

log = logging.getLogger("poort.database")

os.environ.setdefault("PICCOLO_CONF", "models.piccolo_conf")  # where Piccolo asks for the engine of a table


def make(url: str) -> Any:
    if urlsplit(url).scheme == "sqlite":
        return WalEngine(url.removeprefix("sqlite:///"), config.settings().sqlite_synchronous)
    return PoolEngine(url)


def start() -> Any:
    """The engine of the settings, made at first use."""
    return use(config.settings().database_url)


def use(url: str) -> Any:
    """From now on this database, in place of the one before; tables find it wherever they were first used."""
    fresh = make(url)
    set_database(fresh)
    for table in _tables(Table):
        table._meta._db = fresh
    return fresh


def engine() -> Any:
    return database()


def is_sqlite() -> bool:
    return database().engine_type == "sqlite"


def day_sql(day: dt.date) -> str:
    """A day as it stands in a statement: the day of the databases themselves is that of UTC, and not the office's."""
    return f"'{day.isoformat()}'" if is_sqlite() else f"DATE '{day.isoformat()}'"


async def close() -> None:
    """Close what this event loop has open; the next statement opens it again."""
    await database().close()


async def raw(sql: str, *args: Any) -> Rows:
    """Run SQL that both databases know, with `$1` for the first argument; the rows as dictionaries.

    Bypasses the query builder (60 µs a query) for the hottest and the set-based statements. In the present unit, or on
    its own. Arguments must be of the column's own type: Postgres takes no '7' for 7.
    """
    engine = database()
    return await engine.fetch(engine.placed(sql), args)


async def raw_many(sql: str, rows: Iterable[Sequence[Any]]) -> None:
    """Run one statement for many rows. `rows` is read on another thread on SQLite."""
    async with writing():
        await _unit().connection.many(database().placed(sql), rows)


async def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert many rows as fast as the database takes them. `rows` is read on another thread on SQLite."""
    async with writing():
        await _unit().connection.copy(table, columns, rows)


async def analyze(*tables: str) -> None:
    """After many new rows: have Postgres count them (in all tables when none are named), outside the unit that made them.

    It would do so by itself within a few minutes, and until then plan as if they were not there: the first pages after an
    import took three times as long. SQLite plans by its indexes and was not faster for it. What fails here fails nothing.
    """
    if is_sqlite():
        return
    try:
        async with writing():
            await raw(f"ANALYZE {', '.join(tables)}")
    except Exception as error:
        log.warning("the new rows could not be counted: %s", type(error).__name__)


def _unit() -> Unit:
    unit = present.get()
    assert unit is not None
    return unit


def _tables(base: type[Table]) -> Iterable[type[Table]]:
    for table in base.__subclasses__():
        yield table
        yield from _tables(table)
