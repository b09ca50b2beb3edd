"""The address in the window: whose, in which lines, and in which order letters are printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from models.core import Say, fold
from models.dutch import names
from models.dutch.contact import address_line, postcode
from models.dutch.invalid import Invalid
from models.people import PARTS, Addressee, addressee

_HOME = ("", "nederland", "nl", "the netherlands", "netherlands", "holland")
NO_ADDRESS = Say("Bij geen van zijn cliënten staat een volledig adres.")


class Where(NamedTuple):
    """`lines` below the name; `country` as it is printed, '' at home; `order` sorts: postcodes, then abroad by country."""

    lines: tuple[str, ...]
    country: str
    order: str


def where(client: Mapping[str, Any]) -> Where | None:
    """The client's postal address, else the one where he is; None when neither can be delivered to."""
    return _of(client, "post_") or _of(client, "")


def _of(client: Mapping[str, Any], which: str) -> Where | None:
    def text(name: str) -> str:
        return " ".join(str(client.get(which + name) or "").split())

    if fold(text("country")) not in _HOME:
        free = tuple(" ".join(line.split()) for line in str(client.get(f"{which}lines") or "").split("\n"))
        lines = tuple(line for line in free if line)[:3]
        country = text("country").upper()
        return Where(lines, country, f"2 {fold(country)} {fold(' '.join(lines))}") if lines else None
    if not (text("street") and text("house_number") and text("city")):
        return None
    try:
        code = postcode(text("postcode"))
    except Invalid:
        return None
    street = address_line(text("street"), text("house_number"), text("letter"), text("addition"))
    return Where((street, f"{code}  {text('city').upper()}"), "", f"1 {code} {_natural(text('house_number'))}")


def lines_of(person: Mapping[str, Any], client: Mapping[str, Any], place: Where) -> tuple[str, ...]:
    """All lines of the window. A private person stands there himself; in a company its name, and he for the attention of."""
    parts = {name: str(person.get(name) or "") for name in PARTS}
    first, letters = parts.pop("first_name"), parts.pop("initials")
    name, before = names.addressing_name(initials="", **parts), letters or first
    who = names.in_running_text(str(person.get("gender") or ""), name, before)
    country = (place.country,) if place.country else ()
    if client.get("kind") == "private":
        return (names.capital_first(who), *place.lines, *country)
    return (str(client["name"]), f"T.a.v. {who}", *place.lines, *country)


def greeting(person: Mapping[str, Any], language: str, *, formal: bool) -> str:
    """How the letter opens, with its comma."""
    reader = addressee(person, formal=formal)
    return f"{_english(reader) if language == 'en' else _dutch(reader)},"


def _dutch(reader: Addressee) -> str:
    if not reader.formal:
        return f"Beste {reader.first_name or reader.whole_name}"
    if reader.gender in ("M", "V"):
        return f"Geachte {'heer' if reader.gender == 'M' else 'mevrouw'} {reader.name}"
    return f"Geachte {reader.whole_name}"


def _english(reader: Addressee) -> str:
    if not reader.formal:
        return f"Dear {reader.first_name or reader.whole_name}"
    if reader.gender in ("M", "V"):
        return f"Dear {'Mr' if reader.gender == 'M' else 'Ms'} {reader.name}"
    return f"Dear {reader.whole_name}"


def _natural(number: str) -> str:
    digits = "".join(ch for ch in number if ch.isdigit())
    return f"{digits:0>6} {number}"
