"""What changed: topics touched in the changing transaction, watched by every web process.

On Postgres a NOTIFY goes out with the commit; on SQLite a version row per topic changes, and the watcher asks five times
a second whether another connection committed (9 µs).
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
from piccolo.columns import BigInt, Varchar
from piccolo.table import Table

from models import engine

CHANNEL = "poort_topics"
POLL_SECONDS = 0.2


class Topic(Table, tablename="topic"):
    """When a topic last changed, as a number that only rises; used on SQLite, where there is no NOTIFY."""

    name = Varchar(length=60, primary_key=True)
    version = BigInt(default=0)


async def touch(*topics: str) -> None:
    """Say, in this transaction, that these topics changed: 'rollout', 'client-7', 'task-3', 'imports', 'user-5'."""
    if not topics:
        return
    if not engine.is_sqlite():
        await engine.raw("SELECT pg_notify($1, t.value) FROM json_array_elements_text(CAST($2 AS json)) t", CHANNEL, json.dumps(topics))  # fmt: skip
        return
    await engine.raw(
        "INSERT INTO topic (name, version) SELECT t.value, (SELECT coalesce(max(version), 0) + 1 FROM topic) + t.key FROM json_each($1) t WHERE true "
        "ON CONFLICT (name) DO UPDATE SET version = excluded.version",
        json.dumps(topics),
    )


async def watch() -> AsyncIterator[set[str]]:
    """Sets of topics that changed, as they change, whichever process changed them."""
    async for topics in _watch_sqlite() if engine.is_sqlite() else _watch_postgres():
        yield topics


async def _watch_sqlite() -> AsyncIterator[set[str]]:
    db = sqlite3.connect(engine.engine().path, check_same_thread=False)
    try:
        known = db.execute("SELECT coalesce(max(version), 0) FROM topic").fetchone()[0]
        version = db.execute("PRAGMA data_version").fetchone()[0]
        while True:
            await asyncio.sleep(POLL_SECONDS)
            now = db.execute("PRAGMA data_version").fetchone()[0]
            if now == version:
                continue
            version = now
            fresh = db.execute("SELECT name, version FROM topic WHERE version > ?", (known,)).fetchall()
            if fresh:
                known = max(number for _, number in fresh)
                yield {name for name, _ in fresh}
    finally:
        db.close()


async def _watch_postgres() -> AsyncIterator[set[str]]:
    queue: asyncio.Queue[str | None] = asyncio.Queue()

    def heard(_connection: Any, _pid: int, _channel: str, topic: str) -> None:
        queue.put_nowait(topic)

    connection = await asyncpg.connect(engine.engine().url)
    connection.add_termination_listener(lambda _: queue.put_nowait(None))
    try:
        await connection.add_listener(CHANNEL, heard)
        while (topic := await queue.get()) is not None:
            topics = {topic}
            while not queue.empty():
                if (more := queue.get_nowait()) is None:
                    return
                topics.add(more)
            yield topics
    finally:
        await connection.close()
