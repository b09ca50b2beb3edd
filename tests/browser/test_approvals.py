"""The office places a request by keyboard, sees who would sign, offers it, and the page shows by itself what happens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from models.sample.papers import pdf
from tests.browser.looking import Tabs
from tests.cast import PASSWORD
from tests.house import House, house

SHOTS = os.environ.get("SHOTS", "")


@pytest.fixture(scope="module")
def poort(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house("small", tmp_path_factory.mktemp("approvals"), worker=False, clients=4, lively=True) as made:
        yield made


def signed_in(tab: Page, poort: House, email: str = "anna@kantoor.example") -> None:
    tab.goto(f"{poort.url}/sign-in")
    tab.locator("[name=email]").fill(email)
    tab.locator("[name=password]").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(lambda address: "sign-in" not in address)


def look(tab: Page, name: str) -> None:
    Tabs.look(tab)
    if SHOTS:
        tab.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
def test_the_office_offers_a_return(poort: House, tabs: Tabs, script: bool) -> None:
    office = tabs.open(width=1440, java_script_enabled=script)
    signed_in(office, poort)
    office.goto(f"{poort.url}/clients/1")
    office.get_by_role("navigation", name="Bakkerij Jansen B.V.").get_by_role("link", name="Accordering").click()
    if script:
        look(office, "client")
    office.get_by_role("link", name="Ter accordering aanbieden").click()
    office.get_by_label("Soort").select_option(label="Aangifte omzetbelasting")
    office.get_by_label("Boekjaar").fill("tweeduizend")
    office.get_by_label("Periode").select_option("k1" if script else "k2")
    paper = {"name": "btw.pdf", "mimeType": "application/pdf", "buffer": pdf("Btw eerste kwartaal")}
    office.get_by_label("Stukken waar u akkoord op vraagt (PDF)").set_input_files(paper)  # type: ignore[arg-type]
    office.get_by_role("button", name="Concept klaarzetten").press("Enter")
    expect(office.get_by_role("alert").first).to_contain_text("Vul een jaar in")
    expect(office.get_by_label("btw.pdf")).to_be_checked()
    if script:
        look(office, "wrong")
    office.get_by_label("Boekjaar").fill("2027")
    office.get_by_role("button", name="Concept klaarzetten").press("Enter")

    expect(office.get_by_text("Rik Jansen").first).to_be_visible()
    expect(office.get_by_text("leest 1 persoon het: Rik Jansen.")).to_be_visible()
    if script:
        expect(office.get_by_alt_text("Pagina 1")).to_be_visible(timeout=20_000)
        look(office, "draft")
    office.get_by_role("button", name="Aanbieden", exact=True).press("Enter")
    expect(office.get_by_role("cell", name="gevraagd")).to_be_visible()
    if script:
        look(office, "offered")
        phone = tabs.open(width=390)
        signed_in(phone, poort)
        phone.goto(office.url)
        expect(phone.get_by_alt_text("Pagina 1")).to_be_visible(timeout=20_000)
        look(phone, "phone")
        phone.locator("summary", has_text="Intrekken").press("Enter")
        phone.get_by_label("Reden").fill("Er komt een nieuwe")
        phone.get_by_role("button", name="Intrekken").press("Enter")
        expect(office.get_by_text("Ingetrokken: Er komt een nieuwe")).to_be_visible(timeout=10_000)


@pytest.mark.parametrize("width", [1440, 390])
def test_the_telephone_list_and_a_look_before_reminding(poort: House, tabs: Tabs, width: int) -> None:
    office = tabs.open(width=width, color_scheme="dark" if width == 390 else "light")
    signed_in(office, poort)
    office.goto(f"{poort.url}/approvals/phone")
    look(office, f"phone-{width}")
    office.locator("td summary").first.click()
    office.get_by_label("Wat is er gezegd?").first.fill("Belt morgen terug")
    look(office, f"phone-open-{width}")
    office.get_by_role("button", name="Noteren").first.click()
    expect(office.get_by_text("Belt morgen terug").first).to_be_visible()
    office.goto(f"{poort.url}/approvals")
    office.locator("tbody a.row-link").first.click()
    office.get_by_role("link", name="Nu herinneren").click()
    look(office, f"remind-{width}")
