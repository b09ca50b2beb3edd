"""The front door in a real browser: set-up, sign-in, the second factor and a kept form, by keyboard, on a phone and without a script."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.test_styleguide import ARGUMENTS

PASSWORD = "kaas is van melk"


@dataclass
class House:
    """A running installation of its own."""

    url: str
    var: Path
    set_up: str
    server: subprocess.Popen[bytes]

    def end_sessions(self) -> None:
        with sqlite3.connect(self.var / "poort.db", timeout=10) as database:
            database.execute("UPDATE session SET ended_at = seen_at WHERE ended_at IS NULL")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    environment = {**kept, "POORT_VAR": str(tmp_path), "BASE_URL": url}
    subprocess.run([sys.executable, "-m", "models", "migrate"], env=environment, check=True, capture_output=True)
    said = subprocess.run(
        [sys.executable, "-m", "models", "setup-link"], env=environment, check=True, capture_output=True
    )
    link = re.search(r"http\S+", said.stdout.decode())
    assert link
    serving = [sys.executable, "-m", "web", "serve", "--port", str(port)]
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(serving, env=environment, stderr=log, stdout=log) as server,
    ):
        try:
            _wait_for(f"{url}/health/live")
            yield House(url, tmp_path, link[0], server)
        finally:
            server.terminate()
            server.wait(10)


def _wait_for(url: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(url, timeout=1)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("the server did not start")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_tab(chromium: Browser) -> Iterator[Any]:
    """A tab of a fresh browser; at the end no page may have complained."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def open_(**options: Any) -> Page:
        usual = {
            "viewport": {"width": 390, "height": 844},
            "service_workers": "block",
            "reduced_motion": "reduce",
            "locale": "nl-NL",
        }
        context = chromium.new_context(**{**usual, **options})
        context.set_default_timeout(8000)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        return tab

    yield open_
    for context in contexts:
        context.close()
    assert [text for text in complaints if "status of 4" not in text] == []


def look(tab: Page) -> None:
    """Nothing for axe to say and nothing beside the screen, in light and in dark."""
    for scheme in ("dark", "light"):
        tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = Axe().run(tab).response["violations"]
        assert [(rule["id"], [node["html"][:120] for node in rule["nodes"]]) for rule in found] == [], tab.url
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def press(tab: Page, key: str = "Enter") -> None:
    with tab.expect_navigation():
        tab.keyboard.press(key)


def set_up(tab: Page, house: House) -> None:
    tab.goto(house.set_up)
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
    look(tab)

    tab.goto(house.set_up)
    expect(tab.get_by_label("Naam van het kantoor")).to_be_focused()
    press(tab)
    expect(tab.get_by_role("alert")).to_contain_text("Er kloppen 4 dingen niet")
    look(tab)
    set_up(tab, house)

    look(tab)
    key = tab.locator("copy-text code").inner_text().replace(" ", "")
    assert tab.locator(".qr").evaluate("picture => picture.naturalWidth") > 200
    tab.get_by_label("De code die de app nu toont").fill(pyotp.TOTP(key).now())
    press(tab)

    expect(tab.get_by_role("heading", name="Uw herstelcodes")).to_be_visible()
    look(tab)
    with tab.expect_download() as saved:
        tab.get_by_role("link", name="Downloaden").click()
    codes = tab.locator("copy-text code").inner_text().split()
    assert saved.value.suggested_filename == "herstelcodes.txt"
    assert Path(saved.value.path()).read_text(encoding="utf-8").split()[-10:] == codes
    tab.get_by_role("link", name="verder").click()

    expect(tab.get_by_role("heading", name="logo")).to_be_visible()
    look(tab)
    tab.get_by_role("link", name="Overslaan").click()
    expect(tab.get_by_role("heading", name="Hoe wilt u beginnen?")).to_be_visible()
    look(tab)


def test_by_keyboard_with_a_recovery_code(house: House, open_tab: Any) -> None:
    tab = open_tab()
    set_up(tab, house)
    key = tab.locator("copy-text code").inner_text().replace(" ", "")
    tab.locator("#code").fill(pyotp.TOTP(key).now())
    press(tab)
    code = tab.locator("copy-text code").inner_text().split()[0]

    tab = open_tab()
    tab.goto(f"{house.url}/account")
    look(tab)
    tab.keyboard.type("anna@a.example")
    tab.keyboard.press("Tab")
    tab.keyboard.type("niet dit wachtwoord")
    press(tab)
    expect(tab.get_by_role("alert")).to_contain_text("horen niet bij elkaar")
    expect(tab.get_by_label("Wachtwoord", exact=True)).to_be_focused()
    look(tab)
    tab.keyboard.type(PASSWORD)
    press(tab)
    look(tab)
    tab.keyboard.type(code)
    press(tab)

    expect(tab.get_by_role("heading", name="Uw account")).to_be_visible()
    expect(tab.get_by_text("U hebt nog 9 herstelcodes over.")).to_be_visible()
    assert tab.url == f"{house.url}/account"
    look(tab)


@pytest.mark.parametrize("has_script", [True, False])
def test_what_was_typed_is_there_again(house: House, open_tab: Any, has_script: bool) -> None:
    tab = open_tab(java_script_enabled=has_script)
    set_up(tab, house)
    with tab.expect_navigation():
        tab.get_by_role("button", name="Nu overslaan").click()
    tab.goto(f"{house.url}/account")
    tab.get_by_label("Taal").select_option("en")
    house.end_sessions()

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
    tab.goto(house.set_up)
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

    house.server.terminate()
    house.server.wait(10)
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

    look(tab)
