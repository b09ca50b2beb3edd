"""What the office does with people: inviting, blocking, changing, giving access; and who may not."""

from __future__ import annotations

import pytest

from models import engine
from models.accounts import Link, Session, User, add_staff, change_role, matching_users
from models.audit import Trail
from models.clients import Access, settle
from models.core import Forbidden, Missing, Refused
from models.outbox import Errand
from models.settings import Firm
from models.viewer import Right
from tests.bulking import in_bulk
from tests.cast import as_viewer


async def doing(call):
    return await engine.run_writing(call)


async def adding(
    viewer, client_id, *, email="nieuw@voorbeeld.example", role="lezer", announced=False, surname="Nieuw", **more
):
    async def work():
        client = await viewer.clients.get(client_id)
        return await client.add_user(email=email, role=role, announced=announced, by=viewer, surname=surname, **more)

    return await doing(work)


async def users_without_login(on):
    await engine.raw("UPDATE firm SET users_without_login = $1", on)


async def fresh(user_id):
    return await User.objects().where(User.id == user_id).first()


async def test_a_new_user_is_prepared_and_nothing_is_sent(cast):
    await users_without_login(True)
    before = await Errand.count()

    person, existed = await adding(cast.anna, cast.garage)

    assert (person.state, existed) == ("prepared", False)
    assert await Errand.count() == before
    assert await Trail.exists().where((Trail.operation == "Access.give") & (Trail.client == cast.garage))


async def test_invited_at_once_only_when_it_was_announced(cast):
    await users_without_login(False)

    with pytest.raises(Refused):
        await adding(cast.anna, cast.garage)
    assert not await User.exists().where(User.email == "nieuw@voorbeeld.example")
    person, _ = await adding(cast.anna, cast.garage, announced=True)

    assert person.state == "invited"
    assert await Errand.count().where((Errand.person == person.id) & (Errand.kind == "invitation")) == 1


async def test_an_address_is_one_person_in_any_capitals(cast):
    address = "RIK@bakkerij-JANSEN.example"
    person, existed = await adding(cast.anna, cast.garage, email=address, role="lezer", surname="jansen")

    assert (person.id, existed) == (cast.rik.user.id, True)
    access = await Access.objects().where((Access.person == person.id) & (Access.client == cast.garage)).first()
    assert Right(access.rights) == Right.VIEW_DOSSIER


async def test_a_person_without_an_address_may_exist_and_is_not_invited(cast):
    await users_without_login(False)

    person, _ = await adding(cast.anna, cast.garage, email="")

    assert person.state == "prepared"
    with pytest.raises(Refused):
        await doing(lambda: person.invite(by=cast.anna))


@pytest.mark.parametrize("surname", ["x" * 500, "", "\x00\x07"])
async def test_an_impossible_name_is_refused_beside_its_field(cast, surname):
    with pytest.raises(Refused) as refused:
        await adding(cast.anna, cast.garage, surname=surname)

    assert refused.value.field == "surname"


@pytest.mark.parametrize("surname", ["Smit 🌷", "אברהם", "Ångström-’t Hof"])
async def test_an_unusual_name_is_kept(cast, surname):
    person, _ = await adding(cast.anna, cast.garage, surname=surname)

    assert (await fresh(person.id)).surname == surname


async def test_a_colleagues_address_is_no_client_user(cast):
    with pytest.raises(Refused) as refused:
        await adding(cast.anna, cast.garage, email="ed@kantoor.example")

    assert refused.value.field == "email"


async def test_a_second_invitation_kills_the_first(cast):
    person, _ = await adding(cast.anna, cast.garage)

    await doing(lambda: person.invite(by=cast.anna))
    await doing(lambda: person.invite(by=cast.anna))

    links = await Link.objects().where(Link.person == person.id).order_by(Link.id)
    assert [link.ended_why for link in links] == ["replaced", ""]


async def test_blocked_means_out_at_once(cast, browser):
    async with browser(cast.rik) as rik:
        assert (await rik.htmx("GET", "/account")).status_code == 200
        await doing(lambda: cast.rik.user.block(by=cast.anna))

        assert "/sign-in" in (await rik.htmx("GET", "/account")).headers["hx-redirect"]
    assert not await Session.exists().where((Session.person == cast.rik.user.id) & Session.ended_at.is_null())
    await doing(lambda: cast.rik.user.unblock(by=cast.anna))
    assert (await fresh(cast.rik.user.id)).state == "active"


async def test_another_address_kills_links_and_is_told_at_the_old_one(cast):
    await doing(lambda: cast.rik.user.change_email("Rik.Nieuw@voorbeeld.example", by=cast.anna))

    notice = (
        await Errand.objects().where((Errand.person == cast.rik.user.id) & (Errand.kind == "account_notice")).first()
    )
    assert "rik@bakkerij-jansen.example" in notice.detail


async def test_who_was_invited_is_to_be_invited_again_at_another_address(cast):
    person, _ = await adding(cast.anna, cast.garage)
    await doing(lambda: person.invite(by=cast.anna))

    await doing(lambda: person.change_email("elders@voorbeeld.example", by=cast.anna))

    assert (await fresh(person.id)).state == "prepared"
    assert (await Link.objects().where(Link.person == person.id).first()).ended_why == "moved"


async def test_an_address_of_somebody_else_is_refused(cast):
    with pytest.raises(Refused) as refused:
        await doing(lambda: cast.rik.user.change_email("SAM@garage-smit.example", by=cast.anna))

    assert refused.value.field == "shares"
    with pytest.raises(Refused) as of_staff:
        await doing(lambda: cast.rik.user.change_email("ed@kantoor.example", shares=True, by=cast.anna))
    assert of_staff.value.field == "email"


async def test_the_last_administrator_stays(cast):
    person = await doing(
        lambda: add_staff(
            cast.anna.users,
            email="bea@kantoor.example",
            role="administrator",
            all_clients=True,
            surname="Bos",
            by=cast.anna,
        )
    )
    anna = await fresh(cast.anna.user.id)

    with pytest.raises(Refused):  # bea was only invited: she cannot come in yet
        await doing(lambda: change_role(anna, "employee", True, by=cast.anna))

    assert person.state == "invited"
    assert (await fresh(anna.id)).role == "administrator"


async def test_nobody_blocks_himself(cast):
    with pytest.raises(Refused):
        await doing(lambda: cast.anna.user.block(by=cast.anna))


async def test_an_employee_manages_no_colleagues(cast):
    with pytest.raises(Forbidden):
        await doing(lambda: cast.anna.user.block(by=cast.ed))
    with pytest.raises(Forbidden):
        await doing(
            lambda: add_staff(
                cast.ed.users, email="x@y.example", role="employee", all_clients=False, surname="X", by=cast.ed
            )
        )


async def test_a_client_user_manages_nobody(cast):
    with pytest.raises(Forbidden):
        await doing(lambda: cast.rik.user.change_name(surname="Ander", by=cast.rik))


async def test_access_is_changed_and_taken_on_the_clients_trail(cast):
    async def work():
        client = await cast.anna.clients.get(cast.garage)
        await cast.sam.user.change_access(client, "lezer", by=cast.anna)
        await cast.sam.user.take_access(client, by=cast.anna)

    await doing(work)

    assert not (await as_viewer("sam@garage-smit.example")).grants
    assert (
        await Trail.count().where(
            (Trail.client == cast.garage) & Trail.operation.is_in(["Access.change", "Access.take"])
        )
        == 2
    )


async def test_restricted_staff_may_not_touch_who_reaches_beyond_their_clients(cast):
    await engine.raw("UPDATE users SET all_clients = $2 WHERE id = $1", cast.ed.user.id, False)
    await engine.raw("DELETE FROM responsible WHERE person = $1", cast.ed.user.id)
    await engine.raw("INSERT INTO responsible (client, person) VALUES ($1, $2)", cast.bakkerij, cast.ed.user.id)
    await settle(people=[cast.ed.user.id])
    ed = await as_viewer("ed@kantoor.example")

    with pytest.raises(Missing):
        await ed.users.get(cast.sam.user.id)
    rik = await ed.users.get(cast.rik.user.id)
    with pytest.raises(Refused):
        await doing(lambda: rik.block(by=ed))
    await in_bulk(matching_users(ed), "block", ed)

    assert (await fresh(cast.rik.user.id)).state == "active"
    assert (await fresh(cast.fem.user.id)).state == "blocked"


async def test_all_that_match_are_blocked_and_let_in_again(cast):
    before = {row["id"]: row["state"] for row in await engine.raw("SELECT id, state FROM users WHERE kind = 'client'")}

    count = await in_bulk(matching_users(cast.anna), "block", cast.anna)
    await in_bulk(matching_users(cast.anna, state="blocked"), "let_in", cast.anna)

    assert count == sum(1 for state in before.values() if state != "blocked")
    assert (await fresh(cast.rik.user.id)).state == "active"
    assert await User.exists().where((User.kind == "staff") & (User.state == "active"))
    assert await Trail.exists().where(Trail.operation == "User.block.bulk")


async def test_settings_are_kept_with_what_they_were(cast):
    firm = await Firm.load()

    await doing(lambda: firm.change(invitation_days="14", brand="#FFDD00", by=cast.anna))

    assert ((await Firm.load()).invitation_days, (await Firm.load()).brand) == (14, "#ffdd00")
    line = await Trail.objects().where(Trail.operation == "Firm.change").first()
    assert '"before"' in line.detail and '"invitation_days": 14' in line.detail


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("invitation_days", "0"),
        ("invitation_days", "x"),
        ("digest_hour", "24"),
        ("second_factor", "?"),
        ("brand", "geel"),
        ("name", " "),
    ],
)
async def test_a_nonsensical_setting_is_refused_beside_its_field(cast, field, value):
    with pytest.raises(Refused) as refused:
        await doing(lambda: _changed(cast.anna, **{field: value}))

    assert refused.value.field == field


async def test_an_employee_changes_no_settings(cast):
    with pytest.raises(Forbidden):
        await doing(lambda: _changed(cast.ed, place="Elders"))


async def _changed(viewer, **values):
    await (await Firm.load()).change(by=viewer, **values)
