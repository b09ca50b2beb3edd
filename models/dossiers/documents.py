"""A document in a folder: its name, place and trash, and who has opened it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piccolo.columns import BigInt, Boolean, Date, ForeignKey, Integer, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models import engine
from models.accounts import User
from models.clients import Client, with_right
from models.content_type import clean_name
from models.core import Owned, Refused, Say, fold, operation, save, was_and_is
from models.dossiers.dossier import require_structures
from models.dossiers.folders import Folder, numbered, tell
from models.dossiers.pinning import pin
from models.dossiers.undoing import keep
from models.live import touch
from models.personal import PROOF, TAX, Erase, Export
from models.retention import RetentionClass
from models.settings import utcnow
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.viewer import Viewer


class DocumentKind(Owned, Table, tablename="document_kind"):
    """What papers are, as the office tells them apart; with how long that kind is kept."""

    name = Varchar(length=80)
    name_key = Varchar(length=160)
    retention = ForeignKey(RetentionClass, null=True, default=None, on_delete=OnDelete.set_null)
    position = Integer(default=0)

    document_kind_name_unique = Unique([name_key])

    IS_SEEDED = True

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0


class Document(Owned, Table, tablename="document"):
    """A document in a folder; its bytes live in the storage under their SHA-256."""

    folder = ForeignKey(Folder, null=False, on_delete=OnDelete.cascade, index=True)
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    name = Varchar(length=255)
    name_key = Varchar(length=510)
    sha256 = Varchar(length=64, index=True)
    size = BigInt(help_text="bytes")
    mime = Varchar(length=120)
    source = Varchar(length=6, help_text="office or client: who put it there")
    uploaded_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    uploaded_at = Timestamptz(index=True)
    trashed_at = Timestamptz(null=True, default=None)
    trashed_by = Integer(null=True, default=None)
    opened_at = Timestamptz(
        null=True, default=None, help_text="Of what a client handed in: when a colleague first opened it."
    )

    state = Varchar(length=9, default="published", help_text="draft, planned or published: only then clients see it")
    publish_at = Timestamptz(null=True, default=None, help_text="planned: when it is published by itself")
    published_at = Timestamptz(null=True, default=None, index=True)
    version = Integer(default=1, help_text="the number of the bytes that are current; earlier ones: DocumentVersion")
    kind = ForeignKey(DocumentKind, null=True, default=None, on_delete=OnDelete.set_null)
    book_year = Integer(null=True, default=None)
    period = Varchar(length=3, default="", help_text="of the book year: '', k1 to k4, m01 to m12")
    labels = Varchar(length=500, default="", help_text="free words, by commas")
    labels_key = Varchar(length=1000, default="", help_text="folded, each between commas")
    note = Varchar(length=2000, default="", help_text="to the clients who read it")
    retention = ForeignKey(
        RetentionClass, null=True, default=None, on_delete=OnDelete.set_null, help_text="instead of the folder's"
    )

    anchor_on = Date(null=True, default=None, help_text="instead of the folder's")
    of_approval = Boolean(
        default=False, help_text="filed by an approval: of a client's people, for who may approve or see approvals"
    )

    document_source_known = Check("source IN ('office', 'client')")
    document_state_known = Check("state IN ('draft', 'planned', 'published')")

    EXPORTS = Export(Say("Geüploade stukken"), by=("uploaded_by",), hidden=("name_key", "sha256", "labels_key"))
    ERASES = Erase(ground=TAX, retention="Administratie")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        mine = with_right(cls.client, viewer, Right.VIEW_DOSSIER)
        if viewer.is_staff:
            return mine | cls.client.is_null() if viewer.may(Permission.READ_DOSSIERS) else mine
        readable = Folder.readable_by(viewer)
        shared = Folder.select(Folder.id).where(readable & Folder.own_only.eq(False))
        private = Folder.select(Folder.id).where(readable & Folder.own_only.eq(True))
        his = (cls.source == "office") | (cls.uploaded_by == viewer.user.id)
        shown = cls.folder.is_in(shared) | (cls.folder.is_in(private) & his)
        sees = {*viewer.client_ids_with(Right.APPROVE), *viewer.client_ids_with(Right.VIEW_APPROVALS)}
        meant = cls.of_approval.eq(False)
        shown = shown & (meant | cls.client.is_in(sorted(sees)) if sees else meant)
        return cls.trashed_at.is_null() & (cls.state == "published") & shown

    @property
    def is_trashed(self) -> bool:
        return self.trashed_at is not None

    @operation(Permission.EDIT_DOSSIERS, trail=False)
    async def rename(self, name: str, was: str = "", *, by: Viewer) -> None:
        """`was` is the name that stood on the screen. The ending stays: it says what the file is."""
        require_structures(self.client, by)
        self._refuse_trashed()
        if was and was != self.name:
            raise Refused(
                "name",
                Say(
                    "Iemand anders noemde dit document intussen “{name}”. Kies opnieuw of bewaar uw naam.",
                    name=self.name,
                ),
            )
        if not name.strip():
            raise Refused("name", Say("Vul een naam in."))
        name = clean_name(name)
        ending = _ending(self.name)
        if ending and _ending(name).lower() != ending.lower():
            name = clean_name(f"{name}{ending}")
        if fold(name) in await self._taken(self.folder):
            raise Refused("name", Say("Hier staat al een document met de naam “{name}”.", name=name))
        before = self.name
        await save(self, name=name, name_key=fold(name))
        if name != before:
            here = await by.folders.get(self.folder)
            await keep("rename", here.dossier, {"documents": [[self.id, before, name]]}, by, name)
        await by.note("Document.rename", self, {"name": name, **was_and_is({"name": before}, {"name": name})})
        await self._tell()

    @operation(Permission.EDIT_DOSSIERS, trail=False)
    async def move(self, folder: int, *, by: Viewer) -> str:
        """To another folder of the same dossier; the name it has there, numbered when another document has it."""
        require_structures(self.client, by)
        self._refuse_trashed()
        target, here = await by.folders.get(folder), await by.folders.get(self.folder)
        if target.is_trashed:
            raise Refused("folder", Say("Die map ligt in de prullenbak."))
        if target.dossier != here.dossier:
            raise Refused("folder", Say("Een document verhuist alleen binnen het eigen dossier."))
        name = numbered(self.name, await self._taken(target.id), 255)
        await pin([self.id], to_client=self.client)
        place = [self.id, self.folder, self.client, self.name, target.id]
        await save(self, folder=target.id, name=name, name_key=fold(name))
        await keep("move", here.dossier, {"folders": [], "documents": [place]}, by, name)
        detail = was_and_is({"folder": here.name}, {"folder": target.name})
        await by.note("Document.move", self, {"name": name, **detail})
        await self._tell()
        return name

    @operation(Permission.EDIT_DOSSIERS)
    async def trash(self, *, by: Viewer) -> None:
        require_structures(self.client, by)
        self._refuse_trashed()
        here = await by.folders.get(self.folder)
        await save(self, trashed_at=utcnow(), trashed_by=by.user.id)
        await keep("trash", here.dossier, {"folders": [], "documents": [self.id]}, by, self.name)
        await self._tell()

    @operation(Permission.EDIT_DOSSIERS)
    async def restore(self, *, by: Viewer) -> str:
        """To the folder it lay in; the name it has now, numbered when another document took its name."""
        require_structures(self.client, by)
        if not self.is_trashed:
            raise Refused("", Say("Dit document ligt niet in de prullenbak."))
        folder = await by.folders.get(self.folder)
        if folder.is_trashed:
            raise Refused(
                "",
                Say(
                    "De map “{name}” van dit document ligt zelf in de prullenbak. Zet eerst die terug.",
                    name=folder.name,
                ),
            )
        name = numbered(self.name, await self._taken(self.folder), 255)
        await save(self, name=name, name_key=fold(name), trashed_at=None, trashed_by=None)
        await self._tell()
        return name

    async def note_read(self, *, downloaded: bool = False, by: Viewer) -> None:
        """Remember that this person opened it; looking through somebody's eyes marks nothing, nor at what one put in oneself."""
        if by.view_as is not None or self.uploaded_by == by.user.id:
            return
        now = utcnow()
        await engine.raw(_READ_SQL, self.id, self.client, by.user.id, now, self.version)
        if downloaded:
            await engine.raw(
                "UPDATE reading SET downloaded_at = $4 WHERE document = $1 AND person = $2 AND version = $3",
                self.id, by.user.id, self.version, now,
            )  # fmt: skip
        if by.is_staff and self.source == "client" and self.opened_at is None:
            await save(self, opened_at=now)
            await touch("uploads")
        await touch(f"document-{self.id}")

    async def _taken(self, folder: int) -> set[str]:
        rows = await engine.raw(
            "SELECT name_key FROM document WHERE folder = $1 AND trashed_at IS NULL AND id <> $2", folder, self.id
        )
        return {row["name_key"] for row in rows}

    def _refuse_trashed(self) -> None:
        if self.is_trashed:
            raise Refused("", Say("Dit document ligt in de prullenbak. Zet het eerst terug."))

    async def _tell(self) -> None:
        rows = await engine.raw("SELECT dossier FROM folder WHERE id = $1", self.folder)
        await tell(rows[0]["dossier"], self.client)


class DocumentVersion(Owned, Table, tablename="document_version"):
    """The bytes that a document had before its present ones: kept, and readable by whoever may read the document."""

    document = ForeignKey(Document, null=False, on_delete=OnDelete.cascade)
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.cascade)
    number = Integer()
    name = Varchar(length=255)
    sha256 = Varchar(length=64, index=True)
    size = BigInt(help_text="bytes")
    mime = Varchar(length=120)
    source = Varchar(length=6, help_text="office or client")
    uploaded_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    uploaded_at = Timestamptz()
    replaced_at = Timestamptz()

    document_version_unique = Unique([document, number])

    EXPORTS = Export(Say("Eerdere versies van stukken"), by=("uploaded_by",), hidden=("sha256",))
    ERASES = Erase(ground=TAX, retention="Administratie")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        """Clients see those of documents that are published: what was a draft before is not theirs to see."""
        mine = cls.document.is_in(Document.select(Document.id).where(Document.visible_to(viewer)))
        return mine if viewer.is_staff else mine & cls.was_published.eq(True)

    was_published = Boolean(default=False)


class Remark(Owned, Table, tablename="remark"):
    """A question about a document, or an answer to one: by the client's people or by the office, each readable by both."""

    document = ForeignKey(Document, null=False, on_delete=OnDelete.cascade, index=True)
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    person = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    side = Varchar(length=6, help_text="office or client: who says it")
    text = Varchar(length=4000)
    at = Timestamptz()
    settled_at = Timestamptz(null=True, default=None, help_text="of a question: when it was answered or put aside")

    remark_side_known = Check("side IN ('office', 'client')")

    EXPORTS = Export(Say("Vragen en antwoorden bij stukken"), by=("person",))
    ERASES = Erase(ground=TAX, retention="Administratie")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        if viewer.is_staff:  # it is of the same client as its document, and never of none
            return with_right(cls.client, viewer, Right.VIEW_DOSSIER)
        return cls.document.is_in(Document.select(Document.id).where(Document.visible_to(viewer)))


class Reading(Owned, Table, tablename="reading"):
    """That somebody has opened a version of a document, when first and when last."""

    document = ForeignKey(Document, null=False, on_delete=OnDelete.cascade)
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.cascade)
    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    first_at = Timestamptz()
    last_at = Timestamptz()
    times = Integer(default=1)
    version = Integer(default=1)
    downloaded_at = Timestamptz(null=True, default=None, help_text="when last as a file, not only on the screen")

    reading_version_unique = Unique([document, person, version])

    EXPORTS = Export(Say("Geopende stukken"), by=("person",))
    ERASES = Erase(ground=PROOF)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        if viewer.is_client:
            return cls.person == viewer.user.id
        return with_right(cls.client, viewer, Right.VIEW_DOSSIER) | cls.client.is_null()


_READ_SQL = """INSERT INTO reading (document, client, person, first_at, last_at, times, version) VALUES ($1, $2, $3, $4, $4, 1, $5)
ON CONFLICT (document, person, version) DO UPDATE SET last_at = excluded.last_at, times = reading.times + 1"""


# Who put the document `d` there, of whom no user is known: as he typed it himself where he came by a link, as an archive has it
# where it came in one.
UPLOADER_SQL = """coalesce((SELECT min(y.who) FROM delivered_file x JOIN delivery y ON y.id = x.delivery WHERE x.document = d.id),
 (SELECT min(y.name) FROM carried_person y WHERE y.document = d.id AND y.what = 'document'))"""


def shown_sql(person: int | str, document: str = "d", folder: str = "f") -> str:
    """As `Document.visible_to` has it for a client user (his id, or where it stands among the arguments) of whom it is known
    that he may look into the folder."""
    own = f"(NOT {folder}.own_only OR {document}.source = 'office' OR {document}.uploaded_by = {person})"
    return f"{_published(document)} AND {shown_folder_sql(folder)} AND {own} AND {meant_sql(person, document)}"


def shown_folder_sql(folder: str = "f") -> str:
    """What of it is said by the folder alone."""
    return f"{folder}.kind <> 'internal' AND {folder}.trashed_at IS NULL"


def of_office_sql(document: str = "d") -> str:
    """What of it is left for the office's documents, in a folder that is shown; as the index document_published has it."""
    return f"{_published(document)} AND {document}.source = 'office'"


def _published(document: str) -> str:
    return f"{document}.trashed_at IS NULL AND {document}.state = 'published'"


def meant_sql(person: int | str, document: str = "d") -> str:
    """Whether a document is for this client user: what an approval filed is for who may approve or see approvals."""
    d, rights = document, int(Right.APPROVE | Right.VIEW_APPROVALS)
    asked = f"SELECT 1 FROM access ax WHERE ax.client = {d}.client AND ax.person = {person} AND ax.rights & {rights} <> 0"
    return f"(NOT {d}.of_approval OR EXISTS ({asked}))"


def _ending(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return f".{ending}" if stem and dot and len(ending) <= 12 and " " not in ending else ""
