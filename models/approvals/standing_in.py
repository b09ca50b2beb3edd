"""Why somebody who was appointed to approve for another could not do so now: told where it is recorded, and as long as it holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from models import engine
from models.accounts.blocking import listed
from models.core import Say
from models.hearing import HOW_NOW
from models.pins.means import levels_from, means_of
from models.viewer import Right

MOST_KINDS = 5  # by name, of those for which he has too little
_APPROVE = int(Right.APPROVE)


async def doubts_of(mandates: Sequence[dict[str, Any]]) -> dict[int, list[Say]]:
    """Of mandates (id, client, taker, kind: None for all) that last, by id; who could approve is not in it. Three statements."""
    if not mandates:
        return {}
    takers = await _takers(mandates)
    means = await means_of(sorted({row["taker"] for row in mandates}))
    kinds = await engine.raw("SELECT id, name, least_level, is_active FROM approval_kind ORDER BY position, id")
    found = {}
    for row in mandates:
        asked = [one for one in kinds if one["id"] == row["kind"] or (row["kind"] is None and one["is_active"])]
        taker = takers.get((row["client"], row["taker"]))
        if taker and (doubts := _doubts(taker, means.get(row["taker"], set()), asked)):
            found[row["id"]] = doubts
    return found


async def _takers(mandates: Sequence[dict[str, Any]]) -> dict[tuple[int, int], dict[str, Any]]:
    """(client, taker) > name, state, email, hears, rights."""
    clients, people = (json.dumps(sorted({row[name] for row in mandates})) for name in ("client", "taker"))
    rows = await engine.raw(
        f"SELECT c.id AS client, u.id, u.full_name AS name, u.state, u.email, coalesce(a.rights, 0) AS rights, {HOW_NOW} AS hears "
        "FROM client c CROSS JOIN users u LEFT JOIN access a ON a.client = c.id AND a.person = u.id "
        f"LEFT JOIN hearing h ON h.client = c.id AND h.person = u.id WHERE c.id IN {listed(1)} AND u.id IN {listed(2)}",
        clients, people,
    )  # fmt: skip
    return {(row["client"], row["id"]): row for row in rows}


def _doubts(taker: dict[str, Any], means: set[str], kinds: Sequence[dict[str, Any]]) -> list[Say]:
    name = taker["name"]
    if taker["state"] == "blocked":
        return [Say("{name} is geblokkeerd en kan niet accorderen.", name=name)]
    if not taker["rights"] & _APPROVE:
        return [Say("{name} heeft niet meer het recht om hier te accorderen.", name=name)]
    said = []
    if taker["state"] == "prepared":
        said.append(Say("{name} is nog niet uitgenodigd en kan niet inloggen, dus nog niet accorderen.", name=name))
    elif taker["state"] == "invited":
        said.append(Say("{name} heeft de uitnodiging nog niet gebruikt en kan nog niet accorderen.", name=name))
    elif not taker["email"] or taker["hears"] == "never":
        said.append(Say("{name} krijgt geen mail als er iets te accorderen is.", name=name))
    short = [one["name"] for one in kinds if not means & set(levels_from(one["least_level"]))]
    if not means:
        said.append(Say("{name} heeft nog geen middel om akkoord mee te geven, zoals een pincode.", name=name))
    elif short:
        more = f" (+ {len(short) - MOST_KINDS})" if len(short) > MOST_KINDS else ""
        said.append(Say("{name} heeft geen middel dat hoog genoeg is voor: {kinds}.", name=name, kinds=", ".join(short[:MOST_KINDS]) + more))  # fmt: skip
    return said
