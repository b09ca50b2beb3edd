"""Which period a file's name speaks of: proposed to a person, and never taken without him."""

from __future__ import annotations

import re
from typing import NamedTuple

from models.core import fold

_TOKEN = re.compile(r"[^\W\d_]+|\d+")
_MONTHS: dict[str, int] = {
    word: number
    for number, words in enumerate(
        (
            "jan januari january", "feb febr februari february", "mrt maart march", "apr april", "mei", "jun juni june", "jul juli july",
            "aug augustus august", "sep sept september", "okt oktober oct october", "nov november", "dec december",
        ),
        1,
    )
    for word in words.split()
}  # fmt: skip
_QUARTER, _MONTH, _FOUR = (
    ("k", "q", "kw", "kwartaal", "quarter"),
    ("m", "mnd", "maand", "month"),
    ("p", "per", "periode", "period"),
)
_KINDS = (("k", _QUARTER, 4), ("m", _MONTH, 12), ("p", _FOUR, 13))
_SURE = (
    "kw",
    "kwartaal",
    "quarter",
    "mnd",
    "maand",
    "month",
    "periode",
    "period",
)  # that speak of a period whatever stands beside them
_ORDINAL = ("e", "de", "ste", "st", "nd", "rd", "th")
_WRITTEN = {word: n for n, words in enumerate(("eerste first", "tweede second", "derde third", "vierde fourth"), 1) for word in words.split()}  # fmt: skip
_DAY = re.compile(r"(?<!\d)(\d{4})[-_. ]?(\d{2})[-_. ](\d{2})(?!\d)|(?<!\d)\d{1,2}[-_.]\d{1,2}[-_.]\d{4}(?!\d)")
_NUMBERED = re.compile(
    r"(?<!\d)(?P<year>\d{4})[-_. ](?P<n>\d{1,2})(?!\d)|(?<!\d)(?P<n_>\d{1,2})[-_. ](?P<year_>\d{4})(?!\d)"
)


class Said(NamedTuple):
    """What a name says; None where it says nothing, or two things at once. `number` is that of a month, quarter or four weeks where
    the name does not tell of which ("2026-1"); `is_unread`: it speaks of a period, but not to be understood of which."""

    book_year: int | None = None
    period: str | None = None
    number: int | None = None
    is_unread: bool = False
    years: frozenset[int] = frozenset()

    def differs(self, book_year: int | None, period: str) -> bool:
        """From what was chosen; also where that cannot be told."""
        return (
            self.is_unread
            or bool(self.years and book_year not in self.years)
            or (self.period is not None and self.period != period)
            or (self.number is not None and (not period or int(period[1:]) != self.number))
        )

    def over(self, book_year: int | None, period: str) -> tuple[int | None, str] | None:
        """What it proposes instead of what was chosen for all; None where it cannot be told."""
        if self.is_unread or len(self.years) > 1:
            return None
        year = self.book_year or book_year
        if self.number is None:
            return year, period if self.period is None else self.period
        most = next((most for kind, _, most in _KINDS if period.startswith(kind)), 0)
        if self.number > most:
            return None
        return year, f"k{self.number}" if period.startswith("k") else f"{period[0]}{self.number:02}"


def said_by(name: str) -> Said:
    """'Btw-jan.pdf' says m01, 'OB 2026-Q3.pdf' and '3q26' say k3 of 2026, 'IB 2025.pdf' says 2025. `name` is without the client
    number."""
    stem = _DAY.sub(" ", fold(name.rpartition(".")[0] or name))
    tokens = _TOKEN.findall(stem)
    years = {int(one) for one in tokens if _is_year(one)}
    periods: set[str] = set()
    short: set[int] = set()  # years of two digits straight behind a period
    unread = False
    for at, token in enumerate(tokens):
        found, end = _period_at(tokens, at, stem)
        if found:
            periods.add(found)
            short |= _short_year(tokens, end)
        elif token in _SURE:
            unread = True
        elif len(token) == 6 and _is_year(token[:4]) and (n := _within(token[4:], 12)):
            years.add(int(token[:4]))
            periods.add(f"m{n:02}")
    number = None
    if not periods and not unread:
        numbers = _numbers(stem)
        whole = {n for n, is_month in numbers if is_month}
        if len(numbers) == 1 and whole:
            periods.add(f"m{whole.pop():02}")
        elif len(numbers) == 1:
            number = next(iter(numbers))[0]
        else:
            unread = len(numbers) > 1
    years |= short if not years else set()
    return Said(
        next(iter(years)) if len(years) == 1 else None, next(iter(periods)) if len(periods) == 1 else None, number,
        unread or len(periods) > 1, frozenset(years),
    )  # fmt: skip


def _period_at(tokens: list[str], at: int, stem: str) -> tuple[str, int]:
    """The period of which the word at this place speaks, or '', and where that ends."""
    token, after = tokens[at], tokens[at + 1] if at + 1 < len(tokens) else ""
    if token in _MONTHS:
        return f"m{_MONTHS[token]:02}", at
    for kind, words, most in _KINDS:
        if token not in words:
            continue
        before = _number_before(tokens, at)
        is_joined = f"{before}{token}" in stem  # '1q', but not 'stuk 1 q'
        if n := _within(after, most):
            return f"{kind}{n}" if kind == "k" else f"{kind}{n:02}", at + 1
        if (token in _SURE or (kind == "k" and is_joined)) and (n := _within(before, most)):
            return f"{kind}{n}" if kind == "k" else f"{kind}{n:02}", at
    return "", at


def _short_year(tokens: list[str], end: int) -> set[int]:
    """'dec25', "3e kw '26": the two digits straight behind a period."""
    after = tokens[end + 1] if end + 1 < len(tokens) else ""
    return {2000 + int(after)} if len(after) == 2 and after.isdecimal() and 15 <= int(after) <= 60 else set()


def _numbers(stem: str) -> set[tuple[int, bool]]:
    """The numbers beside a year, and whether that is a month for sure ('2026-01')."""
    found = set()
    for pair in _NUMBERED.finditer(stem):
        year, text = pair["year"] or pair["year_"], pair["n"] or pair["n_"]
        if _is_year(year) and (n := _within(text, 13)):
            found.add((n, len(text) == 2 and n <= 12 and " " not in pair[0]))
    return found


def _is_year(token: str) -> bool:
    return len(token) == 4 and token.isdecimal() and 1990 <= int(token) <= 2100


def _within(token: str, most: int) -> int:
    return int(token) if token.isdecimal() and len(token) < 3 and 1 <= int(token) <= most else 0


def _number_before(tokens: list[str], at: int) -> str:
    """'3e kwartaal', '3 kw', 'derde kwartaal': the number, with or without what makes it an ordinal."""
    before = tokens[at - 1] if at else ""
    if before in _ORDINAL and at > 1:
        before = tokens[at - 2]
    return str(_WRITTEN.get(before, before))
