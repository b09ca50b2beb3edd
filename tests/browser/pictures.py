"""The pictures of the README, taken from a seeded office: python -m tests.browser.pictures"""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.looking import Tabs
from tests.house import ROOT, house

PASSWORD = "geheim-wachtwoord"
PICTURES = ROOT / "tests" / "pictures"


def sign_in(tab: Page, url: str, email: str) -> None:
    tab.goto(f"{url}/sign-in")
    tab.locator("[name=email]").fill(email)
    tab.locator("[name=password]").fill(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(lambda address: "sign-in" not in address)


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    # An address of a mail server to which nothing is sent: without one, a banner about it would stand on every picture.
    with (
        tempfile.TemporaryDirectory() as var,
        sync_playwright() as playwright,
        house("small", Path(var), smtp_url="smtp://127.0.0.1:9", worker=False) as poort,
    ):
        poort.run("models", "seed", "--password", PASSWORD)
        for chromium in Tabs.browser(playwright):
            with Tabs(chromium) as tabs:
                office = tabs.open(width=1280)
                sign_in(office, poort.url, "anna@kantoor.example")
                office.goto(f"{poort.url}/rollout")
                office.set_viewport_size({"width": 1280, "height": 1050})
                office.screenshot(path=PICTURES / "checklist.png")
                phone = tabs.open(width=390, device_scale_factor=2)
                sign_in(phone, poort.url, "rik@bakkerij-jansen.example")
                phone.goto(f"{poort.url}/portal")
                phone.set_viewport_size({"width": 390, "height": 780})
                phone.screenshot(path=PICTURES / "portal-phone.png")
                poort.run("tests.giving_pins", "pin", "rik@bakkerij-jansen.example")
                phone.get_by_role("link", name="Aangifte omzetbelasting 3e kwartaal 2026").click()
                phone.locator("page-viewer img").first.wait_for()
                phone.wait_for_load_state("networkidle")
                phone.screenshot(path=PICTURES / "approving-phone.png")


if __name__ == "__main__":
    main()
