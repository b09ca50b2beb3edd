"""Names as the Dutch sort and search them, and the keys that rows keep for it."""

from __future__ import annotations

import re

from models.core import fold

_DIGITS = re.compile(r"\d+")
_LEADING = re.compile(r"^['’]\s?[st]\b[\s-]*")


def natural(text: str) -> str:
    """A key that sorts numbers by value: '10' after '9'."""
    return _DIGITS.sub(lambda m: m[0].zfill(12), fold(text))[:60]


def number_key(number: str) -> str:
    """Sorts client numbers by value and keeps '007' apart from '7'."""
    return f"{natural(number)[:36]} {fold(number)[:20]}"


def sort_name(name: str) -> str:
    """A company's or surname's key: without accents or case, and without a leading 's- or 't."""
    return _LEADING.sub("", fold(name))[:400]


def search_text(*parts: str) -> str:
    """What a search looks in: the folded words, and once more without spaces, so that 'devries' finds 'de Vries'."""
    words = fold(" ".join(part for part in parts if part))
    return f" {words} {re.sub(r'[^a-z0-9@]', '', words)}"[:800]


def keys_of(
    *, first_name: str = "", initials: str = "", prefix: str = "", surname: str, email: str = ""
) -> dict[str, str]:
    """The keys of a person: sorted on the surname without its prefix, which only breaks ties."""
    return {
        "sort_key": f"{sort_name(surname)} {fold(prefix)} {fold(first_name or initials)}"[:400],
        "search_key": search_text(prefix, surname, first_name, initials, email)[:800],
    }


def search_words(text: str) -> list[str]:
    """The folded words of a question; each must be found."""
    return [word for word in fold(text).split() if word][:8]
