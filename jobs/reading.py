"""What stands in documents is read and made to be found, for ever: new ones within seconds, old ones as there is time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from jobs.presence import Presence
from models import texts

log = logging.getLogger("poort.reading")

LOOK_SECONDS = 1.0
BROKEN_SECONDS = 15.0  # after an error, before it is tried again
FORGET_SECONDS = 120.0


async def read_documents(presence: Presence) -> None:
    """Reading may take minutes of one file: what is found by name does not wait for it."""
    await asyncio.gather(
        _for_ever(presence, texts.keep_up, LOOK_SECONDS),
        _for_ever(presence, texts.read_next, LOOK_SECONDS),
        _for_ever(presence, _forget, FORGET_SECONDS),
    )


async def _forget() -> bool:
    await texts.forget_words()
    return False


async def _for_ever(presence: Presence, work: Callable[[], Awaitable[bool]], seconds: float) -> None:
    """The work of the first worker alone: again at once as long as there is any."""
    while True:
        pause = seconds
        try:
            if presence.is_first() and await work():
                pause = 0.01  # others have their turn
        except Exception as error:
            log.exception("reading failed: %s", type(error).__name__)
            pause = BROKEN_SECONDS
        await asyncio.sleep(pause)
