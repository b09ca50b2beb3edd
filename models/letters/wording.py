"""The text of a letter: merge fields, what may stand in them, and the fixed words of the paper itself in both languages."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from babel import dates

from models.core import Refused, Say

LANGUAGES = ("nl", "en")
# field > what it becomes; all that a text may name.
FIELDS = {
    "naam": Say("de naam met voorletters, zoals J. de Vries"),
    "aanhef": Say("Geachte heer De Vries, of Beste Jan, naar de toon van de cliënt"),
    "kantoor": Say("de naam van het kantoor of de vestiging"),
    "cliënt": Say("de cliënt aan wiens adres de brief gaat"),
    "cliënten": Say("alle cliënten waarvoor hij accordeert"),
    "portaal": Say("het adres van het portaal"),
    "datum": Say("de datum van de brief"),
    "telefoon": Say("het telefoonnummer van het kantoor"),
    "u": Say("u of je, naar de toon van de cliënt"),
    "U": Say("U of Je"),
    "uw": Say("uw of je"),
    "Uw": Say("Uw of Je"),
}
_NEVER = ("gebruikersnaam", "e-mail", "email", "e-mailadres", "mail", "login", "wachtwoord", "username")
_FIELD = re.compile(r"\{([^{}]*)\}")
SUBJECT_MOST, TEXT_MOST, CLIENTS_NAMED = 120, 3_000, 4

PAPER: dict[str, dict[str, str]] = {
    "nl": {
        "pin": "Pincode om te accorderen", "codes": "Eenmalige codes om te accorderen", "activation": "Activeren: scan, of vul in op",
        "until": "Geldig tot en met {day}", "more": "en {n} andere", "and": "en", "sample": "VOORBEELD", "page": "Kenmerk",
    },
    "en": {
        "pin": "PIN for approvals", "codes": "One-time codes for approvals", "activation": "Activate: scan, or type at",
        "until": "Valid until {day}", "more": "and {n} others", "and": "and", "sample": "SAMPLE", "page": "Reference",
    },
}  # fmt: skip


def checked(field: str, text: str, most: int) -> str:
    """The text as it is kept: lines trimmed, no more than one empty line between. Raises Refused for an unknown field, and for signs
    that the letter cannot show."""
    from models.letters.drawing import unprintable

    clean = "".join(ch for ch in text.replace("\r\n", "\n").replace("\r", "\n") if ch >= " " or ch == "\n")
    clean = re.sub(r"\n{3,}", "\n\n", "\n".join(" ".join(line.split()) for line in clean.split("\n"))).strip()
    if len(clean) > most:
        raise Refused(field, Say("Dit is {n} tekens; er passen er {most}.", n=len(clean), most=most))
    if signs := unprintable(clean):
        raise Refused(field, Say("In de tekst staan tekens die niet gedrukt kunnen worden: {signs}.", signs=signs[:20]))
    for name in _FIELD.findall(clean):
        if name.strip().lower() in _NEVER:
            raise Refused(
                field, Say("“{field}” mag niet: waarmee iemand zich aanmeldt, staat nooit in de brief met zijn pincode.", field=f"{{{name}}}")
            )  # fmt: skip
        if name not in FIELDS:
            known = ", ".join(f"{{{one}}}" for one in FIELDS)
            raise Refused(
                field, Say("Het veld “{field}” bestaat niet. Deze velden zijn er: {known}.", field=f"{{{name}}}", known=known)
            )  # fmt: skip
    if "{" in _FIELD.sub("", clean) or "}" in _FIELD.sub("", clean):
        raise Refused(field, Say("Een accolade staat op zichzelf. Schrijf een veld als {example}.", example="{naam}"))
    return clean


def filled(text: str, values: Mapping[str, str]) -> str:
    """Every field replaced by its value, once: what a name holds is never read as a field."""
    return _FIELD.sub(lambda found: values.get(found[1], found[0]), text)


def values_of(*, language: str, formal: bool, greeting: str, name: str, firm: Any, client: str,
              clients: list[str], portal: str, day: dt.date) -> dict[str, str]:  # fmt: skip
    """What the fields become in one letter."""
    you = (
        ("you", "You", "your", "Your")
        if language == "en"
        else ("u", "U", "uw", "Uw")
        if formal
        else ("je", "Je", "je", "Je")
    )
    return {
        "naam": name,
        "aanhef": greeting,
        "kantoor": firm.name,
        "cliënt": client,
        "cliënten": listed(clients, language),
        "portaal": shown(portal),
        "datum": written(day, language),
        "telefoon": firm.phone,
        **dict(zip(("u", "U", "uw", "Uw"), you, strict=True)),
    }


def listed(names: list[str], language: str) -> str:
    """`A, B en C`; of many the first few and how many more."""
    words = PAPER[language]
    shown = names if len(names) <= CLIENTS_NAMED + 1 else names[:CLIENTS_NAMED]
    if len(shown) < len(names):
        return f"{', '.join(shown)} {words['more'].format(n=len(names) - len(shown))}"
    return f" {words['and']} ".join(part for part in (", ".join(shown[:-1]), shown[-1] if shown else "") if part)


def written(day: dt.date, language: str) -> str:
    """1 december 2026"""
    return str(dates.format_date(day, "d MMMM y", locale=language))


def shown(url: str) -> str:
    """An address as it is printed."""
    return url.removeprefix("https://").removeprefix("http://")


def dated(firm: Any, day: dt.date, language: str) -> str:
    return f"{firm.place}, {written(day, language)}" if firm.place else written(day, language)
