"""Rolling out: copying a structure to clients and making theirs alike; never renaming, never deleting, repeatable."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from models import engine
from models.accounts import User
from models.core import Refused, Say, fold, save
from models.dossiers import runs, whom
from models.dossiers.dossier import Dossier
from models.dossiers.matching import NOBODY, Match, Matched, with_parents
from models.dossiers.runs import StructureRun
from models.dossiers.structures import (
    BATCH,
    DOSSIERS_SQL,
    Selection,
    Wanted,
    batches,
    chosen,
    listing,
    matches,
    standard_of,
    this_year,
)
from models.dossiers.subtrees import internal_within
from models.live import touch
from models.settings import utcnow
from models.tasks import Cancelled, Progress, Task, start, work
from models.viewer import Permission, Viewer

AT_ONCE = 5_000  # folders that are added while the person waits; more is work for the worker
NEW_AT_ONCE = 1_000  # clients that get their first folders in one round


async def apply_structure(
    structure: Dossier, selection: Selection, wanted: Wanted | None = None, *, by: Viewer
) -> int | Task:
    """Copy to these clients: at once, then how many folders were added; or, for many, the task that does it."""
    run = await roll_out(structure, selection, wanted, by=by)
    if run.task is not None:
        task = await Task.objects().where(Task.id == run.task).first()
        assert task is not None
        return task
    return (await runs.figures(by, run))["added"]


async def roll_out(
    structure: Dossier, selection: Selection, wanted: Wanted | None = None, *, by: Viewer
) -> StructureRun:
    """As `apply_structure`: what is written down of it, by which it can be followed, told and undone."""
    by.require(Permission.EDIT_DOSSIERS)
    wanted = wanted or this_year()
    if structure.kind != "standard":
        raise Refused("", Say("Alleen een standaardstructuur kan gekopieerd worden."))
    size = len(await standard_of(structure.id))
    if not size:
        raise Refused("", Say("Deze standaardstructuur heeft nog geen mappen."))
    clients = await chosen(by, selection)
    asked = {"selection": asdict(selection), "wanted": asdict(wanted)}
    run = await begun("copy", structure, wanted.year, asked, by)
    if len(clients) * size > AT_ONCE:
        task = await start("apply_structure", structure.id, by=by, total=len(clients), run=run.id, **asked)
        await save(run, task=task.id)
        return run
    await apply_to(structure.id, clients, wanted, by=by.user.id, run=run.id)
    await runs.finish(run.id)
    return run


async def begun(kind: str, structure: Dossier | None, year: int, asked: dict[str, Any], by: Viewer) -> StructureRun:
    run = StructureRun(
        kind=kind, structure=structure.id if structure else None, name=structure.name if structure else "", year=year,
        person=by.user.id, asked=json.dumps(asked), at=utcnow(),
    )  # fmt: skip
    await run.save()
    return run


async def apply_to(
    structure: int, clients: Sequence[int], wanted: Wanted | None = None, *, by: int | None, run: int | None = None
) -> int:
    """In one unit: make dossiers where there are none, add the folders that are missing and, where asked, make those that are
    there alike; how many were added."""
    wanted, now = wanted or this_year(), utcnow()
    await engine.raw(DOSSIERS_SQL.format(ids=listing(clients)), now, False)
    standard = await standard_of(structure)
    only = None if wanted.only is None else with_parents(standard, wanted.only)
    if wanted.dated:
        only = {one.id for one in standard if one.dated and (only is None or one.id in only)}
    found = await matches(standard, clients, wanted.year)
    wished = {
        row["id"]: [m for m in one.folders if m.state in ("new", "twin") and (only is None or m.standard.id in only)]
        for row, one in found
    }
    ids = await new_ids("folder", sum(map(len, wished.values())))
    rows: list[tuple[Any, ...]] = []
    grants: list[tuple[Any, ...]] = []
    counts: dict[int, tuple[int, int, int]] = {}
    for row, one in found:
        made = _rows(row, one, wished[row["id"]], wanted.year, ids, now, run, grants)
        rows += made
        counts[row["id"]] = (len(made), 0, sum(m.state == "new" for m in wished[row["id"]]) - len(made))
    await engine.copy_rows("folder", _COLUMNS, rows)
    await engine.copy_rows("folder_grant", ("folder", "client", "template", "act"), grants)
    if wanted.makes_alike:
        alike = await _make_alike(found, only, wanted)
        counts = {client: (added, alike.get(client, 0), left) for client, (added, _, left) in counts.items()}
    if run is not None:
        await runs.noted(run, counts)
    await _note(structure, counts, by, now)
    return len(rows)


async def _note(structure: int, counts: dict[int, tuple[int, int, int]], by: int | None, now: Any) -> None:
    changed = [(client, *numbers) for client, numbers in counts.items() if numbers[0] or numbers[1]]
    details = [
        (now, by, "Dossier.apply_structure", "Dossier", structure, client, json.dumps({"added": added} | ({"alike": alike} if alike else {})))
        for client, added, alike, _ in changed
    ]  # fmt: skip
    await engine.copy_rows(
        "trail", ("at", "person", "operation", "record_table", "record_id", "client", "detail"), details
    )
    await touch("rollout", *([f"client-{client}" for client, *_ in changed] if len(changed) <= 20 else []))


_COLUMNS = (
    "id", "dossier", "client", "parent", "name", "name_key", "kind", "own_only", "retention", "year", "origin", "run", "position",
    "created_at",
)  # fmt: skip


def _rows(
    row: dict[str, Any], one: Match, wished: Sequence[Matched], year: int, ids: Iterator[int], now: Any, run: int | None,
    grants: list[tuple[Any, ...]],
) -> list[tuple[Any, ...]]:  # fmt: skip
    """The folders that one client gets, and whom they are open to. What lies in an internal folder is internal."""
    at: dict[int, tuple[int, str]] = {
        m.standard.id: (m.folder["id"], m.folder["kind"]) for m in one.folders if m.folder is not None
    }
    made = []
    for m in wished:
        standard = m.standard
        if m.twin in at:
            at[standard.id] = at[m.twin]
        if m.twin in at or (standard.parent is not None and standard.parent not in at):
            continue
        parent, above = at[standard.parent] if standard.parent is not None else (None, "")
        kind = "internal" if above == "internal" else standard.kind
        id = next(ids)
        at[standard.id] = (id, kind)
        if standard.rights and kind != "internal":
            grants += [(id, row["id"], template, act) for template, act in standard.rights]
        made.append(
            (
                id, row["dossier"], row["id"], parent, m.name, standard.name_key if standard.plain else fold(m.name), kind,
                standard.own_only, standard.retention, year if standard.dated else None, standard.id, run, standard.position,
                now,
            )
        )  # fmt: skip
    return made


async def _make_alike(
    found: Sequence[tuple[dict[str, Any], Match]], only: set[int] | None, wanted: Wanted
) -> dict[int, int]:
    """Kind with who sees what is handed in, retention and rights as the standard has them, as far as asked; what is internal
    by the folder above stays so, and what lies in one that becomes internal becomes so too. How many folders changed, by client."""
    kinds, kept, opened = [], [], []
    count: dict[int, int] = {}
    for row, one in found:
        for m in one.folders:
            if m.folder is None or (only is not None and m.standard.id not in only):
                continue
            changes = 0
            if wanted.kinds and m.other_kind:
                kinds.append((m.standard.kind, m.standard.own_only, m.folder["id"]))
                changes = 1
            if wanted.retention and m.other_retention:
                kept.append((m.standard.retention, m.folder["id"]))
                changes = 1
            if wanted.rights and m.other_rights:
                opened.append((m.folder["id"], row["id"], m.standard.rights))
                changes = 1
            count[row["id"]] = count.get(row["id"], 0) + changes
    await engine.raw_many(
        "UPDATE folder SET kind = $1, own_only = $2 WHERE id = $3 AND (parent IS NULL OR NOT EXISTS ("
        "SELECT 1 FROM folder p WHERE p.id = folder.parent AND p.kind = 'internal'))",
        kinds,
    )
    await internal_within(folder for kind, _, folder in kinds if kind == "internal")
    await engine.raw_many("UPDATE folder SET retention = $1 WHERE id = $2", kept)
    await engine.raw_many("DELETE FROM folder_grant WHERE folder = $1", [(folder,) for folder, _, _ in opened])
    rows = [(folder, client, *right) for folder, client, rights in opened for right in rights or NOBODY]
    await engine.copy_rows("folder_grant", ("folder", "client", "template", "act"), rows)
    return count


async def new_ids(table: str, count: int) -> Iterator[int]:
    """So many ids that nobody else gets."""
    if not count:
        return iter(())
    if engine.is_sqlite():  # this unit is the only one that writes
        rows = await engine.raw("SELECT seq FROM sqlite_sequence WHERE name = $1", table)
        first = int(rows[0]["seq"]) + 1 if rows else 1
        return iter(range(first, first + count))
    rows = await engine.raw(
        f"SELECT nextval(pg_get_serial_sequence('{table}', 'id')) AS id FROM generate_series(1, $1)", count
    )
    return iter([row["id"] for row in rows])


_GROWN = ("dossier", "folder", "trail")


@work("apply_structure")
async def _apply(task: Task, progress: Progress) -> dict[str, Any]:
    """Batch by batch, each in a unit of its own. Begun again after a crash it goes on with the clients that are left."""
    viewer, run = await owner_of(task), task.asked.get("run")
    async with engine.reading():
        structure = await viewer.dossiers.get(task.subject_id or 0)
        clients = await chosen(viewer, Selection.of(task.asked["selection"]))
        over = await runs.done_with(run) if run else set()
    wanted = Wanted.of(task.asked["wanted"]) if task.asked.get("wanted") else None

    async def serve(batch: Sequence[int]) -> int:
        return await apply_to(structure.id, batch, wanted, by=viewer.user.id, run=run)

    added, cancelled = await in_batches(clients, over, serve, progress)
    return await concluded(run, structure.name, added, len(clients), cancelled)


async def owner_of(task: Task) -> Viewer:
    """Who asked for it, as he is now: what he may no longer, is not done for him."""
    async with engine.reading():
        user = await User.objects().where(User.id == task.owner).first()
    assert user is not None
    viewer = Viewer(user)
    viewer.require(Permission.EDIT_DOSSIERS)
    return viewer


async def in_batches(clients: Sequence[int], over: set[int], serve: Any, progress: Progress) -> tuple[int, bool]:
    """Each batch in a unit of its own: how many were added, and whether somebody asked to stop. `over` have been served."""
    left = [client for client in clients if client not in over]
    done, added = len(clients) - len(left), 0
    for batch in batches(left, BATCH):
        added += await engine.run_writing(lambda ids=batch: serve(ids))  # type: ignore[misc]
        done += len(batch)
        try:
            await progress.report(done, len(clients))
        except Cancelled:
            return added, True
    return added, False


async def concluded(run: int | None, name: str, added: int, clients: int, cancelled: bool) -> dict[str, Any]:
    await engine.analyze(*_GROWN)
    if run is not None:
        await engine.run_writing(lambda: runs.finish(run))
        rows = await engine.raw(
            "SELECT count(*) AS n, coalesce(sum(added), 0) AS added FROM structure_run_client WHERE run = $1", run
        )
        added, clients = int(rows[0]["added"]), int(rows[0]["n"])
    said = Say(
        "“{name}”: {added} mappen toegevoegd bij {clients} cliënten. Er is niets hernoemd of verwijderd.",
        name=name,
        added=added,
        clients=clients,
    )
    return said.as_json() | ({"cancelled": True} if cancelled else {})


async def serve_new_clients() -> int:
    """Clients that were added since a structure is for new ones, and have no dossier yet, get it: how many, at most NEW_AT_ONCE.
    For the worker, which has other chores too and comes back for the rest."""
    waiting: dict[int, list[int]] = {}
    rules: dict[int, str] = {}
    for row in await engine.raw(_NEW_SQL):
        waiting.setdefault(row["client"], []).append(row["structure"])
        rules[row["structure"]] = row["rule"]
    for structure, rule in rules.items():
        meant = await whom.of_these(rule, [client for client, some in waiting.items() if structure in some])
        for client, some in waiting.items():
            if structure in some and client not in meant:
                some.remove(structure)
    waiting = dict([(client, some) for client, some in waiting.items() if some][:NEW_AT_ONCE])

    async def serve(batch: Sequence[int]) -> None:
        for structure in dict.fromkeys(one for client in batch for one in waiting[client]):
            await apply_to(structure, [client for client in batch if structure in waiting[client]], by=None)

    for batch in batches(list(waiting), BATCH):
        await engine.run_writing(lambda ids=batch: serve(ids))  # type: ignore[misc]
    return len(waiting)


# All structures of a client come together: after the first he has a dossier and is new no more.
_NEW_SQL = """SELECT s.id AS structure, s.for_new_rule AS rule, c.id AS client FROM dossier s
JOIN client c ON c.created_at >= s.for_new_since AND c.state = 'active'
WHERE s.kind = 'standard' AND s.for_new_since IS NOT NULL AND NOT EXISTS (SELECT 1 FROM dossier d WHERE d.client = c.id)
ORDER BY c.id, s.id"""
