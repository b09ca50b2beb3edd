"""The scanner's round: as long as files wait they are looked at, on the worker's own loop; one file never holds up mail or chores."""

from __future__ import annotations

import asyncio
import logging
import time

from models.scanning import is_on
from models.scanning.clamd import Down
from models.scanning.enlisting import begin, enlist_missed
from models.scanning.working import drop_destroyed, look_at_scanner, round_

log = logging.getLogger("poort.scanning")

LOOK_SECONDS = 1.0
DOWN_SECONDS = 5.0  # between looks whether a scanner that is down is back
TIDY_SECONDS = 60.0


async def scan_for_ever() -> None:
    """Ends at once where no scanner is configured."""
    await _begun()
    if not is_on():
        return
    due, looked = 0.0, 0.0
    while True:
        try:
            if time.monotonic() >= due:
                await enlist_missed()
                await drop_destroyed()
                due = time.monotonic() + TIDY_SECONDS
            if time.monotonic() >= looked:
                looked = time.monotonic() + DOWN_SECONDS
                if not await look_at_scanner():
                    await asyncio.sleep(DOWN_SECONDS)
                    looked = 0.0
                    continue
            if not await round_():
                await asyncio.sleep(LOOK_SECONDS)
        except Down:
            looked = 0.0
        except Exception as error:
            log.exception("scanning failed: %s", type(error).__name__)
            await asyncio.sleep(DOWN_SECONDS)


async def _begun() -> None:
    """Until the database answers."""
    while True:
        try:
            await begin()
            return
        except Exception as error:
            log.warning("scanning cannot begin yet: %s", type(error).__name__)
            await asyncio.sleep(DOWN_SECONDS)
