"""What other software sends, made into what it stands for: the one place that checks it, before anything is asked of the database.

All raise Refused with the name of the field.
"""

from __future__ import annotations

import datetime as dt
import re

from models.core import Refused, Say

_YEARS = range(1990, 2101)
_IMPOSSIBLE = re.compile("[\x00\ud800-\udfff]")  # no database keeps these


def text(name: str, value: str, most: int = 200) -> str:
    """Without the spaces round it."""
    value = value.strip()
    if len(value) > most:
        raise Refused(name, Say("Dit is {n} tekens; er passen er {most}.", n=len(value), most=most))
    if _IMPOSSIBLE.search(value):
        raise Refused(name, Say("Hierin staat een teken dat niet kan worden bewaard."))
    return value


def whole(name: str, value: str, most: int = 10**15) -> int | None:
    """Of either sign; None where nothing is said."""
    value = text(name, value)
    if not value:
        return None
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 15):
        raise Refused(name, Say("Vul een heel getal in."))
    if int(digits) > most:
        raise Refused(name, Say("Dit getal is te groot."))
    return int(value)


def number(name: str, value: str, least: int, most: int) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) < 11 and least <= int(value) <= most):
        raise Refused(name, Say("Vul een getal in van {least} tot en met {most}.", least=least, most=most))
    return int(value)


def year(name: str, value: str) -> int | None:
    """A book year."""
    found = whole(name, value)
    if found is not None and found not in _YEARS:
        raise Refused(name, Say("Vul een boekjaar in tussen 1990 en 2100."))
    return found


def day(name: str, value: str) -> dt.date | None:
    value = text(name, value)
    try:
        found = dt.date.fromisoformat(value) if value else None
    except ValueError:
        raise Refused(name, Say("Vul een dag in als 2026-12-31.")) from None
    if found is not None and found.year not in _YEARS:
        raise Refused(name, Say("Vul een dag in tussen 1990 en 2100."))
    return found


def moment(name: str, value: str) -> dt.datetime | None:
    """In UTC. From 1970 on, which is what software asks that wants everything."""
    try:
        found = dt.datetime.fromisoformat(value) if value else None
    except ValueError:
        raise Refused(name, Say("Vul een tijdstip in als 2026-12-01T10:00:00Z.")) from None
    if found is None:
        return None
    if found.tzinfo is None or not 1970 <= found.year <= 2100:
        raise Refused(name, Say("Vul een tijdstip in als 2026-12-01T10:00:00Z."))
    return found.astimezone(dt.UTC)


def yes(name: str, value: str) -> bool:
    value = text(name, value).lower()
    if value not in ("", "true", "false"):
        raise Refused(name, Say("Vul true of false in."))
    return value == "true"
