"""Passkeys in a real browser with an authenticator of its own (CDP), by keyboard only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import Tabs
from tests.cast import PASSWORD
from tests.house import House, house

RIK = "rik@bakkerij-jansen.example"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """At a name: browsers keep no passkeys at a number."""
    var: Path = tmp_path_factory.mktemp("passkeys")
    with house("small", var, worker=False, host="localhost", clients=12) as made:
        yield made


def with_authenticator(tab: Page) -> Any:
    session = tab.context.new_cdp_session(tab)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


def tab_to(tab: Page, words: str) -> None:
    """Press Tab until the control with these words has the focus."""
    for _ in range(60):
        tab.keyboard.press("Tab")
        if words in tab.evaluate(
            "document.activeElement?.matches('a, button') ? document.activeElement.textContent : ''"
        ):
            return
    raise AssertionError(f"no {words!r} by keyboard")


def sign_in_by_password(tab: Page, office: House, email: str) -> None:
    tab.goto(f"{office.url}/sign-in")
    expect(tab.get_by_label("E-mailadres")).to_be_focused()  # a letter typed before that is lost
    tab.keyboard.type(email)
    tab.keyboard.press("Tab")
    tab.keyboard.type(PASSWORD)
    tab.keyboard.press("Enter")


@pytest.mark.parametrize("width", [390, 1440])
def test_a_passkey_is_made_and_signs_in_by_keyboard(chromium: Browser, office: House, width: int) -> None:
    email = {390: RIK, 1440: "anna@kantoor.example"}[width]
    with Tabs(chromium) as tabs:
        tab = tabs.open(width)
        cdp, authenticator = with_authenticator(tab)
        sign_in_by_password(tab, office, email)
        tab.wait_for_url(lambda url: "/sign-in" not in url)
        tab.goto(f"{office.url}/account")
        tabs.look(tab)
        tab_to(tab, "Passkey toevoegen")
        tab.keyboard.press("Enter")
        tab.wait_for_url("**/passkeys/new")
        tabs.look(tab)

        tab_to(tab, "Passkey maken")
        tab.keyboard.press("Enter")

        expect(tab.get_by_role("heading", name="Uw herstelcodes")).to_be_visible()
        [kept] = cdp.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})["credentials"]
        assert kept["isResidentCredential"]
        assert kept["rpId"] == "localhost"

        # away, and in again without a name or a password
        tab.context.clear_cookies()
        cdp.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
        tab.goto(f"{office.url}/sign-in")
        tabs.look(tab)
        cdp.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": True})
        tab_to(tab, "Aanmelden met passkey")
        tab.keyboard.press("Enter")
        tab.wait_for_url(lambda url: "/sign-in" not in url)

        # or by what the browser offers where the name is typed: this authenticator chooses at once
        tab.context.clear_cookies()
        tab.goto(f"{office.url}/sign-in")
        tab.wait_for_url(lambda url: "/sign-in" not in url)

        # and as second factor
        tab.context.clear_cookies()
        cdp.send("WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": authenticator, "enabled": False})
        sign_in_by_password(tab, office, email)
        expect(tab.get_by_role("heading", name="Uw tweede factor")).to_be_visible()
        tabs.look(tab)
        cdp.send("WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": authenticator, "enabled": True})
        tab_to(tab, "Bevestigen met passkey")
        tab.keyboard.press("Enter")
        tab.wait_for_url(lambda url: "/sign-in" not in url)


def test_a_failure_is_said_and_another_way_is_open(chromium: Browser, office: House) -> None:
    with Tabs(chromium) as tabs:
        tab = tabs.open()
        with_authenticator(tab)  # with nothing on it
        tab.goto(f"{office.url}/sign-in")
        tab_to(tab, "Aanmelden met passkey")
        tab.keyboard.press("Enter")

        expect(tab.get_by_role("alert").filter(has_text="Dat is niet gelukt")).to_be_visible()
        expect(tab.get_by_label("Wachtwoord", exact=True)).to_be_visible()


def test_without_a_script_there_is_no_button_that_does_nothing(chromium: Browser, office: House) -> None:
    with Tabs(chromium) as tabs:
        tab = tabs.open(java_script_enabled=False)
        tab.goto(f"{office.url}/sign-in")

        expect(tab.get_by_role("button", name="Aanmelden met passkey")).to_be_hidden()
        expect(tab.get_by_role("button", name="Aanmelden", exact=True)).to_be_visible()
