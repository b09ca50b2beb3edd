"""What Piccolo cannot express of who hears of what is new: indexes, and filling in (poort_0016)."""

from __future__ import annotations

ON_BOTH: tuple[str, ...] = (
    "CREATE UNIQUE INDEX hearing_once ON hearing (person, coalesce(client, 0))",
    "CREATE INDEX remark_moment ON remark (at)",
    "CREATE INDEX request_item_asked ON request_item (asked_at)",
    "CREATE INDEX request_item_judged ON request_item (judged_at)",
    "CREATE INDEX document_request_open ON document_request (state, due_on)",
    # Until now nobody could choose for a client user: he hears as the office has it.
    "UPDATE users SET digest = '' WHERE kind = 'client' AND digest = 'daily'",
    "UPDATE request_item SET asked_at = (SELECT r.made_at FROM document_request r WHERE r.id = request_item.request)",
)
