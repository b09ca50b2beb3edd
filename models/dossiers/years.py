"""The next book year: the dated folders of every structure, at the clients that have it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models import engine
from models.clients.records import seen
from models.core import Refused, Say, save
from models.dossiers import runs
from models.dossiers.matching import Match, Standard
from models.dossiers.rolling import apply_to, begun, concluded, in_batches, owner_of
from models.dossiers.runs import StructureRun
from models.dossiers.structures import Wanted, batches, laid, listing, standards_of
from models.tasks import Progress, Task, start, work
from models.viewer import Permission, Viewer

_DATED = (
    "d.kind = 'standard' AND EXISTS (SELECT 1 FROM folder f WHERE f.dossier = d.id AND f.trashed_at IS NULL "
    "AND lower(f.name) LIKE '%boekjaar%')"
)
AT_ONCE = 2_000  # folders that are added while the person waits


@dataclass(frozen=True)
class Ahead:
    """What a book year would bring for one structure: how many clients have it, how many of them get folders, how many
    folders, and how many have no place because the folder above is not there."""

    structure: int
    name: str
    clients: int
    receive: int
    adds: int
    skipped: int


def proposed(today: dt.date) -> int | None:
    """The book year to make ready: in November and December the next, in January the new one; else none."""
    if today.month >= 11:
        return today.year + 1
    return today.year if today.month == 1 else None


async def latest(viewer: Viewer, year: int) -> StructureRun | None:
    """The last time that this viewer, or who he sees, made that year ready over all structures."""
    mine = viewer.scope(StructureRun).condition
    asked = (StructureRun.kind == "year") & (StructureRun.year == year) & StructureRun.structure.is_null()
    return await StructureRun.objects().where(mine & asked & StructureRun.undone_at.is_null()).order_by(StructureRun.id, ascending=False).first()  # fmt: skip


async def is_any_dated() -> bool:
    """Whether a standard structure has a folder for each book year at all."""
    return bool(await engine.raw(f"SELECT 1 AS one FROM dossier d WHERE {_DATED} LIMIT 1"))


async def dated_structures(only: int | None = None) -> dict[int, tuple[str, list[Standard]]]:
    """The standard structures with folders for a book year: id > name and folders."""
    rows = await engine.raw(f"SELECT d.id, d.name FROM dossier d WHERE {_DATED} ORDER BY d.name_key, d.id")
    names = {row["id"]: row["name"] for row in rows if only is None or row["id"] == only}
    standards = await standards_of(list(names))
    return {id: (name, standards[id]) for id, name in names.items() if any(one.dated for one in standards[id])}


async def holders(viewer: Viewer, standard: Sequence[Standard]) -> list[int]:
    """The active clients that have a structure, of those that this viewer sees: some top folder of theirs was made from it."""
    tops = listing([one.id for one in standard if one.parent is None])
    rows = await engine.raw(
        "SELECT c.id FROM client c WHERE c.state = 'active' AND c.id IN (SELECT f.client FROM folder f "
        f"WHERE f.origin IN ({tops}) AND f.parent IS NULL AND f.trashed_at IS NULL) AND {seen(viewer)} ORDER BY c.id"
    )
    return [row["id"] for row in rows]


async def ahead(viewer: Viewer, year: int, only: int | None = None) -> list[Ahead]:
    """What it would bring, per structure."""
    async with engine.reading():
        structures = await dated_structures(only)
        who = await _whom(viewer, structures)
        count = {id: [0, 0, 0, 0] for id in structures}
        standards = {id: standard for id, (_, standard) in structures.items()}
        for batch in batches(list(who)):
            for id, found in (await laid(standards, batch, year, who)).items():
                for _, one in found:
                    adds, skipped = _coming(one)
                    count[id] = [a + b for a, b in zip(count[id], (1, adds > 0, adds, skipped), strict=True)]
    return [Ahead(id, name, *count[id]) for id, (name, _) in structures.items()]


def _coming(one: Match) -> tuple[int, int]:
    """How many dated folders a client gets, and for how many the folder above is not there."""
    there = {m.standard.id for m in one.folders if m.folder is not None}
    adds = skipped = 0
    for m in one.new:
        if m.standard.dated and (m.standard.parent is None or m.standard.parent in there):
            there.add(m.standard.id)
            adds += 1
        else:
            skipped += m.standard.dated
    return adds, skipped


async def roll_forward(year: int, only: int | None = None, *, by: Viewer) -> StructureRun:
    """Make the folders of a book year, at the clients that have the structure (None: of every structure that has some)."""
    by.require(Permission.EDIT_DOSSIERS)
    if not 1990 <= year <= 2100:
        raise Refused("year", Say("Vul een jaar in van {least} tot en met {most}.", least=1990, most=2100))
    structures = await dated_structures(only)
    if not structures:
        raise Refused("", Say("Er is geen standaardstructuur met mappen per boekjaar."))
    structure = await by.dossiers.get(only) if only else None
    run = await begun("year", structure, year, {"only": only}, by)
    who = await _whom(by, structures)
    size = sum(sum(one.dated for one in structures[id][1]) for some in who.values() for id in some)
    if size > AT_ONCE:
        task = await start("roll_forward", only, by=by, total=len(who), run=run.id, year=year)
        await save(run, task=task.id)
        return run
    await _serve(list(who), who, year, by.user.id, run.id)
    await runs.finish(run.id)
    return run


async def _whom(viewer: Viewer, structures: dict[int, tuple[str, list[Standard]]]) -> dict[int, list[int]]:
    """Client > the structures that he has, as `holders` has it, in one statement."""
    of = {one.id: id for id, (_, standard) in structures.items() for one in standard if one.parent is None}
    rows = await engine.raw(
        f"SELECT DISTINCT f.client, f.origin FROM folder f JOIN client c ON c.id = f.client WHERE f.origin IN ({listing(list(of))}) "
        f"AND f.parent IS NULL AND f.trashed_at IS NULL AND c.state = 'active' AND {seen(viewer)} ORDER BY f.client, f.origin"
    )
    found: dict[int, dict[int, None]] = {}
    for row in rows:
        found.setdefault(row["client"], {})[of[row["origin"]]] = None
    return {client: list(some) for client, some in found.items()}


async def _serve(batch: Sequence[int], who: dict[int, list[int]], year: int, by: int, run: int) -> int:
    added = 0
    for structure in dict.fromkeys(one for client in batch for one in who[client]):
        clients = [client for client in batch if structure in who[client]]
        added += await apply_to(structure, clients, Wanted(year, dated=True), by=by, run=run)
    return added


@work("roll_forward")
async def _roll_forward(task: Task, progress: Progress) -> dict[str, Any]:
    """Batch by batch; begun again after a crash it goes on with the clients that are left."""
    viewer, run, year = await owner_of(task), int(task.asked["run"]), int(task.asked["year"])
    async with engine.reading():
        who = await _whom(viewer, await dated_structures(task.subject_id))
        over = await runs.done_with(run)

    async def serve(batch: Sequence[int]) -> int:
        return await _serve(batch, who, year, viewer.user.id, run)

    added, cancelled = await in_batches(list(who), over, serve, progress)
    return await concluded(run, str(year), added, len(who), cancelled)
