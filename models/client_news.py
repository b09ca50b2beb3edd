"""What a client's people are mailed of: new documents, requests, reminders, answers; all in one mail, daily or at once, each once.

Planning is one statement over everybody; what a mail says is looked up when it is written, through the person's own eyes.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from typing import Any
from zoneinfo import ZoneInfo

from models import engine, quiet
from models.accounts.blocking import listed
from models.approvals import news, reminding
from models.client_news_told import approved_by
from models.dossiers.documents import shown_sql
from models.dossiers.seeing import GENERAL_FOR, HANDING, HANDS_IN, VIEWING, VIEWS, opened_sql
from models.hearing import HEARER, how_sql, told
from models.ladder import Ladder, ladder_of
from models.outbox import wake
from models.settings import Firm
from models.viewer import Right

ZONE = ZoneInfo("Europe/Amsterdam")
SETTLED = dt.timedelta(minutes=1)  # what happened lies before its commit: so much is left for the next mail
GATHER = dt.timedelta(minutes=10)  # between two mails at once to the same person
LOOK_BACK = dt.timedelta(days=7)  # of a first mail, or of one after the worker stood still
LOOK_BACK_AT_ONCE = dt.timedelta(days=1)  # what is older comes with the daily one

Pair = tuple[int, int, int]  # person, request, client


async def plan_daily(now: dt.datetime) -> int:
    """Ask for this day's mails when the office's hour has come: once, however many workers ask; how many.

    Who has something to hear is found while others write; that the day was not served yet, and since when each is told,
    counts in the unit that asks.
    """
    firm, local = await Firm.load(), now.astimezone(ZONE)
    if firm.heard_day >= _day(local) or local.hour < firm.digest_hour:
        return 0
    async with engine.reading():
        floor = _floor(firm, now - LOOK_BACK)
        people = await _people(firm, ("daily", "at_once"), floor, now - SETTLED)
        pairs = await _reminders_due(firm, local.date())
        due = await reminding.due_on(firm, local.date()) if firm.uses("approvals") else []
    return await engine.run_writing(lambda: _ask_daily(people, pairs, due, now))


async def plan_at_once(now: dt.datetime) -> int:
    """Ask for a mail for whoever wants to hear at once and was not mailed a moment ago; how many."""
    firm = await Firm.load()
    if firm.client_digest != "at_once" and not await engine.raw(_ANYBODY_AT_ONCE):
        return 0
    async with engine.reading():
        people = await _people(firm, ("at_once",), _floor(firm, now - LOOK_BACK_AT_ONCE), now - SETTLED)
        people |= set(await news.waiting(firm, ("at_once",)))
    return await engine.run_writing(lambda: _ask_at_once(people, now)) if people else 0


async def _people(firm: Firm, modes: tuple[str, ...], floor: dt.datetime, until: dt.datetime) -> set[int]:
    return {row["person"] for row in await engine.raw(_TOLD_OF.format(**_parts(firm, modes)), floor, until)}


def ladder(firm: Firm) -> Ladder:
    return ladder_of(firm.remind_before, firm.remind_after, firm.remind_every)


async def _ask_daily(people: set[int], pairs: list[Pair], due: list[reminding.Due], now: dt.datetime) -> int:
    firm, day = await Firm.load(), _day(now.astimezone(ZONE))
    if firm.heard_day >= day:
        return 0
    await engine.raw("UPDATE firm SET heard_day = $1", day)
    modes, floor = ("daily", "at_once"), _floor(firm, now - LOOK_BACK)
    lines, reminded = await news.waiting(firm, modes), {one.person for one in due}
    everybody = people | {person for person, _, _ in pairs} | set(lines) | reminded
    errands = await _ask(everybody, day, modes, floor, now - SETTLED, now, firm, reminded)
    await news.give(lines, errands)
    await reminding.remind(due, errands, now)
    await news.forget_rest()
    rows = [(person, client, request, now, errands[person]) for person, request, client in pairs if person in errands]
    await engine.copy_rows("reminder", ("person", "client", "request", "at", "errand"), rows)
    return len(errands)


async def _ask_at_once(people: set[int], now: dt.datetime) -> int:
    firm, floor = await Firm.load(), _floor(await Firm.load(), now - LOOK_BACK_AT_ONCE)
    lately = await engine.raw(
        f"SELECT DISTINCT person FROM errand WHERE kind = 'client_news' AND created_at > $2 AND person IN {listed(1)}",
        json.dumps(sorted(people)), now - GATHER,
    )  # fmt: skip
    fresh = people - {row["person"] for row in lately}
    errands = await _ask(fresh, 0, ("at_once",), floor, now - SETTLED, now, firm)
    await news.give(await news.waiting(firm, ("at_once",)), errands)
    return len(errands)


async def _ask(
    people: set[int],
    day: int,
    modes: tuple[str, ...],
    floor: dt.datetime,
    until: dt.datetime,
    now: dt.datetime,
    firm: Firm,
    reminded: Collection[int] = (),
) -> dict[int, int]:
    """person > the errand of his mail. In it stands from when until when it tells, for all his clients and for one by one. That of
    who is `reminded` of an approval waits until it is not quiet."""
    if not people:
        return {}
    windows = await _windows(people, modes, floor, firm)
    rows = []
    for person, (since, own) in windows.items():
        detail = {"until": until, "since": since, "own": own}
        leaves = quiet.end_of_quiet(firm, now) if person in reminded else now
        rows.append(("client_news", day or None, person, json.dumps(detail, default=_iso), leaves, now))
    before = await engine.raw("SELECT coalesce(max(id), 0) AS id FROM errand")
    await engine.copy_rows("errand", ("kind", "subject_id", "person", "detail", "run_after", "created_at"), rows)
    await told(
        [person for person, (since, _) in windows.items() if since],
        [(person, client) for person, (_, own) in windows.items() for client, at in own.items() if at],
        until,
    )
    wake()
    found = await engine.raw("SELECT id, person FROM errand WHERE kind = 'client_news' AND id > $1", before[0]["id"])
    return {row["person"]: row["id"] for row in found}


Window = tuple[dt.datetime | None, dict[int, dt.datetime | None]]


async def _windows(people: set[int], modes: tuple[str, ...], floor: dt.datetime, firm: Firm) -> dict[int, Window]:
    """person > since when for all his clients (None: he hears of those in another way), and for each of which he chose
    otherwise."""
    ids = json.dumps(sorted(people))
    users = await engine.raw(f"SELECT id, digest, activated_at, created_at FROM users WHERE id IN {listed(1)}", ids)
    held = await engine.raw(f"SELECT person, client, how, told_until FROM hearing WHERE person IN {listed(1)}", ids)
    of_all = {row["person"]: row["told_until"] for row in held if row["client"] is None}
    chosen: dict[int, list[dict[str, Any]]] = {}
    for row in held:
        if row["client"] is not None:
            chosen.setdefault(row["person"], []).append(row)
    found: dict[int, Window] = {}
    for user in users:
        least = max(user["activated_at"] or user["created_at"], floor)
        since = max(of_all.get(user["id"]) or least, least)
        found[user["id"]] = (since if (user["digest"] or firm.client_digest) in modes else None, {})
        for row in chosen.get(user["id"], ()):
            how = row["how"] or user["digest"] or firm.client_digest
            found[user["id"]][1][row["client"]] = max(row["told_until"] or since, least) if how in modes else None
    return found


async def _reminders_due(firm: Firm, today: dt.date) -> list[Pair]:
    """Whom it is time to remind of which request, and who was not since that time came."""
    rows = await engine.raw(
        "SELECT DISTINCT coalesce(i.due_on, r.due_on) AS due FROM request_item i JOIN document_request r ON r.id = i.request "
        "WHERE r.state = 'open' AND i.state IN ('open', 'sent_back') AND coalesce(i.due_on, r.due_on) IS NOT NULL"
    )
    steps = []
    for row in rows:
        due = engine.as_day(row["due"])
        if step := ladder(firm).step(due, today):
            at = dt.datetime.combine(step, dt.time(), ZONE).astimezone(dt.UTC)
            if firm.heard_from is None or at > firm.heard_from:
                steps.append((due, at))
    found: set[Pair] = set()
    for due, at in steps:
        pairs = await engine.raw(_REMINDED_SQL.format(**_parts(firm, ("daily", "at_once"))), due, at)
        found |= {(row["person"], row["request"], row["client"]) for row in pairs}
    return sorted(found)


def _floor(firm: Firm, at: dt.datetime) -> dt.datetime:
    return max(at, firm.heard_from or at)


def _day(local: dt.datetime) -> int:
    return int(local.strftime("%Y%m%d"))


def _iso(value: Any) -> str:
    return str(value.isoformat())


def _parts(firm: Firm, modes: tuple[str, ...]) -> dict[str, str]:
    """What the statements below are filled with. `$1` is the floor, `$2` until when."""
    how, named = how_sql(firm), ", ".join(f"'{mode}'" for mode in modes)
    greatest = "max" if engine.is_sqlite() else "greatest"
    of_all = f"(CASE WHEN u.digest <> '' THEN u.digest ELSE '{firm.client_digest}' END)"
    came = "coalesce(u.activated_at, u.created_at)"
    return {
        "opened": f"{opened_sql('viewing', Right.VIEW_DOSSIER)}, {opened_sql('handing', Right.UPLOAD_DOCUMENTS)}",
        "hearer": HEARER,
        "wants": f"{how} IN ({named})",
        "not_never": f"{how} <> 'never'",
        "wants_all": f"{of_all} IN ({named})",
        "since": f"{greatest}(coalesce(h.told_until, p.told_until, $1), {came}, a.created_at, $1)",
        "since_all": f"{greatest}(coalesce(p.told_until, $1), {came}, $1)",
        "shown": shown_sql("u.id"),
        "uses_approvals": "1 = 1" if firm.uses("approvals") else "1 = 0",
    }


_ANYBODY_AT_ONCE = """SELECT 1 AS one WHERE EXISTS (SELECT 1 FROM users WHERE kind = 'client' AND digest = 'at_once')
 OR EXISTS (SELECT 1 FROM hearing WHERE how = 'at_once')"""

_UNREAD = "NOT EXISTS (SELECT 1 FROM reading q WHERE q.document = d.id AND q.version = d.version AND q.person = u.id)"

# Whoever has something to hear of: a document, an item that is asked or came back, a request that is done, an answer, that he stands in.
_TOLD_OF = f"""WITH RECURSIVE {{opened}}
SELECT DISTINCT person FROM (
SELECT u.id AS person FROM document d JOIN folder f ON f.id = d.folder JOIN access a ON a.client = d.client {{hearer}} {VIEWING}
WHERE d.published_at > $1 AND d.published_at <= $2 AND d.published_at > {{since}} AND d.source = 'office' AND {{shown}} AND {VIEWS} AND {{wants}} AND {_UNREAD}
 AND NOT {approved_by("u.id")}
UNION ALL
SELECT u.id FROM document d JOIN folder f ON f.id = d.folder JOIN dossier g ON g.id = f.dossier AND g.kind = 'general' JOIN access a ON a.rights <> 0 {{hearer}}
WHERE d.published_at > $1 AND d.published_at <= $2 AND d.published_at > {{since_all}} AND d.client IS NULL AND {{shown}} AND {GENERAL_FOR} AND {{wants_all}} AND {_UNREAD}
UNION ALL
SELECT u.id FROM request_item i JOIN document_request r ON r.id = i.request AND r.state = 'open' JOIN access a ON a.client = r.client {{hearer}} {HANDING}
WHERE i.state IN ('open', 'sent_back') AND i.asked_at > $1 AND i.asked_at <= $2 AND i.asked_at > {{since}} AND {HANDS_IN} AND {{wants}}
 AND NOT EXISTS (SELECT 1 FROM reminder m LEFT JOIN errand e ON e.id = m.errand WHERE m.person = u.id AND m.request = r.id AND m.at >= i.asked_at
 AND m.made_by IS NOT NULL AND coalesce(e.state, '') NOT IN ('refused', 'failed', 'cancelled'))
UNION ALL
SELECT u.id FROM request_item i JOIN document_request r ON r.id = i.request AND r.state = 'open' JOIN access a ON a.client = r.client {{hearer}} {HANDING}
WHERE i.state = 'sent_back' AND i.judged_at > $1 AND i.judged_at <= $2 AND i.judged_at > {{since}} AND {HANDS_IN} AND {{wants}}
UNION ALL
SELECT u.id FROM document_request r JOIN access a ON a.client = r.client {{hearer}} {HANDING}
WHERE r.state = 'done' AND r.closed_at > $1 AND r.closed_at <= $2 AND r.closed_at > {{since}} AND {HANDS_IN} AND {{wants}}
UNION ALL
SELECT u.id FROM remark k JOIN document d ON d.id = k.document JOIN folder f ON f.id = d.folder JOIN access a ON a.client = d.client {{hearer}} {VIEWING}
WHERE k.side = 'office' AND k.at > $1 AND k.at <= $2 AND k.at > {{since}} AND {{shown}} AND {VIEWS} AND {{wants}}
 AND NOT EXISTS (SELECT 1 FROM remark o WHERE o.document = k.document AND o.person = u.id AND o.id > k.id)
UNION ALL
SELECT u.id FROM mandate m JOIN access a ON a.client = m.client AND a.person = m.taker AND a.rights & {int(Right.APPROVE)} <> 0 {{hearer}}
WHERE m.made_at > $1 AND m.made_at <= $2 AND m.made_at > {{since}} AND m.ended_at IS NULL AND {{uses_approvals}} AND {{wants}}
) x"""

# `$1` the last day, `$2` since when it is time.
_REMINDED_SQL = f"""WITH RECURSIVE {{opened}}
SELECT DISTINCT u.id AS person, r.id AS request, r.client
FROM document_request r JOIN request_item i ON i.request = r.id AND i.state IN ('open', 'sent_back')
JOIN access a ON a.client = r.client {{hearer}} {HANDING}
WHERE r.state = 'open' AND coalesce(i.due_on, r.due_on) = $1 AND coalesce(i.asked_at, r.made_at) < $2
 AND (i.state <> 'sent_back' OR coalesce(i.judged_at, r.made_at) < $2) AND {HANDS_IN} AND {{not_never}}
 AND coalesce(u.activated_at, u.created_at) < $2 AND a.created_at < $2
 AND NOT EXISTS (SELECT 1 FROM reminder m WHERE m.person = u.id AND m.request = r.id AND m.at >= $2)"""
