"""For whom a structure is: a rule over the clients, as groups have, that may also ask for a group or for who has no dossier."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.clients import grouping, rules
from models.clients.checks import KINDS
from models.clients.records import seen
from models.core import Refused, Say

if TYPE_CHECKING:
    from models.viewer import Viewer

CONDITIONS = rules.CONDITIONS | {
    "group": "c.id IN (SELECT q.client FROM membership q WHERE q.client_group IN {ids})",
    "dossier": "CASE WHEN EXISTS (SELECT 1 FROM folder q WHERE q.client = c.id AND q.trashed_at IS NULL) THEN 'some' ELSE 'none' END IN {text}",
    "structure": "c.id IN (SELECT q.client FROM folder q JOIN folder o ON o.id = q.origin "
    "WHERE o.dossier IN {ids} AND q.parent IS NULL AND q.trashed_at IS NULL)",
}
LABELS = rules.LABELS | {
    "group": Say("Groep"),
    "dossier": Say("Dossier"),
    "structure": Say("Heeft al mappen van"),
}
DOSSIER = {"none": Say("Heeft nog geen mappen"), "some": Say("Heeft al mappen")}


def checked(rule: dict[str, list[Any]]) -> str:
    """The rule as it is kept; '' when it asks nothing. Raises Refused for an unknown condition."""
    return rules.checked(rule, CONDITIONS)


async def matching(viewer: Viewer, rule: str) -> list[int]:
    """The ids of the active clients that this viewer sees and that match. Of a rule that asks nothing: nobody."""
    sql, args = rules.condition(rule, known=CONDITIONS)
    rows = await engine.raw(
        f"SELECT c.id FROM client c WHERE c.state = 'active' AND {seen(viewer)} AND {sql} ORDER BY c.id", *args
    )
    return [row["id"] for row in rows]


async def of_these(rule: str, clients: list[int]) -> set[int]:
    """Those of the clients that match; of an empty rule all."""
    if not rule:
        return set(clients)
    sql, args = rules.condition(rule, 2, CONDITIONS)
    rows = await engine.raw(
        f"SELECT c.id FROM client c WHERE c.id IN {listed(1)} AND {sql}", json.dumps(clients), *args
    )
    return {row["id"] for row in rows}


async def choices() -> dict[str, list[tuple[Any, Any]]]:
    """What a rule can ask: condition > (value, text) of all there is to choose, in the order in which it is shown."""
    groups = await engine.raw("SELECT id, name FROM client_group ORDER BY name_key LIMIT 500")
    structures = await engine.raw("SELECT id, name FROM dossier WHERE kind = 'standard' ORDER BY name_key LIMIT 500")
    found = await grouping.choices() | {
        "group": [(row["id"], row["name"]) for row in groups],
        "dossier": list(DOSSIER.items()),
        "structure": [(row["id"], row["name"]) for row in structures],
    }
    order = ("legal_form", "kind", "sector", "responsible", "office", "group", "dossier", "structure")
    return {name: found[name] for name in order if found.get(name)}


async def in_words(rule: str) -> list[tuple[Say, list[str | Say]]]:
    """Of a rule that is kept: what it asks, and the values as people know them."""
    if not rule:
        return []
    asked = json.loads(rule)
    names = {row["id"]: row["name"] for row in await engine.raw("SELECT id, name FROM dossier WHERE kind = 'standard'")}
    plain = json.dumps({name: values for name, values in asked.items() if name not in ("dossier", "structure")})
    found: list[tuple[Say, list[str | Say]]] = []
    for name, values in await rules.in_words(plain):
        found.append((LABELS[name], [KINDS.get(value, value) if name == "kind" else value for value in values]))
    if "dossier" in asked:
        found.append((LABELS["dossier"], [DOSSIER.get(value, value) for value in asked["dossier"]]))
    if "structure" in asked:
        found.append((LABELS["structure"], [names.get(value, "?") for value in asked["structure"]]))
    return found


def read(text: str) -> str:
    """A rule that came back from a form or out of a task: as it is kept. Raises Refused when it is none."""
    try:
        rule = json.loads(text) if text else {}
    except ValueError:
        rule = None
    if not isinstance(rule, dict) or not all(isinstance(values, list) for values in rule.values()):
        raise Refused("rule", Say("Kies waaraan de cliënten voldoen."))
    return checked(rule)
