"""The pages of keeping, as an administrator uses them and as nobody else sees them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from urllib.parse import unquote

import pytest

from models import config, engine
from models.accounts import Session
from models.clients import Client
from models.dossiers import Document, Folder, dossier_of
from models.keeping import destroying, rehashing
from models.keeping.holds import On, add_hold
from models.keeping.records import Destruction, DestructionItem, Hold
from models.overview import ZONE
from models.settings import Firm, utcnow
from tests.cast import Browser, Cast, browser_of
from tests.models.keeping import folder_with, paper, proposal


@pytest.fixture(autouse=True)
def own_storage(tmp_path, monkeypatch) -> Iterator[None]:
    monkeypatch.setenv("POORT_VAR", str(tmp_path))
    config.reset()
    yield
    monkeypatch.undo()
    config.reset()


async def proved(who: Browser) -> None:
    await Session.update({Session.proved_at: utcnow()}, force=True)


async def test_from_list_to_certificate(cast: Cast) -> None:
    folder = await folder_with(cast, "Oud")
    one = await paper(cast, folder, "=oud.txt", book_year=2010)
    await paper(cast, folder, "blijft.txt", book_year=2010)
    made = await proposal()
    at = f"/keeping/lists/{made.id}"
    async with browser_of(cast.anna) as anna:
        overview = await anna.get("/")
        lines = await anna.get(f"{at}/lines")
        item = await DestructionItem.objects().where(DestructionItem.name == "blijft.txt").first()
        spared = await anna.post(f"{at}/lines", data={"ids": [str(item.id), "x"], "do": "spare"})
        await Session.update({Session.proved_at: utcnow() - dt.timedelta(hours=9)}, force=True)
        unproved = await anna.post(f"{at}/confirmation", data={"reason": "Opschoning", "typed": "1"})
        await proved(anna)
        kept = await anna.get(unquote(unproved.headers["location"].split("next=")[1]))
        wrong = await anna.post(f"{at}/confirmation", data={"reason": "Opschoning <b>", "typed": "2"})
        asked = await anna.get(f"{at}/confirmation")
        done = await anna.post(f"{at}/confirmation", data={"reason": "Opschoning", "typed": "1"})
        again = await anna.post(f"{at}/confirmation", data={"reason": "Opschoning", "typed": "1"})
        await destroying.carry_out(await Destruction.objects().get(Destruction.id == made.id))
        page, printed, csv = [await anna.get(f"{at}{end}") for end in ("", "/certificate", "/certificate.csv")]
        checked, gone = await anna.get(f"{at}/check"), await anna.get(f"/documents/{one.id}")
        everything = await anna.get("/keeping")

    assert f'href="{at}"' in overview.text
    assert "=oud.txt" in lines.text and "Bakkerij Jansen B.V." in lines.text
    assert spared.status_code == 303
    assert unproved.status_code == 303 and "/account/proof" in unproved.headers["location"]
    assert ">Opschoning</textarea>" in kept.text and 'value="1"' in kept.text
    assert (
        wrong.status_code == 422
        and "Opschoning &lt;b&gt;" in wrong.text
        and "Typ het aantal precies over: 1" in wrong.text
    )
    assert "Dit vernietigt 1 stuk" in asked.text and "1 cliënt." in asked.text
    assert done.status_code == 303 and again.status_code == 422
    assert "Verklaring van vernietiging" in page.text
    assert one.sha256 in printed.text and "Art. 52 AWR" in printed.text and "Opschoning" in printed.text
    assert "'=oud.txt" in csv.text and one.sha256 in csv.text and "blijft.txt" in csv.text
    assert "precies zoals zij werd opgemaakt" in checked.text
    assert gone.status_code == 404 and "Maandlijst" in everything.text


async def test_a_group_is_taken_out_and_put_back(cast: Cast) -> None:
    await paper(cast, await folder_with(cast, "Oud"), "oud.txt", book_year=2010)
    made = await proposal()
    async with browser_of(cast.anna) as anna:
        page = (await anna.get(f"/keeping/lists/{made.id}")).text
        form = dict(re.findall(r'name="(client|class_id|book_year)" value="(\d+)"', page))
        await anna.post(f"/keeping/lists/{made.id}/groups", data=form | {"do": "spare"})
        spared = await destroying.counted(made)
        await anna.post(f"/keeping/lists/{made.id}/groups", data=form | {"do": "back"})

    assert spared == {"spared": 1} and await destroying.counted(made) == {"proposed": 1}


@pytest.mark.parametrize("who", ["ed", "rik"])
async def test_nobody_else_sees_any_of_it(cast: Cast, who: str) -> None:
    await paper(cast, await folder_with(cast, "Oud"), "oud.txt", book_year=2010)
    made = await proposal()
    async with browser_of(cast.everybody[who]) as browser:
        paths = (
            "/keeping",
            f"/keeping/lists/{made.id}",
            "/keeping/holds",
            "/keeping/files",
            "/keeping/anchors",
            f"/keeping/lists/{made.id}/lines",
        )
        assert {(await browser.get(path)).status_code for path in paths} == {404}
        home = await browser.get("/" if who == "ed" else "/portal")
        assert "/keeping" not in home.text


async def test_a_hold_is_put_shown_and_lifted(cast: Cast) -> None:
    one = await paper(cast, await folder_with(cast, "Oud"), "oud.txt", book_year=2010)
    async with browser_of(cast.anna) as anna:
        form = await anna.get(f"/keeping/holds/new?document={one.id}")
        wrong = await anna.post(
            f"/keeping/holds/new?document={one.id}", data={"name": "Beroep 2026", "reason": "", "since": "31-02-2026"}
        )
        done = await anna.post(
            f"/keeping/holds/new?document={one.id}",
            data={"name": "Beroep 2026", "reason": "Loopt", "since": "01-03-2026"},
        )
        page, listed = await anna.get(f"/documents/{one.id}"), await anna.get("/keeping/holds")
        at = re.search(r"/keeping/holds/\d+", listed.text)
        more = await anna.post(f"{at[0]}/items?client={cast.garage}")
        shown, unsaid = await anna.get(at[0]), await anna.post(f"{at[0]}/lifting", data={"why": " "})
        lifted = await anna.post(f"{at[0]}/lifting", data={"why": "Uitspraak"})
        after = await anna.get(f"/documents/{one.id}")

        nobody = await anna.post(
            "/keeping/holds/new", data={"of": "bestaat niet", "name": "X", "reason": "Y", "since": "01-03-2026"}
        )
        named = await anna.post(
            "/keeping/holds/new", data={"of": "Garage Smit", "name": "X", "reason": "Y", "since": "01-03-2026"}
        )

    assert nobody.status_code == 422 and named.status_code == 303
    assert form.status_code == 200 and wrong.status_code == 422 and "Beroep 2026" in wrong.text
    assert done.status_code == more.status_code == lifted.status_code == 303
    assert "Bewaarplicht opgeschort: Beroep 2026" in page.text and "Garage Smit" in shown.text
    assert unsaid.status_code == 422 and "Bewaarplicht opgeschort" not in after.text


async def test_a_document_tells_until_when_and_why(cast: Cast) -> None:
    dated = await paper(cast, await folder_with(cast, "Cijfers"), "jaar.txt", book_year=2020)
    staff = await paper(cast, await folder_with(cast, "Piet", "Personeelsstukken zonder fiscaal belang"), "brief.txt")
    none = await paper(cast, await folder_with(cast, "Los", ""), "los.txt")
    async with browser_of(cast.anna) as anna:
        one, two, three = [(await anna.get(f"/documents/{d.id}")).text for d in (dated, staff, none)]
        set_ = await anna.post(f"/documents/{staff.id}/anchor", data={"anchor_on": "31-05-2024"})
        after = (await anna.get(f"/documents/{staff.id}")).text
        bad = await anna.post(f"/documents/{staff.id}/anchor", data={"anchor_on": "gisteren"})

    assert "31 december 2028" in one and "van de map" in one and "Art. 52 AWR" in one
    assert "ankerdatum ontbreekt" in two and "nooit voorgesteld" in three
    assert set_.status_code == 303 and "31 mei 2026" in after
    assert bad.status_code == 422


async def test_missing_days_are_filled_in_for_many_folders(cast: Cast) -> None:
    folder, staff = (
        await folder_with(cast, "Zonder jaar"),
        await folder_with(cast, "Piet", "Personeelsstukken zonder fiscaal belang"),
    )
    one, two = await paper(cast, folder, "stuk.txt"), await paper(cast, staff, "brief.txt")
    await proposal()
    async with browser_of(cast.anna) as anna:
        page = await anna.get("/keeping/anchors")
        nothing = await anna.post("/keeping/anchors", data={"anchor": "book_year", "value": "2010"})
        nonsense = await anna.post(
            "/keeping/anchors", data={"anchor": "book_year", "value": "tien", "ids": [str(folder.id)]}
        )
        year = await anna.post(
            "/keeping/anchors", data={"anchor": "book_year", "value": "2010", "ids": [str(folder.id)]}
        )
        day = await anna.post(
            "/keeping/anchors", data={"anchor": "employment", "value": "1-2-2015", "ids": [str(staff.id)]}
        )
        after = await anna.get("/keeping/anchors")

    assert "Zonder jaar" in page.text and nothing.status_code == nonsense.status_code == 422
    assert "tien" in nonsense.text and year.status_code == day.status_code == 303
    assert "Zonder jaar" not in after.text
    assert (await Folder.objects().get(Folder.id == folder.id)).year == 2010
    assert (await Folder.objects().get(Folder.id == staff.id)).anchor_on == dt.date(2015, 2, 1)
    await engine.raw("DELETE FROM destruction")
    assert {
        row["name"]
        for row in await DestructionItem.select().where(DestructionItem.destruction == (await proposal()).id)
    } >= {one.name, two.name}


async def test_what_a_client_sets_and_that_coming_back_ends_the_end(cast: Cast) -> None:
    at = f"/clients/{cast.garage}/keeping"
    async with browser_of(cast.anna) as anna:
        done = await anna.post(
            at, data={"year_end_month": "6", "relation_ended_on": "31-12-2024", "extension_months": "18"}
        )
        wrong = await anna.post(
            at, data={"year_end_month": "6", "relation_ended_on": "31-12-2024", "extension_months": "veel"}
        )
        page = await anna.get(at)
    client = await Client.objects().get(Client.id == cast.garage)

    assert done.status_code == 303 and wrong.status_code == 422 and "31-12-2024" in page.text
    assert (client.year_end_month, client.relation_ended_on, client.extension_months) == (6, dt.date(2024, 12, 31), 18)
    async with engine.writing():
        await client.archive(by=cast.anna)
        await client.restore(by=cast.anna)
    assert (await Client.objects().get(Client.id == cast.garage)).relation_ended_on is None


async def test_the_trash_says_until_when_and_asks_before_it_is_emptied(cast: Cast) -> None:
    folder = await folder_with(cast, "Bewaard")
    one = await paper(cast, folder, "binnen termijn.txt", book_year=2025)
    async with engine.writing():
        await one.trash(by=cast.anna)
        await folder.trash(by=cast.anna)
    dossier = await dossier_of(cast.anna, cast.bakkerij)
    at = f"/dossiers/{dossier.id}/trash"
    async with browser_of(cast.anna) as anna:
        page, asked = await anna.get(at), await anna.get(f"{at}/emptying")
        await proved(anna)
        unsaid = await anna.post(f"{at}/emptying", data={"despite_term": "1", "reason": "kort"})
        kept = await anna.post(f"{at}/emptying")
        back = await anna.post(f"/documents/{one.id}/restoration", data={"with_folder": "1"})

    until = (utcnow() + dt.timedelta(days=30)).astimezone(ZONE).date()
    assert f"{until.day} " in page.text and "Terugzetten met de map" in page.text
    assert "binnen zijn bewaartermijn" in asked.text
    assert unsaid.status_code == 422 and "kort" in unsaid.text and kept.status_code == 303
    assert back.status_code == 303 and not (await Document.objects().get(Document.id == one.id)).is_trashed


async def test_broken_files_are_named_on_their_page_and_on_the_overview(cast: Cast) -> None:
    one = await paper(cast, await folder_with(cast, "Map"), "kapot.txt")
    rehashing.storage().plain.path_of(one.sha256).write_bytes(b"anders")
    await rehashing.know_all()
    await rehashing.check(one.sha256)
    async with browser_of(cast.anna) as anna:
        page, overview = await anna.get("/keeping/files"), await anna.get("/")
        again = await anna.post("/keeping/files")
    async with browser_of(cast.ed) as ed:
        his = await ed.get("/")

    assert (
        "kapot.txt" in page.text and one.sha256 in page.text and "beschadigd" in page.text and "mend-blob" in page.text
    )
    assert "beschadigd" in overview.text and again.status_code == 303
    assert "beschadigd" not in his.text


async def test_the_settings_and_the_class_of_a_kind(cast: Cast) -> None:
    async with browser_of(cast.anna) as anna:
        page = await anna.get("/settings/retention")
        wrong = await anna.post(
            "/settings/retention",
            data={"trash_days": "0", "margin_months": "12", "check_days": "90", "approval_months": "0"},
        )
        done = await anna.post(
            "/settings/retention",
            data={"trash_days": "45", "margin_months": "6", "check_days": "30", "approval_months": "96"},
        )
        kind = (await engine.raw("SELECT id FROM document_kind WHERE name = 'Brief'"))[0]["id"]
        kept = (await engine.raw("SELECT id FROM retention_class WHERE name = 'Administratie'"))[0]["id"]
        set_ = await anna.post(f"/settings/retention/kinds/{kind}", data={"retention": str(kept)})
    firm = await Firm.load()

    assert "Loonstrook en loonstaat" in page.text and wrong.status_code == 422
    assert done.status_code == set_.status_code == 303
    assert (firm.trash_days, firm.margin_months, firm.check_days, firm.approval_months) == (45, 6, 30, 96)
    assert 'value="84"' in page.text and 'id="approval_months-error"' in wrong.text
    assert (await engine.raw("SELECT retention FROM document_kind WHERE id = $1", kind))[0]["retention"] == kept


async def test_an_erasure_names_the_hold_that_stops_it(cast: Cast) -> None:
    async with engine.writing():
        await add_hold(
            cast.anna.scope(Hold),
            "Controle",
            "Boekenonderzoek",
            dt.date(2026, 1, 1),
            None,
            On(client=cast.bakkerij),
            by=cast.anna,
        )
    async with browser_of(cast.anna) as anna:
        await proved(anna)
        page = await anna.get(f"/users/{cast.fem.user.id}/privacy/erasure")
        stopped = await anna.post(
            f"/users/{cast.fem.user.id}/privacy/erasure", data={"name": cast.fem.user.display_name}
        )

    assert "Bewaarplicht opgeschort: Controle" in page.text
    assert stopped.status_code == 422 and "Controle" in stopped.text
