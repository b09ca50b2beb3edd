"""A worker killed with -9 while it destroys, or while it hashes files anew: nothing is gone without its line, and it comes to an end."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import random
from pathlib import Path

import pytest

from models import carrying, config, engine, tidying
from models.keeping import certificate, destroying, rehashing
from models.keeping.records import Destruction
from models.settings import utcnow
from models.storage import storage
from models.tasks import Task
from tests import databases
from tests.cast import Cast, assemble, people
from tests.jobs.posting import until
from tests.jobs.workers import Nursery
from tests.models.keeping import folder_with, proposal

DOCUMENTS, WITH_BYTES, KILLS = 2400, 60, 10

ASTRAY = """SELECT count(*) AS n FROM destruction_item i WHERE (i.state = 'destroyed') = EXISTS (SELECT 1 FROM document d WHERE d.id = i.document)"""


@pytest.mark.parametrize("kind", databases.kinds())
@pytest.mark.parametrize("work", ["destroy", "check"])
async def test_killed_at_any_moment_it_goes_on_where_it_was(kind: str, work: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("POORT_VAR", str(tmp_path))
    config.reset()
    async with databases.Databases(people).copy(kind, "peopled") as url:
        cast = await assemble()
        await engine.raw("DELETE FROM document")
        hashes = await many(cast)
        nursery = Nursery(tmp_path, DATABASE_URL=url, QUEUE_URL=f"sqlite:///{tmp_path}/queue.db")
        try:
            await (destroying_it(cast, nursery, hashes) if work == "destroy" else checking_it(cast, nursery, hashes))
        finally:
            nursery.end()
    monkeypatch.undo()
    config.reset()


async def many(cast: Cast) -> list[str]:
    """Documents long over their term, some with bytes."""
    folder = await folder_with(cast, "Oud")
    hashes = [(await storage().put(f"inhoud {n}".encode() * 20_000)).sha256 for n in range(WITH_BYTES)]
    every = [*hashes, *(f"{n:064x}" for n in range(DOCUMENTS - WITH_BYTES))]
    columns = ("folder", "client", "name", "name_key", "sha256", "size", "mime", "source", "uploaded_at", "book_year")
    rows = [
        (folder.id, cast.bakkerij, f"oud {n}.txt", f"oud {n}.txt", sha256, 9, "text/plain", "office", utcnow(), 2010)
        for n, sha256 in enumerate(every)
    ]
    await engine.copy_rows("document", columns, rows)
    return hashes


async def killing(nursery: Nursery, seconds: float) -> int:
    """Start and kill workers; how often one was hit at work. A task that was cut off five times is given up, so three is enough."""
    chance, hits = random.Random(5), 0
    for _ in range(KILLS * 8):
        worker = nursery.start()
        await until(began, 30)
        await asyncio.sleep(chance.uniform(0, seconds))
        nursery.kill(worker)
        await carrying.take_back(await carrying.holders())
        if await state() != "running":
            break
        hits += 1
        if hits == 3:
            break
    return hits


async def state() -> str:
    return str((await engine.raw("SELECT state FROM task ORDER BY id DESC LIMIT 1"))[0]["state"])


async def began() -> bool:
    return await state() != "waiting"


async def over() -> bool:
    return await state() not in ("waiting", "running")


async def destroying_it(cast: Cast, nursery: Nursery, hashes: list[str]) -> None:
    made = await proposal()
    async with engine.writing():
        await destroying.confirm(made, "Termijn voorbij", str(DOCUMENTS), by=cast.anna)

    hits = await killing(nursery, 0.25)
    assert (await engine.raw(ASTRAY))[0]["n"] == 0
    nursery.start()
    await until(over, 60)

    done = await Destruction.objects().get(Destruction.id == made.id)
    assert await state() == "done" and hits
    assert (done.state, done.destroyed, done.dropped) == ("done", DOCUMENTS, 0)
    assert (await engine.raw("SELECT count(*) AS n FROM document"))[0]["n"] == 0
    assert await certificate.verdict(done) is None
    rows = await engine.raw("SELECT versions FROM destruction_item WHERE destruction = $1", made.id)
    assert all(len(json.loads(row["versions"])) == 1 for row in rows)
    await tidying.sweep_storage(dt.timedelta(seconds=-1))  # what a kill left between a commit and its bytes
    assert not any([await storage().exists(sha256) for sha256 in hashes])


async def checking_it(cast: Cast, nursery: Nursery, hashes: list[str]) -> None:
    await engine.raw("DELETE FROM document WHERE sha256 LIKE '000000%'")  # those without bytes
    broken = hashes[7]
    storage().plain.path_of(broken).write_bytes(b"kapot")
    task = await engine.run_writing(lambda: rehashing.start_checking(by=cast.anna))
    assert isinstance(task, Task)

    await killing(nursery, 0.1)
    nursery.start()
    await until(over, 60)

    assert await state() == "done"
    states = {row["hash"]: row["state"] for row in await engine.raw("SELECT hash, state FROM file_check")}
    assert {sha256: states[sha256] for sha256 in hashes} == {
        sha256: "broken" if sha256 == broken else "good" for sha256 in hashes
    }
