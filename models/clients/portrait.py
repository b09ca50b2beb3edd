"""What one sees of a client at a glance: his users, who looks after him, his dossier, what came in last."""

from __future__ import annotations

from typing import Any

from models import engine
from models.clients.checks import ADDRESS
from models.clients.envelope import envelope
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
# One row whatever there is: names of what the client refers to, and counts.
_NUMBERS_SQL = """
SELECT (SELECT o.name FROM office o WHERE o.id = $2) AS office_name,
 (SELECT p.name FROM client p WHERE p.id = $3) AS partner_name,
 (SELECT {join}(s.name, ', ') FROM client_sector h JOIN sector s ON s.id = h.sector WHERE h.client = $1) AS sector_names,
 (SELECT count(*) FROM folder WHERE client = $1 AND trashed_at IS NULL) AS folders,
 (SELECT count(*) FROM folder WHERE client = $1 AND trashed_at IS NULL AND kind IN ('upload', 'both')) AS upload_folders,
 (SELECT count(*) FROM document WHERE client = $1 AND trashed_at IS NULL AND source = 'office') AS documents
"""


async def of(client: Client) -> dict[str, Any]:
    """users, staff, groups and uploads as rows; folders, upload_folders and documents as numbers; office_name, partner_name,
    sector_names (joined) or None; addresses (see addresses_of)."""
    join = "group_concat" if engine.is_sqlite() else "string_agg"
    return {
        "users": [_named(row) for row in await engine.raw(_USERS_SQL, client.id)],
        "staff": [_named(row) for row in await engine.raw(_STAFF_SQL, client.id)],
        "client_groups": await engine.raw(_GROUPS_SQL, client.id),
        "uploads": [_named(row) for row in await engine.raw(_UPLOADS_SQL, client.id)],
        **(await engine.raw(_NUMBERS_SQL.format(join=join), client.id, client.office, client.partner))[0],
        "addresses": addresses_of(client),
    }


def addresses_of(client: Client) -> list[list[str]]:
    """The visit address and the post address, as far as there are, each in the lines of an envelope."""
    held = {start + part: getattr(client, start + part) for start in ("", "post_") for part in ADDRESS}
    told = [envelope(held, start, capitals=False).all_lines for start in ("", "post_")]
    return [lines for lines in told if lines]


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
