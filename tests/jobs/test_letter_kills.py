"""A worker killed with -9 while it makes letters: never two PINs that live, never a letter whose PIN is not the one that lives."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from pathlib import Path

import pytest

from models import carrying, config, engine, tidying
from models.letters import LetterBatch
from models.pins import hashing
from models.settings import utcnow
from models.storage import storage
from tests import databases
from tests.cast import Cast, assemble, people
from tests.jobs.posting import until
from tests.jobs.workers import Nursery
from tests.lettering import asked, fresh, pages_of, pdf_of, pin_on

APPROVERS, HITS = 150, 3  # a task that was cut off five times is given up


@pytest.mark.parametrize("kind", databases.kinds())
async def test_killed_at_any_moment_the_letters_are_whole_or_not_at_all(kind: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("POORT_VAR", str(tmp_path))
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/files")
    config.reset()
    async with databases.Databases(people).copy(kind, "peopled") as url:
        cast = await assemble()
        await approvers(cast)
        batch = await asked(cast.anna)
        nursery = Nursery(tmp_path, DATABASE_URL=url, QUEUE_URL=f"sqlite:///{tmp_path}/queue.db")
        try:
            hits = await killing(nursery, batch)
            nursery.start()
            await until(lambda: is_over(batch), 90)
        finally:
            nursery.end()

        assert hits
        await whole(await fresh(batch))
        await tidying.sweep_storage(dt.timedelta(seconds=-1))  # sealed files of which the PINs never lived
        assert [name async for name, *_ in storage().all()] == [(await fresh(batch)).stored]
    monkeypatch.undo()
    config.reset()


async def approvers(cast: Cast) -> None:
    now = utcnow()
    await engine.copy_rows(
        "users",
        ("kind", "state", "surname", "full_name", "sort_key", "email", "email_key", "created_at"),
        [("client", "active", f"Akkoord {n}", f"Akkoord {n}", f"akkoord {n}", f"a{n}@x.example", f"a{n}@x.example", now) for n in range(APPROVERS)],
    )  # fmt: skip
    await engine.raw(
        "INSERT INTO access (person, client, rights, role, own, created_at) "
        "SELECT id, CAST($1 AS INTEGER), 4, '', 4, created_at FROM users WHERE full_name LIKE 'Akkoord %'",
        cast.bakkerij,
    )


async def killing(nursery: Nursery, batch: LetterBatch) -> int:
    """How often a worker was hit while it made the letters; after each kill nothing is half."""
    chance, hits = random.Random(7), 0
    while hits < HITS:
        worker = nursery.start()
        await until(lambda: began(batch), 30)
        await asyncio.sleep(chance.uniform(0, 1.6))
        nursery.kill(worker)
        await carrying.take_back(await carrying.holders())
        now = await fresh(batch)
        if now.state != "making":
            break
        hits += 1
        assert not await engine.raw("SELECT id FROM pin")
        assert not await engine.raw("SELECT id FROM letter WHERE state <> 'making' OR page <> 0")
    return hits


async def state(batch: LetterBatch) -> str:
    return str((await engine.raw("SELECT state FROM task WHERE id = $1", batch.task))[0]["state"])


async def began(batch: LetterBatch) -> bool:
    return await state(batch) != "waiting"


async def is_over(batch: LetterBatch) -> bool:
    return await state(batch) not in ("waiting", "running")


async def whole(batch: LetterBatch) -> None:
    assert batch.state == "ready" and batch.letters >= APPROVERS
    pages = pages_of(await pdf_of(batch))
    rows = await engine.raw(
        "SELECT l.page, l.person, k.secret_hash, k.key, k.state FROM letter l JOIN pin k ON k.letter = l.id WHERE l.batch = $1",
        batch.id,
    )
    assert len(rows) == len(pages) == batch.letters == (await engine.raw("SELECT count(*) AS n FROM pin"))[0]["n"]
    for row in random.Random(1).sample(rows, 60):
        assert hashing.fits(pin_on(pages[row["page"] - 1]), row["secret_hash"], row["key"], "pin", row["person"])
