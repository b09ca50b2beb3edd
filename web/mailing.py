"""The form of what mail somebody gets; on his page, in the steps of adding him."""

from __future__ import annotations

from models.core import Say
from web.forms import Form, SelectField
from web.person import LANGUAGES

DIGESTS = [("daily", Say("Eén keer per dag")), ("at_once", Say("Meteen")), ("never", Say("Niet"))]


class Mailing(Form):
    language = SelectField(LANGUAGES)
    digest = SelectField(DIGESTS)
