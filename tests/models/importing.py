"""Carrying out imports in the test's own loop, as a worker does; and the sample office with the truth about its files."""

from __future__ import annotations

import json
from pathlib import Path

from models import engine, tasks
from models.core import Refused
from models.imports import Import, ImportRow, add_import
from models.storage import storage
from models.tasks import Progress, Task

OFFICE = Path(__file__).parents[1] / "data" / "kantoor-60"
HOSTILE = OFFICE.parent / "hostile"
TRUTH = json.loads((OFFICE / "truth.json").read_text(encoding="utf-8"))

CONTACTS = """Cliëntnummer;Naam;Plaats;Voornaam;Achternaam;E-mail contactpersoon
1;Jansen;Ede;Rik;Jansen;rik@jansen.example
1;Jansen;Ede;Fem;Vries;fem@jansen.example
2;Beheer;Ede;Rik;Jansen;RIK@JANSEN.EXAMPLE
3;Smit;Ede;;;
4;Bos;Ede;Jan;Bos;geen adres
1;Anders;Ede;Piet;Smit;piet@jansen.example
""".encode()


async def empty_the_office() -> None:
    """Nothing of the sample stands in the way."""
    for table in ("access", "membership", "client_group"):
        await engine.raw(f"DELETE FROM {table}")
    await engine.raw("DELETE FROM client")
    await engine.raw("DELETE FROM users WHERE kind = 'client'")


async def carried_out(record: Import) -> Import:
    """As a worker does with the work that waits for this import."""
    waiting = (Task.subject_id == record.id) & (Task.state == "waiting")
    for task in await Task.objects().where(waiting).order_by(Task.id):
        try:
            outcome = await tasks.WORKS[task.kind](task, Progress(task))
        except Refused as refused:
            await tasks.finish(task, "failed", refused.why.as_json())
        else:
            await tasks.finish(task, "done", outcome)
    return await again(record)


async def again(record: Import) -> Import:
    found = await Import.objects().where(Import.id == record.id).first()
    assert found is not None
    return found


async def planned(by, content: bytes | Path, name: str = "lijst.csv", **how) -> Import:
    data = content.read_bytes() if isinstance(content, Path) else content
    name = content.name if isinstance(content, Path) else name
    stored = await storage().put(data)
    record = await engine.run_writing(
        lambda: add_import(by.imports, file_name=name, sha256=stored.sha256, size=len(data), by=by)
    )
    record = await carried_out(record)
    if how:
        await engine.run_writing(lambda: record.plan(by=by, **how))
        record = await carried_out(record)
    return record


async def imported(by, content: bytes | Path, name: str = "lijst.csv", **how) -> Import:
    record = await planned(by, content, name, **how)
    assert record.state == "planned", record.said
    await engine.run_writing(lambda: record.commit(record.plan_hash, by=by))
    record = await carried_out(record)
    assert record.state == "committed", record.said
    return record


async def taken_back(by, record: Import) -> Import:
    await engine.run_writing(lambda: record.undo(by=by))
    return await carried_out(record)


async def rows_of(record: Import, action: str) -> list[ImportRow]:
    return await ImportRow.objects().where((ImportRow.batch == record.id) & (ImportRow.action == action))


async def refused_lines(record: Import) -> list[int]:
    return sorted({row.line for row in await rows_of(record, "refused")})


def lines(file: str, *kinds: str) -> list[int]:
    """Where the truth says that something is wrong."""
    return sorted(m["line"] for m in TRUTH["mistakes"] if m["file"] == file and m["kind"] in kinds)
