"""What a page of the portal weighs: every byte that comes over the wire, headers, icons, manifest and service worker included."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.looking import Tabs
from tests.browser.wire import Wire, wire_to
from tests.cast import PASSWORD
from tests.house import House

FIRST = 60_000
NEXT = 15_000


def signed_in(tab: Page, poort: House, email: str = "rik@bakkerij-jansen.example") -> None:
    """At the server itself: the session goes with the host, what the browser kept with the port."""
    tab.goto(f"{poort.url}/sign-in")
    tab.locator("[name=email]").fill(email)
    tab.locator("[name=password]").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/portal")


def weight_of(tab: Page, wire: Wire, path: str) -> int:
    before = wire.taken
    tab.goto(wire.url + path)
    tab.wait_for_load_state("load")
    quiet, seen = 0, -1
    while quiet < 5:  # a second in which nothing came
        tab.wait_for_timeout(200)
        quiet = quiet + 1 if wire.taken == seen else 0
        seen = wire.taken
    return wire.taken - before


@pytest.mark.parametrize("path", ["/portal", "/portal/dossier", "a folder to hand in"])
def test_a_first_and_a_next_visit_are_light(poort: House, chromium: Browser, path: str) -> None:
    tabs = Tabs(chromium)
    tab = tabs.open(width=390, service_workers="allow")
    signed_in(tab, poort)
    if not path.startswith("/"):  # with a drop zone, the heaviest there is
        tab.goto(f"{poort.url}/portal/dossier")
        path = str(tab.locator("a.branch", has=tab.locator(".badge.attention")).first.get_attribute("href"))

    with wire_to(int(poort.url.rsplit(":", 1)[1])) as wire:
        first = weight_of(tab, wire, path)
        again = weight_of(tab, wire, path)

    print(path, first, again)
    assert 15_000 < first <= FIRST  # below it the wire would have missed something
    assert 500 < again <= NEXT
    tabs.close()
