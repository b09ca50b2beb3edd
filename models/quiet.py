"""The hours in which nobody is reminded: at night and, where the office wants so, on Sundays; by the clock of Amsterdam."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from models.settings import Firm

ZONE = ZoneInfo("Europe/Amsterdam")


def is_quiet(firm: Firm, at: dt.datetime) -> bool:
    local = at.astimezone(ZONE)
    if firm.quiet_sundays and local.weekday() == 6:
        return True
    since, until = firm.quiet_from, firm.quiet_until
    if since <= until:  # equal: no quiet hours
        return since <= local.hour < until
    return local.hour >= since or local.hour < until


def end_of_quiet(firm: Firm, at: dt.datetime) -> dt.datetime:
    """`at` where it is not quiet, else the first full hour after it that is not (within eight days)."""
    if not is_quiet(firm, at):
        return at
    hour = at.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)
    for n in range(1, 8 * 24):
        if not is_quiet(firm, hour + dt.timedelta(hours=n)):
            return hour + dt.timedelta(hours=n)
    return at
