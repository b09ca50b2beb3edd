"""Dossiers: a client's tree of folders and the documents in it; standard structures; general dossiers for all or for groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piccolo.columns import BigInt, Boolean, ForeignKey, Integer, OnDelete, Timestamptz, Varchar
from piccolo.columns.reference import LazyTableReference
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models.accounts import User
from models.clients import Client, ClientGroup, Membership, with_right
from models.core import Owned
from models.viewer import Right

if TYPE_CHECKING:
    from models.viewer import Viewer


class Dossier(Owned, Table, tablename="dossier"):
    """A tree of folders: of one client, a standard structure to copy from, or a general one that many clients read."""

    kind = Varchar(length=8, help_text="client, standard or general")
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.cascade)
    name = Varchar(length=120)
    name_key = Varchar(length=240)
    audience = Varchar(length=6, default="", help_text="general: all or groups")
    created_at = Timestamptz()
    is_sample = Boolean(default=False)

    dossier_client_unique = Unique([client])
    dossier_kind_known = Check("kind IN ('client', 'standard', 'general')")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        mine = with_right(cls.client, viewer, Right.VIEW_DOSSIER)
        if viewer.is_staff:
            return mine | cls.client.is_null()
        return mine | cls.id.is_in(general_dossiers_for(viewer))


class DossierGroup(Owned, Table, tablename="dossier_group"):
    """A group whose clients may read a general dossier."""

    dossier = ForeignKey(Dossier, null=False, on_delete=OnDelete.cascade)
    client_group = ForeignKey(ClientGroup, null=False, on_delete=OnDelete.cascade)

    dossier_group_unique = Unique([dossier, client_group])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0


class Folder(Owned, Table, tablename="folder"):
    """A folder of a dossier. `client` is carried by every row, so that rights are one comparison."""

    dossier = ForeignKey(Dossier, null=False, on_delete=OnDelete.cascade)
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    parent = ForeignKey(LazyTableReference("Folder", module_path="models.dossiers"), null=True, default=None, on_delete=OnDelete.cascade)
    name = Varchar(length=120)
    name_key = Varchar(length=240, help_text="Folded: unique among the siblings that are not in the trash (extra_ddl).")
    kind = Varchar(length=8, default="office", help_text="office: the office publishes; upload: the client hands in; internal: staff only")
    position = Integer(default=0)
    created_at = Timestamptz()
    trashed_at = Timestamptz(null=True, default=None)
    trashed_by = Integer(null=True, default=None)

    folder_kind_known = Check("kind IN ('office', 'upload', 'internal')")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        mine = with_right(cls.client, viewer, Right.VIEW_DOSSIER)
        if viewer.is_staff:
            return mine | cls.client.is_null()
        shown = mine | (cls.client.is_null() & cls.dossier.is_in(general_dossiers_for(viewer)))
        return shown & (cls.kind != "internal") & cls.trashed_at.is_null()


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

    document_source_known = Check("source IN ('office', 'client')")

    EXPORTS = "name, size and moment of what the person uploaded"
    ERASES = "kept as long as the client's file; the name of the uploader goes with the user"

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        mine = with_right(cls.client, viewer, Right.VIEW_DOSSIER)
        if viewer.is_staff:
            return mine | cls.client.is_null()
        folders = Folder.select(Folder.id).where(Folder.visible_to(viewer))
        return cls.trashed_at.is_null() & cls.folder.is_in(folders)


class Reading(Owned, Table, tablename="reading"):
    """That somebody has opened a document, when first and when last."""

    document = ForeignKey(Document, null=False, on_delete=OnDelete.cascade)
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.cascade)
    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    first_at = Timestamptz()
    last_at = Timestamptz()
    times = Integer(default=1)

    reading_unique = Unique([document, person])

    EXPORTS = "all columns"
    ERASES = "kept as proof as long as the document"

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        if viewer.is_client:
            return cls.person == viewer.user.id
        return with_right(cls.client, viewer, Right.VIEW_DOSSIER) | cls.client.is_null()


def general_dossiers_for(viewer: Viewer) -> Any:
    """The ids of the general dossiers that a client user may read, as a subquery."""
    ids = viewer.client_ids_with(Right.VIEW_DOSSIER) or [-1]
    groups = Membership.select(Membership.client_group).where(Membership.client.is_in(ids))
    named = DossierGroup.select(DossierGroup.dossier).where(DossierGroup.client_group.is_in(groups))
    general = Dossier.kind == "general"
    everyone = (Dossier.audience == "all") if ids != [-1] else (Dossier.id < 0)
    return Dossier.select(Dossier.id).where(general & (everyone | Dossier.id.is_in(named)))
