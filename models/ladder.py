"""When a request is reminded of by itself: some days before its last day, on a day after it, and then every so many days."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from models.core import Refused, Say


class Ladder(NamedTuple):
    """`before`: days before the last day, the most first; `after`: days after it, 0 for not; `every`: days between those
    that follow, 0 for none."""

    before: tuple[int, ...] = (7, 1)
    after: int = 1
    every: int = 7

    def step(self, due: dt.date, today: dt.date) -> dt.date | None:
        """The last day, up to today, on which it was time to remind; None while it was not time yet."""
        days = [due - dt.timedelta(days=n) for n in self.before]
        if self.after:
            first = due + dt.timedelta(days=self.after)
            days.append(first)
            if self.every and today > first:
                days.append(today - dt.timedelta(days=(today - first).days % self.every))
        return max((day for day in days if day <= today), default=None)

    def next_step(self, due: dt.date, today: dt.date) -> dt.date | None:
        """The first day after today on which it is time to remind."""
        days = [due - dt.timedelta(days=n) for n in self.before]
        if self.after:
            first = due + dt.timedelta(days=self.after)
            days.append(first)
            if self.every and today >= first:
                days.append(today + dt.timedelta(days=self.every - (today - first).days % self.every))
        return min((day for day in days if day > today), default=None)


def ladder_of(before: str, after: int, every: int) -> Ladder:
    return Ladder(tuple(int(n) for n in before.split(",") if n), after, every)


def checked_days(text: object) -> str:
    """Days before the last day, as an administrator types them; kept the most first. Raises Refused."""
    parts = [part.strip() for part in str(text).replace(";", ",").split(",") if part.strip()]
    if any(not (part.isascii() and part.isdecimal() and 0 <= int(part[:5]) <= 90) for part in parts) or len(parts) > 6:
        raise Refused(
            "remind_before", Say("Vul hoogstens zes getallen van 0 tot en met 90 in, met een komma ertussen.")
        )
    return ",".join(str(n) for n in sorted({int(part) for part in parts}, reverse=True))
