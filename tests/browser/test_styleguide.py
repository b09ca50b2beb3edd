"""Every part of the design in a real browser: to be reached, to be read, and to do what it says."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

import partials
from tests.browser.looking import hold, until
from tests.browser.styleguide_server import STATIC, Server, bundle, page, weight


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def open_page(chromium: Browser, server: Server, complaints: list[str]) -> Iterator[Any]:
    """Opens a path of the server in a fresh context; at the end no page may have complained."""
    contexts: list[BrowserContext] = []

    def open_(path: str, **options: Any) -> Page:
        context = options.pop("context", None)
        if context is None:
            usual = {"viewport": {"width": 1280, "height": 900}, "service_workers": "block"}
            context = chromium.new_context(**{**usual, **options})
            contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.goto(server.url + path)
        return tab

    yield open_
    for context in contexts:
        context.close()
    assert [text for text in complaints if "status of 4" not in text] == []


@pytest.mark.parametrize("path", ["/office", "/portal", "/public"])
@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_part_is_accessible_and_fits(open_page: Any, path: str, width: int, scheme: str) -> None:
    tab = open_page(path, viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce")

    found = Axe().run(tab).response["violations"]

    assert [(rule["id"], [node["html"][:120] for node in rule["nodes"]]) for rule in found] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_nothing_is_lost_at_four_times_the_size(open_page: Any) -> None:
    tab = open_page("/portal", viewport={"width": 320, "height": 256})

    assert tab.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_skip_link_comes_first_and_leads_to_the_content(open_page: Any) -> None:
    tab = open_page("/office")

    tab.keyboard.press("Tab")
    expect(tab.locator(".skip")).to_be_focused()
    tab.keyboard.press("Enter")

    expect(tab.locator("main")).to_be_focused()


def test_the_tree_obeys_its_keys(open_page: Any) -> None:
    tab = open_page("/office")
    tab.locator("#folder-2").focus()

    tab.keyboard.press("ArrowLeft")
    expect(tab.locator("#folder-1")).to_be_focused()
    tab.keyboard.press("ArrowLeft")
    expect(tab.locator("#folder-1")).to_have_attribute("aria-expanded", "false")
    tab.keyboard.press("End")
    expect(tab.locator("#folder-6")).to_be_focused()
    tab.keyboard.press("Home")
    expect(tab.locator("#folder-1")).to_be_focused()
    tab.keyboard.type("ja")
    expect(tab.locator("#folder-4")).to_be_focused()
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    expect(tab.locator("#folder-5")).to_be_focused()


def test_the_tree_remembers_what_was_open_over_a_reload(open_page: Any) -> None:
    tab = open_page("/office")
    tab.locator("#folder-1").focus()
    tab.keyboard.press("ArrowLeft")
    tab.locator("#folder-4").focus()
    tab.keyboard.press("ArrowRight")
    expect(tab.locator("#folder-5")).to_be_visible()

    tab.reload()

    expect(tab.locator("#folder-2")).to_be_hidden()
    expect(tab.locator("#folder-5")).to_be_visible()
    expect(tab.locator("#folder-4")).to_have_attribute("tabindex", "0")


@pytest.mark.parametrize("key, attribute", [("F2", "data-rename"), ("Delete", "data-delete")])
def test_a_key_in_the_tree_presses_the_action_of_its_row(open_page: Any, key: str, attribute: str) -> None:
    tab = open_page("/office")
    tab.evaluate(
        f"document.querySelector('[{attribute}]').addEventListener('click', () => {{ window.pressed = true }})"
    )
    tab.locator("#folder-1").focus()

    tab.keyboard.press(key)

    assert tab.evaluate("window.pressed") is True


def test_a_folder_dropped_on_another_is_moved_there(open_page: Any) -> None:
    tab = open_page("/office")
    tab.evaluate("document.querySelector('folder-tree').dataset.items = '/moved'")
    tab.evaluate("document.querySelector('folder-tree').dataset.swap = 'none'")

    with tab.expect_request("**/moved") as request:
        tab.locator("#folder-6 > .tree-row").drag_to(tab.locator("#folder-4 > .tree-row"))

    assert request.value.post_data == "do=move&into=4&ids=f6"


def test_ticks_bring_the_bulk_bar_and_shift_ticks_a_stretch(open_page: Any) -> None:
    tab = open_page("/office")
    boxes = tab.locator("input[name=ids]")
    expect(tab.locator("bulk-bar")).to_be_hidden()

    boxes.nth(0).click()
    expect(tab.locator("bulk-bar output")).to_have_text("1")
    expect(tab.locator("[name=all_matching]")).to_be_hidden()
    boxes.nth(2).click(modifiers=["Shift"])

    expect(tab.locator("bulk-bar output")).to_have_text("3")
    expect(tab.locator("[name=all_matching]")).to_be_visible()
    expect(tab.locator("[data-select-all]")).to_be_checked()


def test_each_file_goes_by_itself_and_a_refused_one_says_why(open_page: Any, server: Server) -> None:
    server.refused = {"virus.exe"}
    tab = open_page("/portal", viewport={"width": 390, "height": 844})
    names = ("a.pdf", "b.pdf", "c.pdf", "virus.exe")

    tab.locator("#styleguide-files").set_input_files(
        [{"name": name, "mimeType": "application/pdf", "buffer": b"x" * 50_000} for name in names]
    )

    rows = tab.locator("upload-list .uploads li")
    expect(rows.filter(has_text="ontvangen")).to_have_count(3)
    expect(rows.filter(has_text="virus.exe")).to_contain_text("Dit soort bestand wordt niet aangenomen.")
    assert sorted(server.uploads) == ["a.pdf", "b.pdf", "c.pdf", "virus.exe"]

    expect(rows.filter(has_text="virus.exe").get_by_role("button")).to_have_count(
        0
    )  # sent again it would be refused again


def test_a_file_sent_after_signing_out_is_not_called_received(open_page: Any, server: Server) -> None:
    server.signed_out = True
    tab = open_page("/portal")

    tab.locator("#styleguide-files").set_input_files({"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"x"})

    expect(tab.locator("upload-list .uploads li")).to_contain_text("U bent afgemeld.")


def test_the_dialog_takes_and_gives_back_the_focus(open_page: Any) -> None:
    tab = open_page("/office")
    opener = tab.get_by_role("button", name="Venster openen")

    opener.click()
    expect(tab.get_by_role("dialog", name="Map verwijderen?")).to_be_visible()
    tab.keyboard.press("Escape")

    expect(tab.locator("#styleguide-dialog")).to_be_hidden()
    expect(opener).to_be_focused()


def test_a_fragment_opens_in_the_dialog_and_leaves_it_with_a_toast(open_page: Any) -> None:
    tab = open_page("/office")
    link = '<a id="move" href="/moving" hx-get="/moving" hx-target="#dialog-body">Verplaatsen</a>'
    tab.evaluate(
        "link => { const box = document.querySelector('.page'); box.innerHTML = link; htmx.process(box) }", link
    )

    tab.locator("#move").click()
    expect(tab.get_by_role("dialog", name="Map verplaatsen")).to_be_visible()
    expect(tab.get_by_label("Naar")).to_be_focused()
    tab.keyboard.press("Enter")

    expect(tab.locator("#toasts")).to_contain_text("De map is verplaatst.")
    expect(tab.locator("#dialog")).to_be_hidden()
    expect(tab.locator("#move")).to_be_focused()


def test_a_click_that_nothing_answers_says_so_in_the_dialog_and_on_the_page(
    open_page: Any, complaints: list[str]
) -> None:
    tab = open_page("/office")
    tab.evaluate(
        """() => { const box = document.querySelector(".page"); box.innerHTML = `<a id="move" href="/moving" hx-get="/moving" hx-target="#dialog-body">Verplaatsen</a>
        <button hx-post="/moved" hx-swap="none">Nu</button>`; htmx.process(box) }"""
    )
    tab.route("**/moved", lambda route: route.abort())

    tab.get_by_role("button", name="Nu", exact=True).click()
    expect(tab.locator("#toasts")).to_contain_text("Er kwam geen antwoord")
    tab.locator("#move").click()
    tab.get_by_label("Naar").press("Enter")
    expect(tab.locator("#dialog").get_by_role("alert")).to_contain_text("Er kwam geen antwoord")
    tab.get_by_label("Naar").press("Enter")
    expect(tab.locator("#dialog").get_by_role("alert")).to_have_count(1)
    assert not Axe().run(tab).response["violations"]
    tab.unroute("**/moved")
    tab.get_by_label("Naar").press("Enter")

    expect(tab.locator("#dialog")).to_be_hidden()
    expect(tab.locator("#toasts")).to_contain_text("De map is verplaatst.")
    complaints.clear()  # the browser and htmx told of it too


def test_the_filter_asks_again_while_one_types_and_the_address_follows(open_page: Any) -> None:
    bar = partials.env.from_string(
        """{% import "shared/parts.html" as ui %}{% call ui.filter_bar("/rows", target="#rows") %}
        {{ ui.search_input("q", "", "Zoek") }}{% endcall %}<div id="rows"></div>"""
    ).render()
    tab = open_page("/office")
    tab.evaluate("bar => { const box = document.querySelector('.page'); box.innerHTML = bar; htmx.process(box) }", bar)

    tab.get_by_label("Zoek", exact=True).press_sequentially("jan")

    expect(tab.locator("#rows")).to_have_text("/rows?q=jan")
    assert tab.url.endswith("/rows?q=jan")
    expect(tab.get_by_label("Zoek", exact=True)).to_be_focused()


def test_search_is_a_key_away_and_arrows_choose(open_page: Any) -> None:
    tab = open_page("/office")

    tab.keyboard.press("/")
    expect(tab.locator("#search")).to_be_focused()
    found = "<a role=option href=#one>Een</a><a role=option href=#two>Twee</a>"
    tab.evaluate("found => { document.getElementById('found').innerHTML = found }", found)
    expect(tab.locator("#search")).to_have_attribute("aria-expanded", "true")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowDown")
    expect(tab.locator("#search")).to_have_attribute("aria-activedescendant", "found-1")
    tab.keyboard.press("Enter")

    assert tab.url.endswith("#two")


def test_the_chosen_theme_stays(open_page: Any) -> None:
    tab = open_page("/office")

    tab.get_by_label("Donker").check()
    tab.reload()

    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")
    expect(tab.get_by_label("Donker")).to_be_checked()


def test_without_javascript_the_parts_do_their_job(open_page: Any) -> None:
    tab = open_page("/office", java_script_enabled=False)

    expect(tab.locator("bulk-bar")).to_be_visible()
    expect(tab.get_by_role("button", name="Uploaden")).to_be_visible()
    tab.locator("#folder-4 summary").click()
    expect(tab.locator("#folder-5")).to_be_visible()
    tab.get_by_role("button", name="Uw menu").click()
    expect(tab.get_by_role("button", name="Afmelden")).to_be_visible()


def test_one_stream_serves_all_tabs_and_only_what_changed_is_fetched(open_page: Any, server: Server) -> None:
    first = open_page("/listening")
    second = open_page("/listening", context=first.context)
    first.wait_for_function("document.querySelector('#clients')")
    until(first, lambda: len(server.listeners) == 1)

    server.changed("clients")

    for tab in (first, second):
        tab.bring_to_front()
        expect(tab.locator("#clients")).to_contain_text("fresh")
        expect(tab.locator("#users")).to_have_text("old")
    assert server.stream_requests == 1

    first.close()
    until(second, lambda: server.stream_requests == 2)


def test_what_is_being_typed_in_is_left_alone_until_one_leaves_it(open_page: Any, server: Server) -> None:
    tab = open_page("/listening")
    until(tab, lambda: len(server.listeners) == 1)
    tab.locator("#typing").fill("Bakker")

    server.changed("clients")
    expect(tab.locator("#clients")).to_contain_text("fresh")
    expect(tab.locator("#typing")).to_have_value("Bakker")

    tab.get_by_role("button", name="elders").focus()
    expect(tab.locator("#edited")).to_contain_text("fresh")


def test_a_click_is_not_lost_where_what_is_live_follows_meanwhile(open_page: Any, server: Server) -> None:
    """The answer to a change by somebody else and the answer to the click are under way together."""
    tab = open_page("/listening")
    until(tab, lambda: len(server.listeners) == 1)
    follows, clicked = hold(tab, "**/region"), hold(tab, "**/kept")
    server.changed("region")
    until(tab, lambda: follows)
    tab.get_by_role("button", name="Bewaren").click()
    until(tab, lambda: clicked)

    with tab.expect_response("**/region"):
        follows[0].continue_()
    tab.wait_for_timeout(300)
    clicked[0].continue_()

    expect(tab.locator("#toasts")).to_contain_text("De map is verplaatst.")
    expect(tab.locator("#region")).to_contain_text("fresh 2")


def test_an_answer_lands_in_what_took_the_place_it_was_asked_for(open_page: Any) -> None:
    tab = open_page("/office")
    tab.evaluate(
        """() => { const box = document.querySelector(".page"); htmx.process(Object.assign(box, { innerHTML: `<div id="place">leeg</div>
        <button hx-post="/kept" hx-target="#place" hx-swap="outerHTML">Bewaren</button><button hx-get="/other" hx-target="#place" hx-swap="outerHTML">Anders</button>` })) }"""
    )
    clicked = hold(tab, "**/kept")
    tab.route("**/other", lambda route: route.fulfill(content_type="text/html", body='<p id="place">anders</p>'))
    tab.get_by_role("button", name="Bewaren").click()
    until(tab, lambda: clicked)
    tab.get_by_role("button", name="Anders").click()
    expect(tab.locator("#place")).to_have_text("anders")

    clicked[0].continue_()

    expect(tab.locator("#place")).to_have_text("bewaard")
    expect(tab.locator("#toasts")).to_contain_text("De map is verplaatst.")


def test_what_is_live_stays_under_the_finger_that_presses_it(open_page: Any, server: Server) -> None:
    tab = open_page("/listening")
    until(tab, lambda: len(server.listeners) == 1)
    follows = hold(tab, "**/region")
    server.changed("region")
    until(tab, lambda: follows)
    tab.get_by_role("button", name="Bewaren").hover()
    tab.mouse.down()

    with tab.expect_response("**/region"):
        follows[0].continue_()
    server.changed("region")
    tab.wait_for_timeout(600)
    expect(tab.locator("#region")).to_contain_text("old")
    tab.mouse.up()

    expect(tab.locator("#toasts")).to_contain_text("De map is verplaatst.")
    expect(tab.locator("#region")).to_contain_text("fresh")


def test_what_one_begins_to_type_while_an_answer_is_under_way_is_kept(open_page: Any, server: Server) -> None:
    tab = open_page("/listening")
    until(tab, lambda: len(server.listeners) == 1)
    follows = hold(tab, "**/region")
    server.changed("region")
    until(tab, lambda: follows)
    tab.get_by_label("Reden").fill("Bakker")

    with tab.expect_response("**/region"):
        follows[0].continue_()
    tab.wait_for_timeout(300)

    expect(tab.get_by_label("Reden")).to_have_value("Bakker")
    tab.get_by_role("button", name="elders").focus()
    expect(tab.locator("#region")).to_contain_text("fresh")


def test_where_changes_stream_in_what_is_live_is_fetched_now_and_then_and_once_after_the_last(
    open_page: Any, server: Server
) -> None:
    """As when 150 drafts are offered in the background: a board does not ask again for each of them, nor twice at once."""
    tab = open_page("/listening")
    until(tab, lambda: len(server.listeners) == 1)
    server.takes = 0.3

    began = time.monotonic()
    server.changed("region")
    until(tab, lambda: server.asked)
    assert server.asked[0] - began < 1  # a single one at once
    for _ in range(25):
        server.changed("region")
        tab.wait_for_timeout(100)
    last = time.monotonic()
    until(tab, lambda: server.asked[-1] > last)
    tab.wait_for_timeout(1000)

    assert len(server.asked) <= 3
    assert all(then - before > 2 for before, then in itertools.pairwise(server.asked))
    expect(tab.locator("#region")).to_contain_text(f"fresh {len(server.asked)}")


def test_a_stream_that_is_refused_is_not_asked_for_again_at_once(open_page: Any, server: Server) -> None:
    server.signed_out = True
    tab = open_page("/listening")

    tab.wait_for_timeout(4000)

    assert server.stream_requests == 1


def test_offline_shows_what_was_last_seen(chromium: Browser) -> None:
    server = Server()
    context = chromium.new_context()
    tab = context.new_page()
    tab.goto(server.url + "/office")
    tab.evaluate("navigator.serviceWorker.ready.then(() => true)")
    tab.wait_for_function(
        "caches.match('/offline-version').then(kept => kept?.text()).then(text => /app.js/.test(text))"
    )

    server.close()
    tab.goto(server.url + "/rollout")

    expect(tab.get_by_role("heading", name="U bent offline")).to_be_visible()
    expect(tab.get_by_text("Mappenstructuur: 58 van 60")).to_be_visible()
    kept = tab.evaluate(
        "caches.open('poort-offline').then(cache => cache.keys()).then(keys => keys.map(key => key.url))"
    )
    assert kept
    assert all(url.removeprefix(server.url).startswith(("/static/", "/offline")) for url in kept)
    context.close()


def test_a_portal_page_stays_under_its_weight() -> None:
    icons = [(STATIC / "icons" / name).read_bytes() for name in ("icons.svg", "poort.svg")]
    assets = weight(bundle("portal.css"), bundle("portal.js"), *icons)
    html = weight(page("layout_portal.html", "styleguide/page.html").encode())

    assert assets <= 42_000
    assert assets + html <= 60_000


def test_every_icon_that_is_asked_for_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons" / "icons.svg").read_text()))
    shown = page("layout.html", "styleguide/page.html") + page("layout_portal.html", "shared/offline.html")

    assert set(re.findall(r"icons\.svg#([\w-]+)", shown)) <= sprite
