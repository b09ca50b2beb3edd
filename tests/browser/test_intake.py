"""What comes in, on a phone: photos that become one PDF, a link for somebody without a login, and a file that is being looked at."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.looking import Tabs
from tests.browser.test_portal import SMALL_TARGETS, to_upload_folder
from tests.browser.test_portal_weight import signed_in
from tests.cast import PASSWORD
from tests.house import House, house
from tests.photographing import photo
from tests.scanner import EICAR, Clamd, scanning

ANNA = "anna@kantoor.example"
SHOTS = os.environ.get("SHOTS", "")


@pytest.fixture(scope="module")
def clamd_there() -> Iterator[Clamd]:
    with scanning() as scanner:
        yield scanner


@pytest.fixture(scope="module")
def poort(tmp_path_factory: pytest.TempPathFactory, clamd_there: Clamd) -> Iterator[House]:
    with house("small", tmp_path_factory.mktemp("intake"), CLAMD_URL=clamd_there.url, clients=12) as made:
        yield made


def look(tab: Page, name: str, *, thumbs: bool = True) -> None:
    """Axe, nothing beside the screen, targets as large as a thumb; and a picture where somebody wants to see it."""
    Tabs.look(tab)
    if thumbs:
        assert tab.evaluate(SMALL_TARGETS) == [], tab.url
    if SHOTS:
        for scheme in ("light", "dark"):
            tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            tab.screenshot(path=Path(SHOTS) / f"{name}-{scheme}.png", full_page=True)


def picture(name: str, colour: str = "white") -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": photo(size=(1600, 1200), turned=6, colour=colour)}


def as_anna(tab: Page, poort: House) -> None:
    tab.goto(f"{poort.url}/sign-in")
    tab.locator("[name=email]").fill(ANNA)
    tab.locator("[name=password]").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(lambda address: "sign-in" not in address)


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
def test_photos_become_one_pdf_at_once(poort: House, tabs: Tabs, script: bool) -> None:
    phone = tabs.open(width=390, java_script_enabled=script)
    signed_in(phone, poort)
    to_upload_folder(phone, poort) if script else phone.goto(_folder_of(poort, tabs))
    phone.get_by_role("link", name="Foto’s samenvoegen tot één pdf").click()
    phone.get_by_label("Kies de foto’s").set_input_files([picture("IMG_1.jpg"), picture("IMG_2.jpg", "yellow")])
    name = "Bonnen oktober" if script else "Bonnen zonder script"
    phone.get_by_label("Naam van de pdf").first.fill(name)
    if script:
        look(phone, "portal-photo-form")
    phone.get_by_role("button", name="Samenvoegen en aanleveren").click()

    expect(phone.locator("#contents")).to_contain_text(f"{name}.pdf")
    expect(phone.locator("#contents")).not_to_contain_text("IMG_1")


def _folder_of(poort: House, tabs: Tabs) -> str:
    phone = tabs.open(width=390)
    signed_in(phone, poort)
    to_upload_folder(phone, poort)
    return phone.url


def test_photos_that_are_there_are_put_in_order_by_keyboard_and_joined(poort: House, tabs: Tabs) -> None:
    phone = tabs.open(width=390)
    signed_in(phone, poort)
    to_upload_folder(phone, poort)
    phone.locator("drop-zone #files").set_input_files(
        [picture(f"IMG_{n}.jpg", colour) for n, colour in enumerate(("white", "blue"), 7)]
    )
    expect(phone.locator("#contents")).to_contain_text("IMG_8.jpg")
    phone.wait_for_timeout(1500)  # the scanner looks once a second
    phone.reload()
    for name in ("IMG_7.jpg", "IMG_8.jpg"):
        expect(phone.get_by_role("link", name=name)).not_to_contain_text("wordt gecontroleerd", timeout=15_000)
    phone.get_by_role("link", name="Foto’s samenvoegen tot één pdf").click()
    look(phone, "portal-join")
    last = phone.get_by_label("Plaats van IMG_8.jpg")
    last.focus()
    phone.keyboard.press("Control+a")
    phone.keyboard.type("1")
    phone.get_by_label("Naam van de pdf").last.fill("Bonnen van november")
    phone.keyboard.press("Enter")

    expect(phone.locator("#contents")).to_contain_text("Bonnen van november.pdf", timeout=30_000)
    expect(phone.locator("#contents")).not_to_contain_text("IMG_8.jpg")


def test_somebody_without_a_login_hands_in_by_a_link(poort: House, tabs: Tabs) -> None:
    office = tabs.open()
    as_anna(office, poort)
    office.goto(f"{poort.url}/clients")
    office.get_by_role("link", name="Bakkerij Jansen B.V.").first.click()
    office.get_by_role("link", name="Dossier", exact=True).click()
    office.locator(".tree-row a", has_text="Aan te leveren stukken").first.click()
    office.get_by_role("button", name="Meer met deze map").click()
    office.get_by_role("link", name="Link om zonder login aan te leveren").click()
    expect(office.get_by_label("Wat wilt u ontvangen?")).to_be_visible()
    look(office, "office-new-link", thumbs=False)
    office.get_by_label("Wat wilt u ontvangen?").fill("de leveringsakte van de winkel")
    office.get_by_role("button", name="Link maken").click()
    expect(office.get_by_role("heading", name="De link is klaar")).to_be_visible()
    look(office, "office-made-link", thumbs=False)
    (address,) = set(re.findall(r"http://[\w.:]+/deliver/[\w-]{43}", office.content()))

    phone = tabs.open(width=390, java_script_enabled=False)
    phone.goto(address)
    expect(phone.get_by_text("de leveringsakte van de winkel")).to_be_visible()
    phone.get_by_label("Uw naam").fill("Mr. N. Otaris")
    phone.get_by_label("Kies een of meer bestanden").set_input_files([picture("akte 1.jpg"), picture("akte 2.jpg")])
    phone.get_by_label("Foto’s samenvoegen tot één pdf").check()
    phone.get_by_role("button", name="Aanleveren").click()
    expect(phone.get_by_role("heading", name="Ontvangen")).to_be_visible()
    receipt = phone.url
    looking = tabs.open(width=390)
    for name, url in (
        ("deliver", address),
        ("receipt", receipt),
        ("deliver-closed", f"{poort.url}/deliver/{'A' * 43}"),
    ):
        looking.goto(url)
        look(looking, name)

    office.get_by_role("link", name="Alle links van deze cliënt").click()
    expect(office.get_by_text("Mr. N. Otaris")).to_be_visible()
    look(office, "office-links", thumbs=False)
    office.set_viewport_size({"width": 390, "height": 900})
    look(office, "office-links-390", thumbs=False)
    office.get_by_role("button", name="Link beëindigen").click()
    expect(office.get_by_text("beëindigd", exact=True)).to_be_visible()
    phone.goto(address)
    expect(phone.get_by_text("Deze link werkt niet (meer)")).to_be_visible()


def test_a_virus_is_red_for_everybody_and_destroyed_by_the_office(poort: House, tabs: Tabs, clamd_there: Clamd) -> None:
    phone, office = tabs.open(width=390), tabs.open()
    signed_in(phone, poort)
    as_anna(office, poort)
    to_upload_folder(phone, poort)
    clamd_there.mood = "away"
    sick: FilePayload = {"name": "factuur.txt", "mimeType": "text/plain", "buffer": b"Factuur " + EICAR}
    phone.locator("drop-zone #files").set_input_files([sick])
    expect(phone.locator("#contents")).to_contain_text("wordt gecontroleerd")
    look(phone, "portal-waiting")
    phone.get_by_role("link", name="factuur.txt").click()
    expect(phone.get_by_text("wordt nog op virussen gecontroleerd")).to_be_visible()
    look(phone, "portal-shut")
    office.goto(poort.url)
    expect(office.get_by_text("De virusscanner antwoordt niet sinds")).to_be_visible(timeout=15_000)
    look(office, "office-down", thumbs=False)

    clamd_there.mood = ""
    expect(office.get_by_text("is een virus gevonden")).to_be_visible(timeout=30_000)
    look(office, "office-overview", thumbs=False)
    office.locator("#scanner-banner").get_by_role("link", name="Bekijken").first.click()
    look(office, "office-scanning", thumbs=False)
    office.get_by_role("link", name="factuur.txt").click()
    expect(office.get_by_text("In dit bestand is een virus gevonden: Eicar-Test-Signature")).to_be_visible()
    look(office, "office-infected", thumbs=False)
    office.get_by_text("Vernietigen", exact=True).click()
    look(office, "office-destroy", thumbs=False)
    office.get_by_role("button", name="Voorgoed vernietigen").click()
    expect(office.get_by_text("“factuur.txt” is vernietigd")).to_be_visible()
