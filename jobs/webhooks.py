"""Webhooks, one after another and some beside each other: for ever, beside the mail."""

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
    """For ever. A killed worker's claims end by themselves, so that its messages are sent again: the receiver knows them by id."""
    async with delivering.connection() as client:
        while True:
            try:
                busy = await deliver_due(client)
            except Exception as error:
                log.exception("webhooks could not be delivered: %s", type(error).__name__)
                busy = False
            await asyncio.sleep(0 if busy else PAUSE)


async def deliver_due(client: httpx2.AsyncClient) -> int:
    """What is due now, once; how many were tried."""
    rows = await delivering.claim(utcnow())
    await asyncio.gather(*(_one(row, client) for row in rows))
    return len(rows)


async def _one(row: dict[str, Any], client: httpx2.AsyncClient) -> None:
    answer = await delivering.carry(row, client)
    await engine.run_writing(lambda: delivering.note(row, answer))
