"""Long work with a progress that can be watched: imports, structures for many clients, sending."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piccolo.columns import Boolean, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from models.accounts import User
from models.core import Owned

if TYPE_CHECKING:
    from models.viewer import Viewer


class Task(Owned, Table, tablename="task"):
    kind = Varchar(length=30, help_text="plan_import, commit_import, undo_import, apply_structure, …")
    subject_id = Integer(null=True, default=None, index=True)
    owner = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    state = Varchar(length=9, default="waiting")
    done = Integer(default=0)
    total = Integer(default=0)
    cancel_asked = Boolean(default=False)
    detail = Text(default="{}", help_text="JSON: what was asked")
    outcome = Text(default="{}", help_text="JSON: counts, or a Say that tells what went wrong")
    created_at = Timestamptz()
    started_at = Timestamptz(null=True, default=None)
    heartbeat_at = Timestamptz(null=True, default=None)
    finished_at = Timestamptz(null=True, default=None)

    task_state_known = Check("state IN ('waiting', 'running', 'done', 'failed', 'cancelled')")

    EXPORTS = "kind and moments of what the person started"
    ERASES = "goes with the user"

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.owner == viewer.user.id if not viewer.is_staff else cls.id > 0
