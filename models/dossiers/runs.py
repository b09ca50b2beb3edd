"""What was rolled out, when and by whom: per client what came of it, and taking it back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from piccolo.columns import ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models import engine
from models.accounts import User
from models.accounts.blocking import listed
from models.clients import Client
from models.clients.records import seen, visible_client
from models.core import Owned, Refused, Say, operation, save
from models.dossiers.dossier import Dossier
from models.live import touch
from models.personal import NUMBER_ONLY, Erase, Export
from models.settings import utcnow
from models.tasks import Cancelled, Progress, Task, start, work
from models.viewer import Permission, Viewer

BATCH = 250  # clients per unit
AT_ONCE = 2_000  # folders that are taken out while the person waits


class StructureRun(Owned, Table, tablename="structure_run"):
    """One roll-out: of a structure, or of the folders of a book year over all structures."""

    kind = Varchar(length=5, help_text="copy: a structure to clients; year: the folders of a book year")
    structure = ForeignKey(Dossier, null=True, default=None, on_delete=OnDelete.set_null)
    name = Varchar(length=120, default="", help_text="of the structure, as it was called; '' for all of them")
    year = Integer(help_text="the book year it was for")
    person = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    asked = Text(default="{}", help_text="JSON: for whom, and which differences")
    task = Integer(null=True, default=None, help_text="the long work that carries it out, where there is some")
    at = Timestamptz()
    finished_at = Timestamptz(null=True, default=None)
    undone_at = Timestamptz(null=True, default=None)

    structure_run_kind_known = Check("kind IN ('copy', 'year')")

    EXPORTS = Export(Say("Uitrollen van standaardstructuren"), by=("person",), hidden=("asked",))
    ERASES = Erase(ground=NUMBER_ONLY)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        """One's own; who sees all clients also sees what colleagues rolled out."""
        if not viewer.is_staff:
            return cls.id < 0
        return cls.id > 0 if viewer.sees_all_clients else cls.person == viewer.user.id

    @operation(Permission.EDIT_DOSSIERS)
    async def undo(self, *, by: Viewer) -> int | Task:
        """Take out the folders that it added and in which nothing was ever put, of clients that one reaches; how many, or the task that does it."""
        if self.undone_at is not None:
            raise Refused("", Say("Dit is al ongedaan gemaakt."))
        if self.finished_at is None and await self.is_running():
            raise Refused("", Say("Dit uitrollen loopt nog. Stop het eerst."))
        await save(self, undone_at=utcnow())
        rows = await engine.raw(
            f"SELECT client, added FROM structure_run_client WHERE run = $1 AND added > 0 AND {seen(by, 'client')}",
            self.id,
        )
        if sum(row["added"] for row in rows) > AT_ONCE:
            return await start("undo_structure", self.id, by=by, total=len(rows))
        return await take_out(self.id, [row["client"] for row in rows])

    async def is_running(self) -> bool:
        task = await Task.objects().where(Task.id == (self.task or 0)).first()
        return task is not None and task.is_busy


class StructureRunClient(Owned, Table, tablename="structure_run_client"):
    """What a roll-out did for one client: folders added, made alike, left out because the folder above is not there, and
    taken out again."""

    run = ForeignKey(StructureRun, null=False, on_delete=OnDelete.cascade)
    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    added = Integer(default=0)
    alike = Integer(default=0)
    skipped = Integer(default=0)
    undone = Integer(default=0)

    structure_run_client_unique = Unique([run, client])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return visible_client(cls.client, viewer) if viewer.is_staff else cls.id < 0


async def figures(viewer: Viewer, run: StructureRun) -> dict[str, int]:
    """Over the clients that this viewer sees: clients, receive (got something), added, alike, skipped, undone."""
    rows = await engine.raw(
        "SELECT count(*) AS clients, coalesce(sum(CASE WHEN r.added > 0 THEN 1 ELSE 0 END), 0) AS receive, "
        "coalesce(sum(r.added), 0) AS added, coalesce(sum(r.alike), 0) AS alike, coalesce(sum(r.skipped), 0) AS skipped, "
        f"coalesce(sum(r.undone), 0) AS undone FROM structure_run_client r WHERE r.run = $1 AND {seen(viewer, 'r.client')}",
        run.id,
    )
    return {name: int(number) for name, number in rows[0].items()}


async def clients_of(viewer: Viewer, run: StructureRun, size: int = 1_000_000, offset: int = 0) -> list[dict[str, Any]]:
    """Per client that this viewer sees, by name: id, number, name, added, alike, skipped, undone."""
    return await engine.raw(
        "SELECT c.id, c.number, c.name, r.added, r.alike, r.skipped, r.undone FROM structure_run_client r "
        f"JOIN client c ON c.id = r.client WHERE r.run = $1 AND {seen(viewer)} ORDER BY c.sort_key, c.id LIMIT $2 OFFSET $3",
        run.id, size, offset,
    )  # fmt: skip


async def newest(viewer: Viewer, most: int) -> list[dict[str, Any]]:
    """The last roll-outs that this viewer may see: id, kind, name, year, at, finished_at, undone_at, who, added."""
    mine = viewer.scope(StructureRun).condition
    found = await StructureRun.objects().where(mine).order_by(StructureRun.id, ascending=False).limit(most)
    ids = json.dumps([run.id for run in found])
    counted = await engine.raw(
        "SELECT r.id, u.full_name AS who, (SELECT coalesce(sum(s.added), 0) FROM structure_run_client s WHERE s.run = r.id "
        f"AND {seen(viewer, 's.client')}) AS added FROM structure_run r LEFT JOIN users u ON u.id = r.person WHERE r.id IN {listed(1)}",
        ids,
    )
    of = {row["id"]: row for row in counted}
    names = ("id", "kind", "name", "year", "at", "finished_at", "undone_at")
    return [{name: getattr(run, name) for name in names} | of[run.id] for run in found]


async def noted(run: int, counts: dict[int, tuple[int, int, int]]) -> None:
    """In the unit that did it: client > folders added, made alike, left out."""
    await engine.raw_many(
        "INSERT INTO structure_run_client (run, client, added, alike, skipped, undone) VALUES ($1, $2, $3, $4, $5, 0) "
        "ON CONFLICT (run, client) DO UPDATE SET added = structure_run_client.added + excluded.added, "
        "alike = structure_run_client.alike + excluded.alike, skipped = structure_run_client.skipped + excluded.skipped",
        [(run, client, *numbers) for client, numbers in counts.items()],
    )


async def done_with(run: int) -> set[int]:
    """The clients that a roll-out has served: begun again after a crash it goes on with the others."""
    return {row["client"] for row in await engine.raw("SELECT client FROM structure_run_client WHERE run = $1", run)}


async def finish(run: int) -> None:
    now = utcnow()
    await engine.raw("UPDATE structure_run SET finished_at = $2 WHERE id = $1 AND finished_at IS NULL", run, now)
    await touch("rollout", f"structure-run-{run}")


async def take_out(run: int, clients: list[int]) -> int:
    """In one unit: of these clients the folders that the run added and that are empty, the deepest first; how many."""
    gone: dict[int, int] = {}
    while True:
        rows = await engine.raw(
            f"DELETE FROM folder WHERE run = $2 AND client IN {listed(1)} AND NOT EXISTS (SELECT 1 FROM document d WHERE d.folder = folder.id) "
            f"AND NOT EXISTS (SELECT 1 FROM folder b WHERE b.parent = folder.id){_unused()} RETURNING client",
            json.dumps(clients), run,
        )  # fmt: skip
        for row in rows:
            gone[row["client"]] = gone.get(row["client"], 0) + 1
        if not rows:
            break
    await engine.raw_many(
        "UPDATE structure_run_client SET undone = undone + $3 WHERE run = $1 AND client = $2",
        [(run, client, count) for client, count in gone.items()],
    )
    await touch("rollout", f"structure-run-{run}", *(f"client-{client}" for client in list(gone)[:20]))
    return sum(gone.values())


@cache
def _unused() -> str:
    """That nothing else (a request, a link to hand in by) names the folder; whatever tables come to do so."""
    from models.dossiers.folders import Folder
    from models.piccolo_app import APP_CONFIG

    parts = []
    for table in APP_CONFIG.table_classes:
        for column in table._meta.foreign_key_columns:
            if column._foreign_key_meta.resolved_references is Folder:
                name = table._meta.tablename
                if name not in ("folder", "document", "folder_grant"):
                    parts.append(
                        f" AND NOT EXISTS (SELECT 1 FROM {name} x WHERE x.{column._meta.db_column_name} = folder.id)"
                    )
    return "".join(parts)


@work("undo_structure")
async def _undo(task: Task, progress: Progress) -> dict[str, Any]:
    """Batch by batch. What is gone is gone: begun again it finds the rest."""
    run = int(task.subject_id or 0)
    user = await User.objects().where(User.id == task.owner).first()
    assert user is not None
    mine = seen(Viewer(user), "client")
    rows = await engine.raw(
        f"SELECT client FROM structure_run_client WHERE run = $1 AND added > 0 AND {mine} ORDER BY client", run
    )
    ids, done = [row["client"] for row in rows], 0
    for batch in batches(ids):
        await engine.run_writing(lambda ids=list(batch): take_out(run, ids))  # type: ignore[misc]
        done += len(batch)
        try:
            await progress.report(done, len(ids))
        except Cancelled:
            return await _said(run) | {"cancelled": True}
    return await _said(run)


async def _said(run: int) -> dict[str, Any]:
    rows = await engine.raw("SELECT coalesce(sum(undone), 0) AS n, coalesce(sum(added - undone), 0) AS kept FROM structure_run_client WHERE run = $1", run)  # fmt: skip
    return Say(
        "{gone} mappen zijn weer weggehaald. {kept} mappen blijven, omdat er intussen iets in ligt.",
        gone=int(rows[0]["n"]), kept=int(rows[0]["kept"]),
    ).as_json()  # fmt: skip


def batches(ids: list[int], size: int = BATCH) -> Iterator[list[int]]:
    for at in range(0, len(ids), size):
        yield ids[at : at + size]
