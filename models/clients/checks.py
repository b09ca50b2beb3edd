"""The values of a client as the office types them: each is checked by the Dutch rules and kept in one notation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from models import dutch
from models.core import Refused, Say
from models.people import number_key, search_text, sort_name

KINDS = {
    "organisation": Say("Organisatie"),
    "sole_trader": Say("Eenmanszaak of zzp"),
    "private": Say("Particulier"),
}
WITH_BSN = frozenset({"sole_trader", "private"})
PEOPLE = WITH_BSN  # who files income tax himself, and can have a fiscal partner
SECOND_FACTOR = {
    "": Say("Zoals het kantoor het vraagt"),
    "yes": Say("Ja: iedereen van deze cliënt"),
    "optional": Say("Mag, hoeft niet"),
    "no": Say("Nee"),
}
LANGUAGES = {"nl": Say("Nederlands"), "en": Say("Engels")}
CHOICES: dict[str, dict[str, Say]] = {"kind": KINDS, "second_factor": SECOND_FACTOR, "language": LANGUAGES}

CHECKS: dict[str, Callable[[str], str]] = {
    "kvk": dutch.kvk,
    "branch_number": dutch.branch_number,
    "rsin": dutch.rsin,
    "vat": dutch.vat,
    "payroll_numbers": dutch.payroll_tax_numbers,
    "iban": dutch.iban,
    "postcode": dutch.postcode,
    "post_postcode": dutch.postcode,
    "email": dutch.email,
    "phone": dutch.phone,
    "website": dutch.website,
}
ABROAD = {"postcode": "country", "post_postcode": "post_country"}  # no Dutch postcode where there is a country
ADDRESS = {
    "street": 120,
    "house_number": 10,
    "letter": 4,
    "addition": 20,
    "postcode": 12,
    "city": 120,
    "lines": 400,
    "country": 60,
}
LENGTHS = {
    "number": 20, "name": 200, "kind": 12, "legal_form": 60, "kvk": 20, "branch_number": 20, "rsin": 20, "vat": 20,
    "payroll_numbers": 200, "iban": 50, **ADDRESS, **{f"post_{name}": most for name, most in ADDRESS.items()},
    "email": 254, "phone": 40, "website": 200, "language": 2, "sector": 120, "manager": 120, "second_factor": 8, "notes": 5000,
}  # fmt: skip
LONG = frozenset({"lines", "post_lines", "notes"})  # their line ends stay
FIELDS = (*LENGTHS, "formal", "office", "since")
PRIVATE = frozenset({"notes"})  # what the trail does not repeat
EARLIEST = dt.date(1800, 1, 1)


def checked(values: dict[str, Any]) -> dict[str, Any]:
    """The values as they are kept, with the keys that follow from them. What is left out is as for a new client.

    Raises:
        Refused: beside the field that is wrong.
    """
    kept = {name: _tidy(name, values.get(name)) for name in LENGTHS}
    for name, words in (("number", Say("Vul een nummer in.")), ("name", Say("Vul een naam in."))):
        if not kept[name]:
            raise Refused(name, words)
    kept["kind"], kept["language"] = kept["kind"] or "organisation", kept["language"] or "nl"
    for name, known in CHOICES.items():
        if kept[name] not in known:
            raise Refused(name, Say("Kies een van de mogelijkheden."))
    for name, check in CHECKS.items():
        if kept[name] and not kept.get(ABROAD.get(name, "")):
            try:
                kept[name] = check(kept[name])
            except Refused as refused:
                raise Refused(name, refused.why) from refused
    for name in ("lines", "post_lines"):
        _few_lines(name, kept[name])
    since = values.get("since")
    if since is not None and not EARLIEST <= since <= dt.date(2200, 1, 1):
        raise Refused("since", Say("Deze datum kan niet kloppen."))
    formal, office = bool(values.get("formal", True)), values.get("office") or None
    return kept | {"since": since, "formal": formal, "office": office} | keys(kept)


def _few_lines(name: str, text: str) -> None:
    if len(text.splitlines()) > 3:
        raise Refused(name, Say("Een buitenlands adres telt hoogstens drie regels."))


def keys(values: dict[str, Any]) -> dict[str, str]:
    return {
        "number_key": number_key(values["number"]),
        "sort_key": sort_name(values["name"]),
        "search_key": search_text(values["number"], values["name"], values["city"], values["email"]),
    }


def _tidy(name: str, value: Any) -> str:
    text = str(value or "")
    if name in LONG:
        lines = [" ".join(line.split()) for line in text.replace("\x00", "").splitlines()]
        text = "\n".join(lines).strip()
    else:
        text = " ".join(text.split())
    if len(text) > LENGTHS[name]:
        raise Refused(name, Say("Dit is {n} tekens; er passen er {most}.", n=len(text), most=LENGTHS[name]))
    return text
