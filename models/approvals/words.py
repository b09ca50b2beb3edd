"""How a kind, a period and what is agreed to are said, in Dutch and English, whatever language the reader has."""

from __future__ import annotations

import re
from typing import Any

from models.core import Refused, Say

MONTHS = {
    "nl": [
        "januari",
        "februari",
        "maart",
        "april",
        "mei",
        "juni",
        "juli",
        "augustus",
        "september",
        "oktober",
        "november",
        "december",
    ],
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
}
PERIODS = (
    "",
    *(f"k{n}" for n in range(1, 5)),
    *(f"m{n:02}" for n in range(1, 13)),
    *(f"p{n:02}" for n in range(1, 14)),
)
FIELDS = ("kind", "period", "client", "addressee", "amount")
_TWO_STOPS = re.compile(r"(?<!\.)\.\.(?!\.)")
_ADDRESSEE = {"nl": "de ontvanger", "en": "the recipient"}


def period_words(book_year: int | None, period: str, language: str = "nl") -> str:
    """2025, 1e kwartaal 2025, januari 2025, periode 3 2025; '' without a year."""
    if book_year is None:
        return ""
    number = int(period[1:]) if period else 0
    match period[:1], language:
        case "k", "en":
            return f"Q{number} {book_year}"
        case "k", _:
            return f"{number}e kwartaal {book_year}"
        case "m", _:
            return f"{MONTHS['en' if language == 'en' else 'nl'][number - 1]} {book_year}"
        case "p", "en":
            return f"period {number} {book_year}"
        case "p", _:
            return f"periode {number} {book_year}"
    return str(book_year)


def checked_period(book_year: int | None, period: str) -> str:
    """The period as it is kept. Raises Refused for one that does not exist."""
    period = period.strip().lower()
    if period not in PERIODS:
        raise Refused("period", Say("“{period}” is geen periode. Kies een jaar, kwartaal, maand of vierwekenperiode.", period=period[:20]))  # fmt: skip
    if period and book_year is None:
        raise Refused("book_year", Say("Vul bij een kwartaal, maand of periode ook het boekjaar in."))
    if book_year is not None and not 1990 <= book_year <= 2100:
        raise Refused("book_year", Say("Vul een boekjaar in tussen 1990 en 2100."))
    return period


def amount_words(cents: int, language: str = "nl") -> str:
    """€ 1.234,56 te betalen; € 12,00 te ontvangen."""
    whole = f"{abs(cents) // 100:,}"
    whole = whole if language == "en" else whole.replace(",", ".")
    money = f"€ {whole}{'.' if language == 'en' else ','}{abs(cents) % 100:02}"
    if language == "en":
        return f"{money} to {'pay' if cents >= 0 else 'receive'}"
    return f"{money} te {'betalen' if cents >= 0 else 'ontvangen'}"


def kind_name(kind: Any, language: str = "nl") -> str:
    return str(kind.name_en or kind.name) if language == "en" else str(kind.name)


def statement_of(kind: Any, request: Any, client_name: str, language: str = "nl") -> str:
    """The sentence the approver agrees to. Only the fields that exist are filled in; the amount is said, if it is given. In English
    wholly so, or in Dutch where the kind has no English."""
    text = str(kind.statement_en) if language == "en" and kind.statement_en else str(kind.statement)
    language = "en" if language == "en" and kind.statement_en else "nl"
    title = f" ({request.title})" if request.title else ""
    amount = "" if request.amount is None else amount_words(request.amount, language)
    values = {
        "kind": kind_name(kind, language) + title,
        "period": period_words(request.book_year, request.period, language),
        "client": client_name,
        "addressee": _addressee(kind, request, language),
        "amount": amount,
    }
    said = re.sub(r"\{(" + "|".join(FIELDS) + r")\}", lambda found: values[found[1]], text)
    if amount and "{amount}" not in text:
        said += f" {'Amount' if language == 'en' else 'Bedrag'}: {amount}."
    said = re.sub(r" +([.,;:”])", r"\1", " ".join(said.split()))
    # Behind a name that ends with a full stop of its own (“De Vries B.V.”) comes no other.
    return said if _TWO_STOPS.search(text) else _TWO_STOPS.sub(".", said)


def english_of(kind: Any, request: Any, client_name: str) -> str:
    """As a request keeps it: '' where the kind has no English, for then Dutch is what is read and agreed to."""
    return statement_of(kind, request, client_name, "en") if kind.statement_en else ""


def _addressee(kind: Any, request: Any, language: str) -> str:
    """As the office typed it; what is the kind's own is known in English too."""
    if language == "en" and request.addressee and request.addressee == kind.addressee:
        return str(kind.addressee_en or kind.addressee)
    return str(request.addressee or _ADDRESSEE[language])
