"""What became of somebody's invitations, as lines beside his trail: handed over, refused, opened. Read from the messages and links."""

from __future__ import annotations

import json
from typing import Any

# Shaped as the trail is; {people} selects whose. A first try that is still under way is no line yet.
EVENTS_SQL = """SELECT e.finished_at AS at, e.id, CAST(NULL AS INTEGER) AS person, 'Invitation.' || CASE e.state WHEN 'done' THEN
 CASE WHEN e.said = '{kept}' THEN 'kept' ELSE 'done' END WHEN 'unknown' THEN 'unknown' ELSE 'refused' END AS operation,
 'User' AS record_table, e.person AS record_id, e.address AS detail
FROM errand e WHERE e.kind = 'invitation' AND e.state IN ('done', 'refused', 'failed', 'unknown') AND e.finished_at IS NOT NULL AND e.person IN ({people})
UNION ALL SELECT l.opened_at, l.id, l.person, 'Invitation.open', 'User', l.person, '{{}}'
FROM link l WHERE l.kind = 'invitation' AND l.opened_at IS NOT NULL AND l.person IN ({people})"""


def events_sql(people: str) -> str:
    from models.carrying import KEPT

    return EVENTS_SQL.format(people=people, kept=KEPT.text)


def told(row: dict[str, Any]) -> dict[str, Any]:
    """A named row of the trail or of these events: of a message the system did it, and the person is in the detail."""
    if not row["operation"].startswith("Invitation.") or row["operation"] == "Invitation.open":
        return row
    return {**row, "who": "", "detail": json.dumps({"name": row["who"], "address": row["detail"]})}
