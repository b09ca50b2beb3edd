"""The undo: requests that nobody opened are withdrawn, and their files wait again; what was opened, decided or changed stays."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.approvals.events import happened_to_each
from models.approvals.record import Line, note_each
from models.approvals.records import ApprovalRequest
from models.clients import seen
from models.core import Say
from models.live import touch
from models.placing.records import Placing
from models.settings import utcnow

if TYPE_CHECKING:
    from models.viewer import Viewer

_REASON = "Teruggedraaid: bij vergissing aangeboden."
_STAYS = Say("Al geopend, beantwoord of gewijzigd; deze accordering blijft staan.")
_TOOK = Say("Deze accordering nam de plaats in van een andere en blijft staan. Trek haar zo nodig zelf in.")
_GONE = Say("Deze accordering is al ingetrokken of vervangen.")
# what comes of placing itself, of offering and of signing off; all else on the trail (other days, other files) somebody did since
_ITS_OWN = ", ".join(
    f"'ApprovalRequest.{one}'" for one in ("made", "offer", "offered", "sign_off_asked", "signed_off", "sent_back")
)


async def take_back(placing: Placing, by: Viewer, most: int) -> int:
    """Of the next requests, all or nothing: how many files were dealt with, 0 when none is left."""
    rows = await _next(placing, by, most)
    if not rows:
        return 0
    why = {row["request"]: _why_not(row) for row in rows}
    back = [request for request, stays in why.items() if stays is None]
    await _withdraw([row for row in rows if row["request"] in back], by)
    await engine.raw_many(
        "UPDATE placement_file SET state = $1, reason = $2, request = $3 WHERE id = $4",
        [
            ("matched", "", None, row["id"])
            if (stays := why[row["request"]]) is None
            else ("kept", json.dumps(stays.as_json(), ensure_ascii=False), row["request"], row["id"])
            for row in rows
        ],
    )
    await touch(f"placing-{placing.id}")
    return len(rows)


async def _next(placing: Placing, by: Viewer, most: int) -> list[dict[str, Any]]:
    ids = await engine.raw(
        f"SELECT DISTINCT request FROM placement_file WHERE placement = $1 AND state = 'placed' ORDER BY request LIMIT {int(most)}",
        placing.id,
    )
    requests = json.dumps([row["request"] for row in ids if row["request"]])
    await engine.raw(
        f"UPDATE approval_request SET version = version WHERE id IN {listed(1)}", requests
    )  # held until this unit ends
    return await engine.raw(
        "SELECT f.id, f.request, r.id AS there, r.client, r.state, r.version, r.replaces, (SELECT x.state FROM approval_request x WHERE x.id = r.replaces) AS former, "
        "(SELECT count(*) FROM approver a WHERE a.request = r.id AND (a.opened_at IS NOT NULL OR a.decided_at IS NOT NULL)) AS opened, "
        "(SELECT count(*) FROM approval_seen s WHERE s.request = r.id) AS looked, (SELECT count(*) FROM approval_remark m WHERE m.request = r.id) AS remarks, "
        "(SELECT count(*) FROM trail t WHERE t.record_table = 'ApprovalRequest' AND t.record_id = r.id "
        f"AND t.operation NOT IN ({_ITS_OWN})) AS changed, "
        f"CASE WHEN {seen(by, 'r.client')} THEN 1 ELSE 0 END AS is_seen "
        "FROM placement_file f LEFT JOIN approval_request r ON r.id = f.request WHERE f.placement = $1 AND f.state = 'placed' "
        f"AND coalesce(f.request, 0) IN {listed(2)} ORDER BY f.request, f.id",
        placing.id, requests,
    )  # fmt: skip


def _why_not(row: dict[str, Any]) -> Say | None:
    """Why it stays, or None."""
    if row["there"] is None or row["state"] in ("withdrawn", "replaced"):
        return _GONE
    if not row["is_seen"] or row["state"] not in ("draft", "sign_off", "offered"):
        return _STAYS
    if row["opened"] or row["looked"] or row["remarks"] or row["changed"] or row["version"] > 1:
        return _STAYS
    return (
        _TOOK if row["former"] == "replaced" or (row["former"] == "withdrawn" and row["state"] == "offered") else None
    )


async def _withdraw(rows: Sequence[dict[str, Any]], by: Viewer) -> None:
    """As `withdraw` does for one."""
    states = {row["request"]: (row["client"], row["state"]) for row in rows}
    if not states:
        return
    ids, now, user = json.dumps(sorted(states)), utcnow(), by.user
    await engine.raw(
        f"UPDATE approver SET state = 'void' WHERE request IN {listed(1)} AND state IN ('asked', 'waiting')", ids
    )
    await note_each(
        [
            Line(
                request, client, "withdrawn", user.id, user.full_name, "kantoor", detail={"reason": _REASON, "was": was}
            )
            for request, (client, was) in states.items()
        ]
    )
    await engine.raw(
        f"UPDATE approval_request SET state = 'withdrawn', reason = $2, ended_at = $3 WHERE id IN {listed(1)}",
        ids,
        _REASON,
        now,
    )
    await engine.copy_rows(
        "trail", ("at", "person", "operation", "record_table", "record_id", "client", "detail"),
        [
            (now, user.id, "ApprovalRequest.withdrawn", "ApprovalRequest", request, client, json.dumps({"state": was, "reason": _REASON}))
            for request, (client, was) in states.items()
        ],
    )  # fmt: skip
    requests = (
        await ApprovalRequest.objects().where(ApprovalRequest.id.is_in(sorted(states))).order_by(ApprovalRequest.id)
    )
    await happened_to_each(requests, "withdrawn")
