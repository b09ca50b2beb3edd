"""Reading requests: the board over all clients, one client's list, and what is open for a client's people. SQL: these are hot."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.clients import seen
from models.hearing import how_sql
from models.requests.records import DocumentRequest
from models.settings import Firm, this_day
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.viewer import Viewer

SIZE = 50
STATES = ("open", "late", "answered", "done", "withdrawn")
ORDERS = {
    "due": "CASE r.state WHEN 'open' THEN 0 ELSE 1 END, CASE WHEN r.due_on IS NULL THEN 1 ELSE 0 END, r.due_on {d}, r.id DESC",
    "client": "c.sort_key {d}, r.id DESC",
    "title": "lower(r.title) {d}, r.id DESC",
    "progress": "(SELECT avg(CASE WHEN i.state = 'accepted' THEN 1.0 WHEN i.state IN ('handed_in', 'not_applicable') THEN 0.5 ELSE 0 END) FROM request_item i WHERE i.request = r.id) {d}, r.id DESC",
    "made": "r.made_at {d}, r.id DESC",
}


@dataclass(frozen=True)
class Filter:
    """Of the board: one of STATES or '' for all that are not withdrawn, words of a title or client, one client, a responsible
    colleague, a template, and the last day from and until."""

    state: str = ""
    words: str = ""
    client: int = 0
    responsible: int = 0
    template: int = 0
    due_from: dt.date | None = None
    due_until: dt.date | None = None

    def as_query(self) -> dict[str, Any]:
        """What of it is in an address."""
        days = {"due_from": self.due_from, "due_until": self.due_until}
        return {
            "state": self.state or None, "q": self.words or None, "client": self.client or None,
            "responsible": self.responsible or None, "template": self.template or None,
            **{name: day.isoformat() if day else None for name, day in days.items()},
        }  # fmt: skip


_ANSWERED = "i.state IN ('handed_in', 'not_applicable')"
_WAITS = "i.state IN ('open', 'sent_back')"
_LATE = f"r.state = 'open' AND EXISTS (SELECT 1 FROM request_item i WHERE i.request = r.id AND {_WAITS} AND coalesce(i.due_on, r.due_on) < $1)"
_FROM = "FROM document_request r JOIN client c ON c.id = r.client"
_TODAY = " AND coalesce(r.due_on, $1) = coalesce(r.due_on, $1)"  # so that $1 has a type whatever is asked


def _where(viewer: Viewer, narrowed: Filter) -> tuple[str, list[Any]]:
    parts = [seen(viewer, "r.client")] if viewer.may(Permission.READ_DOSSIERS) else ["1 = 0"]
    args: list[Any] = [this_day()]
    match narrowed.state:
        case "open" | "done" | "withdrawn":
            parts.append(f"r.state = '{narrowed.state}'")
        case "late":
            parts.append(_LATE)
        case "answered":
            parts.append(
                f"r.state = 'open' AND EXISTS (SELECT 1 FROM request_item i WHERE i.request = r.id AND {_ANSWERED})"
            )
        case _:
            parts.append("r.state <> 'withdrawn'")
    for value, sql in (
        (narrowed.client, "r.client = {}"),
        (narrowed.responsible, "r.client IN (SELECT p.client FROM responsible p WHERE p.person = {})"),
        (narrowed.template, "r.template = {}"),
        (narrowed.due_from, "r.due_on >= {}"),
        (narrowed.due_until, "r.due_on <= {}"),
    ):
        if value:
            args.append(value)
            parts.append(sql.format(f"${len(args)}"))
    if narrowed.words.strip():
        args.append(f"%{narrowed.words.strip().lower().replace('!', '!!').replace('%', '!%').replace('_', '!_')}%")
        parts.append(f"(lower(r.title) LIKE ${len(args)} ESCAPE '!' OR c.search_key LIKE ${len(args)} ESCAPE '!')")
    return " AND ".join(parts), args


async def board(
    viewer: Viewer, narrowed: Filter, page: int = 1, order: str = "due", size: int = SIZE
) -> tuple[list[dict[str, Any]], int]:
    """A page of requests, the most pressing first or in another of ORDERS (-name: backwards), and how many there are: id,
    client, client_name, number, title, due_on, state, made_at, items, answered (waits for a look), accepted, waiting, is_late."""
    where, args = _where(viewer, narrowed)
    total = await engine.raw(f"SELECT count(*) AS n {_FROM} WHERE {where}{_TODAY}", *args)
    by = ORDERS.get(order.removeprefix("-"), ORDERS["due"]).format(d="DESC" if order.startswith("-") else "ASC")
    rows = await engine.raw(
        "SELECT r.id, r.client, c.name AS client_name, c.number, r.title, r.due_on, r.state, r.made_at, "
        f"CASE WHEN {_LATE} THEN 1 ELSE 0 END AS is_late, "
        "(SELECT count(*) FROM request_item i WHERE i.request = r.id) AS items, "
        f"(SELECT count(*) FROM request_item i WHERE i.request = r.id AND {_ANSWERED}) AS answered, "
        f"(SELECT count(*) FROM request_item i WHERE i.request = r.id AND {_WAITS}) AS waiting, "
        "(SELECT count(*) FROM request_item i WHERE i.request = r.id AND i.state = 'accepted') AS accepted "
        f"FROM (SELECT r.id AS place {_FROM} WHERE {where} ORDER BY {by} LIMIT {int(size)} OFFSET {(max(page, 1) - 1) * int(size)}) p "
        f"JOIN document_request r ON r.id = p.place JOIN client c ON c.id = r.client ORDER BY {by}",
        *args,
    )
    return rows, int(total[0]["n"])


async def matching(viewer: Viewer, narrowed: Filter, most: int = 20_000) -> list[int]:
    """The ids of all that match, in no order that matters."""
    where, args = _where(viewer, narrowed)
    rows = await engine.raw(f"SELECT r.id {_FROM} WHERE {where}{_TODAY} ORDER BY r.id LIMIT {int(most)}", *args)
    return [row["id"] for row in rows]


async def choices(viewer: Viewer) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """The colleagues and the templates by which the board can be narrowed."""
    staff = await engine.raw(
        "SELECT u.id, u.full_name FROM users u WHERE u.kind = 'staff' AND u.state <> 'blocked' AND EXISTS "
        "(SELECT 1 FROM responsible p WHERE p.person = u.id) ORDER BY u.sort_key LIMIT 200"
    )
    templates = await engine.raw("SELECT id, name FROM request_template ORDER BY name_key LIMIT 200")
    return [(row["id"], row["full_name"]) for row in staff], [(row["id"], row["name"]) for row in templates]


async def board_counts(viewer: Viewer) -> dict[str, int]:
    """Over all clients of this viewer: open, late, answered (wait for a look), done; and items: asked and accepted."""
    where, args = _where(viewer, Filter())
    rows = await engine.raw(
        "SELECT count(*) AS requests, sum(CASE WHEN r.state = 'open' THEN 1 ELSE 0 END) AS open, "
        "sum(CASE WHEN r.state = 'open' AND x.due < $1 THEN 1 ELSE 0 END) AS late, sum(CASE WHEN r.state = 'done' THEN 1 ELSE 0 END) AS done, "
        "sum(CASE WHEN r.state = 'open' AND x.answered > 0 THEN 1 ELSE 0 END) AS answered, sum(x.items) AS items, sum(x.accepted) AS accepted "
        "FROM document_request r JOIN client c ON c.id = r.client JOIN (SELECT i.request, count(*) AS items, "
        "min(CASE WHEN i.state IN ('open', 'sent_back') THEN coalesce(i.due_on, q.due_on) END) AS due, "
        "sum(CASE WHEN i.state IN ('handed_in', 'not_applicable') THEN 1 ELSE 0 END) AS answered, "
        f"sum(CASE WHEN i.state = 'accepted' THEN 1 ELSE 0 END) AS accepted FROM request_item i JOIN document_request q ON q.id = i.request GROUP BY i.request) x ON x.request = r.id WHERE {where} AND coalesce(r.due_on, $1) = coalesce(r.due_on, $1)",
        *args,
    )
    return {name: int(value or 0) for name, value in rows[0].items()}


# Whom an archive named as who did it, of whom no user is known.
_CARRIED = "(SELECT min(k.name) FROM carried_asker k WHERE k.item = i.id AND k.what = '{what}')"


async def items_of(request: DocumentRequest) -> list[dict[str, Any]]:
    """The items of a request that was found through the viewer, with `documents` (id, name, size): id, title, explanation,
    state, reason, note, due_on, is_late, who, answered_at, judge, judged_at."""
    rows = await engine.raw(
        "SELECT i.id, i.title, i.explanation, i.state, i.reason, i.note, i.due_on, i.answered_at, i.judged_at, "
        f"coalesce(u.full_name, {_CARRIED.format(what='answered_by')}) AS who, coalesce(j.full_name, {_CARRIED.format(what='judged_by')}) AS judge FROM request_item i LEFT JOIN users u ON u.id = i.answered_by LEFT JOIN users j ON j.id = i.judged_by "
        "WHERE i.request = $1 ORDER BY i.position, i.id",
        request.id,
    )
    files = await engine.raw(
        "SELECT l.item, d.id, d.name, d.size, d.uploaded_by FROM request_item_document l JOIN request_item i ON i.id = l.item JOIN document d ON d.id = l.document "
        "WHERE i.request = $1 AND d.trashed_at IS NULL AND d.client = i.client ORDER BY d.id",
        request.id,
    )
    today = this_day()
    return [
        row
        | {
            "documents": [file for file in files if file["item"] == row["id"]],
            "is_late": row["state"] in ("open", "sent_back") and (row["due_on"] or request.due_on or today) < today,
        }
        for row in rows
    ]


async def requests_of(viewer: Viewer, client: int, most: int = 6) -> list[dict[str, Any]]:
    """A client's requests for the office that are not done, as of the board."""
    return (await board(viewer, Filter(state="open", client=client), size=most))[0]


async def progress_of(viewer: Viewer, client: int, most: int = 5) -> dict[str, Any] | None:
    """How far what was asked of a client is: items and accepted over what is not withdrawn, and rows of what is open (as of
    the board). None when nothing was asked, or who looks may not read dossiers. One statement."""
    if not viewer.may(Permission.READ_DOSSIERS):
        return None
    rows = await engine.raw(
        "SELECT r.id, r.title, r.due_on, r.state, count(*) AS items, sum(CASE WHEN i.state = 'accepted' THEN 1 ELSE 0 END) AS accepted "
        f"FROM document_request r JOIN request_item i ON i.request = r.id WHERE r.client = $1 AND r.state <> 'withdrawn' AND {seen(viewer, 'r.client')} "
        "GROUP BY r.id, r.title, r.due_on, r.state ORDER BY CASE WHEN r.due_on IS NULL THEN 1 ELSE 0 END, r.due_on, r.id DESC LIMIT 500",
        client,
    )
    if not rows:
        return None
    return {
        "items": sum(int(row["items"]) for row in rows), "accepted": sum(int(row["accepted"]) for row in rows),
        "rows": [row for row in rows if row["state"] == "open"][:most],
    }  # fmt: skip


async def asked_by(viewer: Viewer, document: int) -> dict[str, Any] | None:
    """The request and the item for which a document was handed in: id, title, item, item_title; None when for none that
    exists for this viewer."""
    rows = await engine.raw(
        "SELECT r.id, r.title, i.id AS item, i.title AS item_title FROM request_item_document l JOIN request_item i ON i.id = l.item "
        "JOIN document_request r ON r.id = i.request WHERE l.document = $1 ORDER BY l.id DESC LIMIT 1",
        document,
    )
    if not rows or not await viewer.scope(DocumentRequest).where(DocumentRequest.id == rows[0]["id"]).exists():
        return None
    return rows[0]


async def open_for(viewer: Viewer) -> list[dict[str, Any]]:
    """What is asked of a client's user, over all his clients, the nearest due date first: id, title, due_on, client,
    client_name, items (how many wait for him), is_late."""
    ids = ", ".join(str(int(id)) for id in viewer.client_ids_with(Right.UPLOAD_DOCUMENTS)) or "-1"
    folders = ", ".join(str(int(id)) for id, act in viewer.opened_folders.items() if act) or "-1"
    rows = await engine.raw(
        "SELECT r.id, r.title, r.due_on, r.client, c.name AS client_name, r.made_at, count(*) AS items, "
        "min(coalesce(i.due_on, r.due_on)) AS due FROM document_request r JOIN client c ON c.id = r.client "
        f"JOIN request_item i ON i.request = r.id AND {_WAITS} "
        f"WHERE r.state = 'open' AND (r.client IN ({ids}) OR r.folder IN ({folders})) AND c.state = 'active' "
        "GROUP BY r.id, r.title, r.due_on, r.client, c.name, r.made_at "
        "ORDER BY CASE WHEN min(coalesce(i.due_on, r.due_on)) IS NULL THEN 1 ELSE 0 END, min(coalesce(i.due_on, r.due_on)), r.id LIMIT 100",
    )
    today = this_day()
    return [row | {"due_on": (due := _as_day(row["due"])), "is_late": due is not None and due < today} for row in rows]


def _as_day(value: Any) -> dt.date | None:
    """An expression over days is text on SQLite."""
    return dt.date.fromisoformat(value) if isinstance(value, str) else value


async def reach_of(clients: list[int]) -> dict[str, int]:
    """Who would read it when it is asked of these clients: people who hear `daily` or `at_once`, who hear `never`, who are not
    in yet (`later`), and clients of whom nobody hears (`without`)."""
    how = how_sql(await Firm.load())
    rows = await engine.raw(
        f"SELECT u.id, a.client, u.state, CASE WHEN u.email = '' THEN 'never' ELSE {how} END AS how FROM access a JOIN users u ON u.id = a.person "
        "AND u.kind = 'client' AND u.state <> 'blocked' LEFT JOIN hearing h ON h.person = a.person AND h.client = a.client "
        f"LEFT JOIN hearing p ON p.person = a.person AND p.client IS NULL WHERE a.client IN {listed(1)} AND a.rights & {int(Right.UPLOAD_DOCUMENTS)} <> 0",
        json.dumps(clients),
    )
    people: dict[str, set[int]] = {"daily": set(), "at_once": set(), "never": set(), "later": set()}
    reached = set()
    for row in rows:
        name = row["how"] if row["state"] == "active" else "later"
        people[name].add(row["id"])
        if name in ("daily", "at_once"):
            reached.add(row["client"])
    return {name: len(ids) for name, ids in people.items()} | {"without": len(set(clients) - reached)}
