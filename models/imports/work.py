"""The long work of imports: each may be killed at any moment and is begun again, with nothing half done."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models import config, engine
from models.accounts import User
from models.core import Refused, Say, save
from models.imports import commit as committing
from models.imports import mappings
from models.imports import undo as undoing
from models.imports.addresses import Addresses, addresses_in
from models.imports.columns import guess_kind, guess_mapping
from models.imports.commit_office import Plan
from models.imports.fields import parse_row, text_of
from models.imports.lexicon import CHOICES, KINDS, WORKBOOK, Kind
from models.imports.plan import Planner, keys_in, keys_of
from models.imports.planned import Planned
from models.imports.records import Import
from models.imports.sheet import MOST_ROWS, Fault, Sheet, SheetError, read_sheet, survey
from models.imports.world import Keys, World, load
from models.live import touch
from models.rollout import prepare_opening
from models.storage import storage
from models.storage.base import Missing as BlobMissing
from models.tasks import Cancelled, Progress, Task, work
from models.viewer import Viewer

COLUMNS = ("batch", "sheet", "line", "part", "action", "label", "record_id", "content", "changes", "reasons")
_AT_ONCE = 500
# what a commit, and with it the invitations, puts rows into
_GROWN = (
    "sector",
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
        parts = await _read(record)
        await _use_kept(record, parts)
        if parts[0].kind is None:
            return await _ask(record, parts[0].sheet)
        return await _plan(record, parts, by, progress)
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


async def _carry_out(record: Import, plan: Plan, by: Viewer) -> None:
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


@dataclass
class Part:
    """One sheet: what it holds (None: nothing that we know) and column > field."""

    kind: Kind | None
    mapping: dict[int, str]
    sheet: Sheet
    kept: str = ""  # the name of the mapping that was used


async def _read(record: Import) -> list[Part]:
    """A copy on this machine: the storage may be elsewhere. At least one part; more where a workbook has more lists."""
    folder = config.settings().var
    folder.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(_clear, folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix="import-") as place:
        path = Path(place) / f"file{Path(record.file_name).suffix.lower()[:10]}"
        with path.open("wb") as out:
            async for chunk in storage().open(record.sha256):
                out.write(chunk)
        return await asyncio.to_thread(_parts, path, record)


async def _use_kept(record: Import, parts: list[Part]) -> None:
    """Where nothing was chosen, a mapping that was kept for such a list goes before what we would guess."""
    chosen = [bool(part.get("mapping")) for part in record.chosen.get("parts") or []] or [bool(record.columns)]
    async with engine.reading():
        for at, part in enumerate(parts):
            if at < len(chosen) and chosen[at]:
                continue
            found = await mappings.fitting("" if part.kind is None else part.kind, part.sheet.headings)
            if found and record.kind in ("", WORKBOOK, found.kind):
                part.kind, part.mapping, part.kept = found.kind, found.on(part.sheet.headings), found.name


def _parts(path: Path, record: Import) -> list[Part]:
    asked = record.chosen
    wanted = asked.get("parts") if record.kind == WORKBOOK else None
    chosen = asked.get("asked_sheet") or None
    if not record.kind and not chosen:
        wanted = _lists_in(path)
        chosen = wanted[0]["sheet"] if wanted and not any(part["kind"] for part in wanted[1:]) else None
    if wanted and not chosen:
        return _sheets(path, record.file_name, wanted)
    sheet = read_sheet(path, record.file_name, sheet=chosen, header_line=asked.get("header_line") or None)
    return [Part(*_meaning(record, sheet), sheet)]


def _lists_in(path: Path) -> list[dict[str, Any]] | None:
    """The sheets of a workbook, the lists that we know first; None where there is none of those."""
    found: dict[str, dict[str, Any]] = {}
    sheets = survey(path)
    for sheet in sheets:
        kind = guess_kind(sheet.headings, sheet.above, sheet.sheet)
        if kind and kind not in found:
            found[kind] = {"sheet": sheet.sheet, "kind": kind, "header_line": 0, "mapping": None}
    if not found:
        return None
    read = {part["sheet"] for part in found.values()}
    rest = [one.sheet for one in sheets if one.sheet not in read]
    left = [{"sheet": name, "kind": "", "header_line": 0, "mapping": None} for name in rest]
    return [found[kind] for kind in KINDS if kind in found] + left


def _sheets(path: Path, file_name: str, wanted: list[dict[str, Any]]) -> list[Part]:
    """Those that are to be read and have any rows, in the order in which one may name what another makes."""
    parts: list[Part] = []
    why: SheetError | None = None
    for one in sorted((one for one in wanted if one["kind"]), key=lambda one: KINDS.index(one["kind"])):
        try:
            sheet = read_sheet(path, file_name, sheet=one["sheet"], header_line=one["header_line"] or None)
        except SheetError as error:
            why = error
            continue
        mapping = one["mapping"] or guess_mapping(one["kind"], sheet.headings, sheet.above)
        parts.append(Part(one["kind"], {int(at): name for at, name in mapping.items()}, sheet))
    if not parts:
        raise why or SheetError(Say("Kies wat er in het bestand staat."))
    if sum(len(part.sheet.rows) for part in parts) > MOST_ROWS:
        raise SheetError(Say("Dit bestand heeft meer dan 50.000 rijen. Splits het in delen."))
    return parts


def _clear(folder: Path) -> None:
    """Copies that a killed worker left behind: nothing is read for an hour."""
    for left in folder.glob("import-*"):
        with contextlib.suppress(FileNotFoundError):  # another worker was ready with it
            if left.is_dir() and left.stat().st_mtime < time.time() - 3600:
                shutil.rmtree(left, ignore_errors=True)


def _meaning(record: Import, sheet: Sheet) -> tuple[Kind | None, dict[int, str]]:
    """What was chosen, or else what the headings say."""
    kind: Any = record.kind or guess_kind(sheet.headings, sheet.above, sheet.sheet)
    if kind is None:
        return None, {}
    mapping = {column: name for column, name in record.columns.items() if column < len(sheet.headings)}
    return kind, mapping or guess_mapping(kind, sheet.headings, sheet.above)


def _seen(sheet: Sheet) -> dict[str, Any]:
    """What the page shows of a sheet: headings and the first filled cells under each."""
    samples: list[list[str]] = [[] for _ in sheet.headings]
    for row in sheet.rows[:200]:
        for column, cell in enumerate(row.cells[: len(samples)]):
            if cell != "" and len(samples[column]) < 3:
                samples[column].append((str(cell.why) if isinstance(cell, Fault) else text_of(cell))[:60])
    return {
        "sheets": sheet.sheets, "sheet": sheet.sheet, "header_line": sheet.header_line, "headings": sheet.headings,
        "above": sheet.above, "samples": samples, "notices": [notice.as_json() for notice in sheet.notices],
        "rows": len(sheet.rows),
    }  # fmt: skip


def _options(record: Import, parts: list[Part]) -> str:
    """All that was seen. Of a workbook each sheet, also those that are not read."""
    if len(parts) == 1 and record.kind != WORKBOOK:
        seen = _seen(parts[0].sheet) | {"kept": parts[0].kept}
        return json.dumps(record.chosen | seen, ensure_ascii=False)
    read = [{**_seen(part.sheet), "kind": part.kind, "mapping": part.mapping, "kept": part.kept} for part in parts]
    names = {part["sheet"] for part in read}
    rest: list[dict[str, Any]] = [
        {"sheet": name, "kind": "", "mapping": None, "headings": [], "header_line": 0}
        for name in parts[0].sheet.sheets
        if name not in names
    ]
    notices = [notice for part in read for notice in part["notices"]]
    seen = {"parts": read + rest, "headings": [], "notices": notices, "rows": sum(part["rows"] for part in read)}
    return json.dumps(record.chosen | seen, ensure_ascii=False)


async def _ask(record: Import, sheet: Sheet) -> dict[str, Any]:
    why = Say("In dit bestand herkennen wij geen lijst van groepen, cliënten of gebruikers. Kies zelf wat erin staat.")
    await engine.run_writing(
        lambda: _set(
            record,
            state="uploaded",
            options=json.dumps(record.chosen | _seen(sheet), ensure_ascii=False),
            sheet=sheet.sheet[:120],
            problem=json.dumps(why.as_json()),
        )
    )
    return why.as_json()


async def _plan(record: Import, parts: list[Part], by: Viewer, progress: Progress) -> dict[str, Any]:
    is_workbook = len(parts) > 1 or record.kind == WORKBOOK
    options, total, done = _options(record, parts), sum(len(part.sheet.rows) for part in parts), 0
    keys, whole = Keys(), Addresses()
    read: list[tuple[Part, list[Any], Addresses]] = []
    for part in parts:
        assert part.kind is not None
        parsed: list[Any] = []
        rows = part.sheet.rows
        for start in range(0, len(rows), _AT_ONCE):
            parsed += [(row, parse_row(part.kind, part.mapping, row.cells)) for row in rows[start : start + _AT_ONCE]]
            await progress.report(done + start, total)
        done += len(rows)
        keys |= keys_of(part.kind, parsed)
        read.append((part, parsed, addresses_in(part.kind, parsed, whole)))
    async with engine.reading():
        world = await load(keys, by)
        await whole.look_up()
    planner = Planner(world, whole, by, **{name: bool(record.chosen.get(name)) for name in CHOICES})
    for part, parsed, planner.addresses in read:
        planner.begin(part.kind, part.sheet.sheet if is_workbook else "")  # type: ignore[arg-type]
        for at, one in enumerate(parsed):
            planner.add(*one)
            parsed[at] = None  # the memory is wanted for the plan
        part.sheet.rows.clear()
    planned = planner.planned
    # The digest is of what the plan stands on, taken in the same way as the commit will take it.
    keys = keys_in([row.content for row in planned if row.action != "refused"])
    digest = _narrowed(world, keys).digest()
    counts = _counts(planned, total) | {"mailed": _mailed(planned, world)}
    found: dict[str, Any] = {
        "kind": WORKBOOK if is_workbook else parts[0].kind,
        "sheet": "" if is_workbook else parts[0].sheet.sheet[:120],
        "mapping": json.dumps({} if is_workbook else parts[0].mapping),
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
    for rows, wanted in (
        (world.sectors, keys.sectors),
        (world.groups, keys.groups),
        (world.clients, keys.clients),
        (world.users, keys.users),
    ):
        for key in set(rows) - wanted:
            del rows[key]
    asked = {row["id"] for key, row in world.clients.items() if key in keys.duties}
    world.duties = {pair: row for pair, row in world.duties.items() if pair[1] in asked}
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
        hashed.update(committing.mark_of(row.sheet, row.line, row.part, row.action, content, changes))
        yield (
            batch, row.sheet, row.line, row.part, row.action, row.label, row.record_id, content, changes,
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
