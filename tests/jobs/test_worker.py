"""The whole worker as a process: woken by the queue on SQLite and on Redis, and working when the queue does not."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import jobs
from jobs.presence import TASKS, Presence
from models import config, engine, outbox, tasks
from models.outbox import Errand
from models.tasks import Task
from tests.jobs.posting import errand, invite, make_people, nothing_to_do, until
from tests.jobs.workers import Workers
from tests.smtp import Sink


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis server on loopback, for this run."""
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("redis-server is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait()


@pytest.fixture(params=["sqlite", "redis"])
def queue_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(request.getfixturevalue("redis")) if request.param == "redis" else f"sqlite:///{tmp_path}/queue.db"


over_sqlite = pytest.mark.parametrize("queue_url", ["sqlite"], indirect=True)  # where the queue makes no difference


@pytest.fixture
def our_queue(queue_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """This process asks for work over the same queue."""
    monkeypatch.setenv("QUEUE_URL", queue_url)
    monkeypatch.setenv("POORT_VAR", str(tmp_path))
    config.reset()
    jobs.queue.cache_clear()
    jobs.let_models_wake_the_worker()
    yield queue_url
    outbox._waker.clear()
    jobs.queue.cache_clear()
    monkeypatch.undo()
    config.reset()


@pytest.fixture
def workers(cast, our_queue: str, smtp_sink: Sink, tmp_path: Path) -> Iterator[Workers]:
    found = Workers(tmp_path, DATABASE_URL=_url(), QUEUE_URL=our_queue, SMTP_URL=smtp_sink.url)
    yield found
    found.end()


def _url() -> str:
    return f"sqlite:///{engine.engine().path}" if engine.is_sqlite() else str(engine.engine().url)


async def test_the_queue_wakes_the_worker_at_once(cast, workers: Workers, smtp_sink: Sink):
    worker = workers.start()
    await invite("rik@bakkerij-jansen.example")
    await until(lambda: asyncio.sleep(0, len(smtp_sink.taken) == 1), 20)
    await asyncio.sleep(0.1)

    took = []
    for _ in range(4):
        before, began = len(smtp_sink.taken), time.monotonic()
        await invite("sam@garage-smit.example")
        await until(lambda before=before: asyncio.sleep(0, len(smtp_sink.taken) > before), 10)
        took.append(time.monotonic() - began)

    assert sorted(took)[1] < 0.6, took
    assert workers.stop(worker) == 0


@over_sqlite
async def test_a_locked_queue_fails_no_request_and_delays_little(
    cast, workers: Workers, smtp_sink: Sink, our_queue: str
):
    worker = workers.start()
    await invite("rik@bakkerij-jansen.example")
    await until(lambda: asyncio.sleep(0, len(smtp_sink.taken) == 1), 20)
    held = sqlite3.connect(our_queue.removeprefix("sqlite:///"), timeout=5)
    held.execute("BEGIN EXCLUSIVE")

    began = time.monotonic()
    number = await invite("sam@garage-smit.example")
    await until(lambda: asyncio.sleep(0, len(smtp_sink.taken) == 2), 10)
    seconds = time.monotonic() - began
    held.rollback()

    assert seconds < 2
    await until(lambda: Errand.exists().where((Errand.id == number) & (Errand.state == "done")))
    assert workers.stop(worker) == 0


@over_sqlite
async def test_claims_of_a_killed_process_return_within_seconds(cast, workers: Workers, smtp_sink: Sink):
    smtp_sink.delay = 0.2
    await make_people(120)
    first = workers.start()
    await until(lambda: Errand.exists().where(Errand.state == "claimed"), 20)
    workers.kill(first)
    smtp_sink.delay = 0

    second = workers.start()
    await until(nothing_to_do, 15)

    assert workers.stop(second) == 0
    assert set(smtp_sink.by_identity().values()) == {1}
    third = workers.start()
    folder = workers.log.parent / "workers"
    await until(
        lambda: asyncio.sleep(0, [path.name.split(".")[1] for path in folder.glob("*.*")] == [str(third.pid)]), 15
    )
    assert workers.stop(third) == 0


@over_sqlite
async def test_a_killed_process_leaves_its_task_to_the_next(cast, workers: Workers):
    tasks.WORKS.setdefault("slow", lambda task, progress: None)
    task = await engine.run_writing(lambda: tasks.start("slow", None, by=cast.anna, total=30))
    first = workers.start(module="tests.jobs.slow_worker")
    await until(lambda: Task.exists().where((Task.id == task.id) & (Task.done > 2)), 20)
    workers.kill(first)
    second = workers.start(module="tests.jobs.slow_worker")
    await until(lambda: Task.exists().where((Task.id == task.id) & (Task.state == "done")), 25)

    found = await Task.objects().where(Task.id == task.id).first()
    assert found is not None
    assert (found.done, found.outcome) == (30, '{"steps": 30}')
    assert await Errand.exists().where((Errand.kind == "run_task") & (Errand.attempts == 2))
    assert workers.stop(second) == 0


@over_sqlite
async def test_two_alive_do_not_take_each_other_for_dead(cast, our_queue: str):
    one, two = Presence(), Presence()

    assert two.dead_of([one.name, two.name, "elsewhere.1.aa", "../../etc/passwd", ""]) == []
    assert one.is_first()
    assert not two.is_first()
    name = one.name
    one._file.close()  # as the system does when a process dies

    assert two.dead_of([name, name + TASKS]) == [name, name + TASKS]
    two.leave()


@over_sqlite
async def test_the_log_names_nobody(cast, workers: Workers, smtp_sink: Sink):
    smtp_sink.refuse("sam@garage-smit.example", "550 5.1.1 <sam@garage-smit.example> unknown")
    worker = workers.start()
    number = await invite("sam@garage-smit.example")
    await until(lambda: Errand.exists().where((Errand.id == number) & (Errand.state == "refused")), 20)
    workers.stop(worker)

    log = workers.log.read_text()

    assert "the worker is at work" in log
    assert "garage-smit" not in log
    assert (await errand(number)).said.startswith("550 5.1.1")
