"""A worker killed with -9 at random moments while it makes a book year ready, or reads a dossier in: never half, never twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from models import carrying, engine
from models.clients.records import add_client
from models.dossiers import NewDocument, Selection, add_structure
from models.dossiers import years as booking
from models.dossiers.grants import set_grants
from models.dossiers.rolling import apply_to
from models.dossiers.structures import Wanted, chosen, open_dossier
from models.moving.importing import add_archive, read_archive
from models.moving.records import DossierImport
from models.settings import utcnow
from models.storage import storage
from models.tasks import WORKS, Progress, Task
from models.viewer import Viewer
from tests import databases
from tests.cast import as_viewer, people
from tests.jobs.posting import until
from tests.jobs.workers import Nursery
from tests.models.test_moving import archive_of, manifest_in, stored_at

KILLS, CLIENTS, DOCUMENTS = 10, 520, 400

DOUBLE = """SELECT client FROM folder WHERE client IS NOT NULL AND trashed_at IS NULL
GROUP BY client, coalesce(parent, 0), name_key HAVING count(*) > 1"""


async def state() -> str:
    row = await Task.select(Task.state).order_by(Task.id, ascending=False).first()
    assert row is not None
    return str(row["state"])


async def is_begun() -> bool:
    return await state() != "waiting"


async def is_over() -> bool:
    return await state() not in ("waiting", "running")


async def killed_often(
    nursery: Nursery,
    ask: Callable[[], Awaitable[Any]],
    look: Callable[[], Awaitable[None]],
    again: Callable[[], Awaitable[None]],
) -> None:
    """Ask for the work and kill who does it until KILLS blows fell in the middle of it; then let it end. `look` is what must hold
    at every moment, `again` undoes what was done when a worker was too quick."""
    chance, hits, within = random.Random(7), 0, 0.25
    await ask()
    for _ in range(KILLS * 8):
        if hits >= KILLS:
            break
        worker = nursery.start()
        await until(is_begun, 20)
        await asyncio.sleep(chance.uniform(0, within))
        nursery.kill(worker)
        await carrying.take_back(await carrying.holders())
        now = await state()
        hits, within = hits + (now == "running"), within * (1.2 if now == "running" else 0.7)
        await look()
        if now == "done":
            await again()
        if now in ("done", "failed"):
            await ask()
    assert hits >= KILLS, nursery.log.read_text()[-3000:]
    nursery.start()
    await until(is_over, 30)
    if await state() == "failed":
        await ask()
        await until(is_over, 30)
    assert await state() == "done"
    await look()


@pytest.mark.parametrize("kind", databases.kinds())
async def test_a_book_year_comes_whole_and_once_with_its_rights(kind: str, tmp_path: Path) -> None:
    async with databases.Databases(people).copy(kind, "peopled") as url:
        anna = await as_viewer("anna@kantoor.example")
        await _two_structures(anna)
        nursery = Nursery(tmp_path, DATABASE_URL=url, QUEUE_URL=f"sqlite:///{tmp_path}/queue.db")

        async def look() -> None:
            """Of each client both structures' folders of the year, with who may see them, or nothing."""
            rows = await engine.raw(
                "SELECT client, count(*) AS n, sum((SELECT count(*) FROM folder_grant g WHERE g.folder = f.id AND g.client = f.client)) AS opened "
                "FROM folder f WHERE year = 2027 AND client IS NOT NULL GROUP BY client"
            )
            assert {(row["n"], int(row["opened"])) for row in rows} <= {(6, 4)}
            assert not await engine.raw(DOUBLE)

        try:
            await killed_often(
                nursery,
                lambda: engine.run_writing(lambda: booking.roll_forward(2027, by=anna)),
                look,
                lambda: engine.raw("DELETE FROM folder WHERE year = 2027"),  # type: ignore[arg-type, return-value]
            )
        finally:
            nursery.end()
        count = await engine.raw(
            "SELECT count(DISTINCT client) AS n FROM folder WHERE year = 2027 AND client IS NOT NULL"
        )
        assert count[0]["n"] == len(await chosen(anna, Selection("all")))


async def _two_structures(anna: Viewer) -> None:
    now = utcnow()
    await engine.copy_rows(
        "client",
        ("number", "number_key", "name", "sort_key", "search_key", "created_at"),
        [(f"8{n:04}", f"8{n:04}", f"Bakkerij {n}", f"bakkerij {n}", "", now) for n in range(CLIENTS)],
    )
    template = (await engine.raw("SELECT min(id) AS id FROM rights_template"))[0]["id"]
    clients = await chosen(anna, Selection("all"))
    for name in ("Een", "Twee"):
        structure = await add_structure("standard", name, by=anna)
        top = await structure.add_folder(f"{name} {{boekjaar}}", by=anna)
        for n in range(2):
            inside = await top.add_folder(f"Map {n}", by=anna)
            await set_grants(inside, {template: bool(n)}, by=anna)
        for at in range(0, len(clients), 250):
            batch = clients[at : at + 250]
            await engine.run_writing(
                lambda batch=batch, id=structure.id: apply_to(id, batch, Wanted(2026), by=anna.user.id)
            )  # type: ignore[misc]


@pytest.mark.parametrize("kind", databases.kinds())
async def test_a_dossier_is_read_in_whole_and_once(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with stored_at(f"file://{tmp_path}/store", monkeypatch):
        async with databases.Databases(people).copy(kind, "peopled") as url:
            anna = await as_viewer("anna@kantoor.example")
            client = await add_client(anna.clients, number="777", name="Groot", by=anna)
            await _many_documents(anna, client)
            archive = await archive_of(client.id)
            await engine.raw("DELETE FROM dossier WHERE client = $1", client.id)
            kept = await storage().put(archive)
            record = await add_archive(
                anna.scope(DossierImport), file_name="d.zip", sha256=kept.sha256, size=kept.size, by=anna
            )
            task = await record.running()
            assert task is not None
            await WORKS["check_dossier"](task, Progress(task))
            await engine.raw("UPDATE task SET state = 'done'")
            await engine.raw("UPDATE errand SET state = 'done'")
            environment = {
                "DATABASE_URL": url,
                "QUEUE_URL": f"sqlite:///{tmp_path}/queue.db",
                "STORAGE_URL": f"file://{tmp_path}/store",
            }
            nursery = Nursery(tmp_path, **environment)

            async def ask() -> None:
                fresh = await anna.scope(DossierImport).get(record.id)
                await engine.run_writing(lambda: read_archive(fresh, by=anna))

            async def look() -> None:
                rows = await engine.raw(
                    "SELECT name FROM document WHERE client = $1 GROUP BY folder, name_key, name HAVING count(*) > 1 UNION ALL "
                    "SELECT d.name FROM document d WHERE d.client = $1 AND NOT EXISTS (SELECT 1 FROM dossier_import_item i WHERE i.record_id = d.id AND i.key LIKE 'd%')",
                    client.id,
                )
                assert not rows

            async def again() -> None:
                await engine.raw("DELETE FROM dossier WHERE client = $1", client.id)
                await engine.raw("DELETE FROM dossier_import_item WHERE batch = $1", record.id)
                await engine.raw("UPDATE dossier_import SET state = 'planned' WHERE id = $1", record.id)

            try:
                await killed_often(nursery, ask, look, again)
            finally:
                nursery.end()
            assert manifest_in(await archive_of(client.id)) == manifest_in(archive)


async def _many_documents(anna: Viewer, client: Any) -> None:
    dossier = await open_dossier(client, by=anna)
    for n in range(4):
        folder = await dossier.add_folder(f"Map {n}", by=anna)
        files = []
        for at in range(DOCUMENTS // 4):
            kept = await storage().put(f"{n} {at}".encode())
            files.append(NewDocument(f"stuk {at}.txt", kept.sha256, kept.size, "text/plain"))
        await folder.add_documents(files, by=anna)
