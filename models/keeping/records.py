"""The tables of keeping: holds, lists of what may be destroyed with their certificates, and when each file was last checked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from piccolo.columns import BigInt, Boolean, Date, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models.accounts import User
from models.clients import Client
from models.core import Owned, Say
from models.dossiers.documents import Document
from models.dossiers.folders import Folder
from models.personal import PROOF, Erase, Export
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer


def may_keep(viewer: Viewer) -> bool:
    """Who decides on destroying: an administrator who sees every client, else a list would lack what he may not see."""
    return viewer.is_staff and viewer.may(Permission.MANAGE_SETTINGS) and viewer.sees_all_clients


def _for_keepers(table: Any, viewer: Viewer) -> Any:
    return table.id > 0 if may_keep(viewer) else table.id < 0


class Hold(Owned, Table, tablename="hold"):
    """The term is suspended because of a case: nothing that it is on is destroyed until a person lifts it."""

    name = Varchar(length=120, help_text="the case, as the office calls it")
    reason = Varchar(length=1000)
    since = Date()
    expected_until = Date(null=True, default=None, help_text="a reminder only: it holds until somebody lifts it")
    made_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    made_at = Timestamptz()
    lifted_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    lifted_at = Timestamptz(null=True, default=None)
    lifted_why = Varchar(length=1000, default="")
    is_sample = Boolean(default=False)

    EXPORTS = Export(Say("Opgeschorte bewaarplichten"), by=("made_by", "lifted_by"))
    ERASES = Erase(ground=PROOF)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return _for_keepers(cls, viewer)


class HoldItem(Owned, Table, tablename="hold_item"):
    """What a hold is on: all of a client, a folder with everything below it, or one document."""

    hold = ForeignKey(Hold, null=False, on_delete=OnDelete.cascade)
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    folder = ForeignKey(Folder, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    document = ForeignKey(Document, null=True, default=None, on_delete=OnDelete.cascade, index=True)

    hold_item_unique = Unique([hold, client, folder, document])
    hold_item_is_on_one = Check(
        "(CASE WHEN client IS NULL THEN 0 ELSE 1 END) + (CASE WHEN folder IS NULL THEN 0 ELSE 1 END) "
        "+ (CASE WHEN document IS NULL THEN 0 ELSE 1 END) = 1"
    )

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return _for_keepers(cls, viewer)


class Destruction(Owned, Table, tablename="destruction"):
    """A list of what may be destroyed and, once a person confirmed it and it was done, the certificate of that.

    making > proposed > running > done; an earlier list that nobody confirmed becomes `replaced` by a newer one. People stand
    in it by number and by the name they had, without a foreign key: a certificate outlives who made it.
    """

    kind = Varchar(length=5, help_text="month, now (a person asked for a list) or trash (somebody emptied the trash)")
    month = Varchar(length=7, default="", help_text="month: which, as 2026-11")
    state = Varchar(length=8, default="making")
    as_of = Date(help_text="the day on which terms were looked at")
    made_at = Timestamptz()
    made_by = Integer(null=True, default=None, help_text="NULL: Poort itself, at the beginning of a month")
    made_name = Varchar(length=200, default="")
    documents = Integer(default=0, help_text="in the list as it was proposed")
    size = BigInt(default=0, help_text="bytes of those, all versions")
    reason = Varchar(length=1000, default="")
    confirmed_by = Integer(null=True, default=None)
    confirmed_name = Varchar(length=200, default="")
    confirmed_at = Timestamptz(null=True, default=None)
    finished_at = Timestamptz(null=True, default=None)
    destroyed = Integer(default=0)
    destroyed_size = BigInt(default=0)
    dropped = Integer(default=0, help_text="fell out because something changed since the list was made")
    spared = Integer(default=0, help_text="taken out by a person")
    missing = Text(default="[]", help_text="JSON: folders in which documents have a class but no anchor date")
    digest = Varchar(length=70, default="", help_text="SHA-256 of the certificate, see certificate.canonical")
    previous = Varchar(length=70, default="", help_text="that of the certificate before this one")

    destruction_kind_known = Check("kind IN ('month', 'now', 'trash')")
    destruction_state_known = Check("state IN ('making', 'proposed', 'running', 'done', 'replaced')")

    EXPORTS = Export(Say("Vernietigingslijsten"), by=("made_by", "confirmed_by"), hidden=("missing",))
    ERASES = Erase(ground=PROOF)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return _for_keepers(cls, viewer)

    @property
    def without_anchor(self) -> list[dict[str, Any]]:
        """Of the folders with documents that have a class but no anchor date: client, label, folder, place, class, anchor, count."""
        return list(json.loads(self.missing))


class DestructionItem(Owned, Table, tablename="destruction_item"):
    """One document in such a list, as it was then; of what was destroyed it is all that stays."""

    destruction = ForeignKey(Destruction, null=False, on_delete=OnDelete.cascade)
    document = Integer(
        help_text="no foreign key: the line outlives the document; below zero the id of a request that ended, see ended.py"
    )
    client = Integer(null=True, default=None)
    client_label = Varchar(length=240, default="", help_text="number and name, as they were")
    dossier = Integer()
    folder = Integer()
    place = Text(default="", help_text="the folders in which it lay")
    name = Varchar(length=255)
    why = Varchar(
        length=5,
        help_text="term: its term is over; trash: it lay in the trash and no term keeps it; ended: see ended.py",
    )
    class_id = Integer(null=True, default=None)
    class_name = Varchar(length=120, default="")
    ground = Varchar(length=300, default="")
    anchor = Varchar(length=10, default="")
    anchor_on = Date(null=True, default=None)
    months = Integer(default=0)
    margin = Integer(default=0)
    until_on = Date(null=True, default=None)
    book_year = Integer(null=True, default=None)
    size = BigInt(default=0, help_text="bytes of all its versions")
    version = Integer(default=1)
    content_hash = Varchar(length=64, help_text="SHA-256 of its present bytes")
    trashed_at = Timestamptz(null=True, default=None)
    state = Varchar(length=9, default="proposed")
    said = Varchar(length=8, default="", help_text="dropped: why, a key of DROPPED")
    versions = Text(default="[]", help_text="JSON: of each version destroyed number, name, size, sha256, elsewhere")
    destroyed_at = Timestamptz(null=True, default=None)

    destruction_item_unique = Unique([destruction, document])
    destruction_item_state_known = Check("state IN ('proposed', 'spared', 'destroyed', 'dropped')")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return _for_keepers(cls, viewer)

    @property
    def request(self) -> int:
        """Of which request it is, or 0."""
        return max(0, -self.document)


class FileCheck(Owned, Table, tablename="file_check"):
    """When the bytes of a file were last hashed anew, and what was found."""

    hash = Varchar(length=64)
    checked_at = Timestamptz(help_text="1970: never yet")
    claimed_at = Timestamptz(null=True, default=None)
    state = Varchar(length=7, default="new")
    said = Varchar(length=300, default="")
    broken_since = Timestamptz(null=True, default=None)
    told_at = Timestamptz(null=True, default=None, help_text="when the administrators were mailed about it")

    file_check_hash_unique = Unique([hash])
    file_check_state_known = Check("state IN ('new', 'good', 'broken', 'missing')")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return _for_keepers(cls, viewer)
