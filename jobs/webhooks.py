"""Webhooks, all beside one another: for ever, beside the mail."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import httpx2

from models import engine
from models.connecting import delivering
from models.settings import utcnow

log = logging.getLogger("poort.webhooks")

PAUSE = 1.0


async def deliver_webhooks() -> None:
    """For ever. Nobody waits for another: what is due is begun while earlier ones are still under way. A killed worker's claims
    end by themselves, so that its messages are sent again: the receiver knows them by id."""
    under_way: set[asyncio.Task[None]] = set()
    async with delivering.connection() as client:
        try:
            while True:
                try:
                    under_way |= await _begin(client)
                except Exception as error:
                    log.exception("webhooks could not be delivered: %s", type(error).__name__)
                if not under_way:
                    await asyncio.sleep(PAUSE)
                    continue
                _, under_way = await asyncio.wait(under_way, timeout=PAUSE, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)


async def deliver_due(client: httpx2.AsyncClient) -> int:
    """What is due now, once; how many were tried."""
    begun = await _begin(client)
    await asyncio.gather(*begun)
    return len(begun)


async def _begin(client: httpx2.AsyncClient) -> set[asyncio.Task[None]]:
    return {asyncio.create_task(_one(row, client)) for row in await delivering.claim(utcnow())}


async def _one(row: dict[str, Any], client: httpx2.AsyncClient) -> None:
    """What goes wrong here is of this message alone: its claim ends, and it is tried again."""
    try:
        answer = await delivering.carry(row, client)
        await engine.run_writing(lambda: delivering.note(row, answer))
    except Exception as error:
        log.exception("a webhook's message could not be delivered: %s", type(error).__name__)
