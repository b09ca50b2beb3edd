"""An import and its rows: the uploaded file, the plan that the dry run made, and what the commit did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piccolo.columns import ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from models.accounts import User
from models.core import Owned

if TYPE_CHECKING:
    from models.viewer import Viewer


class Import(Owned, Table, tablename="import_batch"):
    kind = Varchar(length=10, default="", help_text="groups, clients or users")
    state = Varchar(length=10, default="uploaded")
    file_name = Varchar(length=255)
    sha256 = Varchar(length=64)
    size = Integer(default=0)
    sheet = Varchar(length=120, default="", help_text="The chosen sheet of a workbook.")
    mapping = Text(default="{}", help_text="JSON: column index > field")
    options = Text(default="{}", help_text="JSON: header row, encoding, what to do with contacts")
    counts = Text(default="{}", help_text="JSON: new, changed, unchanged, refused")
    problem = Text(default="", help_text="JSON of a Say: why it could not go on")
    plan_hash = Varchar(length=64, default="", help_text="Digest of the planned rows: the commit carries out exactly these.")
    world_hash = Varchar(length=64, default="", help_text="Digest of the records the plan was made against.")
    created_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    created_at = Timestamptz()
    committed_at = Timestamptz(null=True, default=None)
    undone_at = Timestamptz(null=True, default=None)

    import_state_known = Check(
        "state IN ('uploaded', 'planning', 'planned', 'committing', 'committed', 'failed', 'undoing', 'undone')"
    )

    EXPORTS = "who imported, and when"
    ERASES = "kept; the name goes with the user"

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.may("import_records") else cls.id < 0


class ImportRow(Owned, Table, tablename="import_row"):
    """What the plan says of one line of the file (a line may carry a client and a contact: two rows)."""

    batch = ForeignKey(Import, null=False, on_delete=OnDelete.cascade)
    line = Integer(help_text="The row number as the spreadsheet program shows it.")
    part = Varchar(length=10, help_text="group, client or user")
    action = Varchar(length=10, help_text="new, changed, unchanged or refused")
    label = Varchar(length=300, default="")
    record_id = Integer(null=True, default=None)
    content = Text(default="{}", help_text="JSON: the values as they will be written")
    changes = Text(default="{}", help_text="JSON: field > [before, after]")
    reasons = Text(default="[]", help_text="JSON: list of {field, say, with}")

    EXPORTS = "not: a copy of what the file said, removed with the import"
    ERASES = "removed with the import after 90 days"

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.may("import_records") else cls.id < 0
