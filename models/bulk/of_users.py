"""The acts on many client users. Nobody is touched who also reaches clients that the colleague does not see."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from models import engine
from models.accounts.blocking import let_in, listed, shut_out
from models.accounts.managing import beyond_sql
from models.bulk.kinds import BulkKind, Row, as_pairs, chosen_in, declare, number_in, pairs
from models.clients import seen, settle_rights
from models.clients.rights import templates
from models.core import Say
from models.viewer import Permission, Viewer


class _OfUsers(BulkKind):
    about = "users"
    needs = Permission.MANAGE_USERS

    async def _values(self, expression: str, ids: Sequence[int], by: Viewer) -> dict[int, str]:
        mine = (
            "" if by.sees_all_clients else f" AND u.id IN (SELECT a.person FROM access a WHERE {seen(by, 'a.client')})"
        )
        rows = await engine.raw(
            f"SELECT u.id, {expression} AS value FROM users u WHERE u.kind = 'client' AND u.id IN {listed(1)}{mine}",
            json.dumps(list(ids)),
        )
        return {row["id"]: row["value"] for row in rows}

    async def refusals(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, str]:
        if by.sees_all_clients:
            return {}
        rows = await engine.raw(
            f"SELECT u.id FROM users u WHERE u.id IN {listed(1)} AND EXISTS ({beyond_sql(by, 'u.id')})",
            json.dumps(list(ids)),
        )
        return {row["id"]: "beyond" for row in rows}


class _Blocking(_OfUsers):
    """The value is the state, and of who is blocked since when: who was blocked anew meanwhile is not let in by an undo."""

    async def look(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, str]:
        since = "CASE WHEN u.state = 'blocked' THEN '@' || coalesce(CAST(u.blocked_at AS TEXT), '') ELSE '' END"
        return await self._values(f"u.state || {since}", ids, by)


@declare
class Block(_Blocking):
    name, trail, back = "block", "User.block", "User.unblock"
    label, icon = Say("Blokkeren"), "ban"

    def target(self, value: str, params: dict[str, Any]) -> str:
        return value if value.startswith("blocked") else "blocked"

    async def put(self, rows: Sequence[Row], params: dict[str, Any], by: Viewer, at: dt.datetime) -> dict[int, int]:
        await shut_out([row.record for row in rows], at)
        return {}

    async def put_back(self, rows: Sequence[Row], params: dict[str, Any], by: Viewer, at: dt.datetime) -> None:
        await let_in([row.record for row in rows])


@declare
class LetIn(_Blocking):
    name, trail, back = "let_in", "User.unblock", "User.block"
    label, icon = Say("Deblokkeren"), "user-check"

    def target(self, value: str, params: dict[str, Any]) -> str:
        return "" if value.startswith("blocked") else value

    async def put(self, rows: Sequence[Row], params: dict[str, Any], by: Viewer, at: dt.datetime) -> dict[int, int]:
        await let_in([row.record for row in rows])
        return {}

    async def put_back(self, rows: Sequence[Row], params: dict[str, Any], by: Viewer, at: dt.datetime) -> None:
        """Blocked again since when they were: by that moment their links know what ended with it."""
        since: dict[str, list[int]] = {}
        for row in rows:
            since.setdefault(row.before.partition("@")[2], []).append(row.record)
        for moment, ids in since.items():
            await shut_out(ids, dt.datetime.fromisoformat(moment) if moment else at)


class _Column(_OfUsers):
    column: str
    choices: tuple[str, ...]

    async def checked(self, params: Mapping[str, Any], by: Viewer) -> dict[str, Any]:
        return {"value": chosen_in(params, self.asks[0], self.choices)}

    def told(self, params: dict[str, Any]) -> dict[str, Any]:
        return {self.column: params["value"]}

    async def look(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, str]:
        return await self._values(f"u.{self.column}", ids, by)

    def target(self, value: str, params: dict[str, Any]) -> str:
        return str(params["value"])

    async def write(self, values: dict[int, str], params: dict[str, Any], by: Viewer, at: dt.datetime) -> None:
        await engine.raw(
            f"UPDATE users SET {self.column} = v.value FROM {pairs(1)} WHERE users.id = v.id", as_pairs(values)
        )


@declare
class SetLanguage(_Column):
    name, trail, back = "set_language", "User.set_language", "User.set_language_back"
    label, icon, column, asks, choices = Say("Taal instellen"), "languages", "language", ("language",), ("nl", "en")


@declare
class SetDigest(_Column):
    name, trail, back = "set_digest", "User.set_digest", "User.set_digest_back"
    label, icon, column, asks = Say("Berichten per mail instellen"), "mail", "digest", ("digest",)
    choices = ("daily", "at_once", "never")

    async def write(self, values: dict[int, str], params: dict[str, Any], by: Viewer, at: dt.datetime) -> None:
        """Who wanted to hear nothing is not told of what was meanwhile."""
        from models.hearing import hear_again

        await hear_again([id for id, value in values.items() if value != "never"])
        await super().write(values, params, by, at)


@declare
class SetTemplate(_OfUsers):
    """The template of rights of somebody's accesses: all that the colleague sees, or those at the clients of one group.

    What was given to a person himself stays beside it. The value is a JSON list of [access, template].
    """

    name, trail, back = "set_template", "User.set_template", "User.set_template_back"
    label, icon, asks = Say("Rechten geven"), "key-round", ("role", "group")

    async def checked(self, params: Mapping[str, Any], by: Viewer) -> dict[str, Any]:
        names = {row["key"]: row["name"] for row in await templates()}
        role = chosen_in(params, "role", list(names))
        kept = {"role": role, "name": names[role], "group": 0}
        if str(params.get("group") or "") not in ("", "0"):
            kept["group"] = (await by.groups.get(number_in(params, "group", Say("Kies een groep.")))).id
        return kept

    def told(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"template": params["name"]}

    async def look(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, str]:
        there = await self._values("''", ids, by)
        args: list[Any] = [json.dumps(list(there))]
        within = ""
        if params["group"]:
            within = " AND a.client IN (SELECT m.client FROM membership m WHERE m.client_group = $2)"
            args.append(params["group"])
        rows = await engine.raw(
            f"SELECT a.person, a.id, a.role FROM access a WHERE a.person IN {listed(1)} AND {seen(by, 'a.client')}{within} ORDER BY a.id",
            *args,
        )
        held: dict[int, list[list[Any]]] = {id: [] for id in there}
        for row in rows:
            held[row["person"]].append([row["id"], row["role"]])
        return {id: json.dumps(some) for id, some in held.items()}

    async def refusals(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, str]:
        """His accesses at other people's clients are not touched, so he may have them."""
        return {id: "no_access" for id, value in (await self.look(ids, params, by)).items() if value == "[]"}

    def target(self, value: str, params: dict[str, Any]) -> str:
        return json.dumps([[access, params["role"]] for access, _ in json.loads(value)])

    async def write(self, values: dict[int, str], params: dict[str, Any], by: Viewer, at: dt.datetime) -> None:
        roles = {access: role for value in values.values() for access, role in json.loads(value)}
        await engine.raw(f"UPDATE access SET role = v.value FROM {pairs(1)} WHERE access.id = v.id", as_pairs(roles))
        await settle_rights(people=values)
