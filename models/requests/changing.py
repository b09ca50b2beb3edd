"""Changing what was asked: more or less of it, another last day, withdrawn or open again; one request or many at once."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.core import Refused, Say, operation, save
from models.live import touch
from models.requests.making import MOST_ITEMS, Item
from models.requests.records import DocumentRequest, RequestItem
from models.settings import this_day, utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.core import Scope
    from models.viewer import Viewer

MOST = 20_000  # requests changed by one act


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def add_items(request: DocumentRequest, items: Sequence[Item], *, by: Viewer) -> int:
    """Ask more: the client is told of it. What was done is open again."""
    if request.state == "withdrawn":
        raise Refused("items", Say("Deze opvraging is al gesloten."))
    rows = await engine.raw(
        "SELECT count(*) AS n, coalesce(max(position), -1) AS last FROM request_item WHERE request = $1", request.id
    )
    if rows[0]["n"] + len(items) > MOST_ITEMS:
        raise Refused("items", Say("Ten hoogste {most} dingen in één opvraging.", most=MOST_ITEMS))
    now, last = utcnow(), int(rows[0]["last"])
    await engine.copy_rows(
        "request_item",
        ("request", "client", "position", "title", "explanation", "state", "due_on", "asked_at"),
        [
            (request.id, request.client, last + n, one.title, one.explanation, "open", one.due_on, now)
            for n, one in enumerate(items, 1)
        ],
    )
    await _open(request.id)
    await by.note("DocumentRequest.add_items", request, {"title": request.title, "count": len(items)})
    await _tell(request)
    return len(items)


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def remove_item(item: RequestItem, *, by: Viewer) -> None:
    """It is not asked any more. What was handed in for it would lose its place, so then it stays."""
    request = await by.scope(DocumentRequest).get(item.request)
    _refuse_closed(request)
    if await engine.raw("SELECT 1 AS one FROM request_item_document WHERE item = $1 LIMIT 1", item.id):
        raise Refused("", Say("Hier is al iets voor aangeleverd. Keur het goed of stuur het terug."))
    others = await engine.raw(
        "SELECT 1 AS one FROM request_item WHERE request = $1 AND id <> $2 LIMIT 1", request.id, item.id
    )
    if not others:
        raise Refused("", Say("Dit is het laatste wat u vraagt. Trek de opvraging in."))
    await by.note("RequestItem.remove", item, {"title": item.title})
    await RequestItem.delete().where(RequestItem.id == item.id)
    await engine.raw(
        "UPDATE document_request SET state = 'done', closed_at = $2 WHERE id = $1 AND state = 'open' "
        "AND NOT EXISTS (SELECT 1 FROM request_item i WHERE i.request = $1 AND i.state <> 'accepted')",
        request.id, utcnow(),
    )  # fmt: skip
    await _tell(request)


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def ask_again(item: RequestItem, *, by: Viewer) -> None:
    """What was accepted or said not to apply is asked once more: the client is told."""
    request = await by.scope(DocumentRequest).get(item.request)
    if request.state == "withdrawn":
        raise Refused("", Say("Deze opvraging is al gesloten."))
    if item.state == "open":
        raise Refused("", Say("Dit staat al open."))
    await save(item, state="open", reason="", note="", asked_at=utcnow())
    await _open(request.id)
    await by.note("RequestItem.ask_again", item, {"title": item.title})
    await _tell(request)


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def change_item_due(item: RequestItem, due_on: dt.date | None, *, by: Viewer) -> None:
    """Its own last day; None: that of the request."""
    request = await by.scope(DocumentRequest).get(item.request)
    _refuse_closed(request)
    _refuse_past(due_on)
    await save(item, due_on=due_on)
    await by.note("RequestItem.change_due", item, {"title": item.title, "due_on": str(due_on or "")})
    await _tell(request)


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def reopen(request: DocumentRequest, *, by: Viewer) -> None:
    """What was withdrawn is asked again, as far as it was not answered."""
    if request.state != "withdrawn":
        raise Refused("", Say("Deze opvraging is niet ingetrokken."))
    await _many(by, [request.id], "reopen", None)


# many at once


async def ids_of(found: Scope[Any], most: int = MOST) -> list[int]:
    """The ids of these requests, of those that exist for this viewer."""
    rows = await found.select(DocumentRequest.id, order=(DocumentRequest.id,), limit=most)
    return [row["id"] for row in rows]


async def change_many(ids: Sequence[int], do: str, due_on: dt.date | None, *, by: Viewer) -> int:
    """`do` is withdraw, due (with the day, or None for none), or reopen: of those of which it can be done; how many."""
    by.require(Permission.EDIT_DOSSIERS)
    if do not in ("withdraw", "due", "reopen"):
        raise Refused("", Say("Kies wat er moet gebeuren."))
    if do == "due":
        _refuse_past(due_on)
    return await _many(by, ids, do, due_on)


async def withdraw_batch(batch: str, *, by: Viewer) -> int:
    """Take back what one act of his asked just now, as far as nobody answered it; how many."""
    by.require(Permission.EDIT_DOSSIERS)
    rows = await engine.raw(
        "SELECT r.id FROM document_request r WHERE r.batch = $1 AND r.made_by = $2 AND r.made_at > $3 AND NOT EXISTS "
        "(SELECT 1 FROM request_item i WHERE i.request = r.id AND i.state <> 'open')",
        batch, by.user.id, utcnow() - dt.timedelta(hours=1),
    )  # fmt: skip
    if not rows:
        raise Refused("", Say("Er valt niets meer terug te nemen."))
    return await _many(by, [row["id"] for row in rows], "withdraw", None)


async def _many(by: Viewer, ids: Sequence[int], do: str, due_on: dt.date | None) -> int:
    now, some = utcnow(), json.dumps(list(ids))
    match do:
        case "withdraw":
            rows = await engine.raw(
                f"UPDATE document_request SET state = 'withdrawn', closed_at = $2 WHERE id IN {listed(1)} AND state = 'open' RETURNING id, client, title",
                some, now,
            )  # fmt: skip
        case "due":
            rows = await engine.raw(
                f"UPDATE document_request SET due_on = $2 WHERE id IN {listed(1)} AND state = 'open' RETURNING id, client, title",
                some, due_on,
            )  # fmt: skip
        case _:
            rows = await engine.raw(
                f"UPDATE document_request SET state = 'open', closed_at = NULL WHERE id IN {listed(1)} AND state = 'withdrawn' RETURNING id, client, title",
                some,
            )
            await engine.raw(
                f"UPDATE request_item SET asked_at = $2 WHERE state IN ('open', 'sent_back') AND request IN {listed(1)}",
                json.dumps([row["id"] for row in rows]), now,
            )  # fmt: skip
    operation_ = {
        "withdraw": "DocumentRequest.withdraw",
        "due": "DocumentRequest.change_due",
        "reopen": "DocumentRequest.reopen",
    }[do]
    await engine.copy_rows(
        "trail", ("at", "person", "operation", "record_table", "record_id", "client", "detail"),
        [
            (now, by.user.id, operation_, "DocumentRequest", row["id"], row["client"], json.dumps({"title": row["title"], "due_on": str(due_on or "")}))
            for row in rows
        ],
    )  # fmt: skip
    clients = sorted({row["client"] for row in rows})
    await touch("requests", *([f"client-{client}" for client in clients] if len(clients) <= 20 else []))
    return len(rows)


async def _open(request: int) -> None:
    await engine.raw(
        "UPDATE document_request SET state = 'open', closed_at = NULL WHERE id = $1 AND state = 'done'", request
    )


async def _tell(request: DocumentRequest) -> None:
    await touch("requests", f"request-{request.id}", f"client-{request.client}")


def _refuse_closed(request: DocumentRequest) -> None:
    if request.state != "open":
        raise Refused("", Say("Deze opvraging is al gesloten."))


def _refuse_past(due_on: dt.date | None) -> None:
    if due_on is not None and due_on < this_day():
        raise Refused("due_on", Say("Kies een dag die nog komt."))
