"""Who reads a general dossier: how many that would be, and a rule that decides it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.clients import ClientGroup, add_group
from models.clients.records import seen
from models.clients.rules import checked, condition
from models.core import Refused, Say, fold, operation
from models.dossiers.dossier import Dossier
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.viewer import Viewer


async def readers_of(
    viewer: Viewer, audience: str, groups: Sequence[int] = (), sectors: Sequence[int] = (), rule: dict[str, list[Any]] | None = None
) -> tuple[int, int]:  # fmt: skip
    """How many active clients (of those this viewer sees) would have a general dossier in their portal, and how many people."""
    args: list[Any] = []
    match audience:
        case "all":
            which = "1 = 1"
        case "groups":
            which, args = (
                f"c.id IN (SELECT m.client FROM membership m WHERE m.client_group IN {listed(1)})",
                [_json(groups)],
            )
        case "sector":
            which, args = (
                f"c.id IN (SELECT s.client FROM client_sector s WHERE s.sector IN {listed(1)})",
                [_json(sectors)],
            )
        case _:
            which, args = condition(checked(rule or {}))
    rows = await engine.raw(
        "SELECT count(DISTINCT c.id) AS clients, count(DISTINCT u.id) AS people FROM client c "
        f"LEFT JOIN access a ON a.client = c.id AND a.rights & {int(Right.VIEW_DOSSIER)} <> 0 "
        "LEFT JOIN users u ON u.id = a.person AND u.state <> 'blocked' "
        f"WHERE c.state = 'active' AND {seen(viewer)} AND {which}",
        *args,
    )
    return int(rows[0]["clients"]), int(rows[0]["people"])


@operation(Permission.EDIT_STRUCTURES, trail=False)
async def publish_by_rule(dossier: Dossier, rule: dict[str, list[Any]], *, by: Viewer) -> None:
    """For the clients that match a rule, now and later: a group that follows it, made for this dossier or there from before."""
    if not checked(rule):
        raise Refused("rule", Say("Kies waar een cliënt aan moet voldoen."))
    name = f"Lezers van {dossier.name}"[:120]
    group = await by.groups.where(ClientGroup.name_key == fold(name)).find()
    if group is not None and (group.purpose != "selection" or not group.rule):
        raise Refused("rule", Say("Er is al een groep “{name}” zonder regel. Geef die een andere naam.", name=name))
    group = group or await add_group(by.groups, name=name, by=by)
    await group.set_rule(rule, by=by)
    await dossier.publish("groups", [group.id], by=by)


async def rule_of(dossier: Dossier) -> str:
    """The rule that was made for this dossier, when that is what decides; else ''."""
    rows = await engine.raw(
        "SELECT g.rule, g.name FROM dossier_group d JOIN client_group g ON g.id = d.client_group WHERE d.dossier = $1",
        dossier.id,
    )
    return rows[0]["rule"] if len(rows) == 1 and rows[0]["name"] == f"Lezers van {dossier.name}"[:120] else ""


def _json(ids: Sequence[int]) -> str:
    return json.dumps(sorted(set(ids)) or [-1])
