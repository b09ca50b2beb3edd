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
_QUARTER, _MONTH, _FOUR = ("k", "q", "kw", "kwartaal", "quarter"), ("m", "mnd", "maand"), ("p", "per", "periode")
_ORDINAL = ("e", "de", "ste", "st", "nd", "rd", "th")


class Said(NamedTuple):
    """What a name says; None where it says nothing, or two things at once."""

    book_year: int | None = None
    period: str | None = None

    def differs(self, book_year: int | None, period: str) -> bool:
        return (self.book_year is not None and self.book_year != book_year) or (
            self.period is not None and self.period != period
        )

    def over(self, book_year: int | None, period: str) -> tuple[int | None, str]:
        """What it proposes instead of what was chosen for all."""
        return self.book_year or book_year, period if self.period is None else self.period


def said_by(name: str) -> Said:
    """'Btw-jan.pdf' says m01, 'OB 2026-Q3.pdf' says k3 of 2026, 'IB 2025.pdf' says 2025. `name` is without the client number."""
    stem = fold(name.rpartition(".")[0] or name)
    stem = re.sub(
        r"(?<!\d)(\d{4})[-_. ]?(\d{2})[-_. ](\d{2})(?!\d)|(?<!\d)\d{1,2}[-_.]\d{1,2}[-_.]\d{4}(?!\d)", " ", stem
    )  # a day
    tokens = _TOKEN.findall(stem)
    years = {int(one) for one in tokens if _is_year(one)}
    periods: set[str] = set()
    for at, token in enumerate(tokens):
        before, after = (tokens[at - 1] if at else ""), (tokens[at + 1] if at + 1 < len(tokens) else "")
        if token in _MONTHS:
            periods.add(f"m{_MONTHS[token]:02}")
        elif (token in _QUARTER and (n := _within(after, 4))) or (
            token in _QUARTER[2:] and (n := _within(_number_before(tokens, at), 4))
        ):
            periods.add(f"k{n}")
        elif token in _MONTH and (n := _within(after, 12)):
            periods.add(f"m{n:02}")
        elif token in _FOUR and (n := _within(after, 13)):
            periods.add(f"p{n:02}")
        elif len(token) == 6 and _is_year(token[:4]) and (n := _within(token[4:], 12)):
            years.add(int(token[:4]))
            periods.add(f"m{n:02}")
        elif (
            len(token) == 2
            and _is_year(before)
            and (n := _within(token, 12))
            and re.search(rf"{before}[-_.]{token}", stem)
        ) or (
            len(token) == 2
            and _is_year(after)
            and (n := _within(token, 12))
            and re.search(rf"(?<!\d){token}[-_.]{after}", stem)
        ):
            periods.add(f"m{n:02}")
    return Said(years.pop() if len(years) == 1 else None, periods.pop() if len(periods) == 1 else None)


def _is_year(token: str) -> bool:
    return len(token) == 4 and token.isdecimal() and 1990 <= int(token) <= 2100


def _within(token: str, most: int) -> int:
    return int(token) if token.isdecimal() and len(token) < 3 and 1 <= int(token) <= most else 0


def _number_before(tokens: list[str], at: int) -> str:
    """'3e kwartaal', '3 kw': the number, with or without what makes it an ordinal."""
    if at and tokens[at - 1] in _ORDINAL and at > 1:
        return tokens[at - 2]
    return tokens[at - 1] if at else ""
