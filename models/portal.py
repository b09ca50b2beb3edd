"""What a client user sees at a glance: what is asked of him, what is new, whom he can call, and a dossier as one tree. SQL, because these pages are hot."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.core import Missing
from models.dossiers.documents import meant_sql, of_office_sql, shown_folder_sql, shown_sql
from models.dossiers.dossier import GENERAL_SQL
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
BRANCHES = 200  # folders of a tree that is sent whole, and those beside each other in one that is opened step by step
FRESH = 20  # documents of a folder, the newest, among which is looked for new ones where there are more than LEAVES
_BY_NAME = itemgetter("name_key", "id")


@dataclass(slots=True)
class Branch:
    """A folder of the tree with what lies in it: documents as rows of id, name, uploaded_at and is_new.

    `count` is that of the documents in it and below it, `has_new` whether this person did not open one of them yet;
    `is_open` whether the tree shows them at once. In a tree that is opened step by step `is_closed` says that there is more in
    it to be fetched, and `more` behind how many folders there are others beside it.
    """

    id: int
    name: str
    kind: str
    count: int
    has_new: bool = False
    is_open: bool = False
    is_closed: bool = False
    more: int = 0
    folders: list[Branch] = field(default_factory=list)
    documents: list[dict[str, Any]] = field(default_factory=list)


async def uploads_of(viewer: Viewer) -> list[dict[str, Any]]:
    """Where this person may hand in, over all his clients: folder, name, client, client_name, and is_asked where nothing was
    handed in yet, as far as he would see it."""
    ids = _listed(set(viewer.client_ids_with(Right.UPLOAD_DOCUMENTS)) & set(viewer.client_ids_with(Right.VIEW_DOSSIER)))
    folders = _listed(folder for folder, act in viewer.opened_folders.items() if act or _uploads_where(viewer, folder))
    if not ids and not folders:
        return []
    return await engine.raw(_UPLOADS_SQL.format(ids=ids or "-1", folders=folders or "-1"), viewer.user.id)


async def asked_of(viewer: Viewer) -> list[dict[str, Any]]:
    """Those of the upload folders in which nothing was handed in yet."""
    return [row for row in await uploads_of(viewer) if row["is_asked"]]


async def unread_of(viewer: Viewer) -> list[dict[str, Any]]:
    """What the office published lately and this person did not open yet, per client: client and client_name (None where it
    is for many), documents (how many), and of one of them document and name. Where it is for many: per general dossier,
    with its id and name as general and general_name, and as reader one of this person's clients in whose dossier it stands.
    """
    within, opened = _within(viewer)
    if not within:
        return []
    return await engine.raw(_UNREAD_SQL.format(**within), viewer.user.id, opened, utcnow() - LATELY)


async def new_for(viewer: Viewer) -> list[dict[str, Any]]:
    """The newest documents that the office published: id, name, folder, client, uploaded_at, is_new (not opened yet); reader as of `unread_of`."""
    within, opened = _within(viewer)
    return await engine.raw(_NEW_SQL.format(**within), viewer.user.id, opened) if within else []


async def contacts_of(viewer: Viewer) -> list[dict[str, Any]]:
    """The people at the office who look after this person's clients: id, name, job_title, photo (its hash or ''), email, phone, clients (how many)."""
    ids = _listed(viewer.grants)
    return await engine.raw(_CONTACTS_SQL.format(ids=ids)) if ids else []


async def trees_of(viewer: Viewer, client_id: int, after: int = 0) -> tuple[list[Branch], list[dict[str, Any]]]:
    """`dossier_tree` and `general_trees`, in as many statements for whom only some folders are open as for everybody."""
    grant = _require(viewer, client_id)
    some, args = _some(grant, 4)
    sql = _TREES_SQL.format(
        some=some,
        tops="f.parent IS NULL" if after else _TOPS_OF_MANY.format(folders="few", branches=BRANCHES),
        shared_tops=_TOPS_OF_MANY.format(folders="shared", branches=BRANCHES),
        most=BRANCHES + 1,
        general=_GENERAL.format(ids=int(client_id)) if Right.VIEW_DOSSIER in grant.rights else "-1",
    )
    rows = await engine.raw(sql, client_id, viewer.user.id, after, *args)
    own = [row | ({"documents": 0} if row["id"] in grant.passages else {}) for row in rows if row["client"]]
    shared = [row for row in rows if not row["client"]]
    stepwise = after > 0 or any(row["own"] > BRANCHES for row in own[:1])
    behind, own = len(own) > BRANCHES, own[:BRANCHES]
    in_own, in_shared = await _leaves(viewer, (own, not stepwise), (shared, True))
    tree = _grown(own, in_own, stepwise=stepwise)
    if behind:
        tree[-1].more = after + BRANCHES
    return tree, _general(shared, in_shared)


async def dossier_tree(viewer: Viewer, client_id: int, after: int = 0) -> list[Branch]:
    """The whole dossier of a client, as this person may see it; of a large one the folders at the top, behind so many.
    Raises Missing when he may not."""
    return (await trees_of(viewer, client_id, after))[0]


async def general_trees(viewer: Viewer, client_id: int) -> list[dict[str, Any]]:
    """The general dossiers that this client may read: id, name, and `tree` as of `dossier_tree`."""
    return (await trees_of(viewer, client_id))[1]


async def branches_in(viewer: Viewer, folder: Folder, after: int = 0) -> list[Branch]:
    """In a tree that is opened step by step what lies directly in a folder that was found through the viewer."""
    return await _level(viewer, viewer.grants.get(folder.client or 0), folder, after)


async def tops_behind(viewer: Viewer, client_id: int, after: int) -> list[Branch]:
    """The top folders of a client's dossier that come after so many that are shown already."""
    return await _level(viewer, _require(viewer, client_id), None, after)


async def folder_contents(
    viewer: Viewer, folder: Folder, page: int = 1
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], bool]:
    """A page of what lies directly in a folder that was found through the viewer, its folders first and then its documents, the
    newest first; and whether more comes after it."""
    offset, passes = (page - 1) * PAGE, folder.id in viewer.passages
    some, args = _seen_in(viewer, folder)
    inside = await engine.raw(_INSIDE_SQL.format(some=some), folder.id, viewer.user.id, PAGE + 1, offset, *args)
    fresh = await _new_below(viewer, inside[:PAGE]) if inside and not passes else set()
    inside = [row | {"has_new": row["id"] in fresh} for row in inside]
    if len(inside) > PAGE or passes:
        ways = set(viewer.passages) if passes else set()
        inside = [row | ({"documents": 0} if row["id"] in ways else {}) for row in inside]
        return inside[:PAGE], [], len(inside) > PAGE
    before = 0
    if offset and not inside:
        rows = await engine.raw(_INSIDE_COUNT_SQL.format(some=some), folder.id, viewer.user.id, *args)
        before = int(rows[0]["n"])
    elif offset:
        before = offset
    room = PAGE - len(inside)
    sql = _OWN_CONTENTS_SQL if folder.own_only else _CONTENTS_SQL
    at = max(offset - before, 0)
    documents = await engine.raw(sql, folder.id, viewer.user.id, room + 1, at, room + 1 + at)
    return inside, documents[:room], len(documents) > room


def _seen_in(viewer: Viewer, folder: Folder) -> tuple[str, tuple[str, ...]]:
    """Of the folders in a passage only those that lead somewhere, as a condition with its argument."""
    if folder.id not in viewer.passages:
        return "", ()
    return f" AND f.id IN {listed(5)}", (json.dumps([*viewer.opened_folders, *viewer.passages]),)


async def _new_below(viewer: Viewer, inside: list[dict[str, Any]]) -> set[int]:
    """Of these folders, which he sees, those with something in them that he did not open yet."""
    ids = json.dumps([row["id"] for row in inside])
    return {row["top"] for row in await engine.raw(_NEW_BELOW_SQL.format(ids=listed(1)), ids, viewer.user.id)}


def _require(viewer: Viewer, client_id: int) -> Granted:
    grant = viewer.grants.get(client_id)
    if grant is None or not grant.opens_dossier:
        raise Missing("Dossier of client", client_id)
    return grant


def _some(grant: Granted | None, n: int) -> tuple[str, tuple[str, ...]]:
    """Where the dossier is not open as a whole: a condition on the folders `f`, with its argument, the n-th."""
    if grant is None or Right.VIEW_DOSSIER in grant.rights:
        return "", ()
    return f" AND f.id IN {listed(n)}", (json.dumps([*grant.folders, *grant.passages]),)


async def _level(viewer: Viewer, grant: Granted | None, folder: Folder | None, after: int) -> list[Branch]:
    """The folders beside each other in a folder, or at the top of the dossier of `grant`, behind so many."""
    some, args = _some(grant, 5)
    which = "f.parent = $1" if folder else "f.client = $1 AND f.parent IS NULL"
    at = folder.id if folder else grant.client_id if grant else 0
    rows = await engine.raw(_LEVEL_SQL.format(which=which, some=some), at, viewer.user.id, BRANCHES + 1, after, *args)
    ways = grant.passages if grant else frozenset()
    rows = [row | {"documents": 0} if row["id"] in ways else row for row in rows]
    (fresh,) = await _leaves(viewer, (rows[:BRANCHES], False))
    branches = _grown(rows[:BRANCHES], fresh, stepwise=True)
    if len(rows) > BRANCHES:
        branches[-1].more = after + BRANCHES
    return branches


async def _leaves(viewer: Viewer, *trees: tuple[list[dict[str, Any]], bool]) -> list[list[dict[str, Any]] | set[int]]:
    """For each of these lists of folders the documents in them, as long as they are few (and where they hang in the tree: said
    beside it); else the folders in which there are new ones."""
    hang = [wanted and sum(row["documents"] for row in rows) <= LEAVES for rows, wanted in trees]
    ids: dict[bool, list[int]] = {True: [], False: []}
    for (rows, _), hangs in zip(trees, hang, strict=True):
        ids[hangs] += [row["id"] for row in rows if row["documents"]]
    if not any(rows for rows, _ in trees):
        return [[] for _ in trees]
    found = await engine.raw(
        _LEAVES_OR_FRESH_SQL.format(hanging=listed(1), others=listed(3)),
        json.dumps(ids[True]), viewer.user.id, json.dumps(ids[False]),
    )  # fmt: skip
    parts: list[list[dict[str, Any]] | set[int]] = []
    for (rows, _), hangs in zip(trees, hang, strict=True):
        here = {row["id"] for row in rows}
        inside = [row for row in found if row["folder"] in here]
        parts.append(inside if hangs else {row["folder"] for row in inside})
    return parts


def _general(rows: list[dict[str, Any]], documents: list[dict[str, Any]] | set[int]) -> list[dict[str, Any]]:
    """The general dossiers out of the rows of their folders."""
    stepwise = any(row["general"] > BRANCHES for row in rows[:1])
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["dossier"], []).append(row)
    return [
        {"id": id, "name": folders[0]["dossier_name"], "tree": _grown(folders, documents, stepwise=stepwise)}
        for id, folders in found.items()
    ]


def _within(viewer: Viewer) -> tuple[dict[str, str], str]:
    """What of dossiers is this person's to see, for the statements below: the folders, with the clients whose dossier is his
    as a whole; and the argument of it, the folders that were opened to him. Empty where he sees nothing."""
    ids = _listed(viewer.client_ids_with(Right.VIEW_DOSSIER))
    if not ids and not viewer.opened_folders:
        return {}, ""
    general = _GENERAL.format(ids=ids) if ids else "-1"
    ids = ids or "-1"
    mine = _MINE.format(ids=ids, general=general, opened=listed(2))
    return {"mine": mine, "ids": ids}, json.dumps([*viewer.opened_folders])


def _uploads_where(viewer: Viewer, folder: int) -> bool:
    """Whether this opened folder is of a client for whom the person may hand in anywhere he may look."""
    return any(folder in grant.folders and Right.UPLOAD_DOCUMENTS in grant.rights for grant in viewer.grants.values())


def _grown(
    rows: list[dict[str, Any]], documents: list[dict[str, Any]] | set[int], *, stepwise: bool = False
) -> list[Branch]:
    """The tree out of its rows; documents hang in it as long as they are few. Of too many it is said where there are new ones."""
    branches = {row["id"]: Branch(row["id"], row["name"], row["kind"], row["documents"]) for row in rows}
    top = []
    for row in rows:
        branch = branches[row["id"]]
        branch.is_closed = stepwise and bool(row.get("has_folders"))
        if row["parent"] is None or stepwise:
            top.append(branch)
        elif row["parent"] in branches:
            branches[row["parent"]].folders.append(branch)
    if isinstance(documents, set):
        for id in documents & branches.keys():
            branches[id].has_new = True
    else:
        for document in sorted(documents, key=_BY_NAME):
            if (at := branches.get(document["folder"])) is not None:
                at.has_new = at.has_new or bool(document["is_new"])
                at.documents.append(document)
    for branch in top:
        _count(branch, not isinstance(documents, set) and len(documents) <= OPEN)
    return top


def _count(branch: Branch, may_open: bool) -> int:
    for inner in branch.folders:
        branch.count += _count(inner, may_open)
        branch.has_new = branch.has_new or inner.has_new
    branch.is_open = may_open and branch.count > 0
    return branch.count


def _listed(ids: Any) -> str:
    return ", ".join(str(int(id)) for id in ids)


# The general dossiers for these clients: for all, or for a group or sector in which one of them is.
_GENERAL = GENERAL_SQL

_UPLOADS_SQL = """SELECT f.id AS folder, f.name, f.client, c.name AS client_name,
 CASE WHEN EXISTS (SELECT 1 FROM document d WHERE d.folder = f.id AND d.source = 'client' AND d.trashed_at IS NULL AND d.state = 'published'
  AND (NOT f.own_only OR d.uploaded_by = $1)) THEN 0 ELSE 1 END AS is_asked
FROM folder f JOIN client c ON c.id = f.client WHERE (f.client IN ({ids}) OR f.id IN ({folders})) AND f.kind IN ('upload', 'both') AND f.trashed_at IS NULL
ORDER BY c.sort_key, f.position, f.name_key LIMIT 500"""

_MINE = f"""SELECT f.id FROM folder f WHERE (f.client IN ({{ids}}) OR f.id IN {{opened}}
 OR (f.client IS NULL AND f.dossier IN ({{general}}))) AND {shown_folder_sql()}"""

# One of these clients for whose group or sector a general dossier is; NULL where it is for all.
_READER = """coalesce((SELECT min(m.client) FROM dossier_group dg JOIN membership m ON m.client_group = dg.client_group
  WHERE dg.dossier = {dossier} AND m.client IN ({{ids}})), (SELECT min(cs.client) FROM dossier_sector ds
  JOIN client_sector cs ON cs.sector = ds.sector WHERE ds.dossier = {dossier} AND cs.client IN ({{ids}})))"""

# Counted per folder, in the order of the index, so that what is counted need not be sorted.
_UNREAD_SQL = f"""WITH unread(folder, documents, document) AS (SELECT d.folder, count(*), min(d.id) FROM document d
 LEFT JOIN reading r ON r.document = d.id AND r.person = $1 AND r.version = d.version
 WHERE d.folder IN ({{mine}}) AND {of_office_sql()} AND {meant_sql('$1')} AND d.published_at > $3 AND r.document IS NULL GROUP BY d.folder),
found(client, general, documents, document) AS (SELECT f.client, CASE WHEN f.client IS NULL THEN f.dossier END AS general,
 CAST(sum(u.documents) AS INTEGER), min(u.document) FROM unread u JOIN folder f ON f.id = u.folder GROUP BY 1, 2)
SELECT u.client, c.name AS client_name, o.id AS general, o.name AS general_name, u.documents, u.document, d.name,
 {_READER.format(dossier="o.id")} AS reader
FROM found u JOIN document d ON d.id = u.document LEFT JOIN client c ON c.id = u.client LEFT JOIN dossier o ON o.id = u.general
ORDER BY u.client IS NULL, c.sort_key, o.name_key"""

_NEWEST = f"SELECT {{what}} FROM document d WHERE d.folder = {{folder}} AND {of_office_sql()} AND {meant_sql('$1')} ORDER BY d.published_at DESC, d.id DESC LIMIT {{most}}"
# The newest documents lie in the folders whose newest is the newest: of those alone as many are looked at as are shown.
_NEW_SQL = f"""WITH last(folder, at, id) AS MATERIALIZED (SELECT f.id, ({
    _NEWEST.format(what="d.published_at", folder="f.id", most=1)
}),
 ({_NEWEST.format(what="d.id", folder="f.id", most=1)}) FROM folder f WHERE f.id IN ({{mine}})),
tops(folder) AS MATERIALIZED (SELECT folder FROM last WHERE id IS NOT NULL ORDER BY at DESC, id DESC LIMIT {NEWEST}),
found(id) AS ({
    " UNION ALL ".join(
        f"SELECT id FROM ({_NEWEST.format(what='d.id', folder=f'(SELECT folder FROM tops LIMIT 1 OFFSET {place})', most=NEWEST)}) x"
        for place in range(NEWEST)
    )
})
SELECT d.id, d.name, d.mime, d.published_at AS uploaded_at, f.name AS folder, d.client, c.name AS client_name, r.document IS NULL AS is_new,
 {_READER.format(dossier="f.dossier")} AS reader
FROM found n JOIN document d ON d.id = n.id JOIN folder f ON f.id = d.folder LEFT JOIN client c ON c.id = d.client
LEFT JOIN reading r ON r.document = d.id AND r.person = $1 AND r.version = d.version
ORDER BY d.published_at DESC, d.id DESC LIMIT {NEWEST}"""

_CONTACTS_SQL = """SELECT u.id, u.full_name AS name, u.job_title, u.photo,
 u.email, CASE WHEN u.phone <> '' THEN u.phone ELSE u.mobile END AS phone, count(*) AS clients
FROM responsible r JOIN users u ON u.id = r.person WHERE r.client IN ({ids}) AND u.state <> 'blocked'
GROUP BY u.id, u.full_name, u.job_title, u.photo, u.email, u.phone, u.mobile, u.sort_key ORDER BY count(*) DESC, u.sort_key LIMIT 6"""

_FOLDER = f"""SELECT f.id, f.parent, f.name, f.kind, (SELECT count(*) FROM document d WHERE d.folder = f.id AND {shown_sql("{person}")}) AS documents,
 EXISTS (SELECT 1 FROM folder c WHERE c.parent = f.id AND c.kind <> 'internal' AND c.trashed_at IS NULL) AS has_folders"""
_SHOWN = shown_folder_sql()
_IN_ORDER = " ORDER BY f.position, f.name_key, f.id"

# The folders of a client (`few`, `own`: how many there are, as far as that matters) and of the general dossiers he reads (`shared`,
# `general`): all of them, or those at the top where there are many. Cut out first: what lies in a folder is counted for those
# that are shown alone.
_TOPS_OF_MANY = "f.parent IS NULL OR (SELECT count(*) FROM {folders}) <= {branches}"
_TREES_SQL = f"""WITH few(id) AS MATERIALIZED (SELECT f.id FROM folder f WHERE f.client = $1 AND {_SHOWN}{{some}} LIMIT {{most}}),
shared(id) AS MATERIALIZED (SELECT f.id FROM folder f WHERE f.dossier IN ({{general}}) AND {_SHOWN} LIMIT {{most}}),
cut(id) AS (SELECT id FROM (SELECT f.id FROM folder f WHERE f.client = $1 AND {_SHOWN}{{some}} AND ({{tops}}){_IN_ORDER}
  LIMIT {{most}} OFFSET $3) a
 UNION ALL SELECT id FROM (SELECT f.id FROM folder f JOIN dossier o ON o.id = f.dossier WHERE f.dossier IN ({{general}}) AND {_SHOWN}
  AND ({{shared_tops}}) ORDER BY o.name_key, o.id, f.position, f.name_key, f.id LIMIT 500) b)
{_FOLDER.format(person="$2")}, f.client, f.dossier, o.name AS dossier_name, (SELECT count(*) FROM few) AS own, (SELECT count(*) FROM shared) AS general
FROM cut n JOIN folder f ON f.id = n.id JOIN dossier o ON o.id = f.dossier
ORDER BY f.client IS NULL, o.name_key, o.id, f.position, f.name_key, f.id"""
_CUT = f"SELECT f.* FROM folder f WHERE {{which}} AND {_SHOWN}{{some}}{_IN_ORDER} LIMIT $3 OFFSET $4"
_LEVEL_SQL = f"{_FOLDER.format(person='$2')} FROM ({_CUT}) f{_IN_ORDER}"
_INSIDE_SQL = _LEVEL_SQL.replace("{which}", "f.parent = $1")
_INSIDE_COUNT_SQL = f"SELECT count(*) AS n FROM folder f WHERE f.parent = $1 AND $2 > 0 AND {_SHOWN}{{some}}"

_LEAF = (
    "d.id, d.folder, d.name, d.name_key, d.mime, d.uploaded_at, d.source = 'office' AND r.document IS NULL AS is_new"
)
_READ = "LEFT JOIN reading r ON r.document = d.id AND r.person = $2 AND r.version = d.version"
_LEAVES_SQL = f"SELECT {_LEAF} FROM document d JOIN folder f ON f.id = d.folder {_READ} WHERE d.folder IN {{ids}} AND {shown_sql('$2')}"
_FRESH_SQL = f"""SELECT f.id FROM folder f WHERE f.id IN {{ids}} AND EXISTS (SELECT 1 FROM (SELECT d.id, d.version FROM document d
 WHERE d.folder = f.id AND {of_office_sql()} AND {meant_sql('$2')} ORDER BY d.uploaded_at DESC, d.id DESC LIMIT {FRESH}) d {_READ} WHERE r.document IS NULL)"""
_LEAVES_OR_FRESH_SQL = (
    f"{_LEAVES_SQL.format(ids='{hanging}')} UNION ALL SELECT 0, x.id, '', '', '', NULL, 1 = 1 "
    f"FROM ({_FRESH_SQL.format(ids='{others}')}) x"
)

_CONTENT = "d.id, d.name, d.size, d.mime, d.source, d.uploaded_at, d.uploaded_by = $2 AS is_mine, d.source = 'office' AND r.document IS NULL AS is_new"
_NEWEST_FIRST = " ORDER BY d.uploaded_at DESC, d.id DESC"
_PUBLISHED_IN = (
    "SELECT d.id, d.uploaded_at FROM document d WHERE d.folder = $1 AND d.trashed_at IS NULL AND d.state = 'published' "
    f"AND {meant_sql('$2')}"
)
_CONTENTS_OF = f"SELECT {_CONTENT} FROM ({{which}}{_NEWEST_FIRST} LIMIT $3 OFFSET $4) n JOIN document d ON d.id = n.id {_READ}{_NEWEST_FIRST}"
_CONTENTS_SQL = _CONTENTS_OF.format(which=f"{_PUBLISHED_IN} AND $5 > 0")
# What the office put there, and of what was handed in one's own; each as far as the page goes.
_OWN_CONTENTS_SQL = _CONTENTS_OF.format(
    which="SELECT d.id, d.uploaded_at FROM ("
    f"SELECT * FROM ({_PUBLISHED_IN} AND d.source = 'office'{_NEWEST_FIRST} LIMIT $5) a UNION ALL "
    f"SELECT * FROM ({_PUBLISHED_IN} AND d.source = 'client' AND d.uploaded_by = $2{_NEWEST_FIRST} LIMIT $5) b) d"
)
# Of some folders those in which something lies, at whatever depth, that this person did not open yet.
_NEW_BELOW_SQL = f"""WITH RECURSIVE below(top, id) AS (SELECT f.id, f.id FROM folder f WHERE f.id IN {{ids}} AND {_SHOWN}
 UNION ALL SELECT b.top, f.id FROM below b JOIN folder f ON f.parent = b.id WHERE {_SHOWN})
SELECT DISTINCT b.top FROM below b WHERE EXISTS (SELECT 1 FROM document d {_READ} WHERE d.folder = b.id AND {of_office_sql()} AND {meant_sql('$2')}
 AND r.document IS NULL)"""
