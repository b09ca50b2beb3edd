"""What moving dossiers needs beyond Piccolo: indexes that find who has a structure, what a roll-out added, and what is open to whom."""

from __future__ import annotations

STATEMENTS = (
    # Who has a structure: its top folders alone tell, so the many below cost nothing.
    "CREATE INDEX folder_origin_top ON folder (origin, client) WHERE origin IS NOT NULL AND parent IS NULL",
    "CREATE INDEX folder_run ON folder (run, client) WHERE run IS NOT NULL",
    "CREATE INDEX folder_grant_template ON folder_grant (template, client)",
    "CREATE INDEX folder_grant_client ON folder_grant (client)",
)
