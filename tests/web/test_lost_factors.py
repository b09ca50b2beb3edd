"""Asking for help after the password, confirming it at the office, and the link that stops it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

from models import engine
from models.secret_box import encrypt
from tests.cast import PASSWORD, Cast, browser_of
from tests.jobs.posting import post_all
from tests.smtp import Sink

Browsers = Callable[..., Any]


async def test_from_the_code_to_the_mail_and_stopping_it(cast: Cast, browser: Browsers, smtp_sink: Sink) -> None:
    await engine.raw("UPDATE users SET totp_secret = $1 WHERE id = $2", encrypt("JBSWY3DPEHPK3PXP"), cast.rik.user.id)
    async with browser_of(cast.vic) as visitor:
        await visitor.post("/sign-in", data={"email": cast.rik.user.email, "password": PASSWORD})
        code = await visitor.get("/sign-in/code")
        explained = await visitor.get("/sign-in/code/lost")
        asked = await visitor.post("/sign-in/code/lost")
    await post_all()
    [taken] = [one for one in smtp_sink.taken if one.address == cast.rik.user.email]
    link = re.findall(r"https?://[^\s\"]+/lost-factor/[^\s\"<]+", taken.text)[0]
    path = link[link.index("/lost-factor/") :]
    async with browser(cast.anna) as anna:
        person = await anna.get(f"/users/{cast.rik.user.id}")
        overview = html.unescape((await anna.get("/")).text)
        listed = await anna.get("/lost-factors")
        number = (await engine.raw("SELECT id FROM lost_factor"))[0]["id"]
        done = await anna.post(f"/lost-factors/{number}/confirmation")
        twice = await anna.post(f"/lost-factors/{number}/confirmation")
    async with browser_of(cast.vic) as visitor:
        looked = await visitor.get(path)
        between = (await engine.raw("SELECT state FROM lost_factor"))[0]["state"]
        stopped = await visitor.post(path)
        again = await visitor.get(path)

    assert (
        "/sign-in/code/lost" in code.text and "Hulp vragen" in explained.text and "ligt bij het kantoor" in asked.text
    )
    assert "Deze persoon vraagt hulp" in person.text and "1 persoon die zijn tweede factor kwijt is" in overview
    assert cast.rik.user.display_name in listed.text and done.status_code == 303 and twice.status_code == 422
    assert looked.status_code == 200 and between == "confirmed" and "Tegengehouden" in stopped.text
    assert again.status_code == 410


async def test_without_the_password_nobody_asks(cast: Cast, browser: Browsers) -> None:
    async with browser_of(cast.vic) as visitor:
        page, asked = await visitor.get("/sign-in/code/lost"), await visitor.post("/sign-in/code/lost")

    assert page.status_code == asked.status_code == 303
    assert await engine.raw("SELECT 1 AS one FROM lost_factor") == []
