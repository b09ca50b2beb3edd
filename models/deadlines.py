"""When a return is due at the latest: the calendar of the tax office and of the chamber of commerce, as a table of rules.

Pure: days in, days out. A period is written as everywhere: '' the whole year, k1..k4 a quarter, m01..m12 a month; and of wages also
p01..p13, the periods of four weeks. No day moves because it is in a weekend: payroll and VAT do not, and for the others the
day before the weekend is the safe one to work towards.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Callable
from typing import NamedTuple

from models.core import Say

DAY = dt.timedelta(days=1)
FOUR_WEEKS = tuple(f"p{n:02}" for n in range(1, 14))


class Asked(NamedTuple):
    """Of which period a rule is asked the day. The book year is called after the year in which it begins. `dated_on`: the day of
    the decision that it follows from, where a period does not tell: when a dividend was paid, when accounts were adopted."""

    book_year: int
    period: str
    year_end_month: int = 12
    dated_on: dt.date | None = None

    @property
    def book_year_end(self) -> dt.date:
        year = self.book_year if self.year_end_month == 12 else self.book_year + 1
        return last_day(year, self.year_end_month)


class Rule(NamedTuple):
    """`due` gives the day, or None for a period in which nobody files it. `extension`: the months that an office has usually.
    `takes_day`: it counts from the day of a decision, see `Asked.dated_on`."""

    name: Say
    due: Callable[[Asked], dt.date | None]
    extension: int = 0
    takes_day: bool = False


def last_day(year: int, month: int) -> dt.date:
    return dt.date(year, month, calendar.monthrange(year, month)[1])


def months_after(day: dt.date, months: int) -> dt.date:
    """Of the end of a period: the same day so many months on; from the last day of a month to the last day of one."""
    same = same_day(day, months)
    return last_day(same.year, same.month) if (day + DAY).day == 1 else same


def same_day(day: dt.date, months: int) -> dt.date:
    """The same day so many months on, or the last of that month: of 28 February 28 March."""
    years, month = divmod(day.month - 1 + months, 12)
    last = last_day(day.year + years, month + 1)
    return last.replace(day=min(day.day, last.day))


def four_weeks(year: int, number: int) -> tuple[dt.date, dt.date]:
    """First and last day of a period of four weeks, 1 to 13. The first begins on 1 January, the last ends on 31 December."""
    monday = dt.date.fromisocalendar(year, 1, 1)
    start, end = monday + 28 * (number - 1) * DAY, monday + (28 * number - 1) * DAY
    return (dt.date(year, 1, 1) if number == 1 else start, dt.date(year, 12, 31) if number == 13 else end)


def end_of(year: int, period: str) -> dt.date | None:
    """The last day of a period of the calendar year; None for one that nobody knows."""
    kind, number = period[:1], int(period[1:]) if period[1:].isdecimal() else 0
    if period == "":
        return dt.date(year, 12, 31)
    if kind == "k" and 1 <= number <= 4:
        return last_day(year, 3 * number)
    if kind == "m" and 1 <= number <= 12:
        return last_day(year, number)
    if kind == "p" and 1 <= number <= 13:
        return four_weeks(year, number)[1]
    return None


def _vat(asked: Asked) -> dt.date | None:
    """The end of the month after it; of a year 31 March."""
    if asked.period in FOUR_WEEKS or (end := end_of(asked.book_year, asked.period)) is None:
        return None
    return months_after(end, 1 if asked.period else 3)


def _payroll(asked: Asked) -> dt.date | None:
    """A month after its end, also when that is in a weekend. Nobody files wages by the quarter."""
    end = end_of(asked.book_year, asked.period)
    return None if end is None or asked.period.startswith("k") else months_after(end, 1)


def _dividend(asked: Asked) -> dt.date | None:
    """A month after the day on which the dividend was paid: no period tells that."""
    return same_day(asked.dated_on, 1) if asked.dated_on else None


def _filing(asked: Asked) -> dt.date | None:
    """Twelve months after the book year, and eight days after the accounts were adopted where that comes first."""
    latest = None if asked.period else months_after(asked.book_year_end, 12)
    return min(asked.dated_on + 8 * DAY, latest) if asked.dated_on and latest else latest


def _of_year(due: Callable[[Asked], dt.date]) -> Callable[[Asked], dt.date | None]:
    return lambda asked: None if asked.period else due(asked)


RULES: dict[str, Rule] = {
    "ob": Rule(Say("Omzetbelasting"), _vat),
    "icp": Rule(Say("Opgaaf ICP"), _vat),
    "lh": Rule(Say("Loonheffingen"), _payroll),
    "ib": Rule(Say("Inkomstenbelasting"), _of_year(lambda asked: dt.date(asked.book_year + 1, 5, 1)), 12),
    "vpb": Rule(Say("Vennootschapsbelasting"), _of_year(lambda asked: months_after(asked.book_year_end, 5)), 11),
    "kvk": Rule(Say("Deponering bij de KvK"), _filing, takes_day=True),
    # No law names a day; employees file their own return from 1 March.
    "jaaropgaaf": Rule(Say("Jaaropgaaf"), _of_year(lambda asked: last_day(asked.book_year + 1, 2))),
    "dividend": Rule(Say("Dividendbelasting"), _dividend, takes_day=True),
}


def extension_of(own: int | None, firm: int) -> int:
    """The months of filing extension of a client: its own, also none, else the firm's. One rule for deadlines and for how long
    something is kept."""
    return firm if own is None else int(own)


def granted_months(rule: str, own: int | None, firm: int) -> int:
    """As `extension_of`, of one kind of return: 0 where the tax office grants none. What the firm has for all of them counts no
    longer than the arrangement itself lasts; what a client was granted counts as it stands there."""
    most = RULES[rule].extension if rule in RULES else 0
    months = extension_of(own, firm) if most else 0
    return months if own is not None else min(months, most)


def legal_deadline(
    rule: str, *, book_year: int, period: str, year_end_month: int = 12, extension_months: int = 0, dated_on: dt.date | None = None
) -> dt.date | None:  # fmt: skip
    """The last day on which it is in time. None for a rule that nobody knows (''), for a period in which it is not filed, and
    where a period alone does not tell. `extension_months` are added, for those rules for which the tax office grants them;
    `dated_on` counts for those that follow from a decision."""
    found = RULES.get(rule)
    if found is None or not 1 <= year_end_month <= 12 or not 1900 <= book_year <= 9990:
        return None
    due = found.due(Asked(book_year, period, year_end_month, dated_on))
    return months_after(due, extension_months) if due and found.extension and extension_months > 0 else due


def internal_deadline(legal: dt.date, days: int) -> dt.date:
    """So many days earlier; in a weekend nobody at the office works on it, so the Friday before."""
    day = legal - days * DAY
    return day - max(0, day.weekday() - 4) * DAY
