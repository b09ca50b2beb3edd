"""What other software reads: requests, kinds and clients, as its token lets it see them; set-based."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from models import engine
from models.approvals.record import ApprovalRecord
from models.approvals.records import ApprovalKind, ApprovalRequest
from models.approvals.states import OPEN, STATES, one_of
from models.clients import Client
from models.connecting import typed
from models.core import Refused, Say, fold
from models.viewer import Viewer

MOST = 200
STILL = ("asked", "waiting")  # of a place in the plan: nothing was decided yet


async def told_of(ids: Sequence[int]) -> list[dict[str, Any]]:
    """No names of people, no documents. `sequence` rises with every act of the request. In the order of their ids."""
    if not ids:
        return []
    listed = ", ".join(str(int(id)) for id in ids)
    rows = await engine.raw(
        "SELECT r.id, r.external_ref, c.number, k.id AS kind_id, k.name AS kind_name, r.book_year, r.period, r.title, r.state, r.version, "
        "r.offered_at, r.completed_at, r.filed_at, r.internal_due, r.legal_due, r.dated_on, r.reason, "
        "(SELECT coalesce(max(a.number), 0) FROM approval_record a WHERE a.request = r.id) AS sequence "
        f"FROM approval_request r JOIN client c ON c.id = r.client JOIN approval_kind k ON k.id = r.kind WHERE r.id IN ({listed}) ORDER BY r.id"
    )
    return [_told(row) for row in rows]


async def answer_of(ids: Sequence[int]) -> list[dict[str, Any]]:
    """What is told of these, with what a webhook does not carry: the amount, and who is still to approve. Set-based."""
    rows = await told_of(ids)
    amounts, still = await _amounts(ids), await still_to_approve(ids)
    return [
        row | {"amount_cents": amounts.get(row["id"]), "still_to_approve": still.get(row["id"], [])} for row in rows
    ]


async def _amounts(ids: Sequence[int]) -> dict[int, int | None]:
    rows = await ApprovalRequest.select(ApprovalRequest.id, ApprovalRequest.amount).where(
        ApprovalRequest.id.is_in([*ids, -1])
    )
    return {row["id"]: row["amount"] for row in rows}


async def still_to_approve(ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """Of each that is open: the places of its plan where nothing was decided yet, in their order."""
    listed = ", ".join(str(int(id)) for id in ids) or "-1"
    rows = await engine.raw(
        "SELECT a.request, u.full_name AS name, a.step, a.state FROM approver a JOIN approval_request r ON r.id = a.request JOIN users u ON u.id = a.person "
        f"WHERE a.request IN ({listed}) AND r.state IN ({one_of(OPEN)}) AND a.step > 0 AND a.state IN ({one_of(STILL)}) ORDER BY a.request, a.step, u.sort_key, a.id"
    )
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["request"], []).append({"name": row["name"], "step": row["step"], "state": row["state"]})
    return found


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "external_ref": row["external_ref"] or None,
        "client_number": row["number"],
        "kind": {"id": row["kind_id"], "name": row["kind_name"]},
        "book_year": row["book_year"],
        "period": row["period"] or None,
        "title": row["title"] or None,
        "state": row["state"],
        "version": row["version"],
        "offered_at": _moment(row["offered_at"]),
        "completed_at": _moment(row["completed_at"]),
        "filed_at": _moment(row["filed_at"]),
        "internal_due": _day(row["internal_due"]),
        "legal_due": _day(row["legal_due"]),
        "dated_on": _day(row["dated_on"]),
        "reason": row["reason"] or None,
        "sequence": row["sequence"],
    }


def _moment(at: Any) -> str | None:
    if not at:
        return None
    return str(engine.as_moment(at).astimezone(dt.UTC).isoformat(timespec="seconds"))


def _day(day: Any) -> str | None:
    return str(day)[:10] if day else None


async def some(
    viewer: Viewer, *, client: str = "", states: Sequence[str] = (), changed_since: dt.datetime | None = None,
    external_ref: str = "", after: int = 0, limit: int = 50,
) -> list[dict[str, Any]]:  # fmt: skip
    """Those after the cursor that this viewer may see, oldest first. Raises Refused for a state that does not exist."""
    if any(state not in STATES for state in states):
        raise Refused("state", Say("Deze toestand bestaat niet."))
    client, external_ref = typed.text("client", client), typed.text("external_ref", external_ref)
    condition: Any = viewer.scope(ApprovalRequest).condition & (ApprovalRequest.id > after)
    if client:
        condition &= ApprovalRequest.client.number == client
    if states:
        condition &= ApprovalRequest.state.is_in(list(states))
    if external_ref:
        condition &= ApprovalRequest.external_ref == external_ref
    if changed_since is not None:
        changed = ApprovalRecord.select(ApprovalRecord.request).where(ApprovalRecord.at > changed_since)
        condition &= ApprovalRequest.id.is_in(changed)
    rows = await ApprovalRequest.select(ApprovalRequest.id).where(condition).order_by(ApprovalRequest.id).limit(limit)
    return await answer_of([row["id"] for row in rows])


async def kinds() -> list[dict[str, Any]]:
    rows = await (
        ApprovalKind.select(ApprovalKind.id, ApprovalKind.name, ApprovalKind.name_en)
        .where(ApprovalKind.is_active == True)  # noqa: E712
        .order_by(ApprovalKind.position)
    )
    return [dict(row) for row in rows]


async def client_numbered(viewer: Viewer, number: str) -> Client:
    """Raises Refused when there is no such active client for this viewer."""
    number = typed.text("client_number", number)
    found = await viewer.clients.where((Client.number == number) & (Client.state == "active")).find()
    if found is None:
        raise Refused("client_number", Say("Er is geen actieve cliënt met nummer “{number}”.", number=number[:20]))
    return found


async def kind_named(asked: str) -> ApprovalKind:
    """By id or by name. Raises Refused."""
    asked = typed.text("kind", asked)
    by: Any = ApprovalKind.name_key == fold(asked)
    if asked.isascii() and asked.isdecimal() and len(asked) < 10:
        by = ApprovalKind.id == int(asked)
    kind = await ApprovalKind.objects().where(by & (ApprovalKind.is_active == True)).first()  # noqa: E712
    if kind is None:
        raise Refused("kind", Say("De soort “{kind}” bestaat niet.", kind=asked[:60]))
    return kind
