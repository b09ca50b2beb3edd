"""When a filed document is destroyed, its bytes go here as well: a certificate of destruction tells the truth. What stays is the
proof: who approved which bytes, by their hash."""

from __future__ import annotations

import datetime as dt
import json

from models import engine
from models.accounts.blocking import listed
from models.approvals.states import OPEN

_UNFINISHED = ", ".join(f"'{state}'" for state in ("draft", "sign_off", *OPEN, "approved", "on_paper"))


async def let_go(documents: str) -> dict[str, dt.datetime]:
    """In the unit, just before these documents (a JSON list of ids) go: hash > when its bytes were last kept here.

    What is still being asked about keeps its bytes: nobody approves what cannot be read.
    """
    parts = await engine.raw(
        "SELECT p.id, p.blob, coalesce(r.offered_at, r.made_at) AS at FROM approval_document p JOIN approval_request r ON r.id = p.request "
        f"WHERE p.document IN {listed(1)} AND p.blob <> '' AND r.state NOT IN ({_UNFINISHED})",
        documents,
    )
    mine = json.dumps([row["id"] for row in parts])
    former = await engine.raw(
        f"SELECT blob, replaced_at AS at FROM approval_former_part WHERE document IN {listed(1)} AND blob <> ''", mine
    )
    await engine.raw(f"UPDATE approval_former_part SET blob = '' WHERE document IN {listed(1)}", mine)
    await engine.raw(f"UPDATE approval_document SET blob = '' WHERE id IN {listed(1)}", mine)
    seals = await engine.raw(
        f"UPDATE approval_seal SET sha256 = '', stamp_due = $2, proof_due = $2 WHERE document IN {listed(1)} AND sha256 <> '' RETURNING digest AS blob, at",
        documents, False,
    )  # fmt: skip
    found: dict[str, dt.datetime] = {}
    for row in (*parts, *former, *seals):
        at = engine.as_moment(row["at"])
        found[row["blob"]] = max(at, found.get(row["blob"], at))
    return found
