"""What makes it one application on a device, in the office's colours."""

from __future__ import annotations

import re
from typing import Any

import pytest

from models import config
from models.settings import Firm
from tests.cast import Cast
from web.devices import device_of, is_phone


async def test_office_and_portal_are_two_applications(cast: Cast, browser: Any) -> None:
    async with browser(cast.vic) as vic:
        office, portal = await vic.get("/manifest.webmanifest"), await vic.get("/manifest.webmanifest?app=portal")
        icons = [(await vic.get(icon["src"])).status_code for icon in office.json()["icons"]]
    firm = await Firm.load()

    assert office.headers["content-type"] == "application/manifest+json"
    assert (office.json()["start_url"], portal.json()["start_url"]) == ("/", "/portal")
    assert office.json()["id"] != portal.json()["id"]
    assert portal.json()["name"] == firm.name
    assert icons == [200, 200, 200]
    assert any(icon.get("purpose") == "maskable" for icon in office.json()["icons"])


async def test_the_worker_of_the_browser_is_asked_for_anew_and_serves_all(cast: Cast, browser: Any) -> None:
    async with browser(cast.vic) as vic:
        reply = await vic.get("/sw.js")

    assert reply.headers["content-type"].startswith("text/javascript")
    assert reply.headers["cache-control"] == "no-cache"
    assert "addEventListener" in reply.text


async def test_the_page_for_without_a_connection_knows_nobody(cast: Cast, browser: Any) -> None:
    async with browser(cast.anna) as anna:
        page = await anna.get("/offline")

    assert page.status_code == 200
    assert "U bent offline" in page.text
    assert "anna@" not in page.text


async def test_the_colour_of_the_office_has_an_address_of_its_own(cast: Cast, browser: Any) -> None:
    async with browser(cast.vic) as vic:
        before = (await vic.get("/sign-in")).text
        await Firm.update({Firm.brand: "#ffd400"}, force=True)
        after = (await vic.get("/sign-in")).text
        address = re.search(r'href="(/brand\.css[^"]*)"', after)
        assert address
        sheet = await vic.get(address[1])

    assert "/brand.css" not in before, "Poort's own colour needs no second stylesheet"
    assert sheet.headers["content-type"].startswith("text/css")
    assert "immutable" in sheet.headers["cache-control"]
    assert "--brand: #ffd400; --on-brand: #14171d;" in sheet.text


@pytest.mark.parametrize("colour", ["", "zzz", "1f5c4d;}body{display:none", "../../etc"])
async def test_the_stylesheet_takes_no_words_of_others(cast: Cast, browser: Any, colour: str) -> None:
    async with browser(cast.vic) as vic:
        sheet = await vic.get("/brand.css", params={"v": colour})

    assert "--brand: #1f5c4d;" in sheet.text
    assert "display" not in sheet.text


@pytest.mark.parametrize(
    ("environment", "shown"),
    [
        ({}, True),
        ({"BASE_URL": "https://portaal.example"}, False),
        ({"POORT_ENV": "production"}, False),
        ({"BASE_URL": "https://portaal.example", "POORT_ENV": "development"}, True),
    ],
)
async def test_the_styleguide_is_for_developing(
    cast: Cast, browser: Any, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], shown: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    config.reset()
    async with browser(cast.vic) as vic:
        reply = await vic.get("/styleguide")
    monkeypatch.undo()
    config.reset()

    assert reply.status_code == (200 if shown else 404)


@pytest.mark.parametrize(
    ("agent", "name", "phone"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
            "Chrome op Windows",
            False,
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge op Windows",
            False,
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15",
            "Safari op Mac",
            False,
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148 Safari/604.1",
            "Safari op iPhone",
            True,
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) CriOS/140.0 Mobile/15E148 Safari/604.1",
            "Chrome op iPhone",
            True,
        ),
        (
            "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
            "Chrome op Android",
            True,
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0", "Firefox op Linux", False),
        ("curl/8.5.0", "Onbekend apparaat", False),
        ("", "Onbekend apparaat", False),
    ],
)
def test_a_device_is_called_by_its_name(agent: str, name: str, phone: bool) -> None:
    assert str(device_of(agent)) == name
    assert is_phone(agent) is phone
