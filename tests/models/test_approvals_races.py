"""Two at once, and any order: what comes of it is what would come of one after the other."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from models import engine
from models.approvals import (
    ApprovalDocument,
    ApprovalPlan,
    ApprovalRequest,
    Approver,
    ApproverRole,
    Outcome,
    decide_one,
    offer,
    swap_part,
    withdraw,
)
from models.approvals.planning import is_done
from models.approvals.record import FIELDS, ApprovalRecord, link_of
from models.clients import Client, add_client
from models.core import Refused
from models.merging import merge, preview
from models.sample import approvals as sample_approvals
from models.sample import enterprises, remove
from models.sample.making import keep_papers
from models.settings import utcnow
from models.viewer import Viewer
from tests.approving import (
    acts,
    decision,
    draft,
    look,
    main_parts,
    now,
    offered,
    part,
    person,
    plan,
    proof,
    says_no,
    says_yes,
    states,
    step,
)
from tests.cast import Cast


async def at_once(*changes: Callable[[], Awaitable[Any]]) -> list[Any]:
    """Each in a unit of its own, begun together; what they gave or raised."""

    async def unit(change: Callable[[], Awaitable[Any]]) -> Any:
        return await engine.run_writing(change)

    return list(await asyncio.gather(*(unit(one) for one in changes), return_exceptions=True))


def yes(viewer: Viewer, asked: Any) -> Callable[[], Awaitable[Outcome]]:
    return lambda: decide_one(viewer.scope(ApprovalRequest), asked, proof(), by=viewer)


async def chain_holds(request: ApprovalRequest) -> None:
    rows = await ApprovalRecord.select().where(ApprovalRecord.request == request.id).order_by(ApprovalRecord.number)
    previous = "0" * 64
    for number, row in enumerate(rows, 1):
        assert (row["number"], row["previous"]) == (number, previous)
        assert row["link"] == link_of({name: row[name] for name in FIELDS})
        previous = row["link"]


async def test_two_approvers_at_once_both_count(cast: Cast) -> None:
    people = [await person(cast.bakkerij, name) for name in ("Eva", "Bob", "Kim", "Tom")]
    await plan(cast.bakkerij, step(*people))
    request = await offered(cast)
    for one in people:
        await look(one, request)
    asked = await decision(request)

    outcomes = await at_once(*(yes(one, asked) for one in people))

    assert [one.outcome for one in outcomes] == ["approved"] * 4
    assert (await now(request)).state == "approved"
    assert (await acts(request)).count("completed") == 1
    await chain_holds(request)


async def test_any_of_two_at_once_is_decided_once(cast: Cast) -> None:
    eva, bob = await person(cast.bakkerij, "Eva"), await person(cast.bakkerij, "Bob")
    await plan(cast.bakkerij, step(eva, bob, mode="any"))
    request = await offered(cast)
    for one in (eva, bob):
        await look(one, request)
    asked = await decision(request)

    outcomes = await at_once(yes(eva, asked), yes(bob, asked))

    assert sorted(type(one).__name__ for one in outcomes) == ["Outcome", "Refused"]
    assert sorted((await states(request)).values()) == ["approved", "skipped"]
    assert (await acts(request)).count("approved") == 1


async def test_replaced_or_withdrawn_while_approving(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    await plan(cast.bakkerij, step(eva))
    for _ in range(3):
        request = await offered(cast)
        await look(eva, request)
        asked = await decision(request)
        (main,) = await main_parts(request)
        mine = await now(request)
        said, swapped = await at_once(yes(eva, asked), lambda r=mine, d=main.id: swap_part(r, d, part(), by=cast.anna))
        fresh = await now(request)
        if isinstance(said, Refused):  # the file came first
            assert (fresh.state, await states(request)) == ("offered", {"Eva": "asked"})
        else:  # the approval came first and was the last: then nothing is replaced any more
            assert (fresh.state, fresh.version) == ("approved", 1)
            assert isinstance(swapped, Refused)
        await chain_holds(request)

        request = await offered(cast)
        await look(eva, request)
        asked, mine = await decision(request), await now(request)
        said, gone = await at_once(yes(eva, asked), lambda r=mine: withdraw(r, "Vervalt", by=cast.anna))
        assert (await now(request)).state == ("withdrawn" if isinstance(said, Refused) else "approved")
        assert isinstance(said, Refused) != isinstance(gone, Refused)
        await chain_holds(request)


async def test_sent_twice_at_once_is_one_approval(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    request = await offered(cast)
    await look(eva, request)
    asked = await decision(request)

    outcomes = await at_once(*[yes(eva, asked)] * 5)

    assert [one.outcome for one in outcomes] == ["approved"] * 5
    assert sorted(one.again for one in outcomes) == [False, True, True, True, True]
    assert (await acts(request)).count("approved") == 1


async def test_three_approvals_of_one_person_within_a_second(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    requests = [await offered(cast) for _ in range(3)]
    for request in requests:
        await look(eva, request)
    asked = [await decision(request) for request in requests]

    outcomes = await at_once(*(yes(eva, one) for one in asked))

    assert [one.outcome for one in outcomes] == ["approved"] * 3
    assert [(await now(request)).state for request in requests] == ["approved"] * 3


async def test_offered_twice_at_once_is_offered_once(cast: Cast) -> None:
    await person(cast.bakkerij, "Eva")
    request = await draft(cast)
    other = await now(request)

    outcomes = await at_once(lambda: offer(request, by=cast.anna), lambda: offer(other, by=cast.anna))

    assert sorted(str(one) for one in outcomes)[-1] == "offered"
    assert (await acts(request)).count("offered") == 1


class Model:
    """A plan as a naive reader of it would carry it out."""

    def __init__(self, steps: list[tuple[str, int, list[int]]]) -> None:
        self.steps, self.turn, self.given, self.state = steps, 0, set[int](), "offered"

    @property
    def asked(self) -> set[int]:
        return set(self.steps[self.turn][2]) - self.given if self.state in ("offered", "partly") else set()

    def yes(self, who: int) -> None:
        self.given.add(who)
        mode, n, people = self.steps[self.turn]
        needed = {"all": len(people), "any": 1, "some": n}[mode]
        self.state = "partly"
        if len(self.given) >= needed:
            self.turn, self.given = self.turn + 1, set()
            if self.turn == len(self.steps):
                self.state = "approved"

    def no(self) -> None:
        self.state = "rejected"


async def test_any_plan_and_any_order_end_as_the_naive_reading_says(cast: Cast) -> None:
    chance = random.Random(7)
    people = [await person(cast.bakkerij, name) for name in ("Eva", "Bob", "Kim", "Tom", "Una")]
    taker = await person(cast.bakkerij, "Zed")
    by_id = {one.user.id: one for one in people}
    await engine.raw(
        f"INSERT INTO mandate (client, giver, taker, since, note, made_at) SELECT $1, u.id, {taker.user.id}, $2, '', $3 FROM users u WHERE u.id = $4",
        cast.bakkerij, utcnow().date(), utcnow(), people[0].user.id,
    )  # fmt: skip
    for _ in range(12):
        made = []
        for _ in range(chance.randint(1, 3)):
            who = chance.sample(people, chance.randint(1, 4))
            mode = chance.choice(["all", "any", "some"])
            made.append((mode, chance.randint(1, len(who)) if mode == "some" else 1, who))
        request = await offered(cast, steps=[step(*who, mode=mode, n=n) for mode, n, who in made])
        model = Model([(mode, n, [one.user.id for one in who]) for mode, n, who in made])
        for _ in range(12):
            who = chance.choice(people)
            refuses, stands_in = chance.random() < 0.05, who is people[0] and chance.random() < 0.5
            actor: Viewer = taker if stands_in else who
            more: dict[str, Any] = {"on_behalf_of": who.user.id} if stands_in else {}
            if who.user.id not in model.asked:
                try:
                    assert (await says_yes(actor, request, **more)).again
                except Exception as error:
                    assert type(error).__name__ in ("Refused", "Missing")
                continue
            await (says_no if refuses else says_yes)(actor, request, **more)
            model.no() if refuses else model.yes(who.user.id)
        found = await Approver.select(Approver.person).where(
            (Approver.request == request.id) & (Approver.state == "asked")
        )
        assert ((await now(request)).state, {row["person"] for row in found}) == (model.state, model.asked), made
        assert set(by_id) >= model.asked


def test_when_a_step_needs_no_more() -> None:
    assert is_done("all", 1, ["approved", "void", "approved"]) and not is_done("all", 1, ["approved", "asked"])
    assert is_done("any", 1, ["asked", "approved"]) and not is_done("any", 1, ["asked", "asked"])
    assert is_done("some", 2, ["approved", "asked", "approved"]) and not is_done("some", 2, ["approved", "asked"])
    assert not is_done("all", 1, []) and not is_done("all", 1, ["void"])


# with clients that go


async def test_the_sample_office_goes_with_its_requests(cast: Cast) -> None:
    eva = await person(cast.bakkerij, "Eva")
    await engine.raw("UPDATE users SET is_sample = $1 WHERE id = $2", True, eva.user.id)
    request = await offered(cast)
    await says_yes(eva, request)
    await remove(by=cast.anna)

    for table in (ApprovalRequest, ApprovalRecord, ApprovalDocument, Approver):
        assert not await table.exists()


async def test_a_merged_clients_requests_go_to_the_one_that_is_kept(cast: Cast) -> None:
    other = await add_client(cast.anna.clients, number="9001", name="Bakkerij Janssen", by=cast.anna)
    eva = await person(other.id, "Eva")
    request = await offered(cast, other.id)
    await says_yes(eva, request)
    waiting = await offered(cast, other.id)
    for client in (cast.bakkerij, other.id):
        await plan(client, step(eva))
        await ApproverRole(client=client, person=eva.user.id, role="director", made_at=utcnow()).save()
    keep = await cast.anna.clients.get(cast.bakkerij)
    await merge(keep, await cast.anna.clients.get(other.id), (), (await preview(keep, other)).seen, by=cast.anna)

    assert {(await now(one)).client for one in (request, waiting)} == {cast.bakkerij}
    for table in (ApprovalRecord, Approver, ApprovalDocument, ApproverRole, ApprovalPlan):
        assert not await table.exists().where(table.client == other.id), table
    await chain_holds(request)


async def test_a_client_that_is_not_invented_does_not_go_with_its_proof(cast: Cast) -> None:
    request = await draft(cast)
    await engine.raw("UPDATE client SET is_sample = $1", False)
    with pytest.raises(Exception, match="bewijs"):
        await Client.delete().where(Client.id == cast.bakkerij)
    assert await now(request)


async def test_the_requests_of_the_sample_office_hold_and_go(cast: Cast) -> None:
    """Made anew in the office of the cast: in several states, each with a proof that holds, and no line on the trail."""
    made = enterprises.make(random.Random(1), 12)
    ids = {row["number"]: row["id"] for row in await engine.raw("SELECT id, number FROM client")}
    people = {row["email"]: row["id"] for row in await engine.raw("SELECT id, email FROM users")}
    papers = await keep_papers()
    before = await engine.raw("SELECT count(*) AS n FROM trail")
    async with engine.writing():
        await sample_approvals.make_all(made, ids, people, papers, cast.ed.user.id)

    requests = await ApprovalRequest.objects()
    assert {one.state for one in requests} >= {"draft", "offered", "approved", "rejected", "withdrawn"}
    assert await engine.raw("SELECT count(*) AS n FROM trail") == before
    for one in requests[:8]:
        await chain_holds(one)
    assert not await engine.raw("SELECT 1 AS one FROM errand WHERE kind NOT IN ('invitation', 'run_task')")
    await remove(by=cast.anna)
    assert not await ApprovalRequest.exists()
