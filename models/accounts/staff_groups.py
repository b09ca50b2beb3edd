"""Groups of colleagues: what their members may do together, and which selection groups of clients they see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from piccolo.columns import Boolean, ForeignKey, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from models import engine
from models.accounts.records import User
from models.accounts.staff import checked_permissions, put_pairs, settle_staff
from models.core import Owned, Refused, Say, Scope, fold, operation, save
from models.live import touch
from models.personal import Erase, Export
from models.settings import utcnow
from models.viewer import Permission

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

    @operation(Permission.MANAGE_STAFF, trail=False)
    async def change(
        self, name: str, permissions: str, selections: Sequence[int], members: Sequence[int], *, by: Viewer
    ) -> None:
        """`permissions` (module:level by commas) come beside those of each member, `selections` are the client groups they see.

        Only over the whole office: who manages one branch office puts his colleagues into groups, and makes none.
        """
        _over_the_whole_office(by)
        await _name_is_free(name, self.id)
        kept = checked_permissions(permissions) if permissions else ""
        before = await self._told()
        was = [row["person"] for row in await self._members()]
        await save(self, name=name, name_key=fold(name), permissions=kept)
        await put_pairs("staff_reach", "staff_group", self.id, "client_group", sorted(set(selections)))
        await put_pairs("staff_group_member", "staff_group", self.id, "person", await _staff(members))
        await settle_staff({*was, *members})
        after = await self._told()
        if before != after:
            await by.note("StaffGroup.change", self, {"name": name, "before": before, "after": after})
            await touch("users", "clients")

    @operation(Permission.MANAGE_STAFF, trail=False)
    async def remove(self, *, by: Viewer) -> None:  # type: ignore[override]  # a verb of ours, not Piccolo's query
        """Its members lose what they had by it; they stay."""
        _over_the_whole_office(by)
        was = [row["person"] for row in await self._members()]
        await by.note("StaffGroup.remove", self, {"name": self.name, "before": await self._told(), "after": {}})
        await StaffGroup.delete().where(StaffGroup.id == self.id)
        await settle_staff(was)
        await touch("users", "clients")

    async def _members(self) -> list[dict[str, Any]]:
        return await engine.raw("SELECT person FROM staff_group_member WHERE staff_group = $1", self.id)

    async def _told(self) -> dict[str, Any]:
        people, selections = await held_by(self.id)
        return {
            "name": self.name,
            "permissions": self.permissions,
            "members": ", ".join(row["name"] for row in people if row["held"]),
            "selections": ", ".join(row["name"] for row in selections if row["held"]),
        }


class StaffGroupMember(Owned, Table, tablename="staff_group_member"):
    """A colleague in a group of colleagues."""

    staff_group = ForeignKey(StaffGroup, null=False, on_delete=OnDelete.cascade, index=True)
    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade)

    staff_group_member_unique = Unique([person, staff_group])

    EXPORTS = Export(Say("Kantoorgroepen"), by=("person",))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0


@operation(Permission.MANAGE_STAFF, trail=False)
async def add_staff_group(groups: Scope[StaffGroup], *, name: str, by: Viewer) -> StaffGroup:
    _over_the_whole_office(by)
    await _name_is_free(name, 0)
    group = StaffGroup(name=name, name_key=fold(name), created_at=utcnow())
    await group.save()
    await by.note("StaffGroup.add", group, {"name": name})
    return group


async def counted() -> list[dict[str, Any]]:
    """Every group of colleagues: id, name, permissions, and how many people (`people`) and selection groups (`selections`)."""
    return await engine.raw(
        "SELECT g.id, g.name, g.permissions, (SELECT count(*) FROM staff_group_member m WHERE m.staff_group = g.id) AS people, "
        "(SELECT count(*) FROM staff_reach r WHERE r.staff_group = g.id) AS selections FROM staff_group g ORDER BY g.name_key"
    )


async def held_by(group: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All colleagues, and all client groups for selection: id, name, held (whether the group has it)."""
    people = await engine.raw(
        "SELECT u.id, u.full_name AS name, m.id IS NOT NULL AS held FROM users u "
        "LEFT JOIN staff_group_member m ON m.person = u.id AND m.staff_group = $1 "
        "WHERE u.kind = 'staff' AND (u.state <> 'blocked' OR m.id IS NOT NULL) ORDER BY u.sort_key, u.id",
        group,
    )
    selections = await engine.raw(
        "SELECT g.id, g.name, s.id IS NOT NULL AS held FROM client_group g "
        "LEFT JOIN staff_reach s ON s.client_group = g.id AND s.staff_group = $1 WHERE g.purpose = 'selection' ORDER BY g.name_key",
        group,
    )
    return people, selections


def _over_the_whole_office(by: Viewer) -> None:
    if by.fence:
        raise Refused("", Say("Kantoorgroepen gelden voor het hele kantoor: vraag het een beheerder."))


async def _staff(ids: Sequence[int]) -> list[int]:
    known = {row["id"] for row in await engine.raw("SELECT id FROM users WHERE kind = 'staff'")}
    if not set(ids) <= known:
        raise Refused("members", Say("Kies medewerkers van het kantoor."))
    return sorted(set(ids))


async def _name_is_free(name: str, but: int) -> None:
    if not name.strip():
        raise Refused("name", Say("Vul een naam in."))
    if await StaffGroup.exists().where((StaffGroup.name_key == fold(name)) & (StaffGroup.id != but)):
        raise Refused("name", Say("Er is al een kantoorgroep “{name}”.", name=name))
