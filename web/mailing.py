"""The form of what mail somebody gets; on his page, in the steps of adding him."""

from __future__ import annotations

from typing import Any

from models.core import Say
from web.forms import Form, SelectField
from web.person import LANGUAGES

DIGESTS = [("daily", Say("Eén keer per dag")), ("at_once", Say("Meteen")), ("never", Say("Niet"))]


DIGESTS_OF_CLIENTS = [("", Say("Zoals het kantoor het instelt")), *DIGESTS]


class Mailing(Form):
    language = SelectField(LANGUAGES)
    digest = SelectField(DIGESTS)


class MailingOfClient(Mailing):
    digest = SelectField(DIGESTS_OF_CLIENTS, default="")


def mailing_of(person: Any) -> type[Mailing]:
    return Mailing if person.kind == "staff" else MailingOfClient
