"""The screens of asking and reminding: what was not read, a look before mails leave, taking back, preferences, and rights."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from models import engine
from models.dossiers import Document, Selection
from models.dossiers.merging import merge_dossiers
from models.outbox import Errand
from models.requests import make_requests
from tests.cast import Cast
from tests.client_mail import all_was_heard, publish

ITEMS = [("Bankafschriften", ""), ("Kassaboek", "")]


@pytest.fixture
async def quiet(cast: Cast) -> Cast:
    await all_was_heard()
    return cast


async def mails() -> int:
    return await Errand.count().where((Errand.kind == "reminder") & (Errand.state == "waiting"))


async def test_who_did_not_read_is_reminded_from_the_list_and_it_can_be_taken_back(quiet: Cast, browser: Any) -> None:
    (one,) = await publish(quiet.bakkerij, "btw.pdf")
    async with browser(quiet.anna) as anna:
        listed = html.unescape((await anna.get("/unread?q=btw")).text)
        looked = await anna.post("/unread/nudge", data={"ids": [str(one)]})
        batch = re.search(r'name="batch" value="([^"]+)"', looked.text)[1]
        before = await mails()
        for _ in range(2):
            await anna.post("/unread/nudges", data={"ids": [str(one)], "batch": batch})
        sent = await mails()
        await anna.post(f"/reminders/{batch}/undo")

    assert "btw.pdf" in listed and "Bakkerij Jansen B.V." in listed
    assert "Er gaat 1 mail uit" in looked.text and quiet.rik.user.display_name in looked.text
    assert (before, sent, await mails()) == (0, 1, 0)


async def test_all_that_match_the_filter_are_reminded_of_in_one_mail_each(quiet: Cast, browser: Any) -> None:
    await publish(quiet.bakkerij, "een.pdf", "twee.pdf")
    await publish(quiet.beheer, "drie.pdf")
    async with browser(quiet.anna) as anna:
        await anna.post("/unread/nudges", data={"all_matching": "1", "batch": "b", "q": ".pdf"})

    rows = await engine.raw("SELECT person, count(*) AS n FROM reminder GROUP BY person")
    assert [(row["person"], row["n"]) for row in rows] == [(quiet.rik.user.id, 3)] and await mails() == 1


async def test_a_colleague_sees_and_reminds_only_of_his_own_clients(quiet: Cast, browser: Any) -> None:
    hidden = await engine.raw(
        "SELECT client FROM access a JOIN users u ON u.id = a.person WHERE u.state = 'active' AND a.rights & 1 = 1 AND client NOT IN (SELECT client FROM reach WHERE person = $1) LIMIT 1",
        quiet.ed.user.id,
    )
    (one,) = await publish(hidden[0]["client"], "niet van ed.pdf")
    async with browser(quiet.ed) as ed, browser(quiet.rik) as rik:
        listed = (await ed.get("/unread")).text
        await ed.post("/unread/nudges", data={"ids": [str(one)], "batch": "b"})
        client = await rik.get("/unread")

    assert "niet van ed.pdf" not in listed and await mails() == 0 and client.status_code == 404


async def test_looking_through_a_clients_eyes_marks_and_changes_nothing(quiet: Cast, browser: Any) -> None:
    (one,) = await publish(quiet.bakkerij, "btw.pdf")
    await make_requests(
        Selection("clients", clients=(quiet.bakkerij,)), "Jaarstukken", "", None, ITEMS, "b", by=quiet.anna
    )
    request = (await engine.raw("SELECT id FROM document_request"))[0]["id"]
    item = (await engine.raw("SELECT min(id) AS id FROM request_item"))[0]["id"]
    eyes = f"/view-as/{quiet.rik.user.id}"
    async with browser(quiet.anna) as anna:
        seen = await anna.get(f"{eyes}/portal/requests/{request}")
        await anna.get(f"{eyes}/portal/documents/{one}")
        tried = await anna.post(f"{eyes}/request-items/{item}/reason", data={"reason": "x"})

    assert "Bankafschriften" in seen.text and "Niet van toepassing" not in seen.text
    assert tried.status_code in (403, 404)
    assert await engine.raw("SELECT 1 AS one FROM reading WHERE document = $1", one) == []
    assert [row["state"] for row in await engine.raw("SELECT state FROM request_item")] == ["open", "open"]


async def test_publishing_says_beforehand_who_is_told_and_when(quiet: Cast, browser: Any) -> None:
    (one,) = await publish(quiet.bakkerij, "later.pdf")
    await engine.raw("UPDATE document SET state = 'draft', version = 2 WHERE id = $1", one)
    folder = (await Document.objects().get(Document.id == one)).folder
    async with browser(quiet.anna) as anna:
        with engine.count_queries() as queries:
            page = html.unescape((await anna.get(f"/documents/{one}")).text)
        beside = html.unescape((await anna.get(f"/folders/{folder}/told")).text)

    assert f"/folders/{folder}/told" in page
    assert "Na publiceren:" in beside and "1 persoon leest ervan in zijn dagelijkse bericht" in beside
    assert queries.n <= 12


async def test_what_was_asked_just_now_is_taken_back(quiet: Cast, browser: Any) -> None:
    form = {
        "who": "clients",
        "clients": [str(quiet.bakkerij), str(quiet.garage)],
        "title": "Iets",
        "items": "A",
        "message": "",
        "due_on": "",
        "batch": "nu",
    }
    async with browser(quiet.anna) as anna, browser(quiet.ed) as ed:
        await anna.post("/requests", data=form)
        await ed.post("/requests/batches/nu/undo")  # not his
        still = await engine.raw("SELECT state FROM document_request")
        await anna.post("/requests/batches/nu/undo")

    assert {row["state"] for row in still} == {"open"}
    assert {row["state"] for row in await engine.raw("SELECT state FROM document_request")} == {"withdrawn"}


async def test_many_requests_are_changed_after_a_look(quiet: Cast, browser: Any) -> None:
    await make_requests(Selection("all"), "Jaarstukken", "", None, ITEMS, "b", by=quiet.anna)
    async with browser(quiet.anna) as anna:
        looked = html.unescape(
            (await anna.post("/requests/many", data={"do": "due", "all_matching": "1", "q": "bakkerij jansen"})).text
        )
        wrong = await anna.post(
            "/requests/many/changes",
            data={"do": "due", "due_on": "2020-01-01", "all_matching": "1", "q": "bakkerij jansen"},
        )
        await anna.post(
            "/requests/many/changes",
            data={"do": "due", "due_on": "2099-01-01", "all_matching": "1", "q": "bakkerij jansen"},
        )
        nothing = await anna.post("/requests/many", data={"do": "due"})

    assert "1 opvraging" in looked and "Kies een dag die nog komt." in wrong.text and nothing.status_code == 303
    rows = await engine.raw("SELECT client FROM document_request WHERE due_on IS NOT NULL")
    assert [row["client"] for row in rows] == [quiet.bakkerij]


async def test_from_the_list_of_clients_to_the_form(quiet: Cast, browser: Any) -> None:
    async with browser(quiet.anna) as anna:
        ticked = await anna.post("/requests/choice", data={"ids": [str(quiet.bakkerij)]})
        filtered = await anna.post("/requests/choice", data={"all_matching": "1", "q": "garage"})
        form = html.unescape((await anna.get(filtered.headers["location"])).text)
        fields = {
            "who": "filter",
            "narrowed": '{"q": "garage"}',
            "title": "Iets",
            "items": "A",
            "message": "",
            "due_on": "",
        }
        preview = html.unescape((await anna.post("/requests/preview", data=fields)).text)

    assert "numbers=" in ticked.headers["location"] and "De cliënten van het filter" in form
    assert "Garage Smit" in preview and "Bakkerij" not in preview


async def test_preferences_are_kept_per_company_and_only_of_ones_own(quiet: Cast, browser: Any) -> None:
    form = {
        "language": "nl",
        "theme": "",
        "digest": "at_once",
        f"how-{quiet.beheer}": "never",
        f"how-{quiet.garage}": "never",
    }
    async with browser(quiet.rik) as rik:
        await rik.post("/account/preferences", data=form)
        page = (await rik.get("/account")).text
        wrong = await rik.post("/account/preferences", data=form | {"digest": "soms"})

    rows = await engine.raw("SELECT client, how FROM hearing")
    assert [(row["client"], row["how"]) for row in rows] == [(quiet.beheer, "never")] and wrong.status_code == 422
    assert f'name="how-{quiet.beheer}"' in page


async def test_when_two_files_become_one_what_was_asked_comes_along(quiet: Cast) -> None:
    for client in (quiet.bakkerij, quiet.beheer):
        await make_requests(
            Selection("clients", clients=(client,)), "Jaarstukken", "", None, ITEMS, "zelfde", by=quiet.anna
        )

    await engine.run_writing(lambda: merge_dossiers(quiet.bakkerij, quiet.beheer))

    rows = await engine.raw(
        "SELECT r.client, r.folder, f.client AS owner FROM document_request r LEFT JOIN folder f ON f.id = r.folder"
    )
    assert [(row["client"], row["owner"]) for row in rows] == [(quiet.bakkerij, quiet.bakkerij)] * 2
    assert {row["client"] for row in await engine.raw("SELECT client FROM request_item")} == {quiet.bakkerij}
