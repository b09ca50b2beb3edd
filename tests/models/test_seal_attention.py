"""Seals that cannot be made: whom it is told, where it stands until it is mended, and what the office does about its certificate."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs import writing
from models import asked, checkup, config, engine, notices
from models import storage as stores
from models.approvals.records import ApprovalRequest
from models.certifying import attention, completing, office, work
from models.certifying.records import ApprovalSeal, OfficeCertificate, SealTrouble
from models.core import save
from models.keeping import rehashing
from models.outbox import Errand, Kind
from models.settings import Firm, utcnow
from models.storage import storage
from models.tasks import Progress, Task
from tests import certifying as papers
from tests.authority import Authority, authority
from tests.cast import Cast
from tests.handing_in import all_was_told, wants

LATER = dt.timedelta(hours=2)


@pytest.fixture(autouse=True)
async def office_with_approvals(cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/files")
    config.reset()
    stores.reset()
    await papers.with_certificate()
    await engine.raw("UPDATE firm SET modules = 'dossiers,approvals'")
    await all_was_told()
    yield tmp_path
    monkeypatch.undo()
    config.reset()
    stores.reset()


@pytest.fixture
def tsa(monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    monkeypatch.setenv("ALLOW_PRIVATE_FEEDS", "1")
    config.reset()
    with authority() as running:
        yield running


async def stamping(cast: Cast, url: str) -> None:
    async with engine.writing():
        await (await Firm.load()).change(stamp_url=url, by=cast.anna)


async def broken(cast: Cast) -> tuple[papers.Made, Callable[[], Any]]:
    """A complete request of which a part is damaged in the storage, tried in vain; and how to put the part back."""
    made = await papers.approved(cast)
    path = storage().plain.path_of(papers.sha(made.contents[0]))
    kept = path.read_bytes()
    path.write_bytes(b"kapot")
    assert await completing.seal_due() == 0
    return made, lambda: path.write_bytes(kept)


async def said() -> list[str]:
    return [str(point.words) for point in await attention.points()]


async def bell(cast: Cast) -> dict[str, int]:
    return {one.key: one.count for one in await asked.asked_of(cast.anna, everybody=True)}


async def sealed(request: ApprovalRequest) -> list[ApprovalSeal]:
    return await ApprovalSeal.objects().where(ApprovalSeal.request == request.id).order_by(ApprovalSeal.number)


async def again(cast: Cast) -> Any:
    """The button, and the worker that does what it asks."""
    task = await engine.run_writing(lambda: work.start_sealing(by=cast.anna))
    return await work.seal_again(task, Progress(task))


async def test_an_authority_that_cannot_be_reached_is_told_until_it_is_and_the_seal_is_made_once(
    cast: Cast, tsa: Authority
) -> None:
    await stamping(cast, "http://127.0.0.1:9/")  # nobody listens
    made = await papers.approved(cast)
    await completing.seal_due()

    assert await said() == ["1 akkoordverklaring is verzegeld zonder tijdstempel: de tijdstempeldienst gaf er geen."]
    assert (await bell(cast))["seals"] == 1
    assert "zonder tijdstempel" in dict(await checkup.full())["seals"]
    [one] = await attention.waiting(cast.anna)
    assert one.request == made.request.id and "niet bereikbaar" in str(one.why) and one.next_at is not None

    await stamping(cast, tsa.url)
    outcome = await again(cast)

    assert outcome["done"] == 1
    assert [(one.number, one.why, one.level) for one in await sealed(made.request)] == [(1, "complete", "B-B"), (2, "stamped", "B-T")]  # fmt: skip
    assert await said() == [] and "seals" not in await bell(cast)
    assert dict(await checkup.full())["seals"] == ""
    assert await completing.seal_due() == await completing.mend_all(utcnow() + LATER) == 0  # once


async def test_an_office_that_gives_the_authority_up_misses_no_stamp(cast: Cast) -> None:
    await engine.raw("UPDATE firm SET stamp_url = $1", "http://127.0.0.1:9/")
    await papers.approved(cast)
    await completing.seal_due()
    assert await said()

    await stamping(cast, "")

    assert await said() == [] and "seals" not in await bell(cast)


async def test_a_request_that_cannot_be_sealed_is_told_with_the_reason_and_tried_again_by_the_button(
    cast: Cast,
) -> None:
    made, put_back = await broken(cast)

    assert await said() == ["1 accordering is compleet, maar kan niet worden verzegeld."]
    [one] = await attention.waiting(cast.anna)
    assert (one.request, one.tries) == (made.request.id, 1)
    assert "heeft een stuk" in str(one.why)
    with pytest.raises(Exception, match="kan niet worden verzegeld"):
        await again(cast)  # tried, and not at its turn
    assert (await attention.waiting(cast.anna))[0].tries == 2

    put_back()
    await again(cast)

    assert [one.number for one in await sealed(made.request)] == [1]
    assert await said() == [] and await attention.waiting(cast.anna) == []


async def test_only_who_sees_the_client_reads_of_his_request(cast: Cast) -> None:
    await broken(cast)
    await engine.raw("DELETE FROM responsible WHERE person = $1", cast.ed.user.id)
    await engine.raw("DELETE FROM reach WHERE person = $1", cast.ed.user.id)

    assert await attention.waiting(cast.ed) == []
    assert await attention.points_for(cast.ed) == []  # and hears of nothing


async def test_what_nobody_tries_is_told_after_ten_minutes(cast: Cast) -> None:
    made = await papers.approved(cast)
    assert await said() == []

    await papers.unguarded()
    async with engine.writing():
        await save(made.request, completed_at=utcnow() - dt.timedelta(minutes=11))

    assert await said() == ["1 accordering is compleet, maar kan niet worden verzegeld."]
    assert "Draait de worker" in str((await attention.waiting(cast.anna))[0].why)


async def test_a_lost_certificate_that_cannot_be_made_anew_is_told_until_it_is_put_back(
    cast: Cast, office_with_approvals: Path
) -> None:
    made = await papers.approved(cast)
    await completing.seal_due()
    [first] = await sealed(made.request)
    path = storage().plain.path_of(first.sha256)
    kept = path.read_bytes()
    path.unlink()
    await rehashing.know_all()
    await rehashing.check(first.sha256)
    incoming = office_with_approvals / "files" / "incoming"
    shutil.rmtree(incoming)
    incoming.write_bytes(b"")  # the storage takes nothing new

    await completing.mend_all()

    assert await said() == ["1 accordering is compleet, maar kan niet worden verzegeld."]
    assert "opslag werkt" in str((await attention.waiting(cast.anna))[0].why)
    path.write_bytes(kept)
    await rehashing.check(first.sha256)
    await completing.mend_all(utcnow() + LATER)
    assert await said() == []


@pytest.mark.parametrize("chosen", ["daily", "at_once", "never"])
async def test_administrators_read_it_in_the_mail_of_the_day_whatever_they_chose(cast: Cast, chosen: str) -> None:
    await wants(cast.anna, chosen)
    await wants(cast.ed, "daily")
    _, put_back = await broken(cast)

    await notices.plan_digests((utcnow() + dt.timedelta(days=1)).replace(hour=7))

    [mail] = await Errand.objects().where(Errand.kind == Kind.DIGEST.value, Errand.person == cast.anna.user.id).order_by(Errand.id, ascending=False).limit(1)  # fmt: skip
    news = await notices.news_of(cast.anna.user.id, Kind.DIGEST, json.loads(mail.detail), mail.id)
    assert news is not None and [str(words) for words in news["seals"]] == await said()
    firm = await Firm.load()
    row = {"kind": Kind.DIGEST, "person_id": cast.anna.user.id, "language": "nl", "expires_at": None, "subject_id": 1, "detail": mail.detail, "informal": False}  # fmt: skip
    letter = writing.compose({**row, **(await person_row(cast))}, firm, "", news)
    assert letter is not None and "kan niet worden verzegeld" in letter.text and "/approvals/seals" in letter.text
    theirs = await notices.news_of(cast.ed.user.id, Kind.DIGEST, json.loads(mail.detail), mail.id)
    assert theirs is not None and theirs["seals"] == []

    put_back()
    await completing.seal_due(utcnow() + LATER)
    news = await notices.news_of(cast.anna.user.id, Kind.DIGEST, json.loads(mail.detail), mail.id)
    assert news is not None and news["seals"] == []  # mended before it left


async def person_row(cast: Cast) -> dict[str, Any]:
    rows = await engine.raw("SELECT * FROM users WHERE id = $1", cast.anna.user.id)
    return {name: value for name, value in rows[0].items() if name not in ("id", "language", "kind")}


# the certificate


async def ends(days: float, *, own: bool = True) -> OfficeCertificate:
    there = await office.present()
    assert there is not None
    async with engine.writing():
        await save(there, valid_until=utcnow() + dt.timedelta(days=days), is_own=own)
    return there


@pytest.mark.parametrize(("days", "presses"), [(61, None), (59, False), (13, True)])
async def test_a_certificate_is_told_of_sixty_and_fourteen_days_before_its_end(
    cast: Cast, days: float, presses: bool | None
) -> None:
    await ends(days, own=False)

    found = await attention.points()

    assert [point.presses for point in found] == ([] if presses is None else [presses])
    assert ("seal_certificate" in await bell(cast)) == (presses is not None)
    assert ("verloopt op" in dict(await checkup.full())["seals"]) == (presses is not None)


async def test_its_end_is_mailed_at_sixty_and_at_fourteen_days_and_not_every_day(cast: Cast) -> None:
    now, day = utcnow(), dt.timedelta(days=1)
    end = (await ends(100, own=False)).valid_until

    told = [left for left in range(70, -1, -1) if await attention.is_news(end - left * day - day, end - left * day)]

    assert told == [60, 14, 0]
    assert not await attention.is_news(now - day, now)


async def test_one_of_our_own_is_renewed_by_a_button(cast: Cast) -> None:
    before = await ends(10)
    assert "vernieuwt het" in (await said())[0]

    pair = await office.fresh_own()
    async with engine.writing():
        made = await office.renew(await Firm.load(), pair, by=cast.anna)

    assert made.fingerprint != before.fingerprint and made.valid_until > utcnow() + dt.timedelta(days=3600)
    assert await said() == []
    assert (await office.means()).record.id == made.id


async def test_when_that_of_a_trust_service_is_over_the_office_reads_that_its_own_stands_in(cast: Cast) -> None:
    await ends(-1, own=False)
    assert "is verlopen op" in (await said())[0]
    made = await papers.approved(cast)

    await completing.seal_due()

    assert (await made.again()).state == "filed"  # nothing is held up by it
    assert "eigen certificaat, dat een pdf-lezer niet kent" in (await said())[0]
    assert (await bell(cast))["seal_certificate"] == 1
    async with engine.writing():
        await office.leave_so(await Firm.load(), by=cast.anna)
    assert await said() == [] and "seal_certificate" not in await bell(cast)


async def test_a_key_of_another_secret_is_told(cast: Cast) -> None:
    there = await office.present()
    assert there is not None
    async with engine.writing():
        await save(there, locked_key="onleesbaar")

    await office.means()

    assert "SECRET_KEY is een andere" in (await said())[0]


async def test_an_office_without_approvals_hears_nothing_of_seals(cast: Cast) -> None:
    await ends(5, own=False)
    await engine.raw("UPDATE firm SET modules = 'dossiers'")

    assert await said() == [] and "seal_certificate" not in await bell(cast)
    assert not await attention.is_news(utcnow() - dt.timedelta(days=90), utcnow() + dt.timedelta(days=90))
    assert await SealTrouble.count() == 0 and await Task.count() >= 0
