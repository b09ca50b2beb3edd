"""Reading dossiers: the tree as far as it is open, what lies in a folder, and who opened a document. SQL, because these pages are hot."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from models import engine
from models.accounts.blocking import listed
from models.clients.records import seen
from models.core import Missing, record_of
from models.dossiers.documents import UPLOADER_SQL, shown_sql
from models.dossiers.dossier import Dossier
from models.dossiers.folders import Folder
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.dossiers.documents import Document
    from models.viewer import Viewer


WINDOW = 200  # folders beside each other that are shown at once; of more, a line in the tree brings the next ones
NEAR = 10  # on either side of an open folder beyond the window
_MOST_OPEN = 100  # folders that may stand open when a tree is drawn again
COUNTED = 1_000  # documents that are counted in the tree; beyond it says "999+"


@dataclass(slots=True)
class Node:
    """A folder in the tree. `folders` is None while what is in it has not been fetched.

    It is the `place`-th of `siblings`; `gap` of these come after it that are not shown yet.
    """

    id: int
    name: str
    kind: str
    parent: int | None
    has_folders: bool
    documents: int
    place: int = 1
    siblings: int = 1
    gap: int = 0
    folders: list[Node] | None = field(default=None)


async def dossier_of(viewer: Viewer, client_id: int) -> Dossier | None:
    """The client's dossier; None when he has none yet, or not for this viewer."""
    return await viewer.dossiers.where(Dossier.client == client_id).find()


async def dossiers_for(viewer: Viewer, kind: str) -> list[dict[str, Any]]:
    """The standard structures or general dossiers with how many folders and documents they have, by name."""
    if viewer.is_staff and kind != "client":
        return await engine.raw(_COUNTED_SQL.format(which="d.kind = $1"), kind)
    found = await viewer.dossiers.where(Dossier.kind == kind).select(Dossier.id)
    ids = ", ".join(str(int(row["id"])) for row in found)
    return await engine.raw(_COUNTED_SQL.format(which=f"d.id IN ({ids})")) if ids else []


async def tree_of(
    viewer: Viewer,
    dossier_id: int,
    open_folder: int | None = None,
    other: int | None = None,
    opened: dict[int, int] | None = None,
) -> list[Node]:
    """The top folders of a dossier, with what is in those on the way to the open folder, and to one other.

    `opened` are folders that stand open besides, each with how many of the folders in it are shown (0 for the top).
    Raises Missing when the dossier does not exist for this viewer.
    """
    client = await _require(viewer, dossier_id)
    opened = dict(list((opened or {}).items())[:_MOST_OPEN])
    ids = [id for id in (open_folder, other, *opened) if id]
    most = {str(id): shown for id, shown in opened.items() if shown > WINDOW}
    mine = _mine(viewer, client)
    rows = await engine.raw(
        _TREE_SQL.format(**mine.sql(4), most=_looked_up(3), ids=listed(2)), dossier_id, json.dumps(ids), json.dumps(most), *mine.args
    )  # fmt: skip
    nodes = {row["id"]: _node(row) for row in rows}
    top: list[Node] = []
    for node in nodes.values():
        if node.parent is None:
            top.append(node)
        elif (above := nodes.get(node.parent)) is not None:
            above.folders = above.folders or []
            above.folders.append(node)
    for level in (top, *(node.folders for node in nodes.values() if node.folders)):
        _see_gaps(level)
    return top


async def folders_in(
    viewer: Viewer, folder: Folder, after: int = 0, until: int | None = None, most: int = WINDOW
) -> list[Node]:
    """The folders directly in a folder that was found through the viewer: `most` of them behind the `after`-th, and before the
    `until`-th if that is there already."""
    return await _children(viewer, folder.dossier, folder.client, folder.id, after, until, most)


async def tops_of(viewer: Viewer, dossier: Dossier, after: int = 0, until: int | None = None) -> list[Node]:
    """As `folders_in`, of the top of a dossier that was found through the viewer."""
    return await _children(viewer, dossier.id, dossier.client, 0, after, until, WINDOW)


async def _children(
    viewer: Viewer, dossier: int, client: int | None, parent: int, after: int, until: int | None, most: int
) -> list[Node]:
    to = min(after + most, (until or after + most + 2) - 1)
    mine = _mine(viewer, client)
    rows = await engine.raw(_CHILDREN_SQL.format(**mine.sql(5)), dossier, parent, max(to - after, 0), after, *mine.args)
    nodes = [_node(row) for row in rows]
    for place, node in enumerate(nodes, after + 1):
        node.place = place
    if nodes:
        nodes[-1].gap = max((until or nodes[-1].siblings + 1) - nodes[-1].place - 1, 0)
    return nodes


def _node(row: dict[str, Any]) -> Node:
    return Node(
        row["id"], row["name"], row["kind"], row["parent"], bool(row["has_folders"]), row["documents"], row["place"], row["siblings"]
    )  # fmt: skip


def _see_gaps(level: list[Node]) -> None:
    """Say of each folder how many that follow it are left out."""
    for node, after in itertools.pairwise(level):
        node.gap = after.place - node.place - 1
    if level:
        level[-1].gap = level[-1].siblings - level[-1].place


class _Mine(NamedTuple):
    """The conditions on the folders `f` (and `c` below them) that a viewer sees, and its argument from place n on."""

    text: str
    args: tuple[str, ...] = ()

    def sql(self, n: int) -> dict[str, str]:
        text = self.text.format(ids=listed(n)) if self.args else self.text
        return {"own": text, "shown": text.replace("f.", "c.")}


def _mine(viewer: Viewer, client: int | None) -> _Mine:
    if viewer.is_staff:
        return _Mine("")
    grant = viewer.grants.get(client or 0)
    if grant is None or Right.VIEW_DOSSIER in grant.rights:
        return _Mine(" AND f.kind <> 'internal'")
    return _Mine(" AND f.kind <> 'internal' AND f.id IN {ids}", (json.dumps([*grant.folders, *grant.passages]),))


def _looked_up(n: int) -> str:
    """How many folders are shown in `parent`, when more than usual: out of argument n, a JSON object."""
    if engine.is_sqlite():
        return f"""json_extract(${n}, '$."' || coalesce(n.parent, 0) || '"')"""
    return f"CAST(CAST(${n} AS json) ->> CAST(coalesce(n.parent, 0) AS text) AS INTEGER)"


async def path_to(viewer: Viewer, folder: Folder) -> list[dict[str, Any]]:
    """id and name of the folders above this one, the top first, and itself last."""
    return await engine.raw(_PATH_SQL, folder.id)


async def way_to(viewer: Viewer, folder_id: int) -> tuple[Folder, list[dict[str, Any]]]:
    """For a colleague: a folder, as `viewer.folders.get`, and the path to it, as of `path_to`, in one statement."""
    rows = await engine.raw(_WAY_SQL.format(reached=reached_sql(viewer, "f.client")), folder_id)
    if not rows:
        raise Missing("Folder", folder_id)
    path = [{"id": row.pop("way_id"), "name": row.pop("way_name")} for row in rows]
    return record_of(Folder, rows[-1]), path


ORDERS = {"name": "d.name_key", "placed": "d.uploaded_at", "size": "d.size"}


async def contents_of(
    viewer: Viewer, folder: Folder, limit: int = 500, offset: int = 0, order: str = "name"
) -> list[dict[str, Any]]:
    """The documents of a folder that was found through the viewer, in an order of ORDERS, with a minus the other way round:
    id, name, size, mime, source, uploaded_at, state, publish_at, version, kind, book_year, period, labels, uploader,
    is_read (whether this person opened it) and readers (how many client users did)."""
    column, way = ORDERS.get(order.lstrip("-"), "d.name_key"), " DESC" if order.startswith("-") else ""
    shown = "d.trashed_at IS NULL" if viewer.is_staff else shown_sql("$2", folder="g")
    sql = _CONTENTS_SQL.format(order=f"{column}{way}, d.id{way}", shown=shown)
    return await engine.raw(sql, folder.id, viewer.user.id, limit, offset)


async def counted_in(folder: Folder) -> tuple[int, int]:
    """How many folders and documents lie directly in it, as the staff sees them."""
    rows = await engine.raw(_COUNTS_SQL, folder.dossier, folder.id)
    return int(rows[0]["folders"]), int(rows[0]["documents"])


async def places_for(viewer: Viewer, dossier_id: int, besides: int | None = None) -> list[dict[str, Any]]:
    """Every folder of a dossier in the order of the tree, with id, name and depth; without the subtree of `besides`."""
    await _require(viewer, dossier_id)
    rows = await engine.raw(_ALL_SQL, dossier_id)
    within: dict[int | None, list[dict[str, Any]]] = {}
    for row in rows:
        within.setdefault(row["parent"], []).append(row)
    places: list[dict[str, Any]] = []
    waiting = [(row, 0) for row in reversed(within.get(None, []))]
    while waiting:
        row, depth = waiting.pop()
        if row["id"] == besides:
            continue
        places.append({"id": row["id"], "name": row["name"], "kind": row["kind"], "depth": depth})
        waiting += [(child, depth + 1) for child in reversed(within.get(row["id"], []))]
    return places


async def readers_of(viewer: Viewer, document: Document) -> list[dict[str, Any]]:
    """Who opened a document that was found through the viewer: name, kind, first_at, last_at, times; the last first."""
    return await engine.raw(_READERS_SQL, document.id)


async def trash_of(viewer: Viewer, dossier_id: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The folders and documents in the trash that were thrown away themselves, and not with what they lay in."""
    await _require(viewer, dossier_id)
    return await engine.raw(_TRASHED_FOLDERS_SQL, dossier_id), await engine.raw(_TRASHED_DOCUMENTS_SQL, dossier_id)


async def folder_of(viewer: Viewer, folder_id: int) -> Folder:
    """As `viewer.folders.get`, by one cheap statement where the client decides."""
    if viewer.is_staff:
        rows = await engine.raw(
            f"SELECT f.* FROM folder f WHERE f.id = $1 AND {reached_sql(viewer, 'f.client')}", folder_id
        )
        if not rows:
            raise Missing("Folder", folder_id)
        return record_of(Folder, rows[0])
    rows = await engine.raw("SELECT * FROM folder WHERE id = $1", folder_id)
    if not rows:
        raise Missing("Folder", folder_id)
    row = rows[0]
    if row["client"] is None:
        return await viewer.folders.get(folder_id)
    grant = viewer.grants.get(row["client"])
    passes = grant is not None and folder_id in grant.passages
    if grant is None or not (passes or grant.allows(Right.VIEW_DOSSIER, record_of(Folder, row))):
        raise Missing("Folder", folder_id)
    if row["kind"] == "internal" or row["trashed_at"]:
        raise Missing("Folder", folder_id)
    return record_of(Folder, row)


async def _require(viewer: Viewer, dossier_id: int) -> int | None:
    """The client whose dossier it is."""
    reached = reached_sql(viewer, "d.client") if viewer.is_staff else "1 = 1"
    rows = await engine.raw(f"SELECT d.client FROM dossier d WHERE d.id = $1 AND {reached}", dossier_id)
    if not rows:
        raise Missing("Dossier", dossier_id)
    client: int | None = rows[0]["client"]
    if viewer.is_client:
        grant = viewer.grants.get(client or 0)
        if client is None:
            await viewer.dossiers.get(dossier_id)
        elif grant is None or not grant.opens_dossier:
            raise Missing("Dossier", dossier_id)
    return client


def reached_sql(viewer: Viewer, column: str) -> str:
    """As `visible_to` of folders and dossiers has it for a colleague."""
    if not viewer.may(Permission.READ_DOSSIERS):
        return "1 = 0"
    return "1 = 1" if viewer.sees_all_clients else f"({column} IS NULL OR {seen(viewer, column)})"


# As `User.display_name`.
_PERSON = "u.full_name"

# What is counted stops at COUNTED: a folder of 50,000 documents must not hold up the tree it stands in.
_COLUMNS = f"""n.id, n.name, n.kind, n.parent, n.place, n.siblings,
 EXISTS (SELECT 1 FROM folder c WHERE c.parent = n.id AND c.trashed_at IS NULL {{shown}}) AS has_folders,
 (SELECT count(*) FROM (SELECT 1 FROM document d WHERE d.folder = n.id AND d.trashed_at IS NULL LIMIT {COUNTED}) few) AS documents"""

# The conditions on place are written as the index folder_in_order has them.
_TREE_SQL = f"""WITH RECURSIVE path(id, parent) AS (
 SELECT id, parent FROM folder WHERE id IN {{ids}} UNION SELECT f.id, f.parent FROM folder f JOIN path p ON f.id = p.parent),
numbered AS MATERIALIZED (SELECT f.id, f.name, f.kind, f.parent, f.position, f.name_key,
 row_number() OVER (PARTITION BY coalesce(f.parent, 0) ORDER BY f.position, f.name_key, f.id) AS place,
 count(*) OVER (PARTITION BY coalesce(f.parent, 0)) AS siblings
 FROM folder f WHERE f.dossier = $1 AND f.trashed_at IS NULL AND coalesce(f.parent, 0) IN (SELECT 0 UNION ALL SELECT id FROM path) {{own}}),
near AS MATERIALIZED (SELECT coalesce(n.parent, 0) AS parent, n.place FROM numbered n JOIN path p ON p.id = n.id WHERE n.place > {WINDOW})
SELECT {_COLUMNS} FROM numbered n WHERE n.place <= coalesce({{most}}, {WINDOW}) OR EXISTS (
 SELECT 1 FROM near h WHERE h.parent = coalesce(n.parent, 0) AND n.place BETWEEN h.place - {NEAR} AND h.place + {NEAR})
ORDER BY n.position, n.name_key, n.id"""

_CHILDREN_SQL = f"""SELECT {_COLUMNS} FROM (SELECT f.id, f.name, f.kind, f.parent, f.position, f.name_key, 0 AS place,
 (SELECT count(*) FROM folder f WHERE f.dossier = $1 AND coalesce(f.parent, 0) = $2 AND f.trashed_at IS NULL {{own}}) AS siblings
 FROM folder f WHERE f.dossier = $1 AND coalesce(f.parent, 0) = $2 AND f.trashed_at IS NULL {{own}}
 ORDER BY f.position, f.name_key, f.id LIMIT $3 OFFSET $4) n ORDER BY n.position, n.name_key, n.id"""

_COUNTS_SQL = """SELECT (SELECT count(*) FROM folder f WHERE f.dossier = $1 AND coalesce(f.parent, 0) = $2 AND f.trashed_at IS NULL) AS folders,
 (SELECT count(*) FROM document d WHERE d.folder = $2 AND d.trashed_at IS NULL) AS documents"""

_PATH_SQL = """WITH RECURSIVE path(id, parent, name, up) AS (
 SELECT id, parent, name, 0 FROM folder WHERE id = $1
 UNION ALL SELECT f.id, f.parent, f.name, p.up + 1 FROM folder f JOIN path p ON f.id = p.parent)
SELECT id, name FROM path ORDER BY up DESC"""
_WAY_SQL = _PATH_SQL.replace(
    "SELECT id, name FROM path ORDER BY up DESC",
    "SELECT p.id AS way_id, p.name AS way_name, f.* FROM folder f JOIN path p ON 1 = 1 "
    "WHERE f.id = $1 AND {reached} ORDER BY p.up DESC",
)

# The page is cut out of the index first: what hangs on a document is asked for those on it alone.
_CONTENTS_SQL = f"""SELECT d.id, d.name, d.size, d.mime, d.source, d.uploaded_at, d.state, d.publish_at, d.version, d.book_year, d.period, d.labels,
 k.name AS kind, coalesce({_PERSON}, {UPLOADER_SQL}) AS uploader,
 r.document IS NOT NULL AS is_read,
 (SELECT count(*) FROM reading o JOIN users p ON p.id = o.person WHERE o.document = d.id AND o.version = d.version AND p.kind = 'client') AS readers
FROM (SELECT d.id FROM document d JOIN folder g ON g.id = d.folder WHERE d.folder = $1 AND {{shown}} ORDER BY {{order}} LIMIT $3 OFFSET $4) n
JOIN document d ON d.id = n.id LEFT JOIN users u ON u.id = d.uploaded_by LEFT JOIN document_kind k ON k.id = d.kind
LEFT JOIN reading r ON r.document = d.id AND r.person = $2 AND r.version = d.version ORDER BY {{order}}"""

_ALL_SQL = """SELECT id, parent, name, kind FROM folder f WHERE dossier = $1 AND trashed_at IS NULL
ORDER BY position, name_key, id"""

_READERS_SQL = f"""SELECT {_PERSON} AS name, u.kind, r.first_at, r.last_at, r.times, r.version, r.downloaded_at FROM reading r JOIN users u ON u.id = r.person
WHERE r.document = $1 ORDER BY r.last_at DESC, r.id"""

_COUNTED_SQL = """SELECT d.id, d.name, d.kind, d.audience,
 (SELECT count(*) FROM folder f WHERE f.dossier = d.id AND f.trashed_at IS NULL) AS folders,
 (SELECT count(*) FROM document o JOIN folder f ON f.id = o.folder
  WHERE f.dossier = d.id AND f.trashed_at IS NULL AND o.trashed_at IS NULL) AS documents
FROM dossier d WHERE {which} ORDER BY d.name_key, d.id"""

_TRASHED_FOLDERS_SQL = f"""SELECT f.id, f.name, f.kind, f.trashed_at, {_PERSON} AS who, p.name AS place,
 (SELECT count(*) FROM document d WHERE d.folder = f.id) AS documents
FROM folder f LEFT JOIN folder p ON p.id = f.parent LEFT JOIN users u ON u.id = f.trashed_by
WHERE f.dossier = $1 AND f.trashed_at IS NOT NULL AND (p.trashed_at IS NULL OR p.trashed_at <> f.trashed_at)
ORDER BY f.trashed_at DESC, f.name_key, f.id"""

_TRASHED_DOCUMENTS_SQL = f"""SELECT d.id, d.name, d.size, d.mime, d.trashed_at, {_PERSON} AS who, f.name AS place, f.trashed_at IS NOT NULL AS folder_is_gone
FROM document d JOIN folder f ON f.id = d.folder LEFT JOIN users u ON u.id = d.trashed_by
WHERE f.dossier = $1 AND d.trashed_at IS NOT NULL ORDER BY d.trashed_at DESC, d.name_key, d.id"""
