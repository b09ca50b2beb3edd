"""SQLite with persistent connections: reads on the event loop itself while they are short, writes one at a time on a thread."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import sqlite3
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from piccolo.engine.sqlite import SQLiteEngine

from models.engine.alter import alter
from models.engine.units import Busy, Rows, count, present, writing

# A statement may keep the loop this long; then it is interrupted and repeated on a thread. Reading twice is harmless.
ON_LOOP_SECONDS = 0.010
READ_LIMIT_SECONDS = 60.0
BUSY_MILLISECONDS = 10_000
READERS = 16

# Piccolo's converter goes through float(); these are C functions and exact.
sqlite3.register_converter("INTEGER", int)
sqlite3.register_converter("BIGINT", int)


class _Connection:
    """One sqlite3 connection and the thread for what may take long."""

    def __init__(self, kwargs: dict[str, Any], pragmas: Sequence[str], reads: bool) -> None:
        self._kwargs, self._pragmas, self._reads = kwargs, pragmas, reads
        self._thread: ThreadPoolExecutor | None = None
        self._db: sqlite3.Connection | None = None
        self._deadline = 0.0

    @property
    def db(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = sqlite3.connect(**self._kwargs, check_same_thread=False)
            for pragma in self._pragmas:
                self._db.execute(f"PRAGMA {pragma}")
            if self._reads:
                self._db.set_progress_handler(self._is_late, 1000)
        return self._db

    def _is_late(self) -> int:
        return time.monotonic() > self._deadline

    def now(self, sql: str, args: Sequence[Any]) -> Rows:
        """Run it here, whatever thread this is."""
        cursor = self.db.execute(sql, args)
        if cursor.description is None:
            return []
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    async def on_thread(self, work: Callable[[], Any]) -> Any:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:  # the client left, or a time-out: stop the statement, then go
            if self._db is not None:
                self._db.interrupt()
            await asyncio.wait([future])
            future.exception()
            raise

    async def fetch(self, sql: str, args: Sequence[Any] = ()) -> Rows:
        count(sql)
        if not self._reads:
            return await self.on_thread(lambda: self.now(sql, args))  # type: ignore[no-any-return]
        self._deadline = time.monotonic() + ON_LOOP_SECONDS
        try:
            return self.now(sql, args)
        except sqlite3.OperationalError as error:
            if str(error) != "interrupted":
                raise
        self._deadline = time.monotonic() + READ_LIMIT_SECONDS
        return await self.on_thread(lambda: self.now(sql, args))  # type: ignore[no-any-return]

    async def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        count(sql)
        await self.on_thread(lambda: self.db.executemany(sql, rows))

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        names = ", ".join(f'"{column}"' for column in columns)
        await self.many(f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" * len(columns))})', rows)  # noqa: S608

    async def ddl(self, sql: str) -> Rows:
        count(sql)
        return await self.on_thread(lambda: alter(self.db, sql))  # type: ignore[no-any-return]

    async def close(self) -> None:
        if self._db is not None:
            self._deadline = time.monotonic() + 5
            await self.on_thread(self._db.close)
        if self._thread is not None:
            self._thread.shutdown(wait=False)


class _State:
    """What one event loop has open."""

    def __init__(self, new: Callable[[bool], _Connection]) -> None:
        self.new = new
        self.writer = new(False)
        self.lock = asyncio.Lock()
        self.idle: list[_Connection] = []
        self.all: list[_Connection] = [self.writer]
        self.places = asyncio.Semaphore(READERS)


class WalEngine(SQLiteEngine):
    """Piccolo's engine over our own connections.

    Reading units each hold one of up to 16 read-only connections; writing units take the one writer in turn and begin
    IMMEDIATE, because a transaction that turns from reading to writing fails at once when another wrote in between.
    """

    __slots__ = ("_states", "synchronous")

    def __init__(self, path: str, synchronous: str = "NORMAL") -> None:
        super().__init__(path=path)
        self.synchronous = synchronous
        self._states: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _State] = weakref.WeakKeyDictionary()

    def _new(self, reads: bool) -> _Connection:
        pragmas = [f"busy_timeout={BUSY_MILLISECONDS}", "foreign_keys=ON", "cache_size=-16000", "temp_store=MEMORY"]
        pragmas += ["query_only=ON"] if reads else ["journal_mode=WAL", f"synchronous={self.synchronous}"]
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        return _Connection(self.connection_kwargs, pragmas, reads)

    def _state(self) -> _State:
        loop = asyncio.get_running_loop()
        state = self._states.get(loop)
        if state is None:
            state = self._states[loop] = _State(self._new)
        return state

    @contextlib.asynccontextmanager
    async def transaction_of(self, writes: bool) -> AsyncIterator[_Connection]:
        state = self._state()
        async with self._writer(state) if writes else self._reader(state) as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def _reader(self, state: _State) -> AsyncIterator[_Connection]:
        async with state.places:
            connection = state.idle.pop() if state.idle else self._one_more(state)
            connection.now("BEGIN", ())
            try:
                yield connection
            finally:
                connection._deadline = time.monotonic() + 1
                connection.now("ROLLBACK", ())
                state.idle.append(connection)

    def _one_more(self, state: _State) -> _Connection:
        connection = self._new(reads=True)
        state.all.append(connection)
        return connection

    @contextlib.asynccontextmanager
    async def _writer(self, state: _State) -> AsyncIterator[_Connection]:
        async with state.lock:
            writer = state.writer
            try:
                await writer.on_thread(lambda: writer.now("BEGIN IMMEDIATE", ()))
            except sqlite3.OperationalError as error:
                if "locked" in str(error):
                    raise Busy("the database stayed locked") from error
                raise
            except asyncio.CancelledError:
                if writer.db.in_transaction:
                    writer.now("ROLLBACK", ())
                raise
            try:
                yield writer
            except BaseException:
                await self._finish(writer, "ROLLBACK")
                raise
            try:
                await self._finish(writer, "COMMIT")
            except BaseException:
                await self._finish(writer, "ROLLBACK")
                raise

    async def _finish(self, writer: _Connection, how: str) -> None:
        def end() -> None:
            if writer.db.in_transaction:
                writer.db.execute(how)

        await asyncio.shield(writer.on_thread(end))

    # what Piccolo calls

    async def run_querystring(self, querystring: Any, in_pool: bool = False) -> Rows:
        sql, args = querystring.compile_string(engine_type="sqlite")
        return await self.fetch(sql, args)

    async def fetch(self, sql: str, args: Sequence[Any] = ()) -> Rows:
        if (unit := present.get()) is not None:
            return await unit.connection.fetch(sql, args)
        writes = sql.lstrip()[:6].upper() not in ("SELECT", "WITH R")
        async with self.transaction_of(writes) as connection:
            return await connection.fetch(sql, args)

    async def run_ddl(self, ddl: str, in_pool: bool = False) -> Rows:
        if (unit := present.get()) is not None:
            return await unit.connection.ddl(ddl)
        async with self.transaction_of(writes=True) as connection:
            return await connection.ddl(ddl)

    def transaction(self, *args: Any, **kwargs: Any) -> Any:
        return writing()

    async def close(self) -> None:
        state = self._states.pop(asyncio.get_running_loop(), None)
        if state is not None:
            for connection in state.all:
                await connection.close()


_NUMBERED = re.compile(r"\$(\d+)")


@functools.lru_cache(2000)
def numbered(sql: str) -> str:
    """`$1` as SQLite writes it: `?1`."""
    return _NUMBERED.sub(r"?\1", sql)
