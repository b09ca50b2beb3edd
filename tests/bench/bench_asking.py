"""Who hears of what, over 5,000 clients with 15,000 people and 50,000 documents: planning a day's mails, the list of what was
not read, the board of requests; each next to the barest statement that reads the same rows."""

from __future__ import annotations

import datetime as dt
import resource
import time
from collections.abc import Awaitable, Callable
from typing import Any

from models import client_news, engine, unread
from models.accounts import User
from models.requests.making import Item, ask_of
from models.requests.reading import Filter, board, board_counts
from models.settings import utcnow
from models.viewer import Viewer
from tests.databases import Databases, begin_run, end_run, kinds

CLIENTS, PEOPLE, DOCUMENTS = 5_000, 3, 10


async def measure(clients: int = CLIENTS) -> list[dict[str, Any]]:
    began_run, rows = begin_run(), []
    for kind in kinds():
        async with Databases().copy(kind):
            ids = await _prepare(clients)
            anna = Viewer(await User.objects().get(User.kind == "staff"))
            pairs = f"{clients * PEOPLE * DOCUMENTS:,} pairs of person and document"
            bare = await _timed(lambda: engine.raw(_BARE))
            rows.append(
                _row(
                    kind,
                    "list of what was not read",
                    pairs,
                    await _timed(lambda: unread.page(anna, unread.Filter())),
                    bare,
                )
            )
            await engine.raw("UPDATE firm SET digest_hour = 0, heard_day = 0")
            began = time.perf_counter()
            asked = await client_news.plan_daily(utcnow() + dt.timedelta(minutes=2))
            assert asked == clients * PEOPLE, asked
            rows.append(
                _row(kind, "planning a day's mails", f"{asked:,} mails, {pairs}", time.perf_counter() - began, bare)
            )
            began = time.perf_counter()
            for at in range(0, clients, 250):
                await engine.run_writing(
                    lambda some=ids[at : at + 250]: ask_of(
                        some, "Jaarstukken", "", None, [Item("A"), Item("B"), Item("C")], "b", by=1
                    )  # type: ignore[misc]
                )
            rows.append(_row(kind, "asking of everybody", f"{clients:,} requests", time.perf_counter() - began, None))
            counted = await _timed(
                lambda: engine.raw(
                    "SELECT count(*) AS n FROM request_item i JOIN document_request r ON r.id = i.request"
                )
            )
            rows.append(
                _row(
                    kind,
                    "board of requests, a page",
                    f"{clients:,} requests",
                    await _timed(lambda: board(anna, Filter())),
                    counted,
                )
            )
            rows.append(
                _row(
                    kind,
                    "board of requests, its counts",
                    f"{clients:,} requests",
                    await _timed(lambda: board_counts(anna)),
                    counted,
                )
            )
    if began_run:
        end_run()
    return rows


_BARE = """SELECT count(*) AS n FROM document d JOIN access a ON a.client = d.client JOIN users u ON u.id = a.person
LEFT JOIN reading q ON q.document = d.id AND q.version = d.version AND q.person = u.id WHERE d.source = 'office' AND q.person IS NULL"""


async def _timed(call: Callable[[], Awaitable[Any]], times: int = 3) -> float:
    """The median, in seconds."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await call()
        took.append(time.perf_counter() - began)
    return sorted(took)[times // 2]


def _row(kind: str, job: str, size: str, ours: float, limit: float | None) -> dict[str, Any]:
    memory = f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB"
    told = {"limit": f"{limit * 1000:,.0f} ms", "ratio": ours / limit} if limit else {"limit": "", "ratio": ""}
    return {"job": f"{job} ({kind})", "size": size, "ours": f"{ours * 1000:,.0f} ms", **told, "memory": memory}


async def _prepare(clients: int) -> list[int]:
    long_ago, now = utcnow() - dt.timedelta(days=30), utcnow() - dt.timedelta(hours=1)
    await engine.copy_rows(
        "client", ("id", "number", "number_key", "name", "sort_key", "search_key", "state", "created_at"),
        [(n, f"K{n}", f"k{n:05}", f"Klant {n}", f"klant {n:05}", "", "active", long_ago) for n in range(1, clients + 1)],
    )  # fmt: skip
    await engine.copy_rows(
        "users", ("id", "kind", "state", "email", "email_key", "first_name", "surname", "full_name", "role", "all_clients", "created_at", "activated_at", "digest"),
        [(1, "staff", "active", "a@kantoor.example", "a@kantoor.example", "Anna", "Wit", "Anna Wit", "administrator", True, long_ago, long_ago, "daily")]
        + [
            (n + 1, "client", "active", f"k{n}@klant.example", f"k{n}@klant.example", f"K{n}", "Vries", f"K{n} Vries", "", False, long_ago, long_ago, "")
            for n in range(1, clients * PEOPLE + 1)
        ],
    )  # fmt: skip
    await engine.copy_rows(
        "access", ("person", "client", "rights", "role", "created_at"),
        [(n + 1, (n - 1) % clients + 1, 3, "", long_ago) for n in range(1, clients * PEOPLE + 1)],
    )  # fmt: skip
    await engine.copy_rows(
        "dossier", ("id", "kind", "client", "name", "name_key", "audience", "created_at", "is_sample"),
        [(n, "client", n, "Dossier", "dossier", "", long_ago, False) for n in range(1, clients + 1)],
    )  # fmt: skip
    await engine.copy_rows(
        "folder", ("id", "dossier", "client", "name", "name_key", "kind", "position", "created_at"),
        [(n, n, n, "Stukken", "stukken", "both", 1, long_ago) for n in range(1, clients + 1)],
    )  # fmt: skip
    await engine.copy_rows(
        "document",
        ("folder", "client", "name", "name_key", "sha256", "size", "mime", "source", "uploaded_at", "state", "published_at"),
        [
            (n, n, f"{d}.pdf", f"{d}.pdf", "", 1, "application/pdf", "office", now, "published", now)
            for n in range(1, clients + 1)
            for d in range(DOCUMENTS)
        ],
    )  # fmt: skip
    await engine.raw("UPDATE firm SET heard_from = $1", long_ago)
    await engine.analyze()
    return list(range(1, clients + 1))
