"""Worker processes killed with -9 at random moments: no mail lost, none twice."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from models import engine
from models.outbox import Errand
from tests.jobs.posting import make_people, nothing_to_do, until
from tests.jobs.workers import Nursery, Workers
from tests.smtp import Sink

KILLS = 100


@pytest.fixture
def workers(database: str, smtp_sink: Sink, tmp_path: Path) -> Iterator[Workers]:
    found = Workers(
        tmp_path,
        DATABASE_URL=database,
        QUEUE_URL=f"sqlite:///{tmp_path}/queue.db",
        SMTP_URL=f"{smtp_sink.url}&connections=4",
    )
    yield found
    found.end()


@pytest.fixture
def nursery(database: str, smtp_sink: Sink, tmp_path: Path) -> Iterator[Nursery]:
    found = Nursery(
        tmp_path,
        DATABASE_URL=database,
        QUEUE_URL=f"sqlite:///{tmp_path}/queue.db",
        SMTP_URL=f"{smtp_sink.url}&connections=4",
    )
    yield found
    found.end()


async def something_taken(sink: Sink, seconds: float = 0.6) -> None:
    """Since this moment: so that the kills come while there is work, however long a process takes to begin."""
    had = len(sink.taken)
    for _ in range(int(seconds / 0.02)):
        if len(sink.taken) > had:
            return
        await asyncio.sleep(0.02)


async def test_a_hundred_kills_lose_nothing_and_send_nothing_twice(
    database: str, nursery: Nursery, workers: Workers, smtp_sink: Sink
):
    chance = random.Random(7)
    smtp_sink.delay = 0.1
    await make_people(2000)
    for _ in range(KILLS):
        while len(nursery.all) < 3:
            nursery.start()
        await something_taken(smtp_sink)
        await asyncio.sleep(chance.uniform(0.02, 0.25))
        nursery.kill(chance.choice(nursery.all))
    nursery.end()
    smtp_sink.delay = 0
    arrived_before = len(smtp_sink.taken)

    last = workers.start()
    try:
        await until(nothing_to_do, 40)
    except AssertionError:
        left = await engine.raw("SELECT state, claimed_by, count(*) AS n FROM errand GROUP BY state, claimed_by")
        raise AssertionError((left, workers.log.read_text()[-2000:])) from None

    assert workers.stop(last) == 0
    states = {row["id"]: row["state"] for row in await engine.raw("SELECT id, state FROM errand")}
    arrived = smtp_sink.by_identity()
    by_errand = {int(identity.split(".")[1]): times for identity, times in arrived.items()}
    unknown = {number for number, state in states.items() if state == "unknown"}
    assert arrived_before > 100, nursery.log.read_text()[-2000:]
    assert len(unknown) > 20, "the kills came at quiet moments: they showed nothing"
    assert set(by_errand.values()) == {1}
    assert set(states.values()) == {"done", "unknown"}
    assert {number for number, state in states.items() if state == "done"} <= set(by_errand)
    assert unknown | set(by_errand) == set(states)


async def test_a_worker_ends_within_seconds_when_asked_and_leaves_nothing_in_doubt(
    database: str, workers: Workers, smtp_sink: Sink
):
    smtp_sink.delay = 0.1
    await make_people(200)
    worker = workers.start()
    await until(lambda: asyncio.sleep(0, len(smtp_sink.taken) > 5), 20)

    began = time.monotonic()
    code = workers.stop(worker)

    assert code == 0, workers.log.read_text()[-3000:]
    assert time.monotonic() - began < 5
    done = await Errand.count().where(Errand.state == "done")
    assert done == len(smtp_sink.taken)
    assert await Errand.count().where(Errand.state == "waiting") == 200 - done


async def test_several_processes_share_the_work(database: str, workers: Workers, smtp_sink: Sink):
    smtp_sink.delay = 0.05
    await make_people(500)

    worker = workers.start("--workers", "3")
    await until(nothing_to_do, 30)

    assert workers.stop(worker) == 0
    assert len(smtp_sink.by_identity()) == len(smtp_sink.taken) == 500
    holders = await engine.raw("SELECT DISTINCT claimed_by FROM errand")
    assert len(holders) > 1
