"""What a client has beside its plain fields: BSN, sectors, the modules its users may have, and a fiscal partner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models import dutch, engine
from models.accounts.staff import put_pairs
from models.core import Refused, Say, operation, save
from models.live import touch
from models.secret_box import decrypt, encrypt
from models.settings import MODULES
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer


class Particulars:
    """Operations of `Client`."""

    if TYPE_CHECKING:
        id: Any
        name: Any
        kind: Any
        state: Any
        bsn: Any
        modules: Any
        partner: Any

    @property
    def masked_bsn(self) -> str:
        """As it stands on a screen: the last four digits; '' when there is none."""
        return f"*****{self._open_bsn()[-4:]}" if self.bsn else ""

    def _open_bsn(self) -> str:
        try:
            return decrypt(self.bsn)
        except ValueError:
            return "????"  # kept under a key that is no longer in SECRET_KEY

    @operation(Permission.MANAGE_CLIENTS, trail=False)
    async def set_bsn(self, bsn: str, *, by: Viewer) -> None:
        """'' takes it away. Kept encrypted; the trail says that it changed, never what it is."""
        from models.clients.checks import WITH_BSN

        if bsn and self.kind not in WITH_BSN:
            raise Refused("bsn", Say("Alleen een particulier of een eenmanszaak heeft een BSN."))
        if bsn:
            try:
                bsn = dutch.bsn(bsn)
            except Refused as refused:
                # not with what was typed in it: that would be a BSN but for one digit
                raise Refused("bsn", Say("Dit is geen geldig BSN.")) from refused
        await save(self, bsn=encrypt(bsn) if bsn else "")  # type: ignore[arg-type]
        await by.note("Client.set_bsn", self, {"name": self.name})
        await touch(f"client-{self.id}")

    @operation(Permission.MANAGE_CLIENTS, trail=False)
    async def reveal_bsn(self, *, by: Viewer) -> str:
        """All nine digits; that somebody looked stands on the trail."""
        if not self.bsn:
            raise Refused("bsn", Say("Van deze cliënt is geen BSN bewaard."))
        await by.note("Client.reveal_bsn", self, {"name": self.name})
        return self._open_bsn()

    @operation(Permission.MANAGE_CLIENTS, trail=False)
    async def set_sectors(self, sectors: list[int], *, by: Viewer) -> None:
        """The client is in exactly these sectors from now on."""
        from models.clients.sectors import names_of

        before, after = await names_of(client=self.id), await names_of(ids=sectors)
        if len(after) != len(set(sectors)):
            raise Refused("sectors", Say("Een van deze branches bestaat niet meer."))
        await put_pairs("client_sector", "client", self.id, "sector", sorted(set(sectors)))
        await _settle(self.id)
        await self._tell("Client.set_sectors", by, {"sectors": ", ".join(before)}, {"sectors": ", ".join(after)})

    @operation(Permission.MANAGE_CLIENTS, trail=False)
    async def set_modules(self, modules: list[str], *, by: Viewer) -> None:
        """The most that its users may have; all of them is kept as '', so that a module that comes later is in it."""
        from models.clients.rights import settle_rights

        if not set(modules) <= set(MODULES):
            raise Refused("modules", Say("Kies onderdelen van het portaal."))
        before = self.modules
        kept = "" if set(modules) == set(MODULES) else ",".join(one for one in MODULES if one in modules) or "-"
        await save(self, modules=kept)  # type: ignore[arg-type]
        await settle_rights(clients=[self.id])
        await _settle(self.id)
        await self._tell("Client.set_modules", by, {"modules": before}, {"modules": kept})

    @operation(Permission.MANAGE_CLIENTS, trail=False)
    async def set_partner(self, partner: Any, *, by: Viewer) -> None:
        """Two people, private or with a business of their own, are fiscal partners of each other; None ends it, for both."""
        from models.clients.checks import PEOPLE

        before = await _name(self.partner)
        if partner is not None:
            if self.kind not in PEOPLE or partner.kind not in PEOPLE:
                raise Refused("partner", Say("Alleen particulieren en eenmanszaken of zzp’ers kunnen fiscale partners zijn."))  # fmt: skip
            if partner.id == self.id:
                raise Refused("partner", Say("Kies een andere cliënt dan deze zelf."))
            if partner.partner and partner.partner != self.id:
                raise Refused("partner", Say("“{name}” heeft al een fiscale partner.", name=partner.name))
        await engine.raw("UPDATE client SET partner = NULL WHERE id = $1 OR partner = $1", self.id)
        if partner is not None:
            await engine.raw("UPDATE client SET partner = $2 WHERE id = $1", partner.id, self.id)
        await save(self, partner=partner.id if partner else None)  # type: ignore[arg-type]
        await self._tell("Client.set_partner", by, {"partner": before}, {"partner": partner.name if partner else ""})
        if partner is not None:
            await touch(f"client-{partner.id}")

    async def _tell(self, operation_: str, by: Viewer, before: dict[str, str], after: dict[str, str]) -> None:
        if before != after:
            await by.note(operation_, self, {"name": self.name, "before": before, "after": after})
            await touch("clients", "rollout", f"client-{self.id}")


async def _name(client: int | None) -> str:
    rows = await engine.raw("SELECT name FROM client WHERE id = $1", client) if client else []
    return rows[0]["name"] if rows else ""


async def _settle(client: int) -> None:
    from models.clients.reach import settle  # which needs the tables

    await settle(clients=[client])
