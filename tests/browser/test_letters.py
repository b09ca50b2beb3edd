"""Letters in a real browser, made by a real worker: chosen, looked at, made, downloaded, printed and posted by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import Tabs
from tests.browser.test_passkeys import sign_in_by_password, tab_to
from tests.cast import PASSWORD
from tests.house import House, house
from tests.lettering import pages_of, pin_on


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(
        "small", tmp_path_factory.mktemp("letters"), worker=True, host="localhost", clients=12, lively=True
    ) as made:
        yield made


def press(tab: Page, name: str) -> None:
    tab_to(tab, name)
    tab.keyboard.press("Enter")


def test_from_choosing_to_the_post_by_keyboard(chromium: Browser, office: House, tmp_path: Path) -> None:
    with Tabs(chromium) as tabs:
        tab = tabs.open(1440)
        sign_in_by_password(tab, office, "anna@kantoor.example")
        tab.wait_for_url(lambda url: "/sign-in" not in url)
        tab.goto(f"{office.url}/settings/tokens")
        expect(tab.locator("#letters-card")).to_contain_text("Heeft er geen")
        press(tab, "Brieven maken")
        tabs.look(tab)
        press(tab, "Bekijk aan wie")
        expect(tab.locator("#letters-found")).to_contain_text("Garage Smit")
        tabs.look(tab)

        press(tab, "Brieven maken")
        expect(tab.get_by_role("heading", name="Partij 2")).to_be_visible()
        expect(tab.get_by_role("button", name="Brieven downloaden (PDF)")).to_be_visible(timeout=60_000)  # live
        tabs.look(tab)
        tab_to(tab, "Brieven downloaden (PDF)")
        with tab.expect_download() as coming:
            tab.keyboard.press("Enter")
        coming.value.save_as(tmp_path / "brieven.pdf")
        pages = pages_of((tmp_path / "brieven.pdf").read_bytes())
        assert len(pages) > 3 and len({pin_on(page) for page in pages}) > 1

        tab.reload()
        press(tab, "Alles is geprint")
        expect(tab.get_by_text("Genoteerd als geprint")).to_be_visible()
        tabs.look(tab)
        press(tab, "Gepost")
        expect(tab.get_by_text("Genoteerd als gepost")).to_be_visible()
        for width in (390, 1440):
            tab.set_viewport_size({"width": width, "height": 900})
            for path in ("/letters", "/letters/1", "/letters/2", "/letters/new?how=rule", "/letters/templates", "/letters/templates/1", "/settings/tokens"):  # fmt: skip
                tab.goto(f"{office.url}{path}")
                tabs.look(tab)


def test_without_a_script_one_letter_is_made_and_cancelled(chromium: Browser, office: House) -> None:
    with Tabs(chromium) as tabs:
        tab = tabs.open(390, java_script_enabled=False)
        tab.goto(f"{office.url}/sign-in")
        tab.get_by_label("E-mailadres").fill("anna@kantoor.example")
        tab.get_by_label("Wachtwoord", exact=True).fill(PASSWORD)
        tab.get_by_role("button", name="Aanmelden", exact=True).click()
        tab.goto(f"{office.url}/letters/templates/1")
        tab.locator("#text_nl").fill("Dag {naam}, uw {onzin}")
        tab.get_by_role("button", name="Sjabloon bewaren").click()
        expect(tab.get_by_text("{onzin}").first).to_be_visible()
        expect(tab.locator("#text_nl")).to_have_value("Dag {naam}, uw {onzin}")

        tab.goto(f"{office.url}/letters/new?how=lacking&renew=1")
        tab.get_by_role("button", name="Brieven maken").click()
        tab.get_by_role("button", name="nnuleren").first.click()

        expect(tab.get_by_text("De codes in deze brieven werken niet").first).to_be_visible()
