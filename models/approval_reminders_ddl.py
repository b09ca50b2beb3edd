"""What news of approvals asks of the databases beside its tables: lines that no mail has yet, and those to be put on the record."""

from __future__ import annotations

ON_BOTH = (
    "CREATE INDEX approval_news_waits ON approval_news (person, id) WHERE errand IS NULL",
    "CREATE INDEX approval_news_unnoted ON approval_news (id) WHERE noted_at IS NULL AND named_at IS NOT NULL",
    "CREATE INDEX approval_news_told ON approval_news (request, person, what, at)",
    "CREATE INDEX approval_call_last ON approval_call (request, person, id)",
)


def approval_reminders_for(engine_type: str) -> tuple[str, ...]:
    return ON_BOTH
