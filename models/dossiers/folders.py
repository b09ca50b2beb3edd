"""A folder: its place and name in the tree, its trash, and the documents put into it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from piccolo.columns import ForeignKey, Integer, OnDelete, Timestamptz, Varchar
from piccolo.columns.reference import LazyTableReference
from piccolo.constraints import Check
from piccolo.table import Table

from models import engine
from models.clients import Client, with_right
from models.core import Owned, Refused, Say, fold, operation, save, was_and_is
from models.dossiers.dossier import Dossier, general_dossiers_for, require_structures, tidy_name
from models.live import touch
from models.settings import utcnow
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.dossiers.documents import Document
    from models.viewer import Viewer

KINDS = ("office", "upload", "internal")


class NewDocument(NamedTuple):
    """A file that is in the storage and becomes a document; `name` cleaned, `mime` told from the content."""

    name: str
    sha256: str
    size: int
    mime: str


class Folder(Owned, Table, tablename="folder"):
    """A folder of a dossier. `client` is carried by every row, so that rights are one comparison."""

    dossier = ForeignKey(Dossier, null=False, on_delete=OnDelete.cascade)
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    parent: Any = ForeignKey(
        LazyTableReference("Folder", module_path="models.dossiers"), null=True, default=None, on_delete=OnDelete.cascade
    )
    name = Varchar(length=120)
    name_key = Varchar(length=240, help_text="Folded: unique among the siblings that are not in the trash (extra_ddl).")
    kind = Varchar(
        length=8,
        default="office",
        help_text="office: the office publishes; upload: the client hands in; internal: staff only",
    )
    position = Integer(default=0)
    created_at = Timestamptz()
    trashed_at = Timestamptz(null=True, default=None)
    trashed_by = Integer(null=True, default=None)

    folder_kind_known = Check("kind IN ('office', 'upload', 'internal')")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        mine = with_right(cls.client, viewer, Right.VIEW_DOSSIER)
        if viewer.is_staff:
            return mine | cls.client.is_null() if viewer.may(Permission.READ_DOSSIERS) else mine
        if viewer.opened_folders:
            mine = mine | cls.id.is_in(list(viewer.opened_folders))
        shown = mine | (cls.client.is_null() & cls.dossier.is_in(general_dossiers_for(viewer)))
        return shown & (cls.kind != "internal") & cls.trashed_at.is_null()

    @property
    def is_trashed(self) -> bool:
        return self.trashed_at is not None

    @operation(Permission.EDIT_DOSSIERS)
    async def add_folder(self, name: str, kind: str = "", *, by: Viewer) -> Folder:
        """A folder in this one; of the same kind when none is given. What lies in an internal folder is internal."""
        require_structures(self.client, by)
        self._refuse_trashed()
        kind = "internal" if self.kind == "internal" else kind or self.kind
        return await make_folder(self.dossier, self.client, self.id, name, kind)

    @operation(Permission.EDIT_DOSSIERS, trail=False)
    async def rename(self, name: str, was: str = "", *, by: Viewer) -> None:
        """`was` is the name that stood on the screen: somebody who did not see the present one is told first."""
        require_structures(self.client, by)
        self._refuse_trashed()
        if was and was != self.name:
            raise Refused(
                "name",
                Say("Iemand anders noemde deze map intussen “{name}”. Kies opnieuw of bewaar uw naam.", name=self.name),
            )
        name = tidy_name(name)
        await refuse_taken(self.dossier, self.parent, name, besides=self.id)
        before = self.name
        await save(self, name=name, name_key=fold(name))
        await by.note("Folder.rename", self, {"name": name, **was_and_is({"name": before}, {"name": name})})
        await self._tell()

    @operation(Permission.EDIT_DOSSIERS)
    async def move(self, parent: int | None, *, by: Viewer) -> None:
        """Into another folder of the same dossier, or to its top. What comes into an internal folder becomes internal."""
        require_structures(self.client, by)
        self._refuse_trashed()
        target = await by.folders.get(parent) if parent else None
        if target is not None:
            target._refuse_trashed()
            if target.dossier != self.dossier:
                raise Refused("parent", Say("Een map verhuist alleen binnen het eigen dossier."))
            if await engine.raw(f"{_SUBTREE} SELECT id FROM subtree WHERE id = $2", self.id, target.id):
                raise Refused("parent", Say("Een map kan niet in zichzelf of in een map die erin ligt."))
        await refuse_taken(self.dossier, parent, self.name, besides=self.id)
        await save(self, parent=parent or None, position=await next_position(self.dossier, parent))
        if target is not None and target.kind == "internal":
            await self._make_internal()
        await self._tell()

    @operation(Permission.EDIT_DOSSIERS)
    async def reorder(self, direction: str, *, by: Viewer) -> None:
        """One place up or down among its siblings."""
        require_structures(self.client, by)
        self._refuse_trashed()
        rows = await engine.raw(_SIBLINGS_SQL, self.dossier, self.parent or 0)
        ids = [row["id"] for row in rows]
        at = ids.index(self.id)
        to = at - 1 if direction == "up" else at + 1
        if 0 <= to < len(ids):
            ids[at], ids[to] = ids[to], ids[at]
        was = {row["id"]: row["position"] for row in rows}
        moved = [(place, id) for place, id in enumerate(ids) if was[id] != place]
        await engine.raw_many("UPDATE folder SET position = $1 WHERE id = $2", moved)
        await self._tell()

    @operation(Permission.EDIT_DOSSIERS)
    async def change_kind(self, kind: str, *, by: Viewer) -> None:
        """To internal takes everything in it along; out of internal leaves what is in it internal, until said otherwise."""
        require_structures(self.client, by)
        self._refuse_trashed()
        if kind not in KINDS:
            raise Refused("kind", Say("Kies een soort map."))
        if (
            kind != "internal"
            and self.parent
            and await Folder.exists().where((Folder.id == self.parent) & (Folder.kind == "internal"))
        ):
            raise Refused("kind", Say("Deze map ligt in een interne map en blijft daarom intern. Verplaats hem eerst."))
        await save(self, kind=kind)
        if kind == "internal":
            await self._make_internal()
        await self._tell()

    @operation(Permission.EDIT_DOSSIERS)
    async def trash(self, *, by: Viewer) -> None:
        """With everything in it. What is already in the trash stays there on its own account."""
        require_structures(self.client, by)
        self._refuse_trashed()
        now = utcnow()
        await engine.raw(
            f"UPDATE folder SET trashed_at = $2, trashed_by = $3 WHERE trashed_at IS NULL AND id IN ({_SUBTREE} SELECT id FROM subtree)",
            self.id, now, by.user.id,
        )  # fmt: skip
        self.trashed_at, self.trashed_by = now, by.user.id
        await self._tell()

    @operation(Permission.EDIT_DOSSIERS)
    async def restore(self, *, by: Viewer) -> str:
        """With everything that went with it; the name it has now, numbered when another folder took its name."""
        require_structures(self.client, by)
        if not self.is_trashed:
            raise Refused("", Say("Deze map ligt niet in de prullenbak."))
        above = await Folder.select(Folder.name, Folder.trashed_at).where(Folder.id == (self.parent or 0)).first()
        if above and above["trashed_at"]:
            raise Refused(
                "",
                Say(
                    "Deze map lag in “{name}”, en die ligt ook in de prullenbak. Zet eerst die terug.",
                    name=above["name"],
                ),
            )
        rows = await engine.raw(_SIBLINGS_SQL, self.dossier, self.parent or 0)
        name = numbered(self.name, {row["name_key"] for row in rows}, 120)
        await engine.raw(
            f"{_SUBTREE_OF_ONE_MOMENT} UPDATE folder SET trashed_at = NULL, trashed_by = NULL WHERE id IN (SELECT id FROM subtree) AND id <> $1",
            self.id,
        )  # fmt: skip
        await save(self, name=name, name_key=fold(name), trashed_at=None, trashed_by=None)
        await self._tell()
        return name

    async def add_documents(self, files: Sequence[NewDocument], *, by: Viewer) -> list[Document]:
        """Make documents of stored files; a name that is taken gets a number. Staff put them in, clients hand them in."""
        return await (self.hand_in if by.is_client else self.put_documents)(files, by=by)

    @operation(Permission.EDIT_DOSSIERS, trail=False)
    async def put_documents(self, files: Sequence[NewDocument], *, by: Viewer) -> list[Document]:
        require_structures(self.client, by)
        if await Dossier.exists().where((Dossier.id == self.dossier) & (Dossier.kind == "standard")):
            raise Refused(
                "files",
                Say("Een standaardstructuur heeft alleen mappen. Zet documenten in het dossier van een cliënt."),
            )
        return await self._add(files, "office", by, "Folder.put_documents")

    @operation(Permission.UPLOAD_DOCUMENTS, trail=False)
    async def hand_in(self, files: Sequence[NewDocument], *, by: Viewer) -> list[Document]:
        from models.notices import uploaded

        if self.kind != "upload":
            raise Refused("files", Say("In deze map kunt u niets aanleveren. Kies een uploadmap."))
        added = await self._add(files, "client", by, "Folder.hand_in")
        await uploaded(self.client, [document.id for document in added])
        await touch("uploads")
        return added

    async def _add(self, files: Sequence[NewDocument], source: str, by: Viewer, operation: str) -> list[Document]:
        from models.dossiers.documents import Document

        self._refuse_trashed()
        if not files:
            raise Refused("files", Say("Kies eerst een bestand."))
        rows = await engine.raw("SELECT name_key FROM document WHERE folder = $1 AND trashed_at IS NULL", self.id)
        taken, now, documents = {row["name_key"] for row in rows}, utcnow(), []
        for file in files:
            name = numbered(file.name, taken, 255)
            taken.add(fold(name))
            documents.append(
                Document(
                    folder=self.id,
                    client=self.client,
                    name=name,
                    name_key=fold(name),
                    sha256=file.sha256,
                    size=file.size,
                    mime=file.mime,
                    source=source,
                    uploaded_by=by.user.id,
                    uploaded_at=now,
                )
            )
        await Document.insert(*documents)
        await by.note(
            operation, self, {"names": [document.name for document in documents][:20], "count": len(documents)}
        )
        await self._tell()
        return documents

    def _refuse_trashed(self) -> None:
        if self.is_trashed:
            raise Refused("", Say("Deze map ligt in de prullenbak. Zet hem eerst terug."))

    async def _make_internal(self) -> None:
        await engine.raw(
            f"UPDATE folder SET kind = 'internal' WHERE id IN ({_SUBTREE} SELECT id FROM subtree)", self.id
        )
        self.kind = "internal"

    async def _tell(self) -> None:
        await tell(self.dossier, self.client)


_SUBTREE = """WITH RECURSIVE subtree(id) AS (
 SELECT id FROM folder WHERE id = $1 UNION ALL SELECT f.id FROM folder f JOIN subtree s ON f.parent = s.id)"""

_SUBTREE_OF_ONE_MOMENT = """WITH RECURSIVE subtree(id, moment) AS (
 SELECT id, trashed_at FROM folder WHERE id = $1
 UNION ALL SELECT f.id, s.moment FROM folder f JOIN subtree s ON f.parent = s.id WHERE f.trashed_at = s.moment)"""

# The condition is written as the unique index has it.
_SIBLINGS_SQL = """SELECT id, name_key, position FROM folder
WHERE dossier = $1 AND coalesce(parent, 0) = $2 AND trashed_at IS NULL ORDER BY position, name_key, id"""


async def tell(dossier: int, client: int | None) -> None:
    """The topics that hear of a change in a dossier."""
    await touch(f"dossier-{dossier}", "rollout", f"client-{client}" if client else "general")


async def make_folder(dossier: int, client: int | None, parent: int | None, name: str, kind: str) -> Folder:
    """A new folder at the end of its siblings. Raises Refused."""
    name = tidy_name(name)
    if kind not in KINDS:
        raise Refused("kind", Say("Kies een soort map."))
    await refuse_taken(dossier, parent, name)
    folder = Folder(
        dossier=dossier, client=client, parent=parent, name=name, name_key=fold(name), kind=kind,
        position=await next_position(dossier, parent), created_at=utcnow(),
    )  # fmt: skip
    await folder.save()
    await tell(dossier, client)
    return folder


async def refuse_taken(dossier: int, parent: int | None, name: str, besides: int = 0) -> None:
    found = await engine.raw(
        "SELECT 1 AS taken FROM folder WHERE dossier = $1 AND coalesce(parent, 0) = $2 AND name_key = $3 AND trashed_at IS NULL AND id <> $4",
        dossier, parent or 0, fold(name), besides,
    )  # fmt: skip
    if found:
        raise Refused("name", Say("Hier staat al een map met de naam “{name}”.", name=name))


async def next_position(dossier: int, parent: int | None) -> int:
    rows = await engine.raw(
        "SELECT coalesce(max(position), -1) + 1 AS place FROM folder WHERE dossier = $1 AND coalesce(parent, 0) = $2 AND trashed_at IS NULL",
        dossier, parent or 0,
    )  # fmt: skip
    return int(rows[0]["place"])


def numbered(name: str, taken: set[str], most: int) -> str:
    """The name, or 'naam (2).pdf' when its key is taken, within `most` characters."""
    if fold(name) not in taken:
        return name
    stem, dot, ending = name.rpartition(".")
    if not stem or len(ending) > 12 or " " in ending:
        stem, dot, ending = name, "", ""
    number = 2
    while True:
        tail = f" ({number}){dot}{ending}"
        if fold(fresh := stem[: most - len(tail)] + tail) not in taken:
            return fresh
        number += 1
