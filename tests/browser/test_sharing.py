"""Who is it? Two people with one mailbox sign in by keyboard, on a phone, and without a script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import Tabs
from tests.cast import PASSWORD
from tests.house import House, house

SAM = "sam@garage-smit.example"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Where Fem reads Sam's mailbox too, with the password that everybody has here."""
    var: Path = tmp_path_factory.mktemp("sharing")
    with house("small", var, worker=False, clients=12) as made:
        yield made


def sign_in(tab: Page, office: House, email: str) -> None:
    tab.goto(f"{office.url}/sign-in")
    expect(tab.get_by_label("E-mailadres")).to_be_focused()  # a letter typed before that is lost
    tab.keyboard.type(email)
    tab.keyboard.press("Tab")
    tab.keyboard.type(PASSWORD)
    tab.keyboard.press("Enter")


def test_the_office_shares_an_address_and_each_chooses_his_name(chromium: Browser, office: House) -> None:
    with Tabs(chromium) as tabs:
        anna = tabs.open(1440)
        sign_in(anna, office, "anna@kantoor.example")
        anna.wait_for_url(f"{office.url}/")
        anna.goto(f"{office.url}/users?q=fem")
        anna.get_by_role("link", name="Fem").first.click()
        anna.get_by_text("E-mailadres wijzigen").click()
        anna.get_by_role("textbox", name="E-mailadres").fill(SAM)
        anna.get_by_role("button", name="Adres bewaren").click()
        together = anna.get_by_role("checkbox", name="Zij gebruiken dit adres samen")
        together.focus()
        anna.keyboard.press("Space")
        Tabs.look(anna)
        anna.get_by_role("button", name="Adres bewaren").press("Enter")
        expect(anna.get_by_text("Dit adres wordt ook gebruikt door")).to_be_visible()

        for width, script in ((390, True), (1440, False)):
            tab = tabs.open(width, java_script_enabled=script)
            sign_in(tab, office, SAM)
            expect(tab.get_by_role("heading", name="Wie bent u?")).to_be_visible()
            if script:
                Tabs.look(tab)
            tab.keyboard.press("Tab")
            while tab.evaluate("!document.activeElement.textContent.includes('Sam')"):
                tab.keyboard.press("Tab")
            tab.keyboard.press("Enter")
            tab.wait_for_url("**/portal")
            expect(tab.get_by_text("Garage Smit").first).to_be_visible()
