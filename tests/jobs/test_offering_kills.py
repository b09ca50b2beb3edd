"""A worker killed with -9 at random moments while it looks into files, makes requests and takes them back: nobody is asked twice."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from models import carrying, engine
from models.approvals.record import BEGIN, link_of
from models.dossiers import NewDocument
from models.offering import begin_offering, carry_out, set_up, undo
from models.placing import Placing
from models.sample.papers import pdf
from models.settings import utcnow
from models.tasks import Task
from models.viewer import Viewer
from tests import databases
from tests.cast import as_viewer, people
from tests.jobs.posting import until
from tests.jobs.workers import Nursery
from tests.models.test_offering import usual
from tests.models.test_placing import zipped

KILLS = 3  # that really cut something off, of each kind of work
CLIENTS = 300

TWICE = "SELECT client FROM approval_request WHERE state NOT IN ('withdrawn', 'replaced') GROUP BY client HAVING count(*) > 1"
ASTRAY = """SELECT f.id FROM placement_file f LEFT JOIN approval_request r ON r.id = f.request LEFT JOIN approval_document d ON d.request = r.id AND d.sha256 = f.sha256
WHERE f.state = 'placed' AND (r.id IS NULL OR r.client <> f.client OR d.id IS NULL)"""
UNASKED = """SELECT r.id FROM approval_request r WHERE r.state = 'offered' AND NOT EXISTS (SELECT 1 FROM approver a WHERE a.request = r.id AND a.state = 'asked')"""


@pytest.mark.parametrize("kind", databases.kinds())
async def test_killed_at_any_moment_every_client_is_asked_once(kind: str, tmp_path: Path) -> None:
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


async def _many_clients() -> list[str]:
    """Each with somebody who may approve."""
    now, numbers = utcnow(), [f"zz{n}" for n in range(CLIENTS)]
    columns = ("number", "number_key", "name", "sort_key", "search_key", "created_at")
    await engine.run_writing(lambda: engine.copy_rows("client", columns, [(n, n, n, n, n, now) for n in numbers]))
    await engine.raw(
        "INSERT INTO access (person, client, rights, own, role, created_at) SELECT (SELECT id FROM users WHERE email = 'rik@bakkerij-jansen.example'), "
        "id, 21, 21, '', created_at FROM client WHERE number LIKE 'zz%'"
    )
    return numbers


class _Kills:
    def __init__(self, anna: Viewer, nursery: Nursery, folder: Path) -> None:
        self.anna, self.nursery, self.folder = anna, nursery, folder
        self.chance = random.Random(7)

    async def run(self) -> None:
        from models.storage import open_storage

        numbers = await _many_clients()
        data = zipped(*[(f"{number}_Btw.pdf", pdf(number)) for number in numbers])
        kept = await open_storage(f"file://{self.folder}/files").put(data)

        async def begin() -> Placing:
            placing = await begin_offering(by=self.anna)
            await placing.add_files([NewDocument("alles.zip", kept.sha256, kept.size, "application/zip")], by=self.anna)
            return placing

        placing = await engine.run_writing(begin)
        await self._through(placing, 2.0)
        assert await self._count("matched") == CLIENTS
        year = utcnow().year + 1  # what is long past its deadline, the same worker lets expire
        chosen = await usual(ends="offer", warned="place", book_year=year)
        await self._do(placing, lambda one: set_up(one, chosen, by=self.anna))
        await self._do(placing, lambda one: carry_out(one, by=self.anna))
        await self._through(placing, 0.2)
        assert await self._count("placed") == CLIENTS and await self._requests("offered") == CLIENTS
        await self._do(placing, lambda one: undo(one, by=self.anna))
        await self._through(placing, 0.2)
        assert await self._count("matched") == CLIENTS and await self._requests("withdrawn") == CLIENTS
        await self._proof_holds()

    async def _do(self, placing: Placing, act: Any) -> None:
        """As somebody who opened the page afresh."""
        found = await Placing.objects().where(Placing.id == placing.id).first()
        await engine.run_writing(lambda: act(found))

    async def _through(self, placing: Placing, within: float) -> None:
        """Killed again and again, and then left alone; what holds, holds after every blow."""
        hits = 0
        for _ in range(KILLS * 5):
            if hits >= KILLS or await self._is_over(placing):
                break
            worker = self.nursery.start()
            await asyncio.sleep(self.chance.uniform(0.02, within))
            self.nursery.kill(worker)
            await carrying.take_back(await carrying.holders())
            hits += not await self._is_over(placing)
            await self._holds()
            await self._again_when_given_up(placing)
        worker = self.nursery.start()

        async def over() -> bool:
            await self._again_when_given_up(placing)
            return await self._is_over(placing)

        await until(over, 120)
        await self._holds()
        self.nursery.kill(worker)
        await carrying.take_back(await carrying.holders())
        assert hits, "no blow fell in time"

    async def _again_when_given_up(self, placing: Placing) -> None:
        """After five deaths the work is put down; somebody presses the button to go on."""
        task = await Task.objects().where(Task.subject_id == placing.id).order_by(Task.id, ascending=False).first()
        if task is not None and task.state == "failed" and not await self._is_over(placing):
            await self._do(placing, lambda one: one.go_on(by=self.anna))

    async def _is_over(self, placing: Placing) -> bool:
        return bool((await engine.raw("SELECT state FROM placement WHERE id = $1", placing.id))[0]["state"] == "open")

    async def _holds(self) -> None:
        assert not await engine.raw(TWICE) and not await engine.raw(ASTRAY) and not await engine.raw(UNASKED)
        rows = await engine.raw(
            "SELECT count(*) AS n FROM approval_request WHERE state NOT IN ('withdrawn', 'replaced')"
        )
        assert rows[0]["n"] == await self._count("placed")

    async def _proof_holds(self) -> None:
        ends: dict[int, str] = {}
        for row in await engine.raw("SELECT * FROM approval_record ORDER BY request, number"):
            assert row["previous"] == ends.get(row["request"], BEGIN) and link_of(row) == row["link"]
            ends[row["request"]] = row["link"]
        assert len(ends) == CLIENTS

    async def _count(self, state: str) -> int:
        return int((await engine.raw("SELECT count(*) AS n FROM placement_file WHERE state = $1", state))[0]["n"])

    async def _requests(self, state: str) -> int:
        return int((await engine.raw("SELECT count(*) AS n FROM approval_request WHERE state = $1", state))[0]["n"])
