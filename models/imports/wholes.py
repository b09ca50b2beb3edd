"""What can only be told when a whole row is read: addresses, postcodes by country, names in one column."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field

from models import dutch
from models.core import Refused, Say, fold
from models.imports.lexicon import Kind

Value = str | dt.date | list[str] | None
Note = tuple[str, Say]


@dataclass
class Parsed:
    """What a row says. `values` has every mapped field that could be read, '' (None, []) where the cell is empty.

    `skipped` tells why the row is no record at all: a total, a subtotal.
    """

    values: dict[str, Value] = field(default_factory=dict)
    errors: list[Note] = field(default_factory=list)
    warnings: list[Note] = field(default_factory=list)
    skipped: Say | None = None


_SMALL = frozenset(
    [
        "aan",
        "bij",
        "de",
        "den",
        "der",
        "en",
        "het",
        "in",
        "onder",
        "op",
        "over",
        "te",
        "ten",
        "ter",
        "tot",
        "van",
        "'t",
        "'s",
    ]
)


def city_in_lower_case(city: str) -> str:
    """CAPELLE AAN DEN IJSSEL > Capelle aan den IJssel; a name that has small letters already is left alone."""
    if city != city.upper() or len(re.sub(r"\W", "", city)) < 3:
        return city
    words = re.split(r"([\s-]+|(?<=^'S)-)", city.lower())
    for at, word in enumerate(words):
        if word in ("'s", "'t") or (at and word in _SMALL):
            continue
        if re.fullmatch(r"\(\w{1,2}\)|nh|zh|nb", word):
            words[at] = word.upper()
        elif word.startswith("ij"):
            words[at] = f"IJ{word[2:]}"
        else:
            words[at] = re.sub(r"\w", lambda match: match[0].upper(), word, count=1)
    return "".join(words)


_ADDRESS = re.compile(
    r"(?P<street>.*\S)\s+(?P<number>[0-9]{1,5})(?:\s*(?P<addition>-?\s*[A-Za-z0-9][\w/-]{0,9}(?: [\w/-]{1,8})?))?"
)
_HOUSE = re.compile(r"([0-9]{1,5})\s*(-?\s*\w[\w /-]{0,15})?")


def settle(kind: Kind, parsed: Parsed) -> None:
    """What can only be told when the whole row is read."""
    values = parsed.values
    if kind == "clients":
        _settle_address(parsed)
        _settle_postcode(parsed)
        _settle_person(parsed, "contact_")
    elif kind in ("users", "staff"):
        _settle_person(parsed, "")
    if values.get("country") == "":
        values["country"] = "NL"


def _settle_address(parsed: Parsed) -> None:
    values = parsed.values
    if "address" in values:
        address = str(values.pop("address"))
        found = _ADDRESS.fullmatch(address)
        values["street"], values["house_number"], values["addition"] = (
            found.group(1, 2, 3) if found else (address, "", "")
        )
        values["addition"] = values["addition"] or ""
        if address and not found:
            parsed.warnings.append(("address", Say("In “{text}” is geen huisnummer gevonden.", text=address[:80])))
    elif (
        values.get("house_number")
        and not values.get("addition")
        and (found := _HOUSE.fullmatch(str(values["house_number"])))
        and found[2]
    ):
        values["house_number"], values["addition"] = found[1], found[2]
    for name, most in (("street", 120), ("house_number", 10), ("addition", 20)):
        if len(str(values.get(name) or "")) > most:
            del values[name]
            parsed.errors.append((name, Say("Dit is te lang: er passen {most} tekens.", most=most)))


def _settle_postcode(parsed: Parsed) -> None:
    values = parsed.values
    if "postcode_city" in values:
        both = str(values.pop("postcode_city"))
        found = re.fullmatch(r"([1-9][0-9]{3} ?[A-Za-z]{2})\b[ ,]*(.*)", both)
        if both and not found:
            parsed.errors.append(("postcode_city", Say("In “{text}” is geen postcode gevonden.", text=both[:80])))
            return
        values["postcode"], values["city"] = (found[1], city_in_lower_case(found[2])) if found else ("", "")
    postcode = values.get("postcode")
    if isinstance(postcode, str) and postcode and values.get("country", "NL") in ("NL", ""):
        try:
            values["postcode"] = dutch.postcode(postcode)
        except Refused as refused:
            del values["postcode"]
            parsed.errors.append(("postcode", refused.why))


_TITLE = re.compile(r"(?:(?P<M>de heer|heer|dhr)|(?P<V>mevrouw|mevr|mw))\b\.?\s+(?=\S)", re.IGNORECASE)


def _settle_person(parsed: Parsed, start: str) -> None:
    """A prefix behind the surname goes to its own field; a name in one column is taken apart, and said so."""
    values = parsed.values
    surname = values.get(f"{start}surname")
    if isinstance(surname, str) and surname and not values.get(f"{start}prefix"):
        prefix, rest = dutch.split_surname(surname)
        if prefix:
            values[f"{start}prefix"], values[f"{start}surname"] = prefix, rest
    whole = values.pop(f"{start}name", "") if start or f"{start}name" in values else ""
    if isinstance(whole, str) and whole and not values.get(f"{start}surname"):
        parts = split_person(whole)
        for name, value in parts.items():
            if not values.get(f"{start}{name}"):
                values[f"{start}{name}"] = value
        parsed.warnings.append(
            (
                f"{start}name",
                Say("“{text}” is gelezen als achternaam “{surname}”.", text=whole[:80], surname=parts["surname"][:80]),
            )
        )


def split_person(name: str) -> dict[str, str]:
    """`mevr. A.B. van der Berg` and `Vries, J. de` in their parts; the first word is taken for the first name."""
    title = _TITLE.match(name)
    gender = str(title.lastgroup) if title else ""
    surname, comma, given = (part.strip() for part in (name[title.end() :] if title else name).partition(","))
    words = (given if comma else surname).split()
    prefix = ""
    if comma:
        for at in range(len(words)):
            if fold(" ".join(words[at:])) in dutch.PREFIXES:
                prefix, words = " ".join(words[at:]), words[:at]
                break
    else:
        starts = [at for at, word in enumerate(words[:-1]) if fold(word) in dutch.PREFIXES]
        at = starts[0] if starts else min(1, len(words) - 1)
        if not starts:
            surname, words = " ".join(words[at:]), words[:at]
        else:
            end = next(end for end in range(len(words) - 1, at, -1) if fold(" ".join(words[at:end])) in dutch.PREFIXES)
            prefix, surname, words = " ".join(words[at:end]), " ".join(words[end:]), words[:at]
    letters = [word for word in words if "." in word or (len(word) == 1 and word.isupper())]
    first = [word for word in words if word not in letters]
    return {
        "initials": "".join(letters),
        "first_name": " ".join(first),
        "prefix": prefix,
        "surname": surname,
        "gender": gender,
    }
