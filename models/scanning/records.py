"""What the scanner found, by the hash of the bytes; and how the scanner itself is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piccolo.columns import Boolean, Integer, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models.core import Owned
from models.dossiers.documents import Document

if TYPE_CHECKING:
    from models.viewer import Viewer


class Scan(Owned, Table, tablename="scan"):
    """The verdict over some bytes: whatever documents and versions hold them. Without a row nobody looked yet."""

    sha256 = Varchar(length=64)
    state = Varchar(length=9, default="waiting", help_text="waiting, clean, infected or too_large")
    is_open = Boolean(default=False, help_text="was here before scanning was switched on: may be opened while it waits")
    signature = Varchar(length=200, default="", help_text="infected: what was found")
    tries = Integer(default=0)
    said = Varchar(length=300, default="", help_text="what went wrong the last time")
    next_try = Timestamptz(help_text="waiting: not before this moment; a claim moves it on")
    created_at = Timestamptz()
    scanned_at = Timestamptz(null=True, default=None)

    scan_sha256_unique = Unique([sha256])
    scan_state_known = Check("state IN ('waiting', 'clean', 'infected', 'too_large')")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        if viewer.is_staff and viewer.sees_all_clients:
            return cls.id > 0
        return cls.sha256.is_in(Document.select(Document.sha256).where(Document.visible_to(viewer)))


class Scanner(Owned, Table, tablename="scanner"):
    """One row: whether files are scanned, since when, and since when the scanner does not answer."""

    is_on = Boolean(default=False)
    since = Timestamptz(null=True, default=None)
    down_since = Timestamptz(null=True, default=None)
    said = Varchar(length=300, default="")
    version = Varchar(length=120, default="")
    seen_at = Timestamptz(null=True, default=None)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0
