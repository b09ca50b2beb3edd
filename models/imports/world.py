"""The records that an import concerns: as they are now, and a digest by which one sees whether they moved."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from models import engine
from models.clients import seen as clients_seen
from models.core import fold
from models.settings import this_day

if TYPE_CHECKING:
    from models.viewer import Viewer

CLIENT_FIELDS = (
    "name", "kind", "legal_form", "kvk", "branch_number", "rsin", "payroll_numbers", "vat", "iban", "street", "house_number", "addition", "postcode", "city", "email",
    "phone", "website", "post_street", "post_house_number", "post_addition", "post_postcode", "post_city", "sbi", "sector",
    "since", "manager", "language", "second_factor", "notes",
)  # fmt: skip
USER_FIELDS = ("initials", "first_name", "prefix", "surname", "gender", "phone", "language")
PARTNER = ("partner_prefix", "partner_surname", "name_use")  # in no list, but part of somebody's name


_OR_STAFF = " OR kind = 'staff'"


@dataclass
class Keys:
    """What is looked up: the keys of the records that the file names.

    `duties` are the clients of which is asked who is responsible; `staff`: whether any colleague may be named. By `kvks` and
    `names` it is seen whether a new client is there already; they are no part of what a plan stands on.
    """

    sectors: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    clients: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    duties: set[str] = field(default_factory=set)
    staff: bool = False
    kvks: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def __ior__(self, other: Keys) -> Keys:
        for name in ("sectors", "groups", "clients", "users", "duties", "kvks", "names"):
            getattr(self, name).update(getattr(other, name))
        self.staff = self.staff or other.staff
        return self


@dataclass
class World:
    """By key: rows of sectors, groups, clients and the people of each address; who has access to what; who is in which group;
    who is responsible (person, client > id and roles); and what tells a client from others (see plan) > name and number."""

    sectors: dict[str, dict[str, Any]]
    groups: dict[str, dict[str, Any]]
    clients: dict[str, dict[str, Any]]
    users: dict[str, list[dict[str, Any]]]  # by address: several may share one
    accesses: dict[tuple[int, int], dict[str, Any]]
    memberships: set[tuple[int, int]]
    duties: dict[tuple[int, int], dict[str, Any]]
    likes: dict[tuple[str, str], tuple[str, str]]
    approving: dict[
        tuple[int, int], list[str]
    ]  # person, client > the roles in which he approves there, as long as they last
    templates: dict[int, str]  # client > the template that its rights group hands to new users
    seen: set[int] | None = None  # the clients that a restricted employee may see; None: all

    @property
    def staff(self) -> list[dict[str, Any]]:
        return [row for row in self.people() if row["kind"] == "staff"]

    def people(self) -> Iterator[dict[str, Any]]:
        return itertools.chain.from_iterable(self.users.values())

    def may_name(self, person: int) -> bool:
        """Whether the one who imports sees this person: somebody of a client of his."""
        return self.seen is None or any(who == person and at in self.seen for who, at in self.accesses)

    def may_see(self, client: int) -> bool:
        return self.seen is None or client in self.seen

    def reaches_beyond(self, person: int) -> bool:
        """Whether this person also has clients that the employee who imports may not see: then his name is not theirs to change."""
        return person in self._beyond

    @functools.cached_property
    def _beyond(self) -> set[int]:
        return set() if self.seen is None else {who for who, at in self.accesses if at not in self.seen}

    def digest(self) -> str:
        hashed = hashlib.sha256()
        for rows in (self.sectors, self.groups, self.clients):
            for key in sorted(rows):
                hashed.update(repr(sorted(rows[key].items(), key=_first)).encode())
        for person in sorted(self.people(), key=lambda row: int(row["id"])):
            hashed.update(repr(sorted(person.items(), key=_first)).encode())
        for pair in sorted(self.accesses):
            hashed.update(repr((pair, self.accesses[pair]["role"], self.accesses[pair]["rights"])).encode())
        hashed.update(repr(sorted(self.memberships)).encode())
        hashed.update(repr(sorted(self.approving.items())).encode())
        hashed.update(repr(sorted((pair, row["roles"]) for pair, row in self.duties.items())).encode())
        hashed.update(
            repr(sorted(self.seen & {row["id"] for row in self.clients.values()} if self.seen else ())).encode()
        )
        return hashed.hexdigest()


def _first(item: tuple[str, Any]) -> str:
    return item[0]


async def load(keys: Keys, by: Viewer) -> World:
    """A dozen statements at most, whatever the number of rows; in the present unit."""
    clients = await _rows(
        f"SELECT id, number, number_key, state, merged_into, {', '.join(CLIENT_FIELDS)} FROM client WHERE number_key IN {{}}",
        keys.clients,
    )
    users = await _rows(
        "SELECT id, kind, state, role, office, all_clients, full_name, email, email_key, "
        f"{', '.join((*USER_FIELDS, *PARTNER))} FROM users WHERE email_key IN {{}}{_OR_STAFF if keys.staff else ''}",
        keys.users or {"@"} if keys.staff else keys.users,
    )
    sectors = await _rows("SELECT id, name, name_key, sbi, sbi_version FROM sector WHERE name_key IN {}", keys.sectors)
    groups = await engine.raw(
        "SELECT id, name, name_key, description, CASE WHEN purpose = 'rights' THEN template ELSE '' END AS template FROM client_group ORDER BY name_key"
    )
    by_address: dict[str, list[dict[str, Any]]] = {}
    for user in sorted(users, key=lambda row: int(row["id"])):
        by_address.setdefault(user["email_key"], []).append(user)
    accesses = await _by_id(
        "SELECT person, client, rights, role, own FROM access WHERE person IN {}", [u["id"] for u in users]
    )
    approving: dict[tuple[int, int], list[str]] = {}
    for row in await _by_id(
        f"SELECT person, client, role FROM approver_role WHERE (until IS NULL OR until >= '{this_day().isoformat()}') AND person IN {{}} ORDER BY id",
        [u["id"] for u in users],
    ):
        approving.setdefault((row["person"], row["client"]), []).append(row["role"])
    members = await _by_id("SELECT client, client_group FROM membership WHERE client IN {}", [c["id"] for c in clients])
    asked = [c["id"] for c in clients if c["number_key"] in keys.duties]
    duties = await _by_id("SELECT id, person, client, roles FROM responsible WHERE client IN {}", asked)
    seen = None
    if not by.sees_all_clients:
        seen = {row["id"] for row in await engine.raw(f"SELECT c.id FROM client c WHERE {clients_seen(by)}")}
    return World(
        {row["name_key"]: row for row in sectors},
        {row["name_key"]: row for row in groups if row["name_key"] in keys.groups},
        {row["number_key"]: row for row in clients},
        by_address,
        {(row["person"], row["client"]): row for row in accesses},
        {(row["client"], row["client_group"]) for row in members},
        {(row["person"], row["client"]): row for row in duties},
        await _alike(keys, seen),
        approving,
        _handed_out(groups, members),
        seen,
    )


def _handed_out(groups: engine.Rows, members: engine.Rows) -> dict[int, str]:
    """Of the first rights group by name: see models.clients.grouping.default_template."""
    handing = {row["id"]: (at, row["template"]) for at, row in enumerate(groups) if row["template"]}
    found: dict[int, tuple[int, str]] = {}
    for row in members:
        if (one := handing.get(row["client_group"])) and one < found.get(row["client"], (len(groups), "")):
            found[row["client"]] = one
    return {client: template for client, (_, template) in found.items()}


async def _alike(keys: Keys, seen: set[int] | None) -> dict[tuple[str, str], tuple[str, str]]:
    """What tells a client that is there: ("kvk", number and branch) and ("name", name and postcode)."""
    rows = await _rows(
        "SELECT id, name, number, kvk, branch_number FROM client WHERE kvk IN {} AND kvk <> ''", keys.kvks - {""}
    )
    found = {("kvk", f"{row['kvk']} {row['branch_number']}"): _told(row, seen) for row in rows}
    rows = await _rows(
        "SELECT id, name, number, postcode FROM client WHERE postcode <> '' AND lower(name) IN {}", keys.names - {""}
    )
    return found | {("name", f"{fold(row['name'])} {row['postcode']}"): _told(row, seen) for row in rows}


def _told(row: dict[str, Any], seen: set[int] | None) -> tuple[str, str]:
    """Name and number; of a client that he who imports may not see, neither."""
    return (row["name"], row["number"]) if seen is None or row["id"] in seen else ("", "")


async def names_of(clients: Iterable[int]) -> dict[int, str]:
    rows = await _by_id("SELECT id, name FROM client WHERE id IN {}", list(clients))
    return {row["id"]: row["name"] for row in rows}


async def _rows(sql: str, keys: set[str]) -> engine.Rows:
    if not keys:
        return []
    listed = (
        "(SELECT value FROM json_each($1))"
        if engine.is_sqlite()
        else "(SELECT value FROM json_array_elements_text(CAST($1 AS json)))"
    )
    return await engine.raw(sql.format(listed), json.dumps(sorted(keys)))


async def _by_id(sql: str, ids: list[int]) -> engine.Rows:
    return await engine.raw(sql.format(listed(1)), json.dumps(ids)) if ids else []


def listed(n: int) -> str:
    """The ids in argument `n`, a JSON list: one argument, however many there are."""
    if engine.is_sqlite():
        return f"(SELECT value FROM json_each(${n}))"
    return f"(SELECT CAST(value AS INTEGER) FROM json_array_elements_text(CAST(${n} AS json)))"
