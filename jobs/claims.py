"""What a worker holds: claims are renewed while it lives, and given back when the database failed half-way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from models import carrying

log = logging.getLogger("poort.claims")

RENEW_SECONDS = 15.0


async def keep(worker: str, held: set[int], lost: Callable[[set[int]], None] | None = None) -> None:
    """For ever: renew the claims of `worker`; `held` is what it carries at this moment.

    What the database says is ours although we do not carry it, twice in a row, is released. What we carry although it is
    not ours any more is told to `lost`.
    """
    strange: set[int] = set()
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        try:
            carried = set(held)
            ours = await carrying.renew(worker)
            strange, before = ours - held, strange
            await carrying.release(worker, strange & before)
        except Exception as error:
            log.warning("claims could not be renewed: %s", type(error).__name__)
            continue
        if lost is not None:
            lost(carried & held - ours)
