"""By keyboard: a list is asked for, something is taken out, the rest is confirmed, and the certificate stands there."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import Tabs
from tests.browser.test_by_keyboard import press, to
from tests.browser.test_every_page import sign_in
from tests.house import House, house

PICTURES = os.environ.get("KEEP_PICTURES", "")
DOSSIER: list[int] = []  # in which something was thrown away


@pytest.fixture(scope="module")
def poort(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house("small", tmp_path_factory.mktemp("keeping"), clients=60) as made:
        with sqlite3.connect(made.var / "poort.db", timeout=20) as database:
            kept = database.execute("SELECT id FROM retention_class WHERE name = 'Administratie'").fetchone()[0]
            database.execute("UPDATE folder SET retention = ? WHERE client IS NOT NULL", (kept,))
            database.execute(
                "UPDATE document SET book_year = 2012 WHERE id IN (SELECT d.id FROM document d JOIN client c ON c.id = d.client "
                "WHERE c.name = 'Bakkerij Jansen B.V.' ORDER BY d.id LIMIT 4)"
            )
            # one thing that was thrown away and then its folder too
            database.execute("UPDATE document SET trashed_at = uploaded_at WHERE id = 9")
            database.execute(
                "UPDATE folder SET trashed_at = (SELECT max(uploaded_at) FROM document) WHERE id = (SELECT folder FROM document WHERE id = 9)"
            )
            DOSSIER[:] = database.execute(
                "SELECT f.dossier FROM document d JOIN folder f ON f.id = d.folder WHERE d.id = 9"
            ).fetchone()
        yield made


def seen(tab: Page, name: str) -> None:
    """Nothing for axe, light and dark, large and small; and a picture where somebody wants to look."""
    Tabs.look(tab)
    for width in (390, 1440):
        tab.set_viewport_size({"width": width, "height": 900})
        Tabs.look(tab)
        if PICTURES:
            for scheme in ("light", "dark"):
                tab.emulate_media(color_scheme=scheme)
                tab.screenshot(path=str(Path(PICTURES) / f"{name}-{width}-{scheme}.png"), full_page=True)


def test_from_the_list_to_the_certificate_without_a_mouse(chromium: Browser, poort: House) -> None:
    with Tabs(chromium) as tabs:
        tab = tabs.open(1440)
        sign_in(tab, poort, "anna@kantoor.example")
        tab.goto(f"{poort.url}/keeping")
        seen(tab, "lists")
        press(tab, tab.get_by_role("button", name="Nu een lijst opstellen"))
        waiting = tab.get_by_role("row", name="Lijst op verzoek").filter(has_text="wacht op bevestiging")
        expect(waiting).to_be_visible(timeout=30_000)
        press(tab, waiting.get_by_role("link"))
        expect(tab.get_by_role("rowheader", name="Bakkerij Jansen B.V.")).to_be_visible()
        seen(tab, "list")
        press(tab, tab.get_by_role("rowheader", name="Bakkerij Jansen B.V.").get_by_role("link"))
        to(tab, tab.get_by_role("checkbox", name="Kies").nth(1))
        tab.keyboard.press("Space")
        seen(tab, "lines")
        press(tab, tab.get_by_role("button", name="Uitzonderen"))
        expect(tab.get_by_text("uitgezonderd", exact=True)).to_be_visible()
        press(tab, tab.get_by_role("link", name="Lijst", exact=True))
        press(tab, tab.get_by_role("link", name="Vernietigen bevestigen"))
        seen(tab, "confirmation")
        to(tab, tab.get_by_label("Reden"))
        tab.keyboard.type("Jaarlijkse opschoning")
        to(tab, tab.get_by_label("Typ ter bevestiging"))
        tab.keyboard.type("4")
        press(tab, tab.get_by_role("button", name="Voorgoed vernietigen"))
        expect(tab.get_by_text("Typ het aantal precies over: 3")).to_be_visible()
        expect(tab.get_by_label("Reden")).to_have_value("Jaarlijkse opschoning")
        expect(tab.get_by_label("Typ ter bevestiging")).to_be_focused()
        tab.keyboard.press("Control+A")
        tab.keyboard.type("3")
        tab.keyboard.press("Enter")
        tab.wait_for_url("**/keeping/lists/*")
        for _ in range(60):
            if tab.get_by_role("heading", name="Verklaring van vernietiging").count():
                break
            tab.wait_for_timeout(500)
            tab.reload()
        seen(tab, "certificate")
        press(tab, tab.get_by_role("link", name="Controleren"))
        expect(tab.get_by_text("precies zoals zij werd opgemaakt")).to_be_visible()
        seen(tab, "check")
        tab.go_back()
        press(tab, tab.get_by_role("link", name="Afdrukken"))
        expect(tab.get_by_text("Jaarlijkse opschoning")).to_be_visible()
        seen(tab, "printed")
        for path, name in (
            ("/keeping/anchors", "anchors"), ("/keeping/files", "files"), ("/keeping/holds", "holds"), ("/keeping/holds/new?client=1", "hold"),
            ("/settings/retention", "settings"), ("/documents/9", "document"), (f"/dossiers/{DOSSIER[0]}/trash", "trash"), (f"/dossiers/{DOSSIER[0]}/trash/emptying", "emptying"), ("/clients/1/keeping", "client"), ("/", "overview"),
        ):  # fmt: skip
            tab.goto(poort.url + path)
            seen(tab, name)
