"""News of uploads: to whom the client belongs, gathered, once a day, never twice, and only what that person may see."""

from __future__ import annotations

import asyncio
import datetime as dt
import json

import pytest

from models import notices
from models.dossiers import Document
from models.dossiers.remarks import open_questions, say
from models.outbox import Errand, Kind
from models.settings import Firm, utcnow
from tests.cast import Cast
from tests.handing_in import MORNING, all_was_told, hand_in, responsible_only, wants


async def asked(kind: Kind) -> list[Errand]:
    return await Errand.objects().where(Errand.kind == kind.value).order_by(Errand.id)


@pytest.fixture
async def quiet(cast: Cast) -> Cast:
    """The cast, when everything that the sample holds was told before."""
    await all_was_told()
    return cast


async def test_twenty_files_become_one_notice_to_the_responsible(quiet):
    await responsible_only(quiet.bakkerij, quiet.ed)
    await wants(quiet.ed, "at_once")

    await asyncio.gather(*(hand_in(quiet.bakkerij, f"bon {n}.pdf") for n in range(20)))

    [notice] = await asked(Kind.UPLOAD_NOTICE)
    assert notice.person == quiet.ed.user.id
    assert len(set(json.loads(notice.detail)["documents"])) == 20
    assert notice.run_after > utcnow() + dt.timedelta(seconds=30)
    news = await notices.news_of(quiet.ed.user.id, notice.kind, json.loads(notice.detail))
    assert news is not None
    assert news["count"] == 20
    assert [client["name"] for client in news["clients"]] == ["Bakkerij Jansen B.V."]


async def test_after_a_notice_is_on_its_way_another_is_begun(quiet):
    await responsible_only(quiet.bakkerij, quiet.ed)
    await wants(quiet.ed, "at_once")
    await hand_in(quiet.bakkerij, "een.pdf")
    await Errand.update({Errand.state: "claimed"}).where(Errand.kind == "upload_notice")

    await hand_in(quiet.bakkerij, "twee.pdf")

    assert len(await asked(Kind.UPLOAD_NOTICE)) == 2


async def test_a_question_reaches_the_responsible_at_once_and_in_the_digest_until_it_is_answered(quiet):
    await responsible_only(quiet.bakkerij, quiet.ed)
    row = await Document.objects().where(
        (Document.client == quiet.bakkerij) & (Document.source == "office") & (Document.state == "published")
    ).first()  # fmt: skip
    await say(row, "Klopt dit bedrag?", by=quiet.rik)

    tomorrow = (utcnow() + dt.timedelta(days=1)).replace(hour=MORNING.hour)
    await notices.plan_digests(tomorrow)
    [digest] = [one for one in await asked(Kind.DIGEST) if one.person == quiet.ed.user.id]
    told = await notices.news_of(quiet.ed.user.id, digest.kind, json.loads(digest.detail))
    assert (told["questions"], told["clients"][0]["questions"][0]["name"]) == (1, row.name)

    await wants(quiet.ed, "at_once")
    await say(row, "En deze?", by=quiet.rik)
    [notice] = await asked(Kind.UPLOAD_NOTICE)
    news = await notices.news_of(quiet.ed.user.id, notice.kind, json.loads(notice.detail))
    assert (notice.person, news["documents"], news["questions"]) == (quiet.ed.user.id, 0, 1)

    await say(row, "Ja.", by=quiet.anna)
    assert (await notices.news_of(quiet.ed.user.id, notice.kind, json.loads(notice.detail)))["count"] == 0
    assert await open_questions(quiet.rik) == [], "an answer asks nothing of the client"
    await say(row, "Wilt u dit nakijken?", by=quiet.anna)
    assert [one["name"] for one in await open_questions(quiet.rik)] == [row.name]


async def test_without_a_responsible_the_administrators_hear_of_it(quiet):
    await responsible_only(quiet.garage)
    await wants(quiet.anna, "at_once")
    await wants(quiet.ed, "at_once")

    await hand_in(quiet.garage, "bon.pdf")

    assert [notice.person for notice in await asked(Kind.UPLOAD_NOTICE)] == [quiet.anna.user.id]


@pytest.mark.parametrize("digest", ["daily", "never"])
async def test_who_does_not_want_it_at_once_gets_nothing_at_once(quiet, digest):
    await responsible_only(quiet.bakkerij, quiet.ed)
    await wants(quiet.ed, digest)

    await hand_in(quiet.bakkerij, "bon.pdf")

    assert not await asked(Kind.UPLOAD_NOTICE)


async def test_a_notice_of_what_was_thrown_away_meanwhile_says_nothing(quiet):
    await responsible_only(quiet.bakkerij, quiet.ed)
    await wants(quiet.ed, "at_once")
    await hand_in(quiet.bakkerij, "bon.pdf")
    await Document.update({Document.trashed_at: utcnow()}).where(Document.name == "bon.pdf")

    [notice] = await asked(Kind.UPLOAD_NOTICE)

    assert (await notices.news_of(quiet.ed.user.id, notice.kind, json.loads(notice.detail)))["count"] == 0


async def test_the_digest_comes_once_a_day_however_many_workers_ask(quiet):
    await responsible_only(quiet.bakkerij, quiet.ed)
    await hand_in(quiet.bakkerij, "bon.pdf", "foto.jpg", at=MORNING - dt.timedelta(hours=9))

    await asyncio.gather(*(notices.plan_digests(MORNING) for _ in range(5)))
    await notices.plan_digests(MORNING + dt.timedelta(hours=5))

    [digest] = await asked(Kind.DIGEST)
    assert (digest.person, digest.subject_id) == (quiet.ed.user.id, 20261124)
    news = await notices.news_of(quiet.ed.user.id, digest.kind, json.loads(digest.detail))
    assert [document["name"] for document in news["clients"][0]["documents"]] == ["bon.pdf", "foto.jpg"]


async def test_nothing_new_is_no_digest_and_nothing_is_told_twice(quiet):
    await responsible_only(quiet.bakkerij, quiet.ed)
    await hand_in(quiet.bakkerij, "bon.pdf", at=MORNING - dt.timedelta(hours=9))
    await notices.plan_digests(MORNING)

    await notices.plan_digests(MORNING + dt.timedelta(days=1))
    await hand_in(quiet.bakkerij, "later.pdf", at=MORNING + dt.timedelta(days=1, hours=3))
    await notices.plan_digests(MORNING + dt.timedelta(days=2))

    told = []
    for digest in await asked(Kind.DIGEST):
        news = await notices.news_of(quiet.ed.user.id, digest.kind, json.loads(digest.detail))
        told.append([document["name"] for client in news["clients"] for document in client["documents"]])
    assert told == [["bon.pdf"], ["later.pdf"]]


@pytest.mark.parametrize(("month", "hour"), [(11, 5), (7, 4)])
async def test_the_hour_is_that_of_amsterdam_in_winter_and_summer(quiet, month, hour):
    await responsible_only(quiet.bakkerij, quiet.ed)
    early = dt.datetime(2026, month, 20, hour, 59, tzinfo=dt.UTC)
    await hand_in(quiet.bakkerij, "bon.pdf", at=early - dt.timedelta(hours=5))

    assert await notices.plan_digests(early) == 0
    assert await notices.plan_digests(early + dt.timedelta(minutes=2)) == 1


async def test_the_office_chooses_the_hour(quiet):
    await responsible_only(quiet.bakkerij, quiet.ed)
    await Firm.update({Firm.digest_hour: 16}, force=True)
    await hand_in(quiet.bakkerij, "bon.pdf", at=MORNING - dt.timedelta(hours=5))

    assert await notices.plan_digests(MORNING) == 0
    assert await notices.plan_digests(MORNING.replace(hour=15, minute=1)) == 1


async def test_a_digest_holds_only_what_clients_handed_in_and_is_his(quiet):
    await responsible_only(quiet.bakkerij, quiet.ed)
    await responsible_only(quiet.garage, quiet.anna)
    at = MORNING - dt.timedelta(hours=9)
    await hand_in(quiet.bakkerij, "van de klant.pdf", at=at)
    await hand_in(quiet.bakkerij, "van kantoor.pdf", at=at, source="office")
    await hand_in(quiet.garage, "van sam.pdf", at=at)

    await notices.plan_digests(MORNING)

    told = {}
    for digest in await asked(Kind.DIGEST):
        news = await notices.news_of(digest.person, digest.kind, json.loads(digest.detail))
        told[digest.person] = [document["name"] for client in news["clients"] for document in client["documents"]]
    assert told == {quiet.ed.user.id: ["van de klant.pdf"], quiet.anna.user.id: ["van sam.pdf"]}


async def test_who_lost_the_client_before_it_was_sent_reads_nothing(quiet):
    await responsible_only(quiet.bakkerij, quiet.ed)
    await hand_in(quiet.bakkerij, "bon.pdf", at=MORNING - dt.timedelta(hours=9))
    await notices.plan_digests(MORNING)
    await responsible_only(quiet.bakkerij, quiet.anna)

    [digest] = await asked(Kind.DIGEST)

    assert (await notices.news_of(quiet.ed.user.id, digest.kind, json.loads(digest.detail)))["count"] == 0
