"""Clients for whom nobody could sign: of every kind in use the plan that counts, judged as offering judges it
(`planning.who_would_sign`), but of all clients in one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from models import engine
from models.clients import seen
from models.settings import this_day
from models.viewer import Right

if TYPE_CHECKING:
    from models.viewer import Viewer

_APPROVE = int(Right.APPROVE)
# The clients that have the module: of others nobody is asked anything.
_WITH = "c.state = 'active' AND (c.modules = '' OR ',' || c.modules || ',' LIKE '%,approvals,%')"
# The kinds that have a plan of their own somewhere, and for all others together one of them.
_PLANNED = "SELECT kind FROM approval_plan WHERE kind IS NOT NULL"
_KINDS = (
    f"SELECT min(k.id) AS kind, CASE WHEN k.id IN ({_PLANNED}) THEN k.name ELSE '' END AS name "
    f"FROM approval_kind k WHERE k.is_active GROUP BY CASE WHEN k.id IN ({_PLANNED}) THEN k.id ELSE 0 END, 2"
)
_PAIRS = f"""SELECT c.id AS client, k.kind, coalesce(a.id, b.id, d.id, e.id) AS plan FROM client c CROSS JOIN kinds k
LEFT JOIN approval_plan a ON a.client = c.id AND a.kind = k.kind AND a.steps <> '[]'
LEFT JOIN approval_plan b ON b.client = c.id AND b.kind IS NULL AND b.steps <> '[]'
LEFT JOIN approval_plan d ON d.client IS NULL AND d.kind = k.kind AND d.steps <> '[]'
LEFT JOIN approval_plan e ON e.client IS NULL AND e.kind IS NULL AND e.steps <> '[]' WHERE {_WITH} AND """


def _who() -> str:
    """Of each plan its places: plan, step, mode, n, and role or person."""
    if engine.is_sqlite():
        return (
            "SELECT p.id AS plan, s.key AS step, json_extract(s.value, '$.mode') AS mode, json_extract(s.value, '$.n') AS n, "
            "json_extract(w.value, '$.role') AS role, json_extract(w.value, '$.person') AS person "
            "FROM approval_plan p, json_each(p.steps) s, json_each(s.value, '$.who') w"
        )
    return (
        "SELECT p.id AS plan, s.step, s.value ->> 'mode' AS mode, CAST(s.value ->> 'n' AS INTEGER) AS n, w.value ->> 'role' AS role, "
        "CAST(w.value ->> 'person' AS INTEGER) AS person FROM approval_plan p, json_array_elements(CAST(p.steps AS json)) "
        "WITH ORDINALITY s(value, step), json_array_elements(s.value -> 'who') w"
    )


def _lacking(clients: str) -> str:
    """Common tables, the last of which is `lacking`: client and kind of what nobody could sign, where one kind stands for all that
    have no plan of their own. `clients` narrows them, of `c.id`."""
    day = this_day().isoformat()  # our own, and so written into the text
    held = (
        "SELECT r.client, r.role, r.person FROM approver_role r JOIN users u ON u.id = r.person WHERE u.kind = 'client' "
        f"AND (r.since IS NULL OR r.since <= '{day}') AND (r.until IS NULL OR r.until >= '{day}') UNION "
        f"SELECT c.id, 'partner', a.person FROM client c JOIN access a ON a.client = c.partner WHERE (a.rights & {_APPROVE}) <> 0"
    )
    able = f"((a.rights & {_APPROVE}) <> 0 OR (l.role = 'partner' AND (b.rights & {_APPROVE}) <> 0)) AND u.state <> 'blocked'"
    judged = (
        f"SELECT l.client, l.kind, l.step, l.mode, l.n, count(DISTINCT CASE WHEN {able} THEN u.id END) AS able, "
        "max(CASE WHEN l.person IS NULL THEN 1 ELSE 0 END) AS empty FROM place l LEFT JOIN users u ON u.id = l.person AND u.kind = 'client' "
        "LEFT JOIN access a ON a.client = l.client AND a.person = l.person "
        "LEFT JOIN access b ON b.client = l.partner AND b.person = l.person GROUP BY l.client, l.kind, l.step, l.mode, l.n"
    )
    return (
        f"WITH kinds AS ({_KINDS}), pair AS MATERIALIZED ({_PAIRS}{clients}), who AS MATERIALIZED ({_who()}), "
        f"held AS MATERIALIZED ({held}), place AS (SELECT q.client, q.kind, w.step, w.mode, w.n, w.role, coalesce(w.person, h.person) AS person, "
        "c.partner FROM pair q JOIN who w ON w.plan = q.plan JOIN client c ON c.id = q.client "
        f"LEFT JOIN held h ON h.client = q.client AND h.role = w.role), judged AS ({judged}), lacking AS MATERIALIZED ("
        "SELECT DISTINCT client, kind FROM judged WHERE able = 0 OR (mode = 'all' AND empty = 1) OR (mode = 'some' AND able < n) "
        "UNION SELECT q.client, q.kind FROM pair q WHERE q.plan IS NULL AND q.client NOT IN (SELECT a.client FROM access a "
        f"JOIN users u ON u.id = a.person WHERE u.kind = 'client' AND u.state <> 'blocked' AND (a.rights & {_APPROVE}) <> 0))"
    )


def without_signer(kind: int | None = None) -> str:
    """The clients for whom nobody could sign this kind (None: at least one of the kinds in use), as a list for IN."""
    these = ""
    if kind is not None:
        alike = f"SELECT min(k.id) FROM approval_kind k WHERE k.is_active AND k.id NOT IN ({_PLANNED})"
        these = f" WHERE kind = CASE WHEN {int(kind)} IN ({_PLANNED}) THEN {int(kind)} ELSE ({alike}) END"
    return f"({_lacking('1 = 1')} SELECT client FROM lacking{these})"


class Lack(NamedTuple):
    """A kind that nobody could sign at `clients` clients; without a `name` it stands for all that have no plan of their own."""

    kind: int
    name: str
    clients: int


class Signers(NamedTuple):
    """`clients` have the module; for `whole` of them somebody could sign every kind in use, for `none` of them nothing at all."""

    clients: int
    whole: int
    none: int
    lacks: tuple[Lack, ...]


async def signers(viewer: Viewer) -> Signers:
    """Of the clients that this viewer sees, in one statement; the kinds that are missed most first."""
    rows = await engine.raw(
        f"{_lacking(seen(viewer, 'c.id'))} SELECT -1 AS kind, '' AS name, count(*) AS n, "
        "coalesce(sum(CASE WHEN t.missed > 0 THEN 1 ELSE 0 END), 0) AS missed, coalesce(sum(CASE WHEN t.missed = t.kinds THEN 1 ELSE 0 END), 0) AS none "
        "FROM (SELECT q.client, count(*) AS kinds, count(x.client) AS missed FROM pair q LEFT JOIN lacking x ON x.client = q.client "
        "AND x.kind = q.kind GROUP BY q.client) t UNION ALL SELECT x.kind, k.name, count(*), 0, 0 FROM lacking x "
        "JOIN kinds k ON k.kind = x.kind GROUP BY x.kind, k.name"
    )
    whole = next(row for row in rows if row["kind"] == -1)
    lacks = (Lack(row["kind"], row["name"], int(row["n"])) for row in rows if row["kind"] >= 0)
    clients = int(whole["n"])
    return Signers(
        clients,
        clients - int(whole["missed"]),
        int(whole["none"]),
        tuple(sorted(lacks, key=lambda lack: (-lack.clients, lack.name))),
    )
