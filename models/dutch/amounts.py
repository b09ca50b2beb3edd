"""Dates, numbers and amounts as people type them: what can be read in two ways is refused."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

from models.core import Say
from models.dutch.invalid import Invalid

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "januari jan january",
            "februari feb february",
            "maart mrt mar march",
            "april apr",
            "mei may",
            "juni jun june",
            "juli jul july",
            "augustus aug august",
            "september sep sept",
            "oktober okt october oct",
            "november nov",
            "december dec",
        ),
        start=1,
    )
    for name in names.split()
}


def parse_date(text: str) -> dt.date:
    """31-12-2026, 31/12/2026, 31.12.2026, 2026-12-31, 20261231, 31 december 2026: day before month, years in full."""
    value = re.sub(r"[ t]00:00(:00(\.0+)?)?$", "", " ".join(text.lower().split()))
    day = month = year = ""
    if found := re.fullmatch(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})", value):
        year, month, day = found[1], found[3], found[4]
    elif found := re.fullmatch(r"([0-9]{1,2}) ?([-/. ]) ?([0-9]{1,2}) ?\2 ?([0-9]{4})", value):
        day, month, year = found[1], found[3], found[4]
    elif found := re.fullmatch(r"([0-9]{4})([0-9]{2})([0-9]{2})", value):
        year, month, day = found[1], found[2], found[3]
    elif (found := re.fullmatch(r"(?:[a-z]+,? )?([0-9]{1,2})[ -]([a-z]+)\.?[ -]([0-9]{4})", value)) and found[
        2
    ] in _MONTHS:
        day, month, year = found[1], str(_MONTHS[found[2]]), found[3]
    else:
        raise Invalid("date", Say("“{text}” is geen datum. Schrijf bijvoorbeeld 31-12-2026.", text=text[:40]))
    return _existing(int(year), int(month), int(day), text)


def parse_short_date(text: str, latest: dt.date) -> dt.date:
    """31/12/26: a year of two digits, in the last hundred years before `latest`. For whoever shows how it was read."""
    found = re.fullmatch(r"([0-9]{1,2}) ?([-/.]) ?([0-9]{1,2}) ?\2 ?([0-9]{2})", text.strip())
    if not found:
        raise Invalid("date", Say("“{text}” is geen datum. Schrijf bijvoorbeeld 31-12-2026.", text=text[:40]))
    year = latest.year - latest.year % 100 + int(found[4])
    read = _existing(year, int(found[3]), int(found[1]), text)
    return read if read <= latest else _existing(year - 100, int(found[3]), int(found[1]), text)


def _existing(year: int, month: int, day: int, text: str) -> dt.date:
    try:
        date = dt.date(year, month, day)
    except ValueError as error:
        raise Invalid("no_such_date", Say("“{text}” bestaat niet als datum.", text=text[:40])) from error
    if not 1850 <= year <= 2200:
        raise Invalid("date", Say("Het jaartal in “{text}” kan niet kloppen.", text=text[:40]))
    return date


def parse_number(text: str) -> Decimal:
    """`1.234,56`, `1234.56`, `2,5`; `1.234` is refused: a thousand to one reader, one and a bit to another."""
    value = re.sub(r"[\s\u00a0]", "", text).replace("−", "-")
    if re.fullmatch(r"[^-]+-", value):
        value = f"-{value[:-1]}"  # 12,50- as bookkeepers write it
    if re.fullmatch(r"-?[0-9]{1,3}(\.[0-9]{3})+,[0-9]+|-?[0-9]{1,3}(\.[0-9]{3}){2,}", value):
        return Decimal(value.replace(".", "").replace(",", "."))
    if re.fullmatch(r"-?[0-9]{1,3}(,[0-9]{3})+\.[0-9]+|-?[0-9]{1,3}(,[0-9]{3}){2,}", value):
        return Decimal(value.replace(",", ""))
    if re.fullmatch(r"-?[1-9][0-9]{0,2}[.,][0-9]{3}", value):
        raise Invalid(
            "ambiguous_number",
            Say(
                "“{text}” kan op twee manieren worden gelezen. Schrijf bijvoorbeeld 1.234,00 of 1,234.00.",
                text=text[:40],
            ),
        )
    if re.fullmatch(r"-?[0-9]{1,15}([.,][0-9]+)?", value):
        return Decimal(value.replace(",", "."))
    raise Invalid("number", Say("“{text}” is geen getal.", text=text[:40]))


def parse_amount(text: str) -> int:
    """Cents of `€ 1.234,56`, `-€ 5` or `1234.56`."""
    bare = re.sub(r"€|\bEUR\b|,--?$|,-$", "", text.strip(), flags=re.IGNORECASE)
    try:
        number = parse_number(bare)
    except Invalid as invalid:
        if invalid.code == "ambiguous_number":
            raise
        raise Invalid(
            "amount", Say("“{text}” is geen bedrag. Schrijf bijvoorbeeld 1.234,56.", text=text[:40])
        ) from invalid
    if number != round(number, 2):
        raise Invalid("amount", Say("“{text}” heeft meer dan twee cijfers achter de komma.", text=text[:40]))
    return int(number * 100)
