"""Files going in and out of the store with and without encryption, whole and in parts; and a list for destruction of 50,000 documents.

The limit of the first three is the same store without a key; that of the list is reading the same rows with one bare statement.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from models import config, engine
from models.keeping import proposing
from models.keeping.records import Destruction
from models.migrate import migrate
from models.settings import utcnow
from models.storage import Storage, open_storage

MB = 1024 * 1024
BLOCK = os.urandom(MB)
KEY = "k" * 40


async def measure(megabytes: int = 256, documents: int = 50_000) -> list[dict[str, Any]]:
    rows = []
    with tempfile.TemporaryDirectory(prefix="poort-encryption-") as folder:
        stores = [open_storage(f"file://{folder}/{name}", keys) for name, keys in (("plain", []), ("sealed", [KEY]))]
        times = {store: await _times(store, megabytes) for store in stores}
        for n, job in enumerate(("file in", "file out", "1,000 parts of 64 KiB")):
            bare, ours = times[stores[0]][n], times[stores[1]][n]
            size = f"{megabytes} MB" if n < 2 else "64 MB"
            rows.append(
                {
                    "job": f"{job}, encrypted",
                    "size": size,
                    "ours": f"{ours:.2f} s",
                    "limit": f"{bare:.2f} s",
                    "ratio": ours / bare,
                    "memory": "",
                }
            )
        rows.append(await _list(Path(folder), documents))
    return rows


async def _times(store: Storage, megabytes: int) -> tuple[float, float, float]:
    """Seconds of putting it in, reading it whole, and reading a thousand parts: the best of three."""
    sha256 = ""

    async def put() -> None:
        nonlocal sha256
        async with store.receive() as incoming:
            for n in range(megabytes):
                await incoming.write(n.to_bytes(4, "big") + BLOCK[4:])
            sha256 = (await incoming.keep()).sha256

    async def read() -> None:
        async for _ in store.open(sha256):
            pass

    async def parts() -> None:
        for n in range(1_000):
            start = n * 7919 * 1024 % (megabytes * MB - 65_536)
            async for _ in store.open(sha256, start, start + 65_536):
                pass

    return await _best(put), await _best(read), await _best(parts)


async def _best(act: Callable[[], Awaitable[Any]]) -> float:
    found = []
    for _ in range(3):
        began = time.perf_counter()
        await act()
        found.append(time.perf_counter() - began)
    return min(found)


async def _list(folder: Path, documents: int) -> dict[str, Any]:
    """A list of all documents of 500 clients, half of them over their term."""
    engine.use(f"sqlite:///{folder}/poort.db")
    config.reset()
    await migrate()
    now, clients = utcnow(), 500
    kept = (await engine.raw("SELECT id FROM retention_class WHERE name = 'Administratie'"))[0]["id"]
    await engine.copy_rows(
        "client", ("id", "number", "number_key", "name", "sort_key", "search_key", "created_at"),
        [(n, f"{n}", f"{n:06}", f"Cliënt {n}", f"client {n}", "", now) for n in range(1, clients + 1)],
    )  # fmt: skip
    await engine.copy_rows(
        "dossier",
        ("id", "kind", "client", "name", "name_key", "created_at"),
        [(n, "client", n, "D", "d", now) for n in range(1, clients + 1)],
    )
    columns = ("id", "dossier", "client", "parent", "name", "name_key", "kind", "retention", "created_at")
    tops = [(n, n, n, None, "Boekjaren", "boekjaren", "office", kept, now) for n in range(1, clients + 1)]
    within = [
        (clients * (1 + y) + n, n, n, n, f"Boekjaar {2010 + y}", f"boekjaar {2010 + y}", "office", None, now)
        for y in range(10)
        for n in range(1, clients + 1)
    ]
    await engine.copy_rows("folder", columns, [*tops, *within])
    await engine.copy_rows(
        "document", ("folder", "client", "name", "name_key", "sha256", "size", "mime", "source", "uploaded_at", "book_year"),
        [
            (clients * (1 + n % 10) + n % clients + 1, n % clients + 1, f"stuk {n}.pdf", f"stuk {n}.pdf", f"{n:064x}", 1000, "application/pdf", "office", now, 2010 + n % 18)
            for n in range(documents)
        ],
    )  # fmt: skip
    destruction = Destruction(kind="now", as_of=now.date(), made_at=now)
    await destruction.save()
    began = time.perf_counter()
    await proposing.make(destruction)
    ours = time.perf_counter() - began
    began = time.perf_counter()
    await engine.raw("SELECT d.*, f.name AS place FROM document d JOIN folder f ON f.id = d.folder")
    bare = time.perf_counter() - began
    await engine.close()
    return {
        "job": f"list for destruction ({destruction.documents:,} on it)",
        "size": f"{documents:,} documents",
        "ours": f"{ours:.2f} s",
        "limit": f"{bare:.2f} s",
        "ratio": ours / bare,
        "memory": "",
    }
