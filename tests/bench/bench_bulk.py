"""Preparing 10,000 users out of their clients' own addresses: the look beforehand, carrying it out, undoing it.

`limit` is the bare insert of as many users and accesses, per database.
"""

from __future__ import annotations

import time
from typing import Any

from jobs.long_work import run
from models import engine
from models.bulk import BulkAct, prepare, start, undo
from models.bulk.running import fates
from models.clients import Client, matching
from models.settings import utcnow
from tests.bench.crowd import FIRST, gather
from tests.cast import assemble, people
from tests.databases import Databases, begin_run, end_run, kinds

COUNT = 10_000


async def measure(count: int = COUNT) -> list[dict[str, Any]]:
    began = begin_run()
    try:
        rows = []
        for kind in kinds():
            async with Databases(people).copy(kind, "peopled"):
                await gather(count)
                rows += await _measured(kind, count)
        return rows
    finally:
        if began:
            end_run()


async def _measured(kind: str, count: int) -> list[dict[str, Any]]:
    cast = await assemble()
    bare = await _bare(count)
    params = {"role": "lezer", "unnamed": "client"}
    chosen = matching(cast.anna).where(Client.id >= FIRST)
    steps = {}
    began = time.perf_counter()
    act = await engine.run_writing(lambda: prepare(chosen, "prepare_users", selection={}, params=params, by=cast.anna))
    await _background()
    steps["look beforehand"] = time.perf_counter() - began
    act = await _again(act)
    began = time.perf_counter()
    await engine.run_writing(lambda: start(act, by=cast.anna))
    await _background()
    steps["10,000 users prepared"] = time.perf_counter() - began
    async with engine.reading():
        assert (await fates(act)).get("done") == count, await fates(act)
    act = await _again(act)
    began = time.perf_counter()
    await engine.run_writing(lambda: undo(act, by=cast.anna))
    await _background()
    steps["undone"] = time.perf_counter() - began
    return [
        {
            "job": f"bulk: {step} ({kind})", "size": f"{count:,} clients", "ours": f"{took:.2f} s", "limit": f"{bare:.2f} s",
            "ratio": bare / took, "memory": "",
        }
        for step, took in steps.items()
    ]  # fmt: skip


async def _background() -> None:
    """What a worker would do."""
    while waiting := await engine.raw("SELECT min(id) AS id FROM errand WHERE kind = 'run_task' AND state = 'waiting'"):
        errand = waiting[0]["id"]
        if errand is None:
            return
        state, said = await run(errand)
        assert state == "done", said
        await engine.raw("UPDATE errand SET state = 'done' WHERE id = $1", errand)


async def _again(act: BulkAct) -> BulkAct:
    found = await BulkAct.objects().where(BulkAct.id == act.id).first()
    assert found is not None
    return found


async def _bare(count: int) -> float:
    """The same rows without a look, a trail or a rule; taken out again."""
    began, now, start_at = time.perf_counter(), utcnow(), 5_000_000
    async with engine.writing():
        rows = [
            (start_at + n, "client", "prepared", f"x{n}@b.example", f"x{n}@b.example", f"N{n}", now)
            for n in range(count)
        ]
        await engine.copy_rows("users", ("id", "kind", "state", "email", "email_key", "surname", "created_at"), rows)
        pairs = [(start_at + n, FIRST + n, "lezer", now) for n in range(count)]
        await engine.copy_rows("access", ("person", "client", "role", "created_at"), pairs)
    took = time.perf_counter() - began
    await engine.raw("DELETE FROM access WHERE person >= $1 AND person < $2", start_at, start_at + count)
    await engine.raw("DELETE FROM users WHERE id >= $1 AND id < $2", start_at, start_at + count)
    return took
