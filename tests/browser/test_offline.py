"""Without connection: what was last seen of the real checklist, and nothing else that stands behind the sign-in."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.test_every_page import sign_in
from tests.house import house


def test_the_checklist_that_was_last_seen_stands_on_the_offline_page_until_signing_out(
    tmp_path: Path, chromium: Browser
) -> None:
    with house("small", tmp_path, worker=False, clients=60) as poort:
        context = chromium.new_context(locale="nl-NL")
        tab = context.new_page()
        sign_in(tab, poort, "anna@kantoor.example")
        tab.goto(f"{poort.url}/rollout")
        seen = tab.locator("#checklist-title").inner_text()
        tab.evaluate("navigator.serviceWorker.ready.then(() => true)")
        tab.wait_for_function(
            "caches.match('/offline-version').then(kept => kept?.text()).then(text => /app.js/.test(text))"
        )

        context.set_offline(True)
        tab.goto(f"{poort.url}/clients")

        expect(tab.get_by_role("heading", name="U bent offline")).to_be_visible()
        expect(tab.get_by_text(seen)).to_be_visible()
        expect(tab.get_by_text("Mappenstructuur bij elke cliënt: 58 / 60")).to_be_visible()

        context.set_offline(False)
        tab.goto(f"{poort.url}/rollout")
        tab.locator(".user-menu-button, [popovertarget=user-menu]").first.click()
        tab.get_by_role("button", name="Afmelden").click()
        expect(tab).to_have_url(f"{poort.url}/sign-in")
        assert tab.evaluate("localStorage.getItem('poort-last-seen')") is None
        context.close()
