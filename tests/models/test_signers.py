"""Clients for whom nobody could sign: counted at once as offering judges each of them, on the checklist and in the list of clients."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest

from models import engine
from models.approvals.planning import who_would_sign_each
from models.approvals.records import ROLES, ApproverRole
from models.approvals.signers import signers
from models.clients import matching
from models.core import save
from models.rollout import checklist
from models.settings import Firm, utcnow
from models.viewer import Right
from tests.approving import kind, person, plan, step
from tests.cast import Cast


@pytest.fixture
async def office(cast: Cast) -> Cast:
    await save(await Firm.load(), modules="dossiers,approvals")
    return cast


async def role(client: int, who: Any, name: str, since: dt.date | None = None, until: dt.date | None = None) -> None:
    await ApproverRole(client=client, person=who.user.id, role=name, since=since, until=until, made_at=utcnow()).save()


async def listed(viewer: Any, **asked: Any) -> set[int]:
    return {one.id for one in await matching(viewer, **asked).all()}


async def clients_of() -> list[int]:
    return [row["id"] for row in await engine.raw("SELECT id FROM client WHERE state = 'active' ORDER BY id")]


async def test_a_plan_by_role_misses_the_clients_where_nobody_has_the_role(office):
    rik = await person(office.bakkerij, "Rik")
    await plan(None, step("director"))
    await role(office.bakkerij, rik, "director")

    have, every = await signers(office.anna), await clients_of()

    assert (have.clients, have.whole, have.none) == (len(every), 1, len(every) - 1)
    assert [(lack.name, lack.clients) for lack in have.lacks] == [("", len(every) - 1)]
    assert await listed(office.anna, missing="signer") == set(every) - {office.bakkerij}
    [lack] = have.lacks
    assert await listed(office.anna, unsigned=lack.kind) == set(every) - {office.bakkerij}


async def test_a_kind_with_a_plan_of_its_own_is_counted_by_its_name(office):
    run = await kind("Salarisrun")
    await plan(None, step("payroll"), kind=run.id)
    fem = await person(office.garage, "Fem")
    await role(office.garage, fem, "payroll")

    have, every = await signers(office.anna), await clients_of()

    assert next(lack for lack in have.lacks if lack.name == "Salarisrun").clients == len(every) - 1
    assert office.garage not in await listed(office.anna, unsigned=run.id)
    other = await kind("Overig")
    assert office.bakkerij not in await listed(office.anna, unsigned=other.id)
    assert office.bakkerij in await listed(office.anna, missing="signer")


async def test_the_checklist_says_how_many_and_is_done_when_somebody_can_sign_everywhere(office):
    every = await clients_of()
    for id in every:
        await person(id, f"Bo{id}")
    firm = await Firm.load()

    before = await _step(office.anna)
    await plan(None, step("director"))
    after = await _step(office.anna)

    assert (before.state, before.done, before.total, before.parts["none"]) == ("done", len(every), len(every), 0)
    assert (after.state, after.todo, after.parts["none"]) == ("todo", len(every), len(every))
    await save(firm, modules="dossiers")
    assert "signers" not in [one.key for one in (await checklist(office.anna, await Firm.load())).steps]


async def test_restricted_staff_count_their_own_clients_and_clients_without_the_module_are_asked_nothing(office):
    mine = await office.ed.clients.count()
    before = await signers(office.ed)
    await engine.raw("UPDATE client SET modules = 'dossiers' WHERE id = $1", office.bakkerij)

    assert before.clients == mine < (await signers(office.anna)).clients + 1
    assert office.bakkerij not in await listed(office.anna, missing="signer")


@pytest.mark.parametrize("seed", range(3))
async def test_it_is_judged_as_offering_judges_it(office, seed):
    """Random plans, roles, rights and blocked people: the same clients as who_would_sign refuses, kind by kind."""
    chance = random.Random(seed)
    every, kinds = (
        await clients_of(),
        [row["id"] for row in await engine.raw("SELECT id FROM approval_kind ORDER BY id LIMIT 3")],
    )
    await engine.raw(f"UPDATE approval_kind SET is_active = (id IN ({', '.join(map(str, kinds))}))")
    today = utcnow().date()
    people: dict[int, list[Any]] = {}
    for id in every:
        for n in range(chance.randint(0, 3)):
            rights = chance.choice([int(Right.APPROVE), int(Right.VIEW_DOSSIER)])
            one = await person(id, f"P{id}x{n}", rights, state=chance.choice(["prepared", "blocked", "prepared"]))
            people.setdefault(id, []).append(one)
            if chance.random() < 0.6:
                since = chance.choice([None, today - dt.timedelta(days=9), today + dt.timedelta(days=9)])
                await role(id, one, chance.choice(list(ROLES)), since)
    for client in [None, *chance.sample(every, 4)]:
        for of in chance.sample([None, *kinds], 2):
            who: list[Any] = chance.sample(list(ROLES), chance.randint(1, 2)) + people.get(client or 0, [])[:1]
            made = step(*who, mode=chance.choice(["all", "any", "some"]), n=chance.randint(1, 2))
            await plan(client, made, kind=of)

    for one in kinds:
        judged = await who_would_sign_each(every, one)
        assert await listed(office.anna, unsigned=one) == {id for id, view in judged.items() if view.refusals}, one
    missed = [await listed(office.anna, unsigned=one) for one in kinds]
    have = await signers(office.anna)
    assert len(set().union(*missed)) == have.clients - have.whole == len(await listed(office.anna, missing="signer"))
    assert have.none == len(set.intersection(*missed))


async def test_it_takes_one_statement_however_many_clients(office):
    with engine.count_queries() as asked:
        await signers(office.anna)

    assert asked.n == 1


async def _step(viewer: Any) -> Any:
    return next(one for one in (await checklist(viewer, await Firm.load())).steps if one.key == "signers")
