"""A structure of 200 folders copied to 1,000 clients, next to one bare INSERT … SELECT of as many rows.

Two limits: into a table without indexes or keys, and into the very table of folders, whose indexes and foreign keys no
way of copying gets around.
"""

from __future__ import annotations

import resource
import time
from typing import Any

from models import engine
from models.dossiers.dossier import Dossier
from models.dossiers.rolling import apply_to
from models.dossiers.runs import take_out
from models.dossiers.structures import BATCH, compare
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
            run = await _run(structure)
            began = time.perf_counter()
            added = 0
            for at in range(0, clients, BATCH):
                batch = ids[at : at + BATCH]
                added += await engine.run_writing(lambda batch=batch: apply_to(structure, batch, by=None, run=run))  # type: ignore[misc]
            ours = count / (time.perf_counter() - began)
            assert added == count
            rows += await _look(kind, structure, ids)
            assert await engine.run_writing(lambda ids=ids: apply_to(structure, ids[:BATCH], by=None)) == 0  # type: ignore[misc]
            rows += await _back(kind, run, ids)
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


async def _run(structure: int) -> int:
    rows = await engine.raw(
        "INSERT INTO structure_run (kind, structure, name, year, asked, at) VALUES ('copy', $1, 'Groot', 2026, '{}', $2) RETURNING id",
        structure,
        utcnow(),
    )
    return int(rows[0]["id"])


async def _look(kind: str, structure: int, ids: list[int]) -> list[dict[str, Any]]:
    """Who differs, of everybody, next to a bare reading of the same rows in as many statements."""
    count = len(ids) * TOP * (IN_EACH + 1)
    dossier = await Dossier.objects().where(Dossier.id == structure).first()
    assert dossier is not None
    began = time.perf_counter()
    for at in range(0, len(ids), BATCH):
        listed = ", ".join(map(str, ids[at : at + BATCH]))
        await engine.raw(f"SELECT id, client, parent, name, name_key, kind, own_only, retention, origin, year, trashed_at FROM folder WHERE client IN ({listed})")  # fmt: skip
    limit = count / (time.perf_counter() - began)
    began = time.perf_counter()
    found = await compare(dossier, ids)
    ours = count / (time.perf_counter() - began)
    assert all(one.is_same for one in found)
    return [_row(f"who differs ({kind}), limit: reading the folders", len(ids), ours, limit)]


async def _back(kind: str, run: int, ids: list[int]) -> list[dict[str, Any]]:
    """Taking it back, next to a bare DELETE of the folders of one client in ten."""
    each = TOP * (IN_EACH + 1)
    spared = ids[::10]
    began = time.perf_counter()
    async with engine.writing():
        await engine.raw(f"DELETE FROM folder WHERE client IN ({', '.join(map(str, spared))})")
    limit = len(spared) * each / (time.perf_counter() - began)
    began = time.perf_counter()
    gone = 0
    for at in range(0, len(ids), BATCH):
        gone += await engine.run_writing(lambda batch=ids[at : at + BATCH]: take_out(run, batch))  # type: ignore[misc]
    ours = gone / (time.perf_counter() - began)
    assert gone == (len(ids) - len(spared)) * each
    return [_row(f"roll-out taken back ({kind}), limit: bare DELETE", len(ids), ours, limit)]


def _row(job: str, clients: int, ours: float, limit: float) -> dict[str, Any]:
    return {
        "job": job,
        "size": f"200 folders at {clients:,}",
        "ours": f"{ours:,.0f}/s",
        "limit": f"{limit:,.0f}/s",
        "ratio": ours / limit,
        "memory": f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB",
    }


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
