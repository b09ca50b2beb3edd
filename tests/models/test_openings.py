"""Opening the gates: who is invited, once; what undoing gives back; and what became of everybody."""

from __future__ import annotations

import datetime as dt

import pytest

from models import engine
from models.accounts import Link, User
from models.audit import Trail
from models.core import Forbidden, Missing, Refused, save
from models.outbox import Errand
from models.rollout import Opening, counted, people_of, prepare_opening
from models.settings import Firm, utcnow
from tests.jobs.posting import post_all
from tests.smtp import Sink


async def prepared(viewer, **choices):
    return await engine.run_writing(lambda: prepare_opening(viewer.users, by=viewer, selection={}, **choices))


async def everybody_prepared():
    """All client users are prepared, as in an office that never opened its gates."""
    async with engine.writing():
        await engine.raw("DELETE FROM errand")
        await engine.raw("DELETE FROM link")
        await User.update({User.state: "prepared", User.invited_at: None}).where(User.kind == "client")


async def start(opening, viewer):
    await engine.run_writing(lambda: opening.start(by=viewer))


async def undo(opening, viewer):
    return await engine.run_writing(lambda: opening.undo(by=viewer))


async def states():
    return {
        row["email"]: row["state"] for row in await engine.raw("SELECT email, state FROM users WHERE kind = 'client'")
    }


async def let_it_be_due():
    await engine.raw("UPDATE errand SET run_after = $1", utcnow() - dt.timedelta(seconds=1))


async def test_a_draft_sends_nothing_and_changes_nobody(cast):
    await everybody_prepared()
    before = await states()

    opening = await prepared(cast.anna)

    assert opening.is_draft
    assert await states() == before
    assert not await Errand.exists()
    assert not await Link.exists()


async def test_starting_invites_each_person_once_however_many_companies_he_has(cast):
    await everybody_prepared()
    opening = await prepared(cast.anna)

    await start(opening, cast.anna)

    links = await Link.objects().where(Link.person == cast.rik.user.id)
    assert len(links) == 1
    assert (links[0].token_hash, links[0].opening) == ("", opening.id)
    assert links[0].expires_at - opening.sends_at == dt.timedelta(days=(await Firm.load()).invitation_days)
    errands = await Errand.objects().where(Errand.person == cast.rik.user.id)
    assert [(one.kind, one.state, one.run_after) for one in errands] == [("invitation", "waiting", opening.sends_at)]
    assert (await states())["rik@bakkerij-jansen.example"] == "invited"
    assert await Trail.exists().where((Trail.operation == "Opening.start") & (Trail.record_id == opening.id))


async def test_a_second_click_sends_no_second_mail(cast):
    await everybody_prepared()
    opening = await prepared(cast.anna)
    other_tab = await engine.run_writing(lambda: cast.anna.openings.get(opening.id))

    await start(opening, cast.anna)
    mails = await Errand.count()
    await start(other_tab, cast.anna)
    await start(opening, cast.anna)

    assert await Errand.count() == mails
    assert await Trail.count().where(Trail.operation == "Opening.start") == 1


async def test_two_openings_at_once_mail_nobody_twice(cast):
    await everybody_prepared()
    first, second = await prepared(cast.anna, again=True), await prepared(cast.anna, again=True)

    await start(first, cast.anna)
    with pytest.raises(Refused):
        await start(second, cast.anna)

    assert await Errand.count() == first.people
    assert (await engine.run_writing(lambda: cast.anna.openings.get(second.id))).is_draft


async def test_within_the_window_undoing_gives_everything_back(cast):
    await everybody_prepared()
    before = await states()
    opening = await prepared(cast.anna)
    await start(opening, cast.anna)

    outcome = await undo(opening, cast.anna)

    assert (outcome.withdrawn, outcome.sent) == (opening.people, 0)
    assert await states() == before
    assert not await Errand.exists().where(Errand.state != "cancelled")
    assert not await Link.exists().where(Link.ended_at.is_null())
    assert not await User.exists().where((User.kind == "client") & User.invited_at.is_not_null())
    assert (await counted(opening, utcnow()))["withdrawn"] == opening.people
    assert await Trail.exists().where(Trail.operation == "Opening.undo")


async def test_undoing_twice_is_undoing_once(cast):
    await everybody_prepared()
    opening = await prepared(cast.anna)
    await start(opening, cast.anna)
    await undo(opening, cast.anna)

    await undo(opening, cast.anna)

    assert await Trail.count().where(Trail.operation == "Opening.undo") == 1


async def test_undoing_an_invitation_once_more_lets_the_earlier_link_live_again(cast):
    await everybody_prepared()
    first = await prepared(cast.anna)
    await start(first, cast.anna)
    second = await prepared(cast.anna, again=True)
    await start(second, cast.anna)
    dead = await Link.count().where((Link.opening == first.id) & (Link.ended_why == "replaced"))

    await undo(second, cast.anna)

    assert dead == first.people
    assert await Link.count().where((Link.opening == first.id) & Link.ended_at.is_null()) == first.people
    assert await Errand.count().where(Errand.state == "waiting") == first.people
    assert (await states())["rik@bakkerij-jansen.example"] == "invited"


async def test_undo_that_comes_too_late_says_what_was_sent(cast, smtp_sink: Sink):
    await everybody_prepared()
    opening = await prepared(cast.anna)
    await start(opening, cast.anna)
    await let_it_be_due()
    await post_all()

    with pytest.raises(Refused) as refused:
        await undo(opening, cast.anna)

    assert str(refused.value.why).startswith(f"Te laat: alle {opening.people} ")
    assert (await states())["rik@bakkerij-jansen.example"] == "invited"


async def test_undo_halfway_withdraws_only_what_has_not_left(cast):
    await everybody_prepared()
    opening = await prepared(cast.anna)
    await start(opening, cast.anna)
    await engine.raw("UPDATE errand SET state = 'done' WHERE person = $1", cast.rik.user.id)

    outcome = await undo(opening, cast.anna)

    assert (outcome.withdrawn, outcome.sent) == (opening.people - 1, 1)
    assert (await states())["rik@bakkerij-jansen.example"] == "invited"
    assert (await states())["sam@garage-smit.example"] == "prepared"
    assert await Link.exists().where((Link.person == cast.rik.user.id) & Link.ended_at.is_null())


@pytest.mark.parametrize(
    "change, because",
    [
        ({"state": "blocked"}, "blocked"), ({"state": "active"}, "active"), ({"state": "invited"}, "invited"), ({"email": "", "email_key": ""}, "no_email"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("when", ["before", "after"])
async def test_who_is_left_out_and_why(cast, change, because, when):
    """Also when it only became so after the draft was made."""
    await everybody_prepared()
    opening = await prepared(cast.anna) if when == "after" else None
    await engine.run_writing(lambda: save(cast.sam.user, **change))
    opening = opening or await prepared(cast.anna)

    await start(opening, cast.anna)

    rows, _ = await people_of(opening, utcnow())
    sam = next(row for row in rows if row["person"] == cast.sam.user.id)
    assert (sam["fate"], sam["because"]) == ("left_out", because)
    assert not await Errand.exists().where(Errand.person == cast.sam.user.id)


async def test_only_what_is_ready(cast):
    await everybody_prepared()
    await engine.raw("UPDATE folder SET trashed_at = $1 WHERE client = $2", utcnow(), cast.garage)

    opening = await prepared(cast.anna, only_ready=True)
    everything = await prepared(cast.anna)

    why = {row["person"]: row["because"] for row in (await people_of(opening, utcnow()))[0]}
    assert why[cast.sam.user.id] == "not_ready"
    assert {row["person"]: row["because"] for row in (await people_of(everything, utcnow()))[0]}[cast.sam.user.id] == ""


async def test_every_fate_is_counted_and_nobody_disappears(cast, smtp_sink: Sink):
    await everybody_prepared()
    smtp_sink.refuse("sam@garage-smit.example", "550 5.1.1 Mailbox unknown here")
    opening = await prepared(cast.anna)
    await start(opening, cast.anna)
    first = await counted(opening, utcnow())
    await let_it_be_due()
    await post_all()
    await engine.raw("UPDATE link SET opened_at = $1 WHERE person = $2", utcnow(), cast.fem.user.id)
    await engine.run_writing(lambda: save(cast.rik.user, state="active"))

    last = await counted(opening, utcnow())

    assert first["prepared"] == opening.people
    assert (last["refused"], last["opened"], last["active"]) == (1, 1, 1)
    assert last["handed"] == opening.people - 3
    assert sum(last.values()) == sum(first.values()) == (await people_of(opening, utcnow()))[1]
    assert [row["person"] for row in (await people_of(opening, utcnow(), fate="refused"))[0]] == [cast.sam.user.id]


async def test_sending_again_kills_the_earlier_link(cast):
    await everybody_prepared()
    opening = await prepared(cast.anna)
    await start(opening, cast.anna)

    await engine.run_writing(lambda: opening.send_again(cast.sam.user.id, by=cast.anna))

    links = await Link.objects().where(Link.person == cast.sam.user.id).order_by(Link.id)
    assert [link.ended_why for link in links] == ["replaced", ""]
    assert await Errand.count().where((Errand.person == cast.sam.user.id) & (Errand.state == "waiting")) == 1


async def test_restricted_staff_invite_their_own_clients_people_only(cast):
    await everybody_prepared()

    opening = await prepared(cast.ed)

    mine = {row["id"] for row in await cast.ed.users.where(User.kind == "client").select(User.id)}
    assert {row["person"] for row in (await people_of(opening, utcnow(), size=100))[0]} == mine
    assert cast.sam.user.id not in mine
    with pytest.raises(Missing):
        await cast.ed.openings.get((await prepared(cast.anna)).id)


async def test_a_client_opens_no_gates(cast):
    with pytest.raises(Forbidden):
        await prepared(cast.rik)
    opening = await prepared(cast.anna)
    with pytest.raises(Forbidden):
        await start(opening, cast.rik)


async def test_nobody_chosen_is_refused(cast):
    with pytest.raises(Refused):
        await engine.run_writing(
            lambda: prepare_opening(cast.anna.users.where(User.id < 0), by=cast.anna, selection={})
        )
    assert not await Opening.exists().where(Opening.started_at.is_null())
