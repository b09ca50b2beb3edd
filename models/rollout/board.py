"""The board of invitations: every client user with access to an active client, in exactly one state, counted and listed.

What is known of mail that comes back later is what somebody marks by hand (`mark_bounced`); what the mail server refused
at once is known by itself.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any

from piccolo.columns.combination import WhereRaw

from models import engine
from models.accounts import User
from models.clients import seen
from models.clients.reached import NOTHING, reached_by
from models.core import Refused, Say, Scope, operation
from models.live import touch
from models.people import search_words
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

# in the order in which an invitation lives; blocked stands apart, and with it they add up to everybody
BOARD = ("prepared", "queued", "handed", "bounced", "opened", "expired", "active", "blocked")

# {now} is the present moment. What opened or is on its way lives; a mail that did not arrive is trouble also after its time.
_STATE = """CASE WHEN u.state IN ('blocked', 'active', 'prepared') THEN u.state
 WHEN k.opened_at IS NOT NULL AND k.expires_at > {now} OR l.opened_at IS NOT NULL AND l.ended_at IS NULL AND l.expires_at > {now} THEN 'opened'
 WHEN l.ended_at IS NULL AND l.expires_at > {now} AND e.state IN ('waiting', 'claimed', 'sending') THEN 'queued'
 WHEN l.ended_at IS NULL AND l.expires_at > {now} AND e.state = 'done' AND l.bounced_at IS NULL THEN 'handed'
 WHEN k.expires_at > {now} THEN 'handed'
 WHEN l.ended_at IS NULL AND (l.bounced_at IS NOT NULL OR e.state IN ('refused', 'failed', 'unknown', 'cancelled')) THEN 'bounced'
 ELSE 'expired' END"""

# Of each person his last invitation that was not replaced (or else the last), and his code on paper.
_MAIL = """LEFT JOIN errand e ON e.kind = 'invitation' AND e.subject_id = l.id
LEFT JOIN activation_code k ON k.person = u.id AND k.ended_at IS NULL AND k.used_at IS NULL"""
_FROM = f"""FROM users u
LEFT JOIN (SELECT person, coalesce(max(CASE WHEN ended_at IS NULL THEN id END), max(id)) AS link FROM link WHERE kind = 'invitation' GROUP BY person) last
 ON last.person = u.id
LEFT JOIN link l ON l.id = last.link {_MAIL}"""
# The same of few people: each looked up by himself.
_FROM_FEW = f"""FROM users u LEFT JOIN link l ON l.id =
(SELECT coalesce(max(CASE WHEN y.ended_at IS NULL THEN y.id END), max(y.id)) FROM link y WHERE y.person = u.id AND y.kind = 'invitation') {_MAIL}"""

# What deserves a look beside the states that say it themselves (bounced and expired); of a row with state, sent_at and until.
SILENT_AFTER = dt.timedelta(days=7)
EXPIRES_WITHIN = dt.timedelta(days=3)
TROUBLE = {
    "unopened": "(x.state = 'handed' AND x.sent_at < {week})",
    "expiring": "(x.state IN ('queued', 'handed', 'opened') AND x.until <= {soon})",
}
_SENT_AT = "coalesce(k.printed_at, l.created_at)"
_UNTIL = "CASE WHEN l.id IS NULL OR l.ended_at IS NOT NULL OR k.expires_at > l.expires_at THEN k.expires_at ELSE l.expires_at END"


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is asked of the board; unknown values narrow nothing. `state` is left out where the states are counted.

    `trouble` is one of TROUBLE; `responsible` a colleague whose clients they must reach.
    """

    q: str = ""
    state: str = ""
    group: int | None = None
    client: int | None = None
    opening: int | None = None
    trouble: str = ""
    responsible: int | None = None

    def query(self) -> dict[str, Any]:
        """The parameters of an address that asks this."""
        return {name: value or None for name, value in dataclasses.asdict(self).items()}


class _Arguments:
    """The values of a statement, each at the place that its text names."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def __call__(self, value: Any) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


def invited_to(clients: str) -> str:
    """Who has access to an active client of which this holds of `a.client`: everybody on the board."""
    return f"u.id IN (SELECT a.person FROM access a JOIN client c ON c.id = a.client WHERE c.state = 'active' AND {clients})"


def _narrowed(asked: Asked, put: _Arguments) -> str:
    """What is asked of the state that was computed, over the rows `x`."""
    parts = [f"x.state = {put(asked.state)}"] if asked.state in BOARD else []
    if asked.trouble in TROUBLE:
        now = utcnow()
        parts.append(
            TROUBLE[asked.trouble].format(
                week=put(now - SILENT_AFTER) if asked.trouble == "unopened" else "",
                soon=put(now + EXPIRES_WITHIN) if asked.trouble == "expiring" else "",
            )
        )
    return f"WHERE {' AND '.join(parts)}" if parts else ""


def _where(viewer: Viewer, asked: Asked, put: _Arguments) -> str:
    parts = ["u.kind = 'client'", invited_to(seen(viewer, "a.client"))]
    if asked.responsible is not None:
        mine = f"a.client IN (SELECT v.client FROM responsible v WHERE v.person = {put(asked.responsible)})"
        parts.append(invited_to(f"{seen(viewer, 'a.client')} AND {mine}"))
    for word in search_words(asked.q):
        sought = word.replace("!", "!!").replace("%", "!%").replace("_", "!_")
        parts.append(f"u.search_key LIKE {put(f'%{sought}%')} ESCAPE '!'")
    if asked.group is not None:
        parts.append(
            "u.id IN (SELECT a.person FROM access a JOIN membership m ON m.client = a.client "
            f"WHERE m.client_group = {put(asked.group)})"
        )
    if asked.client is not None:
        parts.append(f"u.id IN (SELECT a.person FROM access a WHERE a.client = {put(asked.client)})")
    if asked.opening is not None:
        parts.append(
            f"u.id IN (SELECT p.person FROM opening_person p WHERE p.because = '' AND p.opening = {put(asked.opening)})"
        )
    return " AND ".join(parts)


async def counts(viewer: Viewer, asked: Asked) -> dict[str, int]:
    """state > how many of those who match but for the state: every state is named, and together they are everybody."""
    put = _Arguments()
    state = _STATE.format(now=put(utcnow()))
    where = _where(viewer, asked, put)
    narrowed = _narrowed(dataclasses.replace(asked, state=""), put)
    rows = await engine.raw(
        f"SELECT state, count(*) AS n FROM (SELECT {state} AS state, {_SENT_AT} AS sent_at, {_UNTIL} AS until {_FROM} WHERE {where}) x "
        f"{narrowed} GROUP BY state",
        *put.values,
    )
    return dict.fromkeys(BOARD, 0) | {row["state"]: row["n"] for row in rows}


async def in_trouble(mine: str) -> dict[str, int]:
    """trouble > how many, of those who reach clients of which `mine` holds (of `a.client`): bounced, unopened, expiring and
    expired, as the board counts them. Only who was invited and is not in is looked at."""
    now = utcnow()
    kinds = {"bounced": "x.state = 'bounced'", "expired": "x.state = 'expired'"} | {
        name: sql.format(week="$2", soon="$3") for name, sql in TROUBLE.items()
    }
    sums = ", ".join(f"coalesce(sum(CASE WHEN {sql} THEN 1 ELSE 0 END), 0) AS {name}" for name, sql in kinds.items())
    rows = await engine.raw(
        f"SELECT {sums} FROM (SELECT {_STATE.format(now='$1')} AS state, {_SENT_AT} AS sent_at, {_UNTIL} AS until {_FROM_FEW} "
        f"WHERE u.kind = 'client' AND u.state = 'invited' AND {invited_to(mine)}) x",
        now, now - SILENT_AFTER, now + EXPIRES_WITHIN,
    )  # fmt: skip
    return {name: int(rows[0][name]) for name in ("bounced", "unopened", "expiring", "expired")}


def bounced_sql(mine: str, now: str) -> str:
    """From and where of who got no mail, `u`: found by the few messages that did not arrive."""
    few = (
        "u.id IN (SELECT y.person FROM errand z JOIN link y ON y.id = z.subject_id WHERE z.kind = 'invitation' "
        "AND z.state IN ('refused', 'failed', 'unknown', 'cancelled') AND y.kind = 'invitation' AND y.ended_at IS NULL "
        "UNION SELECT w.person FROM link w WHERE w.bounced_at IS NOT NULL AND w.ended_at IS NULL)"
    )
    return f"{_FROM_FEW} WHERE u.kind = 'client' AND u.state = 'invited' AND {few} AND {invited_to(mine)} AND {_STATE.format(now=now)} = 'bounced'"


async def page(viewer: Viewer, asked: Asked, number: int, size: int) -> list[dict[str, Any]]:
    """One page, counted from 1, by name: id, full_name, email, state (of the board), on_paper, link and errand with their
    moments, said (the server's words), and the clients he reaches (`reached`)."""
    put = _Arguments()
    state = _STATE.format(now=put(utcnow()))
    where = _where(viewer, asked, put)
    narrowed = _narrowed(asked, put)
    rows = await engine.raw(
        f"SELECT * FROM (SELECT u.id, u.full_name, u.sort_key, u.email, u.invited_at, u.activated_at, u.blocked_at, {state} AS state, "
        f"{_SENT_AT} AS sent_at, {_UNTIL} AS until, "
        "k.id AS code, k.expires_at AS code_until, k.printed_at, l.opened_at, k.opened_at AS code_opened_at, "
        "l.bounced_at, l.expires_at AS link_until, e.id AS errand, e.state AS errand_state, e.said, e.address, "
        f"e.run_after, e.finished_at {_FROM} WHERE {where}) x {narrowed} ORDER BY sort_key, id LIMIT {int(size)} OFFSET {(int(number) - 1) * int(size)}",
        *put.values,
    )
    reached = await reached_by([row["id"] for row in rows], seen_by=viewer, most=3)
    return [{**row, "reached": reached.get(row["id"], NOTHING)} for row in rows]


async def state_of(person: int) -> str:
    """Where one person stands on the board, whoever looks."""
    put = _Arguments()
    state = _STATE.format(now=put(utcnow()))
    rows = await engine.raw(f"SELECT {state} AS state {_FROM} WHERE u.id = {put(person)}", *put.values)
    return str(rows[0]["state"])


async def openings(viewer: Viewer) -> list[tuple[int, Any]]:
    """(id, when) of the last openings, to choose from."""
    from models.rollout.records import Opening

    found = viewer.openings.where(Opening.started_at.is_not_null())
    rows = (
        await Opening.select(Opening.id, Opening.started_at)
        .where(found.condition)
        .order_by(Opening.id, ascending=False)
        .limit(100)
    )
    return [(row["id"], row["started_at"]) for row in rows]


async def picked(viewer: Viewer, ids: list[int], asked: Asked | None) -> Scope[User]:
    """Who was ticked: these people, or (with what was asked) all that match it."""
    if asked is None:
        if not ids:
            raise Refused("", Say("Kies eerst een of meer mensen."))
        return viewer.users.where(User.kind == "client", User.id.is_in(ids[:5000]))
    put = _Arguments()
    state = _STATE.format(now=put(utcnow()))
    where = _where(viewer, asked, put)
    narrowed = _narrowed(asked, put)
    rows = await engine.raw(
        f"SELECT id FROM (SELECT u.id, {state} AS state, {_SENT_AT} AS sent_at, {_UNTIL} AS until {_FROM} WHERE {where}) x {narrowed}",
        *put.values,
    )
    # as numbers in the statement: there may be more of them than a statement has places for
    listed = ", ".join(str(row["id"]) for row in rows) or "NULL"
    return viewer.users.where(User.kind == "client", WhereRaw(f"users.id IN ({listed})"))


# mail that came back later, marked by hand


@operation(Permission.OPEN_GATES, trail=False)
async def mark_bounced(person: User, *, by: Viewer) -> None:
    """The mail was handed over and came back to the office: he did not get it."""
    await _mark(person, "bounced_at IS NULL", utcnow(), by, "User.mark_bounced")


@operation(Permission.OPEN_GATES, trail=False)
async def mark_arrived(person: User, *, by: Viewer) -> None:
    """It did not come back after all."""
    await _mark(person, "bounced_at IS NOT NULL", None, by, "User.mark_arrived")


async def _mark(person: User, now_is: str, then: Any, by: Viewer, operation: str) -> None:
    await person.may_be_managed(by)
    moment = "TEXT" if engine.is_sqlite() else "TIMESTAMPTZ"
    rows = await engine.raw(
        f"UPDATE link SET bounced_at = CAST($2 AS {moment}) WHERE id IN (SELECT l.id FROM link l JOIN errand e ON e.kind = 'invitation' AND e.subject_id = l.id "
        "WHERE l.person = $1 AND l.kind = 'invitation' AND l.ended_at IS NULL AND l.used_at IS NULL AND l.opened_at IS NULL "
        f"AND e.state = 'done' ORDER BY l.id DESC LIMIT 1) AND {now_is} RETURNING email",
        person.id, then,
    )  # fmt: skip
    if not rows:
        raise Refused("", Say("Er is geen uitnodiging die is afgegeven en nog niet is geopend."))
    await by.note(operation, person, {"name": person.display_name, "address": rows[0]["email"]})
    await touch("users", "rollout", f"user-{person.id}")
