"""Who hears of approvals by mail, once each: approvers, earlier approvers, and the office; reminders by the ladder and by hand."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import pytest

from models import engine, notices, pins, quiet
from models.approvals import (
    ApprovalRequest,
    Mandate,
    answer,
    ask,
    decide_one,
    expire_due,
    extend,
    replace_by,
    who_would_sign,
    withdraw,
)
from models.approvals import reminding as remind
from models.approvals.granting import give_mandate
from models.approvals.handed_over import note_handed_over
from models.approvals.news import name_lines, of_staff
from models.approvals.planning import who_would_sign_each
from models.approvals.reading import whole
from models.approvals.record import FIELDS, link_of
from models.approvals.telling import approver_blocked, tell_late, tell_substitutes
from models.client_news_told import APPROVALS
from models.core import Refused, save
from models.outbox import Errand
from models.settings import Firm, this_day, utcnow
from models.viewer import Viewer
from tests.approving import (
    acts,
    decision,
    draft,
    kind,
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
    step,
)
from tests.cast import Cast
from tests.client_mail import after, all_was_heard, day_passes, soon, told
from tests.jobs.posting import post_all, time_passes
from tests.smtp import Sink

LATER = {"internal_due": dt.date(2099, 3, 4), "legal_due": dt.date(2099, 4, 1)}
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


@pytest.fixture
async def office(cast: Cast) -> AsyncIterator[Cast]:
    await all_was_heard()
    await save(await Firm.load(), modules="dossiers,approvals", quiet_from=0, quiet_until=0, quiet_sundays=False)
    yield cast


async def said(viewer: Viewer) -> list[list[tuple[str, int]]]:
    """Of each mail to him, which kind of news of which requests."""
    return [
        [(kind, one["id"]) for client in mail["clients"] for kind in APPROVALS for one in client.get(kind, ())]
        for mail in await told(viewer)
    ]


async def mails_to(viewer: Viewer, kind: str) -> list[Errand]:
    return await Errand.objects().where((Errand.person == viewer.user.id) & (Errand.kind == kind)).order_by(Errand.id)


async def at_once(viewer: Viewer) -> None:
    await engine.raw("UPDATE users SET digest = 'at_once' WHERE id = $1", viewer.user.id)


async def to_staff(viewer: Viewer) -> list[tuple[str, str]]:
    found = []
    for one in await Errand.objects().where(
        (Errand.person == viewer.user.id) & Errand.kind.is_in(["digest", "upload_notice"])
    ):
        news = await notices.news_of(viewer.user.id, one.kind, json.loads(one.detail), one.id)
        found += [
            (row["what"], row["name"]) for client in (news or {"clients": []})["clients"] for row in client["approvals"]
        ]
    return found


async def test_his_turn_and_only_his_is_told_once_in_the_mail_of_the_day_with_a_link_and_without_a_document(
    office, smtp_sink: Sink
):
    bo, cas = await person(office.bakkerij, "Bo"), await person(office.bakkerij, "Cas")
    await plan(office.bakkerij, step(bo), step(cas))
    request = await offered(office, None, part("geheim-cijfer.pdf"), **LATER)

    await asyncio.gather(*(day_passes(soon()) for _ in range(3)))
    await day_passes(after(days=1))
    assert (await said(bo), await said(cas)) == ([[("approve", request.id)]], [])
    await time_passes(seconds=1)
    await post_all()
    await post_all()

    [mail] = [one for one in smtp_sink.taken if one.address == bo.user.email]
    assert (
        f"/portal/approvals/{request.id}" in mail.text
        and "4 maart 2099" in mail.text
        and "Bakkerij Jansen" in mail.text
    )
    assert "geheim-cijfer" not in mail.text and not list(mail.message.iter_attachments())
    assert "vraagt uw akkoord: Aangifte omzetbelasting" in str(mail.message["Subject"])
    noted = await engine.raw(
        "SELECT person, detail FROM approval_record WHERE request = $1 AND act = 'mail_handed_over'", request.id
    )
    assert [row["person"] for row in noted] == [bo.user.id] and str(mail.message["Message-ID"]) in noted[0]["detail"]
    assert await note_handed_over() == 0

    await says_yes(bo, request)
    await day_passes(after(days=2))
    assert (len(await said(bo)), await said(cas)) == (1, [[("approve", request.id)]])


async def test_who_wants_to_hear_at_once_hears_at_once_and_who_is_not_in_or_wants_nothing_hears_nothing(office):
    bo, cas = await person(office.bakkerij, "Bo"), await person(office.bakkerij, "Cas")
    await at_once(bo)
    await engine.raw("UPDATE users SET digest = 'never' WHERE id = $1", cas.user.id)
    dan = await person(office.bakkerij, "Dan", state="prepared")
    await plan(office.bakkerij, step(bo, cas, dan))
    request = await offered(office, **LATER)

    from models.client_news import plan_at_once

    assert await plan_at_once(soon()) == 1 and await plan_at_once(soon()) == 0
    await day_passes(after(hours=1))
    assert (await said(bo), await said(cas), await said(dan)) == ([[("approve", request.id)]], [], [])


async def test_of_three_approvals_by_one_person_within_a_second_nothing_is_lost_or_doubled(office):
    bo, cas = await person(office.bakkerij, "Bo"), await person(office.bakkerij, "Cas")
    await at_once(office.anna)
    await plan(office.bakkerij, step(bo), step(cas))
    requests = [await offered(office, responsible=office.anna.user.id, **LATER) for _ in range(3)]
    for request in requests:
        await look(bo, request)
    decisions = [await decision(request) for request in requests]

    async def yes(one):
        await engine.run_writing(lambda: decide_one(bo.scope(ApprovalRequest), one, proof(), by=bo))

    await asyncio.gather(*(yes(one) for one in decisions), day_passes(soon()))
    await day_passes(after(days=1))
    everything = sorted(one for mail in await said(cas) for one in mail)
    assert everything == [("approve", request.id) for request in requests]

    for request in requests:
        await says_yes(cas, request)
    assert [what for what, _ in await to_staff(office.anna)] == ["completed"] * 3
    assert len(await mails_to(office.anna, "upload_notice")) == 1


async def test_the_ladder_reminds_on_its_days_and_stops_at_approval_and_on_a_quiet_sunday(office):
    bo = await person(office.bakkerij, "Bo")
    await plan(office.bakkerij, step(bo))
    due = dt.date(
        2027, 3, 10
    )  # a Wednesday: reminded on the 3rd, the 7th (a Sunday), the 9th, the 11th, and every three days
    days = {"internal_due": due, "legal_due": dt.date(2027, 5, 1)}
    request, other = await offered(office, **days), await offered(office, **days)

    def at(day: int, hour: int = 9) -> dt.datetime:
        return dt.datetime(2027, 3, day, hour, tzinfo=AMSTERDAM).astimezone(dt.UTC)

    await day_passes(at(2))
    assert await day_passes(at(3)) == 1 and await day_passes(at(4)) == 0
    both = [("approve_reminded", request.id), ("approve_reminded", other.id)]
    assert (await said(bo))[1:] == [both]
    await says_yes(bo, other)
    await save(await Firm.load(), quiet_sundays=True)
    assert await day_passes(at(7)) == 0 and await day_passes(at(8)) == 1
    assert (await said(bo))[-1] == [("approve_reminded", request.id)]
    await extend(request, dt.date(2027, 4, 20), dt.date(2027, 5, 1), by=office.anna)
    assert [await day_passes(at(day)) for day in (9, 11, 15)] == [0, 0, 0]
    await withdraw(request, "Vergissing", by=office.anna)
    assert await day_passes(at(31)) == 1 and (await said(bo))[-1] == [("approve_ended", request.id)]


async def test_by_night_a_reminder_waits_for_the_morning(office):
    await save(await Firm.load(), quiet_from=21, quiet_until=7, quiet_sundays=True)
    firm = await Firm.load()

    def local(day: int, hour: int) -> dt.datetime:
        return dt.datetime(2026, 12, day, hour, 30, tzinfo=AMSTERDAM)

    assert quiet.end_of_quiet(firm, local(1, 12)) == local(1, 12)
    assert quiet.end_of_quiet(firm, local(1, 22)).astimezone(AMSTERDAM) == dt.datetime(2026, 12, 2, 7, tzinfo=AMSTERDAM)
    assert quiet.end_of_quiet(firm, local(5, 22)).astimezone(AMSTERDAM) == dt.datetime(
        2026, 12, 7, 7, tzinfo=AMSTERDAM
    )  # Saturday night


async def test_by_hand_one_mail_each_taken_back_in_time_and_noted_when_it_left(office, smtp_sink: Sink):
    bo, cas = await person(office.bakkerij, "Bo"), await person(office.bakkerij, "Cas", state="invited")
    await plan(office.bakkerij, step(bo, cas))
    requests = [await offered(office, **LATER) for _ in range(2)]
    found = await remind.of_requests(office.anna, [one.id for one in requests])
    assert (found.mails, found.things, found.left_out) == (1, 2, {"not_in": 1})

    assert (await remind.send(found, "een", by=office.anna))[0] == 1
    assert (await remind.send(found, "een", by=office.anna))[0] == 1
    assert await remind.undo("een", by=office.anna) == 1
    with pytest.raises(Refused):
        await remind.undo("een", by=office.anna)
    await remind.send(await remind.of_requests(office.anna, [one.id for one in requests]), "twee", by=office.anna)
    await time_passes(seconds=1)
    await post_all()

    [mail] = smtp_sink.taken
    assert all(f"/portal/approvals/{one.id}" in mail.text for one in requests)
    assert [(await acts(one))[-2:] for one in requests] == [["asked", "mail_handed_over"]] * 2, "the first he hears"
    assert (await remind.of_requests(office.anna, [requests[0].id])).left_out == {"lately": 1, "not_in": 1}
    assert (await remind.of_requests(office.rik, [requests[0].id])).mails == 0


async def test_a_refusal_is_told_to_the_office_and_to_who_approved_before(office):
    bo, cas = await person(office.bakkerij, "Bo"), await person(office.bakkerij, "Cas")
    await at_once(office.anna)
    await plan(office.bakkerij, step(bo), step(cas))
    request = await offered(office, responsible=office.anna.user.id, **LATER)
    await says_yes(bo, request)
    await says_no(cas, request, "Bedrag klopt niet")

    await day_passes(soon())
    assert await said(bo) == [[("approve_refused", request.id)]] and await said(cas) == []
    assert [what for what, _ in await to_staff(office.anna)] == ["rejected"]


async def test_the_office_hears_once_that_an_internal_deadline_passed(office):
    bo = await person(office.bakkerij, "Bo")
    await plan(office.bakkerij, step(bo))
    await at_once(office.anna)
    yesterday = this_day() - dt.timedelta(days=1)
    late, early = [
        await offered(office, responsible=office.anna.user.id, internal_due=day, legal_due=dt.date(2099, 4, 1))
        for day in (yesterday, this_day())
    ]
    assert (await tell_late(), await tell_late()) == (1, 0)
    assert [what for what, _ in await to_staff(office.anna)] == ["late"]

    await extend(await now(late), this_day() + dt.timedelta(days=3), dt.date(2099, 4, 1), by=office.anna)
    assert await tell_late() == 0
    await engine.raw(
        "UPDATE approval_request SET internal_due = $2 WHERE id = $1", late.id, yesterday - dt.timedelta(days=1)
    )
    assert await tell_late() == 1, "another deadline that passed"
    assert (await now(early)).state == "offered"


async def test_a_question_goes_to_the_office_and_its_answer_to_who_asked(office):
    bo = await person(office.bakkerij, "Bo")
    await plan(office.bakkerij, step(bo))
    request = await offered(office, responsible=office.anna.user.id, **LATER)
    await day_passes(soon())
    await ask(request, "Waarom zo veel?", by=bo)
    await engine.raw("UPDATE users SET digest = 'daily' WHERE id = $1", office.anna.user.id)
    await notices.plan_digests(after(hours=8))
    assert [what for what, _ in await to_staff(office.anna)] == ["question"]

    await answer(request, "Een correctie.", by=office.anna)
    await day_passes(after(days=1))
    assert (await said(bo))[1:] == [[("approve_answers", request.id)]]
    assert await to_staff(office.anna) == []  # answered before it was mailed


async def test_who_approved_hears_that_it_is_void_and_is_asked_anew(office):
    bo, cas = await person(office.bakkerij, "Bo"), await person(office.bakkerij, "Cas")
    await plan(office.bakkerij, step(bo), step(cas))
    request = await offered(office, **LATER)
    await day_passes(soon())
    await says_yes(bo, request)
    from models.approvals import swap_part

    [main] = await main_parts(request)
    await swap_part(await now(request), main.id, part("nieuw.pdf"), by=office.anna)
    await day_passes(after(days=1))
    assert (await said(bo))[-1] == [("approve_again", request.id)] and await said(cas) == []

    await says_yes(bo, request)
    fresh = await offered(office, replaces=request.id, beside=False, **LATER)
    await day_passes(after(days=2))
    assert sorted((await said(bo))[-1]) == [("approve", fresh.id), ("approve_voided", request.id)]


async def test_a_worker_that_died_after_the_mail_was_taken_leaves_it_to_the_next_who_notes_it_once(office):
    bo = await person(office.bakkerij, "Bo")
    await plan(office.bakkerij, step(bo))
    requests = [await offered(office, **LATER) for _ in range(3)]
    await day_passes(soon())
    [mail] = await told(bo)
    [errand] = await mails_to(bo, "client_news")
    await name_lines([errand.id], mail["lines"])
    assert await note_handed_over() == 0
    await engine.raw(
        "UPDATE errand SET state = 'done', said = '250 taken', message_id = '<1@poort>' WHERE id = $1", errand.id
    )

    done = await asyncio.gather(*(note_handed_over() for _ in range(3)))

    assert sum(done) == 3
    for request in requests:
        rows = await engine.raw("SELECT * FROM approval_record WHERE request = $1 ORDER BY number", request.id)
        previous = "0" * 64
        assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
        for row in rows:
            assert (row["previous"], row["link"]) == (previous, link_of({name: row[name] for name in FIELDS}))
            previous = row["link"]
        assert [row["act"] for row in rows].count("mail_handed_over") == 1


async def test_a_mail_kept_as_a_file_was_handed_to_nobody(office):
    bo = await person(office.bakkerij, "Bo")
    await plan(office.bakkerij, step(bo))
    request = await offered(office, **LATER)
    await day_passes(soon())
    await time_passes(seconds=1)
    await post_all()

    assert [one.state for one in await mails_to(bo, "client_news")] == ["done"]
    assert "mail_handed_over" not in await acts(request)


async def test_who_stands_in_for_another_hears_too_and_a_stranger_never(office):
    bo, cas = await person(office.bakkerij, "Bo"), await person(office.bakkerij, "Cas")
    await plan(office.bakkerij, step(bo))
    await Mandate(
        client=office.bakkerij, giver=bo.user.id, taker=cas.user.id, since=dt.date(2026, 1, 1), made_at=utcnow()
    ).save()
    request = await offered(office, **LATER)
    await day_passes(soon())

    assert await said(cas) == await said(bo) == [[("approve", request.id)]]
    assert await said(office.rik) == await said(office.sam) == []


async def test_a_pin_that_is_blocked_is_told_to_who_looks_after_the_request(office):
    bo = await person(office.bakkerij, "Bo")
    await at_once(office.anna)
    await plan(office.bakkerij, step(bo))
    for _ in range(3):
        await offered(office, responsible=office.anna.user.id, **LATER)
    await engine.run_writing(lambda: approver_blocked(bo.user.id))

    told = await to_staff(office.anna)
    assert [what for what, _ in told] == ["blocked"], "once, and not for each request"
    [errand] = await engine.raw(
        "SELECT id FROM errand WHERE kind = 'upload_notice' AND person = $1", office.anna.user.id
    )
    [line] = await of_staff(office.anna, errand["id"])
    assert (line["who"], line["person"], line["more"]) == ("Bo Test", bo.user.id, 2)


async def test_who_is_mailed_before_his_daily_mail_is_asked_and_not_reminded(office):
    """The first he hears is no reminder, and the mail of the day does not ask the same anew; taken back, it asks all the same."""
    bo = await person(office.bakkerij, "Bo")
    await plan(office.bakkerij, step(bo))
    first, second = await offered(office, **LATER), await offered(office, **LATER)
    for request, batch in ((first, "nu"), (second, "toch niet")):
        await remind.send(await remind.of_requests(office.anna, [request.id]), batch, by=office.anna)
    await remind.undo("toch niet", by=office.anna)
    assert (await remind.of_requests(office.anna, [first.id])).left_out["lately"] == 1
    await day_passes(soon())

    assert [mail for mail in await said(bo) if mail] == [[("approve", first.id)], [("approve", second.id)]]


async def test_of_a_step_for_one_nobody_waits_for_a_mail_who_is_not_asked_any_more(office):
    bo, cas = await person(office.bakkerij, "Bo"), await person(office.bakkerij, "Cas")
    await plan(office.bakkerij, step(bo, cas, mode="any"), step(await person(office.bakkerij, "Dop")))
    request = await offered(office, **LATER)
    await says_yes(bo, request)
    names = remind.waits_for_daily(
        await remind.of_request(request.id), (await whole(office.anna, await now(request))).places
    )
    assert names == ["Dop Test"]


async def test_who_stands_in_from_a_later_day_hears_of_what_waits(office):
    """A holiday: the mandate is given before it begins, and what waits was told to the other alone."""
    bo, cas = await person(office.bakkerij, "Bo"), await person(office.bakkerij, "Cas")
    await plan(office.bakkerij, step(bo))
    request = await offered(office, **LATER)
    await day_passes(soon())
    assert await said(cas) == []

    early = Mandate(
        client=office.bakkerij,
        giver=bo.user.id,
        taker=cas.user.id,
        since=this_day() + dt.timedelta(days=1),
        made_at=utcnow(),
    )
    await early.save()
    assert await tell_substitutes() == 0, "it has not begun"
    await engine.raw("UPDATE mandate SET since = $1 WHERE id = $2", this_day(), early.id)
    assert (await tell_substitutes(), await tell_substitutes()) == (1, 0)
    await day_passes(soon() + dt.timedelta(days=1))
    assert await said(cas) == [[("approve", request.id)]]
    assert await tell_substitutes() == 0


# substitutes, who hears and who is said to hear


async def stands_in(office: Cast, giver: Viewer, taker: Viewer) -> None:
    client = await office.anna.clients.get(office.bakkerij)
    await give_mandate(client, giver.user.id, taker.user.id, None, None, None, by=office.anna)


async def kinds_said(viewer: Viewer) -> set[str]:
    return {kind for mail in await said(viewer) for kind, _ in mail}


async def test_a_substitute_who_approved_hears_of_a_refusal_and_of_a_replacement(office):
    bo, cas, dee = (
        await person(office.bakkerij, "Bo"),
        await person(office.bakkerij, "Cas"),
        await person(office.bakkerij, "Dee"),
    )
    await plan(office.bakkerij, step(bo), step(cas))
    await stands_in(office, bo, dee)
    request, other = await offered(office, **LATER), await offered(office, **LATER)
    await day_passes(soon())
    for one in (request, other):
        await says_yes(dee, one, on_behalf_of=bo.user.id)
    await says_no(cas, request)
    await replace_by(await now(other), await draft(office, **LATER), by=office.anna)
    await day_passes(after(days=1))
    assert {"approve_refused", "approve_voided"} <= await kinds_said(dee)
    assert "approve_refused" in await kinds_said(bo)


@pytest.mark.parametrize("end", ["withdrawn", "replaced"])
async def test_a_substitute_who_was_asked_hears_that_it_is_over(office, end):
    bo, dee, eli = (
        await person(office.bakkerij, "Bo"),
        await person(office.bakkerij, "Dee"),
        await person(office.bakkerij, "Eli"),
    )
    await plan(office.bakkerij, step(bo))
    await stands_in(office, bo, dee)
    request = await offered(office, **LATER)
    await day_passes(soon())
    if end == "withdrawn":
        await withdraw(request, "Fout", by=office.anna)
    else:
        await replace_by(request, await draft(office, **LATER), by=office.anna)
    await day_passes(after(days=1))
    assert "approve_ended" in await kinds_said(dee) and "approve_ended" in await kinds_said(bo)
    assert await said(eli) == []


async def test_who_is_asked_again_after_it_expired_hears_that(office):
    bo = await person(office.bakkerij, "Bo")
    await plan(office.bakkerij, step(bo))
    request = await offered(
        office, internal_due=this_day() - dt.timedelta(days=90), legal_due=this_day() - dt.timedelta(days=80)
    )
    await day_passes(soon())
    assert await expire_due(this_day() + dt.timedelta(days=61)) == 1
    await extend(await now(request), dt.date(2099, 3, 4), dt.date(2099, 4, 1), by=office.anna)
    await day_passes(after(days=1))
    assert [mail[0] for mail in await said(bo)] == [("approve", request.id)] * 2
    assert (await acts(request))[-3:] == ["expired", "extended", "asked"]


async def test_who_is_said_to_get_a_mail_gets_one(office):
    """Not who wants none; also who stands in for somebody."""
    bo, cas, dee = (
        await person(office.bakkerij, "Bo"),
        await person(office.bakkerij, "Cas"),
        await person(office.bakkerij, "Dee"),
    )
    await plan(office.bakkerij, step(bo, cas))
    await stands_in(office, bo, dee)
    await engine.raw("UPDATE users SET digest = 'never' WHERE id = $1", bo.user.id)
    await engine.raw("INSERT INTO hearing (person, client, how) VALUES ($1, $2, 'daily')", cas.user.id, office.bakkerij)
    view = await who_would_sign(office.bakkerij, (await kind()).id)
    each = (await who_would_sign_each([office.bakkerij], (await kind()).id))[office.bakkerij]
    assert view.told == each.told == ({cas.user.id: "Cas Test", dee.user.id: "Dee Test"}, {bo.user.id: "Bo Test"})
    assert "Bo Test wil geen mail ontvangen en krijgt geen bericht." in [str(one) for one in view.warnings]
    await offered(office, **LATER)
    await day_passes(soon())
    assert [bool(await said(one)) for one in (bo, cas, dee)] == [False, True, True]


async def test_what_cannot_prove_anything_any_more_is_no_means(office):
    """A list of codes that is used up: one rule for the warning and for approving."""
    bo = await person(office.bakkerij, "Bo")
    await pins.store(await pins.prepare([bo.user.id], "codes"), {}, by_person=office.anna.user.id)
    await engine.raw("UPDATE pin SET state = 'confirmed', confirmed_at = $1", utcnow())
    lacks = "Bo Test heeft nog geen middel om akkoord mee te geven, zoals een pincode."
    assert lacks not in [str(one) for one in (await who_would_sign(office.bakkerij, (await kind()).id)).warnings]
    await engine.raw("UPDATE pin SET asked = 0")
    assert lacks in [str(one) for one in (await who_would_sign(office.bakkerij, (await kind()).id)).warnings]
