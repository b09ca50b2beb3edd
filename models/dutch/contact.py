"""Where somebody is reached: postcode, address, e-mail, telephone."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from models.core import Say
from models.dutch.invalid import Invalid


def postcode(text: str) -> str:
    """`1234 AB`, as it is printed."""
    value = re.sub(r"\s", "", text).upper()
    if not re.fullmatch(r"[1-9][0-9]{3}(?!SA|SD|SS)[A-Z]{2}", value):
        raise Invalid("postcode", Say("“{text}” is geen postcode.", text=text[:40]))
    return f"{value[:4]} {value[4:]}"


_WHERE = ("tegenover", "t/o", "to", "bij", "by", "naast", "nabij")


def address_line(street: str, house_number: str, letter: str = "", addition: str = "") -> str:
    """`St. Jacobsstraat 400L-Toe`: a letter stands against the number, an addition behind a hyphen, and what says where it is
    (tegenover, bij) behind a space."""
    number = f"{house_number}{letter}"
    if addition.lstrip("- ").lower().split(" ")[0].rstrip(".") in _WHERE:
        return f"{street} {number} {addition.lstrip('- ')}"
    return f"{street} {number}-{addition.lstrip('-')}" if addition else f"{street} {number}"


_LOCAL = re.compile(r"[^\s@<>()\[\],;:\"\\\x00-\x1f]+")
_LABEL = re.compile(r"[^\W_](?:[\w-]*[^\W_])?")


def email(text: str) -> str:
    """One address, also with letters of other alphabets; all in capitals means that somebody's keyboard was."""
    value = text.strip().removeprefix("mailto:")
    if len(re.findall(r"[^\s@;,]@[^\s@;,]", value)) > 1:
        raise Invalid("email_several", Say("Hier staat meer dan één e-mailadres: “{text}”.", text=text[:80]))
    local, at, host = value.rpartition("@")
    labels = host.split(".")
    if (
        not at
        or not _LOCAL.fullmatch(local)
        or local.startswith(".")
        or local.endswith(".")
        or ".." in local
        or len(value) > 254
        or len(local.encode()) > 64
        or len(labels) < 2
        or labels[-1].isdecimal()
        or not all(_LABEL.fullmatch(label) and len(label.encode("punycode")) <= 59 for label in labels)
    ):
        raise Invalid("email", Say("“{text}” is geen e-mailadres.", text=text[:80]))
    return f"{local.lower() if value == value.upper() else local}@{host.lower()}"


_HOST = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_]{2,63}")


def website(text: str) -> str:
    """`https://www.bakkerij.example/`: with the scheme, which may be left out when typing."""
    value = text.strip()
    if "://" not in value:
        value = f"https://{value}"
    parts = urlsplit(value)
    if parts.scheme.lower() not in ("http", "https") or not _HOST.fullmatch(parts.hostname or "") or parts.username:
        raise Invalid("website", Say("“{text}” is geen adres van een website.", text=text[:40]))
    return value


def phone(text: str) -> str:
    """As it was typed, when it can be a telephone number at all."""
    value = " ".join(text.split())
    if (
        not re.fullmatch(r"[+(]?[0-9][0-9 ()./+-]*(?: ?(?:#|x|ext\.?|tst\.?|toestel) ?[0-9]+)?", value)
        or not 3 <= len(re.sub("[^0-9]", "", value)) <= 20
    ):
        raise Invalid("phone", Say("“{text}” is geen telefoonnummer.", text=text[:40]))
    return value
