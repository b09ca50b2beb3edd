"""The pages of requests about data."""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Any

from models import engine
from tests.cast import Cast

Browsers = Callable[..., Any]


async def test_a_request_is_noted_answered_and_downloaded(cast: Cast, browser: Browsers) -> None:
    here = f"/users/{cast.rik.user.id}/privacy"
    async with browser(cast.anna) as anna:
        await engine.raw("UPDATE session SET proved_at = NULL")
        first = await anna.get(here)
        await engine.raw("UPDATE session SET proved_at = seen_at")
        page = await anna.get(here)
        wrong = await anna.post(f"{here}/requests", data={"kind": "access", "asked_on": "ooit"})
        await anna.post(f"{here}/requests", data={"kind": "access", "asked_on": "2026-11-01"})
        listed = await anna.get("/privacy")
        book = await anna.post(f"{here}/archive")
        after = await anna.get("/privacy")

    assert first.status_code == 303 and "proof" in first.headers["location"]
    assert cast.rik.user.email in page.text and wrong.status_code == 422
    assert "1 december 2026" in listed.text or "01-12-2026" in listed.text
    with zipfile.ZipFile(io.BytesIO(book.content)) as archive:
        data = json.loads(archive.read("gegevens.json"))
        readable = archive.read("gegevens.html").decode()
    assert data["users"][0]["email"] == cast.rik.user.email and "password" not in data["users"][0]
    assert (
        cast.rik.user.email in readable
        and "<script" not in readable
        and "http" not in readable.replace("https://www.", "")
    )
    assert "Afgehandeld" in after.text


async def test_an_erasure_says_what_stays_and_why_and_asks_the_name(cast: Cast, browser: Browsers) -> None:
    here = f"/users/{cast.rik.user.id}/privacy/erasure"
    async with browser(cast.anna) as anna:
        page = html.unescape((await anna.get(here)).text)
        wrong = await anna.post(here, data={"name": "Iemand"})
        done = await anna.post(here, data={"name": cast.rik.user.display_name})
        answer = html.unescape((await anna.get(done.headers["location"])).text)
        letter = await anna.get(f"{done.headers['location']}/letter")

    assert "Bewaard" in page and "Gewist" in page and "AWR" in page
    assert wrong.status_code == 422 and "Typ de naam precies over" in html.unescape(wrong.text)
    assert done.status_code == 303 and "AWR" in answer
    assert letter.headers["content-type"].startswith("text/plain") and "Dit bewaren wij, en waarom" in letter.text
    assert cast.rik.user.email not in letter.text and "&" not in re.sub(r"&amp;", "", letter.text)
    assert (await engine.raw("SELECT email FROM users WHERE id = $1", cast.rik.user.id))[0]["email"] == ""


async def test_only_who_sees_everything_handles_requests(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.ed) as ed, browser(cast.rik) as rik:
        replies = [
            await ed.get("/privacy"),
            await ed.get(f"/users/{cast.rik.user.id}/privacy"),
            await rik.get("/privacy"),
        ]
        replies += [await ed.post(f"/users/{cast.rik.user.id}/privacy/erasure", data={"name": "x"})]

    assert {reply.status_code for reply in replies} == {404}
