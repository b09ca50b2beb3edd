"""What is done to very many requests: nothing is left out, nobody waits for it, and what cannot be done is said beforehand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from jobs.long_work import run
from models import engine
from models.approvals import ApprovalRequest, board, offer, runs
from models.approvals.board import Filter
from models.approvals.many import MOST, How, change_many, foreseen
from models.approvals.runs import ApprovalRun, begin, prepare
from models.core import Refused, save
from models.settings import Firm, this_day
from models.tasks import Task
from tests.approving import acts, draft, kind, now, offered, person, plan, says_no, says_yes, step
from tests.cast import Cast, as_viewer


@pytest.fixture
async def office(cast: Cast) -> Cast:
    async def unit() -> None:
        await save(await Firm.load(), modules="dossiers,approvals")

    await engine.run_writing(unit)
    return cast


async def looked_at(office: Cast, do: str, ids: list[int]) -> ApprovalRun:
    return await engine.run_writing(lambda: prepare(office.anna.scope(ApprovalRequest), ids, do, by=office.anna))


async def begun(office: Cast, run: ApprovalRun, **how: Any) -> int:
    await engine.run_writing(lambda: begin(run, How(**how), by=office.anna))
    return (await engine.raw("SELECT max(id) AS id FROM errand WHERE kind = 'run_task'"))[0]["id"]


async def test_drafts_are_offered_a_few_at_a_time_and_a_killed_worker_offers_none_twice(office: Cast) -> None:
    bo = await person(office.bakkerij, "Bo")
    await plan(office.bakkerij, step(bo))
    drafts = [await draft(office) for _ in range(13)]
    change = await looked_at(office, "offer", [one.id for one in drafts])
    assert {(await now(one)).state for one in drafts} == {"draft"}
    errand = await begun(office, change)
    assert (
        await engine.run_writing(lambda: runs._next_few(change, office.anna)) == runs.AT_ONCE
    )  # and then its worker dies

    assert (await run(errand))[0] == "done"
    assert (await run(errand))[0] == "done"

    assert await runs.fates(change) == {"done": 13}
    assert [(await acts(one)).count("offered") for one in drafts] == [1] * 13
    kept = await ApprovalRun.objects().where(ApprovalRun.id == change.id).first()
    assert kept.state == "done" and kept.finished_at is not None


async def test_days_that_are_moved_are_moved_once_and_a_second_click_begins_nothing(office: Cast) -> None:
    await person(office.bakkerij, "Bo")
    requests = [await offered(office) for _ in range(3)]
    change = await looked_at(office, "extend", [one.id for one in requests])
    day = this_day() + dt.timedelta(days=30)
    errand = await begun(office, change, internal=day, legal=day)
    await begun(office, change, internal=day, legal=day)
    assert (await run(errand))[0] == "done"
    await begun(office, change, internal=day, legal=day)

    assert await Task.count().where(Task.kind == "change_approvals") == 1
    assert [(await acts(one)).count("extended") for one in requests] == [1] * 3
    assert {str((await now(one)).legal_due)[:10] for one in requests} == {day.isoformat()}


async def test_what_was_stopped_says_what_is_left_and_goes_on(office: Cast) -> None:
    await person(office.bakkerij, "Bo")
    requests = [await draft(office) for _ in range(3)]
    change = await looked_at(office, "withdraw", [one.id for one in requests])
    await begun(office, change, reason="Verkeerde cijfers")
    task = await office.anna.tasks.get(change.task)
    await engine.run_writing(lambda: task.cancel(by=office.anna))
    assert await runs.fates(change) == {"will": 3}

    errand = await begun(office, change)
    assert (await run(errand))[0] == "done"

    assert {(row := await now(one)).state for one in requests} == {"withdrawn"} and row.reason == "Verkeerde cijfers"


async def test_one_that_cannot_holds_up_no_other_and_is_told_of_by_name(office: Cast) -> None:
    await person(office.bakkerij, "Bo")
    fine, gone = await draft(office), await draft(office)
    change = await looked_at(office, "offer", [fine.id, gone.id])
    await engine.raw("UPDATE approval_request SET state = 'withdrawn' WHERE id = $1", gone.id)
    assert (await run(await begun(office, change)))[0] == "done"

    assert (await now(fine)).state == "offered"
    assert await runs.fates(change) == {"done": 1, "refused": 1}
    assert "ingetrokken" in str((await runs.whys_of(change, [gone.id]))[gone.id])
    assert [n for _, n in await runs.reasons(change)] == [1]


async def test_of_each_act_it_is_known_beforehand_for_which_it_cannot_be_done(office: Cast) -> None:
    bo = await person(office.bakkerij, "Bo")
    await plan(office.bakkerij, step(bo))
    accounts = await kind("Jaarrekening (definitief)")
    ready, waits, said_no, done = (
        await draft(office),
        await offered(office),
        await offered(office),
        await offered(office),
    )
    await says_no(bo, said_no)
    await says_yes(bo, done)
    await engine.raw("UPDATE users SET role = 'office_administrator' WHERE id = $1", office.ed.user.id)
    ed = await as_viewer(office.ed.user.email)
    mine, theirs = await offered(office, kind=accounts.id), await draft(office, by=ed, kind=accounts.id)
    await offer(theirs, by=ed)
    bare = await draft(office)
    await engine.raw("DELETE FROM approval_document WHERE request = $1", bare.id)
    everything = [row.id for row in (ready, waits, said_no, done, mine, theirs, bare)]

    async def cannot(do: str) -> set[int]:
        return set(everything) - set((await foreseen(everything, do, office.anna)).whys)

    assert await cannot("offer") == {ready.id}
    assert await cannot("sign_off") == {theirs.id}
    assert await cannot("extend") == {ready.id, waits.id, mine.id, theirs.id, bare.id}
    assert await cannot("withdraw") == {ready.id, waits.id, said_no.id, mine.id, theirs.id, bare.id}
    assert await cannot("responsible") == set(everything)

    await engine.raw("DELETE FROM approval_plan")
    await plan(office.bakkerij, step("director"))  # a role that nobody has
    assert "rol" in str((await foreseen([ready.id], "offer", office.anna)).whys[ready.id])


async def test_who_gets_a_mail_is_said_beforehand(office: Cast) -> None:
    bo, cas = await person(office.bakkerij, "Bo"), await person(office.bakkerij, "Cas", state="prepared")
    await plan(office.bakkerij, step(bo, cas))
    accounts = await kind("Jaarrekening (definitief)")
    ids = [(await draft(office)).id for _ in range(2)] + [(await draft(office, kind=accounts.id)).id]
    ahead = await foreseen(ids, "offer", office.anna)
    change = await looked_at(office, "offer", ids)

    assert (ahead.mailed, ahead.names, ahead.silent) == (1, (("Bo Test", 2),), 1)  # the third goes to a colleague first
    assert runs.told_of(change) == {"mailed": 1, "names": [["Bo Test", 2]], "silent": 1, "at_once": 0}
    assert (await foreseen(ids, "withdraw", office.anna)).mailed == 0


async def test_what_is_foreseen_of_a_thousand_is_asked_as_of_one(office: Cast) -> None:
    await person(office.bakkerij, "Bo")
    ids = [(await draft(office)).id for _ in range(9)]
    with engine.count_queries() as one:
        await foreseen(ids[:1], "offer", office.anna)
    with engine.count_queries() as many:
        await foreseen(ids, "offer", office.anna)
    assert one.n == many.n <= 12


async def test_within_one_request_of_the_browser_only_a_few(office: Cast) -> None:
    with pytest.raises(Refused):
        await change_many(
            office.anna.scope(ApprovalRequest), list(range(1, MOST + 2)), "responsible", How(), by=office.anna
        )


async def test_nobody_of_another_client_is_in_it(office: Cast) -> None:
    theirs = (
        await engine.raw(
            "SELECT id FROM client WHERE state = 'active' AND id NOT IN (SELECT client FROM responsible WHERE person = $1) LIMIT 1",
            office.ed.user.id,
        )
    )[0]["id"]
    hidden = await draft(office, theirs)
    with pytest.raises(Refused):
        await engine.run_writing(
            lambda: prepare(office.ed.scope(ApprovalRequest), [hidden.id], "withdraw", by=office.ed)
        )
    change = await looked_at(office, "withdraw", [hidden.id])
    assert await office.ed.scope(ApprovalRun).where(ApprovalRun.id == change.id).find() is None


async def test_numbers_by_colleague_are_of_the_lists_they_lead_to(office: Cast) -> None:
    from models.approvals import ask

    bo = await person(office.bakkerij, "Bo")
    await plan(office.bakkerij, step(bo))
    late: dict[str, Any] = {
        "internal_due": this_day() - dt.timedelta(days=3),
        "legal_due": this_day() + dt.timedelta(days=30),
    }
    await draft(office, **late)
    asked, refused, done = [await offered(office, **late) for _ in range(3)]
    for one in (asked, refused, done):
        await ask(one, "Klopt dit?", by=bo)
    await says_no(bo, refused)
    await says_yes(bo, done)
    rows = await board.by_responsible(office.anna)
    assert len(rows) == 1
    who = rows[0]["id"] or -1
    for key, narrowed in (
        ("open", Filter(responsible=who)),
        ("late", Filter(responsible=who, when="late")),
        ("rejected", Filter(responsible=who, stage="rejected")),
        ("questions", Filter(responsible=who, stage="all", questions=True)),
    ):
        assert rows[0][key] == (await board.page(office.anna, narrowed))[1], key
    assert (rows[0]["late"], rows[0]["questions"]) == (1, 3)


async def test_what_is_done_is_never_late(office: Cast) -> None:
    bo = await person(office.bakkerij, "Bo")
    await plan(office.bakkerij, step(bo))
    done = await offered(
        office, internal_due=this_day() - dt.timedelta(days=3), legal_due=this_day() + dt.timedelta(days=3)
    )
    await says_yes(bo, done)

    _, whens = await board.counts(office.anna, Filter(stage="done"))
    rows, total = await board.page(office.anna, Filter(stage="done", when="late"))
    assert (whens["late"], rows, total) == (0, [], 0)
