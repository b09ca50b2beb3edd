"""The acts on many clients that say who approves: a plan for a kind, and a role for whoever has a right."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from models import engine
from models.accounts.blocking import listed
from models.accounts.roles import RIGHTS
from models.approvals.plans import role_steps
from models.approvals.records import ROLES, ApprovalKind
from models.bulk.kinds import Row, Verdict, as_pairs, chosen_in, declare, number_in, pairs
from models.bulk.of_clients import _OfClients
from models.core import Refused, Say
from models.live import touch
from models.settings import this_day
from models.viewer import Permission, Right, Viewer

EVERY = ("own", "office")  # a plan of its own, or again the office's
_APPROVE = int(Right.APPROVE)


@declare
class SetPlan(_OfClients):
    """The plan of these clients for one kind, or for all that have none of their own. The value is its steps, or ''."""

    name, trail, back = "set_plan", "Client.set_plan", "Client.set_plan_back"
    label, icon, asks = Say("Plan voor accorderen instellen"), "list-checks", ("approval_kind", "plan")
    needs, module = Permission.EDIT_APPROVALS, "approvals"

    async def checked(self, params: Mapping[str, Any], by: Viewer) -> dict[str, Any]:
        kept: dict[str, Any] = {"kind": 0, "name": "–", "value": ""}
        if str(params.get("approval_kind") or "") not in ("", "0"):
            id = number_in(params, "approval_kind", Say("Kies een soort."))
            kind = await by.scope(ApprovalKind).where(ApprovalKind.id == id).find()
            if kind is None:
                raise Refused("approval_kind", Say("Kies een soort."))
            kept |= {"kind": id, "name": kind.name}
        if chosen_in(params, "plan", EVERY) == "own":
            steps = [step for step in params.get("steps") or [] if step["who"]]
            if not steps:
                raise Refused("plan", Say("Kies in minstens één stap wie er akkoord geeft."))
            try:
                kept["value"] = json.dumps(role_steps(steps))
            except Refused as refused:
                raise Refused("plan", refused.why) from None
        return kept

    def told(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"kind": params["name"]}

    async def look(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, str]:
        there = "coalesce((SELECT max(p.steps) FROM approval_plan p WHERE p.client = c.id AND coalesce(p.kind, 0) = $2), '')"
        return await self._values(there, ids, by, params["kind"])

    def target(self, value: str, params: dict[str, Any]) -> str:
        return str(params["value"])

    async def write(self, values: dict[int, str], params: dict[str, Any], by: Viewer, at: dt.datetime) -> None:
        await engine.raw(
            f"DELETE FROM approval_plan WHERE coalesce(kind, 0) = $1 AND client IN {listed(2)}",
            params["kind"], json.dumps(list(values)),
        )  # fmt: skip
        moment = "TEXT" if engine.is_sqlite() else "TIMESTAMPTZ"
        await engine.raw(
            f"INSERT INTO approval_plan (client, kind, steps, changed_at) SELECT c.id, nullif(CAST($1 AS INTEGER), 0), v.value, CAST($2 AS {moment}) "
            f"FROM client c JOIN {pairs(3)} ON v.id = c.id WHERE v.value <> ''",
            params["kind"], at, as_pairs(values),
        )  # fmt: skip
        await touch("approvals")


@declare
class GiveRole(_OfClients):
    """From today on, a role for everybody who has a right at the client. The value is a JSON list of [role given, person] of who has the
    role there, with 0 where it is still to be given. Taken back it is ended, as a role always is: never deleted."""

    name, trail, back = "give_approver_role", "Client.give_approver_role", "Client.end_approver_role"
    label, icon, asks = Say("Rol bij accorderen geven"), "signature", ("right", "approver_role")
    needs, module = Permission.EDIT_APPROVALS, "approvals"

    async def checked(self, params: Mapping[str, Any], by: Viewer) -> dict[str, Any]:
        right = chosen_in(params, "right", [str(int(right)) for right, _ in RIGHTS])
        return {"right": int(right), "role": chosen_in(params, "approver_role", list(ROLES))}

    def told(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"role": str(ROLES[params["role"]])}

    async def look(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, str]:
        held: dict[int, list[list[int]]] = {id: [] for id in await self._values("''", ids, by)}
        rows = await engine.raw(
            f"SELECT r.client, r.id, r.person FROM approver_role r WHERE r.client IN {listed(1)} AND r.role = $2 "
            "AND (r.until IS NULL OR r.until >= $3) ORDER BY r.id",
            json.dumps(list(held)), params["role"], this_day(),
        )  # fmt: skip
        for row in rows:
            held[row["client"]].append([row["id"], row["person"]])
        return {id: json.dumps(some) for id, some in held.items()}

    async def judge(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, Verdict]:
        values = await self.look(ids, params, by)
        judged, allowed = {}, await self._allowed(list(values), params)
        for id, value in values.items():
            held = json.loads(value)
            fresh = {
                person: able for person, able in allowed.get(id, {}).items() if person not in [one for _, one in held]
            }
            after = json.dumps(held + [[0, person] for person in fresh])
            if not allowed.get(id):
                judged[id] = Verdict("refused", value, value, "nobody")
            elif not fresh:
                judged[id] = Verdict("already", value, value)
            else:
                judged[id] = Verdict("will", value, after, "" if all(fresh.values()) else "unable")
        return judged

    async def _allowed(self, clients: Sequence[int], params: dict[str, Any]) -> dict[int, dict[int, bool]]:
        """Client > person who has the right there > whether he may approve there."""
        rows = await engine.raw(
            f"SELECT a.client, a.person, (a.rights & {_APPROVE}) AS able FROM access a JOIN users u ON u.id = a.person "
            f"WHERE a.client IN {listed(1)} AND (a.rights & $2) <> 0 AND u.kind = 'client' AND u.state <> 'blocked' ORDER BY u.sort_key, u.id",
            json.dumps(list(clients)), params["right"],
        )  # fmt: skip
        found: dict[int, dict[int, bool]] = {}
        for row in rows:
            found.setdefault(row["client"], {})[row["person"]] = bool(row["able"])
        return found

    async def put(self, rows: Sequence[Row], params: dict[str, Any], by: Viewer, at: dt.datetime) -> dict[int, int]:
        """Who lost the right since it was shown gets nothing."""
        allowed = await self._allowed([row.record for row in rows], params)
        given = [
            (row.record, person, params["role"], this_day(), by.user.id, at)
            for row in rows
            for role, person in json.loads(row.after)
            if not role and person in allowed.get(row.record, {})
        ]
        await engine.copy_rows("approver_role", ("client", "person", "role", "since", "made_by", "made_at"), given)
        await touch("approvals")
        return {}

    async def put_back(self, rows: Sequence[Row], params: dict[str, Any], by: Viewer, at: dt.datetime) -> None:
        given = {role for row in rows for role, _ in json.loads(row.after)} - {
            role for row in rows for role, _ in json.loads(row.before)
        }
        await engine.raw(
            f"UPDATE approver_role SET until = $1 WHERE id IN {listed(2)}",
            this_day() - dt.timedelta(days=1), json.dumps(sorted(given)),
        )  # fmt: skip
        await touch("approvals")


async def people_in(kind: str, values: Sequence[str]) -> dict[int, str]:
    """The names of the people in values of these acts, as they are now."""
    ids: set[int] = set()
    for value in values:
        if kind == "give_approver_role":
            ids |= {person for _, person in json.loads(value or "[]")}
        elif kind == "set_plan":
            ids |= {one["person"] for step in json.loads(value or "[]") for one in step["who"] if "person" in one}
    if not ids:
        return {}
    rows = await engine.raw(f"SELECT id, full_name FROM users WHERE id IN {listed(1)}", json.dumps(sorted(ids)))
    return {row["id"]: row["full_name"] for row in rows}
