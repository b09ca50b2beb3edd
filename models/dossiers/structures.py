"""Standard structures: for whom, what a copy would add, and copying it: never renaming, never deleting, repeatable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from models import engine
from models.accounts import User
from models.clients import Client, Membership
from models.core import Refused, Say, fold, operation, save
from models.dossiers.dossier import Dossier, free_dossier_name
from models.dossiers.matching import Match, Matched, Standard, Values, in_tree_order, match, with_parents
from models.dossiers.starter import STRUCTURES
from models.dossiers.trees import Node
from models.live import touch
from models.settings import utcnow
from models.tasks import Cancelled, Progress, Task, start, work
from models.viewer import Permission, Viewer

BATCH = 250  # clients per unit: short enough that others can write in between
AT_ONCE = 5_000  # folders that are added while the person waits; more is work for the worker


@dataclass(frozen=True)
class Selection:
    """For whom: `who` is all, group or clients."""

    who: str = "all"
    group: int = 0
    clients: tuple[int, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """What of a structure: for which book year, which of its folders (None: all), and whether the kinds of folders that are
    there already are made as the standard has them."""

    year: int
    only: tuple[int, ...] | None = None
    kinds: bool = False


@dataclass(frozen=True)
class Difference:
    """What differs for one client: `adds` folders are missing, `renamed` have another name or place, `other_kind` another
    kind, `extra` are his own. `trashed`: of the missing ones those of which one of that name is in the trash; it stays there."""

    client_id: int
    name: str
    number: str
    has_dossier: bool
    adds: int
    trashed: int
    renamed: int = 0
    other_kind: int = 0
    extra: int = 0

    @property
    def is_same(self) -> bool:
        return not (self.adds or self.renamed or self.other_kind or self.extra)


@dataclass(slots=True)
class Compared:
    """A folder as it would be after the copy: of the client already, or new. `said`: what else differs."""

    node: Node
    is_new: bool
    folders: list[Compared]
    renamed: str = ""
    other_kind: bool = False


def this_year() -> Wanted:
    """All of it, for the book year in which we are."""
    return Wanted(utcnow().year)


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


async def standard_of(structure: int) -> list[Standard]:
    """The folders of a structure, each above before what lies in it."""
    return in_tree_order(await engine.raw(_FOLDERS_SQL, structure))


async def compare(structure: Dossier, clients: Sequence[int], wanted: Wanted | None = None) -> list[Difference]:
    """What differs for each of these clients (found through the viewer), by name."""
    wanted = wanted or this_year()
    found: list[Difference] = []
    async with engine.reading():
        standard = await standard_of(structure.id)
        for batch in _batches(clients):
            found += [_differs(row, one) for row, one in await _matches(standard, batch, wanted.year)]
    return sorted(found, key=lambda one: (fold(one.name), one.client_id))


def _differs(row: dict[str, Any], one: Match) -> Difference:
    new = one.new
    return Difference(
        row["id"], row["name"], row["number"], bool(row["dossier"]), len(new), sum(m.in_trash for m in new),
        sum(m.state == "renamed" for m in one.folders), sum(m.other_kind for m in one.folders), len(one.extra),
    )  # fmt: skip


async def _matches(
    standard: Sequence[Standard], clients: Sequence[int], year: int
) -> list[tuple[dict[str, Any], Match]]:
    ids = _listed(clients)
    rows = await engine.raw(_CLIENTS_SQL.format(ids=ids))
    folders: dict[int, list[dict[str, Any]]] = {}
    for folder in await engine.raw(_OF_CLIENTS_SQL.format(ids=ids)):
        folders.setdefault(folder["client"], []).append(folder)
    return [
        (row, match(standard, folders.get(row["id"], ()), Values(year, row["name"], row["number"]))) for row in rows
    ]


async def difference(structure: Dossier, client_id: int, wanted: Wanted | None = None) -> list[Compared]:
    """The structure's tree with what is new for this client (found through the viewer), and what differs otherwise."""
    wanted = wanted or this_year()
    ((_, found),) = await _matches(await standard_of(structure.id), [client_id], wanted.year)
    made = {one.standard.id: _compared(one) for one in found.folders}
    top: list[Compared] = []
    for one in found.folders:
        parent = one.standard.parent
        (made[parent].folders if parent in made else top).append(made[one.standard.id])
    return top


def _compared(one: Matched) -> Compared:
    standard = one.standard
    node = Node(standard.id, one.name, standard.kind, standard.parent, False, 0)
    renamed = str(one.folder["name"]) if one.folder is not None and one.state == "renamed" else ""
    return Compared(node, one.state == "new", [], renamed, one.other_kind)


async def extra_of(structure: Dossier, client_id: int, wanted: Wanted | None = None) -> list[dict[str, Any]]:
    """The client's own folders in places that the structure has: id and name."""
    year = (wanted or this_year()).year
    ((_, found),) = await _matches(await standard_of(structure.id), [client_id], year)
    return [{"id": row["id"], "name": row["name"]} for row in found.extra]


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


async def add_starter(key: str, *, by: Viewer) -> Dossier:
    """One of the structures that are typical of Dutch clients, as a standard structure of the office's own to change."""
    if key not in STRUCTURES:
        raise Refused("key", Say("Kies een van de mogelijkheden."))
    name, folders = STRUCTURES[key]
    structure = await add_structure("standard", name, by=by)
    classes = {row["name"]: row["id"] for row in await engine.raw("SELECT id, name FROM retention_class")}
    level: list[tuple[int | None, Any]] = [(None, one) for one in folders]
    while level:
        now = utcnow()
        rows = [
            (structure.id, parent, one[0], fold(one[0]), one[1], classes.get(one[2]), place, now)
            for place, (parent, one) in enumerate(level)
        ]
        columns = ("dossier", "parent", "name", "name_key", "kind", "retention", "position", "created_at")
        await engine.copy_rows("folder", columns, rows)
        made = await engine.raw(
            "SELECT id, coalesce(parent, 0) AS parent, name_key FROM folder WHERE dossier = $1", structure.id
        )
        at = {(row["parent"], row["name_key"]): row["id"] for row in made}
        level = [(at[parent or 0, fold(one[0])], below) for parent, one in level for below in one[3]]
    return structure


async def open_dossier(client: Client, *, by: Viewer) -> Dossier:
    """The client's dossier (found through the viewer), made when he has none."""
    by.require(Permission.EDIT_DOSSIERS, client)
    rows = await engine.raw("SELECT id FROM dossier WHERE client = $1", client.id)
    if not rows:
        await engine.raw(_DOSSIERS_SQL.format(ids=int(client.id)), utcnow(), False)
        rows = await engine.raw("SELECT id FROM dossier WHERE client = $1", client.id)
    return await by.dossiers.get(rows[0]["id"])


async def apply_structure(
    structure: Dossier, selection: Selection, wanted: Wanted | None = None, *, by: Viewer
) -> int | Task:
    """Copy to these clients: at once, then how many folders were added; or, for many, the task that does it."""
    by.require(Permission.EDIT_DOSSIERS)
    wanted = wanted or this_year()
    if structure.kind != "standard":
        raise Refused("", Say("Alleen een standaardstructuur kan gekopieerd worden."))
    size = len(await standard_of(structure.id))
    if not size:
        raise Refused("", Say("Deze standaardstructuur heeft nog geen mappen."))
    clients = await chosen(by, selection)
    if len(clients) * size > AT_ONCE:
        return await start(
            "apply_structure",
            structure.id,
            by=by,
            total=len(clients),
            selection=asdict(selection),
            wanted=asdict(wanted),
        )
    return await apply_to(structure.id, clients, wanted, by=by.user.id)


async def apply_to(structure: int, clients: Sequence[int], wanted: Wanted | None = None, *, by: int | None) -> int:
    """In one unit: make dossiers where there are none and add the folders that are missing; how many."""
    wanted, now = wanted or this_year(), utcnow()
    await engine.raw(_DOSSIERS_SQL.format(ids=_listed(clients)), now, False)
    standard = await standard_of(structure)
    only = None if wanted.only is None else with_parents(standard, wanted.only)
    matches = await _matches(standard, clients, wanted.year)
    wished = {row["id"]: [m for m in one.new if only is None or m.standard.id in only] for row, one in matches}
    ids = await _ids("folder", sum(map(len, wished.values())))
    rows: list[tuple[Any, ...]] = []
    for row, one in matches:
        rows += _rows(row, one, wished[row["id"]], wanted.year, ids, now)
    await engine.copy_rows("folder", _COLUMNS, rows)
    if wanted.kinds:
        await _make_alike([one for _, one in matches], only)
    added = {client: len(new) for client, new in wished.items() if new}
    details = [
        (now, by, "Dossier.apply_structure", "Dossier", structure, client, f'{{"added": {count}}}')
        for client, count in added.items()
    ]
    await engine.copy_rows(
        "trail", ("at", "person", "operation", "record_table", "record_id", "client", "detail"), details
    )
    await touch("rollout", *([f"client-{client}" for client in added] if len(added) <= 20 else []))
    return sum(added.values())


_COLUMNS = (
    "id", "dossier", "client", "parent", "name", "name_key", "kind", "own_only", "retention", "year", "origin", "position", "created_at",
)  # fmt: skip


def _rows(
    row: dict[str, Any], one: Match, wished: Sequence[Matched], year: int, ids: Iterator[int], now: Any
) -> list[tuple[Any, ...]]:
    """The folders that one client gets. What lies in an internal folder is internal."""
    at: dict[int, tuple[int, str]] = {
        m.standard.id: (m.folder["id"], m.folder["kind"]) for m in one.folders if m.folder is not None
    }
    made = []
    for m in wished:
        standard = m.standard
        if standard.parent is not None and standard.parent not in at:
            continue
        parent, above = at[standard.parent] if standard.parent is not None else (None, "")
        kind = "internal" if above == "internal" else standard.kind
        id = next(ids)
        at[standard.id] = (id, kind)
        made.append(
            (
                id, row["dossier"], row["id"], parent, m.name, standard.name_key if standard.plain else fold(m.name), kind,
                standard.own_only, standard.retention, year if standard.dated else None, standard.id, standard.position, now,
            )
        )  # fmt: skip
    return made


async def _make_alike(matches: Sequence[Match], only: set[int] | None) -> None:
    """Kind, and who sees what is handed in, as the standard has it; what is internal by the folder above stays so."""
    rows = [
        (m.standard.kind, m.standard.own_only, m.folder["id"])
        for one in matches
        for m in one.folders
        if m.folder is not None and m.other_kind and (only is None or m.standard.id in only)
    ]
    await engine.raw_many(
        "UPDATE folder SET kind = $1, own_only = $2 WHERE id = $3 AND (parent IS NULL OR NOT EXISTS ("
        "SELECT 1 FROM folder p WHERE p.id = folder.parent AND p.kind = 'internal'))",
        rows,
    )


async def _ids(table: str, count: int) -> Iterator[int]:
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


@operation(Permission.EDIT_STRUCTURES)
async def give_to_new(structure: Dossier, yes: bool, *, by: Viewer) -> None:
    """Whether clients that are added from now on get this structure at once."""
    if structure.kind != "standard":
        raise Refused("", Say("Alleen een standaardstructuur kan gekopieerd worden."))
    await save(structure, for_new_since=utcnow() if yes else None)
    await touch(f"dossier-{structure.id}")


async def serve_new_clients() -> int:
    """Clients that were added since a structure is for new ones, and have no dossier yet, get it: how many. For the worker."""
    waiting: dict[int, list[int]] = {}
    for row in await engine.raw(_NEW_SQL):
        waiting.setdefault(row["client"], []).append(row["structure"])

    async def serve(batch: Sequence[int]) -> None:
        for structure in dict.fromkeys(one for client in batch for one in waiting[client]):
            await apply_to(structure, [client for client in batch if structure in waiting[client]], by=None)

    for batch in _batches(list(waiting)):
        await engine.run_writing(lambda ids=batch: serve(ids))  # type: ignore[misc]
    return len(waiting)


_GROWN = ("dossier", "folder", "trail")


@work("apply_structure")
async def _apply(task: Task, progress: Progress) -> dict[str, Any]:
    """Batch by batch, each in a unit of its own. Begun again after a crash it adds only what is still missing."""
    async with engine.reading():
        user = await User.objects().where(User.id == task.owner).first()
        assert user is not None
        viewer, asked, more = Viewer(user), task.asked["selection"], task.asked.get("wanted")
        structure = await viewer.dossiers.get(task.subject_id or 0)
        clients = await chosen(viewer, Selection(asked["who"], asked["group"], tuple(asked["clients"])))
    wanted = (
        Wanted(more["year"], None if more["only"] is None else tuple(more["only"]), more["kinds"]) if more else None
    )
    done = added = 0
    for batch in _batches(clients):
        added += await engine.run_writing(lambda ids=batch: apply_to(structure.id, ids, wanted, by=user.id))  # type: ignore[misc]
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


_DOSSIERS_SQL = """INSERT INTO dossier (kind, client, name, name_key, audience, created_at, is_sample)
SELECT 'client', c.id, 'Dossier', 'dossier', '', $1, $2 FROM client c WHERE c.id IN ({ids}) ON CONFLICT DO NOTHING"""

_CLIENTS_SQL = """SELECT c.id, c.name, c.number, d.id AS dossier FROM client c LEFT JOIN dossier d ON d.client = c.id
WHERE c.id IN ({ids})"""

_OF_CLIENTS_SQL = """SELECT id, client, parent, name, name_key, kind, own_only, origin, year, trashed_at FROM folder
WHERE client IN ({ids})"""

_FOLDERS_SQL = """SELECT id, parent, name, name_key, kind, own_only, retention, position FROM folder
WHERE dossier = $1 AND trashed_at IS NULL ORDER BY position, name_key, id"""

_NEW_SQL = """SELECT s.id AS structure, c.id AS client FROM dossier s JOIN client c ON c.created_at >= s.for_new_since AND c.state = 'active'
WHERE s.kind = 'standard' AND s.for_new_since IS NOT NULL AND NOT EXISTS (SELECT 1 FROM dossier d WHERE d.client = c.id)
ORDER BY s.id, c.id LIMIT 20000"""
