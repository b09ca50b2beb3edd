"""Rolling out: the live checklist, readiness per client, and opening the gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piccolo.columns import Boolean, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from models.accounts import User
from models.core import Owned

if TYPE_CHECKING:
    from models.viewer import Viewer


class Opening(Owned, Table, tablename="opening"):
    """One time that the gates were opened: a batch of invitations that can be undone for a short while."""

    opened_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    created_at = Timestamptz()
    sends_at = Timestamptz(help_text="Until then it can be undone.")
    undone_at = Timestamptz(null=True, default=None)
    people = Integer(default=0)
    selection = Text(default="{}", help_text="JSON: what was chosen")
    is_sample = Boolean(default=False)

    EXPORTS = "who opened, and when"
    ERASES = "kept; the name goes with the user"

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0


class StepMark(Owned, Table, tablename="step_mark"):
    """A step that no data can tell (staff instructed, portal announced), ticked by a person."""

    step = Varchar(length=30)
    marked_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    marked_at = Timestamptz()

    step_mark_unique = Unique([step])

    EXPORTS = "who ticked, and when"
    ERASES = "kept; the name goes with the user"

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0
