"""A folder: its place and name in the tree, its trash, and the documents put into it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from piccolo.columns import Boolean, Date, ForeignKey, Integer, OnDelete, Timestamptz, Varchar
from piccolo.columns.reference import LazyTableReference
from piccolo.constraints import Check
from piccolo.table import Table

from models import engine
from models.clients import Client, with_right
from models.core import Owned, Refused, Say, fold, operation, save, was_and_is
from models.dossiers.dossier import Dossier, general_dossiers_for, require_structures, tidy_name
from models.dossiers.matching import refuse_unknown
from models.dossiers.pinning import pin
from models.dossiers.undoing import keep, rights_go_along
from models.live import touch
from models.retention import RetentionClass
from models.settings import utcnow
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.dossiers.documents import Document
    from models.viewer import Viewer

KINDS = ("office", "upload", "both", "internal")
HANDING_IN = ("upload", "both")  # kinds in which a client may put something


class NewDocument(NamedTuple):
    """A file that is in the storage and becomes a document; `name` cleaned, `mime` told from the content."""

    name: str
    sha256: str
    size: int
    mime: str


class Publish(NamedTuple):
    """When clients may see a document: at once, at a moment (`at`), or as long as it is a draft not."""

    draft: bool = False
    at: dt.datetime | None = None

    def columns(self, now: dt.datetime) -> dict[str, Any]:
        """The columns of `Document` that say so."""
        if self.draft:
            return {"state": "draft", "publish_at": None, "published_at": None}
        if self.at is not None and self.at > now:
            return {"state": "planned", "publish_at": self.at, "published_at": None}
        return {"state": "published", "publish_at": None, "published_at": now}


NOW, DRAFT = Publish(), Publish(draft=True)


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
        help_text="office: the office publishes; upload: the client hands in; both; internal: staff only",
    )
    own_only = Boolean(default=False, help_text="of what clients hand in, each sees only his own")
    retention = ForeignKey(
        RetentionClass, null=True, default=None, on_delete=OnDelete.set_null, help_text="of what lies in it"
    )
    year = Integer(null=True, default=None, help_text="the book year it is for, when it was made for one")
    anchor_on = Date(null=True, default=None, help_text="from when the term is counted, where a person has to say so")
    origin = Integer(null=True, default=None, help_text="the folder of the standard structure that it was made from")
    run = Integer(null=True, default=None, help_text="the roll-out that added it, which can take it out again")
    position = Integer(default=0)
    created_at = Timestamptz()
    trashed_at = Timestamptz(null=True, default=None)
    trashed_by = Integer(null=True, default=None)

    folder_kind_one_of = Check("kind IN ('office', 'upload', 'both', 'internal')")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        mine = with_right(cls.client, viewer, Right.VIEW_DOSSIER)
        if viewer.is_staff:
            return mine | cls.client.is_null() if viewer.may(Permission.READ_DOSSIERS) else mine
        readable = cls.readable_by(viewer)
        return readable | cls.id.is_in(viewer.passages) if viewer.passages else readable

    @classmethod
    def readable_by(cls, viewer: Viewer) -> Any:
        """Of the visible ones those in which one may look: on the way to a folder of his a client user sees only names."""
        if viewer.is_staff:
            return cls.visible_to(viewer)
        mine = with_right(cls.client, viewer, Right.VIEW_DOSSIER)
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
        made = await make_folder(self.dossier, self.client, self.id, name, kind)
        await keep("add", self.dossier, {"folders": [made.id]}, by, made.name)
        return made

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
        await refuse_placeholders(self.dossier, self.client, name)
        await refuse_taken(self.dossier, self.parent, name, besides=self.id)
        before = self.name
        async with rights_go_along([self.id]):
            await save(self, name=name, name_key=fold(name))
        if name != before:
            await keep("rename", self.dossier, {"folders": [[self.id, before, name]]}, by, name)
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
        await pin(folders=[self.id], to_client=self.client)
        place = [self.id, self.dossier, self.client, self.parent, self.name, self.position, parent or None]
        before: dict[str, Any] = {"folders": [place], "documents": []}
        async with rights_go_along([self.id]):
            await save(self, parent=parent or None, position=await next_position(self.dossier, parent))
        if target is not None and target.kind == "internal":
            before["kinds"] = [[id, was] for id, was, _ in await self._make_internal()]
        await keep("move", self.dossier, before, by, self.name)
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
        if moved:
            changed = [[id, was[id], place] for place, id in moved]
            await keep("order", self.dossier, {"positions": changed}, by, self.name)
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
        changed = [[self.id, self.kind, kind]]
        if kind == "internal":
            changed = await self._make_internal()
        await save(self, kind=kind)
        await keep("kind", self.dossier, {"kinds": changed}, by, self.name)
        await self._tell()

    @operation(Permission.EDIT_DOSSIERS)
    async def set_up(self, own_only: bool, retention: int | None, year: int | None, *, by: Viewer) -> None:
        """Who sees what clients hand in here, how long what lies in it is kept, and for which book year it is."""
        require_structures(self.client, by)
        self._refuse_trashed()
        if retention and not await by.scope(RetentionClass).where(RetentionClass.id == retention).exists():
            raise Refused("retention", Say("Kies een van de bewaartermijnen."))
        if year is not None and not 1990 <= year <= 2100:
            raise Refused("year", Say("Vul een jaar in van {least} tot en met {most}.", least=1990, most=2100))
        was = [self.own_only, self.retention, self.year]
        await save(self, own_only=own_only, retention=retention or None, year=year)
        changed = [[self.id, was, [own_only, retention or None, year]]]
        await keep("settings", self.dossier, {"settings": changed}, by, self.name)
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
        await keep("trash", self.dossier, {"folders": [self.id], "documents": []}, by, self.name)
        await self._tell()

    @operation(Permission.EDIT_DOSSIERS)
    async def restore(self, *, by: Viewer) -> str:
        """With everything that went with it; the name it has now, numbered when another folder took its name."""
        require_structures(self.client, by)
        if not self.is_trashed:
            raise Refused("", Say("Deze map ligt niet in de prullenbak."))
        above = (
            await Folder.select(Folder.name, Folder.kind, Folder.trashed_at)
            .where(Folder.id == (self.parent or 0))
            .first()
        )
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
        if above and above["kind"] == "internal":  # it came there while this lay in the trash
            await self._make_internal()
        await self._tell()
        return name

    async def add_documents(
        self, files: Sequence[NewDocument], publish: Publish = NOW, *, by: Viewer
    ) -> list[Document]:
        """Make documents of stored files; a name that is taken gets a number. Staff put them in, clients hand them in.

        `publish` is when clients may see what the office puts in: at once, at a moment, or not yet.
        """
        if by.is_client:
            return await self.hand_in(files, by=by)
        return await self.put_documents(files, publish, by=by)

    @operation(Permission.EDIT_DOSSIERS, trail=False)
    async def put_documents(
        self, files: Sequence[NewDocument], publish: Publish = NOW, *, by: Viewer
    ) -> list[Document]:
        require_structures(self.client, by)
        if await Dossier.exists().where((Dossier.id == self.dossier) & (Dossier.kind == "standard")):
            raise Refused(
                "files",
                Say("Een standaardstructuur heeft alleen mappen. Zet documenten in het dossier van een cliënt."),
            )
        return await self._add(files, "office", publish, by, "Folder.put_documents")

    @operation(Permission.UPLOAD_DOCUMENTS, trail=False)
    async def hand_in(self, files: Sequence[NewDocument], *, by: Viewer) -> list[Document]:
        from models.notices import uploaded

        if self.kind not in HANDING_IN:
            raise Refused("files", Say("In deze map kunt u niets aanleveren. Kies een uploadmap."))
        added = await self._add(files, "client", NOW, by, "Folder.hand_in")
        await uploaded(self.client, [document.id for document in added])
        await touch("uploads")
        return added

    async def _add(
        self, files: Sequence[NewDocument], source: str, publish: Publish, by: Viewer, operation: str
    ) -> list[Document]:
        from models.dossiers.documents import Document
        from models.scanning.enlisting import enlist

        self._refuse_trashed()
        if not files:
            raise Refused("files", Say("Kies eerst een bestand."))
        taken, now, documents = await self._names_beside(files), utcnow(), []
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
                    book_year=self.year,
                    **publish.columns(now),
                )
            )
        await Document.insert(*documents)
        await enlist([file.sha256 for file in files])
        await by.note(
            operation, self, {"names": [document.name for document in documents][:20], "count": len(documents)}
        )
        await self._tell()
        return documents

    async def _names_beside(self, files: Sequence[NewDocument]) -> set[str]:
        """The keys that new names must not have. All of a folder's are only read when one is taken: thousands may come one by one."""
        if len(files) == 1:
            key = fold(files[0].name)
            lying = "SELECT 1 AS one FROM document WHERE folder = $1 AND name_key = $2 AND trashed_at IS NULL LIMIT 1"
            if not await engine.raw(lying, self.id, key):
                return set()
        rows = await engine.raw("SELECT name_key FROM document WHERE folder = $1 AND trashed_at IS NULL", self.id)
        return {row["name_key"] for row in rows}

    def _refuse_trashed(self) -> None:
        if self.is_trashed:
            raise Refused("", Say("Deze map ligt in de prullenbak. Zet hem eerst terug."))

    async def _make_internal(self) -> list[list[Any]]:
        """With all that lies in it; of each that was not: its id, what it was and what it became, those above first."""
        rows = await engine.raw(
            f"{_SUBTREE} SELECT f.id, f.kind FROM subtree s JOIN folder f ON f.id = s.id WHERE f.kind <> 'internal' ORDER BY s.depth",
            self.id,
        )
        await engine.raw(
            f"UPDATE folder SET kind = 'internal' WHERE id IN ({_SUBTREE} SELECT id FROM subtree)", self.id
        )
        self.kind = "internal"
        return [[row["id"], row["kind"], "internal"] for row in rows]

    async def _tell(self) -> None:
        await tell(self.dossier, self.client)


_SUBTREE = """WITH RECURSIVE subtree(id, depth) AS (
 SELECT id, 0 FROM folder WHERE id = $1 UNION ALL SELECT f.id, s.depth + 1 FROM folder f JOIN subtree s ON f.parent = s.id)"""

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
    await refuse_placeholders(dossier, client, name)
    await refuse_taken(dossier, parent, name)
    folder = Folder(
        dossier=dossier, client=client, parent=parent, name=name, name_key=fold(name), kind=kind,
        position=await next_position(dossier, parent), created_at=utcnow(),
    )  # fmt: skip
    await folder.save()
    await tell(dossier, client)
    return folder


async def refuse_placeholders(dossier: int, client: int | None, name: str) -> None:
    """In a standard structure braces hold what is filled in per client; elsewhere they are just braces. Raises Refused."""
    if "{" not in name or client is not None:
        return
    rows = await engine.raw("SELECT kind FROM dossier WHERE id = $1", dossier)
    if rows and rows[0]["kind"] == "standard":
        refuse_unknown(name)


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
