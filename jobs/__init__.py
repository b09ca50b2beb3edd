"""The queue: who wakes the worker, and how. What is to be done stands in the outbox, not in the queue."""

from __future__ import annotations

import asyncio
import functools
import logging
from pathlib import Path
from typing import Any

from huey import RedisHuey, SqliteHuey

from models import config, outbox

log = logging.getLogger("poort.jobs")


@functools.cache
def queue() -> Any:
    """Huey on SQLite or Redis. A lost message costs nothing: the worker also looks in the outbox by itself."""
    url = config.settings().queue_url
    if url.startswith("sqlite:"):
        path = Path(url.removeprefix("sqlite:///"))
        path.parent.mkdir(parents=True, exist_ok=True)
        return SqliteHuey("poort", filename=str(path), fsync=False, timeout=2)
    return RedisHuey("poort", url=url)


def let_models_wake_the_worker() -> None:
    """After every commit that asks for work, put one wake-up in the queue: on a thread, awaited by nobody, failing nothing."""
    from jobs.tasks import empty_outbox

    async def put() -> None:
        try:
            await asyncio.to_thread(empty_outbox)
        except Exception as error:  # a locked or dead queue: the worker's own round finds the errand
            log.warning("the worker was not woken: %s", type(error).__name__)

    def wake() -> None:
        if len(_waking) < 4:  # with a dead queue they pile up, and each of them wakes for all
            task = asyncio.create_task(put())
            _waking.add(task)
            task.add_done_callback(_waking.discard)

    outbox.wake_by(wake)


_waking: set[asyncio.Task[None]] = set()  # the loop itself keeps only weak references
