"""The roll-out of 10,000 clients: the page, the checklist, and starting 10,000 invitations, next to the bare statements."""

from __future__ import annotations

import resource
import time
from collections.abc import Awaitable, Callable
from typing import Any

from models import engine
from models.accounts import User
from models.rollout import checklist, prepare_opening, readiness
from models.settings import Firm, utcnow
from tests.cast import assemble, browser_of, people
from tests.databases import Databases, begin_run, end_run, kinds

COUNT = 10_000


async def measure(count: int = COUNT) -> list[dict[str, Any]]:
    """Per database: the page against its own queries, and an opening against a bare insert of its links and errands."""
    began = begin_run()
    try:
        return await _measured(count)
    finally:
        if began:
            end_run()


async def _measured(count: int) -> list[dict[str, Any]]:
    rows = []
    for kind in kinds():
        async with Databases(people).copy(kind, "peopled"):
            await _make(count)
            cast, firm = await assemble(), await Firm.load()

            async def queries(viewer: Any = cast.anna, firm: Firm = firm) -> None:
                async with engine.reading():
                    await checklist(viewer, firm)
                    await readiness.matrix(viewer, firm, page=3)

            async with browser_of(cast.anna) as browser:
                pages = await _best(lambda browser=browser: browser.get("/rollout?page=3"))
            rows.append(
                _row(f"roll-out page, checklist and matrix ({kind})", f"{count:,} clients", pages, await _best(queries))
            )
            bare = await _bare(count)
            began = time.perf_counter()
            opening = await engine.run_writing(
                lambda anna=cast.anna: prepare_opening(anna.users, by=anna, selection={})
            )
            await engine.run_writing(lambda opening=opening, anna=cast.anna: opening.start(by=anna))
            assert opening.people >= count
            rows.append(_row(f"gates opened ({kind})", f"{count:,} people", time.perf_counter() - began, bare))
    return rows


def _row(job: str, size: str, ours: float, limit: float) -> dict[str, Any]:
    return {
        "job": job, "size": size, "ours": f"{ours * 1000:,.0f} ms", "limit": f"{limit * 1000:,.0f} ms", "ratio": limit / ours,
        "memory": f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB",
    }  # fmt: skip


async def _best(act: Callable[[], Awaitable[Any]], times: int = 5) -> float:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await act()
        took.append(time.perf_counter() - began)
    return min(took)


async def _bare(count: int) -> float:
    """The links and errands of so many people, inserted and taken back."""
    now, began = utcnow(), time.perf_counter()
    async with engine.writing():
        await engine.raw(
            "INSERT INTO link (person, kind, opening, email, created_at, expires_at) "
            "SELECT id, 'invitation', -1, email, $1, $1 FROM users WHERE kind = 'client' AND state = 'prepared'",
            now,
        )
        await engine.raw(
            "INSERT INTO errand (kind, subject_id, person, run_after, created_at) SELECT 'invitation', id, person, $1, $1 FROM link WHERE opening = -1",
            now,
        )
        took = time.perf_counter() - began
        await engine.raw("DELETE FROM errand WHERE subject_id IN (SELECT id FROM link WHERE opening = -1)")
        await engine.raw("DELETE FROM link WHERE opening = -1")
    return took


async def _make(count: int) -> None:
    now = utcnow()
    async with engine.writing():
        await engine.copy_rows(
            "client", ("number", "number_key", "name", "sort_key", "search_key", "created_at"),
            [(f"9{n:06}", f"9{n:06}", f"Proef {n}", f"proef {n:06}", f" proef {n}", now) for n in range(count)],
        )  # fmt: skip
        await engine.copy_rows(
            "users", ("kind", "state", "email", "email_key", "surname", "sort_key", "created_at"),
            [("client", "prepared", f"p{n}@x.example", f"p{n}@x.example", f"P{n}", f"p{n:06}", now) for n in range(count)],
        )  # fmt: skip
        made = (
            "c.number = '9' || substr('000000' || substr(u.surname, 2), -6)"
            if engine.is_sqlite()
            else "c.number = '9' || lpad(substr(u.surname, 2), 6, '0')"
        )
        await engine.raw(
            f"INSERT INTO access (person, client, rights, created_at) SELECT u.id, c.id, 15, u.created_at FROM users u JOIN client c ON {made} WHERE u.email_key LIKE 'p%@x.example'"
        )
        await engine.raw(
            "INSERT INTO dossier (kind, client, name, name_key, created_at) SELECT 'client', id, 'Dossier', 'dossier', created_at FROM client WHERE number LIKE '9%' AND length(number) = 7"
        )
        for n in range(8):
            await engine.raw(
                f"INSERT INTO folder (dossier, client, name, name_key, kind, created_at) SELECT id, client, 'Map {n}', 'map {n}', '{'upload' if n == 7 else 'office'}', created_at FROM dossier WHERE name_key = 'dossier' AND client IN (SELECT id FROM client WHERE number LIKE '9%')"
            )
    assert await User.exists()
