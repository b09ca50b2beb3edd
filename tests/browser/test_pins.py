"""PINs in a real browser: the office looks, finds who has none and issues one anew by keyboard; a client puts a passkey in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.looking import Tabs
from tests.browser.test_passkeys import RIK, sign_in_by_password, tab_to, with_authenticator
from tests.cast import PASSWORD
from tests.house import House, house


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(
        "small", tmp_path_factory.mktemp("pins"), worker=False, host="localhost", clients=12, lively=True
    ) as made:
        made.run("tests.giving_pins", "pin", RIK, "sam@garage-smit.example")
        made.run("tests.giving_pins", "codes", RIK)
        yield made


def test_the_office_issues_a_pin_anew_by_keyboard(chromium: Browser, office: House) -> None:
    with Tabs(chromium) as tabs:
        for width, paths in (
            (390, ("/settings/tokens", "/settings/tokens/register")),
            (1440, ("/settings/tokens?state=none", "/settings/tokens?kind=codes")),
        ):
            tab = tabs.open(width)
            sign_in_by_password(tab, office, "anna@kantoor.example")
            tab.wait_for_url(lambda url: "/sign-in" not in url)
            for path in paths:
                tab.goto(f"{office.url}{path}")
                tabs.look(tab)
        tab.goto(f"{office.url}/settings/tokens")
        tab.get_by_role("link", name="Rik Jansen").first.click()
        card = tab.locator("#pins")
        expect(card).to_contain_text("Op de post")
        tabs.look(tab)
        there = tab.url
        tab.goto(f"{office.url}/settings/tokens/people/{there.rsplit('/', 1)[1]}")
        tabs.look(tab)
        tab.goto(there)
        expect(card).to_contain_text("Op de post")

        tab_to(tab, "Nieuwe pincode per brief")
        tab.keyboard.press("Enter")
        expect(tab.get_by_role("heading", name="Opnieuw uitgeven")).to_be_visible()
        tabs.look(tab)
        tab_to(tab, "Opnieuw uitgeven")
        tab.keyboard.press("Enter")

        expect(tab.get_by_text("Opnieuw uitgegeven: 1")).to_be_visible()
        expect(tab.get_by_role("heading", name="Partij")).to_be_visible()  # the letter with the new one


def test_without_a_script_the_office_does_the_same(chromium: Browser, office: House) -> None:
    with Tabs(chromium) as tabs:
        tab = tabs.open(java_script_enabled=False)
        tab.goto(f"{office.url}/sign-in")
        tab.get_by_label("E-mailadres").fill("anna@kantoor.example")
        tab.get_by_label("Wachtwoord", exact=True).fill(PASSWORD)
        tab.get_by_role("button", name="Aanmelden", exact=True).click()
        tab.goto(f"{office.url}/settings/tokens?q=smit")
        tab.locator("input[name=ids]").first.check()
        tab.get_by_role("button", name="Blokkeren").click()
        expect(tab.get_by_text("Deblokkeren kan niet")).to_be_visible()
        tab.get_by_role("button", name="Blokkeren").click()

        expect(tab.get_by_text("Geblokkeerd: 1")).to_be_visible()


def test_a_client_puts_a_passkey_in_the_place_of_his_pin(chromium: Browser, office: House) -> None:
    pin = re.search(r"\b\d{6}\b", office.run("tests.giving_pins", "pin", RIK))
    assert pin is not None
    with Tabs(chromium) as tabs:
        tab = tabs.open(390)
        with_authenticator(tab)
        sign_in_by_password(tab, office, RIK)
        tab.wait_for_url(lambda url: "/sign-in" not in url)
        tab.goto(f"{office.url}/account")
        expect(tab.locator("#approving")).to_contain_text("De zes cijfers uit de brief")
        tabs.look(tab)
        tab_to(tab, "Pincode vervangen door een passkey")
        tab.keyboard.press("Enter")
        expect(tab.get_by_role("link", name="Passkey toevoegen")).to_be_visible()
        tabs.look(tab)
        tab_to(tab, "Passkey toevoegen")
        tab.keyboard.press("Enter")
        expect(tab.get_by_role("button", name="Passkey maken")).to_be_visible()
        tab_to(tab, "Passkey maken")
        tab.keyboard.press("Enter")
        expect(tab.get_by_role("heading", name="Uw herstelcodes")).to_be_visible()

        tab.goto(f"{office.url}/account/pin")
        tabs.look(tab)
        tab.get_by_label("Uw huidige pincode").fill(pin[0])
        tab_to(tab, "Passkey gebruiken en pincode vervangen")
        tab.keyboard.press("Enter")

        expect(tab.get_by_text("Uw pincode werkt niet meer")).to_be_visible()
        expect(tab.locator("#approving")).not_to_contain_text("De zes cijfers uit de brief")
