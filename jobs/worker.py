"""One worker: mail, long work and chores, woken by the queue, until the system says stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import suppress

import jobs
import jobs.tasks
from jobs.chores import do_chores
from jobs.long_work import LongWork, know_all_work
from jobs.post import Post
from jobs.presence import Presence
from jobs.reading import read_documents
from jobs.scanning import scan_for_ever
from jobs.webhooks import deliver_webhooks
from models import engine

log = logging.getLogger("poort.worker")


async def work() -> None:
    """Until SIGTERM or SIGINT; then a few seconds to finish what is being handed over."""
    know_all_work()
    jobs.let_models_wake_the_worker()
    presence = Presence()
    post, long_work = Post(presence.name), LongWork(presence.name)
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def woken() -> None:
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(post.wake.set)
        long_work.wake()

    jobs.tasks.listen(woken)
    ears = asyncio.create_task(_listen())
    long_work.start()
    chores = asyncio.create_task(do_chores(presence))
    scanning = asyncio.create_task(scan_for_ever())
    mail = asyncio.create_task(post.run())
    reading = asyncio.create_task(read_documents(presence))
    webhooks = asyncio.create_task(deliver_webhooks())
    log.info("the worker is at work")
    await asyncio.wait([mail, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
    post.stop()
    ears.cancel()
    chores.cancel()
    scanning.cancel()
    reading.cancel()
    webhooks.cancel()
    await asyncio.gather(asyncio.to_thread(long_work.stop), asyncio.wait([mail], timeout=4), return_exceptions=True)
    with suppress(Exception):
        await engine.close()
    presence.leave()


async def _listen() -> None:
    """Hear the queue; while it is locked or dead the worker looks in the outbox by itself, every second."""
    while True:
        try:
            consumer = await asyncio.to_thread(jobs.tasks.consumer)
            await asyncio.to_thread(consumer.start)
        except Exception as error:
            log.warning("the queue cannot be heard: %s", type(error).__name__)
            await asyncio.sleep(5)
            continue
        try:
            await asyncio.Event().wait()
        finally:
            consumer.stop()
