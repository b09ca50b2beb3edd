"""Dutch rules: numbers with their checks, postcodes, names, dates and amounts.

A function returns the value as it is kept, or raises Invalid with a code for programs and words for people. The sort and
search keys of names are in `people.py`.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal

from stdnum import iban as stdnum_iban
from stdnum.eu import vat as stdnum_vat
from stdnum.exceptions import ValidationError
from stdnum.nl import bsn as stdnum_bsn
from stdnum.nl import btw as stdnum_btw

from models.core import Refused, Say, fold


class Invalid(Refused):
    """What was typed is not what it should be. Refused without a field: the form or the importer knows which it was."""

    def __init__(self, code: str, why: Say) -> None:
        super().__init__("", why)
        self.code = code


def bsn(text: str, *, for_payroll: bool = False) -> str:
    """Nine digits that pass the elfproef, with the zero that a spreadsheet dropped; payroll refuses 000… and 8…, 9… too."""
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
    """`NL` + 9 digits + `B` + 2 digits, by elfproef (legal persons) or mod 97 (sole traders since 2020); or a European one."""
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


def postcode(text: str) -> str:
    """`1234 AB`, as it is printed."""
    value = re.sub(r"\s", "", text).upper()
    if not re.fullmatch(r"[1-9][0-9]{3}(?!SA|SD|SS)[A-Z]{2}", value):
        raise Invalid("postcode", Say("“{text}” is geen postcode.", text=text[:40]))
    return f"{value[:4]} {value[4:]}"


def address_line(street: str, house_number: str, letter: str = "", addition: str = "") -> str:
    """Street and number; a letter stands against the number, an addition behind a hyphen: `St. Jacobsstraat 400L-Toe`."""
    number = f"{house_number}{letter}"
    return _joined(street, f"{number}-{addition.lstrip('-')}" if addition else number)


_LOCAL = re.compile(r"[^\s@<>()\[\],;:\"\\\x00-\x1f]+")
_LABEL = re.compile(r"[^\W_](?:[\w-]*[^\W_])?")


def email(text: str) -> str:
    """One address, also with letters of other alphabets; all in capitals means that somebody's keyboard was."""
    value = text.strip().removeprefix("mailto:")
    if len(re.findall(r"[^\s@;,]@[^\s@;,]", value)) > 1:
        raise Invalid("email_several", Say("Hier staat meer dan één e-mailadres: “{text}”.", text=text[:80]))
    local, at, host = value.rpartition("@")
    labels = host.split(".")
    if (
        not at
        or not _LOCAL.fullmatch(local)
        or local.startswith(".")
        or local.endswith(".")
        or ".." in local
        or len(value) > 254
        or len(local.encode()) > 64
        or len(labels) < 2
        or labels[-1].isdecimal()
        or not all(_LABEL.fullmatch(label) and len(label.encode("punycode")) <= 59 for label in labels)
    ):
        raise Invalid("email", Say("“{text}” is geen e-mailadres.", text=text[:80]))
    return f"{local.lower() if value == value.upper() else local}@{host.lower()}"


def phone(text: str) -> str:
    """As it was typed, when it can be a telephone number at all."""
    value = " ".join(text.split())
    if (
        not re.fullmatch(r"[+(]?[0-9][0-9 ()./+-]*(?: ?(?:#|x|ext\.?|tst\.?|toestel) ?[0-9]+)?", value)
        or not 3 <= len(re.sub("[^0-9]", "", value)) <= 20
    ):
        raise Invalid("phone", Say("“{text}” is geen telefoonnummer.", text=text[:40]))
    return value


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
    """`1.234,56`, `1234.56`, `2,5`; `1.234` is refused, since it is a thousand to one reader and one and a bit to another."""
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


def initials(first_names: str) -> str:
    """One letter per name, also of Th, Ph, Ch, IJ and hyphenated names: Theo Philip IJsbrand > T.P.I.

    A name that is one letter already stays as it was typed: Elise Q > E.Q
    """
    names = [name for name in first_names.split() if name[0].isalpha()]
    return "".join(name if len(name) == 1 else f"{name[0].upper()}." for name in names)


def addressing_name(
    *,
    initials: str,
    prefix: str = "",
    surname: str,
    partner_prefix: str = "",
    partner_surname: str = "",
    name_use: str = "E",
) -> str:
    """Initials and the chosen name: E own, P the partner's, V the partner's before one's own, N behind it."""
    own, partner = _joined(prefix, surname), _joined(partner_prefix, partner_surname)
    chosen = {"P": partner, "V": f"{partner}-{own}", "N": f"{own}-{partner}"}.get(name_use, own) if partner else own
    return _joined(initials, chosen)


def salutation(
    *,
    gender: str,
    initials: str = "",
    prefix: str = "",
    surname: str,
    partner_prefix: str = "",
    partner_surname: str = "",
    name_use: str = "E",
) -> str:
    """`Geachte heer Van Puffelen`: a prefix has a capital where no initials stand before it."""
    name = addressing_name(
        initials="",
        prefix=prefix,
        surname=surname,
        partner_prefix=partner_prefix,
        partner_surname=partner_surname,
        name_use=name_use,
    )
    if gender in _TITLES:
        return f"Geachte {_TITLES[gender]} {capital_first(name)}"
    return f"Geachte {_joined(initials, name if initials else capital_first(name))}"


def in_running_text(gender: str, name: str, initials: str = "") -> str:
    """`de heer In het Veld`, `mevrouw A. in het Veld`; without a gender only the name."""
    title = {"M": "de heer", "V": "mevrouw"}.get(gender, "")
    return _joined(title, initials, name if initials else capital_first(name))


def attention_line(gender: str, name: str, initials: str) -> str:
    """The second line of a company's address: `T.a.v. de heer J. de Vries`."""
    return f"T.a.v. {in_running_text(gender, name, initials)}"


def capital_first(name: str) -> str:
    """`van Puffelen` > `Van Puffelen`; the apostrophe of `'t Hof` stays as it is."""
    return name[:1].upper() + name[1:]


PREFIXES = frozenset(
    (
        "aan, aan 't, aan de, aan den, aan der, aan het, af, al, bij, bij de, bij den, bij 't, bin, d', da, dal, de, de la, de las, de le, degli, "
        "dei, del, della, den, der, des, di, do, don, dos, du, een, el, het, in, in 't, in de, in den, in der, in het, la, las, le, les, lo, los, "
        "of, onder, onder de, onder den, onder 't, onder het, op, op 't, op de, op den, op der, op gen, op het, op ten, over, over de, over den, "
        "over 't, over het, 's, 't, te, te 's, ten, ter, tho, thoe, tot, toe, uit, uit 't, uit de, uit den, uit het, uit ten, uijt, van, van 't, "
        "van de, van de l', van den, van der, van gen, van het, van la, van ter, van van de, ver, vom, von, von 't, von dem, von den, von der, "
        "voor, voor 't, voor de, voor den, voor in 't, vor, vor der, zu, zum, zur"
    ).split(", ")
)


def split_surname(surname: str) -> tuple[str, str]:
    """Prefix and surname of `Vries, de` and `Dam, in 't`; anything else has no prefix that can be told for certain."""
    name, comma, prefix = (part.strip() for part in surname.replace("’", "'").rpartition(","))
    return (prefix, name) if comma and name and fold(prefix) in PREFIXES else ("", surname)


_TITLES = {"M": "heer", "V": "mevrouw"}


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _digits(text: str) -> str:
    """The digits of a number written with spaces, points or hyphens; '' when anything else is in it."""
    bare = re.sub(r"[\s.-]", "", text)
    return bare if re.fullmatch("[0-9]+", bare) else ""
