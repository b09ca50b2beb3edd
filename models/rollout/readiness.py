"""When a client is ready for the gates: said once, for the checklist, the matrix and an opening.

Ready is who can be reached (a user with an address), and, where the office uses dossiers, has folders and a folder to
hand papers in. Papers in the dossier and a responsible member of staff are shown, and not demanded.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from piccolo.columns.combination import WhereRaw

from models import engine
from models.clients import seen
from models.core import fold
from models.people import search_words
from models.settings import utcnow

if TYPE_CHECKING:
    from models.settings import Firm
    from models.viewer import Viewer

# step of a client > (column with the client, which rows are the proof of it)
_PROOFS = {
    "people": ("a.client", "access a JOIN users u ON u.id = a.person WHERE u.email <> '' AND u.state <> 'blocked'"),
    "responsible": ("r.client", "responsible r WHERE 1 = 1"),
    "structure": ("f.client", "folder f WHERE f.trashed_at IS NULL"),
    "upload": ("f.client", "folder f WHERE f.kind IN ('upload', 'both') AND f.trashed_at IS NULL"),
    "filled": ("d.client", "document d WHERE d.trashed_at IS NULL"),
    "invited": ("a.client", "access a JOIN users u ON u.id = a.person WHERE u.state IN ('invited', 'active')"),
    "active": ("a.client", "access a JOIN users u ON u.id = a.person WHERE u.state = 'active'"),
}
# Whether `c` has done it. Over many clients by set: Postgres hashes it once, whatever it knows of the tables; asked client
# by client, it took half a minute just after an import. For the few rows of a page client by client.
FACTS = {
    name: f"(c.id IN (SELECT {column} FROM {rows} AND {column} IS NOT NULL))"
    for name, (column, rows) in _PROOFS.items()
}
_OF_ONE = {name: f"EXISTS (SELECT 1 FROM {rows} AND {column} = c.id)" for name, (column, rows) in _PROOFS.items()}
COLUMNS = tuple(FACTS)
OF_DOSSIERS = ("structure", "filled", "upload")
_SORTS = {"name": "c.sort_key", "number": "c.number_key", "ready": "ready"}


def columns_for(firm: Firm) -> tuple[str, ...]:
    """The steps of a client that the office uses."""
    return COLUMNS if firm.uses("dossiers") else tuple(name for name in COLUMNS if name not in OF_DOSSIERS)


def required_for(firm: Firm) -> tuple[str, ...]:
    return ("people", "structure", "upload") if firm.uses("dossiers") else ("people",)


def ready_sql(firm: Firm, facts: dict[str, str] = FACTS) -> str:
    """Whether the client `c` is ready."""
    return "(" + " AND ".join(facts[name] for name in required_for(firm)) + ")"


def mine_sql(viewer: Viewer, column: str = "c.id") -> str:
    """The clients this member of staff sees."""
    return seen(viewer, column)


def my_people_sql(viewer: Viewer) -> str:
    """The users `u` this member of staff sees."""
    return (
        "1 = 1"
        if viewer.sees_all_clients
        else f"u.id IN (SELECT y.person FROM access y WHERE {mine_sql(viewer, 'y.client')})"
    )


@dataclass(frozen=True)
class Matrix:
    rows: list[dict[str, Any]]
    total: int


def _filtered(viewer: Viewer, firm: Firm, q: str, group: int, ready: str, missing: str) -> tuple[str, list[Any]]:
    parts = ["c.state = 'active'", mine_sql(viewer)]
    values: list[Any] = []
    for word in search_words(q):
        values.append(f"%{fold(word).replace('!', '!!').replace('%', '!%').replace('_', '!_')}%")
        parts.append(f"(c.search_key LIKE ${len(values)} ESCAPE '!')")
    if group:
        values.append(group)
        parts.append(f"EXISTS (SELECT 1 FROM membership m WHERE m.client = c.id AND m.client_group = ${len(values)})")
    if ready in ("yes", "no"):
        parts.append(f"{'' if ready == 'yes' else 'NOT '}{ready_sql(firm)}")
    if missing in columns_for(firm):
        parts.append(f"NOT {FACTS[missing]}")
    return " AND ".join(parts), values


async def matrix(
    viewer: Viewer, firm: Firm, *, q: str = "", group: int = 0, ready: str = "", missing: str = "",
    sort: str = "name", page: int = 1, size: int = 50,
) -> Matrix:  # fmt: skip
    """One page of the clients with, per step, whether it was done; `missing` leaves those without that step."""
    where, values = _filtered(viewer, firm, q, group, ready, missing)
    order = _SORTS.get(sort.removeprefix("-"), "c.sort_key")
    columns = ", ".join(f"{_OF_ONE[name]} AS {name}" for name in columns_for(firm))
    # The page is chosen first: only its own clients are asked for every step.
    lead = f", {ready_sql(firm)} AS ready" if order == "ready" else ""
    sql = (
        f"WITH page AS (SELECT c.id{lead} FROM client c WHERE {where} "
        f"ORDER BY {order}{' DESC' if sort.startswith('-') else ''}, c.sort_key, c.id LIMIT {int(size)} OFFSET {(int(page) - 1) * int(size)}) "
        f"SELECT c.id, c.name, c.number, {columns}, {ready_sql(firm, _OF_ONE)} AS ready FROM page p JOIN client c ON c.id = p.id "
        f"ORDER BY {order.replace('ready', 'p.ready')}{' DESC' if sort.startswith('-') else ''}, c.sort_key, c.id"
    )
    rows = await engine.raw(sql, *values)
    total = (await engine.raw(f"SELECT count(*) AS n FROM client c WHERE {where}", *values))[0]["n"]
    return Matrix(rows, total)


async def counts(viewer: Viewer, firm: Firm) -> dict[str, int]:
    """How many clients there are (`clients`), have done each step, and are ready (`ready`); one walk over the clients."""
    facts = ", ".join(f"CASE WHEN {FACTS[name]} THEN 1 ELSE 0 END AS {name}" for name in columns_for(firm))
    # MATERIALIZED, or each sum would ask the questions again.
    ready = " AND ".join(f"{name} = 1" for name in required_for(firm))
    sums = ", ".join(f"coalesce(sum({name}), 0) AS {name}" for name in columns_for(firm))
    rows = await engine.raw(
        f"WITH facts AS MATERIALIZED (SELECT {facts} FROM client c WHERE c.state = 'active' AND {mine_sql(viewer)}) "
        f"SELECT count(*) AS clients, {sums}, coalesce(sum(CASE WHEN {ready} THEN 1 ELSE 0 END), 0) AS ready FROM facts"
    )
    return {name: int(value) for name, value in rows[0].items()}


async def people_of_clients(
    viewer: Viewer,
    firm: Firm,
    *,
    ids: list[int] | None = None,
    q: str = "",
    group: int = 0,
    ready: str = "",
    missing: str = "",
) -> list[int]:
    """The users of the chosen clients (`ids`), or of all that match the filter of the matrix."""
    where, values = _chosen(viewer, firm, ids, q, group, ready, missing)
    rows = await engine.raw(
        f"SELECT DISTINCT a.person FROM access a JOIN client c ON c.id = a.client WHERE {where}", *values
    )
    return [row["person"] for row in rows]


async def clients_without_people(
    viewer: Viewer,
    firm: Firm,
    *,
    ids: list[int] | None = None,
    q: str = "",
    group: int = 0,
    ready: str = "",
    missing: str = "",
) -> list[str]:
    """The names of those of the chosen clients that have nobody who could be invited."""
    where, values = _chosen(viewer, firm, ids, q, group, ready, missing)
    rows = await engine.raw(
        f"SELECT c.name FROM client c WHERE {where} AND NOT EXISTS (SELECT 1 FROM access a WHERE a.client = c.id) ORDER BY c.sort_key, c.id",
        *values,
    )
    return [row["name"] for row in rows]


def _chosen(
    viewer: Viewer, firm: Firm, ids: list[int] | None, q: str, group: int, ready: str, missing: str
) -> tuple[str, list[Any]]:
    where, values = _filtered(viewer, firm, q, group, ready, missing)
    if ids is not None:
        where += f" AND c.id IN ({', '.join(str(int(one)) for one in ids) or 'NULL'})"
    return where, values


def unready_person_sql(firm: Firm, person: str) -> str:
    """Whether one of the clients that this person reaches is not ready."""
    return f"{person} IN (SELECT x.person FROM access x JOIN client c ON c.id = x.client WHERE c.state = 'active' AND NOT {ready_sql(firm)})"


async def groups(viewer: Viewer) -> list[dict[str, Any]]:
    """The client groups with, of each, how many active clients this viewer sees in it (`clients`)."""
    return await engine.raw(
        "SELECT g.id, g.name, coalesce(n.clients, 0) AS clients FROM client_group g LEFT JOIN (SELECT m.client_group, count(*) AS clients "
        f"FROM membership m JOIN client c ON c.id = m.client WHERE c.state = 'active' AND {mine_sql(viewer)} GROUP BY m.client_group) n "
        "ON n.client_group = g.id WHERE g.purpose = 'selection' ORDER BY g.name_key, g.id"
    )


async def ready_people(viewer: Viewer, firm: Firm) -> list[int]:
    return await people_of_clients(viewer, firm, ready="yes")


async def missing_of_opening(opening: int, firm: Firm) -> dict[str, int]:
    """Of the clients whose people an opening would invite: how many there are (`clients`), and how many miss each step."""
    sums = ", ".join(
        f"coalesce(sum(CASE WHEN {FACTS[name]} THEN 0 ELSE 1 END), 0) AS {name}" for name in required_for(firm)
    )
    rows = await engine.raw(
        f"SELECT count(*) AS clients, {sums}, coalesce(sum(CASE WHEN {ready_sql(firm)} THEN 0 ELSE 1 END), 0) AS not_ready "
        "FROM client c WHERE c.state = 'active' AND c.id IN (SELECT a.client FROM access a "
        "JOIN opening_person p ON p.person = a.person WHERE p.opening = $1 AND p.because = '')",
        opening,
    )
    return {name: int(value) for name, value in rows[0].items()}


async def unready_of_opening(opening: int, viewer: Viewer, firm: Firm, most: int = 6) -> list[dict[str, Any]]:
    """The first of the clients that miss something and whose people an opening would invite, with what they miss (`missing`)."""
    needed = required_for(firm)
    rows = await engine.raw(
        f"SELECT c.id, c.name, {', '.join(f'{_OF_ONE[name]} AS {name}' for name in needed)} FROM client c "
        f"WHERE c.state = 'active' AND {mine_sql(viewer)} AND NOT {ready_sql(firm)} AND c.id IN (SELECT a.client FROM access a "
        f"JOIN opening_person p ON p.person = a.person WHERE p.opening = $1 AND p.because = '') ORDER BY c.sort_key, c.id LIMIT {int(most)}",
        opening,
    )
    return [{**row, "missing": [name for name in needed if not row[name]]} for row in rows]


def valid_until(days: int) -> dt.datetime:
    """Until when an invitation of this moment would be valid."""
    return utcnow() + dt.timedelta(days=days)


def among(people: list[int]) -> Any:
    """These people: as numbers in the statement, because there may be more of them than a statement has places for."""
    return WhereRaw(f"users.id IN ({', '.join(str(int(one)) for one in people) or 'NULL'})")
