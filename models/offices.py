"""Branch offices (vestigingen): optional; they fence clients and staff, and have a name, colour and sender of their own."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from piccolo.columns import BigInt, Boolean, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from models import engine
from models.core import Owned, Refused, Say, Scope, fold, operation, save
from models.firm_fields import checked
from models.live import touch
from models.viewer import Permission

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

    @operation(Permission.MANAGE_SETTINGS, trail=False)
    async def change(self, /, *, by: Viewer, **details: Any) -> None:
        """Any of FIELDS. Raises RefusedFields with all that is wrong."""
        values = await _checked(details, self.id)
        moved = {name: value for name, value in values.items() if getattr(self, name) != value and name != "name_key"}
        if moved:
            before = {name: getattr(self, name) for name in moved}
            await save(self, **values, changed_at=self.changed_at + 1)
            await by.note("Office.change", self, {"name": self.name, "before": before, "after": moved})
            await touch("settings", "clients")

    @operation(Permission.MANAGE_SETTINGS)
    async def set_logo(self, sha256: str, kind: str, *, by: Viewer) -> None:
        """A picture that is in the storage already; `kind` is its media type, told by its content."""
        await save(self, logo=sha256, logo_type=kind, changed_at=self.changed_at + 1)

    @operation(Permission.MANAGE_SETTINGS)
    async def remove_logo(self, *, by: Viewer) -> None:
        await save(self, logo="", logo_type="", changed_at=self.changed_at + 1)

    @operation(Permission.MANAGE_SETTINGS, trail=False)
    async def remove(self, *, by: Viewer) -> None:  # type: ignore[override]
        """Refused while it has clients or colleagues."""
        used = (await engine.raw(_USED_SQL, self.id))[0]
        if used["clients"] or used["staff"]:
            raise Refused("", Say("Deze vestiging heeft nog {clients} cliënten en {staff} medewerkers.", **used))
        await by.note("Office.remove", self, {"name": self.name})
        await Office.delete().where(Office.id == self.id)
        await touch("settings", "clients")


FIELDS = ("name", "brand", "sender_name", "sender_address", "phone", "street", "postcode", "city")
_USED_SQL = """SELECT (SELECT count(*) FROM client WHERE office = $1) AS clients,
 (SELECT count(*) FROM users WHERE office = $1 AND kind = 'staff') AS staff"""


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def add_office(offices: Scope[Office], /, *, by: Viewer, **details: Any) -> Office:
    values = await _checked(details, 0)
    office = Office(**values, created_at=dt.datetime.now(dt.UTC))
    await office.save()
    await by.note("Office.add", office, {"name": office.name})
    await touch("settings", "clients")
    return office


async def offices_used() -> list[dict[str, Any]]:
    """Every branch office: id, name, city, brand, clients and staff (how many)."""
    return await engine.raw(
        "SELECT o.id, o.name, o.city, o.brand, (SELECT count(*) FROM client c WHERE c.office = o.id) AS clients, "
        "(SELECT count(*) FROM users u WHERE u.office = o.id AND u.kind = 'staff') AS staff FROM office o ORDER BY o.name_key"
    )


async def staff_of(office: int) -> list[dict[str, Any]]:
    """The colleagues who work there: id and who."""
    return await engine.raw(
        "SELECT id, full_name AS who FROM users WHERE office = $1 AND kind = 'staff' ORDER BY sort_key, id LIMIT 500",
        office,
    )


async def _checked(details: dict[str, Any], but: int) -> dict[str, Any]:
    known = {name: value for name, value in details.items() if name in FIELDS}
    brand, city = str(known.pop("brand", "")).strip(), known.pop("city", "")
    values = checked(
        known | {"place": city} | ({"brand": brand} if brand else {}),
    )
    values["city"], values["brand"] = values.pop("place"), values.get("brand", "")
    values["name_key"] = fold(values["name"])
    if await Office.exists().where((Office.name_key == values["name_key"]) & (Office.id != but)):
        raise Refused("name", Say("Er is al een vestiging “{name}”.", name=values["name"]))
    return values


async def office_names(*ids: int | None) -> dict[int | None, str]:
    """What they are called; '' for none."""
    rows = await engine.raw("SELECT id, name FROM office") if any(ids) else []
    return {None: ""} | {row["id"]: row["name"] for row in rows}


async def office_row(id: int | None) -> dict[str, Any] | None:
    """All of one, to show the firm as its clients know it."""
    rows = await engine.raw("SELECT * FROM office WHERE id = $1", id) if id else []
    return rows[0] if rows else None
