"""How each setting of the office is checked when somebody changes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from models import branding, dutch, inside
from models.core import Refused, RefusedFields, Say
from models.ladder import checked_days


def checked(details: dict[str, Any], **more: Callable[[Any], Any]) -> dict[str, Any]:
    """The values as they are kept.

    Raises:
        RefusedFields: with everything that is wrong, so that nobody mends a form one field at a time.
    """
    values: dict[str, Any] = {}
    wrong: list[Refused] = []
    for name, value in details.items():
        try:
            values[name] = (CHECKS | more)[name](value)
        except Refused as refused:
            wrong.append(Refused(name, refused.why))
    if wrong:
        raise RefusedFields(wrong)
    return values


def line(field: str, most: int, *, required: bool = False) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        text = " ".join(str(value).split())
        if required and not text:
            raise Refused(field, Say("Vul dit in."))
        if len(text) > most:
            raise Refused(field, Say("Dit is {n} tekens; er passen er {most}.", n=len(text), most=most))
        return text

    return check


def whole(field: str, least: int, most: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        text = str(value).strip()
        if not (text.isascii() and text.isdecimal() and len(text) < 6 and least <= int(text) <= most):
            raise Refused(field, Say("Vul een heel getal in van {least} tot en met {most}.", least=least, most=most))
        return int(text)

    return check


def one_of(field: str, *known: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in known:
            raise Refused(field, Say("Kies een van de mogelijkheden."))
        return str(value)

    return check


def digits(field: str, count: int) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        text = "".join(str(value).split())
        if text and not (text.isascii() and text.isdecimal() and len(text) == count):
            raise Refused(field, Say("Vul {n} cijfers in.", n=count))
        return text

    return check


def address(field: str, most: int) -> Callable[[Any], str]:
    """Of a service on the internet, without a name and password in it; or ''."""

    def check(value: Any) -> str:
        text = line(field, most)(value)
        if not text:
            return ""
        wrong = Refused(field, Say("Vul een adres in dat met https:// of http:// begint, zonder naam en wachtwoord."))
        try:
            parts = urlsplit(text)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            raise wrong from None
        if not usable or parts.username is not None or " " in text:
            raise wrong
        if inside.is_inside(parts.hostname or ""):
            raise Refused(field, inside.WHY)
        return text

    return check


def selectors(value: Any) -> str:
    """Names of DKIM keys, kept with a comma between: letters, digits, hyphens and dots."""
    names = [name.strip().lower() for name in str(value).replace(";", ",").replace(" ", ",").split(",") if name.strip()]
    if len(names) > 10 or any(
        len(name) > 63 or not name.replace("-", "").replace(".", "").replace("_", "").isalnum() or not name.isascii()
        for name in names
    ):
        raise Refused("dkim_selectors", Say("Vul hoogstens tien selectors in, met een komma ertussen."))
    return ",".join(dict.fromkeys(names))


CHECKS: dict[str, Callable[[Any], Any]] = {
    "name": line("name", 120, required=True),
    "place": line("place", 120),
    "language": one_of("language", "nl", "en"),
    "street": line("street", 160),
    "postcode": lambda value: dutch.postcode(value) if str(value).strip() else "",
    "phone": lambda value: dutch.phone(value) if str(value).strip() else "",
    "email": lambda value: dutch.email(value) if str(value).strip() else "",
    "becon": digits("becon", 6),
    "sort_rule": one_of("sort_rule", "nl", "be"),
    "formal": bool,
    "sender_name": line("sender_name", 120),
    "sender_address": lambda value: dutch.email(value) if str(value).strip() else "",
    "reply_to": lambda value: dutch.email(value) if str(value).strip() else "",
    "mail_closing": line("mail_closing", 300),
    "dkim_selectors": selectors,
    "brand": branding.check_colour,
    "invitation_days": whole("invitation_days", 1, 365),
    "second_factor": one_of("second_factor", "nobody", "staff", "all"),
    "email_link": one_of("email_link", "nobody", "clients", "all"),
    "trusted_days": whole("trusted_days", 0, 90),
    "session_idle_hours": whole("session_idle_hours", 1, 2160),
    "session_days": whole("session_days", 1, 365),
    "password_length": whole("password_length", 10, 64),
    "lost_factor_hours": whole("lost_factor_hours", 0, 168),
    "digest_hour": whole("digest_hour", 0, 23),
    "client_digest": one_of("client_digest", "daily", "at_once", "never"),
    "remind_before": checked_days,
    "remind_after": whole("remind_after", 0, 90),
    "remind_every": whole("remind_every", 0, 90),
    "quiet_from": whole("quiet_from", 0, 23),
    "quiet_until": whole("quiet_until", 0, 23),
    "quiet_sundays": bool,
    "undo_seconds": whole("undo_seconds", 0, 120),
    "trash_days": whole("trash_days", 1, 365),
    "margin_months": whole("margin_months", 0, 60),
    "approval_months": whole("approval_months", 1, 600),
    "check_days": whole("check_days", 1, 365),
    "stamp_url": address("stamp_url", 300),
    "check_names": one_of("check_names", "names", "initials"),
}
