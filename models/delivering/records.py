"""The tables of links by which somebody without a login hands in, and of what came in by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piccolo.columns import BigInt, Boolean, ForeignKey, Integer, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from models.accounts import User
from models.clients import Client, with_right
from models.core import Owned, Say
from models.dossiers import Document, Folder
from models.personal import TAX, Erase, Export
from models.requests.records import RequestItem
from models.settings import utcnow
from models.viewer import Right

if TYPE_CHECKING:
    from models.viewer import Viewer


class UploadLink(Owned, Table, tablename="upload_link"):
    """A link for one purpose, into one folder; of its token only the digest is kept.

    The token is made of `nonce` with the secret key, which is not in the database: so the mail can say it again.
    """

    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    folder = ForeignKey(Folder, null=True, default=None, on_delete=OnDelete.set_null, index=True)
    item = ForeignKey(
        RequestItem,
        null=True,
        default=None,
        on_delete=OnDelete.set_null,
        index=True,
        help_text="what it answers, if any",
    )
    purpose = Varchar(length=500, help_text="what is asked, in the words that the page shows")
    token_hash = Varchar(length=64)
    nonce = Varchar(length=43)
    expires_at = Timestamptz()
    max_files = Integer()
    max_bytes = BigInt()
    files = Integer(default=0, help_text="handed in so far")
    bytes = BigInt(default=0)
    lying = BigInt(default=0, help_text="bytes on their way or broken off: in the storage, and in no record yet")
    lying_at = Timestamptz(null=True, default=None, help_text="when bytes last came: a while after it they were swept")
    asks_name = Boolean(default=True)
    email = Varchar(length=254, default="", help_text="whom it was mailed to")
    made_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    made_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)
    ended_by = Integer(null=True, default=None)

    upload_link_token_unique = Unique([token_hash])

    EXPORTS = Export(
        Say("Links om zonder login aan te leveren"), where="(email <> '' AND lower(email) = lower({email}))",
        by=("made_by",), hidden=("token_hash", "nonce", "lying", "lying_at"),
    )  # fmt: skip
    ERASES = Erase(ground=TAX, retention="Administratie")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return with_right(cls.client, viewer, Right.VIEW_DOSSIER) if viewer.is_staff else cls.id < 0

    @property
    def is_live(self) -> bool:
        return self.ended_at is None and self.expires_at > utcnow() and self.files_left > 0 and self.bytes_left > 0

    @property
    def files_left(self) -> int:
        return max(0, self.max_files - self.files)

    @property
    def bytes_left(self) -> int:
        return max(0, self.max_bytes - self.bytes)


class Delivery(Owned, Table, tablename="delivery"):
    """One time that somebody handed in by a link: who he said he is, and the receipt he got."""

    link = ForeignKey(UploadLink, null=False, on_delete=OnDelete.cascade, index=True)
    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    who = Varchar(length=120, default="", help_text="as he typed it: nobody checked it")
    receipt_hash = Varchar(length=64)
    at = Timestamptz()

    delivery_receipt_unique = Unique([receipt_hash])

    EXPORTS = Export(Say("Aanleveringen zonder login"), hidden=("receipt_hash",), why=Say("Wie aanleverde is alleen bekend zoals hij het zelf typte."))  # fmt: skip
    ERASES = Erase(ground=TAX, retention="Administratie")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return with_right(cls.client, viewer, Right.VIEW_DOSSIER) if viewer.is_staff else cls.id < 0


class DeliveredFile(Owned, Table, tablename="delivered_file"):
    """A file of a delivery as it came; the document may be moved, joined or destroyed since."""

    delivery = ForeignKey(Delivery, null=False, on_delete=OnDelete.cascade, index=True)
    document = ForeignKey(Document, null=True, default=None, on_delete=OnDelete.set_null, index=True)
    name = Varchar(length=255)
    size = BigInt(help_text="bytes")
    sha256 = Varchar(length=64)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.delivery.is_in(Delivery.select(Delivery.id).where(Delivery.visible_to(viewer)))
