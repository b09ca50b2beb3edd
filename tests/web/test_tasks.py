"""Long work on the screen: how far, how fast, stopping it, and what came of it."""

from __future__ import annotations

import datetime as dt

import pytest

from models import engine, tasks
from models.core import Say, save
from models.settings import utcnow
from models.tasks import Task, work


@pytest.fixture
def sums():
    @work("sums")
    async def add_up(task, progress):
        return {}

    yield
    tasks.WORKS.pop("sums")


async def started(cast) -> Task:
    return await engine.run_writing(lambda: tasks.start("sums", None, by=cast.ed, total=1000))


async def test_running_work_shows_count_rate_and_time_left(cast, browser, sums):
    task = await started(cast)
    await save(task, state="running", done=250, started_at=utcnow() - dt.timedelta(seconds=98.5), heartbeat_at=utcnow())

    async with browser(cast.ed) as ed:
        page = (await ed.get(f"/tasks/{task.id}")).text
        fragment = (await ed.htmx("GET", f"/tasks/{task.id}/progress")).text

    for text in (page, fragment):
        assert "250 van 1.000" in text
        assert "2,5 per seconde" in text
        assert "nog 5 minuten" in text
        assert f'data-live="task-{task.id}"' in text


async def test_finished_work_is_not_refreshed_any_more(cast, browser, sums):
    task = await started(cast)
    await tasks.finish(task, "failed", Say("Het bestand is {why}.", why="kapot").as_json())

    async with browser(cast.ed) as ed:
        fragment = (await ed.htmx("GET", f"/tasks/{task.id}/progress")).text
        listed = (await ed.get("/tasks")).text

    assert "Het bestand is kapot." in fragment
    assert "data-live" not in fragment
    assert "hx-trigger" not in fragment
    assert "Mislukt" in listed


async def test_work_that_has_not_begun_stops_at_once(cast, browser, sums):
    task = await started(cast)

    async with browser(cast.ed) as ed:
        reply = await ed.htmx("POST", f"/tasks/{task.id}/cancellation")
        again = await ed.post(f"/tasks/{task.id}/cancellation")

    assert "Gestopt" in reply.text
    assert again.status_code == 422
    async with engine.reading():
        found = await Task.objects().where(Task.id == task.id).first()
    assert found is not None
    assert found.state == "cancelled"


async def test_an_empty_list_says_what_belongs_there(cast, browser):
    async with browser(cast.anna) as anna:
        assert "Geen taken" in (await anna.get("/tasks")).text
