"""Whether somebody may approve as he stands in a plan, at this moment: his role still lasts, he is not blocked, he has the right. And
which roles he has at a client, for the proof."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from typing import Any

from models import engine
from models.accounts.blocking import listed
from models.approvals.records import ROLES
from models.core import Say
from models.settings import this_day
from models.viewer import Right

_APPROVE = int(Right.APPROVE)
APPROVER = "Accordeur"  # on the record, which is Dutch: who is asked without being anything else there


def in_role(a: str, day: str) -> str:
    """SQL: whether the approver's row `a` stands there by a role that its person has on the day that is parameter `day`, or by none."""
    return (
        f"({a}.role = '' OR EXISTS (SELECT 1 FROM approver_role o WHERE o.client = {a}.client AND o.person = {a}.person AND o.role = {a}.role "
        f"AND (o.since IS NULL OR o.since <= {day}) AND (o.until IS NULL OR o.until >= {day})) OR ({a}.role = 'partner' AND EXISTS "
        f"(SELECT 1 FROM access y JOIN client v ON v.partner = y.client WHERE v.id = {a}.client AND y.person = {a}.person AND y.rights & {_APPROVE} <> 0)))"
    )


def is_able(a: str, day: str) -> str:
    """SQL: whether the person of the approver's row `a` may approve, as `deciding` asks it."""
    return (
        f"({in_role(a, day)} AND EXISTS (SELECT 1 FROM client z WHERE z.id = {a}.client AND z.state = 'active') "
        f"AND EXISTS (SELECT 1 FROM users s WHERE s.id = {a}.person AND s.state <> 'blocked') AND EXISTS "
        f"(SELECT 1 FROM access q WHERE q.person = {a}.person AND q.rights & {_APPROVE} <> 0 AND (q.client = {a}.client OR ({a}.role = 'partner' "
        f"AND q.client = (SELECT n.partner FROM client n WHERE n.id = {a}.client)))))"
    )


async def roles_held(client: int, people: Iterable[int], day: dt.date | None = None) -> dict[int, tuple[str, ...]]:
    """Which of ROLES each of these has at this client on that day; also () for who has none."""
    these = sorted(set(people))
    rows = await engine.raw(
        f"SELECT o.person, o.role FROM approver_role o WHERE o.client = $1 AND o.person IN {listed(2)} AND (o.since IS NULL OR o.since <= $3) "
        "AND (o.until IS NULL OR o.until >= $3) UNION SELECT y.person, 'partner' AS role FROM access y JOIN client v ON v.partner = y.client "
        f"WHERE v.id = $1 AND y.person IN {listed(2)} AND y.rights & {_APPROVE} <> 0",
        client, json.dumps(these), day or this_day(),
    )  # fmt: skip
    held = {(row["person"], row["role"]) for row in rows}
    return {person: tuple(role for role in ROLES if (person, role) in held) for person in these}


def role_words(roles: Sequence[str]) -> str:
    """As the record has them, in Dutch: Directeur, Gemachtigde."""
    return ", ".join(str(ROLES[role]) for role in roles if role in ROLES)


def said_roles(words: str) -> list[Say]:
    """What the record says of somebody's roles, in words that each reader gets in his own language."""
    known = {str(one): one for one in (*ROLES.values(), Say("Accordeur"))}
    return [known.get(word, Say(word)) for word in words.split(", ") if word]


async def roles_then(client: int, places: Iterable[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """What the record says of who stands somewhere: the role by which he does, else those that he has at this moment."""
    these = set(places)
    held = await roles_held(client, [person for person, role in these if not role]) if these else {}
    return {(person, role): role_words([role] if role else held[person]) or APPROVER for person, role in these}


async def lasts(client: int, person: int, role: str) -> bool:
    """Whether he still has the role by which he stands in a plan."""
    return not role or role in (await roles_held(client, [person]))[person]


async def stuck(requests: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Which of these, that wait for approval, cannot be completed any more: too few of those who are asked, or would be, may still
    approve. With the names of who may not. One query."""
    rows = await engine.raw(
        f"SELECT a.request, r.steps, a.step, a.state, u.full_name AS name, CASE WHEN {is_able('a', '$2')} THEN 1 ELSE 0 END AS able FROM approver a "
        "JOIN approval_request r ON r.id = a.request AND r.state IN ('offered', 'partly') JOIN users u ON u.id = a.person "
        f"WHERE a.request IN {listed(1)} AND a.step >= r.step AND a.step > 0 AND a.state <> 'void' ORDER BY a.request, a.step, a.id",
        json.dumps(sorted(set(requests))), this_day(),
    )  # fmt: skip
    places: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        places.setdefault(row["request"], []).append(row)
    found = {id: who_fails(json.loads(standing[0]["steps"]), standing) for id, standing in places.items()}
    return {id: names for id, names in found.items() if names}


def who_fails(steps: Sequence[dict[str, Any]], places: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """The names of those for want of whom a step cannot be completed any more: `places` (step, name, state, able) from the present
    step on. () while all can."""
    for number, step in enumerate(steps, 1):
        standing = [row for row in places if row["step"] == number and row["state"] != "void"]
        if standing and not _can_be_done(step, standing):
            return tuple(row["name"] for row in standing if row["state"] != "approved" and not row["able"])
    return ()


def _can_be_done(step: dict[str, Any], standing: Sequence[dict[str, Any]]) -> bool:
    able: int = sum(row["state"] == "approved" or bool(row["able"]) for row in standing)
    if step["mode"] == "all":
        return able == len(standing)
    return able >= (int(step["n"]) if step["mode"] == "some" else 1)


async def newly_stuck() -> list[int]:
    """Requests that cannot be completed any more, of which nobody at the office was told since they were offered."""
    rows = await engine.raw(
        "SELECT DISTINCT a.request FROM approver a JOIN approval_request r ON r.id = a.request AND r.state IN ('offered', 'partly') "
        f"WHERE a.state IN ('asked', 'waiting') AND NOT {is_able('a', '$1')} AND NOT EXISTS (SELECT 1 FROM approval_news n WHERE n.request = r.id "
        "AND n.what = 'blocked' AND n.batch = 'stuck' AND n.at >= r.offered_at) ORDER BY a.request",
        this_day(),
    )
    return list(await stuck([row["request"] for row in rows])) if rows else []
