"""A worker killed with -9 at random moments while it unpacks and places: no file is lost, and none stands anywhere twice."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from models import carrying, engine
from models.dossiers import NewDocument
from models.placing import Placing, begin_placing
from models.storage import storage
from models.tasks import Task
from models.viewer import Viewer
from tests import databases
from tests.cast import as_viewer, people
from tests.jobs.posting import until
from tests.jobs.workers import Nursery
from tests.models.test_placing import USUAL, zipped

KILLS = 8  # that really cut something off, of each kind of work
FILES = 1500

ASTRAY = """SELECT p.id FROM placement_file p LEFT JOIN document d ON d.id = p.document LEFT JOIN folder f ON f.id = d.folder
WHERE p.state = 'placed' AND (d.id IS NULL OR d.client <> p.client OR d.sha256 <> p.sha256 OR f.client <> p.client)"""
DOUBLE = """SELECT folder, name_key FROM document WHERE name LIKE 'stuk %' AND trashed_at IS NULL GROUP BY folder, name_key HAVING count(*) > 1"""
FOLDERS = """SELECT client, coalesce(parent, 0), name_key FROM folder WHERE trashed_at IS NULL AND client IS NOT NULL
GROUP BY client, coalesce(parent, 0), name_key HAVING count(*) > 1"""


@pytest.mark.parametrize("kind", databases.kinds())
async def test_killed_at_any_moment_every_file_comes_out_and_is_placed_once(kind: str, tmp_path: Path) -> None:
    async with databases.Databases(people).copy(kind, "peopled") as url:
        anna = await as_viewer("anna@kantoor.example")
        nursery = Nursery(
            tmp_path,
            DATABASE_URL=url,
            QUEUE_URL=f"sqlite:///{tmp_path}/queue.db",
            STORAGE_URL=f"file://{tmp_path}/files",
        )
        try:
            await _Kills(anna, nursery, tmp_path).run()
        finally:
            nursery.end()


class _Kills:
    def __init__(self, anna: Viewer, nursery: Nursery, folder: Path) -> None:
        self.anna, self.nursery, self.folder = anna, nursery, folder
        self.chance = random.Random(7)

    async def run(self) -> None:
        from models.storage import open_storage

        numbers = [row["number"] for row in await engine.raw("SELECT number FROM client ORDER BY id")]
        data = zipped(
            *[(f"{numbers[n % len(numbers)]}_stuk {n}.pdf", b"%PDF-1.4 " + b"%d" % n * 50) for n in range(FILES)]
        )
        store = open_storage(f"file://{self.folder}/files")
        kept = await store.put(data)
        assert storage() is not store

        async def begin() -> Placing:
            placing = await begin_placing(by=self.anna)
            await placing.add_files([NewDocument("alles.zip", kept.sha256, kept.size, "application/zip")], by=self.anna)
            return placing

        placing = await engine.run_writing(begin)
        await self._through(placing, self._read)
        assert await self._count("matched") == FILES
        await engine.run_writing(lambda: placing_again(placing, lambda one: one.set_up(USUAL, by=self.anna)))
        await engine.run_writing(lambda: placing_again(placing, lambda one: one.place(by=self.anna)))
        await self._through(placing, self._placed, 0.12)
        assert await self._count("placed") == FILES
        await engine.run_writing(lambda: placing_again(placing, lambda one: one.undo(by=self.anna)))
        await self._through(placing, self._placed, 0.12)
        assert await self._count("matched") == FILES
        assert not (await engine.raw("SELECT 1 AS one FROM document WHERE name LIKE 'stuk %' AND trashed_at IS NULL"))

    async def _through(self, placing: Placing, holds: Any, within: float = 0.3) -> None:
        """Killed again and again, and then left alone; what holds, holds after every blow."""
        hits = 0
        for _ in range(KILLS * 6):
            if hits >= KILLS or await self._is_over(placing):
                break
            worker = self.nursery.start()
            await asyncio.sleep(self.chance.uniform(0.02, within))
            self.nursery.kill(worker)
            await carrying.take_back(await carrying.holders())
            hits += not await self._is_over(placing)
            await holds(placing)
            await self._again_when_given_up(placing)
        worker = self.nursery.start()

        async def over() -> bool:
            await self._again_when_given_up(placing)
            return await self._is_over(placing)

        await until(over, 60)
        await holds(placing)
        self.nursery.kill(worker)
        await carrying.take_back(await carrying.holders())
        assert hits, "no blow fell in time"

    async def _again_when_given_up(self, placing: Placing) -> None:
        """After five deaths the work is put down; somebody presses the button to go on."""
        task = await Task.objects().where(Task.subject_id == placing.id).order_by(Task.id, ascending=False).first()
        if task is not None and task.state == "failed" and not await self._is_over(placing):
            await engine.run_writing(lambda: placing_again(placing, lambda one: one.go_on(by=self.anna)))

    async def _is_over(self, placing: Placing) -> bool:
        rows = await engine.raw("SELECT state FROM placement WHERE id = $1", placing.id)
        return bool(rows[0]["state"] == "open")

    async def _read(self, placing: Placing) -> None:
        rows = await engine.raw("SELECT count(*) AS n FROM placement_file")
        assert rows[0]["n"] in (0, FILES)

    async def _placed(self, placing: Placing) -> None:
        assert not await engine.raw(ASTRAY) and not await engine.raw(DOUBLE) and not await engine.raw(FOLDERS)
        rows = await engine.raw("SELECT count(*) AS n FROM document WHERE name LIKE 'stuk %' AND trashed_at IS NULL")
        assert rows[0]["n"] == await self._count("placed")

    async def _count(self, state: str) -> int:
        rows = await engine.raw("SELECT count(*) AS n FROM placement_file WHERE state = $1", state)
        return int(rows[0]["n"])


async def placing_again(placing: Placing, act: Any) -> None:
    """As somebody who opened the page afresh."""
    found = await Placing.objects().where(Placing.id == placing.id).first()
    assert found is not None
    await act(found)
