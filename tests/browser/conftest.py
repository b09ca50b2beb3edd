"""What the browser tests share: one Chromium for as long as a process is busy with them, an office per file, tabs per test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.looking import Tabs
from tests.house import House, house


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Of this folder and not of the session: Playwright keeps an event loop running, under which no other test can have its own."""
    with sync_playwright() as playwright:
        yield from Tabs.browser(playwright)


@pytest.fixture(scope="module")
def poort(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An office of twelve clients for the tests of one file, without a worker. A file that needs another makes its own."""
    with house("small", tmp_path_factory.mktemp("house"), clients=12, worker=False) as made:
        yield made


@pytest.fixture
def tabs(chromium: Browser) -> Iterator[Tabs]:
    """Closed after the test; no page in them may have complained."""
    with Tabs(chromium) as opened:
        yield opened
