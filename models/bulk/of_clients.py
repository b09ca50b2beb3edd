"""The acts on many clients."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from models import engine
from models.accounts import User
from models.accounts.blocking import listed
from models.bulk.kinds import BulkKind, as_pairs, chosen_in, declare, number_in, pairs
from models.clients import seen, settle, settle_rights
from models.clients.records import RESPONSIBLE_FOR
from models.clients.sectors import Sector
from models.core import Refused, Say
from models.offices import Office
from models.settings import Firm
from models.viewer import Permission, Viewer


class _OfClients(BulkKind):
    about = "clients"
    needs = Permission.MANAGE_CLIENTS

    async def _values(self, expression: str, ids: Sequence[int], by: Viewer, *args: Any) -> dict[int, str]:
        rows = await engine.raw(
            f"SELECT c.id, {expression} AS value FROM client c WHERE c.id IN {listed(1)} AND {seen(by)}",
            json.dumps(list(ids)), *args,
        )  # fmt: skip
        return {row["id"]: row["value"] for row in rows}


class _Column(_OfClients):
    """An act that sets one column to one value."""

    column: str
    settles = False  # whether groups by rule and reach follow from it

    async def look(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, str]:
        return await self._values(f"CAST(coalesce(c.{self.column}{self._empty}) AS TEXT)", ids, by)

    _empty = ", ''"

    def target(self, value: str, params: dict[str, Any]) -> str:
        return str(params["value"])

    async def write(self, values: dict[int, str], params: dict[str, Any], by: Viewer, at: dt.datetime) -> None:
        await engine.raw(
            f"UPDATE client SET {self.column} = {self._typed} FROM {pairs(1)} WHERE client.id = v.id", as_pairs(values)
        )
        if self.settles:
            await settle(clients=values)

    _typed = "v.value"


@declare
class Archive(_Column):
    name, trail, back = "archive", "Client.archive", "Client.restore"
    label, icon, column = Say("Archiveren"), "archive", "state"

    def target(self, value: str, params: dict[str, Any]) -> str:
        return "archived"


@declare
class Restore(_Column):
    name, trail, back = "restore", "Client.restore", "Client.archive"
    label, icon, column = Say("Weer actief maken"), "undo-2", "state"

    def target(self, value: str, params: dict[str, Any]) -> str:
        return "active"

    async def refusals(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, str]:
        rows = await engine.raw(
            f"SELECT id FROM client WHERE merged_into IS NOT NULL AND id IN {listed(1)}", json.dumps(list(ids))
        )
        return {row["id"]: "merged" for row in rows}


@declare
class SetLanguage(_Column):
    """The language in which his people are written to while they chose none."""

    name, trail, back = "set_client_language", "Client.set_language", "Client.set_language_back"
    label, icon, column, asks = Say("Taal instellen"), "languages", "language", ("language",)

    async def checked(self, params: Mapping[str, Any], by: Viewer) -> dict[str, Any]:
        return {"value": chosen_in(params, "language", ("nl", "en"))}


@declare
class SetTone(_Column):
    name, trail, back = "set_tone", "Client.set_tone", "Client.set_tone_back"
    label, icon, column, asks = Say("Aanspreken instellen"), "mail", "formal", ("tone",)
    _typed = "(v.value = '1')"

    async def checked(self, params: Mapping[str, Any], by: Viewer) -> dict[str, Any]:
        return {"value": "1" if chosen_in(params, "tone", ("formal", "informal")) == "formal" else "0"}

    async def look(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, str]:
        return await self._values("CASE WHEN c.formal THEN '1' ELSE '0' END", ids, by)


@declare
class SetOffice(_Column):
    """Restricted to who works in no branch office: else he would move clients out of his own sight."""

    name, trail, back = "set_office", "Client.set_office", "Client.set_office_back"
    label, icon, column, asks = Say("Vestiging instellen"), "building-2", "office", ("office",)
    settles = True
    _empty, _typed = ", 0", "CAST(nullif(v.value, '0') AS INTEGER)"

    async def checked(self, params: Mapping[str, Any], by: Viewer) -> dict[str, Any]:
        if by.fence is not None:
            raise Refused(
                "office", Say("U werkt binnen één vestiging. Vraag een beheerder om cliënten te verplaatsen.")
            )
        if str(params.get("office") or "") in ("", "0"):
            return {"value": "0", "name": "–"}
        id = number_in(params, "office", Say("Kies een vestiging."))
        found = await by.scope(Office).where(Office.id == id).find()
        if found is None:
            raise Refused("office", Say("Kies een vestiging."))
        return {"value": str(id), "name": found.name}

    def told(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"office": params["name"]}


@declare
class SetModules(_Column):
    """The most that users of these clients may have: rights beyond it rest, and come back with the module."""

    name, trail, back = "set_modules", "Client.set_modules", "Client.set_modules_back"
    label, icon, column, asks = Say("Modules instellen"), "list-checks", "modules", ("modules",)
    settles = True

    async def checked(self, params: Mapping[str, Any], by: Viewer) -> dict[str, Any]:
        used = (await Firm.load()).module_names
        chosen = [str(name) for name in params.get("modules") or []]
        if str(params.get("every") or "") == "1":
            return {"value": ""}
        if not chosen or not set(chosen) <= set(used):
            raise Refused("modules", Say("Kies een of meer modules, of alle."))
        return {"value": ",".join(name for name in used if name in chosen)}

    def told(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"modules": params["value"] or "–"}

    async def write(self, values: dict[int, str], params: dict[str, Any], by: Viewer, at: dt.datetime) -> None:
        await super().write(values, params, by, at)
        await settle_rights(clients=values)


class _Group(_OfClients):
    """The value is how the client is in the group: its source and the import it came by, or ''."""

    asks = ("group",)

    async def checked(self, params: Mapping[str, Any], by: Viewer) -> dict[str, Any]:
        id = number_in(params, "group", Say("Kies een groep."))
        group = await by.groups.get(id)
        return {"group": id, "name": group.name}

    def told(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"group": params["name"]}

    async def look(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, str]:
        there = (
            "coalesce((SELECT m.source || ':' || coalesce(CAST(m.imported AS TEXT), '') FROM membership m "
            "WHERE m.client = c.id AND m.client_group = $2), '')"
        )
        return await self._values(there, ids, by, params["group"])

    async def write(self, values: dict[int, str], params: dict[str, Any], by: Viewer, at: dt.datetime) -> None:
        out = [id for id, value in values.items() if not value]
        await engine.raw(
            f"DELETE FROM membership WHERE client_group = $1 AND client IN {listed(2)}",
            params["group"],
            json.dumps(out),
        )
        by_source: dict[str, list[int]] = {}
        for id, value in values.items():
            if value:
                by_source.setdefault(value, []).append(id)
        for value, ids in by_source.items():
            source, _, imported = value.partition(":")
            await engine.raw(
                "INSERT INTO membership (client, client_group, source, imported) "
                f"SELECT id, CAST($1 AS INTEGER), CAST($2 AS VARCHAR), CAST(nullif(CAST($3 AS TEXT), '') AS INTEGER) FROM client "
                f"WHERE id IN {listed(4)} ON CONFLICT (client, client_group) DO UPDATE SET source = excluded.source, imported = excluded.imported",
                params["group"], source, imported, json.dumps(ids),
            )  # fmt: skip
        await settle(clients=values)


@declare
class JoinGroup(_Group):
    name, trail, back = "join_group", "Client.join_group", "Client.leave_group"
    label, icon = Say("In een groep zetten"), "tags"

    def target(self, value: str, params: dict[str, Any]) -> str:
        return value or "hand:"


@declare
class LeaveGroup(_Group):
    name, trail, back = "leave_group", "Client.leave_group", "Client.join_group"
    label, icon = Say("Uit een groep halen"), "x"

    def target(self, value: str, params: dict[str, Any]) -> str:
        return ""

    async def refusals(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, str]:
        there = await self.look(ids, params, by)
        return {id: "by_rule" for id, value in there.items() if value.startswith("rule:")}


class _Sector(_OfClients):
    """The value is '1' of who is in the sector, else ''."""

    asks = ("sector",)

    async def checked(self, params: Mapping[str, Any], by: Viewer) -> dict[str, Any]:
        sector = await by.scope(Sector).get(number_in(params, "sector", Say("Kies een branche.")))
        return {"sector": sector.id, "name": sector.name}

    def told(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"sector": params["name"]}

    async def look(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, str]:
        there = "CASE WHEN EXISTS (SELECT 1 FROM client_sector s WHERE s.client = c.id AND s.sector = $2) THEN '1' ELSE '' END"
        return await self._values(there, ids, by, params["sector"])

    async def write(self, values: dict[int, str], params: dict[str, Any], by: Viewer, at: dt.datetime) -> None:
        into, out = [id for id, value in values.items() if value], [id for id, value in values.items() if not value]
        await engine.raw(
            f"DELETE FROM client_sector WHERE sector = $1 AND client IN {listed(2)}", params["sector"], json.dumps(out)
        )
        await engine.raw(
            f"INSERT INTO client_sector (client, sector) SELECT id, CAST($1 AS INTEGER) FROM client WHERE id IN {listed(2)} "
            "ON CONFLICT (client, sector) DO NOTHING",
            params["sector"], json.dumps(into),
        )  # fmt: skip
        await settle(clients=values)


@declare
class JoinSector(_Sector):
    name, trail, back = "join_sector", "Client.join_sector", "Client.leave_sector"
    label, icon = Say("In een branche zetten"), "tags"

    def target(self, value: str, params: dict[str, Any]) -> str:
        return "1"


@declare
class LeaveSector(_Sector):
    name, trail, back = "leave_sector", "Client.leave_sector", "Client.join_sector"
    label, icon = Say("Uit een branche halen"), "x"

    def target(self, value: str, params: dict[str, Any]) -> str:
        return ""


class _Responsible(_OfClients):
    """The value is '' or, after a +, for what he is responsible."""

    asks = ("person", "roles")

    async def checked(self, params: Mapping[str, Any], by: Viewer) -> dict[str, Any]:
        id = number_in(params, "person", Say("Kies een medewerker."))
        found = await by.users.where(User.id == id, User.kind == "staff", User.state != "blocked").find()
        if found is None:
            raise Refused("person", Say("Kies een medewerker van het kantoor."))
        roles = {str(role) for role in params.get("roles") or []}
        if not roles <= set(RESPONSIBLE_FOR):
            raise Refused("roles", Say("Kies een van de mogelijkheden."))
        return {"person": id, "who": found.display_name, "roles": [role for role in RESPONSIBLE_FOR if role in roles]}

    def told(self, params: dict[str, Any]) -> dict[str, Any]:
        return {"who": params["who"]}

    async def look(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, str]:
        there = "coalesce((SELECT '+' || r.roles FROM responsible r WHERE r.client = c.id AND r.person = $2), '')"
        return await self._values(there, ids, by, params["person"])

    async def write(self, values: dict[int, str], params: dict[str, Any], by: Viewer, at: dt.datetime) -> None:
        out = [id for id, value in values.items() if not value]
        await engine.raw(
            f"DELETE FROM responsible WHERE person = $1 AND client IN {listed(2)}", params["person"], json.dumps(out)
        )
        await engine.raw(
            "INSERT INTO responsible (client, person, roles) "
            f"SELECT c.id, CAST($1 AS INTEGER), substr(v.value, 2) FROM client c JOIN {pairs(2)} ON v.id = c.id WHERE v.value <> '' "
            "ON CONFLICT (person, client) DO UPDATE SET roles = excluded.roles",
            params["person"], as_pairs(values),
        )  # fmt: skip
        await settle(clients=values)


@declare
class AddResponsible(_Responsible):
    name, trail, back = "add_responsible", "Client.add_responsible", "Client.drop_responsible"
    label, icon = Say("Verantwoordelijke toevoegen"), "user-check"

    def target(self, value: str, params: dict[str, Any]) -> str:
        held = set(value[1:].split(",")) | set(params["roles"])
        kept = "+" + ",".join(role for role in RESPONSIBLE_FOR if role in held)
        return kept if set(params["roles"]) - set(value[1:].split(",")) or not value else value


@declare
class DropResponsible(_Responsible):
    """Takes the chosen roles from him, or with none chosen the responsibility itself."""

    name, trail, back = "drop_responsible", "Client.drop_responsible", "Client.add_responsible"
    label, icon = Say("Verantwoordelijke weghalen"), "user-x"

    def target(self, value: str, params: dict[str, Any]) -> str:
        held, gone = [role for role in value[1:].split(",") if role], set(params["roles"])
        if not value or (gone and not gone & set(held)):
            return value
        left = [role for role in held if role not in gone] if gone else []
        return "+" + ",".join(left) if left else ""

    async def refusals(self, ids: Sequence[int], params: dict[str, Any], by: Viewer) -> dict[int, str]:
        """Who sees only his own clients, does not put himself out."""
        if params["person"] != by.user.id or by.sees_all_clients or by.user.all_clients:
            return {}
        return {
            id: "oneself" for id, value in (await self.look(ids, params, by)).items() if not self.target(value, params)
        }
