"""The journey of an import over HTTP, and files that mean harm."""

from __future__ import annotations

import html
import io
import re

import openpyxl
import pytest

from models import engine
from models.clients import Client
from models.imports import Import, ImportMapping, ImportRow
from models.imports.lexicon import KINDS
from models.outbox import Errand
from models.settings import Firm
from tests.models.importing import CONTACTS, HOSTILE, again, carried_out
from tests.models.test_import_workbook import OFFICE, workbook
from web.imports import add, columns, commit, forget, list_, page, plan, report, rows, sample, undo, undoing

pytestmark = pytest.mark.usefixtures("cast")


async def sent(browser, name: str, content: bytes) -> Import | None:
    reply = await browser.post(add.url(), files={"file": (name, content)})
    if reply.status_code != 303:
        return None
    number = int(reply.headers["location"].rsplit("/", 1)[1])
    record = await Import.objects().where(Import.id == number).first()
    return await carried_out(record)


async def test_the_whole_journey(cast, browser):
    before = await Client.count()
    async with browser(cast.anna) as anna:
        assert (await anna.get(list_.url())).status_code == 200
        record = await sent(
            anna, "../../etc/lijst \u202egpj.csv", CONTACTS.replace(b"\n1;", b"\n90001;").replace(b"\n2;", b"\n90002;")
        )
        assert record is not None
        assert "/" not in record.file_name
        shown = (await anna.get(page.url(import_id=record.id))).text
        assert "Dit plan uitvoeren" in shown
        assert "geen e-mailadres" in (await anna.get(page.url(import_id=record.id, tab="refused"))).text
        part = await anna.htmx("GET", rows.url(import_id=record.id, tab="new", q="jansen"))
        assert part.text.lstrip().startswith('<div id="import-rows"')
        assert "Cliëntnummer" in (await anna.get(columns.url(import_id=record.id))).text

        wrong = await anna.post(commit.url(import_id=record.id), data={"plan_hash": "0"})
        assert wrong.status_code == 422
        done = await anna.post(commit.url(import_id=record.id), data={"plan_hash": record.plan_hash})
        assert done.status_code == 303
        assert "Vernieuwen" in (await anna.get(page.url(import_id=record.id))).text
        await carried_out(record)
        assert await Client.count() == before + 4
        assert "Uitgevoerd" in (await anna.get(page.url(import_id=record.id))).text

        book = openpyxl.load_workbook(io.BytesIO((await anna.get(report.url(import_id=record.id))).content))
        assert book.sheetnames == ["Samenvatting", "Geweigerd", "Alle regels"]
        assert "geen e-mailadres" in str(list(book["Geweigerd"].values))

        assert "worden verwijderd" in (await anna.get(undoing.url(import_id=record.id))).text
        assert (await anna.post(undo.url(import_id=record.id))).status_code == 303
        assert (await carried_out(record)).state == "undone"
        assert await Client.count() == before


async def test_the_page_that_waited_shows_the_rows_there_are(cast, browser):
    """While the file is read nothing is known; what the page then asks for by itself is the list with something in it."""
    async with browser(cast.anna) as anna:
        reply = await anna.post(add.url(), files={"file": ("lijst.csv", CONTACTS)})
        waiting = (await anna.get(reply.headers["location"])).text
        again = html.unescape(re.search(r'id="import"[^>]*hx-get="([^"]+)"', waiting)[1])
        record = await Import.objects().order_by(Import.id, ascending=False).first()
        await carried_out(record)
        shown = (await anna.htmx("GET", again)).text

    assert re.search(r'aria-current="page"[^>]*>\s*Nieuw', shown) and "<td" in shown


async def test_a_file_that_is_not_read_yet_has_no_columns_to_choose(cast, browser):
    async with browser(cast.anna) as anna:
        reply = await anna.post(add.url(), files={"file": ("lijst.csv", CONTACTS)})
        number = int(reply.headers["location"].rsplit("/", 1)[1])
        reply = await anna.get(columns.url(import_id=number))
        assert (reply.status_code, reply.headers["location"]) == (303, page.url(import_id=number))


async def test_columns_that_are_not_recognised_are_chosen_by_hand(cast, browser):
    async with browser(cast.anna) as anna:
        record = await sent(anna, "a.csv", b"Nummer;Wie;Waar\n90001;Jansen;Ede\n90002;Smit;Ede\n")
        form = {
            "kind": "clients",
            "for_kind": "clients",
            "sheet": "",
            "for_sheet": "",
            "header_line": "1",
            "for_header_line": "1",
        }
        missing = await anna.post(plan.url(import_id=record.id), data={**form, "column-0": "number"})
        assert missing.status_code == 422
        assert "Kies de kolom voor “Naam”." in missing.text
        await anna.post(
            plan.url(import_id=record.id), data={**form, "column-0": "number", "column-1": "name", "column-2": "city"}
        )
        record = await carried_out(record)

    assert (record.state, record.numbers["new"]) == ("planned", 2)


@pytest.mark.parametrize("name", ["not_a_sheet.xlsx", "encrypted.xlsx", "truncated.xlsx", "only_bom.csv", "formula_injection.csv", "formulas.xlsx", "ragged.csv", "quoted_newline.csv", "polyglot.pdf", "traversal.zip"])  # fmt: skip
async def test_hostile_files_are_answered_in_words(cast, browser, name):
    before = await Client.count()
    async with browser(cast.anna) as anna:
        record = await sent(anna, name, (HOSTILE / name).read_bytes())
        if record is not None:
            assert record.state in ("failed", "planned", "uploaded")
            reply = await anna.get(page.url(import_id=record.id))
            assert reply.status_code == 200
            assert record.state == "planned" or "data-error" in reply.text

    assert await Client.count() == before


async def test_strange_texts_are_refused_or_kept_but_never_break_the_page(cast, browser):
    lines = ["Nummer;Naam;Plaats", f"90001;{'x' * 500};Ede", "90002;Bakkerij 🥐;Ede", "90003;שלום \u202eevil;Ede", "90004;A\x07B\x1b[31m;Ede", "90005;=HYPERLINK(\"x\");Ede", "90002;Twee;Ede", "90006;<script>alert(1)</script>;Ede"]  # fmt: skip
    async with browser(cast.anna) as anna:
        record = await sent(anna, "a.csv", "\n".join(lines).encode())
        refused = await anna.get(page.url(import_id=record.id, tab="refused"))
        made = await anna.get(page.url(import_id=record.id, tab="new"))
        book = await anna.get(report.url(import_id=record.id))

    assert "500 tekens" in refused.text
    assert "regel 3" in refused.text
    assert "<script>alert(1)" not in made.text
    assert "🥐" in made.text
    sheet = openpyxl.load_workbook(io.BytesIO(book.content))
    assert not [cell for one in sheet for row in one for cell in row if cell.data_type == "f"]
    assert {
        row.line
        for row in await ImportRow.objects().where((ImportRow.batch == record.id) & (ImportRow.action == "refused"))
    } >= {2, 7}


@pytest.mark.parametrize("kind", KINDS)
async def test_an_example_can_be_filled_in_and_is_recognised(cast, browser, kind):
    async with browser(cast.anna) as anna:
        book = await anna.get(sample.url(kind=kind))
        record = await sent(anna, "voorbeeld.xlsx", book.content)
        shown = await anna.get(page.url(import_id=record.id))

    assert record.kind == kind
    assert not re.search(r"Traceback|None", shown.text)


async def test_one_workbook_is_read_sheet_by_sheet_and_a_sheet_can_be_left_out(cast, browser):
    async with browser(cast.anna) as anna:
        template = await anna.get(sample.url(kind="workbook"))
        assert openpyxl.load_workbook(io.BytesIO(template.content)).sheetnames[-1] == "Uitleg"
        record = await sent(anna, "kantoor.xlsx", workbook(OFFICE))
        shown = await anna.get(page.url(import_id=record.id))
        sheet = await anna.get(columns.url(import_id=record.id, part=2))
        chosen = {"part": "2", "kind": "", "for_kind": "staff"}
        assert (await anna.post(plan.url(import_id=record.id), data=chosen)).status_code == 303
        record = await carried_out(record)
        without = await anna.get(page.url(import_id=record.id, tab="refused"))
        read_again = await anna.get(columns.url(import_id=record.id, part=2, kind="staff"))
        book = openpyxl.load_workbook(io.BytesIO((await anna.get(report.url(import_id=record.id))).content))

    said = html.unescape(shown.text)
    assert "organisation" not in said and "Organisatie" in said
    assert "Gelezen werkbladen:" in said and "Verantwoordelijke" in said and "Kantoorgebruiker" in said
    assert "Ziet alle cliënten" in html.unescape(sheet.text) and "Medewerkers" in sheet.text
    assert record.kind == "workbook" and "Importeer eerst de medewerkers" in html.unescape(without.text)
    assert read_again.status_code == 200
    assert "Verantwoordelijken" in str(list(book["Geweigerd"].values))


async def test_a_mapping_is_kept_used_and_forgotten(cast, browser):
    odd = b"Kol A;Kol B\n90001;Jansen\n"
    async with browser(cast.anna) as anna:
        record = await sent(anna, "lijst.csv", odd)
        typed = {"kind": "clients", "column-0": "number", "column-1": "name", "keep": "1"}
        nameless = await anna.post(plan.url(import_id=record.id), data=typed)
        kept = await anna.post(plan.url(import_id=record.id), data=typed | {"mapping_name": "Ons pakket"})
        mapping = await ImportMapping.objects().first()
        shown = await anna.get(columns.url(import_id=record.id, kind="clients", saved=mapping.id))
        again_ = await sent(anna, "lijst.csv", odd)
        used = await anna.get(page.url(import_id=again_.id))
        listed = await anna.get(list_.url())
        gone = await anna.post(forget.url(mapping_id=mapping.id))

    assert nameless.status_code == 422 and "Vul een naam in." in nameless.text
    assert kept.status_code == 303 and (await again(record)).state == "uploaded"
    assert re.search(r'<option value="number" selected>', shown.text)
    assert "Gelezen met de bewaarde indeling “Ons pakket”." in html.unescape(used.text)
    assert "Ons pakket" in listed.text and gone.status_code == 303 and not await ImportMapping.exists()


async def test_without_a_file_it_says_so(cast, browser):
    async with browser(cast.anna) as anna:
        reply = await anna.post(add.url(), files={"file": ("", b"")})

    assert reply.status_code == 422
    assert "Kies eerst een bestand." in reply.text


async def test_who_sees_only_his_own_clients_sees_only_his_own_imports(cast, browser):
    async with browser(cast.anna) as anna, browser(cast.ed) as ed:
        assert cast.ed.may("import_records") and not cast.ed.sees_all_clients
        theirs = await sent(anna, "van-anna.csv", CONTACTS)
        own = await sent(ed, "van-ed.csv", CONTACTS)
        listed = (await ed.get(list_.url())).text
        answers = [
            await ed.get(page.url(import_id=theirs.id)),
            await ed.get(report.url(import_id=theirs.id)),
            await ed.post(commit.url(import_id=theirs.id), data={"plan_hash": theirs.plan_hash}),
        ]

    assert "van-ed.csv" in listed and "van-anna.csv" not in listed
    assert {answer.status_code for answer in answers} == {404}
    assert (await Import.objects().where(Import.id == theirs.id).first()).state == "planned" and own is not None


PEOPLE = CONTACTS.replace(b"\n1;", b"\n90001;").replace(b"\n2;", b"\n90002;")


@pytest.mark.parametrize("at_once", [True, False])
async def test_the_screen_says_how_many_are_mailed_before_anybody_is(cast, browser, at_once):
    firm = await Firm.load()
    await engine.run_writing(lambda: firm.set_users_without_login(not at_once, by=cast.anna))
    mails = Errand.kind == "invitation"
    before = await Errand.count().where(mails)
    async with browser(cast.anna) as anna:
        record = await sent(anna, "a.csv", PEOPLE)
        shown = (await anna.get(page.url(import_id=record.id))).text
        assert ("2 mensen krijgen een mail als u dit uitvoert" in shown) == at_once
        assert ("Uitvoeren en 2 mensen uitnodigen" in shown) == at_once
        assert ("niemand krijgt een mail" in shown) != at_once
        form = {"plan_hash": record.plan_hash} | ({"invite": "1"} if at_once else {})
        assert (await anna.post(commit.url(import_id=record.id), data=form)).status_code == 303
        record = await carried_out(record)
        done = (await anna.get(page.url(import_id=record.id))).text

    assert record.state == "committed"
    assert await Errand.count().where(mails) - before == (2 if at_once else 0)
    assert (f"/rollout/openings/{record.chosen.get('opening')}" in done) == at_once
