"""An upload and the receipt it stands on: both of the person who sends, and of nobody else."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from piccolo.columns import BigInt, ForeignKey, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models.accounts import User
from models.clients import Client
from models.core import Owned, Say
from models.dossiers import Document, Folder
from models.personal import PROOF, Erase, Export
from models.placing.records import Placing
from models.requests.records import RequestItem
from models.viewer import Right

if TYPE_CHECKING:
    from models.viewer import Viewer

KEPT = dt.timedelta(days=7)  # after its last byte an unfinished upload can be gone on with for so long


def _his(table: Any, viewer: Viewer) -> Any:
    """One's own; of clients that one does not reach any more nothing. Who looks through another's eyes, only where he may look
    into dossiers himself."""
    mine = table.person == viewer.user.id
    if viewer.is_staff:
        return mine
    looks_on = viewer.view_as is not None
    reached = [
        grant.client_id
        for grant in viewer.grants.values()
        if not looks_on or grant.opens_dossier or Right.UPLOAD_DOCUMENTS in grant.rights
    ]
    return mine & table.client.is_in(reached or [-1])


class UploadReceipt(Owned, Table, tablename="drop_receipt"):
    """What came in by one drop or choice of files: each file with its size and hash as the server has it."""

    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    key = Varchar(length=64, help_text="what the browser calls this drop")
    place = Varchar(length=400, help_text="where it went, in the words of that moment")
    begun_at = Timestamptz()

    drop_receipt_unique = Unique([person, key])

    EXPORTS = Export(Say("Ontvangstbewijzen"), by=("person",), hidden=("key",))
    ERASES = Erase(ground=PROOF)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return _his(cls, viewer)


class Upload(Owned, Table, tablename="upload"):
    """One file on its way in: coming > done, or asks (it is there already: what is to be done?), refused, skipped, stopped,
    expired. How much came is asked of the storage; `received` is what it said last.
    """

    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    receipt = ForeignKey(UploadReceipt, null=False, on_delete=OnDelete.cascade, index=True)
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    folder = ForeignKey(Folder, null=True, default=None, on_delete=OnDelete.set_null, help_text="the target")
    item = ForeignKey(RequestItem, null=True, default=None, on_delete=OnDelete.set_null, help_text="the target")
    replaces = ForeignKey(
        Document, null=True, default=None, on_delete=OnDelete.set_null, help_text="the target: a newer version of it"
    )
    placement = ForeignKey(Placing, null=True, default=None, on_delete=OnDelete.set_null, help_text="the target")
    key = Varchar(length=32, help_text="of its pieces in the storage")
    name = Varchar(length=255)
    path = Varchar(length=1000, default="", help_text="the folders it stood in, by slashes, below what was dropped")
    size = BigInt(help_text="bytes, as announced")
    received = BigInt(default=0)
    publish = Varchar(length=5, default="now", help_text="now or draft")
    said_sha256 = Varchar(length=64, default="", help_text="by the browser, when it knew")
    sha256 = Varchar(length=64, default="", help_text="as the server made it of what came")
    blob = Varchar(length=64, default="", help_text="while it asks: the bytes that no document holds yet")
    state = Varchar(length=8, default="coming")
    why = Text(default="", help_text="JSON of a Say: why it was refused")
    document = ForeignKey(
        Document, null=True, default=None, on_delete=OnDelete.set_null, index=True, help_text="what it became"
    )
    twin = ForeignKey(
        Document,
        null=True,
        default=None,
        on_delete=OnDelete.set_null,
        help_text="asks: the document with the same bytes",
    )
    namesake = ForeignKey(
        Document, null=True, default=None, on_delete=OnDelete.set_null, help_text="done: the document that has its name"
    )
    begun_at = Timestamptz()
    finished_at = Timestamptz(null=True, default=None)
    expires_at = Timestamptz()

    upload_key_unique = Unique([key])
    upload_state_known = Check("state IN ('coming', 'asks', 'done', 'refused', 'skipped', 'stopped', 'expired')")
    upload_publish_known = Check("publish IN ('now', 'draft')")

    EXPORTS = Export(Say("Uploads"), by=("person",), hidden=("key", "blob", "said_sha256"))
    ERASES = Erase(ground=PROOF)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return _his(cls, viewer)

    @property
    def refusal(self) -> Say | None:
        return Say.from_json(json.loads(self.why)) if self.why else None
