"""The groups of clients as a list, with how many clients each holds for this viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models import engine
from models.clients.records import seen

if TYPE_CHECKING:
    from models.clients.records import ClientGroup
    from models.viewer import Viewer


async def counted(viewer: Viewer) -> list[dict[str, Any]]:
    """id, name, description, purpose, template (its name), by_rule, and the number of active clients that this viewer sees in it."""
    mine = f"AND {seen(viewer)}"
    return await engine.raw(
        "SELECT g.id, g.name, g.description, g.purpose, g.rule <> '' AS by_rule, coalesce(t.name, '') AS template, coalesce(n.n, 0) AS n "
        "FROM client_group g LEFT JOIN rights_template t ON t.key = g.template LEFT JOIN ("
        "SELECT m.client_group, count(*) AS n FROM membership m JOIN client c ON c.id = m.client "
        f"WHERE c.state = 'active' {mine} GROUP BY m.client_group) n ON n.client_group = g.id ORDER BY g.name_key"
    )


async def depending(group: ClientGroup) -> dict[str, Any]:
    """What hangs on a group: members (a number, over all clients) and dossiers (names of general ones meant for it)."""
    dossiers = await engine.raw(
        "SELECT d.name FROM dossier_group g JOIN dossier d ON d.id = g.dossier WHERE g.client_group = $1 ORDER BY d.name_key",
        group.id,
    )
    rows = await engine.raw("SELECT count(*) AS n FROM membership WHERE client_group = $1", group.id)
    return {"members": rows[0]["n"], "dossiers": [row["name"] for row in dossiers]}
