"""Reading dossiers: the tree as far as it is open, what lies in a folder, and who opened a document. SQL, because these pages are hot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from models import engine
from models.core import Missing, record_of
from models.dossiers.dossier import Dossier
from models.dossiers.folders import Folder
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.dossiers.documents import Document
    from models.viewer import Viewer


@dataclass(slots=True)
class Node:
    """A folder in the tree. `folders` is None while what is in it has not been fetched."""

    id: int
    name: str
    kind: str
    parent: int | None
    has_folders: bool
    documents: int
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
    viewer: Viewer, dossier_id: int, open_folder: int | None = None, other: int | None = None
) -> list[Node]:
    """The top folders of a dossier, with what is in those on the way to the open folder, and to one other.

    Raises Missing when the dossier does not exist for this viewer.
    """
    await _require(viewer, dossier_id)
    rows = await engine.raw(_TREE_SQL[viewer.is_staff], dossier_id, open_folder or 0, other or 0)
    nodes = {
        row["id"]: Node(row["id"], row["name"], row["kind"], row["parent"], bool(row["has_folders"]), row["documents"])
        for row in rows
    }
    top = []
    for node in nodes.values():
        if node.parent is None:
            top.append(node)
        elif (above := nodes.get(node.parent)) is not None:
            above.folders = above.folders or []
            above.folders.append(node)
    return top


async def folders_in(viewer: Viewer, folder: Folder) -> list[Node]:
    """The folders directly in a folder that was found through the viewer."""
    rows = await engine.raw(_CHILDREN_SQL[viewer.is_staff], folder.dossier, folder.id)
    return [
        Node(row["id"], row["name"], row["kind"], row["parent"], bool(row["has_folders"]), row["documents"])
        for row in rows
    ]


async def path_to(viewer: Viewer, folder: Folder) -> list[dict[str, Any]]:
    """id and name of the folders above this one, the top first, and itself last."""
    return await engine.raw(_PATH_SQL, folder.id)


ORDERS = {"name": "d.name_key", "placed": "d.uploaded_at", "size": "d.size"}


async def contents_of(
    viewer: Viewer, folder: Folder, limit: int = 500, offset: int = 0, order: str = "name"
) -> list[dict[str, Any]]:
    """The documents of a folder that was found through the viewer, in an order of ORDERS, with a minus the other way round:
    id, name, size, mime, source, uploaded_at, state, publish_at, version, kind, book_year, period, labels, uploader,
    is_read (whether this person opened it) and readers (how many client users did)."""
    column, way = ORDERS.get(order.lstrip("-"), "d.name_key"), " DESC" if order.startswith("-") else ""
    sql = _CONTENTS_SQL.format(order=f"{column}{way}, d.id{way}")
    return await engine.raw(sql, folder.id, viewer.user.id, limit, offset)


async def documents_in(folder: Folder) -> int:
    rows = await engine.raw("SELECT count(*) AS n FROM document WHERE folder = $1 AND trashed_at IS NULL", folder.id)
    return int(rows[0]["n"])


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


async def uploader_of(document: Document) -> str:
    """The name of who put it there; '' when that is not known any more."""
    if document.uploaded_by is None:  # perhaps somebody of another office, out of an archive
        sql, id = "SELECT name FROM carried_person WHERE document = $1 AND what = 'document' LIMIT 1", document.id
    else:
        sql, id = f"SELECT {_PERSON} AS name FROM users u WHERE u.id = $1", document.uploaded_by
    rows = await engine.raw(sql, id)
    return rows[0]["name"] if rows else ""


async def trash_of(viewer: Viewer, dossier_id: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The folders and documents in the trash that were thrown away themselves, and not with what they lay in."""
    await _require(viewer, dossier_id)
    return await engine.raw(_TRASHED_FOLDERS_SQL, dossier_id), await engine.raw(_TRASHED_DOCUMENTS_SQL, dossier_id)


async def folder_of(viewer: Viewer, folder_id: int) -> Folder:
    """As `viewer.folders.get`, by one cheap statement where the client decides."""
    rows = await engine.raw("SELECT * FROM folder WHERE id = $1", folder_id)
    if not rows:
        raise Missing("Folder", folder_id)
    row = rows[0]
    if row["client"] is not None and viewer.is_client:
        grant = viewer.grants.get(row["client"])
        passes = grant is not None and folder_id in grant.passages
        if grant is None or not (passes or grant.allows(Right.VIEW_DOSSIER, record_of(Folder, row))):
            raise Missing("Folder", folder_id)
        if row["kind"] == "internal" or row["trashed_at"]:
            raise Missing("Folder", folder_id)
    elif not _reads_all(viewer):
        return await viewer.folders.get(folder_id)
    return record_of(Folder, row)


async def _require(viewer: Viewer, dossier_id: int) -> None:
    rows = await engine.raw("SELECT client FROM dossier WHERE id = $1", dossier_id)
    if not rows:
        raise Missing("Dossier", dossier_id)
    client = rows[0]["client"]
    if viewer.is_client and client is not None:
        grant = viewer.grants.get(client)
        if grant is None or not grant.opens_dossier:
            raise Missing("Dossier", dossier_id)
    elif not _reads_all(viewer):
        await viewer.dossiers.get(dossier_id)


def _reads_all(viewer: Viewer) -> bool:
    return viewer.sees_all_clients and viewer.may(Permission.READ_DOSSIERS)


# As `User.display_name`.
_PERSON = "u.full_name"

# The conditions on place are written as the unique index folder_name_unique has them.
_NODE = """SELECT f.id, f.name, f.kind, f.parent,
 EXISTS (SELECT 1 FROM folder c WHERE c.parent = f.id AND c.trashed_at IS NULL {shown}) AS has_folders,
 (SELECT count(*) FROM document d WHERE d.folder = f.id AND d.trashed_at IS NULL) AS documents
FROM folder f WHERE f.dossier = $1 AND f.trashed_at IS NULL {own}"""
_ORDER = " ORDER BY f.position, f.name_key, f.id"
_OPEN = """ AND coalesce(f.parent, 0) IN (SELECT 0 UNION ALL SELECT id FROM path)"""
_PATH = """WITH RECURSIVE path(id, parent) AS (
 SELECT id, parent FROM folder WHERE id IN ($2, $3) UNION ALL SELECT f.id, f.parent FROM folder f JOIN path p ON f.id = p.parent) """


def _for_both(text: str) -> dict[bool, str]:
    """By whether the reader is of the staff: others see no internal folders."""
    return {
        True: text.replace("{shown}", "").replace("{own}", ""),
        False: text.replace("{shown}", "AND c.kind <> 'internal'").replace("{own}", "AND f.kind <> 'internal'"),
    }


_TREE_SQL = _for_both(_PATH + _NODE + _OPEN + _ORDER)
_CHILDREN_SQL = _for_both(_NODE + " AND coalesce(f.parent, 0) = $2" + _ORDER)

_PATH_SQL = """WITH RECURSIVE path(id, parent, name, up) AS (
 SELECT id, parent, name, 0 FROM folder WHERE id = $1
 UNION ALL SELECT f.id, f.parent, f.name, p.up + 1 FROM folder f JOIN path p ON f.id = p.parent)
SELECT id, name FROM path ORDER BY up DESC"""

_CONTENTS_SQL = f"""SELECT d.id, d.name, d.size, d.mime, d.source, d.uploaded_at, d.state, d.publish_at, d.version, d.book_year, d.period, d.labels,
 k.name AS kind, {_PERSON} AS uploader,
 r.document IS NOT NULL AS is_read,
 (SELECT count(*) FROM reading o JOIN users p ON p.id = o.person WHERE o.document = d.id AND o.version = d.version AND p.kind = 'client') AS readers
FROM document d LEFT JOIN users u ON u.id = d.uploaded_by LEFT JOIN document_kind k ON k.id = d.kind LEFT JOIN reading r ON r.document = d.id AND r.person = $2 AND r.version = d.version
WHERE d.folder = $1 AND d.trashed_at IS NULL ORDER BY {{order}} LIMIT $3 OFFSET $4"""

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

_TRASHED_DOCUMENTS_SQL = f"""SELECT d.id, d.name, d.size, d.mime, d.trashed_at, {_PERSON} AS who, f.name AS place
FROM document d JOIN folder f ON f.id = d.folder LEFT JOIN users u ON u.id = d.trashed_by
WHERE f.dossier = $1 AND d.trashed_at IS NOT NULL ORDER BY d.trashed_at DESC, d.name_key, d.id"""
