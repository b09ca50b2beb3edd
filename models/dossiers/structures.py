"""Standard structures: for whom one is meant, and in what each client differs from it. Copying it: rolling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models import engine
from models.clients import Client, Membership
from models.core import Refused, Say, fold, operation, save
from models.dossiers import whom
from models.dossiers.dossier import Dossier, free_dossier_name
from models.dossiers.matching import Match, Matched, Rights, Standard, Values, in_tree_order, match
from models.dossiers.starter import OPENS, STRUCTURES
from models.dossiers.trees import Node
from models.live import touch
from models.settings import utcnow
from models.viewer import Permission, Viewer

BATCH = 250  # clients per unit: short enough that others can write in between


@dataclass(frozen=True)
class Selection:
    """For whom: `who` is all, group, rule (as whom.checked keeps it) or clients; `without` are left out of them."""

    who: str = "all"
    group: int = 0
    clients: tuple[int, ...] = ()
    rule: str = ""
    without: tuple[int, ...] = ()

    @classmethod
    def of(cls, asked: dict[str, Any]) -> Selection:
        """As a task keeps it."""
        return cls(
            asked["who"],
            asked["group"],
            tuple(asked["clients"]),
            asked.get("rule", ""),
            tuple(asked.get("without", ())),
        )


@dataclass(frozen=True)
class Wanted:
    """What of a structure: for which book year, which of its folders (None: all), and whether the kinds, the rights and the
    retention of folders that are there already are made as the standard has them. `dated`: of the folders for a book year
    alone, and only where the folder above is there."""

    year: int
    only: tuple[int, ...] | None = None
    kinds: bool = False
    rights: bool = False
    retention: bool = False
    dated: bool = False

    @classmethod
    def of(cls, asked: dict[str, Any]) -> Wanted:
        """As a task keeps it."""
        return cls(**asked | {"only": None if asked["only"] is None else tuple(asked["only"])})

    @property
    def makes_alike(self) -> bool:
        return self.kinds or self.rights or self.retention


KINDS_OF_DIFFERENCE = ("adds", "renamed", "moved", "other_kind", "other_rights", "other_retention", "extra")


@dataclass(frozen=True)
class Difference:
    """What differs for one client: `adds` folders are missing, `renamed` have another name, `moved` another place,
    `other_kind` another kind, `other_rights` are open to others, `other_retention` are kept otherwise, `extra` are his own.
    `trashed`: of the missing ones those of which one of that name is in the trash; it stays there."""

    client_id: int
    name: str
    number: str
    has_dossier: bool
    adds: int
    trashed: int
    renamed: int = 0
    moved: int = 0
    other_kind: int = 0
    other_rights: int = 0
    other_retention: int = 0
    extra: int = 0

    @property
    def is_same(self) -> bool:
        return not any(getattr(self, kind) for kind in KINDS_OF_DIFFERENCE)


@dataclass(slots=True)
class Compared:
    """A folder as it would be after the copy: of the client already, or new; and what else differs."""

    node: Node
    is_new: bool
    folders: list[Compared]
    renamed: str = ""
    other_kind: bool = False
    moved: bool = False
    other_rights: bool = False
    other_retention: bool = False


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
        case "rule":
            return await _by_rule(viewer, selection)
        case "clients" if selection.clients:
            condition = condition & Client.id.is_in(list(selection.clients))
        case _:
            raise Refused("clients", Say("Kies ten minste één cliënt."))
    rows = await viewer.clients.where(condition).select(Client.id, order=(Client.id,))
    return _left(selection, [row["id"] for row in rows])


async def _by_rule(viewer: Viewer, selection: Selection) -> list[int]:
    rule = whom.read(selection.rule)
    if not rule:
        raise Refused("rule", Say("Kies waaraan de cliënten voldoen."))
    return _left(selection, await whom.matching(viewer, rule))


def _left(selection: Selection, found: list[int]) -> list[int]:
    without = set(selection.without)
    ids = [id for id in found if id not in without]
    if not ids:
        field = selection.who if selection.who in ("group", "rule") else "clients"
        raise Refused(field, Say("Hier zijn geen cliënten."))
    return ids


async def standard_of(structure: int) -> list[Standard]:
    """The folders of a structure, each above before what lies in it."""
    return (await standards_of([structure]))[structure]


async def standards_of(structures: Sequence[int]) -> dict[int, list[Standard]]:
    """As `standard_of`, of several."""
    ids = listing(structures)
    rights = _grouped(await engine.raw(_GRANTS_SQL.format(ids=ids)))
    rows: dict[int, list[dict[str, Any]]] = {id: [] for id in structures}
    for row in await engine.raw(_FOLDERS_SQL.format(ids=ids)):
        rows[row["dossier"]].append(row)
    return {id: in_tree_order(found, rights) for id, found in rows.items()}


def _grouped(rows: Sequence[dict[str, Any]]) -> dict[int, Rights]:
    found: dict[int, set[tuple[int, bool]]] = {}
    for row in rows:
        found.setdefault(row["folder"], set()).add((row["template"], bool(row["act"])))
    return {folder: frozenset(rights) for folder, rights in found.items()}


async def compare(structure: Dossier, clients: Sequence[int], wanted: Wanted | None = None) -> list[Difference]:
    """What differs for each of these clients (found through the viewer), by name."""
    wanted = wanted or this_year()
    found: list[Difference] = []
    async with engine.reading():
        standard = await standard_of(structure.id)
        for batch in batches(clients):
            found += [differs(row, one) for row, one in await matches(standard, batch, wanted.year)]
    return sorted(found, key=lambda one: (fold(one.name), one.client_id))


def differs(row: dict[str, Any], one: Match) -> Difference:
    count = dict.fromkeys(
        ("new", "renamed", "moved", "other_kind", "other_rights", "other_retention", "trashed", "same", "twin"), 0
    )
    for m in one.folders:
        count[m.state] += 1
        count["trashed"] += m.in_trash
        count["other_kind"] += m.other_kind
        count["other_rights"] += m.other_rights
        count["other_retention"] += m.other_retention
    return Difference(
        row["id"], row["name"], row["number"], bool(row["dossier"]), count["new"], count["trashed"], count["renamed"],
        count["moved"], count["other_kind"], count["other_rights"], count["other_retention"], len(one.extra),
    )  # fmt: skip


async def matches(
    standard: Sequence[Standard], clients: Sequence[int], year: int
) -> list[tuple[dict[str, Any], Match]]:
    """For each of these clients (id, name, number, dossier) the standard laid beside his folders."""
    return (await laid({0: standard}, clients, year))[0]


async def laid(
    standards: Mapping[int, Sequence[Standard]],
    clients: Sequence[int],
    year: int,
    who: Mapping[int, Sequence[int]] | None = None,
) -> dict[int, list[tuple[dict[str, Any], Match]]]:
    """As `matches`, of several standards, each under its own number; the folders of the clients are read once. `who`: client >
    the standards that concern him (None: all)."""
    ids = listing(clients)
    rows = await engine.raw(_CLIENTS_SQL.format(ids=ids))
    folders: dict[int, list[dict[str, Any]]] = {}
    for folder in await engine.raw(_OF_CLIENTS_SQL.format(ids=ids)):
        folders.setdefault(folder["client"], []).append(folder)
    rights = _grouped(await engine.raw(_GRANTS_OF_CLIENTS_SQL.format(ids=ids)))
    return {
        id: [
            (row, match(standard, folders.get(row["id"], ()), Values(year, row["name"], row["number"]), rights))
            for row in rows
            if who is None or id in who[row["id"]]
        ]
        for id, standard in standards.items()
    }


async def difference(structure: Dossier, client_id: int, wanted: Wanted | None = None) -> list[Compared]:
    """The structure's tree with what is new for this client (found through the viewer), and what differs otherwise."""
    wanted = wanted or this_year()
    ((_, found),) = await matches(await standard_of(structure.id), [client_id], wanted.year)
    made = {one.standard.id: _compared(one) for one in found.folders}
    top: list[Compared] = []
    for one in found.folders:
        parent = one.standard.parent
        (made[parent].folders if parent in made else top).append(made[one.standard.id])
    return top


def _compared(one: Matched) -> Compared:
    standard = one.standard
    node = Node(standard.id, one.name, standard.kind, standard.parent, False, 0)
    renamed = str(one.folder["name"]) if one.folder is not None and one.folder["name"] != one.name else ""
    return Compared(
        node, one.state == "new", [], renamed if one.state in ("renamed", "moved") else "", one.other_kind,
        one.state == "moved", one.other_rights, one.other_retention,
    )  # fmt: skip


async def extra_of(structure: Dossier, client_id: int, wanted: Wanted | None = None) -> list[dict[str, Any]]:
    """The client's own folders in places that the structure has: id and name."""
    year = (wanted or this_year()).year
    ((_, found),) = await matches(await standard_of(structure.id), [client_id], year)
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
    await _open_starter(structure.id)
    return structure


async def _open_starter(structure: int) -> None:
    """Its folders to the templates that they are for."""
    templates = {row["key"]: row["id"] for row in await engine.raw("SELECT id, key FROM rights_template")}
    rows = await engine.raw("SELECT id, name FROM folder WHERE dossier = $1", structure)
    opened = [
        (row["id"], templates[key], act)
        for row in rows
        if row["name"] in OPENS and (key := OPENS[row["name"]][0]) in templates
        for act in (OPENS[row["name"]][1],)
    ]
    await engine.copy_rows("folder_grant", ("folder", "template", "act"), opened)


async def open_dossier(client: Client, *, by: Viewer) -> Dossier:
    """The client's dossier (found through the viewer), made when he has none."""
    by.require(Permission.EDIT_DOSSIERS, client)
    rows = await engine.raw("SELECT id FROM dossier WHERE client = $1", client.id)
    if not rows:
        await engine.raw(DOSSIERS_SQL.format(ids=int(client.id)), utcnow(), False)
        rows = await engine.raw("SELECT id FROM dossier WHERE client = $1", client.id)
    return await by.dossiers.get(rows[0]["id"])


@operation(Permission.EDIT_STRUCTURES)
async def give_to_new(structure: Dossier, yes: bool, rule: str = "", *, by: Viewer) -> None:
    """Whether clients that are added from now on get this structure at once; with a `rule` those that match it."""
    if structure.kind != "standard":
        raise Refused("", Say("Alleen een standaardstructuur kan gekopieerd worden."))
    since = structure.for_new_since or utcnow()
    await save(structure, for_new_since=since if yes else None, for_new_rule=whom.read(rule) if yes else "")
    await touch(f"dossier-{structure.id}")


def batches(ids: Sequence[int], size: int = BATCH) -> Iterator[Sequence[int]]:
    for at in range(0, len(ids), size):
        yield ids[at : at + size]


def listing(ids: Sequence[int]) -> str:
    """Ids of ours in a statement itself: both databases have a limit on the number of arguments."""
    return ", ".join(str(int(id)) for id in ids) or "-1"


DOSSIERS_SQL = """INSERT INTO dossier (kind, client, name, name_key, audience, created_at, is_sample)
SELECT 'client', c.id, 'Dossier', 'dossier', '', $1, $2 FROM client c WHERE c.id IN ({ids}) ON CONFLICT DO NOTHING"""

_CLIENTS_SQL = """SELECT c.id, c.name, c.number, d.id AS dossier FROM client c LEFT JOIN dossier d ON d.client = c.id
WHERE c.id IN ({ids})"""

_OF_CLIENTS_SQL = """SELECT id, client, parent, name, name_key, kind, own_only, retention, origin, year, trashed_at FROM folder
WHERE client IN ({ids})"""

_FOLDERS_SQL = """SELECT id, dossier, parent, name, name_key, kind, own_only, retention, position FROM folder
WHERE dossier IN ({ids}) AND trashed_at IS NULL ORDER BY position, name_key, id"""

_GRANTS_SQL = """SELECT g.folder, g.template, g.act FROM folder_grant g JOIN folder f ON f.id = g.folder
WHERE f.dossier IN ({ids}) AND g.client IS NULL"""

_GRANTS_OF_CLIENTS_SQL = "SELECT folder, template, act FROM folder_grant WHERE client IN ({ids})"
