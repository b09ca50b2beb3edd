"""Rolling out by a rule, who differs, the next book year, and a dossier that leaves and comes back: by keyboard, wide and narrow."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.looking import Tabs
from tests.browser.test_every_page import sign_in
from tests.house import House, house

ANNA = "anna@kantoor.example"
PICTURES = os.environ.get("PICTURES_OF_MOVING", "")  # a folder, to look at what the pages look like


@pytest.fixture(scope="module")
def poort(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house("small", tmp_path_factory.mktemp("moving"), clients=12) as made:
        with sqlite3.connect(made.var / "poort.db") as database:
            database.execute(
                "UPDATE client SET legal_form = CASE WHEN id IN (3, 4, 5) THEN 'Eenmanszaak' ELSE 'BV' END"
            )
        yield made


def look(tabs: Tabs, tab: Page, name: str) -> None:
    """Nothing for axe to say, on a phone and on a large screen, in light and in dark."""
    for width in (390, 1440):
        tab.set_viewport_size({"width": width, "height": 900})
        tabs.look(tab)
        if PICTURES:
            for scheme in ("dark", "light"):
                tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                tab.screenshot(path=Path(PICTURES) / f"{name}-{width}-{scheme}.png", full_page=True)


def press(tab: Page, what: Locator, key: str = "Enter") -> None:
    """As somebody does who has no mouse: what he presses can be reached and is seen to have the focus."""
    what.focus()
    expect(what).to_be_focused()
    tab.keyboard.press(key)


def test_a_structure_goes_to_who_matches_a_rule_and_the_rest_follows(poort: House, tabs: Tabs) -> None:
    tab = tabs.open()
    sign_in(tab, poort, ANNA)
    tab.goto(f"{poort.url}/dossiers")
    tab.locator("#starter").select_option("zzp")
    press(tab, tab.get_by_role("button", name="Voorbeeld toevoegen"))
    expect(tab.get_by_role("heading", level=1)).to_have_text("Eenmanszaak of zzp")
    structure = tab.url

    press(tab, tab.get_by_role("link", name="Uitrollen…"))
    tab.get_by_label("Naar").select_option("rule")
    press(tab, tab.get_by_text("Regel: waaraan de cliënten voldoen"))
    press(tab, tab.get_by_label("Eenmanszaak", exact=True), "Space")
    tab.get_by_label("Boekjaar").fill("2026")
    press(tab, tab.get_by_role("button", name="Bekijken wat er bij komt"))
    expect(tab.locator("table tbody tr")).to_have_count(3)
    press(tab, tab.locator("input[name=without]").first, "Space")
    press(tab, tab.get_by_role("button", name="Opnieuw rekenen"))
    expect(tab.get_by_text("bij 2 van de 2 cliënten")).to_be_visible()
    look(tabs, tab, "difference")
    press(tab, tab.get_by_role("button", name="Toepassen"))
    expect(tab.get_by_role("heading", level=1)).to_contain_text("Uitrol van")
    look(tabs, tab, "run")

    tab.goto(structure)
    press(tab, tab.get_by_role("link", name="Map toevoegen"))
    tab.get_by_label("Naam van de map").fill("Erbij bedacht")
    tab.keyboard.press("Enter")
    expect(tab.locator("#dossier-tree").get_by_text("Erbij bedacht")).to_be_visible()
    press(tab, tab.get_by_role("link", name="Afwijkingen"))
    expect(tab.locator("#drift tbody tr")).to_have_count(2)
    look(tabs, tab, "drift")
    tab.locator("#filter-kind").select_option("moved")
    expect(tab.get_by_text("Niemand wijkt zo van deze structuur af")).to_be_visible()
    tab.locator("#filter-kind").select_option("adds")
    name = tab.locator("#drift tbody tr a").first.inner_text()
    press(tab, tab.locator("#drift tbody tr a").first)
    expect(tab.locator("#client-drift").get_by_role("link", name="Wijkt af van “Eenmanszaak of zzp”")).to_be_visible()
    look(tabs, tab, "client")
    press(tab, tab.locator("#client-drift a").first)
    expect(tab.get_by_role("cell", name=name, exact=True)).to_be_visible()

    tab.goto(f"{poort.url}/dossiers/years?year=2027")
    look(tabs, tab, "years")
    press(tab, tab.get_by_role("button", name="mappen klaarzetten"))
    expect(tab.get_by_role("heading", level=1)).to_have_text("Boekjaar 2027")
    press(tab, tab.get_by_role("button", name="Ongedaan maken").last)
    expect(tab.get_by_text("Ongedaan gemaakt:")).to_be_visible()
    look(tabs, tab, "undone")
    press(tab, tab.get_by_role("link", name="Uitgerold"))
    expect(tab.locator("table tbody tr")).to_have_count(2)

    tab.goto(structure)
    press(tab, tab.get_by_role("link", name="Voor nieuwe cliënten"))
    press(tab, tab.get_by_label("Eenmanszaak", exact=True), "Space")
    press(tab, tab.get_by_role("button", name="Aan nieuwe cliënten geven"))
    expect(tab.get_by_text("Nieuwe cliënten die aan de regel voldoen")).to_be_visible()


def test_rights_of_a_folder_are_set_at_the_folder(poort: House, tabs: Tabs) -> None:
    tab = tabs.open()
    sign_in(tab, poort, ANNA)
    with sqlite3.connect(poort.var / "poort.db") as database:
        sql = "SELECT min(f.id) FROM folder f JOIN dossier d ON d.id = f.dossier WHERE d.kind = 'standard' AND f.kind = 'office'"
        folder = database.execute(sql).fetchone()[0]
    tab.goto(f"{poort.url}/folders/{folder}/grants")
    look(tabs, tab, "grants")
    tab.locator("select[name^=template-]").first.select_option("act")
    press(tab, tab.get_by_role("button", name="Bewaren"))
    expect(tab.locator("#toasts")).to_contain_text("is bewaard")


def test_a_dossier_leaves_and_comes_back(poort: House, tabs: Tabs, tmp_path: Path) -> None:
    tab = tabs.open()
    sign_in(tab, poort, ANNA)
    tab.goto(f"{poort.url}/clients/1/dossier")
    press(tab, tab.get_by_role("link", name="Exporteren"))
    press(tab, tab.get_by_label("Ook wat in de prullenbak ligt"), "Space")
    press(tab, tab.get_by_role("button", name="Archief maken"))
    loading = tab.get_by_role("link", name="Downloaden")
    expect(loading).to_be_visible(timeout=20_000)
    look(tabs, tab, "exported")
    with tab.expect_download() as download:
        press(tab, loading)
    download.value.save_as(tmp_path / "dossier.zip")

    tab.goto(f"{poort.url}/dossiers")
    press(tab, tab.get_by_role("link", name="Dossier inlezen"))
    tab.get_by_label("Archief (.zip)").set_input_files(tmp_path / "dossier.zip")
    press(tab, tab.get_by_role("button", name="Controleren"))
    expect(tab.get_by_text("klaar om in te lezen")).to_be_visible(timeout=20_000)
    tab.get_by_label("Cliëntnummer").fill("bestaat niet")
    press(tab, tab.get_by_role("button", name="Andere cliënt kiezen"))
    expect(tab.get_by_role("alert")).to_contain_text("Geen cliënt met nummer")
    with sqlite3.connect(poort.var / "poort.db") as database:
        number = database.execute("SELECT number FROM client WHERE id = 7").fetchone()[0]
    tab.get_by_label("Cliëntnummer").fill(number)
    press(tab, tab.get_by_role("button", name="Andere cliënt kiezen"))
    expect(tab.get_by_role("button", name="Inlezen", exact=True)).to_be_visible(timeout=20_000)
    look(tabs, tab, "planned")
    press(tab, tab.get_by_role("button", name="Inlezen", exact=True))
    expect(tab.get_by_role("link", name="Naar het dossier")).to_be_visible(timeout=20_000)
    look(tabs, tab, "read-in")
    press(tab, tab.get_by_role("button", name="Terugnemen"))
    expect(tab.get_by_text("teruggenomen")).to_be_visible()


def test_without_a_script_it_can_be_done_as_well(poort: House, tabs: Tabs) -> None:
    tab = tabs.open(java_script_enabled=False)
    sign_in(tab, poort, ANNA)
    tab.goto(f"{poort.url}/clients/2/dossier")
    press(tab, tab.get_by_role("link", name="Wijkt dit dossier af van de standaard?"))
    expect(tab.locator("#client-drift")).to_be_visible()
    with sqlite3.connect(poort.var / "poort.db") as database:
        structure = database.execute("SELECT max(id) FROM dossier WHERE kind = 'standard'").fetchone()[0]
    tab.goto(f"{poort.url}/dossiers/{structure}/copy/difference?who=clients&clients=2&year=2026")
    press(tab, tab.get_by_role("button", name="Toepassen"))
    expect(tab).to_have_url(f"{poort.url}/clients/2/dossier")
