"""Numbers that carry a check: BSN, RSIN, btw-id, KvK, IBAN and the like."""

from __future__ import annotations

import re

from stdnum import iban as stdnum_iban
from stdnum.eu import vat as stdnum_vat
from stdnum.exceptions import ValidationError
from stdnum.nl import bsn as stdnum_bsn
from stdnum.nl import btw as stdnum_btw

from models.core import Say
from models.dutch.invalid import Invalid


def bsn(text: str, *, for_payroll: bool = False) -> str:
    """Nine digits that pass the elfproef, with the zero that a spreadsheet dropped.

    A payroll return also refuses those that start with 000, 8 or 9.
    """
    digits = _digits(text).zfill(9)
    if len(_digits(text)) < 7 or not stdnum_bsn.is_valid(digits):
        raise Invalid("bsn", Say("Dit is geen geldig BSN."))  # the number itself is never repeated
    if for_payroll and digits.startswith(("000", "8", "9")):
        raise Invalid("bsn", Say("Dit BSN kan niet in een loonaangifte."))
    return digits


def rsin(text: str) -> str:
    digits = _digits(text).zfill(9)
    if len(_digits(text)) < 8 or not stdnum_bsn.is_valid(digits):
        raise Invalid("rsin", Say("“{text}” is geen geldig RSIN.", text=text[:40]))
    return digits


def vat(text: str) -> str:
    """`NL` + 9 digits + `B` + 2 digits, by elfproef (legal persons) or mod 97 (sole traders, since 2020); or that
    of another European country.
    """
    value = re.sub(r"[\s.-]", "", text).upper()
    if re.fullmatch(r"\d{9}B\d{2}", value):
        value = f"NL{value}"
    if value.startswith("NL"):
        is_right = re.fullmatch(r"NL\d{9}B\d{2}", value) and stdnum_btw.is_valid(value)
    else:
        is_right = re.fullmatch(r"[A-Z]{2}[A-Z0-9+*]{2,13}", value) and stdnum_vat.is_valid(value)
    if not is_right:
        raise Invalid("vat", Say("“{text}” is geen geldig btw-id.", text=text[:40]))
    return value


def payroll_tax_number(text: str) -> str:
    value = re.sub(r"[\s.]", "", text).upper()
    if not re.fullmatch(r"[0-9]{9}L[0-9]{2}", value) or value.endswith("L00") or not stdnum_bsn.is_valid(value[:9]):
        raise Invalid("payroll_tax_number", Say("“{text}” is geen geldig loonheffingennummer.", text=text[:40]))
    return value


def payroll_tax_numbers(text: str) -> str:
    """Several, in one notation: `123456782L01, 123456782L02`."""
    found = [payroll_tax_number(one) for one in re.split(r"[,;\n]+", text) if one.strip()]
    return ", ".join(dict.fromkeys(found))


def kvk(text: str) -> str:
    """Eight digits; there is no public check on them."""
    digits = _digits(text)
    if len(digits) != 8:
        raise Invalid("kvk", Say("“{text}” is geen KvK-nummer: dat telt 8 cijfers.", text=text[:40]))
    return digits


def branch_number(text: str) -> str:
    digits = _digits(text)
    if len(digits) != 12:
        raise Invalid("branch_number", Say("“{text}” is geen vestigingsnummer: dat telt 12 cijfers.", text=text[:40]))
    return digits


def iban(text: str) -> str:
    value = re.sub(r"[\s.-]", "", text).upper()
    try:
        stdnum_iban.validate(value, check_country=False)
    except ValidationError as error:
        raise Invalid("iban", Say("“{text}” is geen geldig IBAN.", text=text[:40])) from error
    return value


def _digits(text: str) -> str:
    """The digits of a number written with spaces, points or hyphens; '' when anything else is in it."""
    bare = re.sub(r"[\s.-]", "", text)
    return bare if re.fullmatch("[0-9]+", bare) else ""
