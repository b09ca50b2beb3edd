"""What an expression over dates gave, as the same thing on both databases.

SQLite knows the type of a column and not of an expression: `max(at)`, `coalesce(a.due_on, b.due_on)` come back as text there.
"""

from __future__ import annotations

import datetime as dt
from typing import Any


def as_day(value: Any) -> Any:
    """A `date`, of a date, a moment or the text of one; None stays None (so typed as what the caller knows it to be)."""
    if value is None or (isinstance(value, dt.date) and not isinstance(value, dt.datetime)):
        return value
    return dt.date.fromisoformat(str(value)[:10])


def as_moment(value: Any) -> Any:
    """An aware `datetime`, of a moment or the text of one; None stays None."""
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else value
