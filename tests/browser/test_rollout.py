"""Rolling out in real browsers: what one does moves the checklist of the other, and the gates from the choice to who came in."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, Request, expect

from models.sample.papers import pdf
from tests.browser.looking import Tabs
from tests.browser.test_every_page import sign_in
from tests.cast import PASSWORD
from tests.house import House, house
from tests.smtp import Sink, sinking

ANNA = "anna@kantoor.example"
NEW = "Zeilmakerij Aarts"
LOES = "loes@zeilmakerij.example"
AT_ONCE = 2_000  # milliseconds in which the other browser shows it


@pytest.fixture
def post() -> Iterator[Sink]:
    with sinking() as sink:
        yield sink


@pytest.fixture
def poort(tmp_path: Path, post: Sink) -> Iterator[House]:
    with house("small", tmp_path, smtp_url=f"{post.url}&connections=1", clients=40) as made:
        yield made


def office(tabs: Tabs, poort: House, path: str = "/rollout", **options: object) -> Page:
    tab = tabs.open(**options)  # type: ignore[arg-type]
    sign_in(tab, poort, ANNA)
    tab.goto(poort.url + path)
    return tab


def sheet(name: str, *lines: str) -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": "\n".join(lines).encode()}


def bring_in(tab: Page, poort: House, file: FilePayload) -> None:
    """Uploaded, planned and carried out; back as soon as the page says that it is done."""
    tab.goto(f"{poort.url}/imports")
    tab.locator("input[type=file]").set_input_files(file)
    tab.get_by_role("button", name="Bestand doorrekenen").click()
    tab.locator("form[action$='/commit'] button").click()
    expect(tab.locator("a[href$='/undo']")).to_be_visible(timeout=20_000)


def of_client(tab: Page, step: str) -> Locator:
    return tab.locator("#matrix tbody tr", has_text=NEW).locator(f"td[data-label='{step}']")


def people(tab: Page, fate: str) -> Locator:
    """How many there are of one fate, in the row of tabs above the list."""
    return tab.locator("#people").get_by_role("link", name=re.compile(rf"^{fate}\b"))


def counted(tab: Page, fate: str) -> int:
    words = people(tab, fate).all_inner_texts()
    return int(re.sub(r"\D", "", words[0])) if words else 0


def wait_until(tab: Page, is_so: object, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() < until, tab.locator("main").inner_text()[:1500]
        tab.wait_for_timeout(150)


def test_what_one_does_moves_the_seven_tabs_of_the_other(poort: House, tabs: Tabs, post: Sink) -> None:
    streams: set[Request] = set()  # those that are open
    first = tabs.open()
    first.context.on("request", lambda request: streams.add(request) if "/live?" in request.url else None)
    for end in ("requestfailed", "requestfinished"):
        first.context.on(end, lambda request: streams.discard(request))
    sign_in(first, poort, ANNA)
    watching = [first, *(first.context.new_page() for _ in range(6))]
    for tab in watching:
        tab.goto(f"{poort.url}/rollout?q=zeilmakerij" if tab is not first else f"{poort.url}/rollout")
    with_structure = first.locator("#step-structure .count")
    expect(with_structure).to_contain_text("van 40 cliënten")
    one = office(tabs, poort)

    bring_in(one, poort, sheet("clienten.csv", "Cliëntnummer;Naam", f"7001;{NEW}"))
    expect(with_structure).to_contain_text("van 41 cliënten", timeout=AT_ONCE)
    for tab in watching[1:]:
        expect(of_client(tab, "Structuur")).to_contain_text("Ontbreekt", timeout=AT_ONCE)
    bring_in(
        one,
        poort,
        sheet("gebruikers.csv", "Cliëntnr;Voornaam;Achternaam;E-mailadres;Rol", f"7001;Loes;Aarts;{LOES};beheerder"),
    )
    for tab in watching[1:]:
        expect(of_client(tab, "Gebruiker")).to_contain_text("Ja", timeout=AT_ONCE)
    assert post.taken == []

    one.goto(f"{poort.url}/clients?q=7001")
    one.locator("tbody a").first.click()
    one.get_by_role("link", name="Dossier", exact=True).click()
    one.get_by_role("link", name="“Standaard mkb” kopiëren").click()
    one.get_by_role("button", name="Toepassen").click()
    for tab in watching[1:]:
        expect(of_client(tab, "Structuur")).to_contain_text("Ja", timeout=AT_ONCE)
        expect(of_client(tab, "Klaar")).to_contain_text("Klaar", timeout=AT_ONCE)

    one.goto(f"{poort.url}/rollout?q=zeilmakerij")
    one.locator("#matrix input[name=ids]").check()
    one.get_by_role("button", name="Openen voor wie klaar is").click()
    one.get_by_role("button", name="Poorten openen").click()
    expect(one.get_by_role("button", name="Ongedaan maken")).to_be_visible()
    for tab in watching[1:]:
        expect(of_client(tab, "Uitgenodigd")).to_contain_text("Ja", timeout=AT_ONCE)
    wait_until(one, lambda: post.taken)

    phone = tabs.open(width=390)
    phone.goto(post.taken[0].link)
    expect(people(one, "Link geopend")).to_be_visible(timeout=AT_ONCE)
    phone.locator("[name=password]").fill(PASSWORD)
    phone.locator("main form button:not([type=button])").last.click()
    expect(phone).to_have_url(re.compile("/portal$"))
    for tab in watching[1:]:
        expect(of_client(tab, "Actief")).to_contain_text("Ja", timeout=AT_ONCE)
    expect(people(one, "Actief")).to_be_visible(timeout=AT_ONCE)

    phone.goto(f"{poort.url}/portal/dossier")
    phone.get_by_role("link", name="Aan te leveren stukken").first.click()
    phone.locator("input[type=file]").first.set_input_files(
        {"name": "Kasboek.pdf", "mimeType": "application/pdf", "buffer": pdf("Kasboek")}
    )
    expect(phone.locator(".uploads li.good")).to_be_visible()
    for tab in watching[1:]:
        expect(of_client(tab, "Stukken")).to_contain_text("Ja", timeout=AT_ONCE)
    assert len(streams) == 1, streams
    assert "Traceback" not in poort.logs


def test_the_gates_from_the_choice_to_who_is_in(poort: House, tabs: Tabs, post: Sink) -> None:
    one, other = office(tabs, poort), office(tabs, poort)
    one.get_by_label("Poorten openen voor").select_option("all")
    one.get_by_role("button", name="Bekijken wie een mail krijgt").click()
    expect(one.locator("main")).to_contain_text("Er is nog niets verstuurd.")
    expect(one.locator(".rollout-go .banner")).to_contain_text("Dit ontbreekt:")
    expect(one.frame_locator("#preview iframe").locator("body")).to_contain_text("Portaal openen")
    Tabs.look(one)
    everybody = counted(one, "Krijgt mail")
    one.get_by_label("Alleen wie bij al zijn cliënten klaar is").check()
    wait_until(one, lambda: 0 < counted(one, "Krijgt mail") < everybody)
    expect(one.locator(".rollout-go .banner")).to_have_count(0)
    letters = counted(one, "Krijgt mail")
    assert letters > 3
    refused = one.locator("#people tbody tr", has_text="Krijgt mail").first.locator("td").first.inner_text().split()[-1]
    post.refuse(refused)
    post.delay = 0.4  # over the one connection that this house has: slow enough to watch

    one.get_by_role("button", name="Poorten openen").click()
    undo = one.get_by_role("button", name="Ongedaan maken")
    expect(undo).to_be_visible()
    expect(one.locator("undo-countdown output")).to_have_text(re.compile(r"^(10|[5-9])$"))
    Tabs.look(one)
    undo.click()
    expect(one.locator("main")).to_contain_text(f"{letters} uitnodigingen ingetrokken")
    Tabs.look(one)
    one.wait_for_timeout(1500)
    assert post.taken == []

    one.goto(f"{poort.url}/rollout")
    one.get_by_role("button", name="Bekijken wie een mail krijgt").click()
    assert counted(one, "Krijgt mail") == letters
    one.get_by_role("button", name="Poorten openen").click()
    expect(undo).to_be_visible()
    address = one.url
    other.goto(address)
    expect(people(other, "Voorbereid")).to_contain_text(str(letters))
    expect(other.get_by_role("button", name="Ongedaan maken")).to_have_count(0, timeout=15_000)
    seen: set[int] = set()
    wait_until(other, lambda: seen.add(counted(other, "Afgegeven")) or counted(other, "Afgegeven") == letters - 1, 60)
    assert len(seen) > 2, seen  # the count ran along with the sending
    expect(people(other, "Geweigerd")).to_contain_text("1")
    expect(undo).to_have_count(0)
    assert sorted(taken.address for taken in post.taken).count(refused) == 0
    assert len(post.taken) == letters - 1 == len(post.by_identity())

    people(other, "Geweigerd").click()
    row = other.locator("#people tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(refused)
    expect(row).to_contain_text("User unknown")
    Tabs.look(other)
    post.refuse(refused, "")
    row.get_by_role("button", name="Opnieuw uitnodigen").click()
    wait_until(other, lambda: refused in {taken.address for taken in post.taken})
    assert "Traceback" not in poort.logs


def test_the_gates_without_a_script(poort: House, tabs: Tabs, post: Sink) -> None:
    tab = office(tabs, poort, java_script_enabled=False)
    tab.get_by_role("button", name="Afvinken").first.click()
    expect(tab.locator("#step-instructed")).to_contain_text("Afgevinkt door")
    tab.get_by_label("Klaar", exact=True).select_option("yes")
    tab.locator("form.filter-bar button, form[role=search] button").last.click()
    tab.locator("#matrix input[name=ids]").first.check()
    tab.get_by_role("button", name="Openen, ook wie niet klaar is").click()
    expect(tab.locator("main")).to_contain_text("Er is nog niets verstuurd.")
    tab.go_back()
    tab.get_by_label("Poorten openen voor").select_option("ready")
    tab.get_by_role("button", name="Bekijken wie een mail krijgt").click()
    letters = counted(tab, "Krijgt mail")
    assert letters
    tab.get_by_role("button", name="Poorten openen").click()
    tab.get_by_role("button", name="Ongedaan maken").click()
    expect(tab.locator("main")).to_contain_text("Ongedaan gemaakt")

    tab.goto(f"{poort.url}/rollout")
    tab.get_by_role("button", name="Bekijken wie een mail krijgt").click()
    tab.get_by_role("button", name="Poorten openen").click()
    until = time.monotonic() + 40
    while len(post.taken) < letters and time.monotonic() < until:
        time.sleep(0.3)
    tab.reload()
    assert counted(tab, "Afgegeven") == letters
