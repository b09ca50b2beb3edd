"""What the pages of bulk acts offer: the acts themselves, what they ask, and the newest that were made."""

from __future__ import annotations

from typing import Any

from models.accounts.roles import RIGHTS
from models.approvals.records import ROLES
from models.bulk.kinds import KINDS, BulkKind
from models.bulk.records import BulkAct
from models.clients.records import RESPONSIBLE_FOR
from models.clients.rights import templates
from models.clients.sectors import Sector
from models.offices import Office
from models.settings import Firm
from models.viewer import Viewer


async def acts_for(viewer: Viewer, about: str) -> list[BulkKind]:
    """What this viewer may do with many clients, or users, of the modules that the office uses."""
    firm = await Firm.load()
    here = [kind for kind in KINDS.values() if not kind.module or firm.uses(kind.module)]
    return [kind for kind in here if kind.about == about and viewer.may(kind.needs)]


async def offered(viewer: Viewer) -> dict[str, Any]:
    """sectors, templates, offices and every_right as (key, name), the firm's modules, what one can be responsible for, and the roles
    of who approves."""
    rows = await viewer.scope(Office).select(Office.id, Office.name, order=[Office.name_key])
    sectors = await viewer.scope(Sector).select(Sector.id, Sector.name, order=[Sector.name_key])
    return {
        "sectors": [(row["id"], row["name"]) for row in sectors],
        "templates": [(row["key"], row["name"]) for row in await templates()],
        "offices": [(row["id"], row["name"]) for row in rows],
        "modules": (await Firm.load()).module_names,
        "every_right": [(int(right), label) for right, label in RIGHTS],
        "approver_roles": ROLES,
        "duties": list(RESPONSIBLE_FOR.items()),
    }


async def newest(viewer: Viewer, most: int) -> list[BulkAct]:
    """Of those that exist for this viewer; drafts are only one's own."""
    own = (BulkAct.state != "draft") | (BulkAct.owner == viewer.user.id)
    found = viewer.bulk_acts.where(own).condition
    return await BulkAct.objects().where(found).order_by(BulkAct.id, ascending=False).limit(most)
