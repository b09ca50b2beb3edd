"""The tables of dossiers that leave and arrive as an archive."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from piccolo.columns import BigInt, Boolean, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models.accounts import User
from models.clients import Client, with_right
from models.core import Owned, Say
from models.dossiers import Document
from models.personal import NUMBER_ONLY, PROOF, TAX, Erase, Export
from models.requests.records import DocumentRequest, RequestItem
from models.tasks import Task
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.viewer import Viewer

KEPT = dt.timedelta(days=7)  # that an archive waits to be downloaded


class DossierExport(Owned, Table, tablename="dossier_export"):
    """A client's dossier as one archive: being made, ready to be downloaded, or gone again."""

    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    person = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    with_trash = Boolean(default=False)
    state = Varchar(length=7, default="making")
    name = Varchar(length=255, default="", help_text="of the file")
    sha256 = Varchar(length=64, default="", index=True)
    size = BigInt(default=0, help_text="bytes")
    documents = Integer(default=0)
    problem = Text(default="", help_text="JSON of a Say: why it failed")
    task = Integer(null=True, default=None)
    at = Timestamptz()
    expires_at = Timestamptz(null=True, default=None)

    dossier_export_state_known = Check("state IN ('making', 'ready', 'failed', 'gone')")

    EXPORTS = Export(Say("Dossiers die als archief zijn meegenomen"), by=("person",), hidden=("sha256", "problem"))
    ERASES = Erase(ground=PROOF)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        if not viewer.is_staff or not viewer.may(Permission.EDIT_DOSSIERS):
            return cls.id < 0
        return with_right(cls.client, viewer, Right.VIEW_DOSSIER)

    @property
    def said(self) -> Say | None:
        return Say.from_json(json.loads(self.problem)) if self.problem else None

    async def running(self) -> Task | None:
        """The long work that makes it."""
        return await Task.objects().where(Task.id == (self.task or 0)).first()


class DossierImport(Owned, Table, tablename="dossier_import"):
    """An archive that came in: checked, planned for a client, carried out, perhaps taken back."""

    file_name = Varchar(length=255)
    sha256 = Varchar(length=64, index=True)
    size = BigInt(help_text="bytes")
    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.set_null, help_text="into whose dossier")
    state = Varchar(length=10, default="checking")
    found = Text(default="{}", help_text="JSON: what the archive says of itself, and how much there is")
    plan = Text(default="{}", help_text="JSON: what would come of it at the chosen client")
    problem = Text(default="", help_text="JSON of a Say: why it is refused")
    task = Integer(null=True, default=None)
    at = Timestamptz()
    finished_at = Timestamptz(null=True, default=None)

    dossier_import_state_known = Check(
        "state IN ('checking', 'refused', 'checked', 'planned', 'committing', 'committed', 'stopped', 'undone')"
    )

    EXPORTS = Export(
        Say("Dossiers die uit een archief zijn ingelezen"),
        by=("person",),
        hidden=("found", "plan", "sha256", "problem"),
    )
    ERASES = Erase(ground=NUMBER_ONLY)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        """One's own; who sees all clients also sees those of colleagues."""
        if not viewer.is_staff or not may_import(viewer):
            return cls.id < 0
        return cls.id > 0 if viewer.sees_all_clients else cls.person == viewer.user.id

    @property
    def says(self) -> dict[str, Any]:
        return dict(json.loads(self.found))

    @property
    def planned(self) -> dict[str, Any]:
        return dict(json.loads(self.plan))

    @property
    def said(self) -> Say | None:
        return Say.from_json(json.loads(self.problem)) if self.problem else None

    @property
    def is_busy(self) -> bool:
        return self.state in ("checking", "committing")

    async def running(self) -> Task | None:
        """The long work that it waits for."""
        return await Task.objects().where(Task.id == (self.task or 0)).first()


class DossierImportItem(Owned, Table, tablename="dossier_import_item"):
    """What one thing of an archive became: begun again, an import goes on after these."""

    batch = ForeignKey(DossierImport, null=False, on_delete=OnDelete.cascade)
    key = Varchar(
        length=12,
        help_text="f12, d12, r12, p12, g12: a folder, document, request, person, or whom a folder is open to; its number there",
    )
    outcome = Varchar(length=8)
    record_id = Integer(null=True, default=None)
    path = Varchar(length=2000, default="")
    said = Text(default="", help_text="JSON of a Say: why it was left out")

    dossier_import_item_unique = Unique([batch, key])
    dossier_import_item_outcome_known = Check("outcome IN ('new', 'there', 'numbered', 'same', 'refused')")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.batch.is_in(DossierImport.select(DossierImport.id).where(DossierImport.visible_to(viewer)))


class CarriedPerson(Owned, Table, tablename="carried_person"):
    """Somebody whom an archive names and whom this office does not know: as text, so that what he did is not lost."""

    document = ForeignKey(Document, null=False, on_delete=OnDelete.cascade, index=True)
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.cascade)
    what = Varchar(length=8, help_text="document, version, remark or reading")
    record_id = Integer(null=True, default=None, help_text="of the version or remark")
    name = Varchar(length=300, default="")
    email = Varchar(length=254, default="")
    detail = Text(default="{}", help_text="JSON, of a reading: when and how often")

    carried_person_what_known = Check("what IN ('document', 'version', 'remark', 'reading')")

    EXPORTS = Export(
        Say("Genoemd in ingelezen dossiers"),
        where="{email} <> '' AND lower(email) = lower({email})",
        hidden=("detail",),
    )
    ERASES = Erase(ground=TAX, retention="Administratie")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.document.is_in(Document.select(Document.id).where(Document.visible_to(viewer)))


class CarriedAsker(Owned, Table, tablename="carried_asker"):
    """As CarriedPerson, of a request: who made it, or who answered or judged one of its items."""

    request = ForeignKey(DocumentRequest, null=False, on_delete=OnDelete.cascade, index=True)
    item = ForeignKey(RequestItem, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    what = Varchar(length=11, help_text="made_by, answered_by or judged_by")
    name = Varchar(length=300, default="")
    email = Varchar(length=254, default="")

    carried_asker_what_known = Check("what IN ('made_by', 'answered_by', 'judged_by')")

    EXPORTS = Export(Say("Genoemd in ingelezen opvragingen"), where="{email} <> '' AND lower(email) = lower({email})")
    ERASES = Erase(ground=TAX, retention="Administratie")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        shown = DocumentRequest.select(DocumentRequest.id).where(DocumentRequest.visible_to(viewer))
        return cls.request.is_in(shown)


async def note_download(made: DossierExport, *, by: Viewer) -> None:
    """On the trail: with it goes a copy of the whole dossier."""
    await by.note("DossierExport.download", made, {"name": made.name})


def may_import(viewer: Viewer) -> bool:
    """It takes both: to bring records in, and to change dossiers."""
    return viewer.may(Permission.IMPORT_RECORDS) and viewer.may(Permission.EDIT_DOSSIERS)
