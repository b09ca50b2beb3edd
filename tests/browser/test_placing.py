"""Placing in a real browser: files dropped, the bin by keys alone, the plan on a phone, and all of it without a script."""

from __future__ import annotations

import hashlib
import random
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from models.sample.papers import pdf
from tests.browser.looking import Tabs
from tests.browser.test_every_page import sign_in
from tests.house import House, house

ANNA = "anna@kantoor.example"
MB = 1024 * 1024


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


def test_an_archive_goes_on_after_a_kill_and_after_a_reload(tabs: Tabs, poort: House, tmp_path: Path) -> None:
    """kill -9 while it comes in; then the page is left, and the same file chosen again goes on where it was."""
    number, inside = number_of(poort, "Garage Smit"), pdf("loon") + random.Random(3).randbytes(40 * MB)
    with zipfile.ZipFile(tmp_path / "loon.zip", "w") as archive:
        archive.writestr(f"{number}_loon.pdf", inside)
    tab = begun(tabs, poort)
    pieces: list[int] = []

    def line(route: Route) -> None:
        pieces.append(1)
        if len(pieces) == 2:
            poort.processes["web"].kill()
            poort.processes["web"].wait()
            poort.start_web()
        if len(pieces) < 5:
            route.continue_()  # after some pieces nothing moves any more

    tab.route("**/uploads/*", line)
    tab.locator("#placing-input").set_input_files(tmp_path / "loon.zip")
    expect(tab.locator(".figures")).to_contain_text(
        re.compile(r"(8|16|17|25)[,\d]* MB van 4[12][,\d]* MB"), timeout=30_000
    )
    tab.wait_for_timeout(2000)
    tab.once("dialog", lambda dialog: dialog.accept())
    tab.reload()
    tab.unroute(
        "**/uploads/*"
    )  # not before: what is held up would go on at once, and may be in before the page is left
    expect(tab.locator("#placing")).to_contain_text("1 bestand is nog niet compleet")
    sent: list[str] = []
    tab.on("request", lambda request: sent.append(f"{request.method} {request.headers.get('upload-offset', '')}"))
    tab.locator("#placing-input").set_input_files(tmp_path / "loon.zip")

    expect(tab.locator("upload-list .uploads li")).to_have_class("good", timeout=30_000)
    again = [int(one.split()[1]) for one in sent if one.startswith("PATCH")]
    assert again and min(again) >= 8 * MB and not any(one == "POST 0" for one in sent)
    expect(tab.locator("#placing-files > p[role=status]")).to_contain_text("1 klaar voor 1 cliënt", timeout=30_000)
    with sqlite3.connect(poort.var / "poort.db") as database:
        found = database.execute("SELECT sha256 FROM placement_file WHERE name = 'loon.pdf'").fetchall()
    assert found == [(hashlib.sha256(inside).hexdigest(),)]
    tabs.complaints[:] = [text for text in tabs.complaints if not re.search("ERR_|Failed to fetch", text)]
