"""Gives people a PIN as a letter would, in a running installation: python -m tests.giving_pins KIND EMAIL… prints each in clear."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys

from models import engine
from models.accounts import User
from models.pins import mark_posted, prepare, store


async def give(kind: str, emails: list[str]) -> list[str]:
    rows = await User.select(User.id, User.email_key).where(User.email_key.is_in(emails))
    people = {row["email_key"]: row["id"] for row in rows}
    made = await prepare([people[email] for email in emails], kind)

    async def post() -> None:
        await store(made, {one.person: n for n, one in enumerate(made, 1)}, by_person=1)
        await mark_posted(list(range(1, len(made) + 1)), 1, dt.date(2026, 12, 1))

    await engine.run_writing(post)
    await engine.close()
    return [" ".join(one.clear) for one in made]


if __name__ == "__main__":
    engine.start()
    print("\n".join(asyncio.run(give(sys.argv[1], sys.argv[2:]))))
