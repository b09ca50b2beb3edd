"""Documents on the screen in a real browser: by keys, on a phone, in light and dark, and without a script."""

from __future__ import annotations

import sqlite3

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import Tabs
from tests.browser.test_every_page import sign_in
from tests.house import House
from tests.web.test_viewing import words_pdf

RIK, ANNA = "rik@bakkerij-jansen.example", "anna@kantoor.example"
PAGES = 130


@pytest.fixture(scope="module")
def document(poort: House, chromium: Browser) -> int:
    """A thick document of Bakkerij Jansen, put there by the office."""
    tab = Tabs(chromium).open()
    sign_in(tab, poort, ANNA)
    with sqlite3.connect(poort.var / "poort.db") as database:
        folder = database.execute(
            "SELECT f.id FROM folder f JOIN client c ON c.id = f.client WHERE c.name = 'Bakkerij Jansen B.V.' AND f.name = 'Jaarrekeningen'"
        ).fetchone()[0]
    data = words_pdf(*[f"Dit is blad {n}" for n in range(1, PAGES + 1)])
    sent = tab.request.post(
        f"{poort.url}/folders/{folder}/documents",
        multipart={"files": {"name": "dik.pdf", "mimeType": "application/pdf", "buffer": data}},
        headers={"Origin": poort.url},
        max_redirects=0,
    )
    assert sent.status == 303, sent.text()
    tab.context.close()
    with sqlite3.connect(poort.var / "poort.db") as database:
        return int(database.execute("SELECT max(id) FROM document WHERE name = 'dik.pdf'").fetchone()[0])


def reading(tabs: Tabs, poort: House, document: int, **options: object) -> Page:
    tab = tabs.open(**options)  # type: ignore[arg-type]
    sign_in(tab, poort, RIK)
    tab.goto(f"{poort.url}/portal/documents/{document}")
    return tab


def test_a_thick_document_is_read_by_keys(tabs: Tabs, poort: House, document: int) -> None:
    tab = reading(tabs, poort, document)
    first = tab.locator("#page-1 img")
    expect(first).to_be_visible()
    expect(tab.locator("#page-1 img")).not_to_have_js_property("naturalWidth", 0)
    expect(tab.locator("#page-60 img")).to_have_js_property("complete", False)  # pages come as one scrolls
    Tabs.look(tab)
    small = first.bounding_box()

    tab.locator(".pages-roll").focus()
    tab.keyboard.press("+")
    expect(tab.locator(".pages-roll--1800")).to_be_focused(timeout=20_000)
    large = first.bounding_box()
    assert small and large and large["width"] > small["width"] * 1.2
    tab.keyboard.press("0")
    expect(tab.locator(".pages-roll--1200")).to_be_focused(timeout=20_000)
    tab.get_by_label("Pagina", exact=True).fill("60")
    tab.keyboard.press("Enter")
    expect(tab.locator("#page-60 img")).to_be_in_viewport(timeout=20_000)
    expect(tab.get_by_label("Pagina", exact=True)).to_have_value("60")
    tab.locator("#page-60 summary").press("Enter")
    expect(tab.locator("#page-60 .page-words")).to_have_text("Dit is blad 60", timeout=30_000)
    tab.get_by_label("Pagina", exact=True).fill("125")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/view?from=121#page-125", timeout=30_000)
    expect(tab.locator("#page-125")).to_be_visible(timeout=30_000)
    Tabs.look(tab)


def test_it_fits_a_phone(tabs: Tabs, poort: House, document: int) -> None:
    tab = reading(tabs, poort, document, width=390)
    expect(tab.locator("#page-1 img")).not_to_have_js_property("naturalWidth", 0)
    Tabs.look(tab)
    tab.get_by_role("link", name="Groter").click()
    expect(tab.locator(".pages-roll--1800")).to_be_visible()
    Tabs.look(tab)


def test_without_a_script_pages_and_their_words_are_a_link_away(tabs: Tabs, poort: House, document: int) -> None:
    tab = reading(tabs, poort, document, java_script_enabled=False)
    tab.get_by_role("link", name="Pagina’s bekijken").click()
    expect(tab.get_by_role("heading", name="dik.pdf")).to_be_visible()
    tab.locator("#page-2 summary").click()
    tab.locator("#page-2 .page-text a").click()
    expect(tab.locator("main")).to_contain_text("Dit is blad 2")
    tab.go_back()
    tab.get_by_label("Pagina", exact=True).fill("130")
    tab.get_by_role("button", name="Ga").click()
    assert tab.url.endswith("#page-130")
    tab.get_by_role("link", name="dik.pdf").click()
    expect(tab.get_by_role("heading", name="dik.pdf")).to_be_visible()
