"""What clients' people hear of: what they may see, each thing once, daily, at once or not; never before they came in."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from models import client_news, engine, hearing, reminding
from models.approvals.granting import appoint_substitute, end_mandate, give_mandate
from models.certifying import completing
from models.clients.rights import settle_rights
from models.core import save
from models.dossiers import DRAFT, NOW, Document, Selection
from models.dossiers.publishing import publish as publish_it
from models.dossiers.remarks import say
from models.outbox import Errand
from models.people import addressee
from models.requests import DocumentRequest, make_requests
from models.settings import Firm, this_day
from partials.mails import compose
from tests.approving import ALL, offered, person, plan, step
from tests.cast import Cast, as_viewer
from tests.certifying import approved, with_certificate
from tests.client_mail import (
    LONG_AGO,
    after,
    all_was_heard,
    day_passes,
    hears,
    names,
    office_hears,
    publish,
    soon,
    told,
)

RIK = "rik@bakkerij-jansen.example"


@pytest.fixture
async def quiet(cast: Cast) -> Cast:
    await all_was_heard()
    return cast


async def mails() -> int:
    return await Errand.count().where(Errand.kind == "client_news")


async def test_what_is_new_comes_once_a_day_in_one_mail_over_all_his_companies(quiet):
    await publish(quiet.bakkerij, "jaarrekening.pdf", "btw.pdf")
    await publish(quiet.beheer, "aangifte.pdf")

    await asyncio.gather(*(day_passes(soon()) for _ in range(4)))
    await day_passes(after(hours=1))
    await day_passes(after(days=1))

    [mail] = await told(quiet.rik)
    assert [client["name"] for client in mail["clients"]] == ["Bakkerij Jansen B.V.", "Jansen Beheer B.V."]
    assert names(mail) == ["aangifte.pdf", "btw.pdf", "jaarrekening.pdf"]


async def test_who_has_nothing_new_gets_nothing(quiet):
    await publish(quiet.bakkerij, "btw.pdf")

    await day_passes(soon())

    assert await told(quiet.sam) == [] and await told(quiet.fem) == []


async def test_each_thing_is_told_once_and_the_next_day_only_what_came_after(quiet):
    await publish(quiet.bakkerij, "een.pdf")
    await day_passes(soon())
    await publish(quiet.bakkerij, "twee.pdf", at=after(hours=3))
    await day_passes(after(days=1))

    assert [names(mail) for mail in await told(quiet.rik)] == [["een.pdf"], ["twee.pdf"]]


async def test_before_the_offices_hour_nothing_leaves(quiet):
    await engine.raw("UPDATE firm SET digest_hour = 8")
    await publish(quiet.bakkerij, "een.pdf", at=dt.datetime(2026, 11, 20, 20, tzinfo=dt.UTC))

    assert await day_passes(dt.datetime(2026, 11, 21, 6, 59, tzinfo=dt.UTC)) == 0
    assert await day_passes(dt.datetime(2026, 11, 21, 7, 1, tzinfo=dt.UTC)) == 1


@pytest.mark.parametrize("state", ["prepared", "invited", "blocked"])
async def test_who_is_not_in_is_not_mailed_and_what_was_before_is_no_news_afterwards(quiet, state):
    await engine.raw("UPDATE users SET state = $1 WHERE id = $2", state, quiet.rik.user.id)
    await publish(quiet.bakkerij, "vooraf.pdf")
    assert await day_passes(soon()) == 0

    await engine.raw(
        "UPDATE users SET state = 'active', activated_at = $1 WHERE id = $2", after(hours=1), quiet.rik.user.id
    )
    await day_passes(after(days=1))
    assert await told(quiet.rik) == []

    await publish(quiet.bakkerij, "daarna.pdf", at=after(days=1))
    await day_passes(after(days=2))
    assert [names(mail) for mail in await told(quiet.rik)] == [["daarna.pdf"]]


async def test_who_was_given_a_company_later_is_not_mailed_of_what_was_there(quiet):
    await publish(quiet.bakkerij, "vooraf.pdf")
    await engine.raw("UPDATE access SET created_at = $1 WHERE client = $2", after(hours=1), quiet.bakkerij)

    assert await day_passes(after(days=1)) == 0


async def test_a_draft_and_what_is_a_draft_again_is_not_told(quiet):
    (one,) = await publish(quiet.bakkerij, "teruggehaald.pdf")
    await day_passes(soon())
    document = await Document.objects().get(Document.id == one)
    await publish_it(document, DRAFT, by=quiet.anna)

    assert [mail["count"] for mail in await told(quiet.rik)] == [0]

    await publish_it(document, NOW, by=quiet.anna)
    await engine.raw("UPDATE document SET published_at = $1 WHERE id = $2", after(hours=1), one)  # an hour later
    await day_passes(after(days=1))
    assert names((await told(quiet.rik))[1]) == ["teruggehaald.pdf"]


async def test_a_new_version_is_news_to_who_read_the_old_one_and_what_he_opened_is_none(quiet):
    (one, two) = await publish(quiet.bakkerij, "gelezen.pdf", "nieuwer.pdf")
    for id in (one, two):
        document = await Document.objects().get(Document.id == id)
        await document.note_read(by=quiet.rik)
    await engine.raw("UPDATE document SET version = 2 WHERE id = $1", two)

    await day_passes(soon())

    assert [names(mail) for mail in await told(quiet.rik)] == [["nieuwer.pdf"]]


async def test_a_planned_document_is_told_when_its_moment_has_come(quiet):
    from models.dossiers.publishing import publish_due

    (one,) = await publish(quiet.bakkerij, "later.pdf")
    before = after(hours=-10)
    await engine.raw(
        "UPDATE document SET state = 'planned', publish_at = $1, published_at = NULL WHERE id = $2", before, one
    )
    assert await day_passes(after(days=-1)) == 0

    await publish_due()
    await day_passes(soon())

    assert [names(mail) for mail in await told(quiet.rik)] == [["later.pdf"]]


async def test_rights_count_at_the_moment_of_sending(quiet):
    await publish(quiet.bakkerij, "geheim.pdf")
    await publish(quiet.beheer, "wel.pdf")
    await day_passes(soon())
    await engine.raw(
        "UPDATE access SET rights = 0 WHERE person = $1 AND client = $2", quiet.rik.user.id, quiet.bakkerij
    )

    [mail] = await told(quiet.rik)

    assert names(mail) == ["wel.pdf"]


async def test_who_may_open_one_folder_hears_of_that_folder_only(quiet):
    folders = await engine.raw(
        "SELECT min(id) AS id, name, name_key FROM folder WHERE client = $1 AND parent IS NULL AND kind <> 'internal' GROUP BY name, name_key ORDER BY name",
        quiet.bakkerij,
    )
    open_, closed = folders[0], folders[1]
    fem = quiet.fem.user.id
    access = (await engine.raw("SELECT id FROM access WHERE person = $1", fem))[0]["id"]
    await engine.raw(
        "INSERT INTO folder_right (access, name, name_key, act) VALUES ($1, $2, $3, $4)",
        access, open_["name"], open_["name_key"], False,
    )  # fmt: skip
    await settle_rights(people=[fem])
    await engine.raw("UPDATE client SET modules = '' WHERE id = $1", quiet.bakkerij)
    await publish(quiet.bakkerij, "dicht.pdf", folder=closed["name"])
    assert await day_passes(soon()) == 1  # rik, who sees all
    await publish(quiet.bakkerij, "open.pdf", folder=open_["name"], at=after(hours=1))

    await day_passes(after(days=1))

    assert [names(mail) for mail in await told(quiet.fem)] == [["open.pdf"]]


async def test_what_is_for_many_is_told_to_whom_it_is_for(quiet):
    general = await engine.raw(
        "SELECT f.id FROM folder f JOIN dossier d ON d.id = f.dossier WHERE d.kind = 'general' AND d.audience = 'all' LIMIT 1"
    )
    (one,) = await publish(quiet.bakkerij, "voor iedereen.pdf")
    await engine.raw("UPDATE document SET client = NULL, folder = $1 WHERE id = $2", general[0]["id"], one)

    await day_passes(soon())

    [rik], [sam] = await told(quiet.rik), await told(quiet.sam)
    assert names(rik) == names(sam) == ["voor iedereen.pdf"] and rik["clients"][0]["id"] is None
    assert await told(quiet.fem) == []  # payroll alone


async def test_never_is_never_and_afterwards_only_what_is_new_then(quiet):
    await hears(quiet.rik, "never")
    await publish(quiet.bakkerij, "gemist.pdf")
    assert await day_passes(soon()) == 0

    rik = await as_viewer(RIK)
    await rik.user.set_preferences("nl", "", "daily", by=rik)
    await engine.raw("UPDATE hearing SET told_until = $1", after(hours=1))  # that was an hour later
    await publish(quiet.bakkerij, "gehoord.pdf", at=after(hours=2))
    await day_passes(after(days=1))

    assert [names(mail) for mail in await told(quiet.rik)] == [["gehoord.pdf"]]


async def test_who_is_let_hear_again_by_a_colleague_is_not_told_of_what_was(quiet):
    await hears(quiet.rik, "never")
    await publish(quiet.bakkerij, "gemist.pdf")
    await hearing.hear_again([quiet.rik.user.id, quiet.sam.user.id])
    await hears(quiet.rik, "daily")
    rows = await engine.raw("SELECT person FROM hearing")

    assert [row["person"] for row in rows] == [quiet.rik.user.id]  # sam heard all along
    await engine.raw("UPDATE hearing SET told_until = $1", after(minutes=1))
    assert await day_passes(soon()) == 0


async def test_of_one_company_at_once_and_of_the_other_daily(quiet):
    await hearing.choose(quiet.rik.user, {quiet.beheer: "at_once"}, by=quiet.rik)
    await publish(quiet.bakkerij, "dagelijks.pdf")
    await publish(quiet.beheer, "meteen.pdf")

    await client_news.plan_at_once(soon())
    await client_news.plan_at_once(after(minutes=1))
    await publish(quiet.beheer, "nog een.pdf", at=after(minutes=1))
    await client_news.plan_at_once(after(minutes=4))  # within ten minutes it is gathered
    assert len(await told(quiet.rik)) == 1
    await client_news.plan_at_once(after(minutes=15))
    await day_passes(after(minutes=30))

    assert [names(mail) for mail in await told(quiet.rik)] == [["meteen.pdf"], ["nog een.pdf"], ["dagelijks.pdf"]]


async def test_who_changes_from_daily_to_at_once_hears_of_nothing_twice_and_misses_nothing(quiet):
    await publish(quiet.bakkerij, "een.pdf")
    await day_passes(soon())
    await publish(quiet.bakkerij, "twee.pdf", at=after(hours=1))
    rik = await as_viewer(RIK)
    await rik.user.set_preferences("nl", "", "at_once", by=rik)

    await client_news.plan_at_once(after(hours=2))
    await day_passes(after(days=1))

    assert [names(mail) for mail in await told(quiet.rik)] == [["een.pdf"], ["twee.pdf"]]


async def test_the_offices_choice_holds_for_who_made_none(quiet):
    await office_hears("never")
    await hears(quiet.sam, "daily")
    await publish(quiet.bakkerij, "een.pdf")
    await publish(quiet.garage, "twee.pdf")

    await day_passes(soon())

    assert await told(quiet.rik) == [] and names((await told(quiet.sam))[0]) == ["twee.pdf"]


async def test_an_answer_of_the_office_is_told_to_who_reads_the_document(quiet):
    (one,) = await publish(quiet.bakkerij, "btw.pdf", at=after(days=-30))
    document = await Document.objects().get(Document.id == one)
    await say(document, "Klopt dit?", by=quiet.rik)
    await say(document, "Ja, dat klopt.", by=quiet.anna)

    await day_passes(soon())

    assert [names(mail, "answers") for mail in await told(quiet.rik)] == [["btw.pdf"]]
    assert await told(quiet.sam) == []


async def test_who_answered_already_is_not_told_of_the_question(quiet):
    (one,) = await publish(quiet.bakkerij, "btw.pdf", at=after(days=-30))
    document = await Document.objects().get(Document.id == one)
    await say(document, "Klopt dit?", by=quiet.anna)
    await say(document, "Ja, dat klopt.", by=quiet.rik)

    await day_passes(soon())
    assert await told(quiet.rik) == []

    await say(document, "Dank u.", by=quiet.anna)
    await day_passes(after(days=1))
    assert [names(mail, "answers") for mail in await told(quiet.rik)] == [["btw.pdf"]]


async def test_what_the_office_reminded_of_by_hand_is_not_mailed_as_new_again(quiet):
    """Of a request that was made today: rik is reminded before the mail of the day left."""
    await make_requests(Selection("clients", clients=(quiet.bakkerij,)), "Jaarstukken", "", None, [("Kassaboek", "")], "een", by=quiet.anna)  # fmt: skip
    (request,) = await DocumentRequest.objects().where(DocumentRequest.batch == "een")
    found = await reminding.of_requests(quiet.anna, [request.id])
    await reminding.send(found, "batch-1", by=quiet.anna)
    await reminding.undo("batch-1", by=quiet.anna)
    await reminding.send(await reminding.of_requests(quiet.anna, [request.id]), "batch-2", by=quiet.anna)

    assert await client_news.plan_daily(soon()) == 0  # he knows
    await publish(quiet.bakkerij, "Brief.pdf", at=soon() - dt.timedelta(minutes=3))
    await engine.raw("UPDATE firm SET heard_day = 0")
    assert await client_news.plan_daily(soon()) == 1
    mail = (await told(quiet.rik))[-1]
    assert not mail["counts"].get("asked") and mail["counts"]["documents"] == 1


async def test_a_reminder_that_never_left_takes_nothing_out_of_the_mail(quiet):
    await make_requests(Selection("clients", clients=(quiet.bakkerij,)), "Jaarstukken", "", None, [("Kassaboek", "")], "een", by=quiet.anna)  # fmt: skip
    (request,) = await DocumentRequest.objects().where(DocumentRequest.batch == "een")
    await reminding.send(await reminding.of_requests(quiet.anna, [request.id]), "batch-1", by=quiet.anna)
    await engine.raw("UPDATE errand SET state = 'failed' WHERE kind = 'reminder'")

    assert await client_news.plan_daily(soon()) == 1
    assert (await told(quiet.rik))[-1]["counts"]["asked"] == 1


async def test_what_he_approved_himself_is_no_news_to_him_and_is_to_another(quiet):
    cas = await person(quiet.bakkerij, "Cas")
    await engine.raw("UPDATE users SET created_at = $1, activated_at = $1 WHERE kind = 'client'", LONG_AGO)
    await engine.raw("UPDATE access SET created_at = $1", LONG_AGO)
    await with_certificate()
    made = await approved(quiet, name="btw.pdf")
    assert await completing.seal(made.request.id)

    await day_passes(soon())

    assert await told(quiet.rik) == []
    [mail] = await told(cas)
    assert len(names(mail)) == 3, "the file, its attachment and the certificate"
    await engine.raw(
        "UPDATE document SET sha256 = $1, published_at = $2 WHERE name = 'btw.pdf'", "d" * 64, after(hours=1)
    )
    await publish(quiet.bakkerij, "los.pdf", at=after(hours=1))
    await day_passes(after(days=1))
    assert [names(mail) for mail in await told(quiet.rik)] == [["btw.pdf", "los.pdf"]], "other bytes than he approved"


async def test_what_is_asked_stands_first_over_all_his_companies_with_its_button(quiet):
    await save(await Firm.load(), modules="dossiers,approvals")
    bo = await person(quiet.bakkerij, "Bo")
    await engine.raw(
        "INSERT INTO access (person, client, rights, own, role, created_at) VALUES ($1, $2, $3, $3, '', $4)",
        bo.user.id, quiet.beheer, int(ALL), LONG_AGO,
    )  # fmt: skip
    await engine.raw("UPDATE users SET created_at = $1, activated_at = $1 WHERE kind = 'client'", LONG_AGO)
    await engine.raw("UPDATE access SET created_at = $1", LONG_AGO)
    await plan(quiet.beheer, step(bo))
    await publish(quiet.bakkerij, "een.pdf")
    await publish(quiet.beheer, "twee.pdf")
    await offered(quiet, quiet.beheer)
    await day_passes(soon())

    [mail] = await told(bo)
    assert [client["name"] for client in mail["clients"]] == ["Jansen Beheer B.V.", "Bakkerij Jansen B.V."]
    told_by = {
        "firm": await Firm.load(),
        "person": addressee({"surname": "Test"}),
        "base": "https://p.example",
        "by_hand": False,
    }
    text = compose("client_news", "nl", **mail, **told_by, preferences_url="", stop_url="/stop").text
    order = [
        text.index(words)
        for words in (
            "Uw akkoord wordt gevraagd op:",
            "Bekijken en akkoord geven",
            "Nieuw bij Jansen Beheer B.V.",
            "twee.pdf",
            "een.pdf",
        )
    ]
    assert order == sorted(order)


async def test_who_is_to_stand_in_hears_of_it_once_from_when_until_when_and_for_whom(quiet):
    await save(await Firm.load(), modules="dossiers,approvals")
    bo, cas, dee = [await person(quiet.bakkerij, name) for name in ("Bo", "Cas", "Dee")]
    await engine.raw("UPDATE users SET created_at = $1, activated_at = $1 WHERE kind = 'client'", LONG_AGO)
    await engine.raw("UPDATE access SET created_at = $1", LONG_AGO)
    client, last = await quiet.anna.clients.get(quiet.bakkerij), this_day() + dt.timedelta(days=9)
    await appoint_substitute(await bo.clients.get(quiet.bakkerij), cas.user.id, None, last, by=bo)
    await give_mandate(client, bo.user.id, dee.user.id, None, this_day() + dt.timedelta(days=3), None, by=quiet.anna)
    ended = await give_mandate(client, cas.user.id, bo.user.id, None, None, None, by=quiet.anna)
    await end_mandate(ended, by=quiet.anna)

    await day_passes(soon())
    await day_passes(after(days=1))

    [mail] = await told(cas)
    [line] = mail["clients"][0]["stands_in"]
    assert (line["giver"], line["since"], line["until"]) == ("Bo Test", this_day(), last)
    [other] = await told(dee)
    assert other["clients"][0]["stands_in"][0]["until"] is None
    assert await told(bo) == [], "what was ended is not told"
    told_by = {
        "firm": await Firm.load(),
        "person": addressee({"surname": "Test"}),
        "base": "https://p.example",
        "by_hand": False,
    }
    said = compose("client_news", "nl", **mail, **told_by, preferences_url="", stop_url="/stop")
    assert said.subject == "U accordeert namens een ander" and "in de plaats van Bo Test" in said.text
