"""A worker killed with -9 while it seals: no second certificate, and none missing."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from pathlib import Path

import pytest

from models import carrying, config, engine, tidying
from models import storage as stores
from models.approvals import record
from models.certifying import completing
from tests import certifying as papers
from tests import databases
from tests.cast import assemble, people
from tests.jobs.posting import until
from tests.jobs.workers import Nursery

REQUESTS, KILLS = 10, 3

# What must be so at every moment, also the one after a kill: filed, or not yet begun.
_BOTH = """SELECT r.id, r.state, (SELECT count(*) FROM approval_seal s WHERE s.request = r.id) AS seals,
 (SELECT count(*) FROM approval_record a WHERE a.request = r.id AND a.act = 'sealed') AS sealed,
 (SELECT count(*) FROM approval_record a WHERE a.request = r.id AND a.act = 'filed') AS filed,
 (SELECT count(*) FROM document d JOIN approval_seal s ON s.document = d.id AND s.sha256 = d.sha256 WHERE s.request = r.id) AS certificates,
 (SELECT count(*) FROM document d JOIN approval_document p ON p.document = d.id AND p.sha256 = d.sha256 WHERE p.request = r.id) AS originals
FROM approval_request r ORDER BY r.id"""
_DONE, _NOT_YET = ("filed", 1, 1, 1, 1, 1), ("approved", 0, 0, 0, 0, 0)


@pytest.mark.parametrize("kind", databases.kinds())
async def test_killed_at_any_moment_each_is_sealed_exactly_once(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POORT_VAR", str(tmp_path))
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/files")
    config.reset()
    stores.reset()
    async with databases.Databases(people).copy(kind, "peopled") as url:
        cast = await assemble()
        await papers.with_certificate()
        await papers.many_approved(cast, REQUESTS)
        nursery = Nursery(
            tmp_path,
            DATABASE_URL=url,
            QUEUE_URL=f"sqlite:///{tmp_path}/queue.db",
            STORAGE_URL=f"file://{tmp_path}/files",
        )
        try:
            hits = await _killing(nursery)
            nursery.start()
            await until(_over, 60)
        finally:
            nursery.end()
        assert {tuple(row.values())[1:] for row in await engine.raw(_BOTH)} == {_DONE}
        assert hits >= 2, "the kills came while there was nothing to do"
        assert (await engine.raw("SELECT count(*) AS n FROM document WHERE of_approval"))[0]["n"] == 2 * REQUESTS
        assert (await record.verify_all()).holds
        await tidying.sweep_storage(dt.timedelta(seconds=-1))  # what a kill left between a certificate and its commit
        for row in await engine.raw("SELECT sha256 FROM approval_seal"):
            assert await completing.is_whole(row["sha256"])
    monkeypatch.undo()
    config.reset()
    stores.reset()


async def _killing(nursery: Nursery) -> int:
    """Start workers and kill them at work; how often one was hit while it had sealed some and others waited."""
    chance, hits = random.Random(7), 0
    for _ in range(KILLS):
        before = await _filed()

        async def began(before: int = before) -> bool:
            return await _filed() > before

        worker = nursery.start()
        await until(began, 30)
        await asyncio.sleep(chance.uniform(0, 0.4))
        nursery.kill(worker)
        await carrying.take_back(await carrying.holders())
        assert {tuple(row.values())[1:] for row in await engine.raw(_BOTH)} <= {_DONE, _NOT_YET}
        hits += await _filed() < REQUESTS
        if await _filed() == REQUESTS:
            break
    return hits


async def _filed() -> int:
    return int((await engine.raw("SELECT count(*) AS n FROM approval_request WHERE state = 'filed'"))[0]["n"])


async def _over() -> bool:
    return await _filed() == REQUESTS
