"""SQLite with persistent connections: reads on the event loop while they are short, writes one at a time on a thread."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import functools
import random
import re
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from piccolo.engine.sqlite import SQLiteEngine

from models.engine.alter import alter
from models.engine.errors import Busy, TooSlow
from models.engine.units import Rows, count, present, unhurried, writing

# A statement may keep the loop this long; then it is interrupted and repeated on a thread. Reading twice is harmless.
ON_LOOP_SECONDS = 0.010
READ_LIMIT_SECONDS = 60.0
BUSY_SECONDS = 20.0
READERS = 8


def _moment(stored: bytes) -> dt.datetime:
    moment = dt.datetime.fromisoformat(stored.decode())
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


# Piccolo's converters in a faster form: they take most of the time of reading rows. INTEGER needs none at all.
sqlite3.converters.pop("INTEGER", None)  # type: ignore[attr-defined]
sqlite3.register_converter("BOOLEAN", b"1".__eq__)
sqlite3.register_converter("TIMESTAMPTZ", _moment)


class _Connection:
    """One sqlite3 connection, used by one unit at a time."""

    __slots__ = ("_deadline", "db", "reads", "state")

    def __init__(self, kwargs: dict[str, Any], pragmas: Sequence[str], reads: bool, state: _State) -> None:
        self.db = sqlite3.connect(
            **{**kwargs, "timeout": BUSY_SECONDS}, check_same_thread=False, cached_statements=512
        )
        for pragma in pragmas:
            self.db.execute(f"PRAGMA {pragma}")
        self.reads = reads
        self.state = state
        self._deadline = 0.0

    async def fetch(self, sql: str, args: Sequence[Any] = ()) -> Rows:
        count(sql)
        if self.reads or only_reads(sql):
            return await self._read(sql, args)
        return await self.on_thread(self._write, sql, args)  # type: ignore[no-any-return]

    async def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        count(sql)
        await self.on_thread(self._write_many, sql, rows)

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        names = ", ".join(f'"{column}"' for column in columns)
        await self.many(f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" * len(columns))})', rows)  # noqa: S608

    async def ddl(self, sql: str) -> Rows:
        count(sql)
        return await self.on_thread(alter, self.db, sql)  # type: ignore[no-any-return]

    async def mark(self, sql: str) -> None:
        if sql.startswith("ROLLBACK"):
            await self.on_thread(self.db.execute, sql)
        else:
            self.db.execute(sql)

    async def on_thread(self, work: Callable[..., Any], *args: Any) -> Any:
        """Run it on a thread; a cancellation stops the statement before it is passed on."""
        future = asyncio.get_running_loop().run_in_executor(self.state.threads, work, *args)
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            while not future.done():
                self.db.interrupt()  # without effect if the statement has not begun yet: hence again and again
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([future], timeout=0.02)
            future.exception()
            raise
        return future.result()

    async def _read(self, sql: str, args: Sequence[Any]) -> Rows:
        now = time.monotonic()
        if now > self.state.yields_at:  # many short ones in a row must not keep the loop from others either
            await asyncio.sleep(0)
            now = time.monotonic()
            self.state.yields_at = now + ON_LOOP_SECONDS
        self._deadline = now + ON_LOOP_SECONDS
        self.db.set_progress_handler(self._is_late, 1000)
        try:
            return self._rows(sql, args)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY):
                raise
        finally:
            self.db.set_progress_handler(None, 0)
        try:
            async with asyncio.timeout(READ_LIMIT_SECONDS):
                return await self.on_thread(self._rows_patiently, sql, args)  # type: ignore[no-any-return]
        except TimeoutError as error:
            raise TooSlow(f"a statement took longer than {READ_LIMIT_SECONDS:.0f} seconds") from error

    def _is_late(self) -> bool:
        return time.monotonic() > self._deadline

    def _rows(self, sql: str, args: Sequence[Any]) -> Rows:
        cursor = self.db.execute(sql, args)
        if cursor.description is None:
            return []
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=False)) for row in cursor.fetchall()]

    def _rows_patiently(self, sql: str, args: Sequence[Any]) -> Rows:
        self.db.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000:.0f}")
        try:
            return self._rows(sql, args)
        finally:
            self.db.execute("PRAGMA busy_timeout=0")

    def _write(self, sql: str, args: Sequence[Any]) -> Rows:
        self._check_begun()
        return self._rows(sql, args)

    def _write_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._check_begun()
        self.db.executemany(sql, rows)

    def _check_begun(self) -> None:
        """SQLite rolls back by itself when the disk is full; what came then would each be committed on its own."""
        if not self.db.in_transaction:
            raise RuntimeError("an earlier failure undid this unit: nothing of it is kept")


class _State:
    """What one event loop has open."""

    def __init__(self, new: Callable[[bool, _State], _Connection]) -> None:
        self._new = new
        self.threads = ThreadPoolExecutor(READERS + 1, thread_name_prefix="sqlite")
        self.turn = asyncio.Lock()
        self.places = asyncio.Semaphore(READERS)
        self.idle: list[_Connection] = []
        self.all: list[_Connection] = []
        self.yields_at = 0.0
        self._writer: _Connection | None = None

    @property
    def writer(self) -> _Connection:
        if self._writer is None:
            self._writer = self.one_more(False)
        return self._writer

    def one_more(self, reads: bool) -> _Connection:
        connection = self._new(reads, self)
        self.all.append(connection)
        return connection

    async def lease(self, begin: bool = False) -> _Connection:
        await self.places.acquire()
        try:
            connection = self.idle.pop() if self.idle else self.one_more(True)
            if begin:
                connection.db.execute("BEGIN")
        except BaseException:
            self.places.release()
            raise
        return connection

    def give_back(self, connection: _Connection) -> None:
        try:
            if connection.db.in_transaction:
                connection.db.execute("ROLLBACK")
            self.idle.append(connection)
        except sqlite3.Error:  # broken: the next one to read opens a fresh one
            self.all.remove(connection)
            connection.db.close()
        finally:
            self.places.release()

    def close(self) -> None:
        self.threads.shutdown(wait=True)
        for connection in self.all:
            connection.db.close()


class WalEngine(SQLiteEngine):
    """Piccolo's engine over our own connections.

    Each reading unit holds one of up to 8 read-only connections; writing units take the one writer in turn and begin
    IMMEDIATE, because a transaction that turns from reading to writing fails at once when another wrote in between.
    """

    __slots__ = ("_states", "synchronous")

    def __init__(self, path: str, synchronous: str = "NORMAL") -> None:
        super().__init__(path=path)
        self.synchronous = synchronous
        self._states: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _State] = weakref.WeakKeyDictionary()

    # units

    async def begin(self, writes: bool) -> _Connection:
        state = self._state()
        if not writes:
            return await state.lease(begin=True)
        await state.turn.acquire()
        try:
            await _take_the_lock(state.writer.db)
        except BaseException:
            state.turn.release()
            raise
        return state.writer

    async def commit(self, connection: _Connection) -> None:
        try:
            await unhurried(connection.on_thread(_commit, connection.db))
        finally:
            connection.state.turn.release()

    async def rollback(self, connection: _Connection) -> None:
        if connection.reads:
            connection.state.give_back(connection)
            return
        try:
            await unhurried(connection.on_thread(_roll_back, connection.db))
        finally:
            connection.state.turn.release()

    async def close(self) -> None:
        state = self._states.pop(asyncio.get_running_loop(), None)
        if state is not None:
            await asyncio.to_thread(state.close)

    def drop(self) -> None:
        for state in list(self._states.values()):
            state.close()
        self._states.clear()

    def _state(self) -> _State:
        loop = asyncio.get_running_loop()
        state = self._states.get(loop)
        if state is None:
            state = self._states[loop] = _State(self._connect)
        return state

    def _connect(self, reads: bool, state: _State) -> _Connection:
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        pragmas = ["foreign_keys=ON", "cache_size=-8000", "temp_store=MEMORY"]
        if reads:
            pragmas += ["query_only=ON"]
        else:
            pragmas += ["journal_mode=WAL", f"synchronous={self.synchronous}", "journal_size_limit=67108864"]
        # The loop must not sleep in SQLite's own waiting: a locked database is asked again, from a thread or later.
        return _Connection(self.connection_kwargs, [*pragmas, "busy_timeout=0"], reads, state)

    # what Piccolo calls

    async def run_querystring(self, querystring: Any, in_pool: bool = False) -> Rows:
        sql, args = querystring.compile_string(engine_type="sqlite")
        return await self.fetch(sql, args)

    async def fetch(self, sql: str, args: Sequence[Any] = ()) -> Rows:
        if (unit := present.get()) is not None:
            return await unit.connection.fetch(sql, args)
        if not only_reads(sql):
            async with writing():
                return await self.fetch(sql, args)
        state = self._state()
        connection = await state.lease()
        try:
            return await connection.fetch(sql, args)
        finally:
            state.give_back(connection)

    async def run_ddl(self, ddl: str, in_pool: bool = False) -> Rows:
        async with writing():
            unit = present.get()
            assert unit is not None
            return await unit.connection.ddl(ddl)

    def placed(self, sql: str) -> str:
        return numbered(sql)

    def transaction(self, *args: Any, **kwargs: Any) -> Any:
        return writing()

    async def get_connection(self) -> Any:
        raise NotImplementedError("page by key instead of batch(): a connection of its own would leave the present unit")


async def _take_the_lock(db: sqlite3.Connection) -> None:
    """BEGIN IMMEDIATE, asked again while another process writes.

    Raises:
        Busy: after 20 seconds.
    """
    give_up, pause = time.monotonic() + BUSY_SECONDS, 0.0005
    while True:
        try:
            db.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            if time.monotonic() > give_up:
                raise Busy("the database stayed locked by another process") from error
        await asyncio.sleep(random.uniform(0.5, 1.5) * pause)  # noqa: S311
        pause = min(pause * 2, 0.008)


def _commit(db: sqlite3.Connection) -> None:
    if not db.in_transaction:
        raise RuntimeError("an earlier failure undid this unit: nothing of it is kept")
    try:
        db.execute("COMMIT")
    except BaseException:
        _roll_back(db)
        raise


def _roll_back(db: sqlite3.Connection) -> None:
    if db.in_transaction:
        db.execute("ROLLBACK")


_WRITES = re.compile(r"\b(?:INSERT|UPDATE|DELETE|REPLACE)\b", re.I)


@functools.lru_cache(2000)
def only_reads(sql: str) -> bool:
    first = sql.lstrip()[:6].upper()
    return first in ("SELECT", "EXPLAI", "VALUES") or (first.startswith("WITH") and not _WRITES.search(sql))


_NUMBERED = re.compile(r"\$(\d+)")


@functools.lru_cache(2000)
def numbered(sql: str) -> str:
    """`$1` as SQLite writes it: `?1`."""
    return _NUMBERED.sub(r"?\1", sql)
