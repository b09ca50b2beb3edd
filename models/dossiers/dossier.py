"""A dossier: whose it is, who reads it, and what is made, renamed and thrown away in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from piccolo.columns import Boolean, ForeignKey, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models import engine
from models.clients import Client, ClientGroup, Membership, with_right
from models.clients.sectors import ClientSector, Sector
from models.content_type import tidy
from models.core import Owned, Refused, Say, fold, operation, save, was_and_is
from models.live import touch
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.dossiers.folders import Folder
    from models.viewer import Viewer


class Dossier(Owned, Table, tablename="dossier"):
    """A tree of folders: of one client, a standard structure to copy from, or a general one that many clients read."""

    kind = Varchar(length=8, help_text="client, standard or general")
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.cascade)
    name = Varchar(length=120)
    name_key = Varchar(length=240)
    audience = Varchar(length=6, default="", help_text="general: all, groups or sector")
    created_at = Timestamptz()
    is_sample = Boolean(default=False)
    for_new_since = Timestamptz(
        null=True, default=None, help_text="standard: clients added since then get it by themselves; NULL: none do"
    )

    for_new_rule = Text(
        default="", help_text="standard: for which new clients, as whom.checked keeps it; '' is for all of them"
    )

    dossier_client_unique = Unique([client])
    dossier_kind_known = Check("kind IN ('client', 'standard', 'general')")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        mine = with_right(cls.client, viewer, Right.VIEW_DOSSIER)
        if viewer.is_staff:
            return mine | cls.client.is_null() if viewer.may(Permission.READ_DOSSIERS) else mine
        if viewer.opened_folders:
            mine = mine | cls.client.is_in(viewer.dossier_client_ids)
        return mine | cls.id.is_in(general_dossiers_for(viewer))

    @operation(Permission.EDIT_DOSSIERS)
    async def add_folder(self, name: str, kind: str = "office", *, by: Viewer) -> Folder:
        """A folder at the top."""
        from models.dossiers.folders import make_folder
        from models.dossiers.undoing import keep

        require_structures(self.client, by)
        made = await make_folder(self.id, self.client, None, name, kind)
        await keep("add", self.id, {"folders": [made.id]}, by, made.name)
        return made

    @operation(Permission.EDIT_STRUCTURES, trail=False)
    async def rename(self, name: str, *, by: Viewer) -> None:
        self._refuse_client_dossier()
        name, before = await free_dossier_name(self.kind, name, besides=self.id), self.name
        await save(self, name=name, name_key=fold(name))
        await by.note("Dossier.rename", self, {"name": name, **was_and_is({"name": before}, {"name": name})})
        await self._tell()

    @operation(Permission.EDIT_STRUCTURES)
    async def remove(self, *, by: Viewer) -> None:  # type: ignore[override]
        """A standard structure or general dossier goes, with all that is in it. What was copied from it stays."""
        self._refuse_client_dossier()
        if await engine.raw(
            "SELECT 1 AS one FROM document d JOIN folder f ON f.id = d.folder WHERE f.dossier = $1 LIMIT 1", self.id
        ):
            raise Refused(
                "",
                Say(
                    "Er liggen nog documenten in dit dossier, misschien in de prullenbak. Gooi ze weg en leeg de prullenbak; daarna kan het dossier weg."
                ),
            )
        await Dossier.delete().where(Dossier.id == self.id)
        await self._tell()

    @operation(Permission.EDIT_STRUCTURES)
    async def publish(
        self, audience: str, groups: Sequence[int] = (), sectors: Sequence[int] = (), *, by: Viewer
    ) -> None:
        """Who may read a general dossier: `audience` is all, groups, or sector."""
        if self.kind != "general":
            raise Refused("", Say("Alleen een algemeen dossier heeft lezers die u kiest."))
        if audience not in ("all", "groups", "sector"):
            raise Refused("audience", Say("Kies alle cliënten, groepen of branches."))
        selections = by.groups.where(ClientGroup.purpose == "selection")
        known = {row["id"] for row in await selections.select(ClientGroup.id)}
        chosen = sorted(set(groups) & known) if audience == "groups" else []
        if audience == "groups" and not chosen:
            raise Refused("groups", Say("Kies ten minste één groep."))
        known = {row["id"] for row in await by.scope(Sector).select(Sector.id)}
        among = sorted(set(sectors) & known) if audience == "sector" else []
        if audience == "sector" and not among:
            raise Refused("sectors", Say("Kies ten minste één branche."))
        await save(self, audience=audience)
        await DossierGroup.delete().where(DossierGroup.dossier == self.id)
        await DossierSector.delete().where(DossierSector.dossier == self.id)
        if among:
            await DossierSector.insert(*(DossierSector(dossier=self.id, sector=one) for one in among))
        if chosen:
            await DossierGroup.insert(*(DossierGroup(dossier=self.id, client_group=group) for group in chosen))
        await self._tell()

    @operation(Permission.MANAGE_SETTINGS)
    async def empty_trash(self, reason: str = "", *, despite_term: bool = False, by: Viewer) -> int:
        """For good, on a certificate of destruction; how many folders and documents go. What a case or a term keeps stays in
        the trash; `despite_term` takes what is within its term along, and asks why."""
        from models.keeping.trash import empty

        count = await empty(self, reason, despite_term=despite_term, by=by)
        await self._tell()
        return count

    def _refuse_client_dossier(self) -> None:
        if self.kind == "client":
            raise Refused("", Say("Het dossier van een cliënt heeft een vaste naam en blijft bij de cliënt."))

    async def _tell(self) -> None:
        await touch(f"dossier-{self.id}", "general", "rollout")


class DossierGroup(Owned, Table, tablename="dossier_group"):
    """A group whose clients may read a general dossier."""

    dossier = ForeignKey(Dossier, null=False, on_delete=OnDelete.cascade)
    client_group = ForeignKey(ClientGroup, null=False, on_delete=OnDelete.cascade)

    dossier_group_unique = Unique([dossier, client_group])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0


class DossierSector(Owned, Table, tablename="dossier_sector"):
    """A sector whose clients may read a general dossier."""

    dossier = ForeignKey(Dossier, null=False, on_delete=OnDelete.cascade)
    sector = ForeignKey(Sector, null=False, on_delete=OnDelete.cascade, index=True)

    dossier_sector_unique = Unique([dossier, sector])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0


def general_dossiers_for(viewer: Viewer) -> Any:
    """The ids of the general dossiers that a client user may read, as a subquery."""
    ids = viewer.client_ids_with(Right.VIEW_DOSSIER) or [-1]
    groups = Membership.select(Membership.client_group).where(Membership.client.is_in(ids))
    named = DossierGroup.select(DossierGroup.dossier).where(DossierGroup.client_group.is_in(groups))
    general = Dossier.kind == "general"
    sectors = ClientSector.select(ClientSector.sector).where(ClientSector.client.is_in(ids))
    among = DossierSector.select(DossierSector.dossier).where(DossierSector.sector.is_in(sectors))
    everyone = (Dossier.audience == "all") if ids != [-1] else (Dossier.id < 0)
    return Dossier.select(Dossier.id).where(general & (everyone | Dossier.id.is_in(named) | Dossier.id.is_in(among)))


# As `general_dossiers_for`, as SQL: the general dossiers for these clients ({ids}, by commas).
GENERAL_SQL = """SELECT g.id FROM dossier g WHERE g.kind = 'general' AND (g.audience = 'all' OR EXISTS (
 SELECT 1 FROM dossier_group dg JOIN membership m ON m.client_group = dg.client_group
 WHERE dg.dossier = g.id AND m.client IN ({ids})) OR EXISTS (
 SELECT 1 FROM dossier_sector ds JOIN client_sector cs ON cs.sector = ds.sector
 WHERE ds.dossier = g.id AND cs.client IN ({ids})))"""


def require_structures(client: int | None, by: Viewer) -> None:
    """What belongs to no client is for many of them: it takes the right to edit structures."""
    if client is None:
        by.require(Permission.EDIT_STRUCTURES)


async def free_dossier_name(kind: str, name: str, besides: int = 0) -> str:
    """The name, tidied. Raises Refused when it is empty or another dossier of this kind has it."""
    name = tidy_name(name)
    taken = Dossier.exists().where((Dossier.kind == kind) & (Dossier.name_key == fold(name)) & (Dossier.id != besides))
    if await taken:
        raise Refused("name", Say("Er is al een dossier met de naam “{name}”.", name=name))
    return name


def tidy_name(name: str) -> str:
    """A folder's or dossier's name without what cannot be shown. Raises Refused when nothing is left or it is too long."""
    name = tidy(name).replace("›", ">")
    if not name.strip(". "):
        raise Refused("name", Say("Vul een naam in."))
    if len(name) > 120:
        raise Refused("name", Say("Deze naam heeft {n} tekens; er passen er 120.", n=len(name)))
    if len(fold(name)) > 240:
        raise Refused("name", Say("Deze naam is te lang om op te kunnen zoeken. Kies een kortere."))
    return name
