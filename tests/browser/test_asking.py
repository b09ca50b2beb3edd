"""Asking and answering, as the office does it with the keyboard and the client on a phone: requests, reminders, what was not read."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import FilePayload, Page, expect

from models.sample.papers import pdf
from tests.browser.looking import Tabs
from tests.cast import PASSWORD
from tests.house import House

PICTURES = os.environ.get("ASKING_PICTURES", "")


def signed_in(tab: Page, poort: House, email: str) -> None:
    tab.goto(f"{poort.url}/sign-in")
    tab.locator("[name=email]").fill(email)
    tab.locator("[name=password]").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(lambda address: "sign-in" not in address)


def look(tab: Page, name: str) -> None:
    Tabs.look(tab)
    if PICTURES:
        width = tab.viewport_size["width"] if tab.viewport_size else 0
        for scheme in ("light", "dark"):
            tab.emulate_media(color_scheme=scheme)
            tab.screenshot(path=Path(PICTURES) / f"{name}-{width}-{scheme}.png", full_page=True)
        tab.emulate_media(color_scheme="light")


def at_both_widths(tab: Page, name: str) -> None:
    for width in (390, 1440):
        tab.set_viewport_size({"width": width, "height": 900})
        look(tab, name)


def paper(name: str) -> FilePayload:
    return {"name": name, "mimeType": "application/pdf", "buffer": pdf(name)}


def test_from_asking_to_done(poort: House, tabs: Tabs) -> None:
    office, phone = tabs.open(), tabs.open(width=390)
    signed_in(office, poort, "anna@kantoor.example")
    signed_in(phone, poort, "rik@bakkerij-jansen.example")

    # the office asks, by keyboard
    office.goto(f"{poort.url}/requests/new")
    at_both_widths(office, "new")
    office.locator("[name=title]").fill("Jaarstukken 2026")
    office.locator("[name=items]").fill("Bankafschriften | Alle rekeningen | 31-12-2099\nKassaboek\nWOZ-beschikking")
    office.locator("[name=due_on]").fill("2099-12-31")
    office.locator("[name=who]").select_option("all")
    office.get_by_role("button", name="Bekijken wie het krijgt").focus()
    office.keyboard.press("Enter")
    expect(office.get_by_text("12 cliënten")).to_be_visible()
    expect(office.get_by_text("in hun dagelijkse bericht")).to_be_visible()
    at_both_widths(office, "preview")
    office.get_by_role("button", name="Opvragen", exact=True).focus()
    office.keyboard.press("Enter")
    expect(office.get_by_text("Gevraagd aan 12 cliënten.")).to_be_visible()
    at_both_widths(office, "board")

    # the client answers on his phone
    phone.goto(f"{poort.url}/portal")
    look(phone, "home")
    phone.get_by_role("link", name="Jaarstukken 2026").first.click()
    look(phone, "request")
    first = phone.locator("section.card").nth(0)
    first.locator("input[name=files]:not([accept])").set_input_files(paper("bank.pdf"))
    expect(first.get_by_text("aangeleverd", exact=True)).to_be_visible()
    second = phone.locator("section.card").nth(1)
    second.locator("summary", has_text="Niet van toepassing").click()
    second.locator("textarea").fill("Wij hebben geen kas.")
    second.get_by_role("button", name="Doorgeven").click()
    expect(phone.locator("section.card").nth(1).get_by_text("niet van toepassing")).to_be_visible()
    look(phone, "request-answered")

    # and the office judges, and sees it live
    office.goto(f"{poort.url}/requests?state=answered")
    office.get_by_role("link", name="Jaarstukken 2026").first.click()
    at_both_widths(office, "page")
    card = office.locator("section.card", has_text="Kassaboek").first
    card.get_by_text("Terugsturen", exact=True).first.click()
    card.locator("textarea[name=reason]").fill("In juni had u er een.")
    card.get_by_role("button", name="Terugsturen").click()
    expect(phone.get_by_text("In juni had u er een.")).to_be_visible()  # without a reload
    card = office.locator("section.card", has_text="Bankafschriften").first
    card.get_by_role("button", name="Goedkeuren").click()
    expect(office.get_by_text("“Bankafschriften” is goedgekeurd.")).to_be_visible()
    card = office.locator("section.card", has_text="WOZ-beschikking").first
    card.get_by_text("Op papier ontvangen").click()
    card.locator("textarea[name=note]").fill("Per post gekomen")
    card.get_by_role("button", name="Namens de cliënt goedkeuren").click()
    expect(phone.get_by_text("Per post gekomen")).to_be_visible()
    office.get_by_role("link", name="Nu herinneren").click()
    expect(office.get_by_text("Er gaat 1 mail uit.")).to_be_visible()
    at_both_widths(office, "remind")
    office.get_by_role("button", name="Herinneringen versturen").click()
    expect(office.get_by_text("Eén herinnering gaat zo de deur uit.")).to_be_visible()
    office.get_by_role("button", name="Ongedaan maken").click()
    expect(office.get_by_text("Eén herinnering is teruggenomen.")).to_be_visible()


def test_what_was_not_read_is_seen_and_reminded_of(poort: House, tabs: Tabs) -> None:
    office = tabs.open()
    signed_in(office, poort, "anna@kantoor.example")

    office.goto(f"{poort.url}/unread?since=2020-01-01")
    expect(office.get_by_role("heading", name="Nog niet gelezen")).to_be_visible()
    at_both_widths(office, "unread")
    office.set_viewport_size({"width": 1440, "height": 900})
    office.locator("tbody input[name=ids]").first.check()
    office.get_by_role("button", name="Herinneren wie nog niet las").click()
    expect(office.get_by_text("Dit gebeurt er")).to_be_visible()
    at_both_widths(office, "nudge")
    office.goto(f"{poort.url}/unread?since=2020-01-01")
    office.locator("a.row-link").first.click()
    expect(office.get_by_role("heading", name="Nog niet geopend")).to_be_visible()
    at_both_widths(office, "document")


def test_how_one_hears_of_what_is_new(poort: House, tabs: Tabs) -> None:
    phone, office = tabs.open(width=390), tabs.open()
    signed_in(phone, poort, "rik@bakkerij-jansen.example")
    phone.goto(f"{poort.url}/account#mail")
    phone.get_by_text("Per bedrijf anders").click()
    look(phone, "account")
    phone.get_by_label("Jansen Beheer B.V.").select_option("never")
    phone.get_by_role("button", name="Voorkeuren bewaren").click()
    expect(phone.get_by_text("Uw voorkeuren zijn bewaard.")).to_be_visible()
    expect(phone.get_by_label("Jansen Beheer B.V.")).to_have_value("never")

    signed_in(office, poort, "anna@kantoor.example")
    office.goto(f"{poort.url}/settings/mail#hearing")
    at_both_widths(office, "settings")
    office.locator("[name=remind_before]").fill("morgen")
    office.get_by_role("button", name="Berichten bewaren").click()
    expect(office.get_by_text("Vul hoogstens zes getallen").first).to_be_visible()


def test_without_a_script_it_all_works(poort: House, tabs: Tabs) -> None:
    office = tabs.open(java_script_enabled=False)
    signed_in(office, poort, "anna@kantoor.example")
    office.goto(f"{poort.url}/requests/new")
    office.locator("[name=title]").fill("Zonder script")
    office.locator("[name=items]").fill("Kassaboek")
    office.locator("[name=who]").select_option("all")
    office.get_by_role("button", name="Bekijken wie het krijgt").click()
    office.get_by_role("button", name="Opvragen", exact=True).click()
    expect(office.get_by_text("Gevraagd aan 12 cliënten.")).to_be_visible()
    office.goto(f"{poort.url}/requests")
    office.locator("tbody input[name=ids]").first.check()
    office.locator("#many-do").select_option("due")
    office.get_by_role("button", name="Verder").click()
    office.locator("[name=due_on]").fill("2020-01-01")
    office.get_by_role("button", name="Andere uiterste dag").click()
    expect(office.get_by_text("Kies een dag die nog komt.")).to_be_visible()
    office.locator("[name=due_on]").fill("2099-06-30")
    office.get_by_role("button", name="Andere uiterste dag").click()
    expect(office.locator("#due-on")).to_have_value("2099-06-30")


def test_the_pages_beside_it_say_how_far_it_is_and_who_is_told(poort: House, tabs: Tabs) -> None:
    office = tabs.open()
    signed_in(office, poort, "anna@kantoor.example")
    office.goto(f"{poort.url}/clients")
    office.locator("tbody a", has_text="Bakkerij Jansen").first.click()
    expect(office.get_by_role("heading", name="Opvragen")).to_be_visible()
    at_both_widths(office, "client")
    office.set_viewport_size({"width": 1440, "height": 900})
    office.goto(f"{poort.url}/unread?since=2020-01-01")
    office.locator("a.row-link").first.click()
    office.locator(".breadcrumb a").last.click()
    expect(office.get_by_text("Na publiceren:")).to_be_visible()  # comes by itself
    at_both_widths(office, "folder")
