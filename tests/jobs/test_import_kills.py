"""A worker killed with -9 at random moments while it plans, carries out and takes back: never half an import, nothing
twice, nothing lost; and a web process killed while a file comes in."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from models import carrying, config, engine
from models.accounts import User
from models.imports import Import, add_import
from models.storage import storage
from models.tasks import Task
from models.viewer import Viewer
from tests import databases
from tests.cast import PASSWORD, people
from tests.house import House, house
from tests.jobs.posting import until
from tests.jobs.workers import Nursery

KILLS, OF_EACH = 100, 20  # that really cut something off; so many of them in every stage
UPLOADS = 12
OLD, NEW, GROUPS = 150, 450, 9
STAGES = ("plan_import", "commit_import", "undo_import")
HEADINGS = "Cliëntnummer;Naam;Plaats;Cliëntgroep;Voornaam;Achternaam;E-mail contactpersoon;Rol"

# All of it in one statement, so that it is what stood at one moment.
PICTURE = """
SELECT (SELECT state FROM import_batch WHERE id = $1) AS state,
 (SELECT count(*) FROM import_row WHERE batch = $1) AS planned,
 (SELECT count(*) FROM client WHERE number LIKE '9%') AS clients, (SELECT count(DISTINCT number) FROM client WHERE number LIKE '9%') AS numbers,
 (SELECT count(*) FROM client WHERE number LIKE '9%' AND city = 'Epe') AS moved,
 (SELECT count(*) FROM users WHERE email LIKE '%@bakkerij.example') AS people,
 (SELECT count(*) FROM access a JOIN client c ON c.id = a.client WHERE c.number LIKE '9%') AS accesses,
 (SELECT count(*) FROM membership m JOIN client c ON c.id = m.client WHERE c.number LIKE '9%') AS members,
 (SELECT count(*) FROM trail WHERE operation = 'Import.carry_out' AND record_id = $1) AS carried,
 (SELECT count(*) FROM trail WHERE operation = 'Import.take_back' AND record_id = $1) AS taken_back
"""
BEFORE = {"clients": OLD, "numbers": OLD, "moved": 0, "people": 0, "accesses": 0, "members": 0}
AFTER = {"clients": OLD + NEW, "numbers": OLD + NEW, "moved": OLD + NEW, "people": OLD + NEW, "accesses": OLD + NEW, "members": OLD + NEW}  # fmt: skip


def listed(*, first: bool) -> bytes:
    """The clients that are there already; or those in another town, and as many new ones three times over."""
    lines = [HEADINGS]
    for at in range(OLD if first else OLD + NEW):
        who = ";;;;;" if first else f"Groep {at % GROUPS};Jan {at};Vries {at};jan{at}@bakkerij.example;lezer"
        lines.append(f"{90000 + at};Bakkerij {at};{'Ede' if first else 'Epe'};{who}")
    return "\n".join(lines).encode("utf-8-sig")


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[list[Nursery]]:
    made: list[Nursery] = []
    yield made
    for one in made:
        one.end()


@pytest.mark.parametrize("kind", databases.kinds())
async def test_killed_at_any_moment_no_import_is_half(kind: str, tmp_path: Path, nursery: list[Nursery]):
    async with databases.Databases(people).copy(kind, "peopled") as url:
        anna = Viewer(await User.objects().where(User.email_key == "anna@kantoor.example").first())
        nursery.append(
            Nursery(
                tmp_path,
                DATABASE_URL=url,
                STORAGE_URL=config.settings().storage_url,
                QUEUE_URL=f"sqlite:///{tmp_path}/queue.db",
            )
        )
        await _Kills(anna, nursery[0], tmp_path).run()


class _Kills:
    def __init__(self, anna: Viewer, nursery: Nursery, var: Path) -> None:
        self.anna, self.nursery, self.var = anna, nursery, var
        self.chance = random.Random(5)
        self.hits: Counter[str] = Counter()  # kind of work > how often it was cut off
        self.within = dict.fromkeys(STAGES, 0.3)  # seconds; learnt, so that about half of the blows fall too late
        self.rounds = 0

    async def run(self) -> None:
        await self._prepare()
        turns = 0
        record = await self._add(listed(first=False))
        while sum(self.hits.values()) < KILLS or len(self.hits) < 3 or min(self.hits.values()) < OF_EACH:
            turns += 1
            assert turns < 500, (self.hits, self.nursery.log.read_text()[-3000:])
            await self._kill_somewhere(record)
            record = await self._go_on(await self._whole(record.id))
        assert self.rounds > 0, "nothing was ever carried out and taken back"
        await self._end_well(record)

    async def _prepare(self) -> None:
        worker = self.nursery.start()
        groups = "\n".join(("Cliëntgroep", *(f"Groep {n}" for n in range(GROUPS))))
        for content in (groups.encode(), listed(first=True)):
            record = await self._add(content)
            planned = await until(lambda number=record.id: self._at(number, "planned"), 20)
            await engine.run_writing(lambda of=planned: of.commit(of.plan_hash, by=self.anna))
            await until(lambda number=record.id: self._at(number, "committed"), 20)
        self.nursery.kill(worker)

    async def _add(self, content: bytes) -> Import:
        stored = await storage().put(content)
        return await engine.run_writing(
            lambda: add_import(
                self.anna.imports, file_name="a.csv", sha256=stored.sha256, size=len(content), by=self.anna
            )
        )

    async def _at(self, number: int, *states: str) -> Import | None:
        return await Import.objects().where((Import.id == number) & Import.state.is_in(list(states))).first()

    async def _work(self, number: int) -> dict[str, Any]:
        """The last work for it."""
        row = (
            await Task.select()
            .where((Task.subject_id == number) & Task.kind.is_in(STAGES))
            .order_by(Task.id, ascending=False)
            .first()
        )
        assert row is not None
        return row

    async def _kill_somewhere(self, record: Import) -> None:
        worker = self.nursery.start()
        work = await self._work(record.id)
        if work["state"] == "waiting":
            await until(lambda: self._is_begun(record.id), 20)
        await asyncio.sleep(self.chance.uniform(0, self.within[work["kind"]]))
        self.nursery.kill(worker)
        # What the next worker does of itself at its first look round; nobody else holds anything here.
        await carrying.take_back(await carrying.holders())

    async def _is_begun(self, number: int) -> bool:
        return (await self._work(number))["state"] != "waiting"

    async def _whole(self, number: int) -> Import:
        """It is as before or as after, and never in between."""
        picture = (await engine.raw(PICTURE, number))[0]
        state = picture["state"]
        is_there = state in ("committed", "undoing")
        found = {name: picture[name] for name in BEFORE}
        assert found == (AFTER if is_there else BEFORE), state
        assert state in ("planning", "planned", "committing", "committed", "undoing", "undone"), state
        assert picture["planned"] == (0 if state == "planning" else (OLD + NEW) * 2), state
        assert picture["carried"] == int(is_there or state == "undone")
        assert picture["taken_back"] == int(state == "undone")
        record = await Import.objects().where(Import.id == number).first()
        assert record is not None
        return record

    async def _go_on(self, record: Import) -> Import:
        """What a person does next: see the plan and carry it out, take it back, try again what was given up."""
        work = await self._work(record.id)
        if work["state"] == "running":
            self.hits[work["kind"]] += 1
        self.within[work["kind"]] *= 1.2 if work["state"] == "running" else 0.7
        if record.is_busy and work["state"] in ("waiting", "running"):
            return record
        if record.state == "planning":
            await engine.run_writing(lambda: record.plan(by=self.anna))
        elif record.state in ("planned", "committing"):
            await engine.run_writing(lambda: record.commit(record.plan_hash, by=self.anna))
        elif record.state in ("committed", "undoing"):
            await engine.run_writing(lambda: record.undo(by=self.anna))
        else:
            self.rounds += 1
            return await self._add(listed(first=False))
        return record

    async def _end_well(self, record: Import) -> None:
        """The next worker, left alone, finds what the dead ones held and ends it; or says that it gave up, and is asked again."""
        self.nursery.start()
        for _ in range(2):
            await until(lambda number=record.id: self._is_over(number), 30)
            record = await self._whole(record.id)
            if record.is_busy:
                await self._go_on(record)
        assert record.state in ("planned", "committed", "undone")
        await until(self._is_quiet, 10)
        assert not await engine.raw("SELECT id FROM errand WHERE kind = 'run_task' AND state NOT IN ('done', 'failed')")

    async def _is_over(self, number: int) -> bool:
        return (await self._work(number))["state"] not in ("waiting", "running")

    async def _is_quiet(self) -> bool:
        """No process that reads a sheet outlives its worker by much."""
        reading = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(self.var) in _said(path)]
        return not any("models.sheets" in _said(path) for path in reading)


def test_a_web_process_killed_while_a_file_comes_in_leaves_it_whole_or_not_at_all(tmp_path: Path):
    dice, answered, content = random.Random(3), 0, listed(first=True)
    with (
        house("small", tmp_path, worker=False, clients=3) as home,
        sqlite3.connect(tmp_path / "poort.db", timeout=10) as db,
    ):
        with httpx2.Client(base_url=home.url, headers={"Origin": home.url}, timeout=20) as anna:
            anna.post("/sign-in", data={"email": "anna@kantoor.example", "password": PASSWORD})
            for turn in range(UPLOADS):
                answered += _send_and_kill(home, anna, f"{turn}.csv", content, dice.uniform(0.0, 0.12))
                home.start_web()
        there = dict(db.execute("SELECT file_name, sha256 FROM import_batch").fetchall())
        assert answered <= len(there) <= UPLOADS
        assert 0 < answered < UPLOADS, "the blows fell all too early, or all too late"
        assert set(there.values()) == {hashlib.sha256(content).hexdigest()}
        home.start_worker()
        waiting = "SELECT count(*) FROM import_batch WHERE state <> 'planned'"
        for _ in range(300):
            if db.execute(waiting).fetchone() == (0,):
                break
            time.sleep(0.1)
        assert db.execute(waiting).fetchone() == (0,), home.logs[-2000:]
        counts = {counts for (counts,) in db.execute("SELECT counts FROM import_batch")}
        assert [json.loads(one)["new"] for one in counts] == [OLD]


def _send_and_kill(home: House, anna: httpx2.Client, name: str, content: bytes, patience: float) -> bool:
    """Whether the browser got its answer before the process was gone."""
    kill = threading.Timer(patience, home.processes["web"].kill)
    kill.start()
    try:
        return bool(anna.post("/imports", files={"file": (name, content)}).status_code == 303)
    except httpx2.HTTPError:
        return False
    finally:
        kill.join()
        home.processes["web"].wait()


def _said(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""
