"""The trail as the office reads it: narrowed by person, operation, client and day, with what was and what is."""

from __future__ import annotations

import datetime as dt
import html
import io
import re
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from models import engine
from models.accounts import User
from models.bulk import KINDS
from models.core import Say
from models.dossiers import Document, Folder
from models.dossiers.publishing import describe
from models.keeping.anchors import set_anchor
from models.settings import utcnow
from tests.cast import Browser, Cast
from tests.web.test_clients import details_form
from web.trail import SENTENCES, UNNAMED, changes, sentence

ROOT = Path(__file__).parent.parent.parent
CELL = re.compile(r'<td data-label="Wat"><span>(.*?)(?:<ul|</span>)', re.S)


async def written(*lines: dict[str, Any]) -> None:
    for line in lines:
        full = {"at": utcnow(), "person": None, "operation": "User.block", "client": None, "detail": "{}", **line}
        await engine.raw(
            "INSERT INTO trail (at, person, operation, record_table, record_id, client, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            full["at"], full["person"], full["operation"], full.get("record_table", ""), full.get("record_id"),
            full["client"], full["detail"],
        )  # fmt: skip


async def told(browser: Browser, **asked: object) -> list[str]:
    """What the lines say that are shown for this filter, newest first."""
    reply = await browser.get("/audit", params={name: str(value) for name, value in asked.items()})
    assert reply.status_code == 200
    return [html.unescape(words).strip() for words in CELL.findall(reply.text)]


async def test_the_trail_is_narrowed_by_client_and_says_what_was_and_is(cast, browser):
    details = f"/clients/{cast.bakkerij}/details"
    async with browser(cast.anna) as anna:
        form = await details_form((await anna.get(details)).text)
        await anna.post(details, data={**form, "city": "Zwolle"})
        every = (await anna.get("/audit")).text
        by_number = await anna.get("/audit", params={"client": form["number"]})
        by_name = await told(anna, client="Bakkerij Jansen B.V.")
        elsewhere = await told(anna, client="Garage Smit")
        unknown = await anna.get("/audit?client=bestaat-niet")

    assert re.search(r"Plaats: <del>[^<]*</del> → <ins>Zwolle</ins>", every)
    assert "<ins>Zwolle</ins>" in by_number.text
    assert by_name == ["wijzigde de gegevens van Bakkerij Jansen B.V."] and elsewhere == []
    assert "Niets gevonden" in unknown.text and 'value="bestaat-niet"' in unknown.text


async def test_who_did_it_is_found_by_name_address_or_page_of_the_person_a_client_user_too(cast, browser):
    rik, anna_id = cast.rik.user.id, cast.anna.user.id
    await written(
        {"person": rik, "operation": "Document.trash"},
        {"person": anna_id, "operation": "User.invite"},
        {"operation": "User.activate", "record_table": "User", "record_id": rik},
    )
    async with browser(cast.anna) as anna:
        by_page = (await anna.get(f"/users/{rik}")).text
        by_id, by_name, by_address = [
            await told(anna, person=typed) for typed in (rik, "rik jansen", "rik@bakkerij-jansen.example")
        ]
        shown = (await anna.get(f"/audit?person={rik}")).text
        nobody = await told(anna, person="niemand met deze naam")

    assert f'href="/audit?person={rik}"' in by_page
    assert by_id == by_name == by_address
    assert len(by_id) == 2 and "activeerde zijn login" in by_id and "nodigde … uit" not in by_id
    assert 'value="Rik Jansen rik@bakkerij-jansen.example"' in shown
    assert nobody == []


async def test_what_the_filter_shows_of_a_person_finds_the_same_again(cast, browser):
    await written({"person": cast.sam.user.id, "operation": "Folder.hand_in"})
    async with browser(cast.anna) as anna:
        page = (await anna.get(f"/audit?person={cast.sam.user.id}")).text
        shown = re.search(r'id="filter-person" name="person" value="([^"]+)"', page)
        assert shown
        again = await told(anna, person=html.unescape(shown[1]))

    assert len(again) == 1 and again[0].startswith("leverde aan")


async def test_what_was_done_is_chosen_by_words_and_not_by_a_code(cast, browser):
    await written({"operation": "Folder.trash"}, {"operation": "Client.archive"})
    async with browser(cast.anna) as anna:
        page = (await anna.get("/audit")).text
        chosen = await told(anna, operation="Client.archive")
        nonsense = await told(anna, operation="Client.explode")

    options = dict(re.findall(r'<option value="([\w.]+)"[^>]*>([^<]*)</option>', page))
    assert set(options) == {name for name in SENTENCES if not name.endswith(".bulk")}, "many at once is asked with one"
    assert not [name for name, words in options.items() if not words.strip() or name in words]
    assert chosen == ["archiveerde de cliënt"]
    assert len(nonsense) == 3  # with signing in: what is unknown narrows nothing


async def test_days_are_those_of_the_office_and_both_count(cast, browser):
    late = dt.datetime(2026, 3, 4, 23, 30, tzinfo=dt.UTC)  # half past midnight on the fifth in Amsterdam
    await written({"at": late, "operation": "Folder.trash"})
    async with browser(cast.anna) as anna:
        assert await told(anna, since="2026-03-05", until="2026-03-05") == ["legde een map in de prullenbak"]
        assert await told(anna, since="2026-03-04", until="2026-03-04") == []
        assert await told(anna, until="geen dag", since="2026-13-45", operation="Folder.trash") != []


async def test_what_somebody_may_is_said_as_it_was_and_as_it_became(cast, browser):
    async with browser(cast.anna) as anna:
        path = f"/users/{cast.sam.user.id}/accesses/{cast.garage}"
        await anna.post(path, data={"role": "lezer"})
        await anna.post(path, data={"role": "", "rights": ["1", "8"]})
        page = (await anna.get("/audit?operation=Access.change")).text
        english = await engine.run_writing(lambda: _in_english(cast))
        assert english
        translated = (await anna.get("/audit?operation=Access.change")).text

    assert (
        "Rechten: <del>Lezer: alleen bekijken</del> → <ins>Dossier bekijken, Personeel bekijken, Personeel en salaris</ins>"
        in html.unescape(page)
    )
    assert "Rights" in translated and "Personeel en salaris" not in translated


async def _in_english(cast: Cast) -> bool:
    await User.update({User.language: "en"}).where(User.id == cast.anna.user.id)
    return True


def test_choices_of_the_office_are_said_in_its_words():
    line = {
        "operation": "Firm.change",
        "detail": {
            "before": {"users_without_login": True, "second_factor": "nobody", "modules": "dossiers", "name": ""},
            "after": {"users_without_login": False, "second_factor": "all", "modules": "dossiers,sso", "name": "Uit"},
        },
    }
    said = [(str(what), str(before), str(after)) for what, before, after in changes(line)]

    assert said == [
        ("Gebruikers zonder inloggegevens", "Aan", "Uit"),
        ("Van wie een tweede factor wordt gevraagd", "Niemand", "Iedereen"),
        ("Modules", "Dossier Online", "Dossier Online, Single SignOn"),
        ("Naam", "–", "Uit"),
    ]
    assert not isinstance(changes(line)[3][2], Say)  # what somebody typed is not translated


async def test_it_works_without_javascript_page_by_page_within_the_filter(cast, browser):
    await written(*({"person": cast.sam.user.id, "operation": "Document.trash"} for _ in range(60)))
    async with browser(cast.anna) as anna:
        first = (await anna.get("/audit", params={"person": "sam", "operation": "Document.trash"})).text
        following = re.search(r'href="(/audit\?[^"]*page=2[^"]*)"', first)
        assert following
        second = await anna.get(html.unescape(following[1]))
        fragment = await anna.htmx("GET", "/audit?person=sam")

    assert re.search(r'<form class="filter-bar[^>]* method="get" action="/audit"', first)
    assert '<button class="button no-js-only">Filteren</button>' in first
    assert len(CELL.findall(first)) == 50 and len(CELL.findall(second.text)) == 10
    assert 'value="sam"' in second.text
    assert fragment.text.lstrip().startswith('<div id="trail"')


async def test_it_takes_few_queries_however_long_it_is(cast, browser):
    await written(*({"person": cast.sam.user.id, "client": cast.garage} for _ in range(120)))
    counts = set()
    async with browser(cast.anna) as anna:
        for path in ("/audit", "/audit?page=3", "/audit?person=sam&client=Garage+Smit&operation=User.block"):
            with engine.count_queries() as counted:
                assert (await anna.get(path)).status_code == 200
            counts.add(counted.n)

    assert max(counts) <= 9


@pytest.mark.parametrize(
    "query", ["person=%00", "person=99999999999999", "client=%00", "page=99999999", "person=%25", "since=0001-01-01"]
)
async def test_nonsense_in_the_address_is_no_failure(cast, browser, query):
    async with browser(cast.anna) as anna:
        assert (await anna.get(f"/audit?{query}")).status_code == 200


async def test_blocking_many_names_each_on_the_trail(cast, browser):
    async with browser(cast.anna) as anna:
        data = {"kind": "block", "about": "users", "ids": [cast.rik.user.id]}
        await anna.post((await anna.post("/bulk", data=data)).headers["location"] + "/start")
        page = (await anna.get("/audit?operation=User.block")).text
        person = (await anna.get(f"/users/{cast.rik.user.id}")).text

    assert "blokkeerde Rik Jansen" in page and "blokkeerde Rik Jansen" in person


def test_every_operation_has_its_sentence():
    noted = set()
    for path in (ROOT / "models").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        noted |= set(re.findall(r'(?:\.note|Trail\.write|_note|_note_at|_note_all|_set)\(\s*"([A-Z]\w+\.\w+)"', text))
        owner = ""
        for at in re.finditer(r"^class (\w+)|^( *)@operation\(([^\n]*)\)\n\s*async def (\w+)", text, re.M):
            owner = at[1] or owner
            if at[4] and "trail=False" not in at[3]:
                noted.add(f"{owner}.{at[4]}" if at[2] else at[4])

    for kind in KINDS.values():
        noted |= {word + more for word in (kind.trail, kind.back) for more in ("", ".bulk")}

    assert not sorted(noted - set(SENTENCES))


def test_a_line_without_its_values_is_still_a_sentence():
    assert str(sentence({"operation": "User.block", "detail": "{}"})) == "blokkeerde …"
    assert sentence({"operation": "Iets.nieuws", "detail": "{}"}).text == UNNAMED.text


async def test_the_log_is_exported_whole_and_harmless(cast, browser):
    client = await cast.anna.clients.get(cast.bakkerij)
    await client.change(seen=client.version, name='=HYPERLINK("http://x")', by=cast.anna)
    async with browser(cast.anna) as anna, browser(cast.ed) as ed:
        text = (await anna.get("/audit/export.csv?operation=Client.change")).text
        book = await anna.get("/audit/export.xlsx", params={"operation": "Client.change"})
        every = (await anna.get("/audit/export.csv")).text
        strange = await ed.get("/audit/export.csv")

    lines = text.lstrip("\ufeff").splitlines()
    assert len(lines) == 2 and lines[0].startswith("Regel;Wanneer;Wie;Wat") and text.startswith("\ufeff")
    assert "\"'=HYPERLINK" in lines[1] and "Bakkerij Jansen B.V. > =HYPERLINK" in lines[1].replace('""', '"')
    sheet = openpyxl.load_workbook(io.BytesIO(book.content)).active
    assert sheet.max_row == 2 and sheet["H2"].value == "Client.change"
    count = (await engine.raw("SELECT count(*) AS n FROM trail"))[0]["n"]
    assert len(every.splitlines()) >= count and strange.status_code == 404


async def test_what_was_renamed_is_said_as_it_was(cast, browser):
    folder = await Folder.objects().where(Folder.client == cast.bakkerij).first()
    await (await cast.anna.folders.get(folder.id)).rename("Heel anders", by=cast.anna)
    async with browser(cast.anna) as anna:
        page = html.unescape((await anna.get("/audit?operation=Folder.rename")).text)

    assert f"<del>{folder.name}</del>" in page and "<ins>Heel anders</ins>" in page


async def test_what_was_said_of_a_document_is_told_in_words(cast: Cast) -> None:
    document = await Document.objects().where(Document.client == cast.bakkerij).order_by(Document.id).first()
    assert document is not None
    kind = (await engine.raw("SELECT id, name FROM document_kind ORDER BY id LIMIT 1"))[0]
    term = (await engine.raw("SELECT id, name FROM retention_class ORDER BY id LIMIT 1"))[0]

    await describe(document, kind["id"], 2025, "k1", "spoed", "Let op", term["id"], by=cast.anna)
    await set_anchor(document, dt.date(2024, 5, 1), by=cast.anna)

    lines = await engine.raw("SELECT operation, detail FROM trail ORDER BY id DESC LIMIT 2")
    said = {what.text: str(after) for line in lines for what, _, after in changes(line)}
    assert said == {
        "Soort": kind["name"], "Boekjaar": "2025", "Tijdvak": "1e kwartaal", "Labels": "spoed", "Toelichting": "Let op",
        "Bewaartermijn": term["name"], "Ankerdatum": "01-05-2024",
    }  # fmt: skip
