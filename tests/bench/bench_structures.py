"""A structure of 200 folders copied to 1,000 clients, next to one bare INSERT … SELECT of as many rows.

Two limits: into a table without indexes or keys, and into the very table of folders, whose indexes and foreign keys no
way of copying gets around.
"""

from __future__ import annotations

import resource
import time
from typing import Any

from models import engine
from models.dossiers.rolling import apply_to
from models.dossiers.structures import BATCH
from models.settings import utcnow
from tests.databases import Databases, begin_run, end_run, kinds

CLIENTS = 1_000
TOP, IN_EACH = 20, 9  # 20 folders with 9 in each: 200


async def measure(clients: int = CLIENTS) -> list[dict[str, Any]]:
    """One row per database: folders per second, dossiers, trail and commits included."""
    began_run, rows = begin_run(), []
    for kind in kinds():
        async with Databases().copy(kind):
            structure, ids = await _prepare(clients)
            count = clients * TOP * (IN_EACH + 1)
            limits = {"a bare table": await _bare(count), "the same table": await _same(structure)}
            began = time.perf_counter()
            added = 0
            for at in range(0, clients, BATCH):
                batch = ids[at : at + BATCH]
                added += await engine.run_writing(lambda batch=batch: apply_to(structure, batch, by=1))  # type: ignore[misc]
            ours = count / (time.perf_counter() - began)
            assert added == count
            assert await engine.run_writing(lambda ids=ids: apply_to(structure, ids, by=1)) == 0  # type: ignore[misc]
            rows += [
                {
                    "job": f"structure to clients ({kind}), limit: {into}",
                    "size": f"200 folders to {clients:,}",
                    "ours": f"{ours:,.0f}/s",
                    "limit": f"{limit:,.0f}/s",
                    "ratio": ours / limit,
                    "memory": f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB",
                }
                for into, limit in limits.items()
            ]
    if began_run:
        end_run()
    return rows


async def _prepare(clients: int) -> tuple[int, list[int]]:
    now = utcnow()
    await engine.copy_rows(
        "client",
        ("number", "number_key", "name", "sort_key", "search_key", "state", "created_at", "is_sample",
         "legal_form", "kvk", "vat", "iban", "street", "house_number", "addition", "postcode", "city", "email", "phone", "sbi", "sector", "manager"),
        [(str(n), f"{n:09}", f"Cliënt {n}", f"client {n:05}", "", "active", now, False, *[""] * 14) for n in range(clients)],
    )  # fmt: skip
    await engine.copy_rows(
        "dossier",
        ("kind", "client", "name", "name_key", "audience", "created_at", "is_sample"),
        [("standard", None, "Groot", "groot", "", now, False)],
    )
    structure = (await engine.raw("SELECT id FROM dossier"))[0]["id"]
    columns = ("dossier", "client", "parent", "name", "name_key", "kind", "position", "created_at")
    await engine.copy_rows(
        "folder", columns, [(structure, None, None, f"Map {n}", f"map {n}", "office", n, now) for n in range(TOP)]
    )
    tops = [row["id"] for row in await engine.raw("SELECT id FROM folder WHERE dossier = $1", structure)]
    await engine.copy_rows(
        "folder",
        columns,
        [
            (structure, None, top, f"Submap {n}", f"submap {n}", "office", n, now)
            for top in tops
            for n in range(IN_EACH)
        ],
    )
    return structure, [row["id"] for row in await engine.raw("SELECT id FROM client ORDER BY id")]


async def _bare(count: int) -> float:
    """Rows per second: the same columns, one statement, no index and no check."""
    async with engine.writing():
        await engine.raw(
            "CREATE TABLE bare (dossier INTEGER, client INTEGER, parent INTEGER, name TEXT, name_key TEXT, kind TEXT, position INTEGER, created_at TEXT)"
        )
    began = time.perf_counter()
    async with engine.writing():
        await engine.raw(
            "INSERT INTO bare SELECT f.dossier, c.id, f.parent, f.name, f.name_key, f.kind, f.position, 'now' "
            "FROM client c CROSS JOIN folder f WHERE f.client IS NULL"
        )
    seconds = time.perf_counter() - began
    assert (await engine.raw("SELECT count(*) AS n FROM bare"))[0]["n"] == count
    async with engine.writing():
        await engine.raw("DROP TABLE bare")
    return count / seconds


async def _same(structure: int) -> float:
    """Rows per second into `folder` itself, flat and under names of their own; taken out again afterwards."""
    async with engine.writing():
        await engine.raw(
            "INSERT INTO dossier (kind, client, name, name_key, audience, created_at, is_sample) "
            "SELECT 'client', id, 'Dossier', 'dossier', '', created_at, is_sample FROM client"
        )
    began = time.perf_counter()
    async with engine.writing():
        await engine.raw(
            "INSERT INTO folder (dossier, client, parent, name, name_key, kind, position, created_at) "
            "SELECT d.id, d.client, CAST(NULL AS INTEGER), f.name, f.name_key || f.id, f.kind, f.position, f.created_at "
            "FROM dossier d CROSS JOIN folder f WHERE d.kind = 'client' AND f.dossier = $1",
            structure,
        )
    seconds = time.perf_counter() - began
    count = (await engine.raw("SELECT count(*) AS n FROM folder WHERE client IS NOT NULL"))[0]["n"]
    async with engine.writing():
        await engine.raw("DELETE FROM dossier WHERE kind = 'client'")
    return float(count / seconds)
