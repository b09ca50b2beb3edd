"""Carrying out exactly the plan that was seen: all of it in one transaction, set by set."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from models import engine
from models.clients import settle, settle_rights
from models.clients.sectors import link_by_name
from models.core import Refused, Say, fold, save
from models.imports.commit_office import Content, OfficeCommit, Plan, person_keys, update
from models.imports.plan import keys_in
from models.imports.world import CLIENT_FIELDS, USER_FIELDS, listed, load
from models.live import touch
from models.people import number_key, search_text, sort_name
from models.settings import sort_rule, this_day, utcnow

if TYPE_CHECKING:
    from models.imports.records import Import
    from models.viewer import Viewer


def mark_of(sheet: str, line: int, part: str, action: str, content: str, changes: str) -> bytes:
    """What the digest of a plan takes of each of its rows."""
    return f"{sheet}\0{line}\0{part}\0{action}\0{content}\0{changes}\1".encode("utf-8", "surrogatepass")


async def read_plan(record: Import) -> Plan:
    """Before the unit that writes: rows of a plan never change, and nobody has to wait for the reading."""
    hashed = hashlib.sha256()
    rows: list[tuple[str, str, Content, int | None]] = []
    last, size = 0, 5000
    while True:
        found = await engine.raw(
            "SELECT id, sheet, line, part, action, content, changes, record_id FROM import_row "
            "WHERE batch = $1 AND id > $2 ORDER BY id LIMIT $3",
            record.id,
            last,
            size,
        )
        for row in found:
            hashed.update(
                mark_of(row["sheet"], row["line"], row["part"], row["action"], row["content"], row["changes"])
            )
            if row["action"] != "refused":
                rows.append((row["part"], row["action"], json.loads(row["content"]), row["record_id"]))
        if len(found) < size:
            return Plan(rows, hashed.hexdigest())
        last = found[-1]["id"]


async def carry_out(record: Import, plan: Plan, by: Viewer) -> bool:
    """In one writing unit; whether it was done now. Raises Refused, with nothing done, when the records are not as they were planned against."""
    now_state = await engine.raw("SELECT state, plan_hash FROM import_batch WHERE id = $1", record.id)
    if not now_state or now_state[0]["state"] != "committing":
        return False  # another worker was quicker
    world = await load(keys_in([row[2] for row in plan.rows]), by)
    if plan.plan_hash != now_state[0]["plan_hash"] or world.digest() != record.world_hash:
        raise Refused(
            "",
            Say(
                "Sinds het plan werd gemaakt, is er iets gewijzigd aan de gegevens waar het over gaat. Er is niets uitgevoerd. Reken het plan opnieuw door en bekijk het nog eens."
            ),
        )
    now = utcnow()
    await _Commit(record, plan, world, by, now).run()
    await save(record, state="committed", committed_at=now, problem="")
    numbers = record.numbers
    await by.note(
        "Import.carry_out", record, {"name": record.file_name, "new": numbers["new"], "changed": numbers["changed"]}
    )
    await touch("imports", f"import-{record.id}", "clients", "users", "rollout")
    return True


_UNSAID = {"language": "nl"}  # of a new client of whom the list does not say


class _Commit(OfficeCommit):
    async def run(self) -> None:
        self.rule = await sort_rule()
        await self._make_sectors()
        await self._make_groups()
        await self._make_staff()
        await self._make_clients()
        await self._change_clients()
        await self._put_in_groups()
        await self._put_in_sectors()
        await self._make_people()
        await self._change_people()
        await self._give_access()
        await self._give_approver_roles()
        await self._give_duties()
        await settle(clients=self.clients.values())
        await settle_rights(people=self.people.values())
        await self._note()

    async def _make_groups(self) -> None:
        rows = self.plan.of("group", "new")
        await engine.copy_rows(
            "client_group",
            ("name", "name_key", "description", "created_at", "imported", "is_sample"),
            ((c["values"]["name"], c["group"], c["values"]["description"], self.now, self.id, False) for c, _ in rows),
        )
        changed = self.plan.of("group", "changed")
        await engine.raw_many(
            "UPDATE client_group SET description = $1 WHERE id = $2",
            [(c["values"]["description"], id) for c, id in changed],
        )

    async def _make_clients(self) -> None:
        new = [content for content, _ in self.plan.of("client", "new")]
        fields = [name for name in CLIENT_FIELDS if name != "since"]
        columns = (
            *fields, "since", "number", "number_key", "sort_key", "search_key", "state", "created_at", "imported", "is_sample",
        )  # fmt: skip
        await engine.copy_rows("client", columns, (self._client(content, fields) for content in new))
        ids = await engine.raw("SELECT id, number_key FROM client WHERE imported = $1", self.id)
        self.clients = {row["number_key"]: row["id"] for row in ids}
        if new and not (self.by.sees_all_clients or self.by.user.all_clients):
            person = self.by.user.id
            await engine.copy_rows(
                "responsible", ("client", "person", "imported"), [(id, person, self.id) for id in self.clients.values()]
            )
            self.mine = set(self.clients.values())
        self.clients |= {key: row["id"] for key, row in self.world.clients.items()}

    def _client(self, content: Content, fields: list[str]) -> tuple[Any, ...]:
        values, number = content["values"], content["number"]
        return (
            *(values.get(name, _UNSAID.get(name, "")) for name in fields),
            _date(values.get("since")), number, number_key(number), sort_name(values["name"]),
            search_text(number, values["name"], values.get("city", ""), values.get("email", "")),
            "active", self.now, self.id, False,
        )  # fmt: skip

    async def _change_clients(self) -> None:
        sets: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
        for content, id in self.plan.of("client", "changed"):
            there = self.world.clients[content["client"]]
            values = {name: _date(value) if name == "since" else value for name, value in content["values"].items()}
            moved = {name: value for name, value in values.items() if there[name] != value}
            if not moved:
                continue
            after = there | moved
            moved |= {
                "sort_key": sort_name(after["name"]),
                "search_key": search_text(there["number"], after["name"], after["city"], after["email"]),
            }
            sets[tuple(moved)].append((*moved.values(), id))
        await update("client", sets)

    async def _put_in_groups(self) -> None:
        rows = await engine.raw("SELECT id, name_key FROM client_group")
        groups = {row["name_key"]: row["id"] for row in rows}
        contents = [content for action in ("new", "changed") for content, _ in self.plan.of("client", action)]
        pairs = {(self.clients[c["client"]], groups[key]) for c in contents for key in c["groups"]}
        await engine.copy_rows(
            "membership", ("client", "client_group", "imported"), [(*pair, self.id) for pair in sorted(pairs)]
        )

    async def _put_in_sectors(self) -> None:
        contents = [content for action in ("new", "changed") for content, _ in self.plan.of("client", action)]
        await link_by_name([self.clients[c["client"]] for c in contents if c["values"].get("sector")], self.id)

    async def _make_people(self) -> None:
        new = [content for content, _ in self.plan.of("user", "new")]
        columns = (
            *USER_FIELDS, "kind", "state", "email", "email_key", "full_name", "sort_key", "search_key", "created_at", "imported",
            "role", "all_clients", "password", "totp_secret", "totp_step", "digest", "theme", "is_sample",
        )  # fmt: skip
        await engine.copy_rows("users", columns, (self._person(content) for content in new))
        rows = await engine.raw("SELECT id FROM users WHERE imported = $1 AND kind = 'client' ORDER BY id", self.id)
        # One address may be of several: the ids rise in the order in which they were written.
        self.people = {content["user"]: row["id"] for content, row in zip(new, rows, strict=True)}
        self.people |= {key: row["id"] for key, row in self.present.items()}

    def _person(self, content: Content) -> tuple[Any, ...]:
        values = {"language": "nl"} | content["values"]
        keys = person_keys(values, content["email"], self.rule)
        return (
            *(values.get(name, "") for name in USER_FIELDS), "client", "prepared", content["email"], fold(content["email"]),
            keys["full_name"], keys["sort_key"], keys["search_key"], self.now, self.id, "", False, "", "", 0, "", "", False,
        )  # fmt: skip

    async def _change_people(self) -> None:
        sets: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
        roles: list[tuple[Any, ...]] = []
        for content, id in self.plan.of("user", "changed"):
            if content["values"]:
                there = self.present[content["user"]]
                moved = content["values"] | person_keys(there | content["values"], there["email"], self.rule)
                sets[tuple(moved)].append((*moved.values(), id))
            if content["role"] and not content.get("access"):
                own = _own(content["role"], content["rights"])
                roles.append((content["role"], own, id, self.clients[content["client"]]))
        await update("users", sets)
        await engine.raw_many("UPDATE access SET role = $1, own = $2 WHERE person = $3 AND client = $4", roles)

    async def _give_access(self) -> None:
        contents = [content for action in ("new", "changed") for content, _ in self.plan.of("user", action)]
        await engine.copy_rows(
            "access",
            ("person", "client", "own", "role", "created_at", "imported"),
            [
                (
                    self.people[c["user"]],
                    self.clients[c["client"]],
                    _own(c["role"], c["rights"]),
                    c["role"],
                    self.now,
                    self.id,
                )
                for c in contents
                if c.get("access")
            ],
        )

    async def _give_approver_roles(self) -> None:
        contents = [content for action in ("new", "changed") for content, _ in self.plan.of("user", action)]
        await engine.copy_rows(
            "approver_role",
            ("client", "person", "role", "since", "made_by", "made_at", "imported"),
            [
                (
                    self.clients[c["client"]],
                    self.people[c["user"]],
                    role,
                    this_day(),
                    self.by.user.id,
                    self.now,
                    self.id,
                )
                for c in contents
                for role in c.get("approver_roles", ())
            ],
        )

    async def _note(self) -> None:
        """One line on the trail of every client and every person that was made or changed."""
        keys = {
            c["client"] for p in ("client", "user", "duty") for a in ("new", "changed") for c, _ in self.plan.of(p, a)
        }
        at = "TEXT" if engine.is_sqlite() else "TIMESTAMPTZ"
        await engine.raw(
            "INSERT INTO trail (at, person, operation, record_table, record_id, client, detail) "
            f"SELECT CAST($1 AS {at}), CAST($2 AS INTEGER), 'Client.import', 'Client', id, id, CAST($3 AS TEXT) "
            f"FROM client WHERE id IN {listed(4)}",
            self.now,
            self.by.user.id,
            json.dumps({"import": self.id}),
            json.dumps(sorted(self.clients[key] for key in keys)),
        )
        people = {self.people[c["user"]] for a in ("new", "changed") for c, _ in self.plan.of("user", a)}
        people |= {self.colleagues[c["colleague"]] for a in ("new", "changed") for c, _ in self.plan.of("staff", a)}
        await engine.raw(
            "INSERT INTO trail (at, person, operation, record_table, record_id, detail) "
            f"SELECT CAST($1 AS {at}), CAST($2 AS INTEGER), 'User.import', 'User', id, CAST($3 AS TEXT) "
            f"FROM users WHERE id IN {listed(4)}",
            self.now,
            self.by.user.id,
            json.dumps({"import": self.id}),
            json.dumps(sorted(people)),
        )


def _own(role: str, rights: int) -> int:
    """What is given beside a template: everything, where there is none."""
    return 0 if role else rights


def _date(value: Any) -> dt.date | None:
    return dt.date.fromisoformat(value) if isinstance(value, str) and value else None
