"""Placing in a real browser: files dropped, the bin by keys alone, the plan on a phone, and all of it without a script."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

import pytest
from playwright.sync_api import FilePayload, Page, expect

from models.sample.papers import pdf
from tests.browser.looking import Tabs
from tests.browser.test_every_page import sign_in
from tests.house import House, house

ANNA = "anna@kantoor.example"


@pytest.fixture(scope="module")
def poort(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house("small", tmp_path_factory.mktemp("placing"), clients=12) as made:
        yield made


def number_of(poort: House, name: str) -> str:
    with sqlite3.connect(poort.var / "poort.db") as database:
        return str(database.execute("SELECT number FROM client WHERE name = ?", (name,)).fetchone()[0])


def paper(name: str) -> FilePayload:
    return {"name": name, "mimeType": "application/pdf", "buffer": pdf(name)}


def begun(tabs: Tabs, poort: House, **options: object) -> Page:
    tab = tabs.open(**options)  # type: ignore[arg-type]
    sign_in(tab, poort, ANNA)
    tab.goto(f"{poort.url}/dossiers")
    tab.get_by_role("link", name="Stukken plaatsen").click()
    tab.get_by_role("button", name="Nieuwe plaatsing").click()
    expect(tab.get_by_role("heading", name="3. Plan")).to_be_visible()
    return tab


def test_files_are_dropped_matched_given_a_client_by_keys_and_placed(tabs: Tabs, poort: House) -> None:
    number = number_of(poort, "Bakkerij Jansen B.V.")
    tab = begun(tabs, poort)
    tab.locator("#placing-input").set_input_files([paper(f"{number}_Btw-jan.pdf"), paper("zonder nummer.pdf")])
    expect(tab.locator(".uploads li.good")).to_have_count(2)
    expect(tab.locator("#placing-files > p[role=status]")).to_contain_text("1 klaar voor 1 cliënt, 1 wachten")
    tab.get_by_label("Naar de map").fill("Aangiften › {boekjaar} › Omzetbelasting")
    tab.get_by_label("Boekjaar").fill("2026")
    tab.keyboard.press("Enter")
    expect(tab.locator("table")).to_contain_text("zonder nummer.pdf")
    Tabs.look(tab)

    field = tab.get_by_label("Cliënt van zonder nummer.pdf")
    field.focus()
    tab.keyboard.type("Garage")
    expect(tab.locator("#placing-clients option")).to_have_count(1)
    tab.keyboard.press("Enter")
    expect(tab.locator("#placing-files > p[role=status]")).to_contain_text("2 klaar voor 2 cliënten, 0 wachten")
    tab.get_by_role("link", name=re.compile("^Klaar")).click()
    expect(tab.locator("table")).to_contain_text("Aangiften › 2026 › Omzetbelasting › Btw-jan.pdf")
    Tabs.look(tab)
    tab.get_by_role("button", name="2 bestanden plaatsen").press("Enter")
    expect(tab.locator("#placing-files > p[role=status]")).to_contain_text("2 geplaatst", timeout=20_000)

    tab.get_by_role("link", name="Terugdraaien").click()
    Tabs.look(tab)
    tab.get_by_role("button", name="Terugdraaien").click()
    expect(tab.locator("#placing-files > p[role=status]")).to_contain_text("0 geplaatst", timeout=20_000)


def test_the_pages_fit_a_phone(tabs: Tabs, poort: House) -> None:
    tab = begun(tabs, poort, width=390)
    tab.locator("#placing-input").set_input_files(
        [paper("1_een heel lange naam van een stuk dat nergens bij hoort 2026.pdf")]
    )
    expect(tab.locator(".uploads li.good")).to_have_count(1)
    tab.goto(f"{tab.url.split('?')[0]}?tab=bin")
    Tabs.look(tab)
    tab.goto(f"{poort.url}/placing")
    Tabs.look(tab)


def test_without_a_script_everything_is_there_too(tabs: Tabs, poort: House) -> None:
    number = number_of(poort, "Garage Smit")
    tab = begun(tabs, poort, java_script_enabled=False)
    tab.locator("#placing-input").set_input_files([paper(f"{number} Loon.pdf"), paper("los.pdf")])
    tab.get_by_role("button", name="Uploaden").click()
    tab.get_by_label("Naar de map").fill("Salaris")
    tab.get_by_role("button", name="Bewaren en plan bekijken").click()
    tab.get_by_label("Cliënt van los.pdf").fill("Jansen")
    tab.locator("#placing-files").get_by_role("button", name="Koppelen").first.click()
    expect(tab.locator("#asked")).to_contain_text("Kies welke cliënt u bedoelt")
    tab.locator("#asked").get_by_role("button", name="Jansen Beheer B.V.").click()
    expect(tab.locator("#placing-files > p[role=status]")).to_contain_text("2 klaar voor 2 cliënten")
    tab.get_by_role("button", name="2 bestanden plaatsen").click()
    for _ in range(40):
        if "2 geplaatst" in tab.locator("#placing-files").inner_text():
            break
        tab.wait_for_timeout(250)
        tab.reload()
    expect(tab.locator("#placing-files > p[role=status]")).to_contain_text("2 geplaatst")
