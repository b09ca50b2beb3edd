"""Sign-ins with argon2id, and what they do to others: a real server, eight people signing in without pause beside one who reads.

`ours` is with the sign-ins going on, `limit` without them.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import httpx2

from models import passwords
from tests.house import House, house

PASSWORD = "geheim-wachtwoord"
SECONDS = 12.0
CROWD = 8


async def measure() -> list[dict[str, Any]]:
    rows = [await _hash()]
    with tempfile.TemporaryDirectory() as place, house("small", Path(place), worker=False) as office:
        await asyncio.to_thread(office.run, "models", "seed", "--clients", "60", "--bare", "--password", PASSWORD)
        rows += await _beside(office)
    return rows


async def _hash() -> dict[str, Any]:
    """One check of a password, and four at once as a server allows them."""
    hashed = await passwords.hash_password(PASSWORD)
    began = time.perf_counter()
    for _ in range(10):
        await passwords.verify(PASSWORD, hashed)
    one = (time.perf_counter() - began) / 10
    began = time.perf_counter()
    await asyncio.gather(*(passwords.verify(PASSWORD, hashed) for _ in range(40)))
    together = (time.perf_counter() - began) / 40
    return {
        "job": "argon2id: one check, alone and among four", "size": "64 MiB, 3 passes", "ours": f"{together * 1000:.0f} ms",
        "limit": f"{one * 1000:.0f} ms", "ratio": together / one, "memory": f"{1 / together:.0f} a second",
    }  # fmt: skip


async def _beside(office: House) -> list[dict[str, Any]]:
    anna = await _browser(office, "anna@kantoor.example")
    quiet = await _reading(anna, SECONDS / 2)
    stop = asyncio.Event()
    crowd = [asyncio.create_task(_signing_in(office, f"crowd-{n}", stop)) for n in range(CROWD)]
    await asyncio.sleep(1)
    began = time.perf_counter()
    busy = await _reading(anna, SECONDS)
    stop.set()
    made = sum(await asyncio.gather(*crowd))
    rate = made / (time.perf_counter() - began + 1)
    rows = []
    for name, pick in (("median", median), ("19 of 20", lambda took: quantiles(took, n=20)[18])):
        ours, limit = pick(busy) * 1000, pick(quiet) * 1000
        rows.append(
            {
                "job": f"a page while {CROWD} sign in, {name}", "size": "60 clients", "ours": f"{ours:.0f} ms",
                "limit": f"{limit:.0f} ms", "ratio": ours / limit, "memory": f"{rate:.1f} sign-ins a second",
            }
        )  # fmt: skip
    await anna.aclose()
    return rows


async def _browser(office: House, email: str) -> httpx2.AsyncClient:
    browser = httpx2.AsyncClient(base_url=office.url, headers={"Origin": office.url}, timeout=60)
    reply = await browser.post("/sign-in", data={"email": email, "password": PASSWORD})
    assert reply.status_code == 303, reply.text
    return browser


async def _reading(browser: httpx2.AsyncClient, seconds: float) -> list[float]:
    """How long each view of the list of clients took."""
    took: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        assert (await browser.get("/clients")).status_code == 200
        took.append(time.perf_counter() - began)
        await asyncio.sleep(0.05)
    return took


async def _signing_in(office: House, agent: str, stop: asyncio.Event) -> int:
    """Sign-ins one after another, from a fresh browser each: a right password is never slowed down."""
    made = 0
    while not stop.is_set():
        browser = await _browser(office, "sam@garage-smit.example")
        await browser.aclose()
        made += 1
    return made
