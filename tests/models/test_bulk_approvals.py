"""Who approves, set for many clients at once: a plan for a kind, and a role for everybody who has a right."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from models import engine
from models.approvals.planning import roles_of, who_would_sign
from models.approvals.plans import set_client_plan
from models.bulk.offering import acts_for
from models.bulk.running import rows_of
from models.clients import Client, matching
from models.core import Forbidden, Refused, save
from models.settings import Firm, this_day
from models.viewer import Right
from tests.approving import ALL, kind, person, plan, step
from tests.bulking import carried_out, counted, in_bulk, looked_at, taken_back
from tests.cast import Cast


@pytest.fixture
async def office(cast: Cast) -> Cast:
    await save(await Firm.load(), modules="dossiers,approvals")
    await engine.raw("DELETE FROM access")
    return cast


def these(office: Cast, *ids: int) -> Any:
    return office.anna.clients.where(Client.id.is_in(list(ids)))


async def plans() -> list[tuple[int | None, int | None, str]]:
    rows = await engine.raw("SELECT client, kind, steps FROM approval_plan ORDER BY client, kind")
    return [(row["client"], row["kind"], row["steps"]) for row in rows]


async def directors(client: int, day: dt.date | None = None) -> list[int]:
    return (await roles_of(client, day or this_day()))["director"]


async def test_a_plan_for_one_kind_is_set_at_every_chosen_client_and_undo_gives_each_what_it_had(office):
    run, bo = await kind("Salarisrun"), await person(office.bakkerij, "Bo")
    await set_client_plan(await office.anna.clients.get(office.bakkerij), run.id, [step(bo)], by=office.anna)
    before = await plans()

    act = await looked_at(
        these(office, office.bakkerij, office.garage), "set_plan", office.anna,
        approval_kind=str(run.id), plan="own", steps=[step("payroll", "director", mode="any")],
    )  # fmt: skip
    assert await plans() == before and act.numbers["will"] == 2
    await carried_out(act, office.anna)

    for client in (office.bakkerij, office.garage):
        seen = await who_would_sign(client, run.id)
        assert (seen.source, len(seen.steps)) == ("client_kind", 1)
    assert (await who_would_sign(office.garage, (await kind()).id)).source == "everybody"
    await taken_back(act, office.anna)
    assert await plans() == before


async def test_clients_go_back_to_the_office_s_plan(office):
    await plan(None, step("director"))
    await plan(office.garage, step("partner"))

    done = await in_bulk(
        these(office, office.bakkerij, office.garage), "set_plan", office.anna, approval_kind="0", plan="office"
    )

    assert done == 1 and (await who_would_sign(office.garage, (await kind()).id)).source == "office"


@pytest.mark.parametrize(
    "typed, field",
    [
        ({"approval_kind": "999", "plan": "own", "steps": [step("director")]}, "approval_kind"),
        ({"approval_kind": "", "plan": "own", "steps": [{"mode": "all", "n": 1, "who": []}]}, "plan"),
        ({"approval_kind": "", "plan": "", "steps": [step("director")]}, "plan"),
        ({"approval_kind": "", "plan": "own", "steps": [{"mode": "all", "n": 1, "who": [{"person": 1}]}]}, "plan"),
    ],
)
async def test_what_is_not_right_is_said_beside_it(office, typed, field):
    with pytest.raises(Refused) as refused:
        await looked_at(these(office, office.garage), "set_plan", office.anna, **typed)

    assert refused.value.field == field


async def test_everybody_with_a_right_gets_the_role_from_today_on(office):
    bo, cas = await person(office.bakkerij, "Bo"), await person(office.bakkerij, "Cas", int(Right.VIEW_DOSSIER))
    dre, eva = await person(office.garage, "Dre"), await person(office.garage, "Eva", state="blocked")

    act = await looked_at(
        matching(office.anna),
        "give_approver_role",
        office.anna,
        right=str(int(Right.APPROVE)),
        approver_role="director",
    )
    nobody = act.numbers["refused:nobody"]
    assert (act.numbers["will"], nobody) == (2, act.chosen - 2) and await directors(office.bakkerij) == []
    await carried_out(act, office.anna)

    assert await directors(office.bakkerij) == [bo.user.id] and await directors(office.garage) == [dre.user.id]
    assert await directors(office.garage, this_day() - dt.timedelta(days=1)) == [] and cas and eva
    again = await looked_at(
        matching(office.anna),
        "give_approver_role",
        office.anna,
        right=str(int(Right.APPROVE)),
        approver_role="director",
    )
    assert (again.numbers["will"], again.numbers["already"]) == (0, 2)
    await taken_back(act, office.anna)
    assert await directors(office.bakkerij) == [] == await directors(office.garage)
    assert (await engine.raw("SELECT count(*) AS n FROM approver_role"))[0]["n"] == 2  # ended, and kept


async def test_a_role_that_somebody_had_stays_when_the_act_is_taken_back(office):
    bo, cas = await person(office.bakkerij, "Bo"), await person(office.bakkerij, "Cas")
    from models.approvals.granting import give_role

    await give_role(await office.anna.clients.get(office.bakkerij), bo.user.id, "director", None, None, by=office.anna)
    act = await looked_at(
        these(office, office.bakkerij), "give_approver_role", office.anna, right="4", approver_role="director"
    )
    await carried_out(act, office.anna)
    assert await directors(office.bakkerij) == [bo.user.id, cas.user.id]

    assert await taken_back(act, office.anna) == {"undone": 1}
    assert await directors(office.bakkerij) == [bo.user.id]


async def test_who_may_not_approve_there_is_told_of_beforehand_and_who_lost_the_right_gets_nothing(office):
    fem = await person(office.bakkerij, "Fem", int(Right.PAYROLL))
    dre = await person(office.garage, "Dre", int(ALL | Right.PAYROLL))
    act = await looked_at(
        these(office, office.bakkerij, office.garage), "give_approver_role", office.anna,
        right=str(int(Right.PAYROLL)), approver_role="payroll",
    )  # fmt: skip
    assert act.numbers["will:unable"] == 1
    await engine.raw("DELETE FROM access WHERE person = $1", dre.user.id)

    await carried_out(act, office.anna)

    assert (await roles_of(office.bakkerij, this_day()))["payroll"] == [fem.user.id]
    assert (await roles_of(office.garage, this_day()))["payroll"] == []


async def test_ed_reaches_only_his_own_clients_and_a_client_user_none(office):
    mine = [row["id"] for row in await office.ed.clients.select(Client.id)]
    for id in (office.garage, *mine):
        await person(id, f"Bo{id}")
    act = await looked_at(matching(office.ed), "give_approver_role", office.ed, right="4", approver_role="director")
    await carried_out(act, office.ed)

    rows = await engine.raw("SELECT DISTINCT client FROM approver_role")
    assert {row["client"] for row in rows} == set(mine)
    with pytest.raises(Forbidden):
        await looked_at(matching(office.anna), "set_plan", office.rik, approval_kind="", plan="office")
    assert all(row["label"] for row in await rows_of(act, office.ed)) and await counted(act) == {"done": len(mine)}


async def test_without_the_module_nothing_of_it_is_offered(office):
    assert {"set_plan", "give_approver_role"} <= {act.name for act in await acts_for(office.anna, "clients")}
    await save(await Firm.load(), modules="dossiers")

    assert not {"set_plan", "give_approver_role"} & {act.name for act in await acts_for(office.anna, "clients")}
