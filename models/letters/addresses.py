"""The address in the window: whose, in which lines, and in which order letters are printed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from models.clients.envelope import envelope
from models.core import Say, fold
from models.dutch import names
from models.people import PARTS, Addressee, addressee

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
    found = envelope(client, which)
    if not found.is_whole:
        return None
    if found.country:
        return Where(found.lines, found.country, f"2 {fold(found.country)} {fold(' '.join(found.lines))}")
    number = " ".join(str(client.get(f"{which}house_number") or "").split())
    return Where(found.lines, "", f"1 {found.code} {_natural(number)}")


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
