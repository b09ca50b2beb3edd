"""Many clients at once: which match a filter, one page of them, and changes to all that match."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from piccolo.columns.combination import WhereRaw

from models import engine
from models.accounts import User
from models.clients.checks import FIELDS, KINDS, LANGUAGES, SECOND_FACTOR
from models.clients.columns import COLUMNS, FIRST, order_of
from models.clients.reach import settle
from models.clients.records import Access, Client, ClientGroup, seen
from models.core import Refused, Say, Scope, operation
from models.live import touch
from models.people import number_key, sort_name
from models.settings import utcnow
from models.viewer import Permission
from models.words import escaped, holding

if TYPE_CHECKING:
    from models.viewer import Viewer

MISSING = {
    "users": "NOT EXISTS (SELECT 1 FROM access WHERE access.client = client.id)",
    "dossier": "NOT EXISTS (SELECT 1 FROM dossier WHERE dossier.client = client.id)",
    "group": "NOT EXISTS (SELECT 1 FROM membership WHERE membership.client = client.id)",
    "responsible": "NOT EXISTS (SELECT 1 FROM responsible WHERE responsible.client = client.id)",
    "email": "client.email = ''",
    "activation": "",  # depends on the moment: NOBODY_IN
    "signer": "",  # depends on plans and on the day: models.approvals.signers
}
# Somebody was invited a week ago ({week} is that moment) or longer, and nobody is in.
SILENT_AFTER = dt.timedelta(days=7)
NOBODY_IN = (
    "({client} IN (SELECT a.client FROM users u JOIN access a ON a.person = u.id "
    "WHERE u.kind = 'client' AND u.state = 'invited' AND u.invited_at < {week}) "
    "AND NOT EXISTS (SELECT 1 FROM access a CROSS JOIN users u WHERE a.client = {client} AND u.id = a.person AND u.state = 'active'))"
)
STATES = ("active", "archived", "all")


# Typed by the office or its clients: sought as a part of what stands there, in any capitals.
TEXTS = (
    "legal_form", "kvk", "rsin", "vat", "iban", "payroll_numbers", "street", "postcode", "city", "email", "phone", "website", "manager",
)  # fmt: skip
_SPACELESS = frozenset({"kvk", "rsin", "vat", "iban"})
CHOSEN = {
    "kind": KINDS,
    "language": LANGUAGES,
    "second_factor": {name: say for name, say in SECOND_FACTOR.items() if name},
}


@dataclasses.dataclass(frozen=True)
class Filter:
    """What is asked of the list. Unknown values narrow nothing. `since_from` and `since_until` are days as YYYY-MM-DD."""

    q: str = ""
    group: int | None = None
    state: str = "active"
    responsible: int | None = None
    missing: str = ""
    kind: str = ""
    legal_form: str = ""
    kvk: str = ""
    rsin: str = ""
    vat: str = ""
    iban: str = ""
    payroll_numbers: str = ""
    street: str = ""
    postcode: str = ""
    city: str = ""
    email: str = ""
    phone: str = ""
    website: str = ""
    manager: str = ""
    language: str = ""
    second_factor: str = ""
    sector: int | None = None
    office: int | None = None
    module: str = ""
    since_from: str = ""
    since_until: str = ""
    unsigned: int | None = None  # a kind of approval that nobody could sign

    def conditions(self) -> list[tuple[str, tuple[Any, ...]]]:
        """SQL over `client` with `{}` for each argument."""
        found: list[tuple[str, tuple[Any, ...]]] = []
        if self.state in ("active", "archived"):
            found.append(("client.state = {}", (self.state,)))
        found += holding("client", self.q)
        found += [(_REFERS[name], (id,)) for name in _REFERS if (id := getattr(self, name)) is not None]
        found += [(f"client.{name} = {{}}", (value,)) for name in CHOSEN if (value := getattr(self, name))]
        for name in TEXTS:
            if text := getattr(self, name).lower():
                text = text.replace(" ", "") if name in _SPACELESS else text
                found.append((f"lower(client.{name}) LIKE {{}} ESCAPE '!'", (f"%{escaped(text)}%",)))
        if self.module:
            found.append(("(client.modules = '' OR ',' || client.modules || ',' LIKE {})", (f"%,{self.module},%",)))
        for name, than in (("since_from", ">="), ("since_until", "<=")):
            if day := _day(getattr(self, name)):
                found.append((f"client.since {than} {{}}", (day,)))
        if self.missing == "activation":
            found.append((NOBODY_IN.format(client="client.id", week="{}"), (utcnow() - SILENT_AFTER,)))
        elif self.missing == "signer":
            found.append((_unsigned(), ()))
        elif self.missing in MISSING:
            found.append((MISSING[self.missing], ()))
        if self.unsigned is not None:
            found.append((_unsigned(self.unsigned), ()))
        return found


def _unsigned(kind: int | None = None) -> str:
    from models.approvals.signers import without_signer  # which reads plans, and they are of clients

    return f"client.id IN {without_signer(kind)}"


_REFERS = {
    "group": "client.id IN (SELECT m.client FROM membership m WHERE m.client_group = {})",
    "responsible": "client.id IN (SELECT r.client FROM responsible r WHERE r.person = {})",
    "sector": "client.id IN (SELECT h.client FROM client_sector h WHERE h.sector = {})",
    "office": "client.office = {}",
}


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def matching(viewer: Viewer, **asked: Any) -> Scope[Client]:
    """The clients that exist for this viewer, narrowed: any of the fields of `Filter`."""
    return viewer.clients.where(*(WhereRaw(sql, *args) for sql, args in Filter(**asked).conditions()))


def _where(viewer: Viewer, asked: Filter) -> tuple[str, list[Any]]:
    """The same conditions for `engine.raw`, bounded to what this viewer may see."""
    conditions = asked.conditions()
    conditions.append((seen(viewer, "client.id"), ()))
    sql = " AND ".join(text for text, _ in conditions) or "1 = 1"
    args = [argument for _, more in conditions for argument in more]
    return sql.format(*(f"${n}" for n in range(1, len(args) + 1))), args


# All of a page in one statement: the names and counts beside each client come from subqueries over its fifty rows only.
_PAGE_SQL = """
SELECT c.id, c.name, c.state{columns}
FROM (SELECT id AS place FROM client WHERE {where} ORDER BY {order} LIMIT {size} OFFSET {offset}) p JOIN client c ON c.id = p.place
ORDER BY {order}
"""


async def page(
    viewer: Viewer, asked: Filter, order: str, number: int, size: int, columns: Iterable[str] = FIRST
) -> list[dict[str, Any]]:
    """One page, counted from 1: id, name, state, and of each of the `columns` (of COLUMNS) what stands in it: text, users
    '1/2' active or None, dossier whether there is one."""
    where, args = _where(viewer, asked)
    join = "group_concat" if engine.is_sqlite() else "string_agg"
    chosen = "".join(f", {COLUMNS[name].sql.format(join=join)} AS {name}" for name in columns)
    sql = _PAGE_SQL.format(columns=chosen, where=where, order=order_of(order), size=size, offset=(number - 1) * size)
    return await engine.raw(sql, *args)


async def count(viewer: Viewer, asked: Filter) -> int:
    where, args = _where(viewer, asked)
    return int((await engine.raw(f"SELECT count(*) AS n FROM client WHERE {where}", *args))[0]["n"])


_CHOICES_SQL = """
SELECT 'groups' AS what, id, name, name_key AS place FROM client_group
UNION ALL SELECT 'staff', id, full_name, sort_key FROM users WHERE kind = 'staff' AND state <> 'blocked'
UNION ALL SELECT 'structures', id, name, name_key FROM dossier WHERE kind = 'standard'
UNION ALL SELECT 'every_sector', id, name, name_key FROM sector
UNION ALL SELECT 'offices', id, name, name_key FROM office
UNION ALL SELECT 'approval_kinds', id, name, name_key FROM approval_kind WHERE is_active ORDER BY what, place, id
"""


async def choices(viewer: Viewer) -> dict[str, Any]:
    """What filter and bulk bar offer: (id, name) of all groups, staff, structures (standard ones), every_sector, offices and approval_kinds."""
    found: dict[str, Any] = {
        what: [] for what in ("groups", "staff", "structures", "every_sector", "offices", "approval_kinds")
    }
    for row in await engine.raw(_CHOICES_SQL):
        found[row["what"]].append((row["id"], row["name"]))
    return found


async def for_export(viewer: Viewer, asked: Filter, order: str, ids: list[int] | None = None) -> list[dict[str, Any]]:
    """Every client that matches (with `ids`: of these), with all that the office noted about him. Never the BSN or the notes."""
    where, args = _where(viewer, asked)
    if ids is not None:
        args.append(json.dumps(ids))
        where += f" AND client.id IN {_listed(len(args))}"
    join = "group_concat" if engine.is_sqlite() else "string_agg"
    named = {name: COLUMNS[name].sql.format(join=join) for name in ("groups", "people", "sectors", "office")}
    columns = ", ".join([f"c.{name}" for name in _EXPORTED] + [f"{sql} AS {name}" for name, sql in named.items()])
    return await engine.raw(
        f"SELECT {columns} FROM client c JOIN (SELECT id AS place FROM client WHERE {where}) p ON p.place = c.id ORDER BY {order_of(order)}",
        *args,
    )


_EXPORTED = tuple(name for name in FIELDS if name not in ("notes", "office"))


# What the page of a group does at once. Each writes one line for the whole and one on the trail of every client it changed.


@operation(Permission.MANAGE_CLIENTS, trail=False)
async def add_to_group(found: Scope[Client], group: ClientGroup, *, by: Viewer) -> int:
    """Put them in the group; those already in it stay. How many were new."""
    ids = await _ids(found, "id NOT IN (SELECT client FROM membership WHERE client_group = {})", group.id)
    await engine.raw(
        f"INSERT INTO membership (client, client_group) SELECT id, CAST($1 AS INTEGER) FROM client WHERE id IN {_listed(2)}",
        group.id,
        json.dumps(ids),
    )
    await settle(clients=ids)
    await _note_all("Client.join_group", ids, by, group=group.name)
    return len(ids)


@operation(Permission.MANAGE_CLIENTS, trail=False)
async def remove_from_group(found: Scope[Client], group: ClientGroup, *, by: Viewer) -> int:
    """Take them out of the group. How many were in it."""
    ids = await _ids(found, "id IN (SELECT client FROM membership WHERE client_group = {})", group.id)
    await engine.raw(
        f"DELETE FROM membership WHERE client_group = $1 AND client IN {_listed(2)}",
        group.id,
        json.dumps(ids),
    )
    await settle(clients=ids)
    await _note_all("Client.leave_group", ids, by, group=group.name)
    return len(ids)


async def _ids(found: Scope[Client], narrowed: str, *args: Any) -> list[int]:
    rows = await found.where(WhereRaw(f"client.{narrowed}", *args)).select(Client.id)
    return [row["id"] for row in rows]


def _listed(n: int) -> str:
    """The ids in argument `n`, a JSON list: one argument, however many there are."""
    if engine.is_sqlite():
        return f"(SELECT value FROM json_each(${n}))"
    return f"(SELECT CAST(value AS INTEGER) FROM json_array_elements_text(CAST(${n} AS json)))"


async def _note_all(operation: str, ids: Iterable[int], by: Viewer, **detail: Any) -> int:
    """The id of the batch; 0 when nothing changed."""
    ids = list(ids)
    if not ids:
        return 0
    now = utcnow()
    line = await engine.raw(
        "INSERT INTO trail (at, person, operation, record_table, detail) VALUES ($1, $2, $3, '', $4) RETURNING id",
        now,
        by.user.id,
        f"{operation}.bulk",
        json.dumps({**detail, "count": len(ids)}, ensure_ascii=False),
    )
    batch = int(line[0]["id"])
    await engine.raw(
        "INSERT INTO trail (at, person, operation, record_table, record_id, client, detail) "
        "SELECT CAST($1 AS {}), CAST($2 AS INTEGER), CAST($3 AS VARCHAR), 'Client', id, id, CAST($4 AS TEXT) FROM client WHERE id IN {}".format(
            "TEXT" if engine.is_sqlite() else "TIMESTAMPTZ", _listed(5)
        ),
        now,
        by.user.id,
        operation,
        json.dumps({**detail, "batch": batch}, ensure_ascii=False),
        json.dumps(ids),
    )
    await touch("clients", "rollout", *(f"client-{id}" for id in ids[:50]))
    return batch


def picked(viewer: Viewer, ids: list[int], asked: Filter | None) -> Scope[Client]:
    """What somebody ticked: these rows, or (with a filter) all that match it.

    Raises:
        Refused: nothing was ticked.
    """
    if asked is not None:
        return matching(viewer, **dataclasses.asdict(asked))
    if not ids:
        raise Refused("", Say("Kies eerst een of meer cliënten."))
    return viewer.clients.where(Client.id.is_in(ids[:5000]))


async def few_ids(found: Scope[Client], most: int) -> list[int]:
    """The ids, when they are few enough to stand in an address.

    Raises:
        Refused: there are none, or more.
    """
    rows = await found.select(Client.id, order=[Client.sort_key], limit=most + 1)
    if not rows:
        raise Refused("", Say("Kies eerst een of meer cliënten."))
    if len(rows) > most:
        raise Refused(
            "",
            Say("Dit zijn meer dan {most} cliënten. Zet ze eerst in een groep en kopieer naar die groep.", most=most),
        )
    return [row["id"] for row in rows]


def people_of(found: Scope[Client]) -> Scope[User]:
    """The client users who have access to any of these clients, as far as this viewer sees them."""
    clients = Client.select(Client.id).where(found.condition)
    reaching = Access.select(Access.person).where(Access.client.is_in(clients))
    return found.viewer.users.where(User.kind == "client", User.id.is_in(reaching))


def named(viewer: Viewer, typed: str) -> Scope[Client]:
    """The active clients with exactly this number, or else exactly this name. 'number name' as a list offers it works too."""
    typed = typed.replace("\x00", "").strip()[:230]
    first = typed.partition(" ")[0]
    by_name = (Client.sort_key == sort_name(typed)) & (Client.sort_key != "")
    pair = (Client.number_key == number_key(first)) & (Client.name == typed.partition(" ")[2])
    return viewer.clients.where(Client.state == "active", (Client.number_key == number_key(typed)) | by_name | pair)
