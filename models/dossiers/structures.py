"""Standard structures: what a copy would add for whom, and copying it: never renaming, never deleting, repeatable."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts import User
from models.clients import Client, Membership
from models.core import Refused, Say, fold
from models.dossiers.dossier import Dossier, free_dossier_name
from models.dossiers.trees import Node
from models.live import touch
from models.settings import utcnow
from models.tasks import Cancelled, Progress, Task, start, work
from models.viewer import Permission, Viewer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

BATCH = 250  # clients per unit: short enough that others can write in between
AT_ONCE = 5_000  # folders that are added while the person waits; more is work for the worker


@dataclass(frozen=True)
class Selection:
    """For whom: `who` is all, group or clients."""

    who: str = "all"
    group: int = 0
    clients: tuple[int, ...] = ()


@dataclass(frozen=True)
class Difference:
    """What a copy would do for one client. `trashed`: folders of the same name in his trash; they stay there."""

    client_id: int
    name: str
    number: str
    has_dossier: bool
    adds: int
    trashed: int


@dataclass(slots=True)
class Compared:
    """A folder as it would be after the copy: of the client already, or new."""

    node: Node
    is_new: bool
    folders: list[Compared]


async def chosen(viewer: Viewer, selection: Selection) -> list[int]:
    """The ids of the active clients that are meant, of those that exist for this viewer. Raises Refused when there are none."""
    condition: Any = Client.state == "active"
    match selection.who:
        case "all":
            pass
        case "group":
            members = Membership.select(Membership.client).where(Membership.client_group == selection.group)
            condition = condition & Client.id.is_in(members)
        case "clients" if selection.clients:
            condition = condition & Client.id.is_in(list(selection.clients))
        case _:
            raise Refused("clients", Say("Kies ten minste één cliënt."))
    rows = await viewer.clients.where(condition).select(Client.id, order=(Client.id,))
    if not rows:
        raise Refused(selection.who if selection.who == "group" else "clients", Say("Hier zijn geen cliënten."))
    return [row["id"] for row in rows]


async def compare(structure: Dossier, clients: Sequence[int]) -> list[Difference]:
    """What a copy would add for each of these clients (found through the viewer), by name."""
    found: list[Difference] = []
    async with engine.reading():
        total, depth = await _size(structure.id), await _depth(structure.id)
        for batch in _batches(clients):
            rows = await engine.raw(_CLIENTS_SQL.format(ids=_listed(batch)), structure.id)
            dossiers = _listed([row["dossier"] for row in rows if row["dossier"]])
            matched: Counter[int] = Counter()
            async with _joining_by_hash():
                for levels in range(1, depth + 1):
                    sql = f"SELECT f{levels - 1}.client, count(*) AS n FROM {_way(levels, dossiers)} GROUP BY f{levels - 1}.client"
                    matched.update({row["client"]: row["n"] for row in await engine.raw(sql, structure.id)})
            found += [
                Difference(row["id"], row["name"], row["number"], bool(row["dossier"]), total - matched[row["id"]], row["trashed"])
                for row in rows
            ]  # fmt: skip
    return sorted(found, key=lambda one: (fold(one.name), one.client_id))


async def difference(structure: Dossier, client_id: int) -> list[Compared]:
    """The structure's tree with what is new for this client (found through the viewer)."""
    dossiers = _listed([row["id"] for row in await engine.raw("SELECT id FROM dossier WHERE client = $1", client_id)])
    matched: set[int] = set()
    for levels in range(1, await _depth(structure.id) + 1):
        sql = f"SELECT s{levels - 1}.id FROM {_way(levels, dossiers)}"
        matched |= {row["id"] for row in await engine.raw(sql, structure.id)}
    made: dict[int, Compared] = {}
    for row in await engine.raw(_FOLDERS_SQL, structure.id):
        made[row["id"]] = Compared(
            Node(row["id"], row["name"], row["kind"], row["parent"], False, 0), row["id"] not in matched, []
        )
    for one in made.values():
        if one.node.parent in made:
            made[one.node.parent].folders.append(one)
    return [one for one in made.values() if one.node.parent is None]


async def add_structure(kind: str, name: str, *, by: Viewer) -> Dossier:
    """A new standard structure, or a general dossier that nobody reads yet. Owned by no record, so not an operation on one."""
    by.require(Permission.EDIT_STRUCTURES)
    if kind not in ("standard", "general"):
        raise Refused("kind", Say("Kies een standaardstructuur of een algemeen dossier."))
    name = await free_dossier_name(kind, name)
    audience = "groups" if kind == "general" else ""
    dossier = Dossier(kind=kind, client=None, name=name, name_key=fold(name), audience=audience, created_at=utcnow())
    await dossier.save()
    await by.note("Dossier.add", dossier, {"name": name})
    await touch("rollout", "general")
    return dossier


async def open_dossier(client: Client, *, by: Viewer) -> Dossier:
    """The client's dossier (found through the viewer), made when he has none."""
    by.require(Permission.EDIT_DOSSIERS, client)
    rows = await engine.raw("SELECT id FROM dossier WHERE client = $1", client.id)
    if not rows:
        await engine.raw(_DOSSIERS_SQL.format(ids=int(client.id)), utcnow(), False)
        rows = await engine.raw("SELECT id FROM dossier WHERE client = $1", client.id)
    return await by.dossiers.get(rows[0]["id"])


async def apply_structure(structure: Dossier, selection: Selection, *, by: Viewer) -> int | Task:
    """Copy to these clients: at once, then how many folders were added; or, for many, the task that does it."""
    by.require(Permission.EDIT_DOSSIERS)
    if structure.kind != "standard":
        raise Refused("", Say("Alleen een standaardstructuur kan gekopieerd worden."))
    size = await _size(structure.id)
    if not size:
        raise Refused("", Say("Deze standaardstructuur heeft nog geen mappen."))
    clients = await chosen(by, selection)
    if len(clients) * size > AT_ONCE:
        return await start("apply_structure", structure.id, by=by, total=len(clients), selection=asdict(selection))
    return await apply_to(structure.id, clients, by=by.user.id)


async def apply_to(structure: int, clients: Sequence[int], *, by: int) -> int:
    """In one unit: make dossiers where there are none and add the folders that are missing, one statement per depth."""
    ids, now = _listed(clients), utcnow()
    await engine.raw(_DOSSIERS_SQL.format(ids=ids), now, False)
    before = await _counts(ids)
    rows = await engine.raw(f"SELECT id FROM dossier WHERE client IN ({ids})")
    dossiers = _listed([row["id"] for row in rows])
    async with _joining_by_hash():
        for depth in range(await _depth(structure)):
            await engine.raw(_level_sql(depth, dossiers), structure, now)
    after = await _counts(ids)
    added = {client: count - before.get(client, 0) for client, count in after.items() if count > before.get(client, 0)}
    await engine.copy_rows(
        "trail",
        ("at", "person", "operation", "record_table", "record_id", "client", "detail"),
        [
            (now, by, "Dossier.apply_structure", "Dossier", structure, client, f'{{"added": {count}}}')
            for client, count in added.items()
        ],
    )
    await touch("rollout", *([f"client-{client}" for client in added] if len(added) <= 20 else []))
    return sum(added.values())


@contextlib.asynccontextmanager
async def _joining_by_hash() -> AsyncIterator[None]:
    """Postgres knows nothing yet of folders that this unit made, takes them for one row and loops over all for each.

    So it joins by hash, and in the order written.
    """
    if engine.is_sqlite():
        yield
        return
    await engine.raw("SET LOCAL enable_nestloop = off")
    await engine.raw("SET LOCAL join_collapse_limit = 1")
    yield
    await engine.raw("SET LOCAL enable_nestloop = on")
    await engine.raw("SET LOCAL join_collapse_limit = 8")


_GROWN = ("dossier", "folder", "trail")


@work("apply_structure")
async def _apply(task: Task, progress: Progress) -> dict[str, Any]:
    """Batch by batch, each in a unit of its own. Begun again after a crash it adds only what is still missing."""
    async with engine.reading():
        user = await User.objects().where(User.id == task.owner).first()
        assert user is not None
        viewer, asked = Viewer(user), task.asked["selection"]
        structure = await viewer.dossiers.get(task.subject_id or 0)
        clients = await chosen(viewer, Selection(asked["who"], asked["group"], tuple(asked["clients"])))
    done = added = 0
    for batch in _batches(clients):
        added += await engine.run_writing(lambda ids=batch: apply_to(structure.id, ids, by=user.id))  # type: ignore[misc]
        done += len(batch)
        try:
            await progress.report(done, len(clients))
        except Cancelled:
            await engine.analyze(*_GROWN)
            return {**_outcome(structure.name, added, done), "cancelled": True}
    await engine.analyze(*_GROWN)
    return _outcome(structure.name, added, done)


def _outcome(name: str, added: int, clients: int) -> dict[str, Any]:
    said = Say(
        "“{name}”: {added} mappen toegevoegd bij {clients} cliënten. Er is niets hernoemd of verwijderd.",
        name=name,
        added=added,
        clients=clients,
    )
    return said.as_json()


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(ids), BATCH):
        yield ids[at : at + BATCH]


def _listed(ids: Sequence[int]) -> str:
    """Ids of ours in a statement itself: both databases have a limit on the number of arguments."""
    return ", ".join(str(int(id)) for id in ids) or "-1"


async def _size(structure: int) -> int:
    rows = await engine.raw("SELECT count(*) AS n FROM folder WHERE dossier = $1 AND trashed_at IS NULL", structure)
    return int(rows[0]["n"])


async def _depth(structure: int) -> int:
    rows = await engine.raw(_DEPTH_SQL, structure)
    return int(rows[0]["depth"] or 0)


async def _counts(ids: str) -> dict[int, int]:
    rows = await engine.raw(f"SELECT client, count(*) AS n FROM folder WHERE client IN ({ids}) GROUP BY client")
    return {row["client"]: row["n"] for row in rows}


def _level_sql(depth: int, dossiers: str) -> str:
    """Adds the folders of one depth. What is there already collides with the index of names and is left alone."""
    if not depth:
        return f"""{_INSERT} SELECT d.id, d.client, CAST(NULL AS INTEGER), s.name, s.name_key, s.kind, s.position, $2
FROM dossier d CROSS JOIN folder s WHERE d.id IN ({dossiers}) AND {_inside("s", "$1", "0")} ON CONFLICT DO NOTHING"""
    f = f"f{depth - 1}"
    return f"""{_INSERT} SELECT {f}.dossier, {f}.client, {f}.id, s.name, s.name_key,
 CASE WHEN {f}.kind = 'internal' THEN 'internal' ELSE s.kind END, s.position, $2
FROM {_way(depth, dossiers, "folder s")} AND {_inside("s", "$1", f"s{depth - 1}.id + 0")} ON CONFLICT DO NOTHING"""


def _way(levels: int, dossiers: str, *further: str) -> str:
    """The way down, through the dossiers' own folders (f0, f1 …) and, by name, the structure's ($1: s0, s1 …).

    CROSS JOIN keeps SQLite to this order. Without the `+ 0` it would not look up an expression in its index.
    """
    tables, conditions = [], []
    for level in range(levels):
        f, s, above = f"f{level}", f"s{level}", f"{level - 1}"
        tables += [f"folder {f}", f"folder {s}"]
        conditions += [f"{f}.dossier IN ({dossiers})"]
        if level:
            conditions += [_inside(f, f"f{above}.dossier", f"f{above}.id + 0"), _inside(s, "$1", f"s{above}.id + 0")]
        else:
            conditions += ["coalesce(f0.parent, 0) = 0", "f0.trashed_at IS NULL", _inside(s, "$1", "0")]
        conditions += [f"{s}.name_key = {f}.name_key"]
    return f"{' CROSS JOIN '.join([*tables, *further])} WHERE {' AND '.join(conditions)}"


def _inside(folder: str, dossier: str, parent: str) -> str:
    """As the index folder_name_unique has it."""
    return f"{folder}.dossier = {dossier} AND coalesce({folder}.parent, 0) = {parent} AND {folder}.trashed_at IS NULL"


_INSERT = "INSERT INTO folder (dossier, client, parent, name, name_key, kind, position, created_at)"

_DOSSIERS_SQL = """INSERT INTO dossier (kind, client, name, name_key, audience, created_at, is_sample)
SELECT 'client', c.id, 'Dossier', 'dossier', '', $1, $2 FROM client c WHERE c.id IN ({ids}) ON CONFLICT DO NOTHING"""

_DEPTH_SQL = """WITH RECURSIVE level(id, depth) AS (
 SELECT id, 1 FROM folder WHERE dossier = $1 AND coalesce(parent, 0) = 0 AND trashed_at IS NULL
 UNION ALL SELECT f.id, l.depth + 1 FROM folder f JOIN level l ON f.parent = l.id WHERE f.trashed_at IS NULL)
SELECT max(depth) AS depth FROM level"""

_CLIENTS_SQL = """WITH names AS (SELECT DISTINCT name_key FROM folder WHERE dossier = $1 AND trashed_at IS NULL),
thrown AS (SELECT client, count(*) AS n FROM folder
 WHERE client IN ({ids}) AND trashed_at IS NOT NULL AND name_key IN (SELECT name_key FROM names) GROUP BY client)
SELECT c.id, c.name, c.number, d.id AS dossier, coalesce(t.n, 0) AS trashed
FROM client c LEFT JOIN dossier d ON d.client = c.id LEFT JOIN thrown t ON t.client = c.id WHERE c.id IN ({ids})"""

_FOLDERS_SQL = """SELECT id, parent, name, kind FROM folder WHERE dossier = $1 AND trashed_at IS NULL
ORDER BY position, name_key, id"""
