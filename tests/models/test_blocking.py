"""Blocking and letting in again: what ends, what comes back, and what never does."""

from __future__ import annotations

import pytest

from models import engine
from models.accounts import Link, User, add_staff
from models.core import Refused, digest
from models.outbox import Kind, ask
from models.settings import utcnow
from models.signing_in import open_link
from models.viewer import Viewer
from tests.bulking import in_bulk
from tests.cast import Cast

TOKEN = "een-lang-token"


async def invited(cast: Cast, email: str = "nieuw@voorbeeld.example", token: str = TOKEN) -> User:
    """Somebody whose invitation has been mailed."""

    async def work() -> User:
        client = await cast.anna.clients.get(cast.garage)
        person, _ = await client.add_user(email=email, role="lezer", announced=False, by=cast.anna, surname="Nieuw")
        await person.invite(by=cast.anna)
        return person  # type: ignore[no-any-return]

    person = await engine.run_writing(work)
    if token:
        await engine.raw("UPDATE link SET token_hash = $1 WHERE person = $2", digest(token), person.id)
        await engine.raw("UPDATE errand SET state = 'done' WHERE person = $1", person.id)
    return person


async def blocked_and_back(person: User, by: Viewer, *, many: bool) -> str:
    """His state after both."""
    only = by.users.where(User.id == person.id)
    if many:
        assert await in_bulk(only, "block", by) == 1
        assert await in_bulk(only, "let_in", by) == 1
    else:
        await engine.run_writing(lambda: person.block(by=by))
        assert (await only.get(person.id)).state == "blocked"
        await engine.run_writing(lambda: person.unblock(by=by))
        assert (await only.get(person.id)).state == person.state
    return str((await only.get(person.id)).state)


@pytest.mark.parametrize("many", [False, True])
async def test_who_was_invited_is_invited_again_and_his_link_works(cast, many):
    person = await invited(cast)

    assert await blocked_and_back(person, cast.anna, many=many) == "invited"

    async with engine.reading():
        _, whose = await open_link(TOKEN)
    assert whose.id == person.id


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("why", ["not mailed", "expired", "moved", "replaced"])
async def test_a_link_that_would_not_work_anyway_does_not_come_back(cast, many, why):
    person = await invited(cast, token="" if why == "not mailed" else TOKEN)
    if why == "expired":
        await engine.raw("UPDATE link SET expires_at = $1 WHERE person = $2", utcnow(), person.id)
    if why == "moved":
        await engine.raw("UPDATE link SET email = 'oud@voorbeeld.example' WHERE person = $1", person.id)
    if why == "replaced":
        await engine.raw("UPDATE link SET ended_at = $1, ended_why = 'replaced' WHERE person = $2", utcnow(), person.id)

    assert await blocked_and_back(person, cast.anna, many=many) == "prepared"

    link = await Link.objects().where(Link.person == person.id).first()
    assert link.ended_at is not None


@pytest.mark.parametrize("many", [False, True])
async def test_who_was_active_or_prepared_is_so_again_and_stays_signed_out(cast, browser, many):
    prepared = await invited(cast, token="")
    await engine.raw("UPDATE users SET state = 'prepared' WHERE id = $1", prepared.id)
    await engine.raw("UPDATE link SET ended_at = $1, ended_why = 'withdrawn' WHERE person = $2", utcnow(), prepared.id)
    sam = await cast.anna.users.get(cast.sam.user.id)

    async with browser(cast.sam) as his:
        assert await blocked_and_back(sam, cast.anna, many=many) == "active"
        assert (await his.get("/portal")).status_code == 303
    assert await blocked_and_back(prepared, cast.anna, many=many) == "prepared"


async def test_many_leave_colleagues_and_oneself_alone_and_the_others_whole(cast):
    both = cast.anna.users.where(User.id.is_in([cast.anna.user.id, cast.ed.user.id, cast.sam.user.id]))

    assert await in_bulk(both, "block", cast.anna) == 1

    rows = await engine.raw("SELECT id FROM users WHERE state = 'blocked'")
    assert [row["id"] for row in rows] == [cast.sam.user.id]


async def test_a_colleague_may_block_an_administrator_while_another_stays(cast):
    async def colleague() -> User:
        names = {"surname": "Tweede"}
        return await add_staff(
            cast.anna.users,
            email="tweede@kantoor.example",
            role="administrator",
            all_clients=True,
            by=cast.anna,
            **names,
        )

    second = await engine.run_writing(colleague)
    anna = await cast.anna.users.get(cast.anna.user.id)

    with pytest.raises(Refused) as refused:  # the second is only invited: nobody else can manage the office yet
        await engine.run_writing(lambda: anna.block(by=Viewer(second)))
    assert "laatste beheerder" in str(refused.value.why)
    assert (await cast.anna.users.get(anna.id)).state == "active"

    await engine.raw("UPDATE users SET state = 'active' WHERE id = $1", second.id)
    await engine.run_writing(lambda: anna.block(by=Viewer(second)))
    assert (await cast.anna.users.get(anna.id)).state == "blocked"


@pytest.mark.parametrize("many", [False, True])
async def test_of_ones_own_account_one_still_hears(cast, many):
    async with engine.writing():
        await ask(Kind.PASSWORD, person=cast.sam.user.id)
        await ask(Kind.ACCOUNT_NOTICE, person=cast.sam.user.id, what="password")

    sam = await cast.anna.users.get(cast.sam.user.id)
    await blocked_and_back(sam, cast.anna, many=many)

    rows = await engine.raw("SELECT kind, state FROM errand WHERE person = $1 ORDER BY kind", sam.id)
    states = {row["kind"]: row["state"] for row in rows}
    assert (states["account_notice"], states["password"]) == ("waiting", "cancelled")
