"""Long work: carried out once, watched, stopped, begun again after a crash, and beside the mail."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import threading
import time

import pytest

from jobs import long_work
from jobs.long_work import LongWork
from models import carrying, engine, tasks
from models.core import Refused, Say
from models.outbox import Errand, Kind
from models.settings import utcnow
from models.tasks import Cancelled, Task, work
from tests.jobs.posting import make_people, nothing_to_do, posting, until
from tests.smtp import Sink


@pytest.fixture
def works():
    """Kinds of work for these tests: `ran` says what ran."""
    before = dict(tasks.WORKS)
    ran: list[str] = []

    @work("good")
    async def good(task, progress):
        ran.append(threading.current_thread().name)
        for n in range(5):
            await progress.report(n, 5)
        return {"added": 5}

    @work("refused")
    async def refused(task, progress):
        raise Refused("", Say("Er staat {n} keer hetzelfde.", n=2))

    @work("broken")
    async def broken(task, progress):
        raise ZeroDivisionError("with a secret")

    @work("endless")
    async def endless(task, progress):
        ran.append("endless")
        for n in range(100_000):
            await progress.report(n, 100_000)
            await asyncio.sleep(0.05)
        return {}

    @work("polite")
    async def polite(task, progress):
        try:
            for n in range(100_000):
                await progress.report(n, 100_000)
                await asyncio.sleep(0.05)
        except Cancelled:
            raise Cancelled(Say("Er zijn {n} rijen klaar.", n=3)) from None
        return {}

    @work("greedy")
    async def greedy(task, progress):
        until_then = time.monotonic() + 2
        while time.monotonic() < until_then:
            sum(range(2000))
        return {}

    yield ran
    tasks.WORKS.clear()
    tasks.WORKS.update(before)


@contextlib.asynccontextmanager
async def working(name: str = "w1"):
    worker = LongWork(name)
    worker.start()
    try:
        yield worker
    finally:
        await asyncio.to_thread(worker.stop)


async def start(cast, kind: str, **more) -> int:
    return int((await engine.run_writing(lambda: tasks.start(kind, None, by=cast.anna, **more))).id)


async def task(number: int) -> Task:
    found = await Task.objects().where(Task.id == number).first()
    assert found is not None
    return found


async def ended(number: int) -> Task:
    await until(lambda: Task.exists().where((Task.id == number) & Task.state.not_in(["waiting", "running"])))
    return await task(number)


async def test_work_is_carried_out_on_a_thread_of_its_own_and_says_what_it_did(cast, works):
    number = await start(cast, "good", total=5)

    async with working():
        done = await ended(number)
        await until(lambda: Errand.exists().where((Errand.kind == "run_task") & (Errand.state == "done")))

    assert (done.state, json.loads(done.outcome), done.done) == ("done", {"added": 5}, 5)
    assert done.started_at
    assert done.finished_at
    assert works == ["tasks"]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("refused", "Er staat 2 keer hetzelfde."),
        ("broken", "Er ging onverwacht iets mis. Wat al klaar was, is bewaard"),
    ],
)
async def test_a_failure_is_worded_and_gives_nothing_away(cast, works, kind, words):
    number = await start(cast, kind)

    async with working():
        failed = await ended(number)

    assert failed.state == "failed"
    assert str(failed.said).startswith(words)
    assert "secret" not in failed.outcome


async def test_somebody_stops_it_while_it_runs(cast, works):
    number = await start(cast, "polite")

    async with working():
        await until(lambda: Task.exists().where((Task.id == number) & (Task.done > 0)))
        await (await task(number)).cancel(by=cast.anna)
        stopped = await ended(number)

    assert stopped.state == "cancelled"
    assert str(stopped.said) == "Er zijn 3 rijen klaar."


async def test_what_was_stopped_before_it_began_never_runs(cast, works):
    number = await start(cast, "good")
    await (await task(number)).cancel(by=cast.anna)

    async with working():
        await until(lambda: Errand.exists().where((Errand.kind == "run_task") & (Errand.state == "done")))

    assert not works
    assert (await task(number)).state == "cancelled"


async def test_a_dead_workers_task_is_begun_again_by_another(cast, works):
    number = await start(cast, "good")
    [errand] = await carrying.claim("dead", (Kind.RUN_TASK,), 1)
    await tasks.begin(await task(number))

    async with working("w2"):
        await asyncio.sleep(0.3)
        assert (await task(number)).state == "running"
        await engine.run_writing(
            lambda: (
                Errand.update({Errand.claimed_at: utcnow() - dt.timedelta(minutes=3)}).where(Errand.id == errand).run()
            )
        )
        await carrying.take_back()
        done = await ended(number)

    assert done.state == "done"


async def test_a_task_that_kills_every_worker_is_given_up(cast, works):
    number = await start(cast, "good")
    await engine.run_writing(
        lambda: Errand.update({Errand.attempts: long_work.TRIES}).where(Errand.kind == "run_task").run()
    )

    async with working():
        failed = await ended(number)

    assert failed.state == "failed"
    assert "telkens afgebroken" in str(failed.said)
    assert not works


async def test_a_worker_that_stops_puts_its_task_down_for_another(cast, works):
    number = await start(cast, "endless")

    async with working():
        await until(lambda: asyncio.sleep(0, bool(works)))
        await until(lambda: Task.exists().where((Task.id == number) & (Task.done > 0)))

    found = await Errand.objects().where(Errand.kind == "run_task").first()
    assert found is not None
    assert (found.state, found.attempts) == ("waiting", 0)
    assert (await task(number)).is_busy


async def test_greedy_work_does_not_starve_the_mail(cast, works, smtp_sink: Sink):
    await make_people(60)
    for _ in range(3):
        await start(cast, "greedy")

    async with working():
        await until(lambda: Task.exists().where(Task.state == "running"))
        began = time.monotonic()
        async with posting():
            await until(nothing_to_do, 20)
        seconds = time.monotonic() - began
        still_busy = await Task.exists().where(Task.state.is_in(["running", "waiting"]))

    assert len(smtp_sink.by_identity()) == 60
    assert still_busy
    assert seconds < 4
