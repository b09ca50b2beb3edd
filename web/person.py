"""The form of what a person is called and how he is reached; shared by his page and by the steps of adding him."""

from __future__ import annotations

from typing import Any

from models.accounts.managing import NAMES
from models.core import Say
from web.forms import Form, SelectField, Text

NAME_USES = [
    ("E", Say("Eigen naam")),
    ("P", Say("Naam van de partner")),
    ("V", Say("Naam van de partner, dan eigen naam")),
    ("N", Say("Eigen naam, dan naam van de partner")),
]
GENDERS = [("", Say("Onbekend")), ("M", Say("Man: de heer")), ("V", Say("Vrouw: mevrouw"))]
LANGUAGES = [("nl", Say("Nederlands")), ("en", Say("Engels"))]


class Person(Form):
    """Only the last name must be there."""

    surname = Text(most=200, required=True)
    prefix = Text(most=40)
    first_name = Text(most=80)
    initials = Text(most=40)
    first_names = Text(most=200)
    gender = SelectField(GENDERS, default="")
    partner_prefix = Text(most=40)
    partner_surname = Text(most=200)
    name_use = SelectField(NAME_USES, default="E")
    title_before = Text(most=40)
    title_after = Text(most=40)
    job_title = Text(most=120)
    phone = Text(most=40)
    mobile = Text(most=40)
    language = SelectField(LANGUAGES, default="nl")


def filled(person: Any) -> Person:
    return Person.blank(**{name: getattr(person, name) for name in NAMES})
