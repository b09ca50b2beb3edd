"""Units of work: one reading or one writing transaction, held by one task, the same on both databases."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from models.engine.errors import is_serialization_failure

R = TypeVar("R")
Rows = list[dict[str, Any]]
log = logging.getLogger("poort.engine")

_TRIES = 8
_PATIENT_TRIES = 40  # of work that nobody waits for: up to half a minute beside others that write the same
_LONGEST_PAUSE = 1.0  # seconds


class Connection(Protocol):
    """What a unit needs of a database connection."""

    async def fetch(self, sql: str, args: Sequence[Any] = ()) -> Rows: ...
    async def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None: ...
    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None: ...
    async def ddl(self, sql: str) -> Rows: ...
    async def mark(self, sql: str) -> None:
        """SAVEPOINT and its kin, which do not count as statements."""


class Database(Protocol):
    """An engine of ours. `commit` and `rollback` always give the connection back, and never stop half-way."""

    engine_type: str

    async def begin(self, writes: bool, in_line: bool = False) -> Any:
        """`in_line`: after whoever else collided, so that these do not collide with one another again and again."""
        ...

    async def commit(self, connection: Any) -> None: ...
    async def rollback(self, connection: Any) -> None: ...
    async def close(self) -> None: ...
    def drop(self) -> None: ...
    async def fetch(self, sql: str, args: Sequence[Any] = ()) -> Rows: ...
    def placed(self, sql: str) -> str: ...


class Unit:
    """One transaction, usable by the task that began it until it ends."""

    __slots__ = ("_connection", "after", "failed", "savepoints", "task", "writes")

    def __init__(self, connection: Connection, writes: bool) -> None:
        self._connection: Connection | None = connection
        self.writes = writes
        self.task = asyncio.current_task()
        self.after: list[Callable[[], Any]] = []
        self.savepoints = 0
        self.failed = False

    @property
    def is_over(self) -> bool:
        return self._connection is None

    @property
    def is_ours(self) -> bool:
        return asyncio.current_task() is self.task

    @property
    def connection(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("this unit of work is over: a task it started must begin a unit of its own")
        if asyncio.current_task() is not self.task:
            raise RuntimeError("a unit of work belongs to one task, and another one tried to use it")
        return self._connection

    def end(self) -> None:
        self._connection = None


class Counter:
    """The statements of a request or a test; `statements` stays empty unless they are to be kept."""

    __slots__ = ("keep", "n", "outer", "statements")

    def __init__(self, keep: bool = False, outer: Counter | None = None) -> None:
        self.n = 0
        self.statements: list[str] = []
        self.keep = keep
        self.outer = outer


present: contextvars.ContextVar[Unit | None] = contextvars.ContextVar("unit", default=None)
_counter: contextvars.ContextVar[Counter | None] = contextvars.ContextVar("queries", default=None)
_database: list[Database] = []


def database() -> Database:
    if not _database:
        from models.engine import start

        start()
    return _database[0]


def set_database(new: Database) -> None:
    for old in _database:
        old.drop()
    _database[:] = [new]


def count(sql: str) -> None:
    counter = _counter.get()
    while counter is not None:
        counter.n += 1
        if counter.keep:
            counter.statements.append(sql)
        counter = counter.outer


@contextlib.contextmanager
def count_queries(keep: bool = False) -> Iterator[Counter]:
    """Count the statements inside, also for a counter around this one; with `keep`, remember them too."""
    counter = Counter(keep, _counter.get())
    token = _counter.set(counter)
    try:
        yield counter
    finally:
        _counter.reset(token)


def query_count() -> int:
    """The statements so far in the innermost `count_queries()`; 0 outside."""
    counter = _counter.get()
    return counter.n if counter is not None else 0


@contextlib.asynccontextmanager
async def reading() -> AsyncIterator[None]:
    """One consistent view in which the database itself refuses writes. Inside another unit it joins that one."""
    if _joined() is not None:
        yield
        return
    engine = database()
    connection = await engine.begin(writes=False)
    unit = Unit(connection, writes=False)
    token = present.set(unit)
    try:
        yield
    finally:
        unit.end()
        present.reset(token)
        await engine.rollback(connection)


@contextlib.asynccontextmanager
async def writing(in_line: bool = False) -> AsyncIterator[None]:
    """One atomic change: commit on return, roll back on raise. Inside another writing unit it joins that one.

    Raises:
        RuntimeError: inside a reading unit, or when a failed statement had already undone the unit.
        Busy: the database stayed locked by another process.
    """
    if (outer := _joined()) is not None:
        if not outer.writes:
            raise RuntimeError("writing() inside reading(): begin the writing unit first")
        yield
        return
    engine = database()
    connection = await engine.begin(writes=True, in_line=in_line)
    unit = Unit(connection, writes=True)
    token = present.set(unit)
    try:
        yield
        if unit.failed:
            raise RuntimeError("a savepoint of this unit could not be rolled back: nothing of the unit is kept")
    except BaseException:
        unit.end()
        present.reset(token)
        await engine.rollback(connection)
        raise
    unit.end()
    present.reset(token)
    await engine.commit(connection)
    for call in unit.after:
        await _call(call)


@contextlib.asynccontextmanager
async def all_or_nothing() -> AsyncIterator[None]:
    """A savepoint: what raises inside leaves nothing behind, and the unit goes on. Without a unit it is `writing()`."""
    unit = _joined()
    if unit is None:
        async with writing():
            yield
        return
    if not unit.writes:
        raise RuntimeError("a change inside reading(): begin a writing unit first")
    unit.savepoints += 1
    name, connection, waiting = f"s{unit.savepoints}", unit.connection, len(unit.after)
    await connection.mark(f"SAVEPOINT {name}")
    try:
        yield
    except BaseException:
        del unit.after[waiting:]
        try:
            await connection.mark(f"ROLLBACK TO SAVEPOINT {name}")
            await connection.mark(f"RELEASE SAVEPOINT {name}")
        except Exception:
            unit.failed = True  # the connection broke, or a statement that was stopped took the transaction with it
        raise
    await connection.mark(f"RELEASE SAVEPOINT {name}")


def in_writing() -> bool:
    unit = present.get()
    return unit is not None and unit.writes and not unit.is_over and unit.is_ours


def after_commit(call: Callable[[], Any]) -> None:
    """Call (and await) this after the present unit's commit, once; never after a roll-back. Without a unit: at once."""
    unit = present.get()
    if unit is None or unit.is_over:
        if inspect.isawaitable(outcome := call()):
            task = asyncio.ensure_future(outcome)
            _at_once.add(task)
            task.add_done_callback(_at_once.discard)
        return
    if not unit.writes:
        raise RuntimeError("after_commit() inside reading(): nothing will be committed")
    if call not in unit.after:
        unit.after.append(call)


_at_once: set[asyncio.Future[Any]] = set()  # the loop itself keeps only weak references


async def run_writing(change: Callable[[], Awaitable[R]]) -> R:
    """Carry out the change as one writing unit, and again when the database says that it collided with another one.

    Who collided waits for the others that did: where many write the same at once (readers of one document, say, whose pages are
    noted), each has his turn. Long work does not stand in that line, where people would wait for it. Inside a writing unit it
    joins that one, which is then the one to be repeated.
    """
    if in_writing():
        return await change()
    patient = _is_patient.get()
    tries = _PATIENT_TRIES if patient else _TRIES
    for attempt in range(1, tries + 1):
        try:
            async with writing(in_line=attempt > 1 and not patient):
                return await change()
        except Exception as error:
            if not is_serialization_failure(error) or attempt == tries:
                raise
        await asyncio.sleep(random.uniform(0.5, 1.5) * min(0.005 * 2**attempt, _LONGEST_PAUSE))  # noqa: S311
    raise AssertionError("unreachable")


_is_patient: contextvars.ContextVar[bool] = contextvars.ContextVar("patient", default=False)


def be_patient() -> None:
    """From here on, in this task: units that collide with others are tried for longer. For long work, of which a part that
    gives up is the whole that fails."""
    _is_patient.set(True)


async def unhurried(work: Coroutine[Any, Any, R]) -> R:
    """Await it to its end, also when this task is cancelled meanwhile: the cancellation comes at the next await."""
    task, future = asyncio.current_task(), asyncio.ensure_future(work)
    assert task is not None
    cancelled = False
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            task.uncancel()
            cancelled = True
    if cancelled:
        task.cancel()
    return future.result()


def _joined() -> Unit | None:
    """The unit that a new one joins. One inherited from the task that started this one cannot be joined."""
    unit = present.get()
    if unit is None or unit.is_over:
        return None
    if not unit.is_ours:
        if unit.writes:
            raise RuntimeError("a task inside somebody's writing unit would wait for it for ever: use after_commit()")
        return None
    return unit


async def _call(call: Callable[[], Any]) -> None:
    try:
        if inspect.isawaitable(outcome := call()):
            await outcome
    except Exception:
        log.exception("something to do after a commit failed")
