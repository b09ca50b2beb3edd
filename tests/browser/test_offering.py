"""Placing for approval in a real browser: by keys alone, on a phone, and without a script."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import Tabs
from tests.browser.test_every_page import sign_in
from tests.browser.test_placing import ANNA, number_of, paper
from tests.house import House, house


@pytest.fixture(scope="module")
def poort(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house("small", tmp_path_factory.mktemp("offering"), clients=12, lively=True) as made:
        yield made


def begun(tabs: Tabs, poort: House, **options: object) -> Page:
    tab = tabs.open(**options)  # type: ignore[arg-type]
    sign_in(tab, poort, ANNA)
    tab.goto(f"{poort.url}/approvals/placing")
    tab.get_by_role("button", name="Nieuwe plaatsing").press("Enter")
    expect(tab.get_by_role("heading", name="3. Plan")).to_be_visible()
    return tab


def test_by_keys_alone_files_become_drafts_after_a_look_at_the_plan(tabs: Tabs, poort: House) -> None:
    bakkerij, garage = number_of(poort, "Bakkerij Jansen B.V."), number_of(poort, "Garage Smit")
    tab = begun(tabs, poort)
    tab.locator("#placing-input").set_input_files(
        [paper(f"{bakkerij}_Btw-jan.pdf"), paper(f"{garage} OB 2026-Q3.pdf"), paper("zonder nummer.pdf")]
    )
    expect(tab.locator(".uploads li.good")).to_have_count(3)
    expect(tab.locator("#placing-files > p[role=status]")).to_contain_text(
        "2 van 2 cliënten, 1 wacht op een besluit", timeout=20_000
    )
    tab.get_by_label("Soort", exact=True).select_option(label="Aangifte omzetbelasting")
    tab.get_by_label("Boekjaar").fill("2026")
    tab.get_by_label("Periode", exact=True).select_option("m01")
    tab.get_by_label("Boekjaar").press("Enter")
    expect(tab.locator("#offering-told")).to_contain_text("1 accordering")
    expect(tab.locator("#offering-told")).to_contain_text(
        "De bestandsnaam noemt een ander jaar of een andere periode: Laten wachten"
    )
    field = tab.get_by_label("Cliënt van zonder nummer.pdf")
    field.focus()
    tab.keyboard.type("Garage")
    expect(tab.locator("#placing-clients option")).to_have_count(1)
    tab.keyboard.press("Enter")
    expect(tab.locator("#offering-told")).to_contain_text("2 accorderingen")
    tab.get_by_role("link", name=re.compile("^Afwijkingen")).press("Enter")
    expect(tab.locator("table")).to_contain_text("3e kwartaal 2026")
    Tabs.look(tab)
    tab.get_by_role("button", name="2 accorderingen klaarzetten als concept").press("Enter")
    expect(tab.locator("#placing-files > p[role=status]")).to_contain_text("2 klaargezet", timeout=20_000)
    tab.get_by_role("link", name="Terugdraaien").press("Enter")
    Tabs.look(tab)
    tab.get_by_role("button", name="Terugdraaien").press("Enter")
    expect(tab.locator("#placing-files > p[role=status]")).to_contain_text("0 klaargezet", timeout=20_000)
    tab.set_viewport_size({"width": 390, "height": 844})
    Tabs.look(tab)
    tab.goto(f"{poort.url}/approvals/placing")
    Tabs.look(tab)


def test_without_a_script_everything_is_there_too(tabs: Tabs, poort: House) -> None:
    number = number_of(poort, "Garage Smit")
    tab = begun(tabs, poort, java_script_enabled=False)
    tab.locator("#placing-input").set_input_files([paper(f"{number} OB.pdf")])
    tab.get_by_role("button", name="Uploaden").click()
    tab.get_by_label("Soort", exact=True).select_option(label="Aangifte omzetbelasting")
    tab.get_by_label("Boekjaar").fill("2025")
    tab.get_by_label("Periode", exact=True).select_option("k2")
    tab.get_by_role("button", name="Bewaren en plan bekijken").click()
    start = tab.get_by_role("button", name="1 accordering klaarzetten als concept")
    for _ in range(60):
        if start.count():
            break
        tab.wait_for_timeout(250)
        tab.reload()
    start.click()
    for _ in range(60):
        if "1 klaargezet" in tab.locator("#placing-files").inner_text():
            break
        tab.wait_for_timeout(250)
        tab.reload()
    expect(tab.locator("#placing-files > p[role=status]")).to_contain_text("1 klaargezet")
