"""Reminders: of requests by themselves on the days of the ladder until they are answered; by hand to exactly those who did not
answer or read, at most once a day, and not to who is not in yet."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from models import client_news, engine, reminding, unread
from models.core import Forbidden, Refused
from models.dossiers import Document, Selection
from models.ladder import Ladder, checked_days, ladder_of
from models.outbox import Errand
from models.requests import (
    DocumentRequest,
    RequestItem,
    change_due,
    make_requests,
    not_applicable,
    send_back,
    withdraw,
)
from models.settings import this_day, utcnow
from tests.cast import Cast, as_viewer
from tests.client_mail import LONG_AGO, all_was_heard, hears, names, publish, told

ITEMS = [("Bankafschriften", ""), ("Kassaboek", "")]
RIK = "rik@bakkerij-jansen.example"
DAY = this_day() + dt.timedelta(days=60)  # a last day is one that is still to come


@pytest.fixture
async def quiet(cast: Cast) -> Cast:
    await all_was_heard()
    return cast


async def asked(cast: Cast, *clients: int, due: dt.date | None = None, batch: str = "een") -> list[DocumentRequest]:
    """Asked long ago, so that only the ladder tells of it."""
    await make_requests(Selection("clients", clients=clients), "Jaarstukken", "", due, ITEMS, batch, by=cast.anna)
    await engine.raw("UPDATE request_item SET asked_at = $1", LONG_AGO + dt.timedelta(days=1))
    return await DocumentRequest.objects().where(DocumentRequest.batch == batch).order_by(DocumentRequest.client)


async def items(viewer: Any, request: DocumentRequest) -> list[RequestItem]:
    return await viewer.scope(RequestItem).where(RequestItem.request == request.id).all(RequestItem.position)


def noon(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(11), dt.UTC)


async def days_pass(first: dt.date, count: int) -> list[dt.date]:
    """The days on which rik was reminded."""
    found = []
    for n in range(count):
        day = first + dt.timedelta(days=n)
        before = await Errand.count().where(Errand.kind == "client_news")
        await client_news.plan_daily(noon(day))
        await client_news.plan_daily(noon(day) + dt.timedelta(hours=2))
        if await Errand.count().where(Errand.kind == "client_news") > before:
            found.append(day)
    return found


def test_the_ladder_climbs_as_it_was_set() -> None:
    due = dt.date(2026, 12, 10)
    usual = Ladder()
    days = [due + dt.timedelta(days=n) for n in range(-20, 40)]

    climbed = [day for day in days if usual.step(due, day) == day]

    assert [(day - due).days for day in climbed] == [-7, -1, 1, 8, 15, 22, 29, 36]
    assert all(usual.next_step(due, day) == next((d for d in climbed if d > day), None) for day in days[:-10])
    assert ladder_of("3", 0, 7).step(due, due + dt.timedelta(days=30)) == due - dt.timedelta(days=3)
    assert ladder_of("", 2, 0).step(due, due) is None
    assert checked_days("1; 7, 7") == "7,1" and checked_days("") == ""
    with pytest.raises(Refused):
        checked_days("morgen")


async def test_a_week_before_a_day_before_the_day_after_and_then_weekly(quiet):
    await asked(quiet, quiet.bakkerij, due=DAY)

    days = await days_pass(DAY - dt.timedelta(days=12), 32)

    assert [(day - DAY).days for day in days] == [-7, -1, 1, 8, 15]
    assert names((await told(quiet.rik))[0], "reminded", "title") == ["Jaarstukken"]


async def test_it_stops_by_itself_when_all_is_answered(quiet):
    (request,) = await asked(quiet, quiet.bakkerij, due=DAY)
    first, second = await items(quiet.rik, request)
    assert len(await days_pass(DAY - dt.timedelta(days=8), 3)) == 1
    rik = await as_viewer(RIK)
    await not_applicable(first, "Geen", by=rik)
    await not_applicable(second, "Geen", by=rik)

    assert await days_pass(DAY - dt.timedelta(days=3), 20) == []

    await send_back(second, "Toch wel", by=quiet.anna)  # and begins again when something comes back
    await engine.raw("UPDATE request_item SET judged_at = $1", noon(DAY + dt.timedelta(days=16)))
    assert await days_pass(DAY + dt.timedelta(days=17), 7) == [DAY + dt.timedelta(days=n) for n in (17, 22)]
    back, reminded = (await told(quiet.rik))[1:]
    assert (back["counts"]["back"], back["counts"]["reminded"], reminded["counts"]["reminded"]) == (1, 0, 1)


async def test_it_stops_when_it_is_withdrawn_and_moves_with_the_last_day(quiet):
    one, two = await asked(quiet, quiet.bakkerij, quiet.beheer, due=DAY)
    await withdraw(one, by=quiet.anna)
    await change_due(two, DAY + dt.timedelta(days=100), by=quiet.anna)

    assert await days_pass(DAY - dt.timedelta(days=8), 40) == []


async def test_the_office_sets_the_ladder_and_an_item_may_have_a_day_of_its_own(quiet):
    await engine.raw("UPDATE firm SET remind_before = '2', remind_after = 0, remind_every = 0")
    (request,) = await asked(quiet, quiet.bakkerij, due=DAY)
    await engine.raw(
        "UPDATE request_item SET due_on = $1 WHERE request = $2 AND position = 0",
        DAY - dt.timedelta(days=5),
        request.id,
    )

    days = await days_pass(DAY - dt.timedelta(days=10), 30)

    assert [(day - DAY).days for day in days] == [-7, -2]


async def test_who_was_asked_within_the_week_is_not_reminded_of_the_week_before(quiet):
    await make_requests(
        Selection("clients", clients=(quiet.bakkerij,)), "Spoed", "", this_day() + dt.timedelta(days=4), ITEMS, "nu", by=quiet.anna
    )  # fmt: skip
    await engine.raw("UPDATE request_item SET asked_at = $1", utcnow() - dt.timedelta(minutes=5))

    await client_news.plan_daily(utcnow() + dt.timedelta(minutes=1))

    [mail] = await told(quiet.rik)
    assert (mail["counts"]["asked"], mail["counts"]["reminded"]) == (1, 0)


async def test_what_was_answered_between_planning_and_sending_is_not_mailed(quiet):
    (request,) = await asked(quiet, quiet.bakkerij, due=DAY)
    await client_news.plan_daily(noon(DAY - dt.timedelta(days=7)))
    for item in await items(quiet.rik, request):
        await not_applicable(item, "Geen", by=await as_viewer(RIK))

    assert [mail["count"] for mail in await told(quiet.rik)] == [0]


async def test_who_is_not_in_yet_or_wants_no_mail_is_not_reminded(quiet):
    await asked(quiet, quiet.bakkerij, quiet.garage, due=DAY)
    await engine.raw("UPDATE users SET state = 'prepared', activated_at = NULL WHERE id = $1", quiet.rik.user.id)
    await hears(quiet.sam, "never")

    assert await days_pass(DAY - dt.timedelta(days=8), 20) == []


async def test_by_hand_one_looks_first_and_then_exactly_those_get_one_mail(quiet):
    requests = await asked(quiet, quiet.bakkerij, quiet.beheer, quiet.garage)
    await hears(quiet.sam, "never")

    found = await reminding.of_requests(quiet.anna, [one.id for one in requests])
    assert (found.mails, found.names, found.left_out["never"]) == (1, [quiet.rik.user.display_name], 1)
    assert await Errand.count().where(Errand.kind == "reminder") == 0  # looking mails nobody
    for _ in range(2):  # a button that was pressed twice
        assert await reminding.send(found, "batch-1", by=quiet.anna) == 1

    [mail] = await told(quiet.rik)
    assert [client["name"] for client in mail["clients"]] == ["Bakkerij Jansen B.V.", "Jansen Beheer B.V."]
    again = await reminding.of_requests(quiet.anna, [one.id for one in requests])
    assert (again.mails, again.left_out) == (0, {"lately": 1, "never": 1})
    assert [row["made_by"] for row in await reminding.of_request(requests[0].id)] == [quiet.anna.user.display_name]


async def test_it_can_be_taken_back_until_it_left(quiet):
    (request,) = await asked(quiet, quiet.bakkerij)
    await reminding.send(await reminding.of_requests(quiet.anna, [request.id]), "batch-1", by=quiet.anna)

    assert await reminding.undo("batch-1", by=quiet.anna) == 1
    assert (await reminding.of_requests(quiet.anna, [request.id])).mails == 1
    await reminding.send(await reminding.of_requests(quiet.anna, [request.id]), "batch-2", by=quiet.anna)
    await engine.raw("UPDATE errand SET state = 'done' WHERE kind = 'reminder' AND state = 'waiting'")
    with pytest.raises(Refused):
        await reminding.undo("batch-2", by=quiet.anna)


async def test_nobody_reminds_of_what_he_does_not_see_and_clients_remind_nobody(quiet):
    hidden = await engine.raw(
        "SELECT id FROM client WHERE id NOT IN (SELECT client FROM reach WHERE person = $1) AND id IN (SELECT client FROM access a JOIN users u ON u.id = a.person WHERE u.state = 'active' AND a.rights & 2 = 2) LIMIT 1",
        quiet.ed.user.id,
    )
    (request,) = await asked(quiet, hidden[0]["id"])

    assert (await reminding.of_requests(quiet.anna, [request.id])).mails > 0
    assert (await reminding.of_requests(quiet.ed, [request.id])).mails == 0
    with pytest.raises(Forbidden):
        await reminding.send(await reminding.of_requests(quiet.anna, [request.id]), "x", by=quiet.rik)


async def test_unread_counts_who_may_see_it_and_did_not_open_this_version(quiet):
    (one, two) = await publish(quiet.bakkerij, "btw.pdf", "gelezen.pdf")
    for id in (one, two):
        await (await Document.objects().get(Document.id == id)).note_read(by=quiet.rik)
    await engine.raw("UPDATE document SET version = 2 WHERE id = $1", one)

    rows, total = await unread.page(quiet.anna, unread.Filter())

    assert total == 1 and (rows[0]["name"], rows[0]["unread"]) == ("btw.pdf", rows[0]["may"])
    assert await unread.matching(quiet.anna, unread.Filter(client=quiet.garage)) == []
    audience = await unread.audience_of(quiet.anna, await Document.objects().get(Document.id == two))
    assert quiet.rik.user.display_name not in [row["who"] for row in audience["rows"]]


async def test_exactly_who_did_not_read_is_nudged_once_a_day(quiet):
    (one,) = await publish(quiet.bakkerij, "btw.pdf")
    await engine.raw(
        "UPDATE users SET state = 'prepared' WHERE id IN (SELECT person FROM access WHERE client = $1 AND rights & 1 = 1) AND id <> $2",
        quiet.bakkerij, quiet.rik.user.id,
    )  # fmt: skip

    found = await reminding.of_documents(quiet.anna, [one])
    await reminding.send(found, "b", by=quiet.anna)
    again = await reminding.of_documents(quiet.anna, [one])

    assert (found.mails, again.mails, again.left_out["lately"]) == (1, 0, 1)
    assert [names(mail, "unread") for mail in await told(quiet.rik)] == [["btw.pdf"]]
    await (await Document.objects().get(Document.id == one)).note_read(by=quiet.rik)
    assert [mail["count"] for mail in await told(quiet.rik)] == [0]  # opened before it left
    await engine.raw("UPDATE reminder SET at = $1", utcnow() - dt.timedelta(hours=25))
    assert (await reminding.of_documents(quiet.anna, [one])).mails == 0  # he read it


async def test_who_sees_only_other_folders_is_not_counted_nor_nudged(quiet):
    folders = await engine.raw(
        "SELECT min(id) AS id, name, name_key FROM folder WHERE client = $1 AND parent IS NULL AND kind <> 'internal' GROUP BY name, name_key ORDER BY name",
        quiet.bakkerij,
    )
    access = (await engine.raw("SELECT id FROM access WHERE person = $1", quiet.fem.user.id))[0]["id"]
    await engine.raw(
        "INSERT INTO folder_right (access, name, name_key, act) VALUES ($1, $2, $3, $4)",
        access, folders[0]["name"], folders[0]["name_key"], False,
    )  # fmt: skip
    await engine.raw("UPDATE client SET modules = '' WHERE id = $1", quiet.bakkerij)
    (closed,) = await publish(quiet.bakkerij, "dicht.pdf", folder=folders[1]["name"])
    (open_,) = await publish(quiet.bakkerij, "open.pdf", folder=folders[0]["name"])
    fem = await as_viewer("fem@bakkerij-jansen.example")

    for id, may in ((closed, False), (open_, True)):
        assert await fem.documents.where(Document.id == id).exists() is may  # what the page itself would do
        pairs = (await reminding.of_documents(quiet.anna, [id])).pairs
        assert (fem.user.id in {pair[0] for pair in pairs}) is may
