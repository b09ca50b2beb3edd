"""The database: which one, its units of work, and SQL that runs on both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from piccolo.table import Table

from models import config
from models.engine.postgres import PoolEngine
from models.engine.sqlite import WalEngine, numbered
from models.engine.units import (
    Busy,
    Counter,
    Rows,
    after_commit,
    all_or_nothing,
    count_queries,
    database,
    in_writing,
    is_busy,
    is_disk_full,
    is_foreign_key_violation,
    is_serialization_failure,
    is_unique_violation,
    present,
    reading,
    run_writing,
    set_database,
    writing,
)

__all__ = [
    "Busy",
    "Counter",
    "after_commit",
    "all_or_nothing",
    "close",
    "copy_rows",
    "count_queries",
    "engine",
    "in_writing",
    "is_busy",
    "is_disk_full",
    "is_foreign_key_violation",
    "is_serialization_failure",
    "is_sqlite",
    "is_unique_violation",
    "make",
    "raw",
    "raw_many",
    "reading",
    "run_writing",
    "start",
    "use",
    "writing",
]


def make(url: str) -> Any:
    if urlsplit(url).scheme == "sqlite":
        return WalEngine(url.removeprefix("sqlite:///"), config.settings().sqlite_synchronous)
    return PoolEngine(url)


def start() -> Any:
    """The engine of the settings, made at first use."""
    return use(config.settings().database_url)


def use(url: str) -> Any:
    """From now on this database; tables find it wherever they were first used."""
    from models import piccolo_conf

    fresh = make(url)
    set_database(fresh)
    piccolo_conf.DB = fresh
    for table in _tables(Table):
        table._meta._db = fresh
    return fresh


def engine() -> Any:
    return database()


def is_sqlite() -> bool:
    return database().engine_type == "sqlite"


async def close() -> None:
    """Close what this event loop has open."""
    await database().close()


async def raw(sql: str, *args: Any) -> Rows:
    """Run SQL that both databases know, with `$1` for the first argument; the rows as dictionaries.

    Bypasses the query builder (60 µs a query) for the hottest and the set-based statements. Declared columns come back
    typed on both; expressions over dates are text on SQLite.
    """
    connection: Any = unit.connection if (unit := present.get()) is not None else database()
    return await connection.fetch(numbered(sql) if is_sqlite() else sql, args)  # type: ignore[no-any-return]


async def raw_many(sql: str, rows: Iterable[Sequence[Any]]) -> None:
    """Run one statement for many rows; in a writing unit."""
    assert (unit := present.get()) is not None, "raw_many needs a unit"
    await unit.connection.many(numbered(sql) if is_sqlite() else sql, rows)


async def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert many rows as fast as the database takes them; in a writing unit."""
    assert (unit := present.get()) is not None, "copy_rows needs a unit"
    await unit.connection.copy(table, columns, rows)


def _tables(base: type) -> Iterable[Any]:
    for table in base.__subclasses__():
        yield table
        yield from _tables(table)
