"""The board of invitations: everybody in exactly one state, whatever happened to him, and counts that add up."""

from __future__ import annotations

import contextlib
import datetime as dt
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import engine
from models.accounts import Link, User, codes
from models.audit import Trail
from models.core import Forbidden, Refused, save
from models.outbox import Errand
from models.rollout import board, prepare_opening
from models.settings import utcnow
from models.signing_in import note_opened
from tests.cast import Cast, as_viewer
from tests.models.test_openings import everybody_prepared, let_it_be_due, prepared, start

EVERYBODY = board.Asked()


async def fresh() -> None:
    await everybody_prepared()
    async with engine.writing():
        await engine.raw("DELETE FROM activation_code")
        await engine.raw("DELETE FROM opening")
        await User.update(
            {User.state: "prepared", User.password: "", User.activated_at: None, User.blocked_at: None}
        ).where(User.kind == "client")


async def members() -> list[int]:
    rows = await engine.raw(
        "SELECT id FROM users WHERE kind = 'client' AND id IN "
        "(SELECT a.person FROM access a JOIN client c ON c.id = a.client WHERE c.state = 'active') ORDER BY id"
    )
    return [row["id"] for row in rows]


async def stands(person: User) -> str:
    return await board.state_of(person.id)


async def outcome(person: User, state: str, said: str = "") -> None:
    """The mail server answered."""
    last = await Errand.objects().where(Errand.person == person.id).order_by(Errand.id, ascending=False).first()
    assert last is not None
    await save(last, state=state, said=said, finished_at=utcnow())


async def link_of(person: User) -> Link:
    found = await Link.objects().where(Link.person == person.id).order_by(Link.id, ascending=False).first()
    assert found is not None
    return found


async def test_an_invitation_goes_from_state_to_state(cast: Cast) -> None:
    await fresh()
    rik = await User.objects().get(User.id == cast.rik.user.id)
    assert rik is not None
    seen = [await stands(rik)]

    await engine.run_writing(lambda: rik.invite(by=cast.anna))
    seen.append(await stands(rik))
    await outcome(rik, "done")
    seen.append(await stands(rik))
    await engine.run_writing(lambda: board.mark_bounced(rik, by=cast.anna))
    seen.append(await stands(rik))
    await engine.run_writing(lambda: board.mark_arrived(rik, by=cast.anna))
    seen.append(await stands(rik))
    link = await link_of(rik)
    await engine.run_writing(lambda: note_opened(link.id))
    seen.append(await stands(rik))
    await save(link, expires_at=utcnow() - dt.timedelta(days=1))
    seen.append(await stands(rik))
    await engine.run_writing(lambda: rik.block(by=cast.anna))
    seen.append(await stands(rik))

    assert seen == ["prepared", "queued", "handed", "bounced", "handed", "opened", "expired", "blocked"]


@pytest.mark.parametrize("state", ["refused", "failed", "unknown"])
async def test_what_the_server_would_not_take_is_not_delivered_also_after_its_time(cast: Cast, state: str) -> None:
    await fresh()
    rik = cast.rik.user
    await save(rik, state="prepared")
    await engine.run_writing(lambda: rik.invite(by=cast.anna))
    await outcome(rik, state, "550 unknown user")

    assert await stands(rik) == "bounced"
    await save(await link_of(rik), expires_at=utcnow() - dt.timedelta(days=1))
    assert await stands(rik) == "bounced"


async def test_a_code_on_paper_counts_as_handed_over(cast: Cast) -> None:
    await fresh()
    rik = cast.rik.user
    await save(rik, state="prepared")

    await engine.run_writing(lambda: codes.make_code(rik, by=cast.anna))

    assert await stands(rik) == "handed"
    row = next(row for row in await board.page(cast.anna, EVERYBODY, 1, 100) if row["id"] == rik.id)
    assert row["code"] and row["printed_at"] and not row["errand"]


async def test_only_what_was_handed_over_can_come_back(cast: Cast) -> None:
    await fresh()
    rik = cast.rik.user
    await save(rik, state="prepared")
    await engine.run_writing(lambda: rik.invite(by=cast.anna))

    with pytest.raises(Refused):
        await engine.run_writing(lambda: board.mark_bounced(rik, by=cast.anna))
    with pytest.raises(Forbidden):
        await engine.run_writing(lambda: board.mark_bounced(rik, by=cast.rik))
    await outcome(rik, "done")
    await engine.run_writing(lambda: board.mark_bounced(rik, by=cast.anna))

    assert await Trail.exists().where((Trail.operation == "User.mark_bounced") & (Trail.record_id == rik.id))


async def test_the_filters_narrow_and_all_that_match_are_picked(cast: Cast) -> None:
    await fresh()
    opening = await prepared(cast.anna)
    await start(opening, cast.anna)
    everybody = await members()

    by_opening = board.Asked(opening=opening.id)
    assert sum((await board.counts(cast.anna, by_opening)).values()) == opening.people
    garage = board.Asked(client=cast.garage)
    found = await board.page(cast.anna, garage, 1, 50)
    assert cast.sam.user.id in {row["id"] for row in found} and len(found) < len(everybody)
    assert [row["id"] for row in await board.page(cast.anna, board.Asked(q="sam@garage"), 1, 50)] == [cast.sam.user.id]
    picked = await board.picked(cast.anna, [], board.Asked(state="queued"))
    assert await picked.count() == (await board.counts(cast.anna, EVERYBODY))["queued"] == opening.people


async def test_ed_sees_the_people_of_his_own_clients_only(cast: Cast) -> None:
    mine = await board.counts(cast.ed, EVERYBODY)
    all_of_them = await board.counts(cast.anna, EVERYBODY)

    rows = await board.page(cast.ed, EVERYBODY, 1, 100)
    assert 0 < sum(mine.values()) == len(rows) < sum(all_of_them.values())
    assert cast.sam.user.id not in {row["id"] for row in rows}


# whatever happens


async def happen(what: str, person: User, cast: Cast) -> None:
    """One thing that may happen to somebody; what is refused leaves everything as it was."""
    last = await Errand.objects().where(Errand.person == person.id).order_by(Errand.id, ascending=False).first()
    link = await Link.objects().where(Link.person == person.id).order_by(Link.id, ascending=False).first()
    acts: dict[str, Any] = {
        "invite": lambda: person.invite(by=cast.anna),
        "code": lambda: codes.make_code(person, by=cast.anna),
        "block": lambda: person.block(by=cast.anna),
        "unblock": lambda: person.unblock(by=cast.anna),
        "move": lambda: person.change_email(f"n{person.id}.{utcnow().timestamp()}@nieuw.example", by=cast.anna),
        "bounce": lambda: board.mark_bounced(person, by=cast.anna),
        "arrive": lambda: board.mark_arrived(person, by=cast.anna),
    }
    if what in acts:
        with contextlib.suppress(Refused):
            await engine.run_writing(acts[what])
    elif what in ("done", "refused", "unknown", "claimed") and last and last.state in ("waiting", "claimed"):
        await save(last, state=what, finished_at=utcnow())
    elif what == "open" and link:
        await engine.run_writing(lambda: note_opened(link.id))
    elif what == "expire":
        past = utcnow() - dt.timedelta(minutes=1)
        await engine.raw("UPDATE link SET expires_at = $1 WHERE person = $2", past, person.id)
        await engine.raw("UPDATE activation_code SET expires_at = $1 WHERE person = $2", past, person.id)
    elif what == "come_in" and person.state == "invited":
        await save(person, state="active", activated_at=utcnow())
    elif what == "all_by_mail" or what == "all_on_paper":
        people = cast.anna.users.where(User.kind == "client")
        way = "mail" if what == "all_by_mail" else "paper"
        try:
            opening = await engine.run_writing(
                lambda: prepare_opening(people, by=cast.anna, selection={}, again=True, way=way)
            )
            await start(opening, cast.anna)
            if person.id % 2:
                await engine.run_writing(lambda: opening.undo(by=cast.anna))
        except Refused:
            pass


HAPPENINGS = (
    "invite", "code", "block", "unblock", "move", "bounce", "arrive", "done", "refused", "unknown", "claimed", "open",
    "expire", "come_in", "all_by_mail", "all_on_paper",
)  # fmt: skip


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, 5)), max_size=14))
async def test_the_states_part_everybody_and_add_up_whatever_happened(
    cast: Cast, history: list[tuple[str, int]]
) -> None:
    await fresh()
    everybody = await members()
    for what, who in history:
        person = await User.objects().where(User.id == everybody[who]).first()
        assert person is not None
        await happen(what, person, cast)

    counts = await board.counts(cast.anna, EVERYBODY)
    listed = {
        state: [row["id"] for row in await board.page(cast.anna, board.Asked(state=state), 1, 500)]
        for state in board.BOARD
    }
    assert tuple(counts) == board.BOARD
    assert {state: len(ids) for state, ids in listed.items()} == counts
    assert sorted(id for ids in listed.values() for id in ids) == everybody
    states = {row["id"]: row["state"] for row in await engine.raw("SELECT id, state FROM users WHERE kind = 'client'")}
    for state in ("prepared", "active", "blocked"):
        assert {id for id in everybody if states[id] == state} == set(listed[state])
    live = await engine.raw("SELECT person FROM activation_code WHERE ended_at IS NULL AND used_at IS NULL")
    assert len({row["person"] for row in live}) == len(live)


async def test_the_board_of_who_was_let_in_is_his(cast: Cast) -> None:
    await fresh()
    await start(await prepared(cast.anna), cast.anna)
    await let_it_be_due()

    assert (await as_viewer("rik@bakkerij-jansen.example")).user.state == "invited"
    assert await stands(cast.rik.user) == "queued"
