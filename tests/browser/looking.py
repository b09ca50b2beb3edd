"""Tabs of a real browser in which no page may complain, and a look that misses nothing axe can see."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Self

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Route

ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]

# What the browser itself says when a page answers 4xx: a test that wants one sees to it.
EXPECTED = ("status of 4",)


class Tabs:
    """Each `open` is a browser of somebody else: its own cookies, its own width."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @staticmethod
    def browser(playwright: Playwright) -> Iterator[Browser]:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser
        browser.close()

    def open(self, width: int = 1440, **options: Any) -> Page:
        usual = {
            "viewport": {"width": width, "height": 900},
            "service_workers": "block",
            "reduced_motion": "reduce",
            "locale": "nl-NL",
        }
        context = self._browser.new_context(**{**usual, **options})
        context.set_default_timeout(10_000)
        self._contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: self._hear(message.text) if message.type == "error" else None)
        tab.on("pageerror", lambda error: self._hear(str(error)))
        return tab

    def _hear(self, text: str) -> None:
        if not any(words in text for words in EXPECTED):
            self.complaints.append(text)

    @staticmethod
    def look(tab: Page) -> None:
        """Nothing for axe to say and nothing beside the screen, in light and in dark."""
        for scheme in ("dark", "light"):
            tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found = _axe(tab)
            wrong = [(rule["id"], [node["html"][:160] for node in rule["nodes"]]) for rule in found]
            assert not wrong, f"{tab.url} {scheme}: {wrong}"
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth"), tab.url

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        assert not self.complaints, "\n".join(self.complaints)


def _axe(tab: Page) -> list[dict[str, Any]]:
    """What axe has to say of the page as it is now; half a megabyte of script is brought along once for each page."""
    axe = Axe()
    if not tab.evaluate("!!window.axe"):
        tab.evaluate(axe.axe_script)
    return list(tab.evaluate("axe.run({ resultTypes: ['violations'] }).then(found => found.violations)"))


def hold(tab: Page, address: str | re.Pattern[str]) -> list[Route]:
    """The first request there from now on; it waits in the list until the test lets it go on."""
    held: list[Route] = []
    tab.route(address, lambda route: route.continue_() if held else held.append(route))
    return held


def until(tab: Page, true: Callable[[], object], seconds: float = 5) -> None:
    for _ in range(int(seconds / 0.05)):
        if true():
            return
        tab.wait_for_timeout(50)
    raise AssertionError("it did not happen in time")
