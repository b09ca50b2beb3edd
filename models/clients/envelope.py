"""The lines of an envelope to a client: one rule for the page that shows them and for the letters that go there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from models.core import fold
from models.dutch.contact import address_line, postcode
from models.dutch.invalid import Invalid

HOME = ("", "nederland", "nl", "the netherlands", "netherlands", "holland")
_LAST = re.compile(r"([1-9][0-9]{3} ?[A-Za-z]{2}) +(\S.*)")  # of free lines at home: postcode and place


class Envelope(NamedTuple):
    """`lines` below the name, without the country; `country` as it is printed, '' at home; `code` is the Dutch postcode, '' abroad or
    without a good one; `is_whole`: the post can deliver it."""

    lines: tuple[str, ...]
    country: str = ""
    code: str = ""
    is_whole: bool = False

    @property
    def all_lines(self) -> list[str]:
        return [*self.lines, *((self.country,) if self.country else ())]


def envelope(client: Mapping[str, Any], which: str = "", *, capitals: bool = True) -> Envelope:
    """The address of which the columns begin with `which` ('' or 'post_'). `capitals`: of the place at home, as the post has it."""

    def text(name: str) -> str:
        return " ".join(str(client.get(which + name) or "").split())

    street = address_line(text("street"), text("house_number"), text("letter"), text("addition")).strip()
    free = tuple(" ".join(line.split()) for line in str(client.get(f"{which}lines") or "").split("\n") if line.strip())[
        :3
    ]
    if fold(text("country")) not in HOME:
        lines = free or _filled(street, f"{text('postcode')} {text('city')}")
        return Envelope(lines, text("country").upper(), is_whole=bool(free or (text("street") and text("city"))))
    if free and not (text("street") and text("city")):
        last = _LAST.fullmatch(free[-1])
        code = _code(last[1]) if last else ""
        if last and code:
            free = (*free[:-1], f"{code}  {last[2].upper() if capitals else last[2]}")
        return Envelope(free, code=code, is_whole=bool(code) and len(free) > 1)
    code = _code(text("postcode"))
    city = text("city").upper() if capitals else text("city")
    whole = bool(text("street") and text("house_number") and city and code)
    return Envelope(_filled(street, f"{code or text('postcode')}  {city}"), code=code, is_whole=whole)


def _filled(*lines: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in lines if line.strip())


def _code(text: str) -> str:
    try:
        return postcode(text)
    except Invalid:
        return ""
