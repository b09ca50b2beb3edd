"""Units of work: one reading or one writing transaction, held by one task, the same on both databases."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

R = TypeVar("R")
Rows = list[dict[str, Any]]
log = logging.getLogger("poort.engine")

_RETRIES = 8


class Connection(Protocol):
    """What a unit needs of a database connection."""

    async def fetch(self, sql: str, args: Sequence[Any] = ()) -> Rows: ...
    async def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None: ...
    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None: ...
    async def ddl(self, sql: str) -> Rows: ...


class Database(Protocol):
    """An engine of ours: opens transactions and says what its errors mean."""

    engine_type: str

    def transaction_of(self, writes: bool) -> contextlib.AbstractAsyncContextManager[Connection]: ...
    async def close(self) -> None: ...


class Unit:
    """One transaction. `connection` is None once it is over: a task that inherited it cannot write on somebody else's."""

    __slots__ = ("_connection", "after", "savepoints", "task", "writes")

    def __init__(self, connection: Connection, writes: bool) -> None:
        self._connection: Connection | None = connection
        self.writes = writes
        self.task = asyncio.current_task()
        self.after: list[Callable[[], Any]] = []
        self.savepoints = 0

    @property
    def connection(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("this unit of work is over; its context leaked into another task")
        if asyncio.current_task() is not self.task:
            raise RuntimeError("a unit of work belongs to one task; another one tried to use it")
        return self._connection

    def end(self) -> None:
        self._connection = None


class Busy(Exception):
    """The database was locked for longer than we wait."""


class Counter:
    """The statements of a request or a test."""

    def __init__(self, keep: bool = False) -> None:
        self.n = 0
        self.statements: list[str] | None = [] if keep else None


present: contextvars.ContextVar[Unit | None] = contextvars.ContextVar("unit", default=None)
_counter: contextvars.ContextVar[Counter | None] = contextvars.ContextVar("queries", default=None)
_database: list[Database] = []


def database() -> Database:
    if not _database:
        from models.engine import start

        start()
    return _database[0]


def set_database(new: Database) -> None:
    _database[:] = [new]


def current() -> Unit | None:
    """The unit this task is in; one inherited from the task that started this one, and over by now, is none."""
    return present.get()


def count(sql: str) -> None:
    if (counter := _counter.get()) is not None:
        counter.n += 1
        if counter.statements is not None:
            counter.statements.append(sql)


@contextlib.contextmanager
def count_queries(keep: bool = False) -> Iterator[Counter]:
    """Count the statements inside; with `keep`, remember them too."""
    counter = Counter(keep)
    token = _counter.set(counter)
    try:
        yield counter
    finally:
        _counter.reset(token)


@contextlib.asynccontextmanager
async def reading() -> AsyncIterator[None]:
    """One consistent view in which the database itself refuses writes. Inside another unit it joins that one."""
    if present.get() is not None:
        yield
        return
    async with database().transaction_of(writes=False) as connection:
        unit = Unit(connection, writes=False)
        token = present.set(unit)
        try:
            yield
        finally:
            unit.end()
            present.reset(token)


@contextlib.asynccontextmanager
async def writing() -> AsyncIterator[None]:
    """One atomic change: commit on return, roll back on raise. Inside another writing unit it joins that one.

    Raises:
        RuntimeError: inside a reading unit.
        Busy: the database stayed locked by another process.
    """
    if (outer := present.get()) is not None:
        if not outer.writes:
            raise RuntimeError("writing inside a reading unit")
        yield
        return
    unit: Unit | None = None
    async with database().transaction_of(writes=True) as connection:
        unit = Unit(connection, writes=True)
        token = present.set(unit)
        try:
            yield
        finally:
            unit.end()
            present.reset(token)
    for call in unit.after:
        await _call(call)


@contextlib.asynccontextmanager
async def all_or_nothing() -> AsyncIterator[None]:
    """A savepoint: what raises inside leaves nothing behind, and the unit can go on. Begins a writing unit where there is none."""
    unit = present.get()
    if unit is None:
        async with writing():
            yield
        return
    if not unit.writes:
        raise RuntimeError("a change inside a reading unit")
    unit.savepoints += 1
    name = f"s{unit.savepoints}"
    connection = unit.connection
    waiting = len(unit.after)
    await connection.fetch(f"SAVEPOINT {name}")
    try:
        yield
    except BaseException:
        del unit.after[waiting:]
        await connection.fetch(f"ROLLBACK TO SAVEPOINT {name}")
        await connection.fetch(f"RELEASE SAVEPOINT {name}")
        raise
    await connection.fetch(f"RELEASE SAVEPOINT {name}")


def in_writing() -> bool:
    unit = present.get()
    return unit is not None and unit.writes


def after_commit(call: Callable[[], Any]) -> None:
    """Call (or await) this after the present unit's commit, once; without a unit at once. Never after a roll-back."""
    unit = present.get()
    if unit is None:
        call()
    elif call not in unit.after:
        unit.after.append(call)


async def run_writing(change: Callable[[], Awaitable[R]]) -> R:
    """Carry out the change as one writing unit, and again when the database says it collided with another."""
    for attempt in range(_RETRIES):
        try:
            async with writing():
                return await change()
        except Exception as error:
            if not is_serialization_failure(error) or attempt == _RETRIES - 1:
                raise
        await asyncio.sleep(random.uniform(0.5, 1.5) * 0.01 * 2**attempt)  # noqa: S311
    raise AssertionError("unreachable")


async def _call(call: Callable[[], Any]) -> None:
    try:
        outcome = call()
        if inspect.isawaitable(outcome):
            await outcome
    except Exception:
        log.exception("something to do after a commit failed")


def is_serialization_failure(error: BaseException) -> bool:
    return getattr(error, "sqlstate", None) in ("40001", "40P01")


def is_unique_violation(error: BaseException) -> bool:
    return getattr(error, "sqlstate", None) == "23505" or (
        type(error).__name__ == "IntegrityError" and "UNIQUE" in str(error)
    )


def is_foreign_key_violation(error: BaseException) -> bool:
    return getattr(error, "sqlstate", None) in ("23503", "23001") or "FOREIGN KEY constraint" in str(error)


def is_disk_full(error: BaseException) -> bool:
    return getattr(error, "sqlstate", None) == "53100" or "disk is full" in str(error) or getattr(error, "errno", None) == 28


def is_busy(error: BaseException) -> bool:
    return isinstance(error, Busy) or "database is locked" in str(error)
