"""A paper is found by words in it, soon after it was put there: by keyboard at the office, on a phone by the client, without a script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, expect

from tests import papers
from tests.browser.looking import Tabs
from tests.browser.test_every_page import sign_in
from tests.browser.test_portal import SMALL_TARGETS
from tests.house import House, house

ANNA, RIK = "anna@kantoor.example", "rik@bakkerij-jansen.example"


@pytest.fixture(scope="module")
def poort(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """With a worker: what is uploaded is read within seconds."""
    with house("small", tmp_path_factory.mktemp("finding"), clients=12) as made:
        yield made


@pytest.fixture(scope="module")
def uploaded(chromium: Browser, poort: House) -> str:
    """A PDF in the dossier of the bakery, of which only the second page speaks of a nightingale."""
    with Tabs(chromium) as tabs:
        tab = tabs.open(1440)
        sign_in(tab, poort, ANNA)
        tab.goto(f"{poort.url}/clients/1/dossier")
        tab.get_by_role("link", name="Permanent dossier").first.click()
        content = papers.pdf("voorblad", "De nachtegaal zingt over voorzieningen en meer")
        tab.locator("input[type=file]").first.set_input_files(
            [FilePayload(name="Verslag 2024.pdf", mimeType="application/pdf", buffer=content)]
        )
        expect(tab.get_by_text("Verslag 2024.pdf").first).to_be_visible()
        for _ in range(60):
            tab.goto(f"{poort.url}/search/documents?q=nachtegaal")
            if tab.get_by_text("1 stuk gevonden").is_visible():
                break
            tab.wait_for_timeout(500)
        expect(tab.get_by_text("1 stuk gevonden")).to_be_visible()
    return "Verslag 2024.pdf"


def test_the_office_finds_words_in_a_paper_by_keyboard(chromium: Browser, poort: House, uploaded: str) -> None:
    with Tabs(chromium) as tabs:
        tab = tabs.open(1440)
        sign_in(tab, poort, ANNA)
        tab.keyboard.press("/")
        tab.keyboard.type("nachteg", delay=20)
        option = tab.locator("#found [role=option]", has_text=uploaded)
        expect(option).to_be_visible()
        tab.keyboard.press("ArrowDown")
        expect(option).to_have_attribute("aria-selected", "true")
        tab.keyboard.press("ArrowDown")
        tab.keyboard.press("Enter")
        tab.wait_for_url(re.compile(r"/search/documents\?q=nachteg"))
        expect(tab.locator("mark").first).to_have_text("nachtegaal")
        Tabs.look(tab)

        field = tab.locator("#filter-q")
        field.focus()
        field.press("Control+a")
        tab.keyboard.type("voorziening", delay=20)
        expect(tab.locator(".found-list mark").first).to_have_text("voorzieningen")
        expect(field).to_be_focused()
        assert "q=voorziening" in tab.url
        tab.get_by_role("link", name="pagina 2").first.press("Enter")
        tab.wait_for_url("**/view?from=2")


def test_a_client_finds_it_on_his_phone_from_his_dossier(chromium: Browser, poort: House, uploaded: str) -> None:
    with Tabs(chromium) as tabs:
        tab = tabs.open(390, has_touch=True, is_mobile=True)
        sign_in(tab, poort, RIK)
        tab.goto(f"{poort.url}/portal/dossier")
        tab.get_by_role("searchbox", name="Zoeken in uw stukken").fill("nachtegaal")
        tab.get_by_role("button", name="Zoeken").tap()
        tab.wait_for_url(re.compile("/portal/search"))
        Tabs.look(tab)
        assert tab.evaluate(SMALL_TARGETS) == []
        tab.locator("#portal-q").fill("nachteg")
        expect(tab.locator(".portal-list mark").first).to_have_text("nachtegaal")
        tab.get_by_role("link", name=re.compile(uploaded)).tap()
        expect(tab.get_by_role("heading", name=uploaded)).to_be_visible()


@pytest.mark.parametrize(("email", "page"), [(ANNA, "/search/documents"), (RIK, "/portal/search")])
def test_it_works_without_a_script(chromium: Browser, poort: House, uploaded: str, email: str, page: str) -> None:
    with Tabs(chromium) as tabs:
        tab = tabs.open(390, java_script_enabled=False)
        sign_in(tab, poort, email)
        tab.goto(f"{poort.url}{page}")
        field = tab.locator("main input[name=q]")
        field.fill("nachtegaal")
        field.press("Enter")
        tab.wait_for_url(re.compile(re.escape(page) + r"\?.*q=nachtegaal"))
        expect(tab.get_by_text(uploaded).first).to_be_visible()


def test_the_pages_stay_within_the_screen(chromium: Browser, poort: House, uploaded: str, tmp_path: Path) -> None:
    for width in (390, 1440):
        with Tabs(chromium) as tabs:
            tab = tabs.open(width)
            sign_in(tab, poort, ANNA)
            for address in (
                "/search/documents?q=jaarrekening",
                "/search/documents",
                "/search/documents?q=zzzz&year=2024",
                "/search?q=jaarrekening",
                "/clients/1/dossier",
            ):
                tab.goto(f"{poort.url}{address}")
                Tabs.look(tab)
