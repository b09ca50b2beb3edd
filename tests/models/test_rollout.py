"""The checklist is computed: each step from prepared data, for the clients that the viewer sees."""

from __future__ import annotations

import pytest

from models import engine
from models.accounts import User
from models.audit import Trail
from models.core import Forbidden, Refused
from models.live import Topic
from models.rollout import checklist, mark_step, matrix, readiness, use_module
from models.settings import Firm, utcnow


async def step(viewer, key):
    listed = await checklist(viewer, await Firm.load())
    return next(step for step in listed.steps if step.key == key)


async def number_of_clients():
    return (await engine.raw("SELECT count(*) AS n FROM client WHERE state = 'active'"))[0]["n"]


async def test_an_empty_office_has_everything_to_do(database):
    async with engine.reading():
        user = User(kind="staff", role="administrator", all_clients=True)
    from models.viewer import Viewer

    listed = await checklist(Viewer(user), await Firm.load())

    assert {one.state for one in listed.steps} == {"todo"}
    assert (listed.done, listed.clients, listed.next.key) == (0, 0, "groups")


@pytest.mark.parametrize(
    "key, undo",
    [
        ("people", "DELETE FROM access WHERE client = $1"),
        ("structure", "DELETE FROM folder WHERE client = $1"),
        ("upload", "UPDATE folder SET kind = 'office' WHERE client = $1"),
        ("filled", "DELETE FROM document WHERE client = $1"),
    ],
)
async def test_a_step_counts_the_clients_that_have_done_it(cast, key, undo):
    firm = await Firm.load()
    await engine.raw(undo, cast.garage)

    have = await step(cast.anna, key)
    missing = await matrix(cast.anna, firm, missing=key, size=200)

    assert have.total == await number_of_clients()
    assert have.todo == missing.total == len(missing.rows)
    assert cast.garage in [row["id"] for row in missing.rows]
    assert have.state == ("busy" if have.done else "todo")
    assert (await matrix(cast.anna, firm, q="garage smit")).rows[0][key] in (0, False)


@pytest.mark.parametrize(
    "change", ["UPDATE users SET state = 'blocked'", "UPDATE users SET email = '', email_key = ''"]
)
async def test_who_cannot_be_reached_does_not_count(cast, change):
    before = (await step(cast.anna, "people")).done

    await engine.raw(f"{change} WHERE id IN (SELECT person FROM access WHERE client = $1)", cast.garage)

    assert (await step(cast.anna, "people")).done == before - 1


async def test_a_folder_in_the_trash_is_no_structure(cast):
    before = (await step(cast.anna, "structure")).done

    await engine.raw("UPDATE folder SET trashed_at = $1 WHERE client = $2", utcnow(), cast.garage)

    assert (await step(cast.anna, "structure")).done == before - 1


async def test_an_archived_client_is_asked_for_nothing(cast):
    before = (await step(cast.anna, "people")).total

    await engine.raw("UPDATE client SET state = 'archived' WHERE id = $1", cast.garage)

    assert (await step(cast.anna, "people")).total == before - 1


async def test_every_client_done_is_the_step_done(cast):
    await engine.raw("UPDATE users SET state = 'active' WHERE kind = 'client' AND email <> ''")

    gates = await step(cast.anna, "gates")

    assert (gates.state, gates.todo) == ("done", 0)


async def test_restricted_staff_count_their_own_clients(cast):
    mine = await cast.ed.clients.count()

    listed = await checklist(cast.ed, await Firm.load())

    assert listed.clients == mine < await number_of_clients()
    assert (await matrix(cast.ed, await Firm.load(), size=200)).total == mine


async def test_ready_and_not_ready_are_everybody(cast):
    firm = await Firm.load()
    await engine.raw("DELETE FROM folder WHERE client = $1", cast.garage)

    ready = await matrix(cast.anna, firm, ready="yes", size=200)
    others = await matrix(cast.anna, firm, ready="no", size=200)

    assert ready.total + others.total == await number_of_clients()
    assert ready.total == (await checklist(cast.anna, firm)).ready
    assert cast.garage in [row["id"] for row in others.rows]
    assert all(row[name] for row in ready.rows for name in readiness.required_for(firm))


@pytest.mark.parametrize("sort", ["name", "-name", "number", "-number", "ready", "-ready"])
async def test_pages_follow_one_another_in_order(cast, sort):
    firm = await Firm.load()

    whole = await matrix(cast.anna, firm, sort=sort, size=200)
    pages = [row for page in (1, 2, 3, 4) for row in (await matrix(cast.anna, firm, sort=sort, page=page, size=5)).rows]

    assert [row["id"] for row in pages] == [row["id"] for row in whole.rows][:20]


async def test_without_dossiers_a_client_is_ready_by_his_user(cast):
    await engine.raw("DELETE FROM folder WHERE client = $1", cast.garage)
    await engine.run_writing(lambda: _use(cast.anna, on=False))

    listed = await checklist(cast.anna, await Firm.load())

    assert not {one.key for one in listed.steps} & {"structure", "upload", "filled", "general", "standards"}
    assert "dossiers" in listed.unused
    assert cast.garage in [
        row["id"] for row in (await matrix(cast.anna, await Firm.load(), ready="yes", size=200)).rows
    ]
    assert await Trail.exists().where(Trail.operation == "Firm.use_module")


async def test_a_module_that_does_not_exist_cannot_be_used(cast):
    with pytest.raises(Refused):
        await engine.run_writing(lambda: _use(cast.anna, "payroll", on=True))
    with pytest.raises(Forbidden):
        await engine.run_writing(lambda: _use(cast.ed, on=False))


async def test_a_tick_says_who_and_when_and_the_first_counts(cast):
    await engine.run_writing(lambda: _mark(cast.ed))
    await engine.run_writing(lambda: _mark(cast.anna))

    ticked = await step(cast.anna, "announced")

    assert ticked.state == "done"
    assert ticked.marked[0] == cast.ed.user.display_name
    assert await Trail.exists().where((Trail.operation == "StepMark.set") & (Trail.person == cast.ed.user.id))


async def test_a_tick_is_heard_of_live(cast):
    if not engine.is_sqlite():
        pytest.skip("Postgres notifies instead of keeping versions")
    before = await Topic.select(Topic.version).where(Topic.name == "rollout").first()

    await engine.run_writing(lambda: _mark(cast.anna))

    after = await Topic.select(Topic.version).where(Topic.name == "rollout").first()
    assert after["version"] > (before["version"] if before else 0)


async def test_a_computed_step_cannot_be_ticked(cast):
    with pytest.raises(Refused):
        await engine.run_writing(lambda: _mark(cast.anna, "clients"))


async def _mark(viewer, name="announced"):
    await mark_step(await Firm.load(), name, done=True, by=viewer)


async def _use(viewer, module="dossiers", *, on):
    await use_module(await Firm.load(), module, on=on, by=viewer)
