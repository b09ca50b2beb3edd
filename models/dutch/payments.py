"""The reference that goes with a payment to the tax office (betalingskenmerk), and the code of a payroll period."""

from __future__ import annotations

import re

from models.core import Say
from models.dutch.invalid import Invalid

_WEIGHTS = (2, 4, 8, 5, 10, 9, 7, 3, 6, 1)
_KINDS = {"B": "1", "L": "6"}  # VAT, payroll
_QUARTERS = {"k1": "21", "k2": "24", "k3": "27", "k4": "30"}


def payment_reference(number: str, year: int, period: str) -> str:
    """Sixteen digits, of a VAT (036000012B02) or payroll tax number (036000012L01), for a month (m01..m12), quarter (k1..k4) or
    year (''). Raises Invalid for another number or period."""
    found = re.fullmatch(r"(\d{9})([BL])(\d{2})", re.sub(r"[\s.]", "", number.upper()).removeprefix("NL"))
    code = _period(period)
    if found is None or code is None:
        raise Invalid("payment_reference", Say("Hiervoor is geen betalingskenmerk te maken."))
    fiscal, kind, suffix = found.groups()
    rest = f"{fiscal[:8]}{_KINDS[kind]}{year % 10}{suffix}{code}0"
    return f"{_check_digit(rest)}{rest}"


def payroll_period(year: int, period: str) -> str | None:
    """As the tax office writes it: 6040 for April 2026, 6400 for that whole year; None for another period."""
    code = _period(period)
    return f"{year % 10}{code}0" if code and period not in _QUARTERS else None


def _period(period: str) -> str | None:
    if period == "":
        return "40"
    if re.fullmatch(r"m(0[1-9]|1[0-2])", period):
        return period[1:]
    return _QUARTERS.get(period)


def _check_digit(digits: str) -> int:
    total = sum(int(digit) * _WEIGHTS[at % 10] for at, digit in enumerate(reversed(digits)))
    rest = 11 - total % 11
    return {10: 1, 11: 0}.get(rest, rest)
