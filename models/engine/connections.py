"""Connections to SQLite that stay open: short reads on the event loop itself, long ones and writes on a thread."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import functools
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import piccolo.engine.sqlite  # noqa: F401  registers the converters that are replaced here

from models.engine.alter import alter
from models.engine.errors import TooSlow
from models.engine.units import Rows, count

# A statement may keep the loop this long; then it is interrupted and repeated on a thread. Reading twice is harmless.
ON_LOOP_SECONDS = 0.010
TURN_SECONDS = 0.002  # of many short ones, before others on the loop have theirs
READ_LIMIT_SECONDS = 60.0
BUSY_SECONDS = 20.0
READERS = 8


def _moment(stored: bytes) -> dt.datetime:
    moment = dt.datetime.fromisoformat(stored.decode())
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


# Piccolo's converters in a faster form: they take most of the time of reading rows. INTEGER needs none at all.
sqlite3.converters.pop("INTEGER", None)
sqlite3.register_converter("BOOLEAN", b"1".__eq__)
sqlite3.register_converter("TIMESTAMPTZ", _moment)


class Connection:
    """One sqlite3 connection, used by one unit at a time."""

    __slots__ = ("_deadline", "db", "reads", "state")

    def __init__(self, kwargs: dict[str, Any], pragmas: Sequence[str], reads: bool, state: State) -> None:
        self.db = sqlite3.connect(**{**kwargs, "timeout": BUSY_SECONDS}, check_same_thread=False, cached_statements=512)
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
        await self.many(f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" * len(columns))})', rows)

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
        if now > self.state.yields_at:
            await asyncio.sleep(0)
            now = time.monotonic()
            self.state.yields_at = now + TURN_SECONDS
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


class State:
    """What one event loop has open."""

    def __init__(self, new: Callable[[bool, State], Connection]) -> None:
        self._new = new
        self.threads = ThreadPoolExecutor(READERS + 1, thread_name_prefix="sqlite")
        self.turn = asyncio.Lock()
        self.places = asyncio.Semaphore(READERS)
        self.idle: list[Connection] = []
        self.all: list[Connection] = []
        self.yields_at = 0.0
        self._writer: Connection | None = None

    @property
    def writer(self) -> Connection:
        if self._writer is None:
            self._writer = self.one_more(False)
        return self._writer

    def one_more(self, reads: bool) -> Connection:
        connection = self._new(reads, self)
        self.all.append(connection)
        return connection

    async def lease(self, begin: bool = False) -> Connection:
        await self.places.acquire()
        try:
            connection = self.idle.pop() if self.idle else self.one_more(True)
            if begin:
                connection.db.execute("BEGIN")
        except BaseException:
            self.places.release()
            raise
        return connection

    def give_back(self, connection: Connection) -> None:
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
