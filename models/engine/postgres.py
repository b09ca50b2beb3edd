"""Postgres through a pool per event loop: READ ONLY snapshots for reading, SERIALIZABLE units for writing."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from piccolo.engine.postgres import PostgresEngine

from models.engine.units import Rows, count, present, writing

POOL_SIZE = 8
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITE = "BEGIN ISOLATION LEVEL SERIALIZABLE"


class _Connection:
    def __init__(self, connection: Any) -> None:
        self.pg = connection

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


class PoolEngine(PostgresEngine):
    """Piccolo's engine over our own units. A pool belongs to one event loop, so each loop gets its own, when first needed."""

    __slots__ = ("_pools", "_starting", "url")

    def __init__(self, url: str) -> None:
        self.url = url
        self._pools: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = weakref.WeakKeyDictionary()
        self._starting: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = weakref.WeakKeyDictionary()
        super().__init__({"dsn": url}, extensions=())

    async def _pool(self) -> Any:
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None:
            async with self._starting.setdefault(loop, asyncio.Lock()):
                pool = self._pools.get(loop)
                if pool is None:
                    pool = self._pools[loop] = await asyncpg.create_pool(self.url, min_size=1, max_size=POOL_SIZE, timeout=10)
        return pool

    @contextlib.asynccontextmanager
    async def transaction_of(self, writes: bool) -> AsyncIterator[_Connection]:
        pool = await self._pool()
        async with pool.acquire() as pg:
            await pg.execute(_WRITE if writes else _READ)
            try:
                yield _Connection(pg)
            except BaseException:
                if not pg.is_closed():
                    await asyncio.shield(pg.execute("ROLLBACK"))
                raise
            await pg.execute("COMMIT" if writes else "ROLLBACK")

    async def run_querystring(self, querystring: Any, in_pool: bool = True) -> Rows:
        sql, args = querystring.compile_string(engine_type="postgres")
        return await self.fetch(sql, args)

    async def fetch(self, sql: str, args: Sequence[Any] = ()) -> Rows:
        if (unit := present.get()) is not None:
            return await unit.connection.fetch(sql, args)
        pool = await self._pool()
        async with pool.acquire() as pg:
            return await _Connection(pg).fetch(sql, args)

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> Rows:
        if (unit := present.get()) is not None:
            return await unit.connection.ddl(ddl)
        pool = await self._pool()
        async with pool.acquire() as pg:
            return await _Connection(pg).ddl(ddl)

    def get_version_sync(self) -> float:
        """Asked at construction, before there is a loop: the oldest we support; the pool speaks with the real one."""
        return self.min_version_number

    async def prep_database(self) -> None:
        """Nothing: no extensions are needed."""

    def transaction(self, *args: Any, **kwargs: Any) -> Any:
        return writing()

    async def close(self) -> None:
        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            try:
                await asyncio.wait_for(pool.close(), 5)
            except TimeoutError:
                pool.terminate()
