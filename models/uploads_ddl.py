"""What Piccolo cannot express of uploads: the few that are not over yet are found without reading the others."""

from __future__ import annotations

STATEMENTS = (
    "CREATE INDEX upload_open ON upload (person) WHERE state IN ('coming', 'asks')",
    "CREATE INDEX upload_expiring ON upload (expires_at) WHERE state IN ('coming', 'asks')",
    "CREATE INDEX upload_blob ON upload (blob) WHERE blob <> ''",
)
OF_PLACING = ("CREATE INDEX upload_placement ON upload (placement) WHERE placement IS NOT NULL",)
