"""A client's own people who look after the access of their colleagues: never more than they have themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts import User, mailbox
from models.accounts.reaching import add_to, change, take
from models.core import Missing, Refused, Say, operation, record_of
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.clients.records import Client
    from models.viewer import Viewer


async def colleagues_for(viewer: Viewer, client: Client) -> list[dict[str, Any]]:
    """Everybody who reaches the client: as `everybody`, with `is_me` and `mine` (whether this viewer may change his access)."""
    from models.clients.rights import everybody  # which needs the tables

    held = _held(viewer, client)
    people = await everybody(client.id)
    me = viewer.user.id
    return [one | {"is_me": one["id"] == me, "mine": one["id"] != me and not one["rights"] & ~held} for one in people]


async def offered_by(viewer: Viewer, client: Client) -> list[dict[str, Any]]:
    """The templates that this viewer may hand to a colleague: what gives no more than he has (id, key, name, rights)."""
    from models.clients.rights import ceiling

    held, most = _held(viewer, client), ceiling(client.modules)
    rows = await engine.raw(
        "SELECT t.id, t.key, t.name, t.rights, EXISTS (SELECT 1 FROM folder_right o WHERE o.template = t.id) "
        "OR EXISTS (SELECT 1 FROM folder_grant g WHERE g.template = t.id AND g.client = $1) AS by_folder "
        "FROM rights_template t ORDER BY t.position, t.name_key",
        client.id,
    )
    whole = Right.VIEW_DOSSIER | Right.UPLOAD_DOCUMENTS
    return [
        row
        for row in rows
        if row["rights"] & most and not row["rights"] & most & ~held and (not row["by_folder"] or whole in Right(held))
    ]


class Colleagues:
    """The operations of `Client` for its own people."""

    if TYPE_CHECKING:
        id: Any
        modules: Any

    @operation(Permission.MANAGE_COLLEAGUES, trail=False)
    async def add_colleague(
        self, /, *, email: str, role: str, announced: bool, by: Viewer, rights: int | None = None, **names: str
    ) -> tuple[User, bool]:
        """As `Client.add_user`. Who works at the office cannot be added; that he does is not told, nor who else has this
        address: by the name that was typed it is clear who is meant."""
        await self._within_own(role, rights, by)
        holders = await mailbox.holders_of(email)
        known = mailbox.named(holders, names)
        full = known is None and len(holders) >= mailbox.MOST
        if full or any(one.kind == "staff" for one in holders) or (known is not None and known.state == "blocked"):
            raise Refused("email", Say("Met dit adres kan niemand worden toegevoegd. Vraag het uw kantoor."))
        return await add_to(
            self,  # type: ignore[arg-type]
            email=email,
            whose=str(known.id) if known else mailbox.ANOTHER,
            role=role,
            rights=rights,
            announced=announced,
            by=by,
            names=names,
        )

    @operation(Permission.MANAGE_COLLEAGUES, trail=False)
    async def change_colleague(self, person: int, role: str, rights: int | None = None, *, by: Viewer) -> User:
        """Another template, or other rights. Folders that the office opened one by one stay open."""
        colleague = await self._colleague(person, by)
        await self._within_own(role, rights, by)
        await change(colleague, self, role, rights, None, by=by)  # type: ignore[arg-type]
        return colleague

    @operation(Permission.MANAGE_COLLEAGUES, trail=False)
    async def remove_colleague(self, person: int, *, by: Viewer) -> User:
        """He no longer reaches this client; what he reaches of others stays."""
        colleague = await self._colleague(person, by)
        await take(colleague, self, by=by)  # type: ignore[arg-type]
        return colleague

    async def _colleague(self, person: int, by: Viewer) -> User:
        """Of the same client, not oneself, and with no right that one lacks. Raises Missing for anybody else."""
        rows = await engine.raw(
            "SELECT u.*, a.rights AS held FROM users u JOIN access a ON a.person = u.id WHERE a.client = $1 AND u.id = $2",
            self.id,
            person,
        )
        if not rows:
            raise Missing("User", person)
        held = rows[0].pop("held")
        if person == by.user.id:
            raise Refused("", Say("Uw eigen toegang kunt u niet wijzigen. Vraag het een collega of uw kantoor."))
        if held & ~_held(by, self):
            raise Refused("", Say("Deze collega mag meer dan u. Vraag het uw kantoor."))
        return record_of(User, rows[0])

    async def _within_own(self, role: str, rights: int | None, by: Viewer) -> None:
        offered = {one["key"] for one in await offered_by(by, self)}  # type: ignore[arg-type]
        if (role and role not in offered) or (rights or 0) & ~_held(by, self):
            raise Refused("role", Say("U kunt niet meer geven dan u zelf mag."))
        if not role and not rights:
            raise Refused("role", Say("Kies wat deze persoon mag."))


def _held(viewer: Viewer, client: Any) -> int:
    grant = viewer.grants.get(client.id)
    return int(grant.rights) if grant else 0
