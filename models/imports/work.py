"""The long work of imports: each may be killed at any moment and is begun again, with nothing half done."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from models import config, engine
from models.accounts import User
from models.core import Refused, Say, save
from models.imports import commit as committing
from models.imports import undo as undoing
from models.imports.addresses import addresses_in
from models.imports.columns import guess_kind, guess_mapping
from models.imports.fields import parse_row, text_of
from models.imports.lexicon import Kind
from models.imports.plan import CHOICES, Planned, Planner, keys_in, keys_of
from models.imports.records import Import
from models.imports.sheet import Fault, Sheet, SheetError, read_sheet
from models.imports.world import Keys, World, load
from models.live import touch
from models.rollout import prepare_opening
from models.storage import storage
from models.storage.base import Missing as BlobMissing
from models.tasks import Cancelled, Progress, Task, work
from models.viewer import Viewer

COLUMNS = ("batch", "line", "part", "action", "label", "record_id", "content", "changes", "reasons")
_AT_ONCE = 500
# what a commit, and with it the invitations, puts rows into
_GROWN = (
    "client_group",
    "client",
    "responsible",
    "membership",
    "users",
    "access",
    "trail",
    "opening_person",
    "link",
    "errand",
)


@work("plan_import")
async def plan_import(task: Task, progress: Progress) -> dict[str, Any]:
    record, by = await _of(task)
    if record.state != "planning":
        return record.numbers
    try:
        sheet = await _read(record)
        kind, mapping = _meaning(record, sheet)
        if kind is None:
            return await _ask(record, sheet)
        return await _plan(record, sheet, kind, mapping, by, progress)
    except (SheetError, BlobMissing) as error:
        why = error.why if isinstance(error, SheetError) else Say("Het bestand is er niet meer. Kies het opnieuw.")
        await engine.run_writing(lambda: _set(record, state="failed", problem=json.dumps(why.as_json())))
        raise Refused("", why) from error
    except Cancelled:
        why = Say("Het doorrekenen is gestopt. Er is niets gewijzigd.")
        await engine.run_writing(lambda: _set(record, state="uploaded", problem=json.dumps(why.as_json())))
        raise Cancelled(why) from None


@work("commit_import")
async def commit_import(task: Task, progress: Progress) -> dict[str, Any]:
    record, by = await _of(task)
    if record.state != "committing":
        return record.numbers
    plan = await committing.read_plan(record)
    try:
        await progress.report(0, len(plan.rows))
        await engine.run_writing(lambda: _carry_out(record, plan, by))
        await engine.analyze(*_GROWN)
    except (Refused, Cancelled) as error:
        why = error.why if isinstance(error, Refused) else Say("De import is gestopt voordat er iets gewijzigd was.")
        await engine.run_writing(lambda: _set(record, state="planned", problem=json.dumps(why.as_json())))
        raise
    return record.numbers


async def _carry_out(record: Import, plan: committing.Plan, by: Viewer) -> None:
    """All of it and, where that was asked, the invitations of whom it made, which can still be taken back for a while."""
    if not await committing.carry_out(record, plan, by) or not record.chosen.get("invite"):
        return
    opening = await prepare_opening(by.users.where(User.imported == record.id), by=by, selection={"import": record.id})
    await opening.start(by=by)
    await save(record, options=json.dumps(record.chosen | {"opening": opening.id}, ensure_ascii=False))


@work("undo_import")
async def undo_import(task: Task, progress: Progress) -> dict[str, Any]:
    record, by = await _of(task)
    if record.state != "undoing":
        return {}
    try:
        return await engine.run_writing(lambda: undoing.carry_out(record, by))
    except Refused as error:
        why = json.dumps(error.why.as_json())
        await engine.run_writing(lambda: _set(record, state="committed", problem=why))
        raise


async def _of(task: Task) -> tuple[Import, Viewer]:
    async with engine.reading():
        record = await Import.objects().where(Import.id == task.subject_id).first()
        user = await User.objects().where(User.id == task.owner).first()
    if record is None:
        raise Refused("", Say("Deze import is verwijderd."))
    by = Viewer(user) if user else None
    if by is None or by.user.state != "active" or not by.may("import_records"):
        raise Refused("", Say("Wie deze import begon, mag dat niet meer."))
    return record, by


async def _read(record: Import) -> Sheet:
    """A copy on this machine: the storage may be elsewhere."""
    folder = config.settings().var
    folder.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(_clear, folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix="import-") as place:
        path = Path(place) / f"file{Path(record.file_name).suffix.lower()[:10]}"
        with path.open("wb") as out:
            async for chunk in storage().open(record.sha256):
                out.write(chunk)
        asked = record.chosen
        return await asyncio.to_thread(
            read_sheet,
            path,
            record.file_name,
            sheet=asked.get("asked_sheet") or None,
            header_line=asked.get("header_line") or None,
        )


def _clear(folder: Path) -> None:
    """Copies that a killed worker left behind: nothing is read for an hour."""
    for left in folder.glob("import-*"):
        if left.is_dir() and left.stat().st_mtime < time.time() - 3600:
            shutil.rmtree(left, ignore_errors=True)


def _meaning(record: Import, sheet: Sheet) -> tuple[Kind | None, dict[int, str]]:
    """What was chosen, or else what the headings say."""
    kind: Any = record.kind or guess_kind(sheet.headings, sheet.above)
    if kind is None:
        return None, {}
    mapping = {column: name for column, name in record.columns.items() if column < len(sheet.headings)}
    return kind, mapping or guess_mapping(kind, sheet.headings, sheet.above)


def _seen(record: Import, sheet: Sheet) -> str:
    """What the page shows of the file: headings and the first filled cells under each."""
    samples: list[list[str]] = [[] for _ in sheet.headings]
    for row in sheet.rows[:200]:
        for column, cell in enumerate(row.cells[: len(samples)]):
            if cell != "" and len(samples[column]) < 3:
                samples[column].append((str(cell.why) if isinstance(cell, Fault) else text_of(cell))[:60])
    options = record.chosen | {
        "sheets": sheet.sheets, "sheet": sheet.sheet, "header_line": sheet.header_line, "headings": sheet.headings,
        "above": sheet.above, "samples": samples, "notices": [notice.as_json() for notice in sheet.notices],
        "rows": len(sheet.rows),
    }  # fmt: skip
    return json.dumps(options, ensure_ascii=False)


async def _ask(record: Import, sheet: Sheet) -> dict[str, Any]:
    why = Say("In dit bestand herkennen wij geen lijst van groepen, cliënten of gebruikers. Kies zelf wat erin staat.")
    await engine.run_writing(
        lambda: _set(
            record,
            state="uploaded",
            options=_seen(record, sheet),
            sheet=sheet.sheet[:120],
            problem=json.dumps(why.as_json()),
        )
    )
    return why.as_json()


async def _plan(
    record: Import, sheet: Sheet, kind: Kind, mapping: dict[int, str], by: Viewer, progress: Progress
) -> dict[str, Any]:
    options, total = _seen(record, sheet), len(sheet.rows)
    parsed = []
    for start in range(0, total, _AT_ONCE):
        parsed += [(row, parse_row(kind, mapping, row.cells)) for row in sheet.rows[start : start + _AT_ONCE]]
        await progress.report(start, total)
    addresses = addresses_in(kind, parsed)
    async with engine.reading():
        world = await load(keys_of(kind, parsed), by)
        await addresses.look_up()
    planner = Planner(kind, world, addresses, **{name: bool(record.chosen.get(name)) for name in CHOICES})
    for at in range(total):
        planner.add(*parsed[at])
        parsed[at] = None  # type: ignore[call-overload]  # the memory is wanted for the plan
    sheet.rows.clear()
    planned = planner.planned
    # The digest is of what the plan stands on, taken in the same way as the commit will take it.
    keys = keys_in([row.content for row in planned if row.action != "refused"])
    digest = _narrowed(world, keys).digest()
    counts = _counts(planned, total) | {"mailed": _mailed(planned, world)}
    found: dict[str, Any] = {
        "kind": kind,
        "sheet": sheet.sheet[:120],
        "mapping": json.dumps(mapping),
        "options": options,
        "counts": json.dumps(counts),
        "world_hash": digest,
    }
    await engine.run_writing(lambda: _write(record, planned, found))
    await engine.analyze("import_row")
    return counts


def _mailed(planned: list[Planned], world: World) -> int:
    """How many people it makes who could be invited at once: not who comes to archived clients only."""
    rows = [row for row in planned if row.part == "user" and row.action in ("new", "changed")]
    states = {key: row["state"] for key, row in world.clients.items()}
    reaching = {row.content["user"] for row in rows if states.get(row.content["client"], "active") == "active"}
    return len(reaching & {row.content["user"] for row in rows if row.action == "new"})


def _narrowed(world: Any, keys: Keys) -> Any:
    """The part of the world that `load(keys)` would give."""
    for rows, wanted in ((world.groups, keys.groups), (world.clients, keys.clients), (world.users, keys.users)):
        for key in set(rows) - wanted:
            del rows[key]
    people = {row["id"] for row in world.people()}
    clients = {row["id"] for row in world.clients.values()}
    world.accesses = {pair: row for pair, row in world.accesses.items() if pair[0] in people}
    world.memberships = {pair for pair in world.memberships if pair[0] in clients}
    return world


async def _write(record: Import, planned: list[Planned], found: dict[str, Any]) -> None:
    state = await engine.raw("SELECT state FROM import_batch WHERE id = $1", record.id)
    if not state or state[0]["state"] != "planning":
        return  # another worker was quicker, or it was removed
    await engine.raw("DELETE FROM import_row WHERE batch = $1", record.id)
    hashed = hashlib.sha256()
    await engine.copy_rows("import_row", COLUMNS, _rows(record.id, planned, hashed))
    await _set(record, state="planned", problem="", plan_hash=hashed.hexdigest(), **found)


def _rows(batch: int, planned: Iterable[Planned], hashed: Any) -> Iterator[tuple[Any, ...]]:
    for row in planned:
        content = json.dumps(row.content, ensure_ascii=False)
        changes = json.dumps(row.changes, ensure_ascii=False)
        notes = [{"field": name, **why.as_json()} for name, why in row.notes]
        hashed.update(committing.mark_of(row.line, row.part, row.action, content, changes))
        yield (
            batch, row.line, row.part, row.action, row.label, row.record_id, content, changes,
            json.dumps(notes, ensure_ascii=False),
        )  # fmt: skip


def _counts(planned: list[Planned], rows: int) -> dict[str, Any]:
    counts: dict[str, Any] = {"new": 0, "changed": 0, "unchanged": 0, "refused": 0, "warned": 0, "rows": rows}
    parts: dict[str, dict[str, int]] = {}
    for row in planned:
        counts[row.action] += 1
        counts["warned"] += bool(row.notes and row.action != "refused")
        part = parts.setdefault(row.part, {"new": 0, "changed": 0, "unchanged": 0, "refused": 0})
        part[row.action] += 1
    return counts | {"parts": parts}


async def _set(record: Import, **values: Any) -> None:
    await save(record, **values)
    await touch("imports", f"import-{record.id}")
