"""Groups of colleagues: what their members may do together, and which selection groups of clients they see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piccolo.columns import Boolean, ForeignKey, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from models.accounts.records import User
from models.core import Owned

if TYPE_CHECKING:
    from models.viewer import Viewer


class StaffGroup(Owned, Table, tablename="staff_group"):
    """A kantoorgroep, such as the payroll department."""

    name = Varchar(length=120)
    name_key = Varchar(length=240)
    permissions = Varchar(length=400, default="", help_text="module:level, by commas; added to those of each member")
    created_at = Timestamptz()
    is_sample = Boolean(default=False)

    staff_group_name_unique = Unique([name_key])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0


class StaffGroupMember(Owned, Table, tablename="staff_group_member"):
    """A colleague in a group of colleagues."""

    staff_group = ForeignKey(StaffGroup, null=False, on_delete=OnDelete.cascade, index=True)
    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade)

    staff_group_member_unique = Unique([person, staff_group])

    EXPORTS = "all columns"
    ERASES = "goes with the user"

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0
