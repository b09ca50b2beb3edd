"""Reading placings: the list, one placing's files by what becomes of them, its counts; and forgetting what is old."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from models import engine
from models.clients import Client, seen
from models.core import Say
from models.placing.plan import DEVIATIONS, Spot, chosen_for, path_for
from models.placing.records import BIN, KEPT, OWN, REPORT_KEPT, Placing
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

TABS = ("ready", "odd", "bin", "done", "out")


async def placings_for(viewer: Viewer, limit: int, offset: int = 0) -> list[dict[str, Any]]:
    """The newest first: id, state, created_at, placed_at, undone_at, target, who, until, files, placed, waiting."""
    mine = "1 = 1" if viewer.sees_all_clients else f"p.created_by = {int(viewer.user.id)}"
    if not viewer.may(Permission.EDIT_DOSSIERS):
        return []
    rows = await engine.raw(
        "SELECT p.id, p.state, p.created_at, p.touched_at, p.placed_at, p.undone_at, p.target, u.full_name AS who, "
        "(SELECT count(*) FROM placement_file f WHERE f.placement = p.id) AS files, "
        "(SELECT count(*) FROM placement_file f WHERE f.placement = p.id AND f.state = 'placed') AS placed, "
        "(SELECT count(*) FROM placement_file f WHERE f.placement = p.id AND f.state IN ('unmatched', 'left')) AS waiting "
        f"FROM placement p LEFT JOIN users u ON u.id = p.created_by WHERE p.purpose = 'dossier' AND {mine} ORDER BY p.id DESC LIMIT $1 OFFSET $2",
        limit,
        offset,
    )
    for row in rows:
        row["until"] = row["touched_at"] + KEPT
    return rows


async def counts_of(placing: Placing) -> dict[str, Any]:
    """How many files in each state; `odd` are those ready of which something deviates; `clients` to how many clients, and
    `deviations` how many of each."""
    rows = await engine.raw(
        "SELECT state, deviation, count(*) AS n FROM placement_file WHERE placement = $1 GROUP BY state, deviation",
        placing.id,
    )
    states = ("unmatched", "matched", "left", "dropped", "refused", "placed", "skipped", "kept")
    counts: dict[str, Any] = dict.fromkeys(states, 0) | {
        "files": 0,
        "odd": 0,
        "deviations": dict.fromkeys(DEVIATIONS, 0),
    }
    for row in rows:
        counts[row["state"]] += row["n"]
        counts["files"] += row["n"]
        if row["deviation"] and row["state"] == "matched":
            counts["odd"] += row["n"]
            counts["deviations"][row["deviation"]] = counts["deviations"].get(row["deviation"], 0) + row["n"]
    counts["bin"] = sum(counts[state] for state in BIN)
    counts["done"] = counts["placed"] + counts["kept"] + counts["skipped"]
    counts["out"] = counts["dropped"] + counts["refused"]
    clients = await engine.raw(
        "SELECT count(DISTINCT client) AS n FROM placement_file WHERE placement = $1 AND state = 'matched'", placing.id
    )
    counts["clients"] = clients[0]["n"]
    return counts


WHICH = {
    "ready": "f.state = 'matched'",
    "odd": "f.state = 'matched' AND f.deviation <> ''",
    "bin": "f.state IN ('unmatched', 'left')",
    "done": "f.state IN ('placed', 'kept', 'skipped')",
    "out": "f.state IN ('dropped', 'refused')",
    "all": "1 = 1",
}


async def files_of(
    viewer: Viewer, placing: Placing, tab: str, limit: int, offset: int = 0, ids: str = ""
) -> list[dict[str, Any]]:
    """Files under a tab, client by client. A client whom the viewer does not see is none. Besides the columns: client_name, number,
    `way` (the folders it goes to), `chosen`, `why` (a Say) and `decision`."""
    only = f" AND f.id IN ({ids})" if ids else ""
    rows = await engine.raw(
        "SELECT f.id, f.path, f.name, f.size, f.mime, f.sha256, f.state, f.deviation, f.reason, f.own, f.document, f.version, "
        "c.id AS client, c.name AS client_name, c.number, s.name AS archive FROM placement_file f "
        f"LEFT JOIN client c ON c.id = f.client AND {seen(viewer)} LEFT JOIN placement_source s ON s.id = f.source "
        f"WHERE f.placement = $1 AND {WHICH[tab]}{only} ORDER BY c.sort_key, c.id, f.id LIMIT $2 OFFSET $3",
        placing.id, limit, offset,
    )  # fmt: skip
    whole = {name: getattr(placing, name) for name in OWN}
    for row in rows:
        row["chosen"] = chosen_for(whole, row["own"])
        row["way"] = path_for(row["chosen"], row["client_name"], row["number"]) if row["client"] else []
        row["why"] = Say.from_json(json.loads(row["reason"])) if row["reason"] else None
        row["decision"] = Spot(row, row["chosen"], [], deviation=row["deviation"]).decision
    return rows


async def count_under(placing: Placing, tab: str) -> int:
    rows = await engine.raw(
        f"SELECT count(*) AS n FROM placement_file f WHERE f.placement = $1 AND {WHICH[tab]}", placing.id
    )
    return int(rows[0]["n"])


async def sources_of(placing: Placing) -> list[dict[str, Any]]:
    """The ZIPs: name, size, is_read, why (nothing came out: a Say, or None), files that came out of each."""
    rows = await engine.raw(
        "SELECT s.id, s.name, s.size, s.is_read, s.problem, (SELECT count(*) FROM placement_file f WHERE f.source = s.id) AS files "
        "FROM placement_source s WHERE s.placement = $1 ORDER BY s.id",
        placing.id,
    )
    for row in rows:
        row["why"] = Say.from_json(json.loads(row["problem"])) if row["problem"] else None
    return rows


async def opened_of(placing: Placing) -> int:
    """How many of the placed documents somebody of a client opened: an undo takes them away from him."""
    rows = await engine.raw(
        "SELECT count(DISTINCT r.document) AS n FROM reading r JOIN users u ON u.id = r.person JOIN placement_file f ON f.document = r.document "
        "WHERE f.placement = $1 AND f.state = 'placed' AND f.version = r.version AND u.kind = 'client'",
        placing.id,
    )
    return int(rows[0]["n"])


async def target_ways(viewer: Viewer) -> list[str]:
    """Ways to choose from: those of the standard structures, as names with › between them."""
    from models.clients.rights import usual_folders

    return (await usual_folders())[:300]


async def found_by(viewer: Viewer, typed: str) -> list[dict[str, Any]]:
    """Clients by what was typed: exactly this number first, then as the search finds them; id, number, name."""
    from models.clients.lists import named
    from models.search import find

    exact = await named(viewer, typed).select(Client.id, Client.number, Client.name, limit=20)
    if exact:
        return exact
    answer = await find(viewer, typed, 12)
    ids = [one.id for one in (*answer.found.get("clients", ()), *answer.near) if one.kind == "client"]
    if not ids:
        return []
    found = await viewer.clients.where(Client.id.is_in(ids)).select(Client.id, Client.number, Client.name)
    return sorted(found, key=lambda row: ids.index(row["id"]))


async def forget_placings(now: dt.datetime) -> None:
    """What lay in the bin for too long goes, and placings of which nothing is left; those that placed something stay a while
    longer, for their report and undo."""
    for sql, moment in (
        (
            "DELETE FROM placement_file WHERE state NOT IN ('placed', 'kept', 'skipped') AND placement IN (SELECT id FROM placement WHERE touched_at < $1)",
            now - KEPT,
        ),
        (
            "DELETE FROM placement WHERE touched_at < $1 AND NOT EXISTS (SELECT 1 FROM placement_file f WHERE f.placement = placement.id)",
            now - KEPT,
        ),
        ("DELETE FROM placement WHERE touched_at < $1", now - REPORT_KEPT),
    ):
        await engine.raw(sql, moment)


STATES: dict[str, Say] = {
    "matched": Say("Klaar om te plaatsen"),
    "unmatched": Say("Nog geen cliënt"),
    "left": Say("Wacht op een besluit"),
    "dropped": Say("Weggelaten"),
    "refused": Say("Niet aangenomen"),
    "placed": Say("Geplaatst"),
    "skipped": Say("Overgeslagen"),
    "kept": Say("Gebleven: intussen gewijzigd"),
}
