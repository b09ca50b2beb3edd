"""Adding a person step by step: each step is kept, nothing is mailed before the last, and it can be left and gone on with."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import engine
from models.accounts import User, preparing
from models.approvals.granting import give_role
from models.audit import Trail
from models.clients import Access
from models.core import Forbidden, Missing, Refused
from models.outbox import Errand
from models.settings import Firm
from tests.cast import Cast


async def begun(cast: Cast, by: str = "anna", **names: str) -> User:
    viewer = cast.everybody[by]
    async with engine.writing():
        return await preparing.begin(viewer.users, by=viewer, **{"surname": "Vries", "prefix": "de", **names})


async def reached(person: User) -> dict[int, tuple[str, int]]:
    rows = await engine.raw("SELECT client, role, rights FROM access WHERE person = $1", person.id)
    return {row["client"]: (row["role"], row["rights"]) for row in rows}


async def mails() -> int:
    return int((await engine.raw("SELECT count(*) AS n FROM errand"))[0]["n"])


async def test_a_last_name_is_enough_and_nothing_is_mailed(cast):
    before = await mails()

    person = await begun(cast, surname="Vries", prefix="")

    kept = await User.objects().where(User.id == person.id).first()
    assert (kept.state, kept.email, kept.kind, kept.full_name) == ("prepared", "", "client", "Vries")
    assert (await preparing.preparation_of(person.id)).step == "email"
    assert await mails() == before


async def test_without_a_last_name_nobody_comes_into_being(cast):
    count = await User.count()

    with pytest.raises(Refused) as refused:
        await begun(cast, surname="  ")

    assert refused.value.field == "surname"
    assert await User.count() == count


async def test_a_client_user_adds_nobody(cast):
    with pytest.raises(Forbidden):
        await begun(cast, by="rik")


async def test_who_sees_only_his_own_clients_finds_whom_he_is_adding_and_others_do_not(cast):
    person = await begun(cast, by="ed")

    assert (await cast.ed.users.get(person.id)).display_name == "de Vries"
    assert await cast.anna.users.get(person.id)
    with pytest.raises(Missing):
        await cast.rik.users.get(person.id)


async def test_the_client_where_it_began_is_added_with_the_rights_that_were_chosen(cast):
    client = await cast.anna.clients.get(cast.garage)
    async with engine.writing():
        person = await preparing.begin(cast.anna.users, client=client, by=cast.anna, surname="Smit")
        await preparing.choose_rights(person, "uploaden", 4, by=cast.anna)

    assert await reached(person) == {cast.garage: ("uploaden", 1 | 2 | 4 | 16)}
    assert (await preparing.preparation_of(person.id)).step == "clients"


async def test_several_clients_are_added_at_once_each_with_its_own_template(cast):
    person = await begun(cast)
    async with engine.writing():
        await preparing.choose_rights(person, "lezer", by=cast.anna)
        count = await preparing.add_clients(person, {cast.garage: "lezer", cast.bakkerij: "salaris"}, by=cast.anna)
        again = await preparing.add_clients(person, {cast.garage: "salaris", cast.beheer: "lezer"}, by=cast.anna)

    assert (count, again) == (2, 1)
    assert await reached(person) == {
        cast.garage: ("lezer", 1),
        cast.bakkerij: ("salaris", 40),
        cast.beheer: ("lezer", 1),
    }
    lines = await Trail.objects().where((Trail.operation == "Access.give") & (Trail.record_id == person.id))
    assert {line.client for line in lines} == {cast.garage, cast.bakkerij, cast.beheer}


async def test_other_rights_go_to_the_clients_that_had_the_chosen_ones_and_no_others(cast):
    person = await begun(cast)
    async with engine.writing():
        await preparing.choose_rights(person, "lezer", by=cast.anna)
        await preparing.add_clients(person, {cast.garage: "lezer", cast.bakkerij: "salaris"}, by=cast.anna)
        await preparing.choose_rights(person, "beheerder", by=cast.anna)

    assert await reached(person) == {cast.garage: ("beheerder", 255), cast.bakkerij: ("salaris", 40)}
    line = await Trail.objects().where((Trail.operation == "Access.change") & (Trail.record_id == person.id)).first()
    assert line.client == cast.garage
    assert json.loads(line.detail)["before"]["role"] == "lezer"


async def test_nobody_gives_access_to_a_client_that_he_does_not_see(cast):
    person = await begun(cast, by="ed")
    hidden = next(id for name, id in cast.clients.items() if name == "Garage Smit")

    with pytest.raises(Missing):
        async with engine.writing():
            await preparing.add_clients(person, {hidden: "lezer"}, by=cast.ed)

    assert await reached(person) == {}


@pytest.mark.parametrize("without_login", [True, False])
async def test_finishing_mails_only_who_is_invited_by_it(cast, without_login):
    person = await begun(cast)
    async with engine.writing():
        firm = await Firm.load()
        await firm.set_users_without_login(without_login, by=cast.anna)
        await person.change_email("loes@vries.example", by=cast.anna)
        await preparing.add_clients(person, {cast.garage: "lezer"}, by=cast.anna)
    before = await mails()

    async with engine.writing():
        await preparing.finish(person, invite=not without_login, by=cast.anna)

    assert await preparing.preparation_of(person.id) is None
    assert await mails() - before == (0 if without_login else 1)
    assert (await User.objects().where(User.id == person.id).first()).state == (
        "prepared" if without_login else "invited"
    )


async def test_who_cannot_be_invited_is_not_and_his_steps_stay(cast):
    person = await begun(cast)

    with pytest.raises(Refused):
        async with engine.writing():
            await preparing.finish(person, invite=True, by=cast.anna)

    assert await preparing.preparation_of(person.id) is not None
    assert not await Errand.exists().where(Errand.person == person.id)


async def test_who_is_not_added_after_all_leaves_no_access_and_a_line_on_the_trail(cast):
    person = await begun(cast)
    async with engine.writing():
        await preparing.add_clients(person, {cast.garage: "lezer"}, by=cast.anna)
        await preparing.discard(person, by=cast.anna)

    assert not await User.exists().where(User.id == person.id)
    assert not await Access.exists().where(Access.person == person.id)
    assert await Trail.exists().where((Trail.operation == "User.discard") & (Trail.record_id == person.id))


async def test_who_was_invited_meanwhile_is_not_thrown_away(cast):
    person = await begun(cast)
    async with engine.writing():
        await person.change_email("loes@vries.example", by=cast.anna)
        await preparing.add_clients(person, {cast.garage: "lezer"}, by=cast.anna)
        await person.invite(by=cast.anna)

    with pytest.raises(Refused):
        async with engine.writing():
            await preparing.discard(person, by=cast.anna)

    assert await User.exists().where(User.id == person.id)


async def test_steps_change_nobody_whose_steps_are_finished(cast):
    rik = await cast.anna.users.get(cast.rik.user.id)
    before = await reached(rik)

    for step in (
        lambda: preparing.choose_rights(rik, "beheerder", by=cast.anna),
        lambda: preparing.add_clients(rik, {cast.garage: "lezer"}, by=cast.anna),
        lambda: preparing.finish(rik, invite=False, by=cast.anna),
        lambda: preparing.discard(rik, by=cast.anna),
    ):
        with pytest.raises(Missing):
            await engine.run_writing(step)

    assert await reached(rik) == before


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("rights"), st.sampled_from(["lezer", "uploaden", "beheerder", "salaris"])),
        st.tuples(st.just("clients"), st.sampled_from(["lezer", "salaris"])),
        st.tuples(st.just("email"), st.sampled_from(["", "a@vries.example", "b@vries.example"])),
        st.tuples(st.just("mail"), st.sampled_from(["nl", "en"])),
    ),
    max_size=8,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_in_whatever_order_the_steps_are_taken_nothing_is_mailed_and_the_furthest_is_kept(cast, steps):
    before = await mails()
    person, furthest = await begun(cast), 1
    client = [cast.garage, cast.bakkerij, cast.beheer]

    for at, (step, value) in enumerate(steps):
        async with engine.writing():
            if step == "rights":
                await preparing.choose_rights(person, value, by=cast.anna)
                furthest = max(furthest, 3)
            elif step == "clients":
                await preparing.add_clients(person, {client[at % 3]: value}, by=cast.anna)
            elif step == "email":
                await person.change_email(value, by=cast.anna)
                await preparing.reach_step(person, "rights", by=cast.anna)
                furthest = max(furthest, 2)
            else:
                await person.set_mail_preferences(value, "daily", by=cast.anna)
                await preparing.reach_step(person, "finish", by=cast.anna)
                furthest = 5

    found = await preparing.preparation_of(person.id)
    assert preparing.STEPS.index(found.step) == furthest
    assert await mails() == before
    kept = await User.objects().where(User.id == person.id).first()
    assert kept.state == "prepared"
    async with engine.writing():
        await preparing.discard(person, by=cast.anna)


async def test_who_is_to_approve_already_is_not_let_go_of_in_passing(cast):
    person = await begun(cast)
    async with engine.writing():
        await preparing.choose_rights(person, "beheerder", 4, by=cast.anna)
        await preparing.add_clients(person, {cast.garage: "beheerder"}, by=cast.anna)
        client = await cast.anna.clients.get(cast.garage)
        await give_role(client, person.id, "director", None, None, by=cast.anna)

    with pytest.raises(Refused, match="accordeurs"):
        async with engine.writing():
            await preparing.discard(person, by=cast.anna)
