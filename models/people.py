"""Names as the Dutch sort and search them, and the keys that rows keep for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.core import fold
from models.dutch.names import addressing_name, capital_first

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


PARTS = ("initials", "first_name", "prefix", "surname", "partner_prefix", "partner_surname", "name_use")


def full_name(
    *, first_name: str = "", initials: str = "", prefix: str = "", surname: str,
    partner_prefix: str = "", partner_surname: str = "", name_use: str = "E",
) -> str:  # fmt: skip
    """As he is called on every screen: the call name (or else the initials) and the name he chose to use."""
    return addressing_name(
        initials=first_name or initials, prefix=prefix, surname=surname,
        partner_prefix=partner_prefix, partner_surname=partner_surname, name_use=name_use,
    )  # fmt: skip


def keys_of(
    *, first_name: str = "", initials: str = "", prefix: str = "", surname: str, email: str = "",
    partner_prefix: str = "", partner_surname: str = "", name_use: str = "E", rule: str = "nl",
) -> dict[str, str]:  # fmt: skip
    """What a row keeps to be shown, sorted and found by: own name and partner's are both found, whichever is used.

    Sorted on the names in the order in which they are used. In the Netherlands (`rule` nl) without their prefix, which only
    breaks ties; in Belgium (`be`) the prefix is the beginning of the name.
    """
    own, partner = (prefix, surname), (partner_prefix, partner_surname)
    used = {"P": [partner], "V": [partner, own], "N": [own, partner]}.get(name_use, [own]) if partner_surname else [own]
    if rule == "be":
        names, ties = " ".join(sort_name(" ".join(part for part in pair if part)) for pair in used), ""
    else:
        names, ties = " ".join(sort_name(pair[1]) for pair in used), " ".join(fold(pair[0]) for pair in used)
    shown = full_name(
        first_name=first_name, initials=initials, prefix=prefix, surname=surname,
        partner_prefix=partner_prefix, partner_surname=partner_surname, name_use=name_use,
    )  # fmt: skip
    return {
        "full_name": shown[:400],
        "sort_key": f"{names} {ties} {fold(first_name or initials)}"[:400],
        "search_key": _found_by(own, partner, first_name, initials, email),
    }


def _found_by(own: tuple[str, str], partner: tuple[str, str], first_name: str, initials: str, email: str) -> str:
    """Each name with its prefix before and, run together, so that 'devries' finds him; a double name in both orders."""
    if not partner[1]:
        return search_text(*own, first_name, initials, email)
    together = search_text(*own, *partner, first_name, initials, email)
    return f"{together} {search_text(*partner).rpartition(' ')[2]}"[:800]


@dataclass(frozen=True)
class Addressee:
    """A person as a letter or mail greets him; which words stand round it is for the language of the message.

    `name` is the name he uses with the capital that it has behind a title ("De Vries"); `whole_name` has initials or call
    name before it ("J. de Vries"). `formal`: u and Geachte; else je and Beste.
    """

    display_name: str
    first_name: str = ""
    gender: str = ""
    name: str = ""
    whole_name: str = ""
    formal: bool = True
    shares: bool = False  # his mailbox is others' too: a message says whom it is for


def addressee(row: Mapping[str, Any], *, formal: bool = True) -> Addressee:
    """Of a row with the PARTS of a name and the gender; what is not in it counts as empty."""
    parts = {name: str(row.get(name) or "") for name in PARTS}
    first, letters = parts["first_name"], parts.pop("initials")
    used = {name: value for name, value in parts.items() if name != "first_name"}
    chosen = addressing_name(initials="", **used)
    return Addressee(
        display_name=full_name(**parts, initials=letters),
        first_name=first,
        gender=str(row.get("gender") or ""),
        name=capital_first(chosen),
        whole_name=addressing_name(initials=letters or first, **used) if letters or first else capital_first(chosen),
        formal=formal,
        shares=bool(row.get("shares")),
    )


def search_words(text: str) -> list[str]:
    """The folded words of a question; each must be found."""
    return [word for word in fold(text).split() if word][:8]
