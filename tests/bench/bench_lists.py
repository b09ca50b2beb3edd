"""The overview and the long lists of a large office: for a colleague who sees 400 clients, beside an administrator.

`ours` is his page, `limit` hers; he may wait at most 1.3 times as long, and it takes as many queries. Set DATABASE_URL to an
empty Postgres database to measure there.
"""

from __future__ import annotations

import os
import time
from statistics import median
from typing import Any

from models import engine, migrate, sample
from tests.bench.crowd import bustle, gather
from tests.cast import Browser, as_viewer, browser_of

SIZES = tuple(int(size) for size in os.environ.get("POORT_BENCH_CLIENTS", "20000").split(","))
ROUNDS = 7
PAGES = (
    ("overview", "/"),
    ("overview, all clients", "/?clients=all"),
    ("what is asked (the bell)", "/overview/asked?clients=all"),
    ("clients, first page", "/clients"),
    ("clients, page 1,000", "/clients?page=1000"),
    ("clients, one state and one who is responsible", "/clients?state=all&responsible=2"),
    ("clients, by place", "/clients?sort=-city"),
    ("clients, by KvK number", "/clients?sort=kvk"),
    ("clients, in one place", "/clients?city=amster"),
    ("clients, searched", "/clients?q=bakkerij"),
    ("clients, silent for a week", "/clients?missing=activation"),
    ("users, first page", "/users"),
    ("users, page 1,000", "/users?page=1000"),
    ("users, by address", "/users?sort=email"),
    ("users, with one template", "/users?role=lezer"),
    ("users, searched", "/users?q=jansen"),
    ("invitations", "/invitations"),
    ("invitations, not opened", "/invitations?trouble=unopened"),
    ("search", "/search?q=de vries"),
)  # fmt: skip


async def measure() -> list[dict[str, Any]]:
    rows = []
    await migrate.migrate()
    await sample.fill(60, 1, "geheim-wachtwoord")
    there = 0
    for size in SIZES:
        await gather(size - there, first=there)
        await bustle()
        there = size
        rows += await _measured(size)
    return rows


async def _measured(size: int) -> list[dict[str, Any]]:
    anna, ed = await as_viewer("anna@kantoor.example"), await as_viewer("ed@kantoor.example")
    rows = []
    async with browser_of(anna) as hers, browser_of(ed) as his:
        for job, path in PAGES:
            (slow, asked), (base, asked_by_her) = await _timed(his, path), await _timed(hers, path)
            rows.append(
                {
                    "job": job, "size": f"{size:,}", "ours": f"{slow:.0f} ms", "limit": f"{base:.0f} ms", "ratio": slow / base,
                    "memory": f"{asked} and {asked_by_her} queries",
                }
            )  # fmt: skip
    return rows


async def _timed(browser: Browser, path: str) -> tuple[float, int]:
    """Milliseconds, the median after one to warm up, and the number of queries."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        with engine.count_queries() as counter:
            reply = await browser.get(path)
        took.append(time.perf_counter() - began)
        assert reply.status_code == 200, (path, reply.status_code)
        if took[0] > 5:
            break
    return median(took[1:] or took) * 1000, counter.n
