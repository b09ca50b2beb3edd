"""SQLite: snapshots on several connections for reading, and one writer at a time."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from piccolo.engine.sqlite import SQLiteEngine

from models.engine.connections import BUSY_SECONDS, Connection, State, numbered, only_reads
from models.engine.errors import Busy
from models.engine.units import Rows, present, unhurried, writing


class WalEngine(SQLiteEngine):
    """Piccolo's engine over our own connections.

    Each reading unit holds one of up to 8 read-only connections; writing units take the one writer in turn and begin
    IMMEDIATE, because a transaction that turns from reading to writing fails at once when another wrote in between.
    """

    __slots__ = ("_states", "synchronous")

    def __init__(self, path: str, synchronous: str = "NORMAL") -> None:
        super().__init__(path=path)
        self.synchronous = synchronous
        self._states: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, State] = weakref.WeakKeyDictionary()

    # units

    async def begin(self, writes: bool, in_line: bool = False) -> Connection:
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

    async def commit(self, connection: Connection) -> None:
        try:
            await unhurried(connection.on_thread(_commit, connection.db))
        finally:
            connection.state.turn.release()

    async def rollback(self, connection: Connection) -> None:
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

    def _state(self) -> State:
        loop = asyncio.get_running_loop()
        state = self._states.get(loop)
        if state is None:
            state = self._states[loop] = State(self._connect)
        return state

    def _connect(self, reads: bool, state: State) -> Connection:
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        pragmas = ["foreign_keys=ON", "cache_size=-8000", "temp_store=MEMORY"]
        if reads:
            pragmas += ["query_only=ON"]
        else:
            pragmas += ["journal_mode=WAL", f"synchronous={self.synchronous}", "journal_size_limit=67108864"]
        # The loop must not sleep in SQLite's own waiting: a locked database is asked again, from a thread or later.
        return Connection(self.connection_kwargs, [*pragmas, "busy_timeout=0"], reads, state)

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
        raise NotImplementedError("page by key instead of batch(): its connection would leave the present unit")


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
