"""What connecting asks of the databases beside its tables: what is due, and the log of one webhook, newest first."""

from __future__ import annotations

ON_BOTH = (
    "CREATE INDEX webhook_delivery_due ON webhook_delivery (run_after, id) WHERE state = 'waiting'",
    "CREATE INDEX webhook_delivery_log ON webhook_delivery (webhook, id)",
)
