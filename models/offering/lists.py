"""Reading what was placed for approval: the list of placings, and the files of one by what becomes of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from models import engine
from models.approvals.words import period_words
from models.clients import seen
from models.core import Say
from models.offering.records import for_file
from models.placing.lists import WHICH
from models.placing.lists import counts_of as all_counts
from models.placing.records import KEPT, Placing
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

STATES: dict[str, Say] = {
    "matched": Say("Klaar"),
    "unmatched": Say("Nog geen cliënt"),
    "left": Say("Wacht op een besluit"),
    "dropped": Say("Weggelaten"),
    "refused": Say("Niet aangenomen"),
    "placed": Say("Klaargezet"),
    "skipped": Say("Overgeslagen"),
    "kept": Say("Gebleven"),
}

# Of what is matched: what the plan leaves until somebody decides, such as what is there already.
_HELD = "f.state = 'matched' AND f.odd LIKE '%\"do\": \"leave\"%'"


async def offerings_for(viewer: Viewer, limit: int, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The newest first, and how many there are: id, state, created_at, placed_at, undone_at, what, who, until, files, made, waiting."""
    if not viewer.may(Permission.EDIT_APPROVALS):
        return [], 0
    mine = "1 = 1" if viewer.sees_all_clients else f"p.created_by = {int(viewer.user.id)}"
    where = f"p.purpose = 'approvals' AND {mine}"
    rows = await engine.raw(
        "SELECT p.id, p.state, p.created_at, p.touched_at, p.placed_at, p.undone_at, u.full_name AS who, k.name AS kind_name, o.book_year, o.period, "
        "(SELECT count(*) FROM placement_file f WHERE f.placement = p.id) AS files, "
        "(SELECT count(DISTINCT f.request) FROM placement_file f WHERE f.placement = p.id AND f.state = 'placed') AS made, "
        "(SELECT count(*) FROM placement_file f WHERE f.placement = p.id AND (f.state IN ('unmatched', 'left') "
        f"OR (o.kind IS NOT NULL AND p.state = 'open' AND {_HELD}))) AS waiting "
        "FROM placement p JOIN offering o ON o.placement = p.id LEFT JOIN approval_kind k ON k.id = o.kind LEFT JOIN users u ON u.id = p.created_by "
        f"WHERE {where} ORDER BY p.id DESC LIMIT $1 OFFSET $2",
        limit, offset,
    )  # fmt: skip
    for row in rows:
        row["until"] = row["touched_at"] + KEPT
        row["what"] = " ".join(one for one in (row["kind_name"], period_words(row["book_year"], row["period"])) if one)
    total = await engine.raw(f"SELECT count(*) AS n FROM placement p WHERE {where}")
    return rows, int(total[0]["n"])


def _which(tab: str, chosen: dict[str, Any]) -> str:
    """The files under a tab. What is held waits for a decision like what has no client; without a kind there is no plan yet."""
    if not chosen["kind"] or tab not in ("bin", "ready"):
        return WHICH[tab]
    return f"({WHICH['bin']} OR ({_HELD}))" if tab == "bin" else f"({WHICH['ready']} AND NOT ({_HELD}))"


async def counts_of(placing: Placing, chosen: dict[str, Any]) -> dict[str, Any]:
    """As of a placing in dossiers; `bin` is all that waits for a decision, `ready` what is matched and does not, of `clients`."""
    counts = await all_counts(placing)
    rows = await engine.raw(
        f"SELECT count(*) AS n, count(DISTINCT f.client) AS clients FROM placement_file f WHERE f.placement = $1 AND {_which('ready', chosen)}",
        placing.id,
    )
    held = counts["matched"] - int(rows[0]["n"])
    return counts | {"bin": counts["bin"] + held, "ready": int(rows[0]["n"]), "clients": int(rows[0]["clients"])}


async def count_under(placing: Placing, tab: str, chosen: dict[str, Any]) -> int:
    rows = await engine.raw(
        f"SELECT count(*) AS n FROM placement_file f WHERE f.placement = $1 AND {_which(tab, chosen)}", placing.id
    )
    return int(rows[0]["n"])


async def files_of(
    viewer: Viewer, placing: Placing, chosen: dict[str, Any], tab: str, limit: int, offset: int = 0, ids: str = ""
) -> list[dict[str, Any]]:
    """Files under a tab, client by client. A client whom the viewer does not see is none. Besides the columns: client_name, number,
    archive, request_state, `chosen`, `why` (a Say), and of the plan `do`, `part`, `ends`, `period_name`, `proposed` and `odd`: code > what
    there is to say of it."""
    only = f" AND f.id IN ({ids})" if ids else ""
    rows = await engine.raw(
        "SELECT f.id, f.path, f.name, f.size, f.mime, f.sha256, f.state, f.deviation, f.reason, f.own, f.odd, f.look, f.pages, f.request, "
        "r.state AS request_state, c.id AS client, c.name AS client_name, c.number, s.name AS archive FROM placement_file f "
        f"LEFT JOIN client c ON c.id = f.client AND {seen(viewer)} LEFT JOIN placement_source s ON s.id = f.source "
        "LEFT JOIN approval_request r ON r.id = f.request AND r.client = c.id "
        f"WHERE f.placement = $1 AND {_which(tab, chosen)}{only} ORDER BY c.sort_key, c.id, f.id LIMIT $2 OFFSET $3",
        placing.id, limit, offset,
    )  # fmt: skip
    return [_read(row, chosen) for row in rows]


def _read(row: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any]:
    told = json.loads(row.pop("odd"))
    odd = told.get("with", {}) if row["client"] else {}
    for code in ("warned", "unmanned"):
        if code in odd:
            odd[code] = [Say.from_json(one) for one in odd[code]]
    if "wrong" in odd:
        odd["wrong"] = [Say.from_json(odd["wrong"])]
    proposed = odd.get("named")
    return row | {
        "chosen": for_file(chosen, row["own"]), "why": Say.from_json(json.loads(row["reason"])) if row["reason"] else None, "odd": odd,
        "do": told.get("do", ""), "part": told.get("part", ""), "ends": told.get("ends", ""),
        "period_name": period_words(told.get("book_year"), told.get("period", "")), "proposed": period_words(*proposed) if proposed else "",
    }  # fmt: skip


async def kinds_offered() -> list[tuple[int, str]]:
    """To choose from: id and name, in the office's order."""
    rows = await engine.raw("SELECT id, name FROM approval_kind WHERE is_active ORDER BY position, id")
    return [(row["id"], row["name"]) for row in rows]
