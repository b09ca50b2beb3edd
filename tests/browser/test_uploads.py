"""Files in a real browser: dropped by the hundred and by the folder, cut off, gone on with, paused, chosen about, on a phone."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from models.sample.papers import pdf
from tests.browser.looking import Tabs
from tests.browser.test_dossiers import folder_id, office, paper
from tests.browser.wire import wire_to
from tests.cast import PASSWORD
from tests.house import House, house

MB = 1024 * 1024
LOST = re.compile(
    "ERR_CONNECTION|ERR_FAILED|ERR_EMPTY|ERR_INCOMPLETE|ERR_INTERNET|ERR_SOCKET|Failed to fetch|status of 4"
)


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """Tens of megabytes are read, hashed and sent: that takes the browser longer than a click."""
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def poort(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house("small", tmp_path_factory.mktemp("uploads"), worker=False, clients=20) as made:
        yield made


@pytest.fixture
def tabs(chromium: Browser) -> Iterator[Tabs]:
    opened = Tabs(chromium)
    yield opened
    opened.complaints[:] = [text for text in opened.complaints if not LOST.search(text)]
    opened.close()


@pytest.fixture
def client(request: pytest.FixtureRequest) -> int:
    mine = [name for name, test in globals().items() if name.startswith("test_") and "client" in test.__annotations__]
    return 1 + mine.index(request.node.originalname)


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as people keep it: folders in folders, names of every kind, and what systems leave behind."""
    top = tmp_path_factory.mktemp("bureau") / "Bonnen 2026"
    for name in ("jan/Bon 1.pdf", "jan/Bon 2.pdf", "feb/Hotel é/Nota.pdf", "Overzicht.pdf", "feb/.DS_Store"):
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pdf(name))
    return top


def rows(poort: House, sql: str, *values: object) -> list[tuple[object, ...]]:
    with sqlite3.connect(poort.var / "poort.db") as database:
        return database.execute(sql, values).fetchall()


def in_folder(poort: House, folder: int) -> list[tuple[str, str, int]]:
    return rows(poort, "SELECT name, sha256, size FROM document WHERE folder = ? ORDER BY name", folder)  # type: ignore[return-value]


def to_salaris(tabs: Tabs, poort: House, client: int, **options: object) -> tuple[Page, int]:
    tab = office(tabs, poort, client, **options)
    tab.get_by_role("link", name="Salaris", exact=True).click()
    expect(tab.locator("drop-zone:defined")).to_be_visible()
    return tab, folder_id(poort, client, "Salaris")


def drop_on(tab: Page, selector: str, *paths: Path) -> None:
    """What the system does when things from the desktop are let go over an element."""
    box = tab.locator(selector).first.bounding_box()
    assert box
    session = tab.context.new_cdp_session(tab)
    carried = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send(
            "Input.dispatchDragEvent",
            {
                "type": kind,
                "x": box["x"] + min(40, box["width"] / 2),
                "y": box["y"] + min(12, box["height"] / 2),
                "data": carried,
            },
        )


def big(path: Path, megabytes: int) -> str:
    """A text file of which no two are alike; its SHA-256."""
    content = random.Random(str(path)).randbytes(megabytes * MB // 2).hex().encode()
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def test_fifteen_hundred_files_in_one_drop(poort: House, tabs: Tabs, client: int, tmp_path: Path) -> None:
    tab, folder = to_salaris(tabs, poort, client)
    hashes = set()
    for n in range(1500):
        content = f"bon nummer {n}\n".encode() * (1 + n % 40)
        (tmp_path / f"bon {n:04}.txt").write_bytes(content)
        hashes.add(hashlib.sha256(content).hexdigest())
    drop_on(tab, "drop-zone .drop-area", *sorted(tmp_path.glob("*.txt")))

    expect(tab.locator(".figures")).to_contain_text("van 1.500 bestanden", timeout=10_000)
    most, until = 0, time.monotonic() + 240
    while time.monotonic() < until and "Klaar" not in (tab.locator("upload-list [role=status]").text_content() or ""):
        most = max(most, tab.locator("upload-list .uploads li").count())
        tab.wait_for_timeout(300)

    expect(tab.locator("upload-list [role=status]")).to_have_text("Klaar: 1500 ontvangen, 0 niet, 0 al aanwezig.")
    assert most <= 90  # the page stays light
    kept = in_folder(poort, folder)
    assert len(kept) == 1500 and {sha256 for _, sha256, _ in kept} == hashes
    tab.locator("[data-part=receipt] a").click()
    expect(tab.get_by_text("1.500 bestanden ontvangen")).to_be_visible()
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Downloaden als CSV").click()
    told = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()[1:]
    assert {line.split(";")[3] for line in told} == hashes and len(told) == 1500


def test_a_whole_folder_from_the_desktop(poort: House, tabs: Tabs, client: int, papers: Path) -> None:
    tab, folder = to_salaris(tabs, poort, client)
    drop_on(tab, "drop-zone .drop-area", papers)

    expect(tab.locator(".figures")).to_contain_text("4 van 4 bestanden")
    expect(tab.locator("#documents")).to_contain_text("Bonnen 2026")
    made = rows(
        poort,
        "WITH RECURSIVE below(id, path) AS (SELECT id, name FROM folder WHERE parent = ? AND name LIKE 'Bonnen%' UNION ALL "
        "SELECT f.id, b.path || '/' || f.name FROM folder f JOIN below b ON f.parent = b.id) "
        "SELECT b.path || '/' || d.name FROM below b JOIN document d ON d.folder = b.id ORDER BY 1",
        folder,
    )
    assert [one[0] for one in made] == [
        "Bonnen 2026/Overzicht.pdf", "Bonnen 2026/feb/Hotel é/Nota.pdf", "Bonnen 2026/jan/Bon 1.pdf", "Bonnen 2026/jan/Bon 2.pdf",
    ]  # fmt: skip
    Tabs.look(tab)


def test_a_folder_is_chosen_without_dragging(poort: House, tabs: Tabs, client: int, papers: Path) -> None:
    tab, folder = to_salaris(tabs, poort, client)
    tab.locator("#files-folder").set_input_files(papers)

    expect(tab.locator(".figures")).to_contain_text("4 van 4 bestanden")
    assert rows(poort, "SELECT name FROM folder WHERE parent = ? AND name LIKE 'Bonnen%'", folder) == [("Bonnen 2026",)]


def test_dropped_on_a_folder_of_the_tree_and_on_its_row(poort: House, tabs: Tabs, client: int, tmp_path: Path) -> None:
    tab = office(tabs, poort, client)
    expect(tab.locator("upload-list:defined")).to_be_attached()
    place = folder_id(poort, client, "Correspondentie")
    (tmp_path / "Brief.pdf").write_bytes(pdf("Brief"))
    (tmp_path / "Aangifte.pdf").write_bytes(pdf("Aangifte"))
    drop_on(tab, f"#folder-{place} > .tree-row", tmp_path / "Brief.pdf")
    expect(tab.locator("upload-list .uploads li")).to_have_class("good")
    assert [one[0] for one in in_folder(poort, place) if one[0] == "Brief.pdf"] == ["Brief.pdf"]

    tab.get_by_role("link", name="Aangiften", exact=True).click()
    row = tab.locator("tr[data-item^=f]").first
    inner = int((row.get_attribute("data-item") or "f0")[1:])
    expect(tab.locator("drop-zone:defined")).to_be_visible()
    drop_on(tab, f"tr[data-item=f{inner}]", tmp_path / "Aangifte.pdf")
    expect(tab.locator("upload-list .uploads li")).to_have_class("good")
    assert "Aangifte.pdf" in [one[0] for one in in_folder(poort, inner)]
    drop_on(tab, "h1", tmp_path / "Brief.pdf")  # beside everything: the page is not left for it
    tab.wait_for_timeout(300)
    assert tab.url.startswith(poort.url)


def test_a_cut_connection_is_gone_on_with(poort: House, tabs: Tabs, client: int, tmp_path: Path) -> None:
    """Every connection of the browser is torn, three times over, while 40 MB go up."""
    sha256 = big(tmp_path / "groot.txt", 40)
    with wire_to(int(poort.url.rsplit(":", 1)[1])) as wire:
        tab, folder = to_salaris(tabs, poort, client)
        tab.goto(tab.url.replace(poort.url, wire.url))
        expect(tab.locator("drop-zone:defined")).to_be_visible()
        tearing = threading.Thread(target=_tear, args=(wire, 3))
        tab.locator("#files").set_input_files(tmp_path / "groot.txt")
        tearing.start()
        expect(tab.locator("upload-list .uploads li")).to_have_class("good", timeout=60_000)
        tearing.join()

    assert in_folder(poort, folder) == [("groot.txt", sha256, 40 * MB)]


def _tear(wire: object, times: int) -> None:
    for _ in range(times):
        time.sleep(0.25)
        wire.tear()  # type: ignore[attr-defined]


def test_after_a_reload_the_same_file_goes_on_where_it_was(
    poort: House, tabs: Tabs, client: int, tmp_path: Path
) -> None:
    sha256 = big(tmp_path / "groot.txt", 32)
    tab, folder = to_salaris(tabs, poort, client)
    pieces = 0

    def line(route: Route) -> None:
        nonlocal pieces
        pieces += route.request.method == "PATCH"
        if pieces <= 2:
            route.continue_()  # after two pieces nothing moves any more

    tab.route("**/uploads/*", line)
    tab.locator("#files").set_input_files(tmp_path / "groot.txt")
    expect(tab.locator(".figures")).to_contain_text(re.compile(r"1[67],\d MB van 33,6 MB"), timeout=30_000)
    tab.once("dialog", lambda dialog: dialog.accept())
    tab.reload()
    tab.unroute("**/uploads/*")
    sent: list[str] = []
    tab.on("request", lambda request: sent.append(f"{request.method} {request.headers.get('upload-offset', '')}"))
    tab.locator("#files").set_input_files(tmp_path / "groot.txt")

    expect(tab.locator("upload-list .uploads li")).to_have_class("good", timeout=30_000)
    pieces_sent = [one.split() for one in sent if one.startswith(("POST", "PATCH"))]
    assert pieces_sent and all(method == "PATCH" and int(offset) >= 16 * MB for method, offset in pieces_sent)
    assert in_folder(poort, folder) == [("groot.txt", sha256, 32 * MB)]


def test_paused_stopped_and_tried_again(poort: House, tabs: Tabs, client: int, tmp_path: Path) -> None:
    for n in range(4):
        big(tmp_path / f"deel {n}.txt", 20)
    tab, folder = to_salaris(tabs, poort, client)
    held = True
    tab.route("**/uploads/*", lambda route: None if held and route.request.method == "PATCH" else route.continue_())
    tab.locator("#files").set_input_files(sorted(tmp_path.glob("*.txt")))
    expect(tab.locator("upload-list .uploads li")).to_have_count(3)

    tab.get_by_role("button", name="Pauze", exact=True).click()
    expect(tab.locator(".figures")).to_contain_text("gepauzeerd")
    held = False
    tab.wait_for_timeout(500)
    assert in_folder(poort, folder) == []
    tab.get_by_role("button", name="Verder", exact=True).click()
    expect(tab.locator(".figures")).to_contain_text("4 van 4", timeout=30_000)
    assert len(in_folder(poort, folder)) == 4

    held = True
    big(tmp_path / "nooit.txt", 20)
    tab.locator("#files").set_input_files(tmp_path / "nooit.txt")
    tab.get_by_role("button", name="Stoppen: nooit.txt").click()
    expect(tab.locator("upload-list .uploads li", has_text="nooit.txt")).to_contain_text("gestopt")
    partial = poort.var / "files" / "partial"
    for _ in range(40):
        if rows(poort, "SELECT state FROM upload WHERE name = 'nooit.txt'") == [("stopped",)] and not list(
            partial.glob("*")
        ):
            break
        tab.wait_for_timeout(100)
    assert rows(poort, "SELECT state FROM upload WHERE name = 'nooit.txt'") == [("stopped",)]
    assert list(partial.glob("*")) == []


def test_what_failed_is_sent_again_all_at_once(poort: House, tabs: Tabs, client: int) -> None:
    tab, folder = to_salaris(tabs, poort, client)
    full = True

    def line(route: Route) -> None:
        if full:
            route.fulfill(status=507, body="De opslag is vol.", headers={"Tus-Resumable": "1.0.0"})
        else:
            route.continue_()

    tab.route("**/uploads", line)
    tab.locator("#files").set_input_files([paper(f"{n}.pdf") for n in range(5)])
    failed = tab.locator("upload-list .uploads li.danger")
    expect(failed).to_have_count(5)
    expect(failed.first).to_contain_text("De opslag is vol.")
    Tabs.look(tab)
    full = False
    tab.get_by_role("button", name="Opnieuw wat mislukte").click()

    expect(tab.locator("upload-list .uploads li.good")).to_have_count(5)
    assert len(in_folder(poort, folder)) == 5
    tabs.complaints[:] = [text for text in tabs.complaints if "507" not in text]


def test_what_is_there_already_is_asked_about(poort: House, tabs: Tabs, client: int) -> None:
    tab, folder = to_salaris(tabs, poort, client)
    tab.locator("#files").set_input_files([paper("Akte.pdf"), paper("Brief.pdf")])
    expect(tab.locator("upload-list .uploads li.good")).to_have_count(2)
    same = [{**paper(name), "name": f"Kopie van {name}"} for name in ("Akte.pdf", "Brief.pdf")]
    tab.locator("#files").set_input_files(same)  # type: ignore[arg-type]
    asked = tab.locator("upload-list .uploads li.attention")
    expect(asked).to_have_count(2)
    expect(asked.first).to_contain_text("Precies dit bestand staat al in dit dossier:")
    expect(asked.get_by_role("link", name="Akte.pdf", exact=True)).to_be_visible()
    Tabs.look(tab)

    tab.get_by_role("button", name="Toch opnemen: Kopie van Akte.pdf").focus()
    tab.keyboard.press("Enter")
    expect(tab.locator("#documents").get_by_role("link", name="Kopie van Akte.pdf", exact=True)).to_be_visible()
    tab.get_by_role("button", name="Overslaan: Kopie van Brief.pdf").click()
    expect(asked).to_have_count(0)
    assert [one[0] for one in in_folder(poort, folder)] == ["Akte.pdf", "Brief.pdf", "Kopie van Akte.pdf"]

    tab.locator("#files").set_input_files({**paper("anders"), "name": "Akte.pdf"})  # type: ignore[arg-type]
    tab.get_by_role("button", name="Als nieuwe versie van “Akte.pdf”: Akte.pdf").click()
    expect(tab.locator("#documents")).to_contain_text("v2")
    assert rows(poort, "SELECT version FROM document WHERE folder = ? AND name = 'Akte.pdf'", folder) == [(2,)]


def test_two_tabs_send_the_same_file(poort: House, tabs: Tabs, client: int, tmp_path: Path) -> None:
    sha256 = big(tmp_path / "samen.txt", 24)
    one, folder = to_salaris(tabs, poort, client)
    two = one.context.new_page()
    two.goto(one.url)
    for tab in (one, two):
        expect(tab.locator("drop-zone:defined")).to_be_visible()
        tab.locator("#files").set_input_files(tmp_path / "samen.txt")

    for tab in (one, two):
        expect(tab.locator("upload-list .uploads li")).to_have_class(re.compile("good|attention"), timeout=30_000)
    assert in_folder(poort, folder) == [("samen.txt", sha256, 24 * MB)]


def test_a_client_on_a_phone(poort: House, tabs: Tabs, papers: Path) -> None:
    phone = tabs.open(width=390, has_touch=True)
    _as(phone, poort, "rik@bakkerij-jansen.example")
    phone.goto(f"{poort.url}/portal/dossier")
    phone.locator("a.branch", has=phone.locator(".badge.attention")).first.click()
    expect(phone.locator("drop-zone")).to_be_visible()
    phone.locator("#files").set_input_files([paper("Foto 1.pdf"), paper("Foto 2.pdf")])
    expect(phone.locator("upload-list .uploads li.good")).to_have_count(2)
    expect(phone.locator("#contents")).to_contain_text("Foto 1.pdf")
    phone.locator("#files-folder").set_input_files(papers)
    expect(phone.locator(".figures")).to_contain_text("4 van 4 bestanden")
    expect(phone.locator("#contents")).to_contain_text("Bonnen 2026")
    Tabs.look(phone)
    phone.locator("[data-part=receipt] a").click()
    expect(phone.get_by_text("6 bestanden ontvangen")).to_be_visible()
    for name, sha256, _ in in_folder(
        poort, int(rows(poort, "SELECT max(folder) FROM document WHERE source = 'client'")[0][0])
    ):  # type: ignore[call-overload]
        expect(phone.locator("tr", has_text=name)).to_contain_text(sha256)
    Tabs.look(phone)


def _as(tab: Page, poort: House, email: str) -> None:
    tab.goto(f"{poort.url}/sign-in")
    tab.locator("[name=email]").fill(email)
    tab.locator("[name=password]").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/portal")


def asked_for(poort: House, *titles: str) -> int:
    """A request to the bakery; its id."""
    with sqlite3.connect(poort.var / "poort.db") as database:
        asked = database.execute(
            "INSERT INTO document_request (client, folder, title, batch, made_at) SELECT f.client, f.id, 'Jaarstukken', ?, f.created_at "
            "FROM folder f JOIN client c ON c.id = f.client WHERE c.name = 'Bakkerij Jansen B.V.' AND f.kind = 'upload' "
            "ORDER BY f.id LIMIT 1 RETURNING id",
            (" ".join(titles),),
        ).fetchone()[0]
        for title in titles:
            database.execute(
                "INSERT INTO request_item (request, client, title) SELECT id, client, ? FROM document_request WHERE id = ?",
                (title, asked),
            )
    return int(asked)


def test_what_is_typed_stays_while_files_come_in(poort: House, tabs: Tabs) -> None:
    """An answer to the one arrives while the other is being answered in words."""
    asked = asked_for(poort, "Loonstaten", "Kasboek")
    tab = tabs.open(width=390)
    _as(tab, poort, "rik@bakkerij-jansen.example")
    tab.goto(f"{poort.url}/portal/requests/{asked}")
    wages, cash = (tab.locator("section.card", has_text=title) for title in ("Loonstaten", "Kasboek"))
    cash.locator("summary", has_text="Niet van toepassing").click()
    reason = cash.get_by_label("Waarom niet?")
    reason.fill("Wij hebben geen kas.")
    wages.locator("input[name=files]:not([accept])").set_input_files(paper("Loonstaten.pdf"))
    expect(tab.locator("upload-list .uploads li.good", has_text="Loonstaten")).to_have_count(1)
    tab.evaluate("document.activeElement.blur()")
    tab.wait_for_timeout(1_500)  # in which the page would ask for itself again

    expect(reason).to_be_visible()
    expect(reason).to_have_value("Wij hebben geen kas.")
    expect(wages).not_to_contain_text("aangeleverd")

    cash.get_by_role("button", name="Doorgeven").click()
    expect(cash).to_contain_text("niet van toepassing")
    expect(wages).to_contain_text("aangeleverd")


def test_an_answer_to_a_request_and_a_new_version(poort: House, tabs: Tabs) -> None:
    asked = asked_for(poort, "Kasboek", "Bankafschriften")
    tab = tabs.open(width=390)
    _as(tab, poort, "rik@bakkerij-jansen.example")
    tab.goto(f"{poort.url}/portal/requests/{asked}")
    expect(tab.locator("drop-zone")).to_have_count(2)
    Tabs.look(tab)
    for n, zone in enumerate(("Kasboek", "Bankafschriften")):
        tab.locator("section.card", has_text=zone).locator("input[name=files]:not([accept])").set_input_files(
            paper(f"{zone}.pdf")
        )
        expect(tab.locator("upload-list .uploads li.good", has_text=zone)).to_have_count(1)
        expect(tab.locator("section.card", has_text=zone)).to_contain_text(f"{zone}.pdf")
        expect(tab.locator("upload-list")).to_have_count(1)
        assert n < 2
    tab.get_by_role("link", name="Kasboek.pdf").first.click()
    tab.locator("#version-file").set_input_files({**paper("nieuw"), "name": "nieuw.pdf"})  # type: ignore[arg-type]
    expect(tab.get_by_role("heading", name="Eerdere versies")).to_be_visible()
    Tabs.look(tab)


def test_the_process_is_killed_while_it_takes_files_in(
    tmp_path: Path, tabs: Tabs, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """kill -9, three times: the browser goes on at another process, and the file is the file."""
    with house("small", tmp_path_factory.mktemp("killed"), worker=False, clients=12) as own:
        sha256 = big(tmp_path / "groot.txt", 120)
        tab, folder = to_salaris(tabs, own, 1)
        tab.locator("#files").set_input_files(tmp_path / "groot.txt")
        for _ in range(3):
            time.sleep(0.4)
            own.processes["web"].kill()
            own.processes["web"].wait()
            own.start_web()
        expect(tab.locator("upload-list .uploads li")).to_have_class("good", timeout=90_000)

        assert in_folder(own, folder) == [("groot.txt", sha256, 120 * MB)]
        with contextlib.suppress(FileNotFoundError):
            assert os.listdir(own.var / "files" / "partial") == []
