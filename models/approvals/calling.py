"""The telephone list: where reminding by mail has come to its end, somebody of the office calls; and what was said then."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from piccolo.columns import ForeignKey, OnDelete, Timestamptz, Varchar
from piccolo.table import Table

from models import engine
from models.accounts import User
from models.approvals.records import ApprovalRequest
from models.approvals.states import OPEN
from models.approvals.words import period_words
from models.clients import Client, seen, with_right
from models.core import Owned, Refused, Say, operation
from models.live import touch
from models.personal import Erase, Export
from models.settings import this_day, utcnow
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.viewer import Viewer

SIZE = 100
MOST = 5_000


class ApprovalCall(Owned, Table, tablename="approval_call"):
    """That somebody of the office called an approver about a request, and what was said."""

    request = ForeignKey(ApprovalRequest, null=False, on_delete=OnDelete.cascade, index=True)
    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    made_by = ForeignKey(User, null=True, default=None, on_delete=OnDelete.set_null)
    at = Timestamptz(help_text="when it was written down")
    called_on = Varchar(length=10, help_text="the day of the call, as 2026-12-01")
    note = Varchar(length=1000, default="")

    EXPORTS = Export(Say("Telefoontjes over accorderingen"), by=("person", "made_by"))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        """The office's own notes."""
        if not viewer.is_staff or not viewer.may(Permission.VIEW_REQUESTED):
            return cls.id < 0
        return with_right(cls.client, viewer, Right.VIEW_APPROVALS)


async def to_call(
    viewer: Viewer, number: int = 1, size: int = SIZE, responsible: int = 0
) -> tuple[list[dict[str, Any]], int]:
    """Who must be called, not called yet first and then the first deadline first, and how many there are: id (of the request), client,
    client_name, number, kind_name, period_name, title, person, who, phone, mobile, client_phone, since (asked_at), due, legal_due, why
    ('' or a key of REACHED_BADLY), calls, and of the last call called_on, note, called_by."""
    if not viewer.may(Permission.VIEW_REQUESTED):
        return [], 0
    day = this_day()
    late = await _late(day)
    if not late:
        return [], 0
    where = f"{seen(viewer, 'r.client')} AND ({late})" + (
        f" AND r.responsible = {int(responsible)}" if responsible else ""
    )
    body = (
        "FROM approver a JOIN approval_request r ON r.id = a.request AND r.state IN ('offered', 'partly') "
        f"JOIN users u ON u.id = a.person JOIN client c ON c.id = r.client AND c.state = 'active' JOIN approval_kind k ON k.id = r.kind WHERE a.state = 'asked' AND {where}"
    )
    count = await engine.raw(f"SELECT count(*) AS n {body}")
    called = "(SELECT max(p.id) FROM approval_call p WHERE p.request = r.id AND p.person = a.person)"
    rows = await engine.raw(
        f"SELECT r.id, r.client, c.name AS client_name, c.number, c.phone AS client_phone, k.name AS kind_name, r.title, r.book_year, r.period, r.year_end, a.person, "
        "u.full_name AS who, u.phone, u.mobile, u.state AS person_state, u.email, a.asked_at AS since, a.opened_at, "
        f"coalesce(r.internal_due, r.legal_due) AS due, r.legal_due, {called} AS last_call {body} "
        f"ORDER BY CASE WHEN {called} IS NULL THEN 0 ELSE 1 END, coalesce(r.legal_due, r.internal_due), coalesce(r.internal_due, r.legal_due), u.sort_key, r.id "
        f"LIMIT {int(size)} OFFSET {(max(int(number), 1) - 1) * int(size)}"
    )
    return await _finished(rows), int(count[0]["n"])


async def _late(day: dt.date) -> str:
    """SQL: of which requests the ladder came to its end. The days in it are our own, per kind."""
    kinds = await engine.raw("SELECT id, remind_after, phone_days FROM approval_kind")
    parts = []
    for kind in kinds:
        legal = day + dt.timedelta(days=kind["phone_days"])
        internal = day - dt.timedelta(days=kind["remind_after"])
        parts.append(
            f"(r.kind = {int(kind['id'])} AND (r.legal_due <= '{legal.isoformat()}' OR r.internal_due < '{internal.isoformat()}'))"
        )
    return " OR ".join(parts)


REACHED_BADLY = {
    "not_in": Say("nog niet binnen"),
    "blocked": Say("geblokkeerd"),
    "no_email": Say("zonder e-mailadres"),
}


async def _finished(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = ", ".join(str(int(row["last_call"])) for row in rows if row["last_call"])
    calls = await engine.raw(
        "SELECT p.id, p.called_on, p.note, coalesce(u.full_name, '') AS called_by FROM approval_call p LEFT JOIN users u ON u.id = p.made_by "
        f"WHERE p.id IN ({ids})"
    ) if ids else []  # fmt: skip
    last = {row["id"]: row for row in calls}
    found = []
    for row in rows:
        state, call = row["person_state"], last.get(row["last_call"])
        why = (
            "not_in"
            if state in ("prepared", "invited")
            else "blocked"
            if state == "blocked"
            else ""
            if row["email"]
            else "no_email"
        )
        found.append(
            row | {
                "period_name": period_words(row["book_year"], row["period"], year_end=row["year_end"]), "due": engine.as_day(row["due"]), "legal_due": engine.as_day(row["legal_due"]), "why": why,
                "called_on": engine.as_day(call["called_on"]) if call else None, "note": call["note"] if call else "", "called_by": call["called_by"] if call else "",
            }
        )  # fmt: skip
    return found


@operation(Permission.EDIT_APPROVALS, trail=False)
async def note_call(request: ApprovalRequest, person: int, note: str, on: dt.date | None = None, *, by: Viewer) -> None:
    """Somebody called this approver. Raises Refused where nothing is asked of him, or the day is still to come."""
    if request.state not in OPEN or not await engine.raw(
        "SELECT 1 AS one FROM approver WHERE request = $1 AND person = $2 AND state = 'asked'", request.id, person
    ):
        raise Refused("", Say("Van deze persoon wordt niets meer gevraagd."))
    note = note.replace("\x00", "").strip()
    if len(note) > 1000:
        raise Refused("note", Say("Dit is {n} tekens; er passen er {most}.", n=len(note), most=1000))
    on = on or this_day()
    if on > this_day():
        raise Refused("called_on", Say("Deze dag is nog niet geweest."))
    call = ApprovalCall(
        request=request.id,
        client=request.client,
        person=person,
        made_by=by.user.id,
        at=utcnow(),
        called_on=on.isoformat(),
        note=note,
    )
    await call.save()
    await by.note("ApprovalRequest.called", request, {"person": person, "on": on.isoformat()})
    await touch("approvals", f"approval-{request.id}")


async def calls_of(request: int) -> list[dict[str, Any]]:
    """Of a request that was found through the viewer, the last first: who, called_on, note, called_by."""
    rows = await engine.raw(
        "SELECT u.full_name AS who, p.called_on, p.note, coalesce(s.full_name, '') AS called_by FROM approval_call p JOIN users u ON u.id = p.person "
        "LEFT JOIN users s ON s.id = p.made_by WHERE p.request = $1 ORDER BY p.id DESC LIMIT 100",
        request,
    )
    return [row | {"called_on": engine.as_day(row["called_on"])} for row in rows]
