"""What is done to several folders and documents at once: moved, copied, thrown away, published; each with its undo."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from piccolo.columns import ForeignKey, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from models import engine
from models.accounts import User
from models.accounts.blocking import listed
from models.core import Missing, Owned, Refused, Say, fold, operation, save
from models.dossiers.copying import copy_folders, documents_copied
from models.dossiers.crossing import as_they_were, make_drafts, strangers_to
from models.dossiers.documents import Document
from models.dossiers.dossier import Dossier, require_structures
from models.dossiers.folders import Folder, Publish, numbered, tell
from models.dossiers.pinning import pin
from models.dossiers.subtrees import below, carry_over, of_client
from models.dossiers.undoing import (
    keep,
    rights_go_along,
    undo_add,
    undo_kind,
    undo_order,
    undo_rename,
    undo_settings,
)
from models.personal import NUMBER_ONLY, Erase, Export
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

MOST = 5_000  # folders and documents of one act


@dataclass(frozen=True)
class Items:
    """Folders and documents that were chosen, by id."""

    folders: tuple[int, ...] = ()
    documents: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.folders) + len(self.documents)


class DossierAct(Owned, Table, tablename="dossier_act"):
    """One act on several things, with how they were before, so that it can be undone."""

    dossier = ForeignKey(Dossier, null=False, on_delete=OnDelete.cascade, index=True)
    person = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    kind = Varchar(length=8)
    at = Timestamptz()
    before = Text(default="{}", help_text="JSON, as the kind of act writes it down")
    undone_at = Timestamptz(null=True, default=None)

    dossier_act_kind_one_of = Check(
        "kind IN ('move', 'copy', 'trash', 'publish', 'rename', 'kind', 'order', 'settings', 'add')"
    )

    EXPORTS = Export(Say("Handelingen in dossiers"), by=("person",), hidden=("before",))
    ERASES = Erase(ground=NUMBER_ONLY)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        """One's own: nobody undoes what he did not do."""
        return cls.person == viewer.user.id if viewer.is_staff else cls.id < 0

    @operation(Permission.EDIT_DOSSIERS, trail=False)
    async def undo(self, *, by: Viewer) -> int:
        """Put back what is still as the act left it; how many. What somebody changed since stays as it is."""
        if self.undone_at is not None:
            raise Refused("", Say("Dit is al ongedaan gemaakt."))
        dossier = await by.dossiers.get(self.dossier)
        before = json.loads(self.before)
        for id in {dossier.id, *before.get("dossiers", [])}:  # all of them are changed again
            require_structures((await by.dossiers.get(id)).client, by)
        count = await _UNDO[self.kind](before, by)
        await save(self, undone_at=utcnow())
        await by.note("Dossier.undo", dossier, {"count": count})
        await _tell_all({dossier.id, *json.loads(self.before).get("dossiers", [])})
        return count


@dataclass(frozen=True)
class _Chosen:
    """The rows behind `Items`: what lies in a chosen folder anyway is not there twice."""

    folders: list[dict[str, Any]]
    documents: list[dict[str, Any]]

    @property
    def dossiers(self) -> set[int]:
        return {row["dossier"] for row in (*self.folders, *self.documents)}

    @property
    def names(self) -> list[str]:
        return [row["name"] for row in (*self.folders, *self.documents)]


async def _choose(items: Items, by: Viewer) -> _Chosen:
    """Raises Missing when one of them does not exist for the viewer, Refused when it may not be touched."""
    if not len(items):
        raise Refused("", Say("Kies eerst mappen of documenten."))
    if len(items) > MOST:
        raise Refused("", Say("Kies er ten hoogste {most} in één keer.", most=MOST))
    folders = await by.folders.where(Folder.id.is_in(list(items.folders) or [-1])).all(Folder.position, Folder.name_key)
    documents = await by.documents.where(Document.id.is_in(list(items.documents) or [-1])).all(Document.name_key)
    if len(folders) < len(set(items.folders)) or len(documents) < len(set(items.documents)):
        raise Missing("Folder or document", items)
    found: list[Any] = [*folders, *documents]
    if any(one.is_trashed for one in found):
        raise Refused("", Say("Iets van wat u koos ligt intussen in de prullenbak. Laad de pagina opnieuw."))
    for one in found:
        require_structures(one.client, by)
    chosen = {one.id for one in folders}
    rows = await engine.raw(
        f"SELECT d.id, d.folder, d.client, d.name, d.state, d.publish_at, d.published_at, f.dossier FROM document d "
        f"JOIN folder f ON f.id = d.folder WHERE d.id IN {listed(1)} ORDER BY d.name_key, d.id",
        json.dumps([one.id for one in documents]),
    )
    covered = {row["id"] for row in await below(chosen)} | chosen
    inner = {row["id"] for row in await below(chosen)} & chosen
    return _Chosen(
        [_row_of(one) for one in folders if one.id not in inner], [row for row in rows if row["folder"] not in covered]
    )


def _row_of(folder: Folder) -> dict[str, Any]:
    names = ("id", "dossier", "client", "parent", "name", "position", "kind")
    return {name: getattr(folder, name) for name in names}


async def _tell_all(dossiers: set[int]) -> None:
    rows = await engine.raw(
        f"SELECT id, client FROM dossier WHERE id IN {listed(1)}", json.dumps(sorted(int(one) for one in dossiers))
    )
    for row in rows:
        await tell(row["id"], row["client"])


async def _may_take(dossier: Dossier, parent: Folder | None, chosen: _Chosen, by: Viewer) -> None:
    require_structures(dossier.client, by)
    if parent is not None and (parent.is_trashed or parent.dossier != dossier.id):
        raise Refused("folder", Say("Die map ligt in de prullenbak."))
    if parent is None and chosen.documents:
        raise Refused("folder", Say("Een document ligt altijd in een map. Kies een map."))
    if dossier.kind == "standard" and (chosen.documents or await _holds_documents(chosen)):
        raise Refused("folder", Say("Een standaardstructuur heeft alleen mappen."))


async def _holds_documents(chosen: _Chosen) -> bool:
    ids = {row["id"] for row in chosen.folders}
    ids |= {row["id"] for row in await below(ids)}
    return bool(
        await engine.raw(f"SELECT 1 AS one FROM document WHERE folder IN {listed(1)} LIMIT 1", json.dumps(sorted(ids)))
    )


async def _names_in(dossier: int, parent: int | None) -> set[str]:
    rows = await engine.raw(
        "SELECT name_key FROM folder WHERE dossier = $1 AND coalesce(parent, 0) = $2 AND trashed_at IS NULL",
        dossier,
        parent or 0,
    )
    return {row["name_key"] for row in rows}


async def _documents_in(folder: int, besides: Sequence[int] = ()) -> set[str]:
    rows = await engine.raw("SELECT id, name_key FROM document WHERE folder = $1 AND trashed_at IS NULL", folder)
    left_out = set(besides)
    return {row["name_key"] for row in rows if row["id"] not in left_out}


def _named(rows: Sequence[dict[str, Any]], taken: set[str], most: int) -> list[tuple[int, str, str]]:
    """For each row its id, name and key where it comes: numbered when the name is taken. `taken` grows."""
    named = []
    for row in rows:
        name = numbered(row["name"], taken, most)
        taken.add(fold(name))
        named.append((row["id"], name, fold(name)))
    return named


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def move_items(dossier: Dossier, parent: Folder | None, items: Items, *, by: Viewer) -> DossierAct:
    """To a folder of this dossier, or to its top: from the same dossier or another. A name that is taken gets a number.

    What comes to another client is a draft there until it is published, and of the office, as a copy is.
    """
    chosen = await _choose(items, by)
    await _may_take(dossier, parent, chosen, by)
    into = parent.id if parent else None
    ids = {row["id"] for row in chosen.folders}
    if into in ids or into in {row["id"] for row in await below(ids)}:
        raise Refused("folder", Say("Een map kan niet in zichzelf of in een map die erin ligt."))
    folders = [row for row in chosen.folders if (row["dossier"], row["parent"]) != (dossier.id, into)]
    documents = [row for row in chosen.documents if row["folder"] != into]
    before: dict[str, Any] = {
        "dossiers": sorted(chosen.dossiers | {dossier.id}),
        "folders": [[row["id"], row["dossier"], row["client"], row["parent"], row["name"], row["position"], into] for row in folders],
        "documents": [[row["id"], row["folder"], row["client"], row["name"], into] for row in documents],
    }  # fmt: skip
    if parent is not None and parent.kind == "internal":
        rows = [*folders, *await below({row["id"] for row in folders})]
        before["kinds"] = [[row["id"], row["kind"]] for row in rows]
    before["drafts"] = await strangers_to(
        dossier.client, [row["id"] for row in folders], [row["id"] for row in documents]
    )
    async with rights_go_along(row["id"] for row in folders):
        await _put_folders(_named(folders, await _names_in(dossier.id, into), 120), dossier.id, dossier.client, into)
    if into is not None:
        await _put_documents(_named(documents, await _documents_in(into), 255), into, dossier.client)
    await make_drafts(before["drafts"], by)
    if "kinds" in before:
        await engine.raw(
            f"UPDATE folder SET kind = 'internal' WHERE id IN {listed(1)}",
            json.dumps([id for id, _ in before["kinds"]]),
        )
    act = await keep("move", dossier.id, before, by, *chosen.names)
    detail = {"folders": len(folders), "documents": len(documents), "to": parent.name if parent else ""}
    await by.note(
        "Dossier.move_items", dossier, detail | ({"drafts": len(before["drafts"])} if before["drafts"] else {})
    )
    await _tell_all(set(before["dossiers"]))
    return act


async def _put_folders(
    named: Sequence[tuple[int, str, str]], dossier: int, client: int | None, parent: int | None
) -> None:
    if not named:
        return
    rows = await engine.raw(
        "SELECT coalesce(max(position), -1) + 1 AS place FROM folder WHERE dossier = $1 AND coalesce(parent, 0) = $2",
        dossier,
        parent or 0,
    )
    first = int(rows[0]["place"])
    await pin(folders=[id for id, _, _ in named], to_client=client)
    await engine.raw_many(
        "UPDATE folder SET parent = $1, name = $2, name_key = $3, position = $4, dossier = $5 WHERE id = $6",
        [(parent, name, key, first + place, dossier, id) for place, (id, name, key) in enumerate(named)],
    )
    await carry_over({id for id, _, _ in named}, dossier, client)


async def _put_documents(named: Sequence[tuple[int, str, str]], folder: int, client: int | None) -> None:
    await pin([id for id, _, _ in named], to_client=client)
    await engine.raw_many(
        "UPDATE document SET folder = $1, name = $2, name_key = $3, client = $4 WHERE id = $5",
        [(folder, name, key, client, id) for id, name, key in named],
    )
    await of_client([id for id, _, _ in named], client)


async def _undo_move(before: dict[str, Any], by: Viewer) -> int:
    async with rights_go_along(row[0] for row in before["folders"]):
        count = await _moved_back(before)
    await as_they_were(before.get("drafts", []))
    return count


async def _moved_back(before: dict[str, Any]) -> int:
    back: list[int] = []
    for id, dossier, client, parent, name, position, into in before["folders"]:
        found = await engine.raw(
            "SELECT 1 AS one FROM folder WHERE id = $1 AND coalesce(parent, 0) = $2 AND trashed_at IS NULL",
            id,
            into or 0,
        )
        home = parent is None or await engine.raw(
            "SELECT 1 AS one FROM folder WHERE id = $1 AND dossier = $2 AND trashed_at IS NULL", parent, dossier
        )
        if not found or not home:
            continue
        taken = await _names_in(dossier, parent)
        name = numbered(name, taken, 120)
        await pin(folders=[id], to_client=client)
        await engine.raw(
            "UPDATE folder SET parent = $1, name = $2, name_key = $3, position = $4, dossier = $5 WHERE id = $6",
            parent, name, fold(name), position, dossier, id,
        )  # fmt: skip
        await carry_over({id}, dossier, client)
        back.append(id)
    await _kinds_again(back, before.get("kinds", []))
    count = len(back)
    places: dict[tuple[int, int | None], list[dict[str, Any]]] = {}
    there = await _still_there(before["documents"])
    for id, folder, client, name, _ in before["documents"]:
        if id in there:
            places.setdefault((folder, client), []).append({"id": id, "name": name})
    for (folder, client), rows in places.items():
        if await engine.raw("SELECT 1 AS one FROM folder WHERE id = $1 AND trashed_at IS NULL", folder):
            await _put_documents(_named(rows, await _documents_in(folder), 255), folder, client)
            count += len(rows)
    return count


async def _kinds_again(back: Sequence[int], kinds: Sequence[list[Any]]) -> None:
    """Of what came out of an internal folder again, and lies in no other, the kinds that it had."""
    home = {row["id"] for row in await engine.raw(f"SELECT f.id FROM folder f LEFT JOIN folder p ON p.id = f.parent WHERE f.id IN {listed(1)} AND coalesce(p.kind, '') <> 'internal'", json.dumps(list(back)))}  # fmt: skip
    moved = home | {row["id"] for row in await below(home)}
    await engine.raw_many(
        "UPDATE folder SET kind = $1 WHERE id = $2 AND kind = 'internal'",
        [(kind, id) for id, kind in kinds if id in moved],
    )


async def _still_there(documents: Sequence[list[Any]]) -> set[int]:
    """Of documents that were put somewhere those that nobody moved on or threw away."""
    into = {one[0]: one[4] for one in documents}
    rows = await engine.raw(
        f"SELECT id, folder FROM document WHERE trashed_at IS NULL AND id IN {listed(1)}", json.dumps(list(into))
    )
    return {row["id"] for row in rows if row["folder"] == into[row["id"]]}


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def copy_items(dossier: Dossier, parent: Folder | None, items: Items, *, by: Viewer) -> DossierAct:
    """To a folder of this dossier, or to its top. What comes to another client is a draft there until it is published."""
    chosen = await _choose(items, by)
    await _may_take(dossier, parent, chosen, by)
    into, now = parent.id if parent else None, utcnow()
    named = _named(chosen.folders, await _names_in(dossier.id, into), 120)
    made = await copy_folders(named, dossier, into, parent.kind == "internal" if parent else False, by.user.id, now)
    copies: list[int] = []
    if into is not None:
        rows = _named(chosen.documents, await _documents_in(into), 255)
        copies = await documents_copied({id: (into, name) for id, name, _ in rows}, dossier.client, by.user.id, now)
    act = await keep("copy", dossier.id, {"folders": made, "documents": copies}, by, *chosen.names)
    await by.note(
        "Dossier.copy_items",
        dossier,
        {"folders": len(named), "documents": len(copies), "to": parent.name if parent else ""},
    )
    await _tell_all({dossier.id})
    return act


async def _undo_copy(before: dict[str, Any], by: Viewer) -> int:
    """Into the trash, and not for good: somebody may have worked on a copy."""
    return await _throw(before["folders"], before["documents"], by)


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def trash_items(dossier: Dossier, items: Items, *, by: Viewer) -> DossierAct:
    """With all that lies in the folders."""
    chosen = await _choose(items, by)
    folders, documents = ([row["id"] for row in rows] for rows in (chosen.folders, chosen.documents))
    await _throw(folders, documents, by)
    before = {"folders": folders, "documents": documents, "dossiers": sorted(chosen.dossiers)}
    act = await keep("trash", dossier.id, before, by, *chosen.names)
    await by.note("Dossier.trash_items", dossier, {"folders": len(folders), "documents": len(documents)})
    await _tell_all(chosen.dossiers)
    return act


async def _throw(folders: Sequence[int], documents: Sequence[int], by: Viewer) -> int:
    now = utcnow()
    inside = [row["id"] for row in await below(set(folders))]
    for table, ids in (("folder", [*folders, *inside]), ("document", documents)):
        await engine.raw(
            f"UPDATE {table} SET trashed_at = $2, trashed_by = $3 WHERE trashed_at IS NULL AND id IN {listed(1)}",
            json.dumps(list(ids)), now, by.user.id,
        )  # fmt: skip
    return len(folders) + len(documents)


async def _undo_trash(before: dict[str, Any], by: Viewer) -> int:
    count = 0
    for id in before["folders"]:
        folder = await by.folders.where(Folder.id == id).find()
        if folder is not None and folder.is_trashed:
            await folder.restore(by=by)
            count += 1
    for id in before["documents"]:
        document = await by.documents.where(Document.id == id).find()
        if document is not None and document.is_trashed:
            await document.restore(by=by)
            count += 1
    return count


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def publish_items(dossier: Dossier, items: Items, publish: Publish, *, by: Viewer) -> DossierAct:
    """The office's documents among them, and those in the folders: shown to clients at once or at a moment, or a draft again."""
    chosen = await _choose(items, by)
    ids = [row["id"] for row in chosen.folders] + [
        row["id"] for row in await below({row["id"] for row in chosen.folders})
    ]
    rows = chosen.documents + await engine.raw(
        "SELECT d.id, d.state, d.publish_at, d.published_at, f.dossier FROM document d JOIN folder f ON f.id = d.folder "
        f"WHERE d.folder IN {listed(1)} AND d.trashed_at IS NULL AND f.trashed_at IS NULL",
        json.dumps(ids),
    )
    new = publish.columns(utcnow())
    rows = [row for row in rows if row["state"] != new["state"] or new["state"] == "planned"]
    rows = await _of_office(rows)
    await engine.raw(
        f"UPDATE document SET state = $2, publish_at = $3, published_at = coalesce($4, published_at) WHERE id IN {listed(1)}",
        json.dumps([row["id"] for row in rows]), new["state"], new["publish_at"], new["published_at"],
    )  # fmt: skip
    before: dict[str, Any] = {
        "state": new["state"],
        "documents": [[row["id"], row["state"], _iso(row["publish_at"]), _iso(row["published_at"])] for row in rows],
        "dossiers": sorted(chosen.dossiers),
    }
    act = await keep("publish", dossier.id, before, by, *chosen.names)
    await by.note("Dossier.publish_items", dossier, {"state": new["state"], "count": len(rows)})
    await _tell_all(chosen.dossiers)
    return act


async def _of_office(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = await engine.raw(
        f"SELECT id FROM document WHERE source = 'office' AND id IN {listed(1)}",
        json.dumps([row["id"] for row in rows]),
    )
    ids = {row["id"] for row in found}
    return [row for row in rows if row["id"] in ids]


def _iso(moment: Any) -> str | None:
    return moment.isoformat() if moment else None


async def _undo_publish(before: dict[str, Any], by: Viewer) -> int:
    def at(text: str | None) -> dt.datetime | None:
        return dt.datetime.fromisoformat(text) if text else None

    rows = [(state, at(planned), at(shown), id, before["state"]) for id, state, planned, shown in before["documents"]]
    await engine.raw_many(
        "UPDATE document SET state = $1, publish_at = $2, published_at = $3 WHERE id = $4 AND state = $5", rows
    )
    return len(rows)


_UNDO: dict[str, Callable[[dict[str, Any], Any], Any]] = {
    "move": _undo_move,
    "copy": _undo_copy,
    "trash": _undo_trash,
    "publish": _undo_publish,
    "rename": undo_rename,
    "kind": undo_kind,
    "order": undo_order,
    "settings": undo_settings,
    "add": undo_add,
}
