"""Carrying out what a plan says of the office itself: its sectors, its people, and who is responsible for which client."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models import engine
from models.core import fold
from models.imports.world import USER_FIELDS, World
from models.people import PARTS, keys_of

if TYPE_CHECKING:
    from models.imports.records import Import
    from models.viewer import Viewer

Content = dict[str, Any]


@dataclass
class Plan:
    rows: list[tuple[str, str, Content, int | None]]  # part, action, content, record
    plan_hash: str

    def of(self, part: str, action: str) -> list[tuple[Content, int | None]]:
        return [(row[2], row[3]) for row in self.rows if row[0] == part and row[1] == action]


class OfficeCommit:
    """What the parts of a commit share: the plan, the records as they were, and the ids of what was made, by key."""

    clients: dict[str, int]

    def __init__(self, record: Import, plan: Plan, world: World, by: Viewer, now: dt.datetime) -> None:
        self.id, self.plan, self.world, self.by, self.now = int(record.id), plan, world, by, now
        self.rule = ""  # by which people are sorted (settings.sort_rule)
        self.mine: set[int] = set()  # clients that are his who imports, because he made them
        self.present = {f"#{row['id']}": row for row in world.people()}
        self.colleagues = {key: int(row["id"]) for key, row in self.present.items() if row["kind"] == "staff"}

    async def _make_sectors(self) -> None:
        new = [content for content, _ in self.plan.of("sector", "new")]
        columns = ("name", "name_key", "sbi", "sbi_version", "created_at", "imported")
        rows = [
            (*(c["values"][name] for name in ("name",)), c["sector"], c["values"]["sbi"], c["values"]["sbi_version"])
            for c in new
        ]
        await engine.copy_rows("sector", columns, [(*row, self.now, self.id) for row in rows])
        sets: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
        for content, id in self.plan.of("sector", "changed"):
            there = self.world.sectors[content["sector"]]
            moved = {name: content["values"][name] for name in ("sbi", "sbi_version") if content["values"][name]}
            moved = {name: value for name, value in moved.items() if there[name] != value}
            sets[tuple(moved)].append((*moved.values(), id))
        await update("sector", sets)

    async def _make_staff(self) -> None:
        """Prepared, and mailed by nobody: an administrator invites them from their own pages."""
        new = [content for content, _ in self.plan.of("staff", "new")]
        columns = (
            *USER_FIELDS, "kind", "state", "email", "email_key", "full_name", "sort_key", "search_key", "created_at", "imported",
            "role", "all_clients", "office", "password", "totp_secret", "totp_step", "digest", "theme", "is_sample",
        )  # fmt: skip
        rows = []
        for content in new:
            values, email = {"language": "nl"} | content["values"], content["email"]
            keys = person_keys(values, email, self.rule)
            rows.append(
                (
                    *(values.get(name, "") for name in USER_FIELDS), "staff", "prepared", email, fold(email),
                    keys["full_name"], keys["sort_key"], keys["search_key"], self.now, self.id,
                    content["staff_role"], content["all_clients"], content["office"], "", "", 0, "daily", "", False,
                )
            )  # fmt: skip
        await engine.copy_rows("users", columns, rows)
        made = await engine.raw("SELECT id FROM users WHERE imported = $1 AND kind = 'staff' ORDER BY id", self.id)
        self.colleagues |= {content["colleague"]: row["id"] for content, row in zip(new, made, strict=True)}
        sets: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
        for content, id in self.plan.of("staff", "changed"):
            there = self.present[content["colleague"]]
            moved = content["values"] | person_keys(there | content["values"], there["email"], self.rule)
            sets[tuple(moved)].append((*moved.values(), id))
        await update("users", sets)

    async def _give_duties(self) -> None:
        pairs = []
        for content, _ in self.plan.of("duty", "new"):
            pair = self.clients[content["client"]], self.colleagues[content["duty"]]
            if pair[0] in self.mine and pair[1] == self.by.user.id:  # he got it when the client was made
                await engine.raw(
                    "UPDATE responsible SET roles = $1 WHERE client = $2 AND person = $3",
                    content["values"]["duties"],
                    *pair,
                )
            else:
                pairs.append((*pair, content["values"]["duties"], self.id))
        await engine.copy_rows("responsible", ("client", "person", "roles", "imported"), pairs)
        changed = [(content["values"]["duties"], id) for content, id in self.plan.of("duty", "changed")]
        await engine.raw_many("UPDATE responsible SET roles = $1 WHERE id = $2", changed)


async def update(table: str, sets: dict[tuple[str, ...], list[tuple[Any, ...]]]) -> None:
    for columns, rows in sets.items():
        what = ", ".join(f"{column} = ${n}" for n, column in enumerate(columns, 1))
        await engine.raw_many(f"UPDATE {table} SET {what} WHERE id = ${len(columns) + 1}", rows)


def person_keys(values: dict[str, Any], email: str, rule: str) -> dict[str, str]:
    return keys_of(**{name: values.get(name, "") for name in PARTS}, email=email, rule=rule)
