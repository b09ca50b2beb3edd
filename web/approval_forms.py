"""What the office fills in for a request, and the files that came along with a form that has to be filled in once more."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
from typing import Any

from wtforms.widgets import CheckboxInput, ListWidget

from models import config
from models.approvals import NewPart, NewRequest, looked_at
from models.approvals.due import lateness
from models.approvals.reading import Choices
from models.core import Refused, RefusedFields, Say
from models.dossiers.publishing import PERIODS as OF_YEAR
from models.dutch.amounts import parse_amount
from models.requests.making import read_day
from web.forms import Form, SelectField, SelectMultipleField, StringField, Text, TextAreaField, an_id
from web.uploads import Received

PERIODS: list[tuple[str, Any]] = [
    *OF_YEAR.items(),
    *((f"p{n:02}", Say("Periode {n} (vier weken)", n=n)) for n in range(1, 14)),
]


class Placing(Form):
    """`former`: replace or beside, where there is one of the same kind and period; `replaces` is its id."""

    kind = SelectField(coerce=an_id, validate_choice=False, choices=[])
    book_year = Text(most=500)
    period = SelectField(choices=PERIODS, default="")
    title = Text(most=500)
    addressee = Text(most=500)
    amount = Text(most=40)
    message = TextAreaField(default="")
    internal_due = StringField(default="")
    legal_due = StringField(default="")
    dated_on = StringField(default="")
    responsible = SelectField(coerce=an_id, validate_choice=False, choices=[], default=0)
    viewers = SelectMultipleField(
        coerce=an_id, validate_choice=False, choices=[], widget=ListWidget(), option_widget=CheckboxInput()
    )
    replaces = StringField(default="")
    former = StringField(default="")
    files = StringField(default="")

    def choose_from(self, found: Choices) -> None:
        self.kind.choices = [(0, Say("Kies een soort")), *found.kinds]
        self.responsible.choices = [(0, Say("Wie de cliënt behandelt")), *found.staff]
        self.viewers.choices = found.people

    def values(self) -> NewRequest:
        """Raises RefusedFields, each beside its field."""
        wrong: list[Refused] = []

        def read(name: str, parse: Any) -> Any:
            text = str(self[name].data or "").strip()
            try:
                return parse(text) if text else None
            except Refused as refused:
                wrong.append(Refused(name, refused.why))
                return None

        year = read("book_year", _year)
        found = NewRequest(
            kind=self.kind.data or 0, book_year=year, period=self.period.data or "", title=self.title.data or "",
            addressee=self.addressee.data or None, amount=read("amount", parse_amount), message=self.message.data or "",
            internal_due=read("internal_due", read_day), legal_due=read("legal_due", read_day), dated_on=read("dated_on", read_day),
            responsible=self.responsible.data or None, viewers=tuple(self.viewers.data or ()), **self._former(),
        )  # fmt: skip
        if wrong:
            raise RefusedFields(wrong)
        return found

    @property
    def lateness(self) -> Say | None:
        """Of the days as they stand in the form: whether one has passed already."""
        return lateness(_day(self.internal_due.data), _day(self.legal_due.data))

    def _former(self) -> dict[str, Any]:
        id = str(self.replaces.data or "")
        if self.former.data == "beside":
            return {"beside": True}
        return {"replaces": int(id)} if self.former.data == "replace" and id.isdecimal() and len(id) < 10 else {}


def _day(text: Any) -> dt.date | None:
    try:
        return read_day(str(text or "").strip(), "")
    except Refused:
        return None


def _year(text: str) -> int:
    if not (text.isdecimal() and len(text) == 4):
        raise Refused("book_year", Say("Vul een jaar in, bijvoorbeeld 2026."))
    return int(text)


async def parts_of(received: Received) -> tuple[list[NewPart], Refused | None]:
    """The files of a form as parts, in the order in which they came: what was chosen under `attachments` is only added. With what
    is wrong with one of them."""
    wrong = Refused("files", received.refused[0].why) if received.refused else None
    parts: list[NewPart] = []
    for file in received.files:
        part = "attachment" if file.field == "attachments" else "main"
        try:
            parts.append(await looked_at(file.name, file.sha256, file.size, file.content_type.mime, part))
        except Refused as refused:
            wrong = wrong or refused
    return parts, wrong


def kept(part: NewPart, person: int) -> str:
    """A file that is in the storage, as a field of the form that has to be filled in again: sealed, and only this person's."""
    packed = base64.urlsafe_b64encode(json.dumps([person, *part]).encode()).decode()
    return f"{packed}.{_seal(packed)}"


def taken_back(fields: Any, person: int) -> list[NewPart]:
    """The files that a form before this one brought; what was not sealed by us is passed over."""
    found = []
    for text in fields.getlist("kept"):
        packed, _, seal = str(text).rpartition(".")
        if not packed or not hmac.compare_digest(seal.encode(), _seal(packed).encode()):
            continue
        try:
            whose, *values = json.loads(base64.urlsafe_b64decode(packed))
        except (ValueError, binascii.Error):
            continue
        if whose == person:
            found.append(NewPart(*values))
    return found


def _seal(text: str) -> str:
    key = config.settings().secret_keys[0].encode()
    return hmac.new(key, b"approval part:" + text.encode(), hashlib.sha256).hexdigest()
