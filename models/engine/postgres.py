"""Postgres through a pool per event loop: READ ONLY snapshots for reading, SERIALIZABLE units for writing."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg
from piccolo.engine.postgres import PostgresEngine

from models.engine.errors import Busy
from models.engine.units import Rows, count, present, unhurried, writing

POOL_SIZE = 8  # connections per process
WAIT_SECONDS = 20.0  # for one of them
_LINE = 0x506F6F7274  # the advisory lock of units that collided
_LINE_SECONDS = 2.0  # so long one waits for it; then it is tried out of turn
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE = "BEGIN ISOLATION LEVEL SERIALIZABLE"


class _Connection:
    __slots__ = ("line", "pg", "pool")

    def __init__(self, pg: Any, pool: Any) -> None:
        self.pg, self.pool = pg, pool
        self.line: asyncio.Lock | None = None  # held, as the database's lock of the same meaning is

    async def fetch(self, sql: str, args: Sequence[Any] = ()) -> Rows:
        count(sql)
        return [dict(row) for row in await self.pg.fetch(sql, *args)]

    async def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        count(sql)
        await self.pg.executemany(sql, rows)

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        count(f"COPY {table}")
        await self.pg.copy_records_to_table(table, columns=list(columns), records=rows)

    async def ddl(self, sql: str) -> Rows:
        count(sql)
        await self.pg.execute(sql)
        return []

    async def mark(self, sql: str) -> None:
        await self.pg.execute(sql)


class PoolEngine(PostgresEngine):
    """Piccolo's engine over our own units. A pool belongs to one event loop: each gets its own, when first needed."""

    __slots__ = ("_lines", "_pools", "_starting", "url")

    def __init__(self, url: str) -> None:
        self.url = url
        self._pools: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = weakref.WeakKeyDictionary()
        self._lines: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = weakref.WeakKeyDictionary()
        self._starting: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = weakref.WeakKeyDictionary()
        super().__init__({"dsn": url}, extensions=())

    # units

    async def begin(self, writes: bool, in_line: bool = False) -> _Connection:
        line = await self._turn() if in_line else None
        try:
            connection = await self._lease()
        except BaseException:
            if line:
                line.release()
            raise
        connection.line = line
        try:
            if line:
                await _take_turn(connection)
            await connection.pg.execute(_WRITE if writes else _READ)
        except BaseException:
            await self.rollback(connection)
            raise
        return connection

    async def commit(self, connection: _Connection) -> None:
        await unhurried(_finish(connection, "COMMIT"))

    async def rollback(self, connection: _Connection) -> None:
        await unhurried(_finish(connection, "ROLLBACK"))

    async def close(self) -> None:
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            try:
                await asyncio.wait_for(pool.close(), 5)
            except TimeoutError:
                pool.terminate()

    def drop(self) -> None:
        for pool in self._pools.values():
            with contextlib.suppress(RuntimeError):  # its loop is closed already
                pool.terminate()
        self._pools.clear()

    async def _turn(self) -> asyncio.Lock | None:
        """Of one process only one unit at a time holds a connection while it waits for its turn; None when that takes too long."""
        line = self._lines.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINE_SECONDS):
                await line.acquire()
            return line
        return None

    async def _lease(self) -> _Connection:
        pool = self._pools.get(asyncio.get_running_loop()) or await self._start()
        try:
            return _Connection(await pool.acquire(timeout=WAIT_SECONDS), pool)
        except TimeoutError as error:
            raise Busy("no connection to the database came free") from error

    async def _start(self) -> Any:
        loop = asyncio.get_running_loop()
        async with self._starting.setdefault(loop, asyncio.Lock()):
            if loop not in self._pools:
                self._pools[loop] = await asyncpg.create_pool(
                    self.url,
                    min_size=1,
                    max_size=POOL_SIZE,
                    timeout=10,
                    statement_cache_size=500,
                    reset=_nothing_to_reset,
                    server_settings={"application_name": "poort", "jit": "off"},
                )
            return self._pools[loop]

    # what Piccolo calls

    async def run_querystring(self, querystring: Any, in_pool: bool = True) -> Rows:
        sql, args = querystring.compile_string(engine_type="postgres")
        return await self.fetch(sql, args)

    async def fetch(self, sql: str, args: Sequence[Any] = ()) -> Rows:
        if (unit := present.get()) is not None:
            return await unit.connection.fetch(sql, args)
        connection = await self._lease()
        try:
            return await connection.fetch(sql, args)
        finally:
            await connection.pool.release(connection.pg)

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> Rows:
        async with writing():
            unit = present.get()
            assert unit is not None
            return await unit.connection.ddl(ddl)

    def placed(self, sql: str) -> str:
        return sql

    def get_version_sync(self) -> float:
        """Asked at construction, before there is a loop: the oldest we support; the pool speaks with the real one."""
        return float(self.min_version_number)

    async def prep_database(self) -> None:
        """Nothing: no extensions are needed."""

    def transaction(self, *args: Any, **kwargs: Any) -> Any:
        return writing()

    async def batch(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("page by key instead: a batch would leave the present unit")


async def _finish(connection: _Connection, how: str) -> None:
    pg = connection.pg
    try:
        if pg.is_closed():
            if how == "COMMIT":
                raise ConnectionError("the database ended the connection; nothing of this unit is kept")
        elif pg.is_in_transaction():
            done = await pg.execute(how)
            if how == "COMMIT" and done != "COMMIT":  # Postgres answers so, without an error, after a failed statement
                raise RuntimeError("a statement of this unit failed and was ignored: nothing of the unit is kept")
    except Exception:
        if how == "COMMIT":
            raise
        pg.terminate()
    finally:
        try:
            await _end_turn(connection)
        finally:
            await connection.pool.release(pg)


async def _take_turn(connection: _Connection) -> None:
    """Before the unit begins, so that its view is of after the one before it in the line."""
    with contextlib.suppress(TimeoutError):
        await connection.pg.execute(f"SELECT pg_advisory_lock({_LINE})", timeout=_LINE_SECONDS)


async def _end_turn(connection: _Connection) -> None:
    line, connection.line = connection.line, None
    if line is None:
        return
    try:
        if not connection.pg.is_closed():
            await connection.pg.execute("SELECT pg_advisory_unlock_all()")
    except Exception:
        connection.pg.terminate()  # the lock goes with the connection
    finally:
        line.release()


async def _nothing_to_reset(connection: Any) -> None:
    """Units leave nothing behind; asyncpg's own reset would cost a round trip each."""
