"""A folder of 1,100 sub-folders and one of 50,000 documents: for an administrator, a colleague who sees 400 clients, and client
users of whom one may see only some folders, among them one in which each sees his own.

`ours` is the page, `limit` the bare SQL of the rows it shows, in the same run; `memory` says the queries, and how the page
compares with that of who may see all (he may wait at most 1.3 times as long).
"""

from __future__ import annotations

import os
import time
from statistics import median
from typing import Any

from models import engine, sample
from models.clients import settle_rights
from models.core import fold
from models.settings import utcnow
from tests.bench.crowd import gather
from tests.cast import Browser, as_viewer, browser_of
from tests.databases import Databases, begin_run, end_run, kinds

CLIENTS = int(os.environ.get("POORT_BENCH_CLIENTS", "5000"))
FOLDERS = 1_100
DOCUMENTS = 50_000
ROUNDS = 11
RIK, FEM = "rik@bakkerij-jansen.example", "fem@bakkerij-jansen.example"


async def measure() -> list[dict[str, Any]]:
    is_ours, rows = begin_run(), []
    for kind in kinds():
        async with Databases().copy(kind):
            await sample.fill(60, 1, "geheim-wachtwoord")
            await gather(CLIENTS)
            at = await full_dossier()
            found = [*await _of_office(at), *await _of_clients(at)]
            rows += [row | {"job": f"{row['job']} ({kind})"} for row in found]
    if is_ours:
        end_run()
    return rows


async def full_dossier() -> dict[str, int]:
    """A client with the tree and the documents, and ed responsible for him: client, dossier, wide, deep (in wide), full, own
    (own_only)."""
    found = await engine.raw(
        "SELECT d.id AS dossier, c.id AS client FROM dossier d JOIN client c ON c.id = d.client WHERE c.name = 'Bakkerij Jansen B.V.'"
    )
    at = {name: int(value) for name, value in found[0].items()}
    for name, kind, own in (("wide", "office", False), ("full", "both", False), ("own", "upload", True)):
        at[name] = await _folder(at, None, name, kind, own)
    await engine.copy_rows(
        "folder",
        ("dossier", "client", "parent", "name", "name_key", "kind", "position", "created_at"),
        [(at["dossier"], at["client"], at["wide"], f"Map {n:04}", f"map {n:04}", "office", n, utcnow()) for n in range(FOLDERS)],
    )  # fmt: skip
    deep = await engine.raw("SELECT id FROM folder WHERE parent = $1 ORDER BY position LIMIT 1 OFFSET 800", at["wide"])
    at["deep"] = int(deep[0]["id"])
    await _documents(at, at["full"], DOCUMENTS, "office")
    await _documents(at, at["own"], DOCUMENTS // 10, "client")
    await engine.raw(
        "INSERT INTO document (folder, client, name, name_key, sha256, size, mime, source, uploaded_at, published_at) "
        "SELECT f.id, f.client, 'Stuk.pdf', 'stuk.pdf', '', 9, 'application/pdf', 'office', f.created_at, f.created_at FROM folder f WHERE f.parent = $1",
        at["wide"],
    )
    await _some_folders(at)
    await engine.analyze()
    return at


async def _folder(at: dict[str, int], parent: int | None, name: str, kind: str, own: bool) -> int:
    rows = await engine.raw(
        "INSERT INTO folder (dossier, client, parent, name, name_key, kind, own_only, position, created_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, 50, $8) RETURNING id",
        at["dossier"], at["client"], parent, name, fold(name), kind, own, utcnow(),
    )  # fmt: skip
    return int(rows[0]["id"])


async def _documents(at: dict[str, int], folder: int, count: int, source: str) -> None:
    people = [
        int(row["id"]) for row in await engine.raw("SELECT id FROM users WHERE kind = 'client' ORDER BY id LIMIT 40")
    ]
    now = utcnow()
    await engine.copy_rows(
        "document",
        ("folder", "client", "name", "name_key", "sha256", "size", "mime", "source", "uploaded_by", "uploaded_at", "published_at"),
        [
            (folder, at["client"], f"Stuk {n:05}.pdf", f"stuk {n:05}.pdf", "", n, "application/pdf", source,
             people[n % 40] if source == "client" else None, now, now)
            for n in range(count)
        ],
    )  # fmt: skip


async def _some_folders(at: dict[str, int]) -> None:
    """Fem is given the three folders one by one; everything that rik sees elsewhere stays closed to her."""
    await engine.raw(
        "UPDATE access SET own = 0, role = '' WHERE person = (SELECT id FROM users WHERE email_key = $1)", FEM
    )
    await settle_rights()
    for name in ("wide", "full", "own"):
        await engine.raw(
            "INSERT INTO folder_right (access, name, name_key, act) SELECT a.id, CAST($1 AS VARCHAR), CAST($1 AS VARCHAR), true FROM access a "
            "JOIN users u ON u.id = a.person WHERE u.email_key = $2 AND a.client = $3",
            name, FEM, at["client"],
        )  # fmt: skip


def office_pages(at: dict[str, int]) -> tuple[tuple[str, str, str], ...]:
    """(job, path, bare SQL) of the office."""
    documents = (
        f"SELECT * FROM document WHERE folder = {at['full']} AND trashed_at IS NULL ORDER BY name_key, id LIMIT 100"
    )
    folders = f"SELECT * FROM folder WHERE parent = {at['wide']} AND trashed_at IS NULL ORDER BY position, name_key, id LIMIT 200"
    return (
        ("office: dossier", f"/clients/{at['client']}/dossier", folders),
        ("office: 1,100 folders opened", f"/folders/{at['wide']}/children", folders),
        ("office: page of the folder of 1,100", f"/folders/{at['wide']}", folders),
        ("office: page of the 800th of them", f"/folders/{at['deep']}", folders),
        ("office: 100 of 50,000", f"/folders/{at['full']}", documents),
        ("office: the last 100 of 50,000", f"/folders/{at['full']}?page=500", f"{documents} OFFSET 49900"),
        ("office: by day", f"/folders/{at['full']}?sort=-placed", documents.replace("name_key, id", "uploaded_at DESC, id DESC")),
        ("office: by size", f"/folders/{at['full']}?sort=-size", documents.replace("name_key, id", "size DESC, id DESC")),
    )  # fmt: skip


def client_pages(at: dict[str, int]) -> tuple[tuple[str, str, str], ...]:
    documents = f"SELECT * FROM document WHERE folder = {at['full']} AND trashed_at IS NULL ORDER BY uploaded_at DESC, id DESC LIMIT 200"
    folders = f"SELECT * FROM folder WHERE parent = {at['wide']} AND trashed_at IS NULL ORDER BY position, name_key, id LIMIT 200"
    return (
        ("portal: home", "/portal", documents),
        ("portal: dossier", "/portal/dossier", folders),
        ("portal: folder of 1,100", f"/portal/folders/{at['wide']}", folders),
        ("portal: 200 of 50,000", f"/portal/folders/{at['full']}", documents),
        (
            "portal: his own of 5,000",
            f"/portal/folders/{at['own']}",
            documents.replace(str(at["full"]), str(at["own"])),
        ),
    )


async def _of_office(at: dict[str, int]) -> list[dict[str, Any]]:
    anna, ed = await as_viewer("anna@kantoor.example"), await as_viewer("ed@kantoor.example")
    return await _compared(anna, ed, office_pages(at))


async def _of_clients(at: dict[str, int]) -> list[dict[str, Any]]:
    return await _compared(await as_viewer(RIK), await as_viewer(FEM), client_pages(at))


async def _compared(whole: Any, some: Any, pages: tuple[tuple[str, str, str], ...]) -> list[dict[str, Any]]:
    rows = []
    async with browser_of(whole) as his, browser_of(some) as hers:
        for job, path, bare in pages:
            (all_ms, all_n, size), (some_ms, some_n, _) = await _timed(path, his, hers)
            limit = await _bare(bare)
            rows.append(
                {
                    "job": job, "size": f"{size:,} B", "ours": f"{all_ms:.0f} ms", "limit": f"{limit:.1f} ms",
                    "ratio": some_ms / all_ms, "memory": f"restricted {some_ms:.0f} ms, {all_n} and {some_n} queries",
                }
            )  # fmt: skip
    return rows


async def _timed(path: str, *browsers: Browser) -> list[tuple[float, int, int]]:
    """For each browser, in turns: milliseconds, the median of the faster half; the queries; and the bytes of the answer."""
    took: list[list[float]] = [[] for _ in browsers]
    last = [(0, 0)] * len(browsers)
    for _ in range(ROUNDS):
        for place, browser in enumerate(browsers):
            began = time.perf_counter()
            with engine.count_queries() as counter:
                reply = await browser.get(path)
            took[place].append(time.perf_counter() - began)
            assert reply.status_code == 200, (path, reply.status_code)
            last[place] = counter.n, len(reply.content)
    return [(median(sorted(one)[: ROUNDS // 2]) * 1000, *last[place]) for place, one in enumerate(took)]


async def _bare(sql: str) -> float:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        async with engine.reading():
            await engine.raw(sql)
        took.append(time.perf_counter() - began)
    return median(sorted(took)[: ROUNDS // 2]) * 1000
