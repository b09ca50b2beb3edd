"""Reminding a client's people: of requests by themselves and by hand, of documents nobody opened by hand; who was, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piccolo.columns import ForeignKey, Integer, OnDelete, Timestamptz, Varchar
from piccolo.table import Table

from models.accounts import User
from models.clients import Client, visible_client
from models.core import Owned, Say
from models.dossiers import Document
from models.personal import Erase, Export
from models.requests.records import DocumentRequest

if TYPE_CHECKING:
    from models.viewer import Viewer


class Reminder(Owned, Table, tablename="reminder"):
    """That somebody is reminded of one request, or of one version of a document; the mail is its errand."""

    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    request = ForeignKey(DocumentRequest, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    document = ForeignKey(Document, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    version = Integer(default=1, help_text="of the document")
    at = Timestamptz()
    made_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null, help_text="NULL: by itself")
    errand = Integer(null=True, default=None, index=True)
    batch = Varchar(length=36, default="", index=True, help_text="of one act by hand: undone together")

    EXPORTS = Export(Say("Herinneringen"), by=("person", "made_by"))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return visible_client(cls.client, viewer) | cls.client.is_null() if viewer.is_staff else cls.id < 0
