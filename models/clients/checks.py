"""The values of a client as the office types them: each is checked by the Dutch rules and kept in one notation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from models import dutch
from models.core import Refused, Say
from models.people import number_key, search_text, sort_name

CHECKS: dict[str, Callable[[str], str]] = {
    "kvk": dutch.kvk,
    "vat": dutch.vat,
    "iban": dutch.iban,
    "postcode": dutch.postcode,
    "email": dutch.email,
    "phone": dutch.phone,
}
LENGTHS = {
    "number": 20, "name": 200, "legal_form": 60, "kvk": 20, "vat": 20, "iban": 50, "street": 120, "house_number": 10,
    "addition": 20, "postcode": 12, "city": 120, "email": 254, "phone": 40, "sector": 120, "manager": 120,
}  # fmt: skip
FIELDS = (*LENGTHS, "since")
EARLIEST = dt.date(1800, 1, 1)


def checked(values: dict[str, Any]) -> dict[str, Any]:
    """The values as they are kept, with the keys that follow from them.

    Raises:
        Refused: beside the field that is wrong.
    """
    kept = {name: _tidy(name, values.get(name)) for name in LENGTHS}
    for name, words in (("number", Say("Vul een nummer in.")), ("name", Say("Vul een naam in."))):
        if not kept[name]:
            raise Refused(name, words)
    for name, check in CHECKS.items():
        if kept[name]:
            try:
                kept[name] = check(kept[name])
            except Refused as refused:
                raise Refused(name, refused.why) from refused
    since = values.get("since")
    if since is not None and not EARLIEST <= since <= dt.date(2200, 1, 1):
        raise Refused("since", Say("Deze datum kan niet kloppen."))
    return kept | {"since": since} | keys(kept)


def keys(values: dict[str, Any]) -> dict[str, str]:
    return {
        "number_key": number_key(values["number"]),
        "sort_key": sort_name(values["name"]),
        "search_key": search_text(values["number"], values["name"], values["city"], values["email"]),
    }


def _tidy(name: str, value: Any) -> str:
    text = " ".join(str(value or "").split())
    if len(text) > LENGTHS[name]:
        raise Refused(name, Say("Dit is {n} tekens; er passen er {most}.", n=len(text), most=LENGTHS[name]))
    return text
