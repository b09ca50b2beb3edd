"""What Piccolo cannot express of scanning and of links to hand in by, as SQL for their migration (poort_0012)."""

from __future__ import annotations

STATEMENTS = (
    "CREATE INDEX scan_waiting ON scan (is_open, next_try, id) WHERE state = 'waiting'",
    "CREATE INDEX scan_shut ON scan (state) WHERE state IN ('infected', 'too_large')",
    "CREATE INDEX upload_link_folder_made ON upload_link (client, made_at)",
)


def statements_for(engine_type: str) -> tuple[str, ...]:
    """In the order in which they are to be run; the same for both databases."""
    return STATEMENTS
