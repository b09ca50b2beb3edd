"""Reminding from the board and the request's page, and the list of who is to be called."""

from __future__ import annotations

import datetime as dt
import html
import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from models import asked, engine
from models.approvals import ask, calling, extend, withdraw
from models.core import Refused, save
from models.settings import Firm, this_day
from tests.approving import draft, kind, offered, person, plan, says_no, says_yes, step
from tests.cast import Cast

Browsers = Callable[..., Any]
FAR = {"internal_due": dt.date(2099, 3, 4), "legal_due": dt.date(2099, 4, 1)}


@pytest.fixture
async def office(cast: Cast) -> Cast:
    await save(await Firm.load(), modules="dossiers,approvals", quiet_from=0, quiet_until=0, quiet_sundays=False)
    return cast


def text_of(answer: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def days(n: int) -> dt.date:
    return this_day() + dt.timedelta(days=n)


async def late(office: Cast, **more: Any) -> Any:
    request = await offered(office, **FAR, **more)
    await extend(request, days(-5), days(20), by=office.anna)
    return request


async def who(viewer: Any) -> list[tuple[str, int]]:
    return [(row["who"], row["id"]) for row in (await calling.to_call(viewer))[0]]


async def test_on_the_phone_list_is_who_did_not_react_to_the_last_reminder_or_whose_legal_deadline_is_near(office):
    bo = await person(office.bakkerij, "Bo", mobile="06 12345678")
    cas = await person(office.bakkerij, "Cas", state="prepared")
    await plan(office.bakkerij, step(bo, cas))
    one, near, calm = await late(office), await offered(office, **FAR), await offered(office, **FAR)
    await extend(near, days(1), days(2), by=office.anna)

    assert await who(office.anna) == [
        ("Bo Test", near.id),
        ("Cas Test", near.id),
        ("Bo Test", one.id),
        ("Cas Test", one.id),
    ]
    await engine.raw("UPDATE client SET state = 'archived' WHERE id = $1", office.bakkerij)
    assert await who(office.anna) == []  # nobody calls about a client that is put away
    await engine.raw("UPDATE client SET state = 'active' WHERE id = $1", office.bakkerij)
    assert {row["who"]: row["why"] for row in (await calling.to_call(office.anna))[0]} == {
        "Bo Test": "",
        "Cas Test": "not_in",
    }
    await says_yes(bo, one)
    await withdraw(near, "Vergissing", by=office.anna)
    assert await who(office.anna) == [("Cas Test", one.id)] and await who(office.rik) == [] and calm.id

    await calling.note_call(one, cas.user.id, "Belt terug", by=office.anna)
    [row] = (await calling.to_call(office.anna))[0]
    assert (row["called_on"], row["note"], row["called_by"]) == (this_day(), "Belt terug", office.anna.user.full_name)
    for person_id, on in ((bo.user.id, None), (cas.user.id, days(1))):
        with pytest.raises(Refused):
            await calling.note_call(one, person_id, "", on, by=office.anna)


async def test_the_list_is_read_called_from_and_exported_and_a_call_stands_at_the_request(office, browser: Browsers):
    bo = await person(office.bakkerij, "Bo", mobile="06 12345678")
    await plan(office.bakkerij, step(bo))
    request = await late(office)
    async with browser(office.anna) as anna:
        board, listed = await anna.get("/approvals"), await anna.get("/approvals/phone")
        to = f"/approvals/{request.id}/calls"
        wrong = await anna.post(to, data={"person": bo.user.id, "note": "Sprak hem", "called_on": days(2).isoformat()})
        await anna.post(to, data={"person": bo.user.id, "note": "Sprak hem", "called_on": this_day().isoformat()})
        with engine.count_queries() as pages:
            page = await anna.get(f"/approvals/{request.id}")
        with engine.count_queries() as lists:
            await anna.get("/approvals/phone")
        sheet = await anna.get("/approvals/phone/export")

    assert (pages.n <= 12, lists.n <= 12) == (True, True), (pages.n, lists.n)
    assert 'href="/approvals/phone"' in board.text
    assert "Bo Test" in listed.text and 'href="tel:0612345678"' in listed.text and "data-print" in listed.text
    assert wrong.status_code == 422 and "Sprak hem" in wrong.text and "nog niet geweest" in wrong.text
    assert "Sprak hem" in text_of(page) and "gebeld door" in text_of(page)
    book = zipfile.ZipFile(io.BytesIO(sheet.content))
    cells = b"".join(book.read(name) for name in book.namelist() if name.endswith(".xml")).decode()
    assert "06 12345678" in cells and "Sprak hem" in cells


async def test_reminding_many_says_beforehand_who_is_mailed_and_who_not_and_can_be_undone(office, browser: Browsers):
    bo, cas = await person(office.bakkerij, "Bo"), await person(office.bakkerij, "Cas", state="prepared")
    await plan(office.bakkerij, step(bo, cas))
    ids = [str((await offered(office, **FAR)).id) for _ in range(2)]
    async with browser(office.anna) as anna:
        looked = await anna.post("/approvals/many", data={"do": "remind", "ids": ids})
        before = await engine.raw("SELECT count(*) AS n FROM errand WHERE kind = 'reminder'")
        batch = re.search(r'name="batch" value="([^"]+)"', looked.text)[1]
        await anna.post("/approvals/many/changes", data={"do": "remind", "ids": ids, "batch": batch})
        await anna.post("/approvals/many/changes", data={"do": "remind", "ids": ids, "batch": batch})
        sent = await engine.raw("SELECT state FROM errand WHERE kind = 'reminder'")
        one = await anna.get(f"/approvals/{ids[0]}/reminder")
        await anna.post(f"/approvals/reminders/{batch}/undo")
        after = await engine.raw("SELECT state FROM errand WHERE kind = 'reminder'")
    async with browser(office.rik) as rik:
        assert (
            await rik.post("/approvals/many/changes", data={"do": "remind", "ids": ids, "batch": "x"})
        ).status_code == 404

    assert "Er gaat 1 mail uit." in text_of(looked) and "1 nog niet binnen : Cas Test" in text_of(looked).replace(
        "binnen:", "binnen :"
    )
    assert (
        before[0]["n"] == 0
        and [row["state"] for row in sent] == ["waiting"]
        and [row["state"] for row in after] == ["cancelled"]
    )
    assert "Er gaat geen mail uit." in text_of(one)


async def test_by_night_the_page_says_when_the_mails_leave(office, browser: Browsers):
    await save(await Firm.load(), quiet_from=1, quiet_until=0)  # all day but one hour
    bo = await person(office.bakkerij, "Bo")
    await plan(office.bakkerij, step(bo))
    request = await offered(office, **FAR)
    async with browser(office.anna) as anna:
        answer = await anna.get(f"/approvals/{request.id}/reminder")
    firm = await Firm.load()
    from models.quiet import is_quiet
    from models.settings import utcnow

    assert ("stille tijd" in text_of(answer)) is is_quiet(firm, utcnow())


async def test_the_overview_asks_for_what_is_to_be_authorised_refused_asked_and_late(office):
    bo = await person(office.bakkerij, "Bo")
    await plan(office.bakkerij, step(bo))
    await late(office)
    asking, refused = await offered(office, **FAR), await offered(office, **FAR)
    await ask(asking, "Hoezo?", by=bo)
    await says_no(bo, refused)
    waiting = await draft(office, **FAR)
    assert (await kind()).id
    await engine.raw("UPDATE approval_request SET state = 'sign_off', made_by = NULL WHERE id = $1", waiting.id)

    found = {one.key: one.count for one in await asked.asked_of(office.anna, everybody=True)}
    assert {key: found.get(key) for key in ("to_sign_off", "not_approved", "approval_questions", "approvals_late")} == {
        "to_sign_off": 1, "not_approved": 1, "approval_questions": 1, "approvals_late": 1,
    }  # fmt: skip
    await save(await Firm.load(), modules="dossiers")
    assert "approvals_late" not in {one.key for one in await asked.asked_of(office.anna, everybody=True)}


async def test_quiet_hours_are_set_on_the_page_of_mail(office, browser: Browsers):
    values = {
        "client_digest": "daily",
        "remind_before": "7",
        "remind_after": "1",
        "remind_every": "7",
        "quiet_from": "20",
        "quiet_until": "8",
    }
    async with browser(office.anna) as anna:
        shown = await anna.get("/settings/mail")
        await anna.post("/settings/mail/clients", data=values)
        wrong = await anna.post("/settings/mail/clients", data=values | {"quiet_from": "30"})
    firm = await Firm.load()

    assert "quiet_sundays" in shown.text and wrong.status_code == 422
    assert (firm.quiet_from, firm.quiet_until, firm.quiet_sundays) == (20, 8, False)


async def test_the_list_is_live_and_shows_at_once_what_a_colleague_noted(office, browser: Browsers):
    bo = await person(office.bakkerij, "Bo")
    await plan(office.bakkerij, step(bo))
    request = await late(office)
    async with browser(office.anna) as anna, browser(office.ed) as ed:
        page = await anna.get("/approvals/phone?responsible=me&page=1")
        at = html.unescape(re.search(r'id="approvals-phone" data-live="approvals" hx-get="([^"]+)"', page.text)[1])  # type: ignore[index]
        everybody = await anna.get("/approvals/phone")
        await ed.post(
            f"/approvals/{request.id}/calls",
            data={"person": bo.user.id, "note": "Tekent vandaag", "called_on": this_day().isoformat()},
        )
        fresh = await anna.htmx("GET", "/approvals/phone")

    assert at == "/approvals/phone?responsible=me"
    assert "Tekent vandaag" not in everybody.text and "Tekent vandaag" in fresh.text
    assert fresh.text.lstrip().startswith('<div class="page" id="approvals-phone" data-live="approvals"')
