"""A process that guesses somebody's PIN, many tries at once: python -m tests.guessing PERSON TRIES (DATABASE_URL says where).

Prints how many guesses were compared with the PIN, and how many tries ended in an error.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from models import engine
from models.accounts import User
from models.pins import hashing, prove
from web.routing import viewer_of


async def guess(person: int, tries: int) -> tuple[int, int]:
    compared, fits = 0, hashing.fits

    def counted(*args: Any) -> bool | None:
        nonlocal compared
        compared += 1
        return fits(*args)

    hashing.fits = counted
    async with engine.reading():
        user = await User.objects().get(User.id == person)
        assert user is not None
        viewer = await viewer_of(user)
    outcomes = await asyncio.gather(
        *(prove(viewer, "pin", "pin", f"{n:06}") for n in range(tries)), return_exceptions=True
    )
    await engine.close()
    return compared, sum(isinstance(one, BaseException) for one in outcomes)


if __name__ == "__main__":
    engine.start()
    print(*asyncio.run(guess(int(sys.argv[1]), int(sys.argv[2]))))
