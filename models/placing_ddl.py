"""What Piccolo cannot express of placing: the indexes by which its rows are paged, counted and taken up."""

from __future__ import annotations

ON_BOTH = (
    "CREATE INDEX placement_file_state ON placement_file (placement, state, id)",
    "CREATE INDEX placement_file_document ON placement_file (document) WHERE document IS NOT NULL",
    "CREATE INDEX placement_source_unread ON placement_source (placement) WHERE NOT is_read",
)
