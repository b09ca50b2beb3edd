"""What a client user sees at a glance: what is asked of him, what is new, whom he can call, and a dossier as one tree. SQL, because these pages are hot."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from models import engine
from models.core import Missing
from models.dossiers.documents import shown_sql
from models.settings import utcnow
from models.viewer import Right

if TYPE_CHECKING:
    from models.dossiers import Folder
    from models.viewer import Granted, Viewer

NEWEST = 8  # documents on the home page
LATELY = dt.timedelta(days=90)  # so long a document that nobody opened is asked for; after that it is only new
PAGE = 200  # documents of an opened folder
OPEN = 40  # up to so many documents the tree stands open where they are
LEAVES = 300  # documents shown in the tree itself; in a larger dossier they are found in their folders
_BY_NAME = itemgetter("name_key", "id")


@dataclass(slots=True)
class Branch:
    """A folder of the tree with what lies in it: documents as rows of id, name, uploaded_at and is_new.

    `count` is that of the documents in it and below it, `has_new` whether this person did not open one of them yet;
    `is_open` whether the tree shows them at once.
    """

    id: int
    name: str
    kind: str
    count: int
    has_new: bool = False
    is_open: bool = False
    folders: list[Branch] = field(default_factory=list)
    documents: list[dict[str, Any]] = field(default_factory=list)


async def uploads_of(viewer: Viewer) -> list[dict[str, Any]]:
    """Where this person may hand in, over all his clients: folder, name, client, client_name, and is_asked where nothing was
    handed in yet."""
    ids = _listed(set(viewer.client_ids_with(Right.UPLOAD_DOCUMENTS)) & set(viewer.client_ids_with(Right.VIEW_DOSSIER)))
    folders = _listed(folder for folder, act in viewer.opened_folders.items() if act or _uploads_where(viewer, folder))
    return await engine.raw(_UPLOADS_SQL.format(ids=ids or "-1", folders=folders or "-1")) if ids or folders else []


async def asked_of(viewer: Viewer) -> list[dict[str, Any]]:
    """Those of the upload folders in which nothing was handed in yet."""
    return [row for row in await uploads_of(viewer) if row["is_asked"]]


async def unread_of(viewer: Viewer) -> list[dict[str, Any]]:
    """What the office published lately and this person did not open yet, per client: client and client_name (None where it
    is for many), documents (how many), and of one of them document and name. Where it is for many: per general dossier,
    with its id and name as general and general_name, and as reader one of this person's clients in whose dossier it stands.
    """
    within = _within(viewer)
    return await engine.raw(_UNREAD_SQL.format(**within), viewer.user.id, utcnow() - LATELY) if within else []


async def new_for(viewer: Viewer) -> list[dict[str, Any]]:
    """The newest documents that the office published: id, name, folder, client, uploaded_at, is_new (not opened yet); reader as of `unread_of`."""
    within = _within(viewer)
    return await engine.raw(_NEW_SQL.format(**within), viewer.user.id) if within else []


async def contacts_of(viewer: Viewer) -> list[dict[str, Any]]:
    """The people at the office who look after this person's clients: id, name, job_title, photo (its hash or ''), email, phone, clients (how many)."""
    ids = _listed(viewer.grants)
    return await engine.raw(_CONTACTS_SQL.format(ids=ids)) if ids else []


async def dossier_tree(viewer: Viewer, client_id: int) -> list[Branch]:
    """The whole dossier of a client, as this person may see it. Raises Missing when he may not."""
    grant = _require(viewer, client_id)
    some = way = ""
    if Right.VIEW_DOSSIER not in grant.rights:
        some = f" AND f.id IN ({_listed(grant.folders) or '-1'})"
        way = f" AND f.id IN ({_listed([*grant.folders, *grant.passages])})"
    rows = await engine.raw(_CLIENT_FOLDERS_SQL.format(some=way), client_id, viewer.user.id)
    rows = [row | {"documents": 0} if row["id"] in grant.passages else row for row in rows]
    if not rows:
        return []
    return _grown(
        rows, await engine.raw(_CLIENT_DOCUMENTS_SQL.format(some=some), client_id, viewer.user.id, LEAVES + 1)
    )


async def general_trees(viewer: Viewer, client_id: int) -> list[dict[str, Any]]:
    """The general dossiers that this client may read: id, name, and `tree` as of `dossier_tree`."""
    if Right.VIEW_DOSSIER not in _require(viewer, client_id).rights:
        return []
    rows = await engine.raw(_GENERAL_FOLDERS_SQL.format(general=_GENERAL.format(ids=int(client_id))), viewer.user.id)
    if not rows:
        return []
    ids = _listed({row["dossier"] for row in rows})
    documents = await engine.raw(_GENERAL_DOCUMENTS_SQL.format(ids=ids), viewer.user.id, LEAVES + 1)
    found: dict[int, list[dict[str, Any]]] = {}
    names: dict[int, str] = {}
    for row in rows:
        found.setdefault(row["dossier"], []).append(row)
        names[row["dossier"]] = row["dossier_name"]
    return [{"id": id, "name": names[id], "tree": _grown(folders, documents)} for id, folders in found.items()]


async def folder_contents(
    viewer: Viewer, folder: Folder, page: int = 1
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], bool]:
    """The folders directly in a folder that was found through the viewer, a page of its documents, the newest first, and
    whether there are older ones."""
    inside = await engine.raw(_INSIDE_SQL, folder.id, viewer.user.id) if page == 1 else []
    if inside and folder.id not in viewer.passages:
        fresh = {row["top"] for row in await engine.raw(_FRESH_SQL, folder.id, viewer.user.id)}
        inside = [row | {"has_new": row["id"] in fresh} for row in inside]
    if folder.id in viewer.passages:
        seen = {*viewer.opened_folders, *viewer.passages}
        passes = set(viewer.passages)
        return (
            [
                row | ({"documents": 0} if row["id"] in passes else {}) | {"has_new": False}
                for row in inside
                if row["id"] in seen
            ],
            [],
            False,
        )
    documents = await engine.raw(_CONTENTS_SQL, folder.id, viewer.user.id, PAGE + 1, (page - 1) * PAGE)
    return inside, documents[:PAGE], len(documents) > PAGE


def _require(viewer: Viewer, client_id: int) -> Granted:
    grant = viewer.grants.get(client_id)
    if grant is None or not grant.opens_dossier:
        raise Missing("Dossier of client", client_id)
    return grant


def _within(viewer: Viewer) -> dict[str, str]:
    """What of dossiers is this person's to see, for the statements below: ids of clients, of folders, and general dossiers."""
    ids, folders = _listed(viewer.client_ids_with(Right.VIEW_DOSSIER)), _listed(viewer.opened_folders)
    if not ids and not folders:
        return {}
    ids = ids or "-1"
    shown = shown_sql("$1")
    return {
        "shown": shown,
        "ids": ids,
        "folders": folders or "-1",
        "general": _GENERAL.format(ids=ids) if ids != "-1" else "-1",
    }


def _uploads_where(viewer: Viewer, folder: int) -> bool:
    """Whether this opened folder is of a client for whom the person may hand in anywhere he may look."""
    return any(folder in grant.folders and Right.UPLOAD_DOCUMENTS in grant.rights for grant in viewer.grants.values())


def _grown(rows: list[dict[str, Any]], documents: list[dict[str, Any]]) -> list[Branch]:
    """The tree out of its rows; documents hang in it as long as they are few. Of too many there are the new ones at least."""
    branches = {row["id"]: Branch(row["id"], row["name"], row["kind"], row["documents"]) for row in rows}
    top = []
    for row in rows:
        branch = branches[row["id"]]
        if row["parent"] is None:
            top.append(branch)
        elif row["parent"] in branches:
            branches[row["parent"]].folders.append(branch)
    hang = len(documents) <= LEAVES
    for document in sorted(documents, key=_BY_NAME) if hang else documents:
        if (at := branches.get(document["folder"])) is not None:
            at.has_new = at.has_new or bool(document["is_new"])
            if hang:
                at.documents.append(document)
    for branch in top:
        _count(branch, len(documents) <= OPEN)
    return top


def _count(branch: Branch, may_open: bool) -> int:
    for inner in branch.folders:
        branch.count += _count(inner, may_open)
        branch.has_new = branch.has_new or inner.has_new
    branch.is_open = may_open and branch.count > 0
    return branch.count


def _listed(ids: Any) -> str:
    return ", ".join(str(int(id)) for id in ids)


# The general dossiers for these clients: for all, or for a group in which one of them is.
_GENERAL = """SELECT g.id FROM dossier g WHERE g.kind = 'general' AND (g.audience = 'all' OR EXISTS (
 SELECT 1 FROM dossier_group dg JOIN membership m ON m.client_group = dg.client_group
 WHERE dg.dossier = g.id AND m.client IN ({ids})))"""

_UPLOADS_SQL = """SELECT f.id AS folder, f.name, f.client, c.name AS client_name,
 CASE WHEN EXISTS (SELECT 1 FROM document d WHERE d.folder = f.id AND d.source = 'client' AND d.trashed_at IS NULL) THEN 0 ELSE 1 END AS is_asked
FROM folder f JOIN client c ON c.id = f.client WHERE (f.client IN ({ids}) OR f.id IN ({folders})) AND f.kind IN ('upload', 'both') AND f.trashed_at IS NULL
ORDER BY c.sort_key, f.position, f.name_key LIMIT 500"""

_PUBLISHED = """(d.client IN ({ids}) OR d.folder IN ({folders}) OR (d.client IS NULL AND f.dossier IN ({general})))
 AND d.source = 'office' AND {shown}"""

# One of these clients for whose group a general dossier is; NULL where it is for all.
_READER = """(SELECT min(m.client) FROM dossier_group dg JOIN membership m ON m.client_group = dg.client_group
  WHERE dg.dossier = {dossier} AND m.client IN ({{ids}}))"""

_UNREAD_SQL = f"""SELECT d.client, c.name AS client_name, o.id AS general, o.name AS general_name, count(*) AS documents,
 min(d.id) AS document, min(d.name) AS name,
 {_READER.format(dossier="o.id")} AS reader
FROM document d JOIN folder f ON f.id = d.folder LEFT JOIN client c ON c.id = d.client
LEFT JOIN dossier o ON o.id = f.dossier AND d.client IS NULL
LEFT JOIN reading r ON r.document = d.id AND r.person = $1 AND r.version = d.version
WHERE {_PUBLISHED} AND r.document IS NULL AND d.published_at > $2
GROUP BY d.client, c.name, c.sort_key, o.id, o.name, o.name_key
ORDER BY d.client IS NULL, c.sort_key, o.name_key"""

_NEW_SQL = (
    f"""SELECT d.id, d.name, d.mime, d.published_at AS uploaded_at, f.name AS folder, d.client, c.name AS client_name, r.document IS NULL AS is_new,
 {_READER.format(dossier="f.dossier")} AS reader
FROM document d JOIN folder f ON f.id = d.folder LEFT JOIN client c ON c.id = d.client
LEFT JOIN reading r ON r.document = d.id AND r.person = $1 AND r.version = d.version
"""
    f"WHERE {_PUBLISHED} ORDER BY d.published_at DESC, d.id DESC LIMIT {NEWEST}"
)

_CONTACTS_SQL = """SELECT u.id, u.full_name AS name, u.job_title, u.photo,
 u.email, CASE WHEN u.phone <> '' THEN u.phone ELSE u.mobile END AS phone, count(*) AS clients
FROM responsible r JOIN users u ON u.id = r.person WHERE r.client IN ({ids}) AND u.state <> 'blocked'
GROUP BY u.id, u.full_name, u.job_title, u.photo, u.email, u.phone, u.mobile, u.sort_key ORDER BY count(*) DESC, u.sort_key LIMIT 6"""

_FOLDER = """SELECT f.id, f.parent, f.name, f.kind, (SELECT count(*) FROM document d WHERE d.folder = f.id AND {counted}) AS documents"""
_SHOWN = "f.kind <> 'internal' AND f.trashed_at IS NULL"
_IN_ORDER = " ORDER BY f.position, f.name_key, f.id"

_CLIENT_FOLDERS_SQL = (
    f"{_FOLDER.format(counted=shown_sql('$2'))} FROM folder f WHERE f.client = $1 AND {_SHOWN}{{some}}{_IN_ORDER}"
)
_GENERAL_FOLDERS_SQL = (
    f"{_FOLDER.format(counted=shown_sql('$1'))}, f.dossier, o.name AS dossier_name FROM folder f JOIN dossier o ON o.id = f.dossier "
    f"WHERE f.dossier IN ({{general}}) AND {_SHOWN} ORDER BY o.name_key, o.id, f.position, f.name_key, f.id"
)
_INSIDE_SQL = f"{_FOLDER.format(counted=shown_sql('$2'))} FROM folder f WHERE f.parent = $1 AND {_SHOWN}{_IN_ORDER}"

# Of the folders directly in one, those in which something lies, at whatever depth, that this person did not open yet.
_FRESH_SQL = f"""WITH RECURSIVE below(top, id) AS (SELECT id, id FROM folder WHERE parent = $1 AND {_SHOWN.replace("f.", "")}
 UNION ALL SELECT b.top, f.id FROM below b JOIN folder f ON f.parent = b.id WHERE {_SHOWN})
SELECT DISTINCT b.top FROM below b JOIN document d ON d.folder = b.id JOIN folder f ON f.id = b.id
LEFT JOIN reading r ON r.document = d.id AND r.person = $2 AND r.version = d.version
WHERE d.source = 'office' AND r.document IS NULL AND {shown_sql("$2")}"""

# The new ones first: they are told of also where there are more documents than the tree shows.
_LEAF = f"""SELECT d.id, d.folder, d.name, d.name_key, d.mime, d.uploaded_at, d.source = 'office' AND r.document IS NULL AS is_new
FROM document d JOIN folder f ON f.id = d.folder LEFT JOIN reading r ON r.document = d.id AND r.person = {{person}} AND r.version = d.version
WHERE {{which}} AND {shown_sql("{person}")} ORDER BY is_new DESC LIMIT {{most}}"""
_CLIENT_DOCUMENTS_SQL = _LEAF.format(person="$2", which="d.client = $1{some}", most="$3")
_GENERAL_DOCUMENTS_SQL = _LEAF.format(person="$1", which="f.dossier IN ({ids})", most="$2")
_CONTENTS_SQL = """SELECT d.id, d.name, d.size, d.mime, d.source, d.uploaded_at, d.uploaded_by = $2 AS is_mine,
 d.source = 'office' AND r.document IS NULL AS is_new
FROM document d JOIN folder f ON f.id = d.folder LEFT JOIN reading r ON r.document = d.id AND r.person = $2 AND r.version = d.version
WHERE d.folder = $1 AND {shown} ORDER BY d.uploaded_at DESC, d.id DESC LIMIT $3 OFFSET $4""".format(
    shown=shown_sql("$2")
)
