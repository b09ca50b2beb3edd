"""The worker's parts, run in the test's own loop."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from jobs.post import Post
from models import engine
from models.accounts import User
from models.outbox import Errand
from models.settings import utcnow
from models.signing_in import new_link


async def until(holds: Callable[[], Awaitable[Any]], seconds: float = 10.0) -> Any:
    """Wait until it holds; the value that did."""
    for _ in range(int(seconds / 0.02)):
        if value := await holds():
            return value
        await asyncio.sleep(0.02)
    raise AssertionError(f"it did not hold within {seconds} seconds")


@contextlib.asynccontextmanager
async def posting(name: str = "w1") -> AsyncIterator[Post]:
    """A worker's post at work."""
    post = Post(name)
    running = asyncio.create_task(post.run())
    try:
        yield post
    finally:
        post.stop()
        await asyncio.wait_for(running, 20)


async def post_all(name: str = "w1", seconds: float = 20.0) -> None:
    """Until nothing is due or on its way."""
    async with posting(name):
        await until(nothing_to_do, seconds)


async def nothing_to_do() -> bool:
    rows = await engine.raw(
        "SELECT 1 AS one FROM errand WHERE kind <> 'run_task' AND (state IN ('claimed', 'sending') OR (state = 'waiting' AND run_after <= $1)) LIMIT 1",
        utcnow(),
    )
    return not rows


async def person(email: str) -> User:
    user = await User.objects().where(User.email == email).first()
    assert user is not None
    return user


async def invite(email: str, kind: str = "invitation") -> int:
    """An invitation asked for; the errand's id."""
    user = await person(email)
    link = await engine.run_writing(lambda: new_link(user, kind))
    row = await Errand.select(Errand.id).where(Errand.subject_id == link.id).first()
    assert row is not None
    return int(row["id"])


async def errand(number: int) -> Errand:
    found = await Errand.objects().where(Errand.id == number).first()
    assert found is not None
    return found


async def time_passes(**delta: float) -> None:
    """What waits for later has waited so much already."""
    await engine.run_writing(
        lambda: (
            Errand.update({Errand.run_after: utcnow() - dt.timedelta(**delta)}).where(Errand.state == "waiting").run()
        )
    )


async def make_people(count: int) -> None:
    """So many client users with an address each, and an invitation asked for each."""
    now = utcnow()
    await engine.copy_rows(
        "users",
        ("kind", "state", "email", "email_key", "first_name", "surname", "created_at"),
        [
            (
                "client",
                "invited",
                f"klant{n}@bedrijf{n}.example",
                f"klant{n}@bedrijf{n}.example",
                f"Klant {n}",
                "de Vries",
                now,
            )
            for n in range(count)
        ],
    )
    await engine.raw(
        "INSERT INTO link (person, kind, email, created_at, expires_at) SELECT id, 'invitation', email, $1, $2 FROM users WHERE state = 'invited' AND surname = 'de Vries'",
        now, now + dt.timedelta(days=30),
    )  # fmt: skip
    await engine.raw(
        "INSERT INTO errand (kind, subject_id, person, run_after, created_at) SELECT 'invitation', l.id, l.person, $1, $1 FROM link l JOIN users u ON u.id = l.person WHERE u.surname = 'de Vries'",
        now,
    )
