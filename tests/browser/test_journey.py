"""The whole road in a real browser: an empty installation becomes an office, the gates open, a client comes in on a phone.

On a small installation (SQLite, files) and a large one (Postgres, Redis, an S3-compatible store), each with its own web and
worker processes and a real mail server; once more, in short, without JavaScript.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from models.sample.papers import pdf
from tests.browser.looking import Tabs
from tests.house import House, house, sizes
from tests.smtp import Sink, sinking

DATA = Path(__file__).parents[1] / "data" / "kantoor-60"
TRUTH = json.loads((DATA / "truth.json").read_text(encoding="utf-8"))
PASSWORD = "kaas is van melk gemaakt"
SECONDS = 30_000


@pytest.fixture
def post() -> Iterator[Sink]:
    with sinking() as sink:
        yield sink


def set_up(tab: Page, poort: House) -> None:
    """From the one-time link to an empty office."""
    tab.goto(poort.set_up_link())
    about = {"firm_name": "Kantoor Zestig", "place": "Zutphen", "surname": "de Wit", "email": "anna@kantoor.example"}
    for name, text in {**about, "password": PASSWORD}.items():
        tab.locator(f"[name={name}]").fill(text)
    tab.get_by_role("button", name="Kantoor inrichten").click()
    tab.get_by_role("button", name="Nu overslaan").click()
    tab.get_by_role("link", name="Overslaan").click()
    tab.get_by_role("link", name="Leeg beginnen").click()
    expect(tab.get_by_role("heading", name="Uitrol", exact=True)).to_be_visible()


def sign_in(tab: Page, poort: House) -> None:
    tab.goto(f"{poort.url}/sign-in")
    tab.get_by_label("E-mailadres").fill("anna@kantoor.example")
    tab.locator("[name=password]").fill(PASSWORD)
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(f"{poort.url}/")


def bring_in(tab: Page, poort: House, name: str, look: Callable[[Page], None]) -> None:
    """One file of the sample office: uploaded, planned, carried out."""
    tab.goto(f"{poort.url}/imports")
    tab.locator("input[type=file]").set_input_files(DATA / name)
    tab.get_by_role("button", name="Bestand doorrekenen").click()
    carry_out = tab.locator("form[action$='/commit'] button")
    wait_for(tab, lambda: carry_out.is_visible())
    look(tab)
    carry_out.click()
    wait_for(tab, lambda: tab.locator("a[href$='/undo']").is_visible())
    look(tab)


def wait_for(tab: Page, is_so: Callable[[], bool], seconds: float = 30) -> None:
    """Live pages come by themselves; without JavaScript one asks again."""
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, tab.locator("main").inner_text()[:1500]
        tab.wait_for_timeout(300)
        if not scripted(tab):
            tab.reload()


def scripted(tab: Page) -> bool:
    return bool(tab.evaluate("document.documentElement.matches('.js, [data-js]') || !!window.htmx"))


def make_structure(tab: Page, poort: House) -> None:
    tab.goto(f"{poort.url}/dossiers")
    tab.get_by_label("Naam van de nieuwe structuur").fill("Standaard")
    tab.get_by_role("button", name="Structuur toevoegen").click()
    for name, kind in (("Jaarrekeningen", "office"), ("Aan te leveren", "upload")):
        tab.get_by_role("link", name="Map toevoegen").click()
        tab.get_by_label("Naam van de map").fill(name)
        tab.locator("select[name=kind]").select_option(kind)
        tab.get_by_role("button", name="Map toevoegen").click()
        expect(
            tab.get_by_role("treeitem", name=re.compile(name)).or_(tab.get_by_role("link", name=name, exact=True)).first
        ).to_be_visible()


def copy_to_all(tab: Page, poort: House) -> None:
    tab.goto(f"{poort.url}/dossiers")
    tab.get_by_role("link", name="Uitrollen").click()
    tab.locator("select[name=who]").select_option("all")
    tab.get_by_role("button", name="Bekijken wat er bij komt").click()
    expect(tab.locator("main")).to_contain_text("60 cliënten krijgen hun eerste dossier")
    tab.get_by_role("button", name="Toepassen").click()
    expect(tab.get_by_text("120 mappen toegevoegd").first).to_be_visible()


def publish(tab: Page, poort: House, number: str) -> None:
    """The office puts a document in one client's folder."""
    tab.goto(f"{poort.url}/clients?q={number}")
    tab.locator("tbody a").first.click()
    tab.get_by_role("link", name="Dossier", exact=True).click()
    tab.get_by_role("link", name="Jaarrekeningen", exact=True).click()
    hand_in(tab, "Jaarrekening 2025.pdf")


def hand_in(tab: Page, name: str) -> None:
    tab.locator("input[type=file]").first.set_input_files(
        {"name": name, "mimeType": "application/pdf", "buffer": pdf(name)}
    )
    if not scripted(tab):
        tab.get_by_role("button", name="Uploaden").click()
    expect(tab.get_by_role("link", name=name.removesuffix(".pdf")).first).to_be_visible()


def open_gates(tab: Page, poort: House, number: str) -> None:
    tab.goto(f"{poort.url}/clients?q={number}")
    tab.locator("tbody input[name=ids]").first.check()
    tab.get_by_role("button", name="Uitnodigen").click()
    expect(tab.locator("main")).to_contain_text("Er is nog niets verstuurd")


def come_in(tab: Page, link: str) -> None:
    """The invited client, from the link in his mail."""
    tab.goto(link)
    tab.locator("[name=password]").fill(PASSWORD)
    tab.locator("main form button:not([type=button])").last.click()
    expect(tab).to_have_url(re.compile("/portal$"))


@pytest.mark.parametrize("size", sizes())
def test_from_the_link_to_a_client_on_his_phone(size: str, tmp_path: Path, chromium: Browser, post: Sink) -> None:
    with house(size, tmp_path, smtp_url=post.url) as poort, Tabs(chromium) as tabs:
        office = tabs.open(width=1440)
        set_up(office, poort)
        watcher = tabs.open(width=1440)
        sign_in(watcher, poort)
        watcher.goto(f"{poort.url}/rollout")
        tabs.look(watcher)

        for name in ("groepen.csv", "clienten.xlsx", "gebruikers.csv"):
            bring_in(office, poort, name, tabs.look)
        expect(watcher.locator("main")).to_contain_text(re.compile(r"van 60 cliënten"), timeout=SECONDS)
        assert post.taken == []

        make_structure(office, poort)
        tabs.look(office)
        copy_to_all(office, poort)
        expect(watcher.locator("main")).to_contain_text("60 van 60 cliënten", timeout=SECONDS)
        publish(office, poort, "10001")
        tabs.look(office)

        open_gates(office, poort, "10001")
        tabs.look(office)
        assert post.taken == []
        office.get_by_role("button", name="Poorten openen").click()
        invited = sum(user["client"] == "10001" for user in TRUTH["users"])
        until = time.monotonic() + 40
        while len(post.taken) < invited and time.monotonic() < until:
            office.wait_for_timeout(300)
        assert sorted(taken.address for taken in post.taken) == sorted(
            u["email"] for u in TRUTH["users"] if u["client"] == "10001"
        )

        phone = tabs.open(width=390)
        first = next(taken for taken in post.taken if taken.address == TRUTH["users"][0]["email"])
        come_in(phone, first.link)
        tabs.look(phone)
        phone.get_by_role("link", name="Jaarrekening 2025").first.click()
        tabs.look(phone)
        phone.goto(f"{poort.url}/portal/dossier")
        tabs.look(phone)
        phone.get_by_role("link", name="Aan te leveren").first.click()
        office.goto(f"{poort.url}/")
        hand_in(phone, "Kasboek.pdf")
        tabs.look(phone)

        # In the other browsers nobody touched anything: the checklist counts who was invited, the overview names what he gave.
        expect(watcher.locator("#step-gates")).to_contain_text(f"{invited} van ", timeout=SECONDS)
        expect(office.get_by_role("link", name="Kasboek.pdf")).to_be_visible(timeout=SECONDS)
        office.goto(f"{poort.url}/rollout/openings")
        office.locator("tbody a, main li a").first.click()
        expect(office.locator("main")).to_contain_text(re.compile("actief", re.IGNORECASE))
        assert "Traceback" not in poort.logs


def test_the_core_without_javascript(tmp_path: Path, chromium: Browser, post: Sink) -> None:
    with house("small", tmp_path, smtp_url=post.url) as poort, Tabs(chromium) as tabs:
        office: Any = tabs.open(width=1440, java_script_enabled=False)
        set_up(office, poort)
        for name in ("groepen.csv", "clienten.xlsx", "gebruikers.csv"):
            bring_in(office, poort, name, lambda _: None)
        make_structure(office, poort)
        copy_to_all(office, poort)
        publish(office, poort, "10001")
        open_gates(office, poort, "10001")
        office.get_by_role("button", name="Poorten openen").click()
        until = time.monotonic() + 40
        while not post.taken and time.monotonic() < until:
            time.sleep(0.3)

        phone = tabs.open(width=390, java_script_enabled=False)
        first = next(taken for taken in post.taken if taken.address == TRUTH["users"][0]["email"])
        come_in(phone, first.link)
        phone.goto(f"{poort.url}/portal/dossier")
        phone.get_by_role("link", name="Aan te leveren").first.click()
        hand_in(phone, "Kasboek.pdf")

        office.goto(f"{poort.url}/")
        expect(office.get_by_role("link", name="Kasboek.pdf")).to_be_visible()
