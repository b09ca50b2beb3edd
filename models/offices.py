"""Branch offices (vestigingen): optional; they fence clients and staff, and have a name, colour and sender of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piccolo.columns import BigInt, Boolean, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from models import engine
from models.core import Owned

if TYPE_CHECKING:
    from models.viewer import Viewer


class Office(Owned, Table, tablename="office"):
    """A branch office. What is '' is taken from the firm."""

    name = Varchar(length=120)
    name_key = Varchar(length=240)
    brand = Varchar(length=7, default="", help_text="#rrggbb, or '' for the firm's colour.")
    logo = Varchar(length=64, default="", help_text="SHA-256 of the logo in the storage, or ''.")
    logo_type = Varchar(length=40, default="")
    sender_name = Varchar(length=120, default="")
    sender_address = Varchar(length=254, default="")
    phone = Varchar(length=40, default="")
    street = Varchar(length=120, default="")
    postcode = Varchar(length=12, default="")
    city = Varchar(length=120, default="")
    changed_at = BigInt(default=0, help_text="Version; names the address of its logo and colours.")
    created_at = Timestamptz()
    is_sample = Boolean(default=False)

    office_name_unique = Unique([name_key])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        if not viewer.is_staff:
            return cls.id < 0
        return cls.id == viewer.fence if viewer.fence else cls.id > 0


async def office_names(*ids: int | None) -> dict[int | None, str]:
    """What they are called; '' for none."""
    rows = await engine.raw("SELECT id, name FROM office") if any(ids) else []
    return {None: ""} | {row["id"]: row["name"] for row in rows}


async def office_row(id: int | None) -> dict[str, Any] | None:
    """All of one, to show the firm as its clients know it."""
    rows = await engine.raw("SELECT * FROM office WHERE id = $1", id) if id else []
    return rows[0] if rows else None
