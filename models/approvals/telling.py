"""Who hears of what happens to a request, asked for in the unit in which it happens: its approvers, and who at the office looks after it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from models import engine
from models.approvals import news
from models.approvals.events import subscribe, subscribe_to_remarks
from models.approvals.news import HEARER, TURNS
from models.approvals.standing import newly_stuck
from models.hearing import how_sql
from models.settings import Firm, this_day, utcnow

if TYPE_CHECKING:
    from models.approvals.records import ApprovalRequest

STUCK_AT_ONCE = 200
LATE_AT_ONCE = 1_000
LATE_DAYS = 7  # after its internal deadline: what passed longer ago when this began is on the board
_MINE = TURNS.replace("$DAY", "$2").replace(
    "b.state = 'asked'", "b.state = 'asked' AND b.request = $1"
)  # of this request alone
# Asked now, and not told since it became his turn; `$2` the day. Who approved before hears that he is asked anew.
_ASKED = f"""SELECT w.person FROM {_MINE} w JOIN approver a ON a.id = w.id WHERE a.request = $1
 AND NOT EXISTS (SELECT 1 FROM approval_news n WHERE n.request = $1 AND n.person = w.person AND n.what IN ('offered', 'again') AND n.at >= a.asked_at)
 AND {{again}} (SELECT 1 FROM approval_record o WHERE o.request = $1 AND o.act = 'voided' AND o.person = w.person)"""
# Approved before a part was replaced, himself or for whose turn it was, and it is not that turn yet.
_VOIDED = """SELECT v.person FROM (SELECT a.person, o.at FROM approver a JOIN approval_record o ON o.request = a.request AND o.person = a.person
  AND o.act = 'voided' WHERE a.request = $1 AND a.state = 'waiting' UNION SELECT g.person, o.at FROM approver a JOIN approval_record o
  ON o.request = a.request AND o.person = a.person AND o.act = 'voided' JOIN approval_record g ON g.request = a.request AND g.act = 'approved'
  AND g.on_behalf_of = a.person AND g.number < o.number WHERE a.request = $1 AND a.state = 'waiting') v
 WHERE NOT EXISTS (SELECT 1 FROM approval_news n WHERE n.request = $1 AND n.person = v.person AND n.what = 'voided' AND n.at >= v.at)"""
_WERE_ASKED = "SELECT a.person FROM approver a WHERE a.request = $1 AND a.step > 0 AND a.asked_at IS NOT NULL"


def _stood_in(more: str = "") -> str:
    """Who was told that he could do it for one of those who were asked (`a`), and did not; he stands in no place himself."""
    return (
        "SELECT n.person FROM approval_news n WHERE n.request = $1 AND n.what IN ('offered', 'again', 'reminded') AND EXISTS (SELECT 1 FROM mandate m "
        f"JOIN approver a ON a.person = m.giver AND a.client = m.client WHERE m.taker = n.person AND a.request = $1 AND a.asked_at IS NOT NULL {more}) "
        "AND n.person NOT IN (SELECT o.person FROM approver o WHERE o.request = $1)"
    )


def _gave(state: str) -> str:
    """Who gave an approval that is in this state now, and for whom it was done."""
    given = f"FROM approver a WHERE a.request = $1 AND a.step > 0 AND a.decided_at IS NOT NULL AND a.reason = '' AND a.state = '{state}'"
    return f"SELECT a.person {given} UNION SELECT a.decided_by AS person {given} AND a.decided_by IS NOT NULL"


_ASKED_A_QUESTION = (
    "SELECT m.person FROM approval_remark m WHERE m.request = $1 AND m.side = 'client' AND m.person IS NOT NULL"
)


@subscribe
async def hear(request: ApprovalRequest, event: str) -> None:
    match event:
        case "offered" | "partly_approved":
            await news.tell(request, "offered", _ASKED.format(again="NOT EXISTS"), this_day())
            await news.tell(request, "again", _ASKED.format(again="EXISTS"), this_day())
            if event == "offered":
                await news.tell(request, "voided", _VOIDED)
        case "rejected":
            await news.tell(request, "refused", _gave("approved"))
            await tell_office(request, "rejected")
        case "approved":
            await tell_office(request, "completed")
        case "expired":
            await tell_office(request, "expired")
        case "withdrawn" | "replaced":
            await _end(request, event)


async def _end(request: ApprovalRequest, event: str) -> None:
    """Who never heard that he was asked does not hear that he no longer is. Whose approval is void hears that."""
    gone = await news.untold(request.id, "offered", "again", "reminded")
    skip = (
        f" AND (a.opened_at IS NOT NULL OR a.decided_at IS NOT NULL OR a.person NOT IN ({', '.join(map(str, sorted(gone)))}))"
        if gone
        else ""
    )
    if event == "replaced":
        await news.tell(request, "voided", _gave("void"))
        open_still = "AND a.decided_at IS NULL AND a.state = 'void'"
        await news.tell(request, "replaced", f"{_WERE_ASKED} {open_still}{skip} UNION {_stood_in(open_still)}")
    else:
        await news.tell(request, "withdrawn", f"{_WERE_ASKED}{skip} UNION {_stood_in()} UNION {_gave('approved')}")


@subscribe_to_remarks
async def hear_remark(request: ApprovalRequest, remark: int, side: str) -> None:
    """A question goes to the office; what the office writes to who asked, or else to whose turn it is."""
    if side == "client":
        await tell_office(request, "question")
        return
    await news.untold(request.id, "answered")
    asked = await engine.raw(f"{_ASKED_A_QUESTION} LIMIT 1", request.id)
    await news.tell(request, "answered", _ASKED_A_QUESTION if asked else f"{_WERE_ASKED} AND a.state = 'asked'")


async def tell_office(request: ApprovalRequest, what: str, batch: str = "") -> None:
    """Who is responsible for the request, or else for the client: at once or in his digest, as he chose."""
    from models.notices import recipients_of, tell_at_once

    people = [request.responsible] if request.responsible else []
    if people and not await engine.raw(f"{_STAFF} WHERE id = $1 AND {_HEARS}", people[0]):
        people = []
    for person in people or await recipients_of(request.client):
        rows = await engine.raw(f"{_STAFF} WHERE id = $1 AND {_HEARS} AND digest <> 'never'", person)
        if not rows:
            continue
        errand = await tell_at_once(person, "approvals", [request.id]) if rows[0]["digest"] == "at_once" else None
        await news.add([(request.id, request.client, person, what, utcnow(), errand, None, batch)])


_STAFF = "SELECT id, digest FROM users"
_HEARS = "kind = 'staff' AND state = 'active' AND email <> ''"


async def approver_blocked(person: int) -> None:
    """In the unit that blocks his PIN: the office hears of it with each request that waits for him, in a batch that names him."""
    from models.approvals.records import ApprovalRequest

    rows = await engine.raw("SELECT DISTINCT request FROM approver WHERE person = $1 AND state = 'asked' ORDER BY request LIMIT 50", person)  # fmt: skip
    ids = [row["request"] for row in rows]
    for request in await ApprovalRequest.objects().where(
        ApprovalRequest.id.is_in(ids or [-1]) & ApprovalRequest.state.is_in(["offered", "partly"])
    ):
        await tell_office(request, "blocked", f"who-{person}")


async def tell_stuck() -> int:
    """A chore: of each request that cannot be completed any more the office hears once; how many. It is news of who is blocked, under
    a batch of its own."""
    from models.approvals.records import ApprovalRequest

    async def tell(id: int) -> None:
        request = await ApprovalRequest.objects().where(ApprovalRequest.id == id).first()
        if request is not None:
            await tell_office(request, "blocked", "stuck")

    found = (await newly_stuck())[:STUCK_AT_ONCE]
    for id in found:
        await engine.run_writing(lambda id=id: tell(id))  # type: ignore[misc]
    return len(found)


async def tell_substitutes() -> int:
    """A chore: who stands in for somebody today hears of what waits already, as who is asked when it is offered; how many lines. A
    mandate for a holiday is given before it begins, and what was asked before that had been told to the other alone."""
    firm, day = await Firm.load(), this_day()
    rows = await engine.run_writing(
        lambda: engine.raw(
            "INSERT INTO approval_news (request, client, person, what, batch, at) SELECT r.id, r.client, u.id, 'offered', '', $2 "
            f"FROM (SELECT DISTINCT w.person, a.request, a.asked_at FROM {TURNS.replace('$DAY', '$1')} w JOIN approver a ON a.id = w.id "
            "WHERE w.person <> a.person) s JOIN approval_request r ON r.id = s.request AND r.state IN ('offered', 'partly') "
            f"{HEARER.format(whom='u.id = s.person')} WHERE {how_sql(firm)} <> 'never' AND NOT EXISTS (SELECT 1 FROM approval_news n "
            "WHERE n.request = r.id AND n.person = u.id AND n.what IN ('offered', 'again', 'reminded') AND n.at >= s.asked_at) "
            "AND NOT EXISTS (SELECT 1 FROM approver p WHERE p.request = r.id AND p.person = u.id AND p.state = 'asked') RETURNING id",
            day, utcnow(),
        )
    )  # fmt: skip
    return len(rows)


async def tell_late() -> int:
    """A chore: of each request whose internal deadline has just passed while it waits for the client, the office hears once a deadline;
    how many. It is news of what expires, under a batch of its own."""
    from models.approvals.records import ApprovalRequest

    async def tell(id: int) -> None:
        request = await ApprovalRequest.objects().where(ApprovalRequest.id == id).first()
        if request is not None:
            await tell_office(request, "expired", f"late-{request.internal_due}")

    day = this_day()
    rows = await engine.raw(
        "SELECT r.id FROM approval_request r WHERE r.state IN ('offered', 'partly') AND r.internal_due < $1 AND r.internal_due >= $2 "
        "AND NOT EXISTS (SELECT 1 FROM approval_news n WHERE n.request = r.id AND n.what = 'expired' AND n.batch = 'late-' || CAST(r.internal_due AS VARCHAR)) "
        f"ORDER BY r.id LIMIT {LATE_AT_ONCE}",
        day, day - dt.timedelta(days=LATE_DAYS),
    )  # fmt: skip
    for row in rows:
        await engine.run_writing(lambda id=row["id"]: tell(id))  # type: ignore[misc]
    return len(rows)
