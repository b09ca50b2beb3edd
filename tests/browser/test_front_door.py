"""The front door in a real browser: set-up, sign-in, the second factor and a kept form, by keyboard, on a phone and without a script."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import Tabs
from tests.house import House
from tests.house import house as empty_house

PASSWORD = "kaas is van melk"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Nobody lives here yet."""
    with empty_house("small", tmp_path, worker=False) as made:
        yield made


def end_sessions(house: House) -> None:
    with sqlite3.connect(house.var / "poort.db", timeout=10) as database:
        database.execute("UPDATE session SET ended_at = seen_at WHERE ended_at IS NULL")


@pytest.fixture
def open_tab(tabs: Tabs) -> Callable[..., Page]:
    """A tab of a fresh browser, of a phone unless one asks for another."""
    return lambda **options: tabs.open(**{"viewport": {"width": 390, "height": 844}, **options})


def press(tab: Page, key: str = "Enter") -> None:
    with tab.expect_navigation():
        tab.keyboard.press(key)


def set_up(tab: Page, house: House) -> None:
    tab.goto(house.set_up_link())
    for field, text in {
        "firm_name": "De Brug",
        "brand": "#e8b500",
        "surname": "Bos",
        "email": "anna@a.example",
        "password": PASSWORD,
    }.items():
        tab.locator(f"#{field}").fill(text)
    press(tab)


def sign_in(tab: Page, email: str = "anna@a.example") -> None:
    tab.locator("#email").fill(email)
    tab.locator("#password").fill(PASSWORD)
    press(tab)


@pytest.mark.parametrize("width", [390, 1440])
def test_from_the_link_to_the_choice(house: House, open_tab: Any, width: int) -> None:
    tab = open_tab(viewport={"width": width, "height": 900})
    tab.goto(house.url)
    expect(tab.get_by_role("heading", name="nog niet ingericht")).to_be_visible()
    Tabs.look(tab)

    tab.goto(house.set_up_link())
    expect(tab.get_by_label("Naam van het kantoor")).to_be_focused()
    press(tab)
    expect(tab.get_by_role("alert")).to_contain_text("Er kloppen 4 dingen niet")
    Tabs.look(tab)
    set_up(tab, house)

    Tabs.look(tab)
    key = tab.locator("copy-text code").inner_text().replace(" ", "")
    assert tab.locator(".qr").evaluate("picture => picture.naturalWidth") > 200
    tab.get_by_label("De code die de app nu toont").fill(pyotp.TOTP(key).now())
    press(tab)

    expect(tab.get_by_role("heading", name="Uw herstelcodes")).to_be_visible()
    Tabs.look(tab)
    with tab.expect_download() as saved:
        tab.get_by_role("link", name="Downloaden").click()
    codes = tab.locator("copy-text code").inner_text().split()
    assert saved.value.suggested_filename == "herstelcodes.txt"
    assert Path(saved.value.path()).read_text(encoding="utf-8").split()[-10:] == codes
    tab.get_by_role("link", name="verder").click()

    expect(tab.get_by_role("heading", name="logo")).to_be_visible()
    Tabs.look(tab)
    tab.get_by_role("link", name="Overslaan").click()
    expect(tab.get_by_role("heading", name="Hoe wilt u beginnen?")).to_be_visible()
    Tabs.look(tab)


def test_by_keyboard_with_a_recovery_code(house: House, open_tab: Any) -> None:
    tab = open_tab()
    set_up(tab, house)
    key = tab.locator("copy-text code").inner_text().replace(" ", "")
    tab.locator("#code").fill(pyotp.TOTP(key).now())
    press(tab)
    code = tab.locator("copy-text code").inner_text().split()[0]

    tab = open_tab()
    tab.goto(f"{house.url}/account")
    Tabs.look(tab)
    tab.keyboard.type("anna@a.example")
    tab.keyboard.press("Tab")
    tab.keyboard.type("niet dit wachtwoord")
    press(tab)
    expect(tab.get_by_role("alert")).to_contain_text("horen niet bij elkaar")
    expect(tab.get_by_label("Wachtwoord", exact=True)).to_be_focused()
    Tabs.look(tab)
    tab.keyboard.type(PASSWORD)
    press(tab)
    Tabs.look(tab)
    tab.keyboard.type(code)
    press(tab)

    expect(tab.get_by_role("heading", name="Uw account")).to_be_visible()
    expect(tab.get_by_text("U hebt nog 9 herstelcodes over.")).to_be_visible()
    assert tab.url == f"{house.url}/account"
    Tabs.look(tab)


@pytest.mark.parametrize("has_script", [True, False])
def test_what_was_typed_is_there_again(house: House, open_tab: Any, has_script: bool) -> None:
    tab = open_tab(java_script_enabled=has_script)
    set_up(tab, house)
    with tab.expect_navigation():
        tab.get_by_role("button", name="Nu overslaan").click()
    tab.goto(f"{house.url}/account")
    tab.get_by_label("Taal").select_option("en")
    end_sessions(house)

    with tab.expect_navigation():
        tab.get_by_role("button", name="Voorkeuren bewaren").click()
    expect(tab.get_by_text("is bewaard en staat er weer")).to_be_visible()
    sign_in(tab)

    expect(tab.get_by_text("Uw sessie was verlopen.")).to_be_visible()
    expect(tab.get_by_label("Taal")).to_have_value("en")
    with tab.expect_navigation():
        tab.get_by_role("button", name="Voorkeuren bewaren").click()
    expect(tab.locator("html")).to_have_attribute("lang", "en")


def test_a_password_can_be_looked_at_and_pasted(house: House, open_tab: Any) -> None:
    tab = open_tab()
    tab.goto(house.set_up_link())
    field = tab.get_by_label("Wachtwoord", exact=True)

    field.evaluate("(box, text) => { box.focus(); document.execCommand('insertText', false, text) }", PASSWORD)
    tab.get_by_role("button", name="Wachtwoord tonen").click()

    expect(field).to_have_value(PASSWORD)
    expect(field).to_have_attribute("type", "text")
    expect(field).to_have_attribute("autocomplete", "new-password")


def test_without_a_connection_the_office_keeps_its_face_and_nothing_else(house: House, open_tab: Any) -> None:
    tab = open_tab(service_workers="allow")
    set_up(tab, house)
    tab.goto(f"{house.url}/account")
    tab.evaluate("navigator.serviceWorker.ready.then(() => true)")
    tab.wait_for_function(
        "caches.match('/offline-version').then(kept => kept?.text()).then(text => /brand.css/.test(text))"
    )

    house.processes["web"].terminate()
    house.processes["web"].wait(10)
    tab.goto(f"{house.url}/account")

    expect(tab.get_by_role("heading", name="U bent offline")).to_be_visible()
    brand = tab.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--brand')")
    assert brand == "#e8b500"
    kept = tab.evaluate("caches.open('poort-offline').then(kept => kept.keys()).then(keys => keys.map(key => key.url))")
    assert all(re.search(r"/(static/|offline|brand\.css)", address) for address in kept)


def test_the_styleguide_of_the_application_itself(house: House, open_tab: Any) -> None:
    tab = open_tab(viewport={"width": 1440, "height": 900})
    set_up(tab, house)

    tab.goto(f"{house.url}/styleguide")

    Tabs.look(tab)
