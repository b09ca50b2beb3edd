"""A worker killed with -9 at random moments while it copies a structure: no client ever has half of it, or any of it twice."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from models import carrying, engine
from models.dossiers import Dossier, Selection, add_structure, apply_structure
from models.settings import utcnow
from models.tasks import Task
from models.viewer import Viewer
from tests import databases
from tests.cast import as_viewer, people
from tests.jobs.posting import until
from tests.jobs.workers import Nursery

KILLS, ROUNDS = 24, 1  # that really cut something off; and copies that came to their end all the same
CLIENTS, TOP, IN_EACH = 520, 8, 4

PICTURE = """SELECT n, count(*) AS clients FROM (
 SELECT c.id, count(f.id) AS n FROM client c LEFT JOIN folder f ON f.client = c.id WHERE c.number LIKE '8%' GROUP BY c.id) AS counted
GROUP BY n"""
DOUBLE = """SELECT client FROM folder WHERE client IS NOT NULL AND trashed_at IS NULL
GROUP BY client, coalesce(parent, 0), name_key HAVING count(*) > 1"""
ASTRAY = """SELECT f.id FROM folder f JOIN folder p ON p.id = f.parent WHERE p.dossier <> f.dossier OR p.client <> f.client"""


@pytest.mark.parametrize("kind", databases.kinds())
async def test_killed_at_any_moment_every_client_has_all_of_it_once(kind: str, tmp_path: Path):
    async with databases.Databases(people).copy(kind, "peopled") as url:
        anna = await as_viewer("anna@kantoor.example")
        nursery = Nursery(tmp_path, DATABASE_URL=url, QUEUE_URL=f"sqlite:///{tmp_path}/queue.db")
        try:
            await _Kills(anna, nursery).run()
        finally:
            nursery.end()


class _Kills:
    def __init__(self, anna: Viewer, nursery: Nursery) -> None:
        self.anna, self.nursery = anna, nursery
        self.chance = random.Random(11)
        self.hits = self.half_way = self.rounds = 0
        self.within = 0.3  # seconds; learnt, so that about half of the blows fall too late

    async def run(self) -> None:
        self.structure = await self._prepare()
        await self._ask()
        for _ in range(KILLS * 6):
            if self.hits >= KILLS and self.rounds >= ROUNDS:
                break
            await self._kill_somewhere()
            await self._go_on()
        assert self.hits >= KILLS and self.rounds >= ROUNDS, self.nursery.log.read_text()[-3000:]
        assert self.half_way > 3, "every blow fell before or after the copying"
        await self._end_well()

    async def _prepare(self) -> Dossier:
        now = utcnow()
        await engine.copy_rows(
            "client",
            ("number", "number_key", "name", "sort_key", "search_key", "created_at"),
            [(f"8{n:04}", f"8{n:04}", f"Bakkerij {n}", f"bakkerij {n}", "", now) for n in range(CLIENTS)],
        )
        async with engine.writing():
            structure = await add_structure("standard", "Bakkers", by=self.anna)
            for at in range(TOP):
                top = await structure.add_folder(f"Map {at}", by=self.anna)
                for inside in range(IN_EACH):
                    await top.add_folder(f"Submap {inside}", by=self.anna)
        return structure

    async def _ask(self) -> None:
        asked = await engine.run_writing(lambda: apply_structure(self.structure, Selection("all"), by=self.anna))
        assert isinstance(asked, Task)

    async def _work(self) -> str:
        row = await Task.select(Task.state).order_by(Task.id, ascending=False).first()
        assert row is not None
        return str(row["state"])

    async def _kill_somewhere(self) -> None:
        worker = self.nursery.start()
        if await self._work() == "waiting":
            await until(self._is_begun, 20)
        await asyncio.sleep(self.chance.uniform(0, self.within))
        self.nursery.kill(worker)
        # What the next worker does of itself at its first look round; nobody else holds anything here.
        await carrying.take_back(await carrying.holders())

    async def _is_begun(self) -> bool:
        return await self._work() != "waiting"

    async def _is_over(self) -> bool:
        return await self._work() not in ("waiting", "running")

    async def _go_on(self) -> None:
        """What a person does next: see that a copy is whole and make another one, or ask again for one that was given up."""
        with_it = await self._with_it()
        state = await self._work()
        self.hits += state == "running"
        self.half_way += state == "running" and 0 < with_it < CLIENTS
        self.within *= 1.2 if state == "running" else 0.7
        if state == "done":
            assert with_it == CLIENTS
            self.rounds += 1
            await engine.raw("DELETE FROM dossier WHERE client IN (SELECT id FROM client WHERE number LIKE '8%')")
        if state in ("done", "failed"):
            await self._ask()

    async def _with_it(self) -> int:
        """How many clients have all of it; the others have nothing, and nobody has anything twice."""
        found = {row["n"]: row["clients"] for row in await engine.raw(PICTURE)}
        assert set(found) <= {0, TOP * (IN_EACH + 1)}
        assert not await engine.raw(DOUBLE)
        assert not await engine.raw(ASTRAY)
        return int(found.get(TOP * (IN_EACH + 1), 0))

    async def _end_well(self) -> None:
        """The next worker, left alone, brings it to its end; or says that it gave up, and is asked again."""
        self.nursery.start()
        await until(self._is_over, 30)
        if await self._work() == "failed":
            await self._ask()
            await until(self._is_over, 30)
        assert await self._work() == "done"
        assert await self._with_it() == CLIENTS
        lines = await engine.raw(
            "SELECT detail, count(*) AS n FROM trail WHERE operation = 'Dossier.apply_structure' GROUP BY detail"
        )
        assert f'{{"added": {TOP * (IN_EACH + 1)}}}' in {line["detail"] for line in lines}
