"""Reading requests: the board over all clients, one client's list, and what is open for a client's people. SQL: these are hot."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.clients import seen
from models.requests.records import DocumentRequest
from models.settings import utcnow
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.viewer import Viewer

SIZE = 50
STATES = ("open", "late", "answered", "done", "withdrawn")


@dataclass(frozen=True)
class Filter:
    """Of the board: one of STATES or '' for all that are not withdrawn, words of a title or client, one client."""

    state: str = ""
    words: str = ""
    client: int = 0


def _where(viewer: Viewer, narrowed: Filter) -> tuple[str, list[Any]]:
    parts = [seen(viewer, "r.client")] if viewer.may(Permission.READ_DOSSIERS) else ["1 = 0"]
    args: list[Any] = [utcnow().date()]
    match narrowed.state:
        case "open" | "done" | "withdrawn":
            parts.append(f"r.state = '{narrowed.state}'")
        case "late":
            parts.append("r.state = 'open' AND r.due_on < $1")
        case "answered":
            parts.append(
                "r.state = 'open' AND EXISTS (SELECT 1 FROM request_item i WHERE i.request = r.id AND i.state IN ('handed_in', 'not_applicable'))"
            )
        case _:
            parts.append("r.state <> 'withdrawn'")
    if narrowed.client:
        args.append(narrowed.client)
        parts.append(f"r.client = ${len(args)}")
    if narrowed.words.strip():
        args.append(f"%{narrowed.words.strip().lower().replace('!', '!!').replace('%', '!%').replace('_', '!_')}%")
        parts.append(f"(lower(r.title) LIKE ${len(args)} ESCAPE '!' OR c.search_key LIKE ${len(args)} ESCAPE '!')")
    return " AND ".join(parts), args


async def board(viewer: Viewer, narrowed: Filter, page: int = 1) -> tuple[list[dict[str, Any]], int]:
    """A page of requests, the most pressing first, and how many there are: id, client, client_name, title, due_on, state,
    items, answered (waits for a look), accepted, is_late."""
    where, args = _where(viewer, narrowed)
    total = await engine.raw(
        f"SELECT count(*) AS n FROM document_request r JOIN client c ON c.id = r.client WHERE {where} AND coalesce(r.due_on, $1) = coalesce(r.due_on, $1)",
        *args,
    )
    rows = await engine.raw(
        "SELECT r.id, r.client, c.name AS client_name, r.title, r.due_on, r.state, r.made_at, "
        "CASE WHEN r.state = 'open' AND r.due_on < $1 THEN 1 ELSE 0 END AS is_late, "
        "(SELECT count(*) FROM request_item i WHERE i.request = r.id) AS items, "
        "(SELECT count(*) FROM request_item i WHERE i.request = r.id AND i.state IN ('handed_in', 'not_applicable')) AS answered, "
        "(SELECT count(*) FROM request_item i WHERE i.request = r.id AND i.state = 'accepted') AS accepted "
        f"FROM document_request r JOIN client c ON c.id = r.client WHERE {where} "
        "ORDER BY CASE r.state WHEN 'open' THEN 0 ELSE 1 END, CASE WHEN r.due_on IS NULL THEN 1 ELSE 0 END, r.due_on, r.id DESC "
        f"LIMIT {SIZE} OFFSET {(max(page, 1) - 1) * SIZE}",
        *args,
    )
    return rows, int(total[0]["n"])


async def board_counts(viewer: Viewer) -> dict[str, int]:
    """Over all clients of this viewer: open, late, answered (wait for a look), done; and items: asked and accepted."""
    where, args = _where(viewer, Filter())
    rows = await engine.raw(
        "SELECT count(*) AS requests, sum(CASE WHEN r.state = 'open' THEN 1 ELSE 0 END) AS open, "
        "sum(CASE WHEN r.state = 'open' AND r.due_on < $1 THEN 1 ELSE 0 END) AS late, sum(CASE WHEN r.state = 'done' THEN 1 ELSE 0 END) AS done, "
        "sum(CASE WHEN r.state = 'open' AND x.answered > 0 THEN 1 ELSE 0 END) AS answered, sum(x.items) AS items, sum(x.accepted) AS accepted "
        "FROM document_request r JOIN client c ON c.id = r.client JOIN (SELECT i.request, count(*) AS items, "
        "sum(CASE WHEN i.state IN ('handed_in', 'not_applicable') THEN 1 ELSE 0 END) AS answered, "
        f"sum(CASE WHEN i.state = 'accepted' THEN 1 ELSE 0 END) AS accepted FROM request_item i GROUP BY i.request) x ON x.request = r.id WHERE {where} AND coalesce(r.due_on, $1) = coalesce(r.due_on, $1)",
        *args,
    )
    return {name: int(value or 0) for name, value in rows[0].items()}


async def items_of(request: DocumentRequest) -> list[dict[str, Any]]:
    """The items of a request that was found through the viewer, with `documents` (id, name, size): id, title, explanation,
    state, reason, who, answered_at."""
    rows = await engine.raw(
        "SELECT i.id, i.title, i.explanation, i.state, i.reason, i.answered_at, u.full_name AS who FROM request_item i "
        "LEFT JOIN users u ON u.id = i.answered_by WHERE i.request = $1 ORDER BY i.position, i.id",
        request.id,
    )
    files = await engine.raw(
        "SELECT l.item, d.id, d.name, d.size, d.uploaded_by FROM request_item_document l JOIN request_item i ON i.id = l.item JOIN document d ON d.id = l.document "
        "WHERE i.request = $1 AND d.trashed_at IS NULL ORDER BY d.id",
        request.id,
    )
    return [row | {"documents": [file for file in files if file["item"] == row["id"]]} for row in rows]


async def requests_of(viewer: Viewer, client: int) -> list[dict[str, Any]]:
    """A client's requests for the office, as of the board."""
    return (await board(viewer, Filter(client=client)))[0]


async def open_for(viewer: Viewer) -> list[dict[str, Any]]:
    """What is asked of a client's user, over all his clients, the nearest due date first: id, title, due_on, client,
    client_name, items (how many wait for him), is_late."""
    ids = ", ".join(str(int(id)) for id in viewer.client_ids_with(Right.UPLOAD_DOCUMENTS)) or "-1"
    folders = ", ".join(str(int(id)) for id, act in viewer.opened_folders.items() if act) or "-1"
    return await engine.raw(
        "SELECT r.id, r.title, r.due_on, r.client, c.name AS client_name, r.made_at, count(*) AS items, "
        "CASE WHEN r.due_on < $1 THEN 1 ELSE 0 END AS is_late FROM document_request r JOIN client c ON c.id = r.client "
        "JOIN request_item i ON i.request = r.id AND i.state IN ('open', 'sent_back') "
        f"WHERE r.state = 'open' AND (r.client IN ({ids}) OR r.folder IN ({folders})) AND c.state = 'active' "
        "GROUP BY r.id, r.title, r.due_on, r.client, c.name, r.made_at "
        "ORDER BY CASE WHEN r.due_on IS NULL THEN 1 ELSE 0 END, r.due_on, r.id LIMIT 100",
        utcnow().date(),
    )


async def reach_of(clients: list[int]) -> dict[str, int]:
    """Of how many of these clients somebody reads it: people (active, with an address and the right to hand in), and clients
    where nobody does yet (without)."""
    ids = json.dumps(clients)
    rows = await engine.raw(
        "SELECT count(DISTINCT a.person) AS people, count(DISTINCT a.client) AS reached FROM access a JOIN users u ON u.id = a.person "
        f"WHERE a.client IN {listed(1)} AND u.state = 'active' AND u.email <> '' AND u.digest <> 'never' AND a.rights & {int(Right.UPLOAD_DOCUMENTS)} <> 0",
        ids,
    )
    return {"people": int(rows[0]["people"]), "without": len(clients) - int(rows[0]["reached"])}
