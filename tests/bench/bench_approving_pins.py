"""PINs: preparing and storing 5,000 of them, and how many a process proves in a second while argon2id checks each.

`ours` is the work as the office and its clients see it, `limit` what the hashes alone cost on as many cores.
"""

from __future__ import annotations

import asyncio
import os
import resource
import secrets
import tempfile
import time
from pathlib import Path
from typing import Any

from models import engine
from models.accounts import User
from models.migrate import migrate
from models.pins import Prepared, Proof, hashing, prepare, prove, store
from models.settings import utcnow
from models.viewer import Viewer

PEOPLE = int(os.environ.get("POORT_BENCH_PINS", "5000"))
PROVING, ROUNDS = 40, 5
CORES = os.cpu_count() or 2


async def measure() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as place:
        engine.use(f"sqlite:///{Path(place) / 'pins.db'}")
        await migrate()
        people = await _people()
        one = _one_hash()
        rows, made = await _issued(people, one)
        rows += await _proved(made[:PROVING], one)
        await engine.close()
    return rows


async def _people() -> list[int]:
    now = utcnow()
    async with engine.writing():
        await engine.copy_rows(
            "users",
            ("kind", "state", "surname", "email_key", "created_at"),
            [("client", "active", f"Mens {n}", f"mens{n}@example.org", now) for n in range(PEOPLE)],
        )
    return [row["id"] for row in await engine.raw("SELECT id FROM users ORDER BY id")]


def _one_hash() -> float:
    """Seconds of a core for one PIN, whatever else the machine does."""
    began = time.process_time()
    for n in range(40):
        hashing.make(f"{n:06}", "pin", n)
    return (time.process_time() - began) / 40


async def _issued(people: list[int], one: float) -> tuple[list[dict[str, Any]], list[Prepared]]:
    before = _memory()
    began = time.perf_counter()
    made = await prepare(people)
    prepared = time.perf_counter() - began
    began = time.perf_counter()
    await engine.run_writing(lambda: store(made, dict.fromkeys(people, 1), by_person=people[0]))
    stored = time.perf_counter() - began
    limit = one * PEOPLE / CORES
    began = time.perf_counter()
    lists = await prepare(people[: PEOPLE // 10], "codes")
    listed = time.perf_counter() - began
    await engine.run_writing(lambda: store(lists, {}, by_person=people[0]))
    return [
        _row(f"{PEOPLE} PINs prepared", f"argon2id, {one * 1000:.1f} ms each", prepared, limit, f"+{_memory() - before} MB"),
        _row(f"{PEOPLE} PINs stored", "one unit", stored, limit, "-"),
        _row(f"{PEOPLE // 10} lists of 24 codes prepared", "argon2id, small", listed, one * (PEOPLE // 10) / CORES, "-"),
    ], made  # fmt: skip


async def _proved(made: list[Prepared], one: float) -> list[dict[str, Any]]:
    """Everybody proves himself a few times, forty at once: counted, judged, cleared; each in units of its own."""
    viewers = []
    for pin in made:
        user = await User.objects().get(User.id == pin.person)
        assert user is not None
        viewers.append(Viewer(user))

    async def by(viewer: Viewer, pin: Prepared) -> None:
        for _ in range(ROUNDS):
            assert isinstance(await prove(viewer, "pin", "pin", pin.clear[0]), Proof)

    began = time.perf_counter()
    await asyncio.gather(*(by(viewer, pin) for viewer, pin in zip(viewers, made, strict=True)))
    took = time.perf_counter() - began
    count = PROVING * ROUNDS
    pages = asyncio.Event()
    slowest = 0.0

    async def reads() -> None:
        nonlocal slowest
        while not pages.is_set():
            at = time.perf_counter()
            await engine.raw("SELECT count(*) AS n FROM pin WHERE person = $1", secrets.choice(made).person)
            slowest = max(slowest, time.perf_counter() - at)
            await asyncio.sleep(0.01)

    reader = asyncio.create_task(reads())
    await asyncio.gather(*(by(viewer, pin) for viewer, pin in zip(viewers, made, strict=True)))
    pages.set()
    await reader
    return [
        _row(f"{count} PINs proved, {PROVING} at once", f"{count / took:.0f} a second", took, one * count / CORES, "-"),
        {"job": "a query beside them, the slowest", "size": "", "ours": f"{slowest * 1000:.0f} ms", "limit": "-", "ratio": None,
         "memory": "-"},
    ]  # fmt: skip


def _row(job: str, size: str, took: float, limit: float, memory: str) -> dict[str, Any]:
    return {"job": job, "size": size, "ours": f"{took:.1f} s", "limit": f"{limit:.1f} s", "ratio": took / limit, "memory": memory}  # fmt: skip


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
