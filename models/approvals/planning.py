"""Who approves: the closest plan, its people and roles as they are on a day, and what is wrong with them, said beforehand."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from typing import Any

from models import engine
from models.accounts.blocking import listed
from models.approvals.plan_views import Known, Place, PlanView, StandIn, Step, refusals_of, warnings_of
from models.approvals.records import ROLES, Mandate
from models.core import Refused, Say
from models.hearing import HOW_NOW
from models.pins.means import levels_from, means_of
from models.settings import this_day
from models.viewer import Right

MODES = ("all", "any", "some")
MOST_STEPS, MOST_PEOPLE = 10, 50
_APPROVE = int(Right.APPROVE)
_TAKER_HEARS = f"CASE WHEN u.state = 'active' AND u.email <> '' THEN {HOW_NOW} ELSE 'never' END AS hears"


def read_steps(raw: str | Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Steps as a plan keeps them, checked. Raises Refused."""
    steps = json.loads(raw) if isinstance(raw, str) else list(raw)
    if not isinstance(steps, list) or len(steps) > MOST_STEPS:
        raise Refused("plan", Say("Een plan heeft ten hoogste {most} stappen.", most=MOST_STEPS))
    return [_read_step(step) for step in steps]


def _read_step(step: Any) -> dict[str, Any]:
    who = step.get("who") if isinstance(step, dict) else None
    if not isinstance(who, list) or step.get("mode") not in MODES or not 1 <= len(who) <= MOST_PEOPLE:
        raise Refused("plan", Say("Kies bij elke stap wie er akkoord geeft, en of dat allen of enkelen zijn."))
    read: list[dict[str, Any]] = []
    for one in who:
        if isinstance(one, dict) and isinstance(one.get("person"), int):
            read.append({"person": one["person"]})
        elif isinstance(one, dict) and one.get("role") in ROLES:
            read.append({"role": one["role"]})
        else:
            raise Refused("plan", Say("Kies bij elke stap wie er akkoord geeft, en of dat allen of enkelen zijn."))
    n = step.get("n", 1)
    if step["mode"] == "some" and (not isinstance(n, int) or not 1 <= n <= MOST_PEOPLE):
        raise Refused("plan", Say("Vul in hoeveel van hen akkoord moeten geven."))
    return {"mode": step["mode"], "n": n if step["mode"] == "some" else 1, "who": read}


async def closest(client: int, kind: int) -> tuple[list[dict[str, Any]] | None, str]:
    """The steps of the plan that counts, and whose it is: of client and kind, client, kind, office; None without any."""
    rows = await engine.raw(
        "SELECT client, kind, steps FROM approval_plan WHERE (client = $1 OR client IS NULL) AND (kind = $2 OR kind IS NULL) "
        "ORDER BY CASE WHEN client IS NULL THEN 1 ELSE 0 END, CASE WHEN kind IS NULL THEN 1 ELSE 0 END",
        client, kind,
    )  # fmt: skip
    return _first(rows)


def _first(rows: Iterable[dict[str, Any]]) -> tuple[list[dict[str, Any]] | None, str]:
    for row in rows:
        if steps := read_steps(row["steps"]):
            match row["client"] is None, row["kind"] is None:
                case False, False:
                    return steps, "client_kind"
                case False, True:
                    return steps, "client"
                case True, False:
                    return steps, "kind"
            return steps, "office"
    return None, "everybody"


async def people_of(client: int, named: Iterable[int] = ()) -> dict[int, Known]:
    """The people of a client and of its fiscal partner, and who is named besides: with what they may."""
    rows = await engine.raw(
        "SELECT u.id, u.full_name AS name, u.state, u.email, coalesce(a.rights, 0) AS rights, coalesce(p.rights, 0) AS partner_rights, "
        f"{HOW_NOW} AS hears FROM users u LEFT JOIN access a ON a.person = u.id AND a.client = $1 "
        "LEFT JOIN hearing h ON h.person = u.id AND h.client = $1 "
        "LEFT JOIN access p ON p.person = u.id AND p.client = (SELECT c.partner FROM client c WHERE c.id = $1) "
        f"WHERE u.kind = 'client' AND u.id IN (SELECT person FROM access WHERE client = $1 OR client = (SELECT c.partner FROM client c "
        f"WHERE c.id = $1) UNION SELECT z.id FROM users z WHERE z.id IN {listed(2)}) ORDER BY u.sort_key, u.id",
        client, json.dumps(sorted(set(named))),
    )  # fmt: skip
    return {row["id"]: Known(**row) for row in rows}


async def roles_of(client: int, day: dt.date) -> dict[str, list[int]]:
    """Who has which role on that day."""
    rows = await engine.raw(
        "SELECT r.person, r.role FROM approver_role r JOIN users u ON u.id = r.person WHERE r.client = $1 "
        "AND (r.since IS NULL OR r.since <= $2) AND (r.until IS NULL OR r.until >= $2) ORDER BY u.sort_key, r.person",
        client, day,
    )  # fmt: skip
    found: dict[str, list[int]] = {role: [] for role in ROLES}
    for row in rows:
        if row["person"] not in found[row["role"]]:
            found[row["role"]].append(row["person"])
    return found


def in_force(day: dt.date) -> Any:
    """The mandates of a day, as a condition."""
    lasts = Mandate.until.is_null() | (Mandate.until >= day)
    return (Mandate.since <= day) & lasts & Mandate.ended_at.is_null()


async def who_would_sign_each(
    clients: Sequence[int], kind: int, *, day: dt.date | None = None, least: str = "pin"
) -> dict[int, PlanView]:  # fmt: skip
    """As `who_would_sign`, of many clients at once: as many statements for a thousand as for one."""
    day, these = day or this_day(), json.dumps(sorted(set(clients)))
    plans = await engine.raw(
        f"SELECT client, kind, steps FROM approval_plan WHERE (client IN {listed(1)} OR client IS NULL) AND (kind = $2 OR kind IS NULL) "
        "ORDER BY CASE WHEN client IS NULL THEN 1 ELSE 0 END, CASE WHEN kind IS NULL THEN 1 ELSE 0 END",
        these, kind,
    )  # fmt: skip
    own: dict[int | None, list[dict[str, Any]]] = {}
    for row in plans:
        own.setdefault(row["client"], []).append(row)
    chosen = {client: _first([*own.get(client, []), *own.get(None, [])]) for client in clients}
    roles = await _roles_of_each(these, day)
    people = await _people_of_each(these)
    named = {person for planned, _ in chosen.values() for person in _named(planned)}
    named |= {person for held in roles.values() for who in held.values() for person in who}
    others = await _strangers(named)
    mandates = await _mandates_of_each(these, kind, day)
    everybody = {one.id: one for known in people.values() for one in known.values()} | others
    lacking = await _without_means(_standing(everybody), least)
    found = {}
    for client, (planned, source) in chosen.items():
        held = roles.get(client) or {role: [] for role in ROLES}
        known, asked = people.get(client, {}), set(_named(planned)) | {one for who in held.values() for one in who}
        known |= {one: others[one] for one in sorted(asked) if one in others and one not in known}
        found[client] = _seen(planned, source, known, held, _substitutes(mandates.get(client, [])), lacking)
    return found


async def _people_of_each(clients: str) -> dict[int, dict[int, Known]]:
    rows = await engine.raw(
        f"WITH pair AS (SELECT a.client, a.person FROM access a WHERE a.client IN {listed(1)} UNION "
        f"SELECT c.id, a.person FROM client c JOIN access a ON a.client = c.partner WHERE c.id IN {listed(1)}) "
        "SELECT pair.client, u.id, u.full_name AS name, u.state, u.email, coalesce(a.rights, 0) AS rights, coalesce(p.rights, 0) AS partner_rights, "
        f"{HOW_NOW} AS hears "
        "FROM pair JOIN users u ON u.id = pair.person AND u.kind = 'client' JOIN client c ON c.id = pair.client "
        "LEFT JOIN access a ON a.person = u.id AND a.client = c.id LEFT JOIN access p ON p.person = u.id AND p.client = c.partner "
        "LEFT JOIN hearing h ON h.person = u.id AND h.client = c.id ORDER BY u.sort_key, u.id",
        clients,
    )
    found: dict[int, dict[int, Known]] = {}
    for row in rows:
        client = row.pop("client")
        found.setdefault(client, {})[row["id"]] = Known(**row)
    return found


async def _strangers(people: Iterable[int]) -> dict[int, Known]:
    """As somebody is who has nothing to do with a client."""
    rows = await engine.raw(
        f"SELECT id, full_name AS name, state, email FROM users WHERE kind = 'client' AND id IN {listed(1)}",
        json.dumps(sorted(people)),
    )
    return {row["id"]: Known(**row, rights=0, partner_rights=0) for row in rows}


async def _roles_of_each(clients: str, day: dt.date) -> dict[int, dict[str, list[int]]]:
    rows = await engine.raw(
        f"SELECT r.client, r.person, r.role FROM approver_role r JOIN users u ON u.id = r.person WHERE r.client IN {listed(1)} "
        "AND (r.since IS NULL OR r.since <= $2) AND (r.until IS NULL OR r.until >= $2) ORDER BY u.sort_key, r.person",
        clients, day,
    )  # fmt: skip
    found: dict[int, dict[str, list[int]]] = {}
    for row in rows:
        held = found.setdefault(row["client"], {role: [] for role in ROLES})[row["role"]]
        if row["person"] not in held:
            held.append(row["person"])
    return found


async def _mandates_of_each(clients: str, kind: int, day: dt.date) -> dict[int, list[dict[str, Any]]]:
    rows = await engine.raw(
        f"SELECT m.client, m.giver, m.taker, u.full_name AS taker_name, {_TAKER_HEARS} FROM mandate m JOIN users u ON u.id = m.taker "
        "LEFT JOIN hearing h ON h.person = m.taker AND h.client = m.client "
        f"JOIN access a ON a.person = m.taker AND a.client = m.client WHERE m.client IN {listed(1)} AND (m.kind IS NULL OR m.kind = $2) "
        f"AND m.since <= $3 AND (m.until IS NULL OR m.until >= $3) AND m.ended_at IS NULL AND a.rights & {_APPROVE} <> 0 "
        "AND u.state <> 'blocked' ORDER BY u.sort_key, m.id",
        clients, kind, day,
    )  # fmt: skip
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["client"], []).append(row)
    return found


async def mandates_of(client: int, kind: int, day: dt.date) -> list[dict[str, Any]]:
    """id, giver, taker, taker_name and hears of the mandates that count that day for this kind, of takers who may approve here."""
    return await engine.raw(
        f"SELECT m.id, m.giver, m.taker, u.full_name AS taker_name, {_TAKER_HEARS} FROM mandate m JOIN users u ON u.id = m.taker "
        "LEFT JOIN hearing h ON h.person = m.taker AND h.client = m.client "
        "JOIN access a ON a.person = m.taker AND a.client = m.client WHERE m.client = $1 AND (m.kind IS NULL OR m.kind = $2) "
        f"AND m.since <= $3 AND (m.until IS NULL OR m.until >= $3) AND m.ended_at IS NULL AND a.rights & {_APPROVE} <> 0 "
        "AND u.state <> 'blocked' ORDER BY u.sort_key, m.id",
        client, kind, day,
    )  # fmt: skip


async def who_would_sign(
    client: int, kind: int, *, steps: Sequence[dict[str, Any]] | None = None, day: dt.date | None = None, least: str = "pin"
) -> PlanView:  # fmt: skip
    """The steps with their people as of `day`, what may go wrong, and why it cannot be offered. `steps`: instead of the plan."""
    day = day or this_day()
    planned, source = (read_steps(steps), "request") if steps else await closest(client, kind)
    roles, mandates = await _roles_and_mandates(client, kind, day)
    people = await people_of(client, [*_named(planned), *(person for held in roles.values() for person in held)])
    return _seen(planned, source, people, roles, _substitutes(mandates), await _without_means(_standing(people), least))


async def _roles_and_mandates(
    client: int, kind: int, day: dt.date
) -> tuple[dict[str, list[int]], list[dict[str, Any]]]:
    """As `roles_of` and `mandates_of`, in one query."""
    rows = await engine.raw(
        "SELECT r.role, r.person AS giver, 0 AS taker, '' AS taker_name, '' AS hears, u.sort_key, r.person AS turn FROM approver_role r "
        "JOIN users u ON u.id = r.person WHERE r.client = $1 AND (r.since IS NULL OR r.since <= $3) AND (r.until IS NULL OR r.until >= $3) "
        f"UNION ALL SELECT '', m.giver, m.taker, u.full_name, {_TAKER_HEARS}, u.sort_key, m.id FROM mandate m JOIN users u ON u.id = m.taker "
        "LEFT JOIN hearing h ON h.person = m.taker AND h.client = m.client "
        "JOIN access a ON a.person = m.taker AND a.client = m.client WHERE m.client = $1 AND (m.kind IS NULL OR m.kind = $2) "
        f"AND m.since <= $3 AND (m.until IS NULL OR m.until >= $3) AND m.ended_at IS NULL AND a.rights & {_APPROVE} <> 0 "
        "AND u.state <> 'blocked' ORDER BY sort_key, turn",
        client, kind, day,
    )  # fmt: skip
    roles: dict[str, list[int]] = {role: [] for role in ROLES}
    for row in rows:
        if row["role"] and row["giver"] not in roles[row["role"]]:
            roles[row["role"]].append(row["giver"])
    return roles, [row for row in rows if row["taker"]]


def _named(planned: Iterable[dict[str, Any]] | None) -> list[int]:
    return [one["person"] for step in planned or () for one in step["who"] if "person" in one]


def _standing(people: dict[int, Known]) -> list[int]:
    return [one.id for one in people.values() if one.state != "blocked"]


def _seen(
    planned: list[dict[str, Any]] | None, source: str, people: dict[int, Known], roles: dict[str, list[int]],
    taken: dict[int, tuple[StandIn, ...]], lacking: set[int],
) -> PlanView:  # fmt: skip
    """`lacking`: who of them has nothing to prove himself with."""
    if planned is None:
        everybody = [{"person": one.id} for one in people.values() if one.rights & _APPROVE and one.state != "blocked"]
        planned = [{"mode": "any", "n": 1, "who": everybody}]
    roles["partner"] += [
        one.id for one in people.values() if one.partner_rights & _APPROVE and one.id not in roles["partner"]
    ]
    made = tuple(_resolved(step, people, roles, taken) for step in planned)
    return PlanView(made, warnings_of(made, people, lacking), refusals_of(made, roles, planned), source)


def _substitutes(mandates: Sequence[dict[str, Any]]) -> dict[int, tuple[StandIn, ...]]:
    found: dict[int, tuple[StandIn, ...]] = {}
    for row in mandates:
        taker = StandIn(row["taker"], row["taker_name"], row["hears"])
        found[row["giver"]] = (*found.get(row["giver"], ()), taker)
    return found


def _resolved(
    step: dict[str, Any], people: dict[int, Known], roles: dict[str, list[int]], taken: dict[int, tuple[StandIn, ...]]
) -> Step:
    places: dict[int, Place] = {}
    for one in step["who"]:
        role = one.get("role", "")
        for person in roles[role] if role else [one["person"]]:
            if person in people and person not in places:
                known = people[person]
                places[person] = Place(
                    person,
                    known.name,
                    role,
                    known.may(role),
                    taken.get(person, ()),
                    known.hears if known.is_mailed else "never",
                    tuple(one for one in ROLES if person in roles[one]),
                )
    return Step(step["mode"], int(step["n"]), tuple(places.values()))


async def _without_means(people: Sequence[int], least: str) -> set[int]:
    """Who has nothing to prove himself with at this level or above."""
    found = await means_of(people) if people else {}
    return {person for person in people if not found.get(person, set()) & set(levels_from(least))}


def as_frozen(steps: Sequence[Step]) -> str:
    """As a request keeps its plan from when it is offered."""
    return json.dumps(
        [
            {"mode": step.mode, "n": step.n, "who": [{"person": one.person, "role": one.role} for one in step.places]}
            for step in steps
        ]
    )


def is_done(mode: str, n: int, states: Sequence[str]) -> bool:
    """Whether a step needs no more: `states` of its approvers; who is void does not stand in it."""
    standing = [state for state in states if state != "void"]
    given = standing.count("approved")
    if mode == "all":
        return given == len(standing) and given > 0
    return given >= (n if mode == "some" else 1)
