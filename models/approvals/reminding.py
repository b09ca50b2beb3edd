"""Reminding approvers: by the ladder of the kind before the internal deadline, in the daily mail; and by hand, of one or of many.

It stops by itself: who approved, or of whom nothing is asked any more, stands in no list here.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from models import engine, quiet
from models.accounts.blocking import listed
from models.approvals import news
from models.approvals.news import HEARER, TURNS
from models.approvals.records import ApprovalRequest
from models.clients import seen
from models.core import Refused, Say
from models.hearing import HOW_NOW, how_sql
from models.ladder import Ladder, ladder_of
from models.live import touch
from models.outbox import wake
from models.reminding import THROTTLE, Reminding, reminding_of
from models.settings import Firm, this_day, utcnow
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.viewer import Viewer

ZONE = ZoneInfo("Europe/Amsterdam")
MOST = 5_000  # requests of one act


class Due(NamedTuple):
    """Whom it is time to remind of which request."""

    person: int
    request: int
    client: int


async def ladders() -> dict[int, Ladder]:
    """By kind."""
    rows = await engine.raw("SELECT id, remind_before, remind_after, remind_every FROM approval_kind")
    return {row["id"]: ladder_of(row["remind_before"], row["remind_after"], row["remind_every"]) for row in rows}


async def due_on(firm: Firm, day: dt.date) -> list[Due]:
    """Whose ladder came to a step up to this day, and who was told nothing of it since. Nothing on a quiet Sunday."""
    if firm.quiet_sundays and day.weekday() == 6:
        return []
    steps = await ladders()
    rows = await engine.raw(
        f"SELECT w.person, r.id AS request, r.client, r.kind, coalesce(r.internal_due, r.legal_due) AS due, a.asked_at, "
        "(SELECT max(n.at) FROM approval_news n WHERE n.request = r.id AND n.person = w.person AND n.what IN ('offered', 'again', 'reminded')) AS told_at "
        f"FROM {TURNS.replace('$DAY', '$1')} w JOIN approver a ON a.id = w.id JOIN approval_request r ON r.id = a.request AND r.state IN ('offered', 'partly') "
        f"{HEARER.format(whom='u.id = w.person')} WHERE {how_sql(firm)} <> 'never' AND coalesce(r.internal_due, r.legal_due) IS NOT NULL "
        "AND coalesce(r.internal_due, r.legal_due) <= $2 ORDER BY r.id, w.person",
        day, day + dt.timedelta(days=91),
    )  # fmt: skip
    found: dict[Due, None] = {}
    for row in rows:
        step = steps[row["kind"]].step(engine.as_day(row["due"]), day)
        if step is None:
            continue
        at = dt.datetime.combine(step, dt.time(), ZONE).astimezone(dt.UTC)
        told = max(
            engine.as_moment(row["asked_at"]),
            engine.as_moment(row["told_at"]) if row["told_at"] else engine.as_moment(row["asked_at"]),
        )
        if told < at and (firm.heard_from is None or at > firm.heard_from):
            found[Due(row["person"], row["request"], row["client"])] = None
    return list(found)


async def remind(due: Sequence[Due], errands: dict[int, int], now: dt.datetime) -> None:
    """In the unit that asks for the mails of the day: a line for each."""
    rows = [
        (one.request, one.client, one.person, "reminded", now, errands[one.person], None, "")
        for one in due
        if one.person in errands
    ]
    if rows:
        await news.add(rows)


# by hand


async def of_requests(viewer: Viewer, ids: Sequence[int]) -> Reminding:
    """Who would be mailed of these requests, and why the others not; of the requests that exist for this viewer."""
    if not viewer.may(Permission.VIEW_REQUESTED) or not ids:
        return Reminding()
    firm = await Firm.load()
    rows = await engine.raw(
        "SELECT DISTINCT r.id AS request, NULL AS document, 1 AS version, r.client, u.id AS person, u.full_name AS who, u.state, u.email, "
        f"{how_sql(firm)} AS how, CASE WHEN EXISTS (SELECT 1 FROM approval_news n WHERE n.person = u.id AND n.request = r.id "
        "AND (n.what = 'reminded' OR n.batch <> '' OR n.named_at IS NOT NULL) AND n.what IN ('reminded', 'offered', 'again') AND n.at > $2) THEN 1 ELSE 0 END AS lately, "
        f"CASE WHEN {_MAY} THEN 0 ELSE 1 END AS unable "
        f"FROM {TURNS.replace('$DAY', '$3')} w JOIN approver a ON a.id = w.id JOIN approval_request r ON r.id = a.request AND r.state IN ('offered', 'partly') "
        "JOIN users u ON u.id = w.person AND u.kind = 'client' JOIN client c ON c.id = r.client AND c.state = 'active' "
        "LEFT JOIN hearing h ON h.person = u.id AND h.client = r.client "
        f"WHERE r.id IN {listed(1)} AND {seen(viewer, 'r.client')} ORDER BY r.id, u.id",
        json.dumps([int(id) for id in ids][:MOST]), utcnow() - THROTTLE, this_day(),
    )  # fmt: skip
    return reminding_of(rows)


_MAY = (
    f"EXISTS (SELECT 1 FROM access x WHERE x.person = u.id AND x.rights & {int(Right.APPROVE)} <> 0 "
    "AND (x.client = r.client OR (a.role = 'partner' AND x.client = c.partner)))"
)


async def send(found: Reminding, batch: str, *, by: Viewer) -> tuple[int, dt.datetime]:
    """One mail to each of them, to leave when it can no longer be undone and it is not quiet; how many, and when. Who had not heard yet
    that he is asked, hears that. Again with the same `batch` nobody is mailed twice."""
    by.require(Permission.EDIT_APPROVALS)
    if not batch or len(batch) > 36:
        raise Refused("", Say("Er is niets te versturen."))
    now, firm = utcnow(), await Firm.load()
    leaves = quiet.end_of_quiet(firm, now + dt.timedelta(seconds=firm.undo_seconds))
    done = await engine.raw("SELECT count(DISTINCT person) AS n FROM approval_news WHERE batch = $1", batch)
    if done[0]["n"]:
        return int(done[0]["n"]), leaves
    if not found.pairs:
        raise Refused("", Say("Er is niemand om te herinneren."))
    people = sorted({pair[0] for pair in found.pairs})
    before = (await engine.raw("SELECT coalesce(max(id), 0) AS id FROM errand"))[0]["id"]
    await engine.copy_rows(
        "errand",
        ("kind", "person", "detail", "run_after", "created_at"),
        [("reminder", person, "{}", leaves, now) for person in people],
    )
    rows = await engine.raw("SELECT id, person FROM errand WHERE kind = 'reminder' AND id > $1", before)
    errands = {row["person"]: row["id"] for row in rows}
    untold = await news.untold_asks(sorted({pair[2] or 0 for pair in found.pairs}))
    await news.add(
        [
            (pair[2] or 0, pair[1] or 0, pair[0], untold.get((pair[0], pair[2] or 0), "reminded"), now, errands[pair[0]], by.user.id, batch)
            for pair in found.pairs
        ]
    )  # fmt: skip
    await by.note("Firm.remind_approvers", firm, {"count": len(people), "things": found.things})
    await touch("approvals", "mail", *(f"approval-{pair[2]}" for pair in found.pairs[:200]))
    wake()
    return len(people), leaves


async def undo(batch: str, *, by: Viewer) -> int:
    """Take back what did not leave yet; how many mails."""
    by.require(Permission.EDIT_APPROVALS)
    rows = await engine.raw(
        "UPDATE errand SET state = 'cancelled', finished_at = $2 WHERE kind = 'reminder' AND state = 'waiting' AND attempts = 0 "
        "AND id IN (SELECT errand FROM approval_news WHERE batch = $1 AND batch <> '' AND made_by = $3) RETURNING id",
        batch, utcnow(), by.user.id,
    )  # fmt: skip
    if not rows:
        raise Refused("", Say("De herinneringen zijn al verstuurd."))
    await engine.raw(f"DELETE FROM approval_news WHERE errand IN {listed(1)}", json.dumps([row["id"] for row in rows]))
    await by.note("Firm.remind_undo", await Firm.load(), {"count": len(rows)})
    await touch("approvals", "mail")
    return len(rows)


def next_step(request: ApprovalRequest, row: dict[str, Any]) -> dt.date | None:
    """When the ladder reminds of it by itself the next time. `row`: what its kind says of that."""
    due = request.internal_due or request.legal_due
    if due is None or request.state not in ("offered", "partly"):
        return None
    return ladder_of(row["remind_before"], row["remind_after"], row["remind_every"]).next_step(due, this_day())


async def of_request(request: int, most: int = 100) -> list[dict[str, Any]]:
    """Who was mailed of a request that was found through the viewer, the last first: person, who, what, at, made_by ('' by itself), the
    state of the mail ('' while there is none yet), and how he hears of the client (daily, at_once, never)."""
    return await engine.raw(
        f"SELECT n.person, u.full_name AS who, n.what, n.at, coalesce(s.full_name, '') AS made_by, coalesce(e.state, '') AS state, e.run_after, {HOW_NOW} AS how "
        "FROM approval_news n JOIN users u ON u.id = n.person AND u.kind = 'client' LEFT JOIN hearing h ON h.person = u.id AND h.client = n.client LEFT JOIN users s ON s.id = n.made_by LEFT JOIN errand e ON e.id = n.errand "
        f"WHERE n.request = $1 ORDER BY n.at DESC, n.id DESC LIMIT {int(most)}",
        request,
    )  # fmt: skip


def waits_for_daily(mails: Sequence[dict[str, Any]], places: Sequence[dict[str, Any]]) -> list[str]:
    """Of `of_request` and the request's places: the names of those who are asked and hear of it only in their mail of the day."""
    asked = {one["person"] for one in places if one["state"] == "asked"}
    past = {who for one in places for who in (one["person"], one["decided_by"])} - asked
    last: dict[int, dict[str, Any]] = {}
    for one in mails:
        if asked and one["what"] in news.ASKS and one["person"] not in past:
            last.setdefault(one["person"], one)
    return sorted(one["who"] for one in last.values() if one["how"] == "daily" and not one["state"])
