"""Dossiers in a real browser: the tree by keys alone, files by hand and by drop, two people at once, and all of it without a script."""

from __future__ import annotations

import base64
import re
import sqlite3

import pytest
from playwright.sync_api import FilePayload, Locator, Page, Route, expect

from models.sample.papers import pdf
from tests.browser.looking import Tabs, hold, until
from tests.browser.test_every_page import sign_in
from tests.house import House

ANNA, ED = "anna@kantoor.example", "ed@kantoor.example"
# What the sample office gives every client, at the top of his dossier.
TOP = ["Aangiften", "Correspondentie", "Interne stukken", "Jaarrekeningen", "Permanent dossier", "Salaris"]


@pytest.fixture
def client(poort: House, request: pytest.FixtureRequest) -> int:
    """Each test has a client of its own, and with him a dossier that nobody touched."""
    mine = [name for name, test in globals().items() if name.startswith("test_") and "client" in test.__annotations__]
    return 1 + mine.index(request.node.originalname)


def office(tabs: Tabs, poort: House, client: int, email: str = ANNA, **options: object) -> Page:
    tab = tabs.open(**options)  # type: ignore[arg-type]
    sign_in(tab, poort, email)
    tab.goto(f"{poort.url}/clients/{client}/dossier")
    return tab


def folder_id(poort: House, client: int, name: str) -> int:
    with sqlite3.connect(poort.var / "poort.db") as database:
        found = database.execute("SELECT id FROM folder WHERE client = ? AND name = ?", (client, name)).fetchone()
    return int(found[0])


def item(tab: Page, name: str) -> Locator:
    return tab.get_by_role("treeitem", name=name, exact=True)


def tops(tab: Page) -> list[str]:
    links = tab.locator("#dossier-tree > ul > li > .tree-row > a")
    return [text.strip() for text in links.all_inner_texts()]


def toast(tab: Page, words: str) -> Locator:
    return tab.locator("#toasts toast-note", has_text=words).last


def paper(name: str) -> FilePayload:
    return {"name": name, "mimeType": "application/pdf", "buffer": pdf(name)}


DROP = """([zone, files]) => {
  const carried = new DataTransfer()
  for (const [name, text] of files)
    carried.items.add(new File([Uint8Array.from(atob(text), one => one.charCodeAt(0))], name, { type: "application/pdf" }))
  for (const kind of ["dragover", "drop"])
    zone.dispatchEvent(new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true }))
}"""


def drop(tab: Page, *names: str) -> None:
    """What the browser does when files are let go over the zone."""
    files = [[name, base64.b64encode(pdf(name)).decode()] for name in names]
    tab.evaluate(DROP, [tab.locator("drop-zone").element_handle(), files])


def test_the_tree_by_keys_alone(poort: House, tabs: Tabs, client: int) -> None:
    tab = office(tabs, poort, client)
    assert tops(tab)[: len(TOP)] == TOP
    tab.locator("#main").focus()
    for _ in range(40):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.role") == "treeitem":
            break
    expect(item(tab, "Aangiften")).to_be_focused()

    tab.keyboard.press("End")
    expect(item(tab, "Aan te leveren stukken")).to_be_focused()
    tab.keyboard.press("Home")
    tab.keyboard.press("ArrowRight")
    expect(item(tab, "Omzetbelasting")).to_be_visible()
    expect(item(tab, "Aangiften")).to_be_focused()
    tab.keyboard.press("ArrowRight")
    expect(item(tab, "Inkomstenbelasting")).to_be_focused()
    tab.keyboard.press("ArrowDown")
    expect(item(tab, "Omzetbelasting")).to_be_focused()
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("ArrowLeft")
    expect(item(tab, "Omzetbelasting")).to_be_hidden()
    tab.keyboard.type("per")
    expect(item(tab, "Permanent dossier")).to_be_focused()
    Tabs.look(tab)


def test_a_folder_is_named_added_moved_and_thrown_away_by_keys(poort: House, tabs: Tabs, client: int) -> None:
    tab = office(tabs, poort, client)
    item(tab, "Correspondentie").focus()

    tab.keyboard.press("F2")
    field = tab.get_by_label("Naam van de map")
    expect(field).to_be_focused()
    Tabs.look(tab)
    tab.keyboard.press("Escape")
    expect(item(tab, "Correspondentie")).to_be_focused()
    tab.keyboard.press("F2")
    expect(field).to_be_focused()
    tab.keyboard.press("Control+a")
    tab.keyboard.type("Brieven en mail")
    tab.keyboard.press("Enter")
    expect(item(tab, "Brieven en mail")).to_be_focused()
    expect(toast(tab, "De map heet nu “Brieven en mail”.")).to_be_visible()

    tab.keyboard.press("Enter")  # the folder itself: its page has the menu and the place for a folder in it
    expect(tab.get_by_role("heading", name="Brieven en mail")).to_be_visible()
    add = tab.get_by_role("link", name="Submap toevoegen")
    add.focus()
    tab.keyboard.press("Enter")
    expect(tab.locator("#dialog").get_by_label("Naam van de map")).to_be_focused()
    Tabs.look(tab)
    tab.keyboard.type("Gemeente")
    tab.keyboard.press("Enter")
    expect(tab.locator("#dialog")).to_be_hidden()
    expect(item(tab, "Gemeente")).to_be_visible()
    expect(add).to_be_focused()

    item(tab, "Gemeente").focus()
    tab.keyboard.press("Alt+m")
    choice = tab.locator("#dialog").get_by_label("Naar welke map?")
    expect(choice).to_be_focused()
    Tabs.look(tab)
    tab.keyboard.type("Salaris")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    expect(toast(tab, "De map “Gemeente” is verplaatst.")).to_be_visible()
    expect(item(tab, "Salaris").get_by_role("treeitem", name="Gemeente")).to_be_focused()

    tab.keyboard.press("Delete")
    expect(tab.locator("#dialog").get_by_role("button", name="Naar de prullenbak")).to_be_focused()
    Tabs.look(tab)
    tab.keyboard.press("Enter")
    expect(item(tab, "Gemeente")).to_have_count(0)
    expect(item(tab, "Loonstroken")).to_be_focused()  # its neighbour
    undo = toast(tab, "De map “Gemeente” ligt in de prullenbak.").get_by_role("button", name="Ongedaan maken")
    undo.focus()
    tab.keyboard.press("Enter")
    expect(toast(tab, "De map “Gemeente” is terug.")).to_be_visible()
    expect(item(tab, "Salaris").get_by_role("treeitem", name="Gemeente")).to_be_visible()
    Tabs.look(tab)


def test_the_order_is_changed_by_keys(poort: House, tabs: Tabs, client: int) -> None:
    tab = office(tabs, poort, client)
    item(tab, "Jaarrekeningen").focus()

    for key in ("ArrowUp", "ArrowUp", "ArrowUp", "ArrowDown"):
        with tab.expect_response("**/position"):
            tab.keyboard.press(f"Alt+{key}")
        expect(item(tab, "Jaarrekeningen")).to_be_focused()

    expect(tab.locator("#dossier-tree > ul > li").nth(1)).to_have_attribute("aria-label", "Jaarrekeningen")
    expect(item(tab, "Jaarrekeningen")).to_be_focused()
    expect(tab.locator("toast-note", has_text="De volgorde is bewaard.")).to_have_count(1)
    tab.reload()
    assert tops(tab)[:3] == ["Aangiften", "Jaarrekeningen", "Correspondentie"]


def test_a_folder_is_dragged_onto_another_but_never_into_itself(poort: House, tabs: Tabs, client: int) -> None:
    tab = office(tabs, poort, client)
    item(tab, "Correspondentie").locator("> .tree-row").drag_to(item(tab, "Salaris").locator("> .tree-row"))
    expect(toast(tab, "De map “Correspondentie” is verplaatst.")).to_be_visible()
    assert "Correspondentie" not in tops(tab)

    item(tab, "Aangiften").focus()
    tab.keyboard.press("ArrowRight")
    expect(item(tab, "Omzetbelasting")).to_be_visible()
    item(tab, "Aangiften").locator("> .tree-row").drag_to(item(tab, "Omzetbelasting").locator("> .tree-row"))
    tab.wait_for_load_state("networkidle")
    assert "Aangiften" in tops(tab)


def test_a_folder_that_was_moved_meanwhile_is_not_put_into_its_own_child(poort: House, tabs: Tabs, client: int) -> None:
    """The list of places was honest when it was made; then somebody else put the chosen folder inside this one."""
    tab = office(tabs, poort, client)
    item(tab, "Aangiften").focus()
    tab.keyboard.press("Alt+m")
    choice = tab.locator("#dialog").get_by_label("Naar welke map?")
    expect(choice).to_be_focused()
    assert not [text for text in choice.locator("option").all_inner_texts() if "Omzetbelasting" in text]
    choice.select_option(label="Salaris")
    follows, clicked = hold(tab, re.compile(r"/dossiers/\d+/tree$")), hold(tab, re.compile(r"/parent$"))
    other = office(tabs, poort, client)
    other.goto(f"{poort.url}/folders/{folder_id(poort, client, 'Salaris')}/parent")
    other.get_by_label("Naar welke map?").select_option(label="Aangiften")
    other.get_by_role("button", name="Verplaatsen").click()
    expect(other).to_have_url(re.compile(r"/folders/\d+$"))
    until(tab, lambda: follows)  # the page behind the dialog follows; its answer comes before that to the click

    tab.locator("#dialog").get_by_role("button", name="Verplaatsen").click()
    until(tab, lambda: clicked)
    with tab.expect_response(re.compile(r"/dossiers/\d+/tree$")):
        follows[0].continue_()
    tab.wait_for_timeout(200)
    clicked[0].continue_()

    expect(tab.locator("#dialog")).to_contain_text("Een map kan niet in zichzelf of in een map die erin ligt.")
    expect(tab.locator("#dossier-tree > ul > li > .tree-row > a", has_text="Salaris")).to_have_count(
        0
    )  # it follows now
    Tabs.look(tab)


def test_the_menu_of_a_folder_and_its_own_pages_work_too(poort: House, tabs: Tabs, client: int) -> None:
    tab = office(tabs, poort, client)
    tab.get_by_role("link", name="Correspondentie", exact=True).click()
    menu = tab.get_by_role("button", name="Meer met deze map")
    menu.click()
    tab.get_by_role("link", name="Naam wijzigen", exact=True).click()
    tab.get_by_label("Naam van de map").fill("Salaris")
    tab.get_by_role("button", name="Bewaren").click()
    expect(tab.get_by_role("alert")).to_contain_text("Hier staat al een map met de naam “Salaris”.")
    Tabs.look(tab)
    tab.get_by_label("Naam van de map").fill("Post")
    tab.get_by_role("button", name="Bewaren").click()
    expect(tab.get_by_role("heading", name="Post")).to_be_visible()

    menu.click()
    Tabs.look(tab)
    tab.get_by_role("link", name="Verplaatsen", exact=True).click()
    tab.locator("#dialog").get_by_label("Naar welke map?").select_option(label="Salaris")
    tab.locator("#dialog").get_by_role("button", name="Verplaatsen").click()
    expect(tab.get_by_role("navigation", name="Pad van de map")).to_contain_text("Salaris")

    for page in ("parent", "removal"):
        tab.goto(f"{poort.url}/folders/{folder_id(poort, client, 'Brieven')}/{page}")
        Tabs.look(tab)
        tab.locator("main form button").click()
        expect(tab.locator("#dossier-tree")).to_be_visible()
    expect(tab.locator("#dossier-tree")).not_to_contain_text("Brieven")


def test_two_people_name_the_same_folder(poort: House, tabs: Tabs, client: int) -> None:
    first, second = office(tabs, poort, client), office(tabs, poort, client, ED if client < 4 else ANNA)
    for tab in (first, second):
        item(tab, "Salaris").focus()
        tab.keyboard.press("F2")
        expect(tab.get_by_label("Naam van de map")).to_be_focused()
    first.keyboard.press("Control+a")
    first.keyboard.type("Lonen")
    second.keyboard.press("Control+a")
    second.keyboard.type("Salarisadministratie")
    first.keyboard.press("Enter")
    expect(item(first, "Lonen")).to_be_focused()

    second.wait_for_timeout(1500)  # what is live leaves alone where somebody types
    second.keyboard.press("Enter")

    expect(second.get_by_role("alert")).to_contain_text("Iemand anders noemde deze map intussen “Lonen”.")
    field = second.get_by_label("Naam van de map")
    expect(field).to_have_value("Salarisadministratie")
    expect(field).to_be_focused()
    Tabs.look(second)
    second.keyboard.press("Enter")
    expect(item(second, "Salarisadministratie")).to_be_focused()
    expect(item(first, "Salarisadministratie")).to_be_visible()


def test_files_are_chosen_and_dropped_with_their_progress(poort: House, tabs: Tabs, client: int) -> None:
    tab = office(tabs, poort, client)
    tab.get_by_role("link", name="Salaris", exact=True).click()
    tab.locator("#files").set_input_files([paper("Een.pdf"), paper("Twee.pdf")])
    drop(tab, "Drie.pdf", "Vier.pdf", "Vijf.pdf")

    rows = tab.locator(".uploads li")
    expect(rows).to_have_count(5)
    for row in rows.all():
        expect(row).to_have_class("good")
        expect(row.locator(".status")).to_have_text("ontvangen")
        expect(row.locator("progress")).to_have_attribute("value", "1")
    for name in ("Een", "Twee", "Drie", "Vier", "Vijf"):
        expect(tab.locator("#documents").get_by_role("link", name=f"{name}.pdf", exact=True)).to_be_visible()
    expect(item(tab, "Salaris").locator("> .tree-row .tree-count")).to_have_text("5")
    Tabs.look(tab)

    tab.locator("#files").set_input_files(
        {"name": "virus.exe", "mimeType": "application/pdf", "buffer": b"MZ\x90\x00" + bytes(200)}
    )
    expect(rows).to_have_count(6)
    expect(rows.last).to_have_class("danger")
    expect(rows.last.locator(".status")).not_to_have_text("")
    expect(tab.locator("#documents")).not_to_contain_text("virus.exe")
    Tabs.look(tab)


def test_an_upload_that_breaks_off_goes_on_by_itself(poort: House, tabs: Tabs, client: int) -> None:
    tab = office(tabs, poort, client)
    tab.get_by_role("link", name="Salaris", exact=True).click()
    broken = 0

    def line(route: Route) -> None:
        nonlocal broken
        if broken < 2 and route.request.method == "POST":
            broken += 1
            route.abort("connectionreset")
        else:
            route.continue_()

    tab.route("**/uploads", line)
    tab.locator("#files").set_input_files(paper("Loonstaat.pdf"))

    row = tab.locator(".uploads li")
    expect(row).to_have_class("good")
    assert broken == 2
    expect(tab.locator("#documents").get_by_role("link", name="Loonstaat.pdf", exact=True)).to_be_visible()
    tabs.complaints[:] = [text for text in tabs.complaints if "ERR_CONNECTION_RESET" not in text]


def test_a_document_is_thrown_away_and_brought_back(poort: House, tabs: Tabs, client: int) -> None:
    tab = office(tabs, poort, client)
    tab.get_by_role("link", name="Salaris", exact=True).click()
    tab.locator("#files").set_input_files(paper("Akte.pdf"))
    tab.locator("#documents").get_by_role("link", name="Akte.pdf", exact=True).click()
    tab.get_by_role("button", name="Naar de prullenbak").click()
    expect(tab.locator("#documents")).not_to_contain_text("Akte.pdf")
    toast(tab, "“Akte.pdf” ligt in de prullenbak.").get_by_role("button", name="Ongedaan maken").click()
    expect(toast(tab, "“Akte.pdf” is terug.")).to_be_visible()
    expect(tab.locator("#documents").get_by_role("link", name="Akte.pdf", exact=True)).to_be_visible()


def test_the_open_folder_thrown_away_leaves_no_dead_page(poort: House, tabs: Tabs, client: int) -> None:
    tab = office(tabs, poort, client)
    tab.get_by_role("link", name="Salaris", exact=True).click()
    expect(tab.get_by_role("heading", name="Salaris")).to_be_visible()
    item(tab, "Salaris").focus()
    tab.keyboard.press("Delete")
    tab.locator("#dialog").get_by_role("button", name="Naar de prullenbak").click()

    expect(toast(tab, "De map “Salaris” ligt in de prullenbak.")).to_be_visible()
    expect(tab.locator("drop-zone")).to_have_count(0)
    Tabs.look(tab)
    toast(tab, "De map “Salaris”").get_by_role("button", name="Ongedaan maken").click()
    expect(tab.get_by_role("heading", name="Salaris")).to_be_visible()
    expect(tab.locator("drop-zone")).to_be_visible()


def test_the_core_without_a_script(poort: House, tabs: Tabs, client: int) -> None:
    tab = office(tabs, poort, client, java_script_enabled=False)
    tab.get_by_role("link", name="Map toevoegen").click()
    tab.get_by_label("Naam van de map").fill("Verzekeringen")
    tab.locator("select[name=kind]").select_option("upload")
    tab.get_by_role("button", name="Map toevoegen").click()
    expect(tab.locator("#toasts")).to_contain_text("De map “Verzekeringen” is toegevoegd.")

    tab.locator("#dossier-tree").get_by_role("link", name="Verzekeringen", exact=True).click()
    tab.locator("#files").set_input_files([paper("Polis.pdf"), paper("Groene kaart.pdf")])
    tab.get_by_role("button", name="Uploaden").click()
    expect(tab.locator("#documents")).to_contain_text("Groene kaart.pdf")

    tab.get_by_role("link", name="Naam wijzigen: Verzekeringen").click()
    tab.get_by_label("Naam van de map").fill("Salaris")
    tab.get_by_role("button", name="Bewaren").click()
    expect(tab.locator("main")).to_contain_text("Hier staat al een map met de naam “Salaris”.")
    expect(tab.get_by_label("Naam van de map")).to_have_value("Salaris")
    tab.get_by_label("Naam van de map").fill("Polissen")
    tab.get_by_role("button", name="Bewaren").click()
    expect(tab.get_by_role("heading", name="Polissen")).to_be_visible()

    tab.get_by_role("link", name="Verplaatsen: Polissen").click()
    tab.get_by_label("Naar welke map?").select_option(label="Permanent dossier")
    tab.get_by_role("button", name="Verplaatsen").click()
    expect(tab.get_by_role("navigation", name="Pad van de map")).to_contain_text("Permanent dossier")

    tab.get_by_role("link", name="Naar de prullenbak: Polissen").click()
    tab.get_by_role("button", name="Naar de prullenbak").click()
    expect(tab.locator("#dossier-tree")).not_to_contain_text("Polissen")
    tab.get_by_role("button", name="Ongedaan maken").click()
    expect(tab.locator("#documents")).to_contain_text("Polis.pdf")
    tab.get_by_role("link", name="Prullenbak", exact=True).click()
    expect(tab.locator("main")).to_contain_text("De prullenbak is leeg")
