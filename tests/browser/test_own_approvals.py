"""A director on his phone: two taps for one, with a passkey or a code; three things approved with one code, one refused, and the office
sees it without asking; also without a script."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import Tabs
from tests.browser.test_passkeys import RIK, sign_in_by_password, tab_to, with_authenticator
from tests.house import House, house


@pytest.fixture(scope="module")
def poort(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(
        "small", tmp_path_factory.mktemp("own-approvals"), worker=False, clients=12, lively=True, host="localhost"
    ) as made:
        yield made


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Another office, for who approves one by one: here everything waits for him still."""
    with house(
        "small", tmp_path_factory.mktemp("taps"), worker=False, clients=12, lively=True, host="localhost"
    ) as made:
        yield made


def pin_of(poort: House, email: str) -> str:
    """As it stands in his letter."""
    found = re.search(r"\b\d{6}\b", poort.run("tests.giving_pins", "pin", email))
    assert found is not None
    return found[0]


def at_hand(phone: Page, *controls: str) -> None:
    """They stand on the screen as it is, above the navigation, and nothing lies over them."""
    for name in controls:
        found = phone.locator(name)
        expect(found).to_be_in_viewport(ratio=1)
        assert found.evaluate(
            """it => { const box = it.getBoundingClientRect()
            return it.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)) }"""
        ), name


def open_from_list(phone: Page, poort: House, name: str) -> None:
    """The first tap; the pages come by themselves."""
    phone.goto(f"{poort.url}/portal/approvals")
    phone.get_by_role("link", name=name).first.tap()
    expect(phone.locator("page-viewer img").first).to_be_visible(timeout=20_000)
    expect(phone.locator("h1")).to_be_in_viewport()  # nothing scrolled


def last_approved(poort: House) -> tuple[str, str, str]:
    """Method, level and name, as they stand on the record."""
    with sqlite3.connect(poort.var / "poort.db") as database:
        asked = "SELECT method, level, name FROM approval_record WHERE act = 'approved' ORDER BY id DESC LIMIT 1"
        method, level, name = database.execute(asked).fetchone()
    return method, level, name


PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def test_a_director_finishes_in_two_taps(tabs: Tabs, fresh: House) -> None:
    """He taps what waits for him, reads, types his code where it is asked, and taps that he agrees."""
    pin = pin_of(fresh, RIK)
    phone = tabs.open(**PHONE)
    sign_in_by_password(phone, fresh, RIK)
    phone.wait_for_url(lambda url: "/sign-in" not in url)
    open_from_list(phone, fresh, "Salarisrun oktober 2026")

    at_hand(phone, ".statement", "#proof-code", ".approve-bar .button--primary")
    tabs.look(phone)
    root = "size => document.documentElement.style.fontSize = size"
    phone.evaluate(root, "32px")  # large text: the bar leaves the pages their place
    expect(phone.locator(".approve-bar")).to_have_attribute("data-tall", "")
    expect(phone.locator("h1")).to_be_in_viewport()
    phone.evaluate(root, "")
    expect(phone.locator(".approve-bar")).not_to_have_attribute("data-tall", "")
    at_hand(phone, ".statement", "#proof-code", ".approve-bar .button--primary")
    phone.locator("#proof-code").fill(pin)  # with the cursor in it: the field stands there, nothing is looked for
    at_hand(phone, ".statement", ".approve-bar .button--primary")
    phone.get_by_role("button", name="Akkoord geven").tap()

    expect(phone.get_by_text("Uw akkoord is vastgelegd.")).to_be_visible()
    assert last_approved(fresh)[:2] == ("pin", "pin")


def test_a_passkey_is_made_and_approves_in_two_taps(tabs: Tabs, fresh: House) -> None:
    pin = pin_of(fresh, RIK)
    phone = tabs.open(**PHONE)
    cdp, authenticator = with_authenticator(phone)
    sign_in_by_password(phone, fresh, RIK)
    phone.wait_for_url(lambda url: "/sign-in" not in url)
    phone.goto(f"{fresh.url}/account")
    tab_to(phone, "Pincode vervangen door een passkey")
    phone.keyboard.press("Enter")
    phone.get_by_role("link", name="Passkey toevoegen").tap()
    phone.get_by_role("button", name="Passkey maken").tap()
    expect(phone.get_by_role("heading", name="Uw herstelcodes")).to_be_visible()
    phone.get_by_role("link", name="Ik heb ze bewaard, verder").tap()  # back to where he came from
    phone.get_by_label("Uw huidige pincode").fill(pin)
    phone.get_by_role("button", name="Passkey gebruiken en pincode vervangen").tap()
    expect(phone.get_by_text("Uw pincode werkt niet meer")).to_be_visible()

    open_from_list(phone, fresh, "Aangifte omzetbelasting 3e kwartaal 2026")
    at_hand(phone, ".statement", ".approve-bar .button--primary")
    expect(phone.get_by_label("Pincode")).to_have_count(0)
    tabs.look(phone)
    cdp.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
    phone.get_by_role("button", name="Akkoord geven").tap()
    expect(phone.get_by_role("alert").filter(has_text="Dat is niet gelukt of afgebroken")).to_be_visible()
    tabs.look(phone)
    cdp.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": True})
    phone.get_by_role("button", name="Akkoord geven").tap()

    expect(phone.get_by_text("Uw akkoord is vastgelegd.")).to_be_visible()
    method, level, name = last_approved(fresh)
    assert (method.split()[0], level, name) == ("passkey", "passkey", "Rik Jansen")


def test_of_several_papers_each_is_opened_and_the_bar_leads_to_the_next(tabs: Tabs, fresh: House) -> None:
    sam = "sam@garage-smit.example"
    pin, id = pin_of(fresh, sam), fresh.run("tests.giving_papers", "1003").strip()
    phone = tabs.open(**PHONE)
    sign_in_by_password(phone, fresh, sam)
    phone.wait_for_url(lambda url: "/sign-in" not in url)
    phone.goto(f"{fresh.url}/portal/approvals/{id}")
    expect(phone.locator("page-viewer img").first).to_be_visible(timeout=20_000)
    there = phone.get_by_role("link", name="Nog niet alles geopend: naar het volgende")
    at_hand(phone, ".statement", ".to-open a", "#proof-code", ".approve-bar .button--primary")
    tabs.look(phone)
    phone.locator("#proof-code").fill(pin)
    phone.get_by_role("button", name="Akkoord geven").tap()
    expect(phone.locator("[data-error]")).to_contain_text("nog niet geopend")

    there.tap()

    expect(phone.get_by_role("heading", name="Notulen 2024.pdf")).to_be_in_viewport()
    expect(phone.locator("page-viewer")).to_have_count(2, timeout=20_000)
    there.tap()  # the one with a password is opened by fetching it
    fetch = phone.get_by_role("link", name="Downloaden")
    expect(fetch).to_be_in_viewport()
    tabs.look(phone)
    phone.locator("#proof-code").fill(pin)
    with phone.expect_download() as fetched:
        fetch.tap()
    assert fetched.value.suggested_filename == "Loonstroken 2024.pdf"
    expect(there).to_be_hidden()
    expect(phone.locator("#proof-code")).to_have_value(pin)
    expect(phone.get_by_text("geopend", exact=True)).to_be_visible()
    tabs.look(phone)
    phone.get_by_text("Niet akkoord met dit stuk").last.tap()
    expect(phone.get_by_label("Dit stuk keur ik niet goed").last).to_be_visible()
    phone.get_by_role("button", name="Akkoord geven").tap()
    expect(phone.get_by_text("Uw akkoord is vastgelegd.")).to_be_visible()
    tabs.complaints[:] = [text for text in tabs.complaints if "422" not in text]


def asked(tab: Page, poort: House) -> int:
    tab.goto(f"{poort.url}/portal/approvals")
    return tab.locator(".approval-list > li").count()


def test_a_director_approves_together_and_refuses_one(tabs: Tabs, poort: House) -> None:
    pin = pin_of(poort, RIK)
    office = tabs.open(width=1440)
    sign_in_by_password(office, poort, "anna@kantoor.example")
    office.wait_for_url(lambda url: "/sign-in" not in url)
    office.goto(f"{poort.url}/approvals")
    there = office.get_by_role("row").filter(has_text="Bakkerij Jansen").filter(has_text="Salarisrun oktober 2026")
    expect(there).to_be_visible()
    phone = tabs.open(width=390)
    sign_in_by_password(phone, poort, RIK)
    phone.wait_for_url(lambda url: "/sign-in" not in url)
    count = asked(phone, poort)
    assert count >= 3
    tabs.look(phone)

    for link in [row.get_attribute("href") for row in phone.locator(".approval-list a").all()]:
        phone.goto(f"{poort.url}{link}")
        expect(phone.locator("page-viewer img").first).to_be_visible(timeout=20_000)
    tabs.look(phone)
    phone.goto(f"{poort.url}/portal/approvals")
    for box in phone.locator(".approval-list input").all():
        box.check()
    phone.get_by_role("button", name="Samen accorderen").click()
    expect(phone.get_by_role("heading", name="Samen accorderen")).to_be_visible()
    expect(phone.get_by_text("Nog openen")).to_have_count(0)
    phone.get_by_text("Niet akkoord met").first.click()
    phone.get_by_label("Dit stuk keur ik niet goed").first.check()
    phone.get_by_label("Waarom niet?").first.fill("De voorbelasting klopt niet")
    tabs.look(phone)
    phone.get_by_label("Pincode").fill("000000" if pin != "000000" else "111111")
    phone.get_by_role("button", name="Vastleggen").click()
    expect(phone.locator("[data-error]")).to_contain_text("nog 4 keer")
    expect(phone.get_by_label("Waarom niet?").first).to_have_value("De voorbelasting klopt niet")
    phone.get_by_label("Pincode").fill(pin)
    phone.get_by_role("button", name="Vastleggen").click()

    expect(phone.get_by_text(f"{count - 1} akkoord, 1 niet akkoord")).to_be_visible()
    expect(phone.get_by_text("Er wacht geen accordering op u")).to_be_visible()
    expect(phone.get_by_role("link", name="Pincode vervangen door een passkey")).to_be_visible()
    tabs.look(phone)
    expect(there).to_have_count(0, timeout=15_000)
    with sqlite3.connect(poort.var / "poort.db") as database:
        states = [row[0] for row in database.execute("SELECT outcome FROM approver_choice WHERE reason <> ''")]
    assert "rejected" in states
    tabs.complaints[:] = [text for text in tabs.complaints if "422" not in text]


def test_one_is_approved_without_a_script(tabs: Tabs, poort: House) -> None:
    sam = "sam@garage-smit.example"
    pin = pin_of(poort, sam)
    phone = tabs.open(width=390, java_script_enabled=False)
    sign_in_by_password(phone, poort, sam)
    phone.wait_for_url(lambda url: "/sign-in" not in url)
    phone.goto(f"{poort.url}/portal")
    phone.get_by_role("link", name=re.compile("te accorderen")).first.click()
    there = phone.url
    phone.get_by_label("Pincode").fill(pin)
    phone.get_by_role("button", name="Akkoord geven").click()
    expect(phone.locator("[data-error]")).to_contain_text("nog niet geopend")
    phone.goto(there)
    phone.get_by_role("link", name="Bekijken").click()
    phone.goto(there)
    phone.get_by_label("Pincode").fill(pin)
    phone.get_by_role("button", name="Akkoord geven").click()
    expect(phone.get_by_text("Uw akkoord is vastgelegd.")).to_be_visible()
