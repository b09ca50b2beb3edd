"""The clients' portal on a phone: thumb, keyboard, no script, no connection; and the office looking on from a large screen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from models.sample.papers import pdf
from tests.browser.looking import Tabs
from tests.browser.test_portal_weight import signed_in
from tests.cast import PASSWORD
from tests.house import House

SAM = "sam@garage-smit.example"
# Of the file input its label is what one touches.
SMALL_TARGETS = """() => [...document.querySelectorAll("a[href], button, summary, input:not([type=hidden], [type=file]), label.button")]
  .filter(one => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !one.matches(".skip, .visually-hidden"))
  .map(one => [one.outerHTML.slice(0, 120), one.getBoundingClientRect()])
  .filter(([, box]) => box.width > 1 && (box.height < 43.5 || box.width < 43.5)).map(([html, box]) => `${Math.round(box.width)}x${Math.round(box.height)} ${html}`)"""


def look(tab: Page) -> None:
    Tabs.look(tab)
    assert tab.evaluate(SMALL_TARGETS) == [], tab.url


def paper(name: str) -> FilePayload:
    return {"name": name, "mimeType": "application/pdf", "buffer": pdf(name)}


def to_upload_folder(tab: Page, poort: House) -> None:
    tab.goto(f"{poort.url}/portal/dossier")
    tab.locator("a.branch", has=tab.locator(".badge.attention")).first.click()
    expect(tab.locator("#files")).to_be_attached()


def test_every_screen_on_a_phone(poort: House, tabs: Tabs) -> None:
    phone = tabs.open(width=390)
    signed_in(phone, poort)
    look(phone)
    phone.get_by_role("navigation", name="Hoofdmenu").get_by_role("link", name="Dossier").click()
    expect(phone.get_by_role("heading", name="Dossier", exact=True)).to_be_visible()
    look(phone)
    phone.locator("a.branch", has_text="Aangiften").first.click()
    look(phone)
    phone.goto(f"{poort.url}/portal/dossier")
    phone.locator("a.leaf:visible").first.click()
    expect(phone.get_by_role("img", name="Pagina 1", exact=True)).to_be_visible()
    look(phone)
    to_upload_folder(phone, poort)
    look(phone)
    phone.goto(f"{poort.url}/portal/folders/999999")
    look(phone)


def test_what_was_read_is_no_longer_new(poort: House, tabs: Tabs) -> None:
    phone = tabs.open(width=390)
    signed_in(phone, poort, SAM)
    new = phone.locator("section[aria-labelledby=newest] .badge")
    before = new.count()
    assert before > 1
    phone.locator("section[aria-labelledby=newest] a").first.click()
    expect(phone.get_by_role("img", name="Pagina 1", exact=True)).to_be_visible()

    phone.goto(f"{poort.url}/portal")

    expect(new).to_have_count(before - 1)


def test_several_files_go_up_with_their_progress(poort: House, tabs: Tabs) -> None:
    phone = tabs.open(width=390)
    signed_in(phone, poort)
    to_upload_folder(phone, poort)
    phone.locator("#files").set_input_files([paper("Bon een.pdf"), paper("Bon twee.pdf")])

    expect(phone.locator(".uploads li")).to_have_count(2)
    expect(phone.locator(".uploads")).to_contain_text("ontvangen")
    for name in ("Bon een.pdf", "Bon twee.pdf"):
        expect(phone.locator("#contents")).to_contain_text(name)
    expect(phone.locator("#contents")).to_contain_text("door u aangeleverd op")
    look(phone)


def test_the_whole_of_it_without_a_script(poort: House, tabs: Tabs) -> None:
    phone = tabs.open(width=390, java_script_enabled=False)
    signed_in(phone, poort)
    phone.goto(f"{poort.url}/portal/dossier")
    folder = phone.locator("li", has=phone.locator("> a.branch")).filter(has=phone.locator("details")).first
    was_open = folder.locator("> details").get_attribute("open") is not None
    folder.locator("> details > summary").click()
    assert (folder.locator("> details").get_attribute("open") is not None) is not was_open

    to_upload_folder(phone, poort)
    phone.locator("#files").set_input_files([paper("Zonder script.pdf"), paper("Nog een.pdf")])
    phone.get_by_role("button", name="Uploaden").click()
    expect(phone.locator("#contents")).to_contain_text("Zonder script.pdf")
    phone.locator("#contents").get_by_role("link", name="Nog een").click()
    expect(phone.get_by_role("heading", name="Nog een.pdf")).to_be_visible()
    with phone.expect_download() as download:
        phone.get_by_role("link", name="Downloaden").click()
    assert Path(download.value.path()).read_bytes() == pdf("Nog een.pdf")


def test_two_tabs_each_with_a_client_of_their_own(poort: House, tabs: Tabs) -> None:
    one = tabs.open(width=390)
    signed_in(one, poort)
    two = one.context.new_page()
    for tab, name in ((one, "Bakkerij Jansen B.V."), (two, "Jansen Beheer B.V.")):
        tab.goto(f"{poort.url}/portal/dossier")
        tab.locator("[popovertarget=client-menu]").click()
        tab.locator("#client-menu").get_by_role("link", name=name).click()

    for tab, name in ((one, "Bakkerij Jansen B.V."), (two, "Jansen Beheer B.V.")):
        tab.reload()
        expect(tab.locator("main")).to_contain_text(name)
        tab.locator("a.branch").first.click()
        tab.get_by_role("navigation", name="Hoofdmenu").get_by_role("link", name="Dossier").click()
        expect(tab.locator("#dossier .muted").first).to_have_text(name)


def test_by_keyboard_from_home_into_a_folder_and_back(poort: House, tabs: Tabs) -> None:
    tab = tabs.open(width=390)
    signed_in(tab, poort)
    tab.keyboard.press("Tab")
    expect(tab.locator(".skip")).to_be_focused()
    tab.keyboard.press("Enter")
    tab.keyboard.press("Tab")
    expect(tab.locator("section[aria-labelledby=asked] a").first).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("navigation", name="Pad van de map").or_(tab.locator("#dossier")).first).to_be_visible()

    tab.goto(f"{poort.url}/portal/dossier")
    summary = tab.locator(".portal-tree summary").first
    summary.focus()
    was = summary.evaluate("one => one.parentElement.open")
    tab.keyboard.press("Enter")
    assert summary.evaluate("one => one.parentElement.open") is not was
    expect(summary).to_be_focused()


def test_without_a_connection_a_plain_page(poort: House, tabs: Tabs) -> None:
    tab = tabs.open(width=390, service_workers="allow")
    signed_in(tab, poort)
    tab.evaluate("navigator.serviceWorker.ready")
    tab.wait_for_function("caches.match('/offline').then(found => !!found)")
    tab.context.set_offline(True)
    tab.goto(f"{poort.url}/portal/dossier")

    expect(tab.get_by_role("heading", name="U bent offline")).to_be_visible()
    assert "Bakkerij" not in tab.content()  # nothing from behind the sign-in was kept
    tab.context.set_offline(False)
    tab.get_by_role("link", name="Opnieuw proberen").click()
    expect(tab).to_have_url(re.compile("/portal$"))
    tabs.complaints[:] = [text for text in tabs.complaints if "ERR_INTERNET_DISCONNECTED" not in text]


@pytest.mark.parametrize("width", [390, 1440])
def test_the_office_looks_on(poort: House, tabs: Tabs, width: int) -> None:
    tab = tabs.open(width=width)
    tab.goto(f"{poort.url}/sign-in")
    tab.locator("[name=email]").fill("anna@kantoor.example")
    tab.locator("[name=password]").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"{poort.url}/")
    tab.goto(f"{poort.url}/users?q=fem")
    tab.locator("tbody a").first.click()
    tab.get_by_role("link", name="Meekijken als").click()
    expect(tab.get_by_text("U kijkt mee als")).to_be_visible()
    Tabs.look(tab)
    tab.goto(f"{poort.url}/users?q=sam")
    tab.locator("tbody a").first.click()
    tab.get_by_role("link", name="Meekijken als").click()
    tab.get_by_role("navigation", name="Hoofdmenu").get_by_role("link", name="Dossier").click()
    tab.locator("a.branch", has=tab.locator(".badge.attention")).first.click()
    expect(tab.locator("main")).to_contain_text("U kijkt alleen mee")
    Tabs.look(tab)
    tab.get_by_role("link", name="Stoppen met meekijken").click()
    expect(tab).to_have_url(re.compile(r"/users/\d+$"))
