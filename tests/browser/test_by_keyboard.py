"""Journeys of an administrator without a mouse: a new user step by step, inviting all that match, a bulk act and its undo,
merging two clients, and the house style with its preview."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.looking import Tabs
from tests.browser.test_every_page import sign_in
from tests.house import House, house
from tests.smtp import Sink, sinking

ANNA = "anna@kantoor.example"


@pytest.fixture(scope="module")
def post() -> Iterator[Sink]:
    with sinking() as sink:
        yield sink


@pytest.fixture(scope="module")
def poort(tmp_path_factory: pytest.TempPathFactory, post: Sink) -> Iterator[House]:
    with house("small", tmp_path_factory.mktemp("keyboard"), smtp_url=f"{post.url}&connections=1", clients=60) as made:
        yield made


@pytest.fixture
def anna(chromium: Browser, poort: House) -> Iterator[Page]:
    with Tabs(chromium) as tabs:
        tab = tabs.open(1440)
        sign_in(tab, poort, ANNA)
        yield tab


def to(tab: Page, there: Locator) -> None:
    """Tab until this control has the focus: what cannot be reached so, fails."""
    expect(there.first).to_be_visible()
    there = there.first
    for _ in range(250):
        if there.evaluate("it => it === document.activeElement"):
            return
        tab.keyboard.press("Tab")
    raise AssertionError(f"{there} is not reached by keyboard")


def press(tab: Page, there: Locator, key: str = "Enter") -> None:
    to(tab, there)
    tab.keyboard.press(key)


def choose(tab: Page, there: Locator, label: str) -> None:
    """An option of a list by its first letters, as a keyboard does."""
    to(tab, there)
    tab.keyboard.type(label)
    expect(there.first.locator("option:checked")).to_have_text(re.compile(re.escape(label)))


def button(tab: Page, name: str) -> Locator:
    return tab.get_by_role("main").get_by_role("button", name=name)


def test_a_new_user_step_by_step(anna: Page, poort: House, post: Sink) -> None:
    anna.goto(f"{poort.url}/users")
    press(anna, anna.get_by_role("link", name="Gebruiker toevoegen"))
    to(anna, anna.get_by_role("textbox", name="Achternaam", exact=True))
    anna.keyboard.type("Toetsenbord")
    Tabs.look(anna)
    anna.keyboard.press("Enter")

    to(anna, anna.get_by_role("textbox", name="E-mailadres"))
    anna.keyboard.type("toets@bord.example")
    anna.keyboard.press("Enter")
    anna.wait_for_url("**/steps/rights")
    press(anna, button(anna, "Bewaren en verder"))
    anna.wait_for_url("**/steps/clients")
    press(anna, anna.locator("input[name=ids]"), "Space")
    Tabs.look(anna)
    press(anna, button(anna, "Bewaren en verder"))
    anna.wait_for_url("**/steps/mail")
    press(anna, button(anna, "Bewaren en verder"))
    anna.wait_for_url("**/steps/finish")
    Tabs.look(anna)
    press(anna, anna.get_by_role("main").get_by_role("button", name=re.compile("Klaar|Alleen klaarzetten")))

    expect(anna.get_by_role("heading", name="Toetsenbord")).to_be_visible()
    assert not [taken for taken in post.taken if taken.address == "toets@bord.example"]


def test_all_that_match_are_invited(anna: Page, poort: House, post: Sink) -> None:
    anna.goto(f"{poort.url}/users?state=prepared")
    count = int(anna.locator(".pager .range").inner_text().split()[-1])
    press(anna, anna.get_by_role("checkbox", name="Alles op deze pagina"), "Space")
    press(anna, anna.locator("input[name=all_matching]"), "Space")
    press(anna, button(anna, "Uitnodigen"))

    anna.wait_for_url("**/rollout/openings/*")
    Tabs.look(anna)
    announced = re.search(r"(\d+) uitnodiging", anna.get_by_role("main").inner_text())
    assert announced and 0 < int(announced[1]) <= count
    before = len(post.taken)
    typed = anna.get_by_role("main").locator("input[type=text]:visible, input[inputmode=numeric]:visible")
    if typed.count():  # a large number is confirmed by typing it
        to(anna, typed)
        anna.keyboard.type(announced[1])
    press(anna, button(anna, "Poorten openen"))
    for _ in range(100):
        if len(post.taken) > before:
            break
        anna.wait_for_timeout(200)
    invited = {taken.address for taken in post.taken[before:]}
    assert invited


def test_a_bulk_act_is_looked_at_carried_out_and_taken_back(anna: Page, poort: House) -> None:
    anna.goto(f"{poort.url}/clients?q=bakkerij")
    press(anna, anna.get_by_role("checkbox", name="Alles op deze pagina"), "Space")
    choose(anna, anna.locator("bulk-bar select[name=kind]"), "Taal")
    press(anna, button(anna, "Verder"))
    anna.wait_for_url("**/bulk/**")
    Tabs.look(anna)
    choose(anna, anna.locator("select#language"), "Engels")
    press(anna, button(anna, "Bekijken wat er gebeurt"))
    expect(anna.get_by_role("heading", name="Wat er gebeurt")).to_be_visible()
    Tabs.look(anna)
    press(anna, anna.get_by_role("main").get_by_role("button", name=re.compile(r"\d+ wijzigen")))
    undo = anna.get_by_role("main").get_by_role("button", name=re.compile("Terugdraaien|Ongedaan"))
    expect(undo.first).to_be_visible(timeout=15_000)
    Tabs.look(anna)
    press(anna, undo)
    expect(anna.get_by_role("main")).to_contain_text(re.compile("[Tt]eruggedraaid|[Oo]ngedaan"))


def test_two_clients_become_one(anna: Page, poort: House) -> None:
    anna.goto(f"{poort.url}/clients/6")
    name = anna.locator("h1").inner_text()
    anna.goto(f"{poort.url}/clients/5/details")
    press(anna, anna.get_by_role("link", name="Samenvoegen"))
    to(anna, anna.get_by_role("textbox", name="Nummer of naam van de dubbele cliënt"))
    anna.keyboard.type(name)
    anna.keyboard.press("Enter")
    expect(anna.get_by_role("heading", name="Blijft")).to_be_visible()
    Tabs.look(anna)
    press(anna, button(anna, "Samenvoegen"))
    anna.wait_for_url(re.compile(r"/clients/5(/\w+)?$"))
    anna.goto(f"{poort.url}/clients/6")
    expect(anna).to_have_url(re.compile(r"/clients/5$"))  # who has the old address comes to the one that stayed


def test_the_house_style_shows_itself_before_it_is_kept(anna: Page, poort: House) -> None:
    anna.goto(f"{poort.url}/settings/style")
    before = anna.locator("#style-preview").inner_html()
    to(anna, anna.locator("input[name=brand]"))
    anna.keyboard.press("Control+A")
    anna.keyboard.type("#7a1f5c")
    expect(anna.locator("#style-preview")).to_contain_text(re.compile("contrast", re.IGNORECASE))
    anna.wait_for_function("before => document.querySelector('#style-preview').innerHTML !== before", arg=before)
    Tabs.look(anna)
    anna.reload()
    expect(anna.locator("input[name=brand]")).not_to_have_value("#7a1f5c")
    to(anna, anna.locator("input[name=brand]"))
    anna.keyboard.press("Control+A")
    anna.keyboard.type("#7a1f5c")
    press(anna, button(anna, "Kleur bewaren"))
    expect(anna.locator("input[name=brand]")).to_have_value("#7a1f5c")
