"""Every part of the interface in all its states, on one page; while developing only."""

from __future__ import annotations

import datetime as dt
from typing import Any

import wtforms
from starlette.requests import Request
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from models import config
from models.core import Missing, Say
from models.settings import utcnow
from models.viewer import Viewer
from web.replies import Reply, show
from web.routing import Access, Routes

styleguide = Routes("styleguide", Access.PUBLIC)

_CHOICES = [SelectChoice("bv", "B.V."), SelectChoice("ez", "Eenmanszaak")]


class Fields(wtforms.Form):
    """One of every field."""

    name = wtforms.StringField(validators=[InputRequired()])
    email = wtforms.StringField(validators=[InputRequired()])
    password = wtforms.PasswordField(validators=[InputRequired()])
    code = wtforms.StringField()
    born = wtforms.StringField()
    amount = wtforms.StringField()
    kind = wtforms.SelectField(choices=_CHOICES)
    note = wtforms.TextAreaField()
    agreed = wtforms.BooleanField()
    language = wtforms.RadioField(choices=[SelectChoice("nl", "Nederlands"), SelectChoice("en", "Engels")])
    sectors = wtforms.SelectMultipleField(
        choices=_CHOICES,
        widget=wtforms.widgets.ListWidget(prefix_label=False),
        option_widget=wtforms.widgets.CheckboxInput(),
    )
    file = wtforms.FileField()

    @property
    def all_errors(self) -> list[tuple[str, Any]]:
        return [(name, words) for name, field in self._fields.items() for words in field.errors]


def forms() -> tuple[Fields, Fields]:
    """One that is filled in, and one of which everything is refused."""
    good = Fields(data={"name": "Bakkerij Jansen B.V.", "amount": "1.234,56", "language": "nl", "kind": "bv"})
    wrong = Fields(data={"email": "rik@"}, prefix="wrong-")
    for field in wrong:
        field.errors = [Say("Dit klopt niet.")]
    return good, wrong


@styleguide.get("/styleguide")
async def page(request: Request, viewer: Viewer) -> Reply:
    if not config.settings().development:
        raise Missing("styleguide")
    good, wrong = forms()
    now = utcnow() - dt.timedelta(minutes=7)
    return show(
        "styleguide/page.html",
        title=Say("Onderdelen"),
        layout="layout_public.html",
        wide=True,
        form=good,
        wrong=wrong,
        now=now,
    )
