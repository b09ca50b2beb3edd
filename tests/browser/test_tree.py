"""The tree and the list of a folder in a real browser: dragged, cut and pasted, named, chosen together and undone, by mouse and by keys alone."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import APIResponse, Locator, Page, Route, expect

from tests.browser.looking import Tabs
from tests.browser.test_dossiers import folder_id, item, office, paper, toast, tops
from tests.cast import PASSWORD
from tests.house import House, house

RIK = "rik@bakkerij-jansen.example"


@pytest.fixture(scope="module")
def poort(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house("small", tmp_path_factory.mktemp("tree"), worker=False, clients=20) as made:
        yield made


@pytest.fixture
def client(poort: House, request: pytest.FixtureRequest) -> int:
    """Each test has a client of its own, and with him a dossier that nobody touched."""
    mine = [name for name, test in globals().items() if name.startswith("test_") and "client" in test.__annotations__]
    return 3 + mine.index(request.node.originalname)


def row(tab: Page, name: str) -> Locator:
    return tab.locator("#documents tbody tr", has=tab.get_by_role("link", name=name, exact=True))


def with_papers(tab: Page, folder: str, *names: str) -> None:
    """The folder opened, with these documents in it."""
    tab.get_by_role("link", name=folder, exact=True).first.click()
    tab.locator("drop-zone #files").set_input_files([paper(name) for name in names])
    for name in names:
        expect(row(tab, name)).to_be_visible()


def tick(tab: Page, *names: str) -> None:
    for name in names:
        row(tab, name).locator("input[name=ids]").check()


def test_documents_ticked_together_are_dragged_into_a_folder_and_back_by_undo(
    poort: House, tabs: Tabs, client: int
) -> None:
    tab = office(tabs, poort, client)
    with_papers(tab, "Correspondentie", "Een.pdf", "Twee.pdf", "Drie.pdf")
    tick(tab, "Een.pdf", "Twee.pdf")

    row(tab, "Een.pdf").drag_to(item(tab, "Salaris").locator("> .tree-row"))

    expect(toast(tab, "2 verplaatst.")).to_be_visible()
    expect(row(tab, "Een.pdf")).to_have_count(0)
    expect(row(tab, "Drie.pdf")).to_be_visible()
    expect(item(tab, "Salaris").locator("> .tree-row .tree-count")).to_have_text("2")
    Tabs.look(tab)

    toast(tab, "2 verplaatst.").get_by_role("button", name="Ongedaan maken").click()
    expect(row(tab, "Een.pdf")).to_be_visible()
    expect(row(tab, "Twee.pdf")).to_be_visible()
    expect(item(tab, "Salaris").locator("> .tree-row .tree-count")).to_have_count(0)


def test_with_control_held_a_drag_copies_also_onto_a_folder_of_the_list(poort: House, tabs: Tabs, client: int) -> None:
    tab = office(tabs, poort, client)
    with_papers(tab, "Aangiften", "Brief.pdf")
    name = row(tab, "Brief.pdf").get_by_role("link", name="Brief.pdf", exact=True)
    name.scroll_into_view_if_needed()
    box, to = name.bounding_box(), row(tab, "Omzetbelasting").bounding_box()
    assert box and to

    tab.mouse.move(box["x"] + 10, box["y"] + 8)
    tab.mouse.down()
    tab.mouse.move(to["x"] + 150, to["y"] + 10, steps=5)
    tab.keyboard.down("Control")
    tab.mouse.move(to["x"] + 160, to["y"] + 12, steps=5)
    tab.mouse.up()
    tab.keyboard.up("Control")

    expect(toast(tab, "“Brief.pdf” is gekopieerd.")).to_be_visible()
    expect(row(tab, "Brief.pdf")).to_be_visible()
    expect(row(tab, "Omzetbelasting")).to_contain_text("1 document")


def test_cut_in_one_tab_and_pasted_in_the_dossier_of_another_client(poort: House, tabs: Tabs, client: int) -> None:
    tab = office(tabs, poort, client)
    with_papers(tab, "Correspondentie", "Akte.pdf", "Bijlage.pdf")
    other = tab.context.new_page()
    other.goto(f"{poort.url}/clients/2/dossier")
    bar = other.locator("paste-bar")
    expect(bar).to_be_hidden()

    tick(tab, "Akte.pdf", "Bijlage.pdf")
    row(tab, "Akte.pdf").locator("input").focus()
    tab.keyboard.press("Control+x")
    expect(tab.locator("paste-bar")).to_contain_text("2 geknipt")
    Tabs.look(tab)

    expect(bar).to_contain_text("2 geknipt")
    item(other, "Salaris").focus()
    other.keyboard.press("Control+v")
    expect(toast(other, "2 verplaatst.")).to_be_visible()
    expect(bar).to_be_hidden()
    expect(tab.locator("paste-bar")).to_be_hidden()
    expect(row(tab, "Akte.pdf")).to_have_count(0)

    other.keyboard.press("Enter")
    expect(row(other, "Akte.pdf")).to_be_visible()
    expect(row(other, "Bijlage.pdf")).to_be_visible()


def test_copied_by_keys_is_pasted_as_often_as_one_likes_and_escape_forgets(
    poort: House, tabs: Tabs, client: int
) -> None:
    tab = office(tabs, poort, client)
    item(tab, "Correspondentie").focus()
    tab.keyboard.press("Control+c")
    expect(tab.locator("paste-bar")).to_contain_text("1 gekopieerd: Correspondentie")
    for name in ("Salaris", "Aangiften"):
        item(tab, name).focus()
        tab.keyboard.press("Control+v")
        expect(toast(tab, "De map “Correspondentie” is gekopieerd.")).to_be_visible()
        tab.keyboard.press("ArrowRight")
        expect(item(tab, name).get_by_role("treeitem", name="Correspondentie")).to_be_visible()
    item(tab, "Salaris").focus()
    tab.keyboard.press("Escape")
    expect(tab.locator("paste-bar")).to_be_hidden()
    tab.keyboard.press("Control+v")
    tab.wait_for_timeout(300)
    expect(item(tab, "Salaris").get_by_role("treeitem", name="Correspondentie")).to_have_count(1)


def test_names_are_changed_in_the_list_by_keys_and_undone(poort: House, tabs: Tabs, client: int) -> None:
    tab = office(tabs, poort, client)
    with_papers(tab, "Aangiften", "Concept.pdf", "Eindversie.pdf")
    row(tab, "Concept.pdf").get_by_role("link", name="Concept.pdf", exact=True).focus()

    tab.keyboard.press("F2")
    field = tab.get_by_label("Nieuwe naam")
    expect(field).to_be_focused()
    Tabs.look(tab)
    tab.keyboard.press("Escape")
    expect(row(tab, "Concept.pdf").get_by_role("link", name="Concept.pdf", exact=True)).to_be_focused()
    tab.keyboard.press("F2")
    expect(field).to_be_focused()
    tab.keyboard.press("Control+a")
    tab.keyboard.type("Eindversie")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("alert")).to_contain_text("Hier staat al een document met de naam")
    expect(field).to_have_value("Eindversie")
    Tabs.look(tab)
    tab.keyboard.press("Control+a")
    tab.keyboard.type("Aangifte btw")
    tab.keyboard.press("Enter")
    expect(row(tab, "Aangifte btw.pdf").get_by_role("link", name="Aangifte btw.pdf", exact=True)).to_be_focused()

    tab.keyboard.press("ArrowDown")
    expect(row(tab, "Eindversie.pdf").get_by_role("link", name="Eindversie.pdf", exact=True)).to_be_focused()
    row(tab, "Omzetbelasting").get_by_role("link", name="Omzetbelasting", exact=True).focus()
    tab.keyboard.press("F2")
    expect(field).to_be_focused()
    tab.keyboard.press("Control+a")
    tab.keyboard.type("Btw")
    tab.keyboard.press("Enter")
    expect(row(tab, "Btw").get_by_role("link", name="Btw", exact=True)).to_be_focused()

    tab.goto(tab.url)
    tab.get_by_role("link", name="Ongedaan maken", exact=True).click()
    Tabs.look(tab)
    tab.get_by_role("button", name="Ongedaan maken: Naam gewijzigd Aangifte btw.pdf").click()
    tab.get_by_role("button", name="Ongedaan maken: Naam gewijzigd Btw").click()
    tab.go_back()
    tab.goto(f"{poort.url}/folders/{folder_id(poort, client, 'Aangiften')}")
    expect(row(tab, "Concept.pdf")).to_be_visible()
    expect(row(tab, "Omzetbelasting")).to_be_visible()


def test_what_is_chosen_together_in_the_tree_goes_together(poort: House, tabs: Tabs, client: int) -> None:
    tab = office(tabs, poort, client)
    item(tab, "Aangiften").focus()
    tab.keyboard.press("Control+Space")
    tab.keyboard.press("Control+ArrowDown")
    expect(item(tab, "Correspondentie")).to_have_attribute("aria-selected", "false")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Control+Space")
    expect(item(tab, "Interne stukken")).to_have_attribute("aria-selected", "true")
    expect(item(tab, "Aangiften")).to_have_attribute("aria-selected", "true")
    tab.keyboard.press("Shift+ArrowDown")
    Tabs.look(tab)
    tab.keyboard.press("Escape")
    expect(tab.locator("[aria-selected=true]")).to_have_count(0)

    item(tab, "Correspondentie").focus()
    tab.keyboard.press("Shift+ArrowDown")
    tab.keyboard.press("Shift+ArrowDown")
    expect(tab.locator("[aria-selected=true]")).to_have_count(3)
    tab.keyboard.press("Delete")
    expect(toast(tab, "3 naar de prullenbak gegaan.")).to_be_visible()
    assert not {"Correspondentie", "Interne stukken", "Jaarrekeningen"} & set(tops(tab))

    toast(tab, "3 naar de prullenbak gegaan.").get_by_role("button", name="Ongedaan maken").click()
    expect(item(tab, "Jaarrekeningen")).to_be_visible()
    assert {"Correspondentie", "Interne stukken", "Jaarrekeningen"} <= set(tops(tab))


def test_ticks_open_folders_and_the_place_on_the_page_survive_what_somebody_else_changes(
    poort: House, tabs: Tabs, client: int
) -> None:
    tab = office(tabs, poort, client)
    with_papers(tab, "Aangiften", *(f"Stuk {n:02}.pdf" for n in range(30)))
    item(tab, "Jaarrekeningen").focus()
    tab.keyboard.press("ArrowRight")
    opened = item(tab, "Jaarrekeningen").get_by_role("treeitem").first
    expect(opened).to_be_visible()
    tick(tab, "Stuk 03.pdf", "Stuk 25.pdf")
    row(tab, "Stuk 25.pdf").locator("input").focus()
    tab.evaluate("scrollTo(0, 300)")
    at = tab.evaluate("scrollY")
    other = office(tabs, poort, client)
    item(other, "Salaris").focus()

    other.keyboard.press("F2")
    other.get_by_label("Naam van de map").fill("Lonen")
    other.keyboard.press("Enter")
    other.goto(f"{poort.url}/folders/{folder_id(poort, client, 'Aangiften')}")
    row(other, "Stuk 10.pdf").get_by_role("link", name="Stuk 10.pdf", exact=True).focus()
    other.keyboard.press("Delete")
    expect(row(other, "Stuk 10.pdf")).to_have_count(0)

    expect(item(tab, "Lonen")).to_be_visible()
    expect(row(tab, "Stuk 10.pdf")).to_have_count(0)
    expect(opened).to_be_visible()
    expect(row(tab, "Stuk 03.pdf").locator("input")).to_be_checked()
    expect(row(tab, "Stuk 25.pdf").locator("input")).to_be_checked()
    expect(row(tab, "Stuk 25.pdf").locator("input")).to_be_focused()
    expect(tab.locator("bulk-bar output")).to_have_text("2")
    assert abs(tab.evaluate("scrollY") - at) < 60


HEARS = """() => {
  window.hears = new BroadcastChannel("poort-live")
  hears.onmessage = ({ data }) => data.topics?.length && console.log("heard")
}"""


def rename(tab: Page, poort: House, client: int, name: str, to: str) -> None:
    address = f"{poort.url}/folders/{folder_id(poort, client, name)}/name"
    answer = tab.request.post(address, form={"name": to}, headers={"Origin": poort.url}, max_redirects=0)
    assert answer.status == 303, answer.text()


def test_what_changes_while_an_answer_is_under_way_is_seen_too(poort: House, tabs: Tabs, client: int) -> None:
    """The answer that was asked for at the first change tells nothing of the second; nobody touches anything after that."""
    tab = office(tabs, poort, client)
    other = office(tabs, poort, client)
    under_way: list[tuple[Route, APIResponse]] = []
    tab.route(re.compile(r"/dossiers/\d+/tree"), lambda route: under_way.append((route, route.fetch())), times=1)

    rename(other, poort, client, "Salaris", "Lonen")
    until = time.monotonic() + 10
    while not under_way and time.monotonic() < until:
        tab.wait_for_timeout(50)
    [(route, answer)] = under_way
    tab.evaluate(HEARS)
    with tab.expect_console_message(lambda message: message.text == "heard"):
        rename(other, poort, client, "Correspondentie", "Brieven en mail")
    tab.wait_for_timeout(1_000)  # the pause after which it would ask, and some more
    route.fulfill(response=answer)

    expect(item(tab, "Lonen")).to_be_visible()
    expect(item(tab, "Brieven en mail")).to_be_visible()


def test_two_browsers_swap_two_folders_at_once(poort: House, tabs: Tabs, client: int) -> None:
    """Each puts the first into the second; whoever comes last is refused, and nothing is lost."""
    one, two = office(tabs, poort, client), office(tabs, poort, client)
    for tab, cut, into in ((one, "Salaris", "Aangiften"), (two, "Aangiften", "Salaris")):
        item(tab, cut).focus()
        tab.keyboard.press("Control+x")
        item(tab, into).focus()
    one.keyboard.press("Control+v")
    two.keyboard.press("Control+v")

    expect(one.locator("toast-note").first).to_be_visible()
    expect(two.locator("toast-note").first).to_be_visible()
    one.reload()
    names = tops(one)
    assert ("Salaris" in names) != ("Aangiften" in names)


HELD = """([row, ids]) => {
  const carried = new DataTransfer()
  carried.setData("application/x-poort-items", JSON.stringify(ids))
  for (const kind of ["dragover", "drop"])
    row.dispatchEvent(new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }))
}"""


def test_what_is_dragged_out_of_another_window_lands_in_the_folder_it_is_let_go_over(
    poort: House, tabs: Tabs, client: int
) -> None:
    tab = office(tabs, poort, client)
    with_papers(tab, "Correspondentie", "Overeenkomst.pdf")
    held = row(tab, "Overeenkomst.pdf").get_attribute("data-item")
    other = tab.context.new_page()
    other.goto(f"{poort.url}/clients/2/dossier")

    other.evaluate(HELD, [item(other, "Jaarrekeningen").locator("> .tree-row").element_handle(), [held, "x9"]])

    expect(toast(other, "“Overeenkomst.pdf” is verplaatst")).to_be_visible()
    expect(row(tab, "Overeenkomst.pdf")).to_have_count(0)
    other.goto(f"{poort.url}/folders/{folder_id(poort, 2, 'Jaarrekeningen')}")
    expect(row(other, "Overeenkomst.pdf")).to_be_visible()


def test_who_reads_a_general_dossier_is_counted_before_it_is_kept(poort: House, tabs: Tabs, client: int) -> None:
    with sqlite3.connect(poort.var / "poort.db") as database:
        dossier = database.execute("SELECT id FROM dossier WHERE kind = 'general'").fetchone()[0]
    for width in (390, 1440):
        tab = office(tabs, poort, client, width=width)
        tab.goto(f"{poort.url}/dossiers/{dossier}/audience")
        expect(tab.locator("#audience-count")).to_contain_text("actieve cliënten")
        tab.get_by_label("Voor", exact=True).select_option("sector")
        expect(tab.locator("#audience-count")).to_contain_text("0 actieve cliënten")
        Tabs.look(tab)
        tab.locator(".for-sector input").first.check()
        tab.get_by_label("Voor", exact=True).select_option("rule")
        tab.locator(".for-rule input[name=kind]").first.check()
        expect(tab.locator("#audience-count")).not_to_contain_text("0 actieve cliënten krijgen")
        Tabs.look(tab)
    tab.get_by_role("button", name="Bewaren").click()
    expect(tab.locator("#toasts")).to_contain_text("is bewaard")
    tab.goto(f"{poort.url}/dossiers/{dossier}/audience")
    expect(tab.get_by_label("Voor", exact=True)).to_have_value("rule")


def many(poort: House, client: int, parent: str, count: int) -> None:
    with sqlite3.connect(poort.var / "poort.db") as database:
        dossier, folder = database.execute(
            "SELECT dossier, id FROM folder WHERE client = ? AND name = ?", (client, parent)
        ).fetchone()
        database.executemany(
            "INSERT INTO folder (dossier, client, parent, name, name_key, kind, position, created_at) VALUES (?, ?, ?, ?, ?, 'office', ?, '2026-01-01')",
            [(dossier, client, folder, f"Map {n:04}", f"map {n:04}", n) for n in range(count)],
        )


def test_eleven_hundred_folders_come_as_they_are_asked_for(poort: House, tabs: Tabs, client: int) -> None:
    many(poort, client, "Jaarrekeningen", 1_100)
    tab = office(tabs, poort, client)
    item(tab, "Jaarrekeningen").focus()
    tab.keyboard.press("ArrowRight")
    expect(item(tab, "Map 0000")).to_have_attribute("data-of", "1103")
    more = item(tab, "Nog 903 mappen tonen")
    expect(more).to_be_visible()
    Tabs.look(tab)

    more.focus()
    tab.keyboard.press("Enter")
    expect(item(tab, "Nog 703 mappen tonen")).to_be_visible()
    last = item(tab, "Map 0196")
    expect(last).to_be_focused()
    tab.keyboard.press("ArrowDown")
    expect(item(tab, "Map 0197")).to_be_focused()

    tab.goto(f"{poort.url}/folders/{folder_id(poort, client, 'Map 0800')}")
    expect(item(tab, "Map 0800")).to_have_attribute("aria-current", "page")
    expect(item(tab, "Map 0795")).to_be_visible()
    expect(item(tab, "Map 0500")).to_have_count(0)
    tab.goto(f"{poort.url}/folders/{folder_id(poort, client, 'Jaarrekeningen')}?page=11")
    expect(row(tab, "Map 1010")).to_be_visible()


def on_a_phone(tabs: Tabs, poort: House) -> Page:
    phone = tabs.open(width=390, has_touch=True, is_mobile=True)
    phone.goto(f"{poort.url}/sign-in")
    phone.locator("[name=email]").fill(RIK)
    phone.locator("[name=password]").fill(PASSWORD)
    phone.keyboard.press("Enter")
    phone.wait_for_url("**/portal")
    return phone


def test_the_portals_tree_is_a_tree_for_thumbs_and_for_keys(poort: House, tabs: Tabs) -> None:
    phone = on_a_phone(tabs, poort)
    phone.goto(f"{poort.url}/portal/dossier?client=1")
    first = phone.get_by_role("tree").first.get_by_role("treeitem").first
    expect(first).to_have_attribute("aria-level", "1")
    Tabs.look(phone)

    first.focus()
    phone.keyboard.press("ArrowLeft")
    expect(first).to_have_attribute("aria-expanded", "false")
    phone.keyboard.press("ArrowRight")
    phone.keyboard.press("ArrowRight")
    expect(first.get_by_role("treeitem").first).to_be_focused()
    expect(first.get_by_role("treeitem").first).to_have_attribute("aria-level", "2")
    phone.reload()
    expect(first).to_have_attribute("aria-expanded", "true")
    first.locator("> a").tap()
    expect(phone.locator("#contents")).to_be_visible()


def test_a_large_dossier_opens_step_by_step_in_the_portal(poort: House, tabs: Tabs) -> None:
    many(poort, 1, "Jaarrekeningen", 300)
    phone = on_a_phone(tabs, poort)
    phone.goto(f"{poort.url}/portal/dossier?client=1")
    folder = phone.get_by_role("treeitem", name="Jaarrekeningen")
    expect(folder).to_have_attribute("aria-expanded", "false")
    folder.locator("summary").tap()
    expect(folder.get_by_role("treeitem", name="Map 0100")).to_be_visible()
    Tabs.look(phone)
    folder.get_by_role("treeitem", name="Meer mappen tonen").locator("a").tap()
    expect(folder.get_by_role("treeitem", name="Map 0299")).to_be_visible()

    plain = tabs.open(width=390, java_script_enabled=False)
    plain.context.add_cookies(phone.context.cookies())
    plain.goto(f"{poort.url}/portal/folders/{folder_id(poort, 1, 'Jaarrekeningen')}")
    plain.get_by_role("link", name="Meer mappen").click()
    expect(plain.get_by_role("link", name="Map 0299")).to_be_visible()
