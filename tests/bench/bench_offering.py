"""2,000 PDFs by ZIP for approval at 2,000 clients: taken out and looked into, planned, offered, undone.

`limit` is the bare insert of as many requests with a document, an approver and three lines of proof each, per database. What it
costs to open 2,000 PDFs in another process stands in the first line. `memory` is the most that this process held more than before.
"""

from __future__ import annotations

import io
import re
import time
import zipfile
from pathlib import Path
from typing import Any

from jobs.long_work import run
from models import engine
from models.dossiers import NewDocument
from models.offering import CHOICES, begin_offering, carry_out, set_up, undo
from models.offering.plan import offering_of
from models.placing import Placing
from models.sample.papers import pdf
from models.settings import utcnow
from models.storage import storage
from models.viewer import Right
from tests.bench.crowd import FIRST, gather
from tests.cast import assemble, people
from tests.databases import Databases, begin_run, end_run, kinds

COUNT = 2_000


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
    bare, data = await _bare(count), await _archive(count)
    before = _most(anew=True)
    steps: dict[str, float] = {}

    async def timed(step: str, act: Any) -> None:
        began = time.perf_counter()
        await engine.run_writing(act)
        await _background()
        steps[step] = time.perf_counter() - began

    placing = await engine.run_writing(lambda: begin_offering(by=cast.anna))
    await timed("taken out of the ZIP and looked into", lambda: placing.add_files([data], by=cast.anna))
    values = await _chosen()
    fresh = await _again(placing)
    await timed("planned", lambda: set_up(fresh, values, by=cast.anna))
    told = (await offering_of(placing)).told
    assert told["offered"] == count, told
    await timed("offered", lambda: carry_out(fresh, by=cast.anna))
    await _require("offered", count)
    fresh = await _again(placing)
    await timed("undone", lambda: undo(fresh, by=cast.anna))
    await _require("withdrawn", count)
    memory = f"+{(_most() - before) / 1024:.0f} MB"
    return [
        {
            "job": f"placing for approval: {step} ({kind})", "size": f"{count:,} PDFs", "ours": f"{took:.2f} s", "limit": f"{bare:.2f} s",
            "ratio": bare / took, "memory": memory,
        }
        for step, took in steps.items()
    ]  # fmt: skip


def _most(*, anew: bool = False) -> int:
    """The most that this process held, in KB; `anew` counts from now on."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) if found else 0


async def _archive(count: int) -> NewDocument:
    """One PDF for each client, who has somebody that may approve."""
    rows = await engine.raw(f"SELECT id, number FROM client WHERE id >= {FIRST} ORDER BY id LIMIT {count}")
    who, now = (await engine.raw("SELECT min(id) AS id FROM users WHERE kind = 'client'"))[0]["id"], utcnow()
    rights = int(Right.VIEW_DOSSIER | Right.VIEW_APPROVALS | Right.APPROVE)
    columns = ("person", "client", "rights", "own", "role", "created_at")
    given = [(who, row["id"], rights, rights, "", now) for row in rows]
    await engine.run_writing(lambda: engine.copy_rows("access", columns, given))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for row in rows:
            archive.writestr(f"{row['number']}_Btw-jan.pdf", pdf(row["number"]))
    kept = await storage().put(out.getvalue())
    return NewDocument("alles.zip", kept.sha256, kept.size, "application/zip")


async def _chosen() -> dict[str, Any]:
    kind = (await engine.raw("SELECT id FROM approval_kind WHERE rule = 'ob' ORDER BY id LIMIT 1"))[0]["id"]
    await engine.raw("UPDATE approval_kind SET needs_sign_off = $1", False)
    return {name: ways[0] for name, ways in CHOICES.items()} | {
        "kind": kind, "book_year": 2026, "period": "m01", "message": "", "internal_due": None, "legal_due": None, "amount": None,
        "dated_on": None, "together": True, "ends": "offer", "warned": "place",
    }  # fmt: skip


async def _bare(count: int) -> float:
    """Six rows for each, by COPY or many at once, and taken out again."""
    began = time.perf_counter()
    await engine.raw("CREATE TABLE bare_offering (a integer, b integer, c text, d text)")
    rows = [(n, n, "x" * 64, "y" * 200) for n in range(count * 6)]
    await engine.run_writing(lambda: engine.copy_rows("bare_offering", ("a", "b", "c", "d"), rows))
    took = time.perf_counter() - began
    await engine.raw("DROP TABLE bare_offering")
    return took


async def _require(state: str, count: int) -> None:
    rows = await engine.raw("SELECT count(*) AS n FROM approval_request WHERE state = $1", state)
    assert rows[0]["n"] == count, (state, rows[0]["n"])


async def _again(placing: Placing) -> Placing:
    found = await Placing.objects().where(Placing.id == placing.id).first()
    assert found is not None
    return found


async def _background() -> None:
    """What a worker would do."""
    while waiting := await engine.raw("SELECT min(id) AS id FROM errand WHERE kind = 'run_task' AND state = 'waiting'"):
        errand = waiting[0]["id"]
        if errand is None:
            return
        state, said = await run(errand)
        assert state == "done", said
        await engine.raw("UPDATE errand SET state = 'done' WHERE id = $1", errand)
