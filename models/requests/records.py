"""The tables of requests: templates with their items, and what was asked of one client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piccolo.columns import Boolean, Date, ForeignKey, Integer, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models.accounts import User
from models.clients import Client, with_right
from models.core import Owned, Say
from models.dossiers import Document, Folder
from models.personal import TAX, Erase, Export
from models.viewer import Right

if TYPE_CHECKING:
    from models.viewer import Viewer


class RequestTemplate(Owned, Table, tablename="request_template"):
    """A list of things that is asked of many."""

    name = Varchar(length=120)
    name_key = Varchar(length=240)
    message = Varchar(length=2000, default="")
    is_sample = Boolean(default=False)

    request_template_name_unique = Unique([name_key])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0


class RequestTemplateItem(Owned, Table, tablename="request_template_item"):
    """One thing of such a list."""

    template = ForeignKey(RequestTemplate, null=False, on_delete=OnDelete.cascade, index=True)
    position = Integer(default=0)
    title = Varchar(length=200)
    explanation = Varchar(length=1000, default="")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0


class DocumentRequest(Owned, Table, tablename="document_request"):
    """What is asked of one client; the files come into `folder`."""

    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    folder = ForeignKey(Folder, null=True, default=None, on_delete=OnDelete.set_null, index=True)
    title = Varchar(length=200)
    message = Varchar(length=2000, default="")
    due_on = Date(null=True, default=None)
    state = Varchar(length=9, default="open")
    batch = Varchar(length=36, help_text="of one act: for each client at most once")
    template = ForeignKey(RequestTemplate, null=True, default=None, on_delete=OnDelete.set_null, index=True)
    made_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    made_at = Timestamptz(index=True)
    closed_at = Timestamptz(null=True, default=None)

    document_request_once = Unique([batch, client])
    document_request_state_known = Check("state IN ('open', 'done', 'withdrawn')")

    EXPORTS = Export(Say("Gemaakte opvragingen"), by=("made_by",))
    ERASES = Erase(ground=TAX, retention="Administratie")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        """Of a client's people those who may hand in there; what was withdrawn is not theirs to see."""
        if viewer.is_staff:
            return with_right(cls.client, viewer, Right.VIEW_DOSSIER)
        opened = [folder for folder, act in viewer.opened_folders.items() if act]
        mine = cls.client.is_in(viewer.client_ids_with(Right.UPLOAD_DOCUMENTS) or [-1])
        return (mine | cls.folder.is_in(opened or [-1])) & (cls.state != "withdrawn")


class RequestItem(Owned, Table, tablename="request_item"):
    """One thing that is asked: open > handed_in or not_applicable > accepted, or sent_back and handed in anew."""

    request = ForeignKey(DocumentRequest, null=False, on_delete=OnDelete.cascade, index=True)
    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    position = Integer(default=0)
    title = Varchar(length=200)
    explanation = Varchar(length=1000, default="")
    state = Varchar(length=14, default="open")
    reason = Varchar(length=1000, default="", help_text="why it is not applicable, or why it was sent back")
    answered_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    answered_at = Timestamptz(null=True, default=None)
    due_on = Date(null=True, default=None, help_text="its own last day, instead of the request's")
    asked_at = Timestamptz(null=True, default=None, help_text="when it was last asked")
    judged_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    judged_at = Timestamptz(null=True, default=None, help_text="when it was last accepted or sent back")
    note = Varchar(length=1000, default="", help_text="of the office, when it accepted what came another way")

    request_item_state_known = Check("state IN ('open', 'handed_in', 'not_applicable', 'accepted', 'sent_back')")

    EXPORTS = Export(Say("Antwoorden op opvragingen"), by=("answered_by", "judged_by"))
    ERASES = Erase(ground=TAX, retention="Administratie")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.request.is_in(DocumentRequest.select(DocumentRequest.id).where(DocumentRequest.visible_to(viewer)))


class RequestItemDocument(Owned, Table, tablename="request_item_document"):
    """A document that was handed in for an item."""

    item = ForeignKey(RequestItem, null=False, on_delete=OnDelete.cascade)
    document = ForeignKey(Document, null=False, on_delete=OnDelete.cascade, index=True)

    request_item_document_unique = Unique([item, document])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.item.is_in(RequestItem.select(RequestItem.id).where(RequestItem.visible_to(viewer)))
