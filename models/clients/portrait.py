"""What one sees of a client at a glance: his users, who looks after him, his dossier, what came in last."""

from __future__ import annotations

from typing import Any

from models import engine
from models.accounts.invited import events_sql, told
from models.clients.records import Client

_USERS_SQL = """
SELECT u.id, u.full_name, u.email, u.state, a.role FROM access a JOIN users u ON u.id = a.person
WHERE a.client = $1 ORDER BY u.sort_key, u.id LIMIT 50
"""
_STAFF_SQL = """
SELECT u.id, u.full_name, u.email, u.phone FROM responsible r JOIN users u ON u.id = r.person
WHERE r.client = $1 ORDER BY u.sort_key
"""
_GROUPS_SQL = """
SELECT g.id, g.name FROM membership m JOIN client_group g ON g.id = m.client_group WHERE m.client = $1 ORDER BY g.name_key
"""
_UPLOADS_SQL = """
SELECT d.id, d.name, d.uploaded_at, f.name AS folder, u.full_name
FROM document d JOIN folder f ON f.id = d.folder LEFT JOIN users u ON u.id = d.uploaded_by
WHERE d.client = $1 AND d.source = 'client' AND d.trashed_at IS NULL ORDER BY d.uploaded_at DESC, d.id DESC LIMIT 8
"""
_NUMBERS_SQL = """
SELECT (SELECT count(*) FROM folder WHERE client = $1 AND trashed_at IS NULL) AS folders,
 (SELECT count(*) FROM folder WHERE client = $1 AND trashed_at IS NULL AND kind = 'upload') AS upload_folders,
 (SELECT count(*) FROM document WHERE client = $1 AND trashed_at IS NULL AND source = 'office') AS documents
"""


async def of(client: Client) -> dict[str, Any]:
    """users, staff, groups and uploads as rows; folders, upload_folders and documents as numbers."""
    return {
        "users": [_named(row) for row in await engine.raw(_USERS_SQL, client.id)],
        "staff": [_named(row) for row in await engine.raw(_STAFF_SQL, client.id)],
        "client_groups": await engine.raw(_GROUPS_SQL, client.id),
        "uploads": [_named(row) for row in await engine.raw(_UPLOADS_SQL, client.id)],
        **(await engine.raw(_NUMBERS_SQL, client.id))[0],
    }


async def particulars(client: Client) -> dict[str, Any]:
    """For the page with details: own_groups (ids, by hand), rule_groups (names), responsible (person > roles), partner and
    merged_into (id, number, name, or None)."""
    groups = await engine.raw(
        "SELECT g.id, g.name, m.source FROM membership m JOIN client_group g ON g.id = m.client_group WHERE m.client = $1 ORDER BY g.name_key",
        client.id,
    )
    people = await engine.raw(
        "SELECT u.id, u.full_name AS who, r.roles FROM responsible r JOIN users u ON u.id = r.person WHERE r.client = $1 ORDER BY u.sort_key, u.id",
        client.id,
    )
    others = await engine.raw(
        "SELECT id, number, name FROM client WHERE id = $1 OR id = $2", client.partner or 0, client.merged_into or 0
    )
    by_id = {row["id"]: row for row in others}
    return {
        "own_groups": {row["id"] for row in groups if row["source"] != "rule"},
        "rule_groups": [row["name"] for row in groups if row["source"] == "rule"],
        "responsible": [row | {"roles": row["roles"].split(",")} for row in people],
        "partner": by_id.get(client.partner or 0),
        "merged_into": by_id.get(client.merged_into or 0),
    }


def _named(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "who": row["full_name"] or ""}


_LINE = "SELECT at, id, person, operation, record_table, record_id, detail FROM trail"
# What was done about a client, and how far his people are: who was invited, what became of the mail, who came in, was blocked.
_LOG = f"""{_LINE} WHERE client = $1
UNION ALL {_LINE} WHERE client IS NULL AND record_table = 'User' AND record_id IN (SELECT person FROM access WHERE client = $1)
 AND operation IN ('User.invite', 'User.invite_again', 'User.withdraw', 'User.activate', 'User.block', 'User.unblock')
UNION ALL """


async def log(client: Client, number: int, size: int) -> tuple[list[dict[str, Any]], int]:
    """One page, counted from 1, of the trail of this client, newest first, and how many lines there are."""
    lines = _LOG + events_sql("SELECT person FROM access WHERE client = $1")
    rows = await engine.raw(
        f"SELECT t.*, u.full_name FROM ({lines}) t "
        "LEFT JOIN users u ON u.id = coalesce(t.person, CASE WHEN t.record_table = 'User' THEN t.record_id END) "
        "ORDER BY t.at DESC, t.id DESC LIMIT $2 OFFSET $3",
        client.id,
        size,
        (number - 1) * size,
    )
    total = (await engine.raw(f"SELECT count(*) AS n FROM ({lines}) t", client.id))[0]["n"]
    return [told(_named(row)) for row in rows], total
