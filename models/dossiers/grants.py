"""Which rights templates a folder is open to: noted at a standard structure's folder, carried to the clients' when rolled out.

It only allows, as FolderRight does, which opens folders by their names; this stays with the folder whatever it is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from piccolo.columns import Boolean, ForeignKey, OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from models import engine
from models.clients import Client
from models.clients.rights import RightsTemplate
from models.core import Owned, Refused, Say, operation
from models.dossiers.dossier import require_structures
from models.dossiers.folders import Folder, tell
from models.live import touch
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

Rights = frozenset[tuple[int, bool]]  # template, and whether one may hand in as well


class FolderGrant(Owned, Table, tablename="folder_grant"):
    """A folder that is open to whoever has a template at its client. In a structure (no client) it is what copies get."""

    folder = ForeignKey(Folder, null=False, on_delete=OnDelete.cascade)
    client = ForeignKey(Client, null=True, default=None, on_delete=OnDelete.cascade)
    template = ForeignKey(RightsTemplate, null=False, on_delete=OnDelete.cascade)
    act = Boolean(default=False, help_text="whether one may also hand in there")

    folder_grant_unique = Unique([folder, template])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return (
            cls.folder.is_in(Folder.select(Folder.id).where(Folder.visible_to(viewer)))
            if viewer.is_staff
            else cls.id < 0
        )


async def grants_of(folder: int) -> dict[int, bool]:
    """The templates that a folder is open to: id > whether one may hand in as well. Of one that came from another client none."""
    rows = await engine.raw(
        "SELECT g.template, g.act FROM folder_grant g JOIN folder f ON f.id = g.folder "
        "WHERE g.folder = $1 AND coalesce(g.client, 0) = coalesce(f.client, 0)",
        folder,
    )
    return {row["template"]: bool(row["act"]) for row in rows}


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def set_grants(folder: Folder, grants: Mapping[int, bool], *, by: Viewer) -> None:
    """Exactly these templates open this folder, and what lies in it, from now on."""
    require_structures(folder.client, by)
    if folder.is_trashed:
        raise Refused("", Say("Deze map ligt in de prullenbak. Zet hem eerst terug."))
    if folder.kind == "internal" and grants:
        raise Refused("", Say("Een interne map is alleen voor kantoor: geen sjabloon kan hem openen."))
    known = {row["id"]: row["name"] for row in await engine.raw("SELECT id, name FROM rights_template")}
    if set(grants) - set(known):
        raise Refused("", Say("Kies een van de sjablonen."))
    before = await grants_of(folder.id)
    if before == dict(grants):
        return
    await FolderGrant.delete().where(FolderGrant.folder == folder.id)
    await engine.copy_rows(
        "folder_grant", ("folder", "client", "template", "act"),
        [(folder.id, folder.client, template, act) for template, act in sorted(grants.items())],
    )  # fmt: skip
    detail = {
        "name": folder.name,
        "before": {"templates": _told(before, known)},
        "after": {"templates": _told(grants, known)},
    }
    await by.note("Folder.set_grants", folder, detail)
    await tell(folder.dossier, folder.client)
    await touch("users")


def _told(grants: Mapping[int, bool], names: Mapping[int, str]) -> str:
    """As the trail keeps it: in names, because it is read years later."""
    return ", ".join(f"{names[one]} (aanleveren)" if act else names[one] for one, act in sorted(grants.items()))
