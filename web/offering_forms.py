"""What is chosen for files that are placed for approval: for all of them, and apart for some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.core import Refused, RefusedFields, Say
from models.dutch.amounts import parse_amount
from models.offering.records import CHOICES
from models.requests.making import read_day
from web.approval_forms import PERIODS
from web.forms import Form, SelectField, StringField, Text, TextAreaField, an_id

WAYS: dict[str, dict[str, Say]] = {
    "named": {"leave": Say("Laten wachten"), "name": Say("Zoals de bestandsnaam zegt"), "batch": Say("Zoals hierboven gekozen")},
    "same": {"leave": Say("Laten wachten"), "replace": Say("De eerdere vervangen"), "skip": Say("Overslaan"), "beside": Say("Ernaast zetten")},
    "same_bytes": {"skip": Say("Overslaan"), "place": Say("Toch klaarzetten")},
    "not_pdf": {"attach": Say("Als bijlage erbij doen"), "leave": Say("Laten wachten")},
    "archived": {"leave": Say("Laten wachten"), "place": Say("Toch klaarzetten")},
    "unmanned": {"draft": Say("Klaarzetten als concept"), "leave": Say("Laten wachten")},
    "warned": {"draft": Say("Klaarzetten als concept"), "place": Say("Toch aanbieden"), "leave": Say("Laten wachten")},
}  # fmt: skip
ENDS = [("draft", Say("Klaarzetten als concept: er gaat niets uit")), ("offer", Say("Meteen aanbieden"))]
TOGETHER = [("1", Say("Eén accordering per cliënt, met al zijn stukken")), ("", Say("Elk stuk een eigen accordering"))]
PART = [("", Say("Zoals het bestand is")), ("main", Say("Ter accordering")), ("attachment", Say("Bijlage"))]


class _Ways(Form):
    named = SelectField(choices=list(WAYS["named"].items()))
    same = SelectField(choices=list(WAYS["same"].items()))
    same_bytes = SelectField(choices=list(WAYS["same_bytes"].items()))
    not_pdf = SelectField(choices=list(WAYS["not_pdf"].items()))
    archived = SelectField(choices=list(WAYS["archived"].items()))
    unmanned = SelectField(choices=list(WAYS["unmanned"].items()))
    warned = SelectField(choices=list(WAYS["warned"].items()))
    book_year = Text(most=10)
    period = SelectField(choices=PERIODS, default="")
    amount = Text(most=40)
    dated_on = StringField(default="")


class Chosen(_Ways):
    """What holds for all files of a placing."""

    kind = SelectField(coerce=an_id, validate_choice=False, choices=[])
    message = TextAreaField(default="")
    internal_due = StringField(default="")
    legal_due = StringField(default="")
    together = SelectField(choices=TOGETHER, default="1")
    ends = SelectField(choices=ENDS, default="draft")


class Apart(_Ways):
    """What some files have of their own."""

    part = SelectField(choices=PART, default="")


def values_of(typed: dict[str, Any]) -> dict[str, Any]:
    """What was typed as the columns want it. Raises RefusedFields, each beside its field."""
    wrong: list[Refused] = []

    def read(name: str, parse: Callable[[str], Any]) -> Any:
        text = str(typed.get(name) or "").strip()
        try:
            return parse(text) if text else None
        except Refused as refused:
            wrong.append(Refused(name, refused.why))
            return None

    found = typed | {
        "book_year": read("book_year", _year), "amount": read("amount", parse_amount),
        "dated_on": read("dated_on", lambda text: read_day(text, "dated_on")),
    }  # fmt: skip
    if "kind" in typed:
        found |= {
            "internal_due": read("internal_due", lambda text: read_day(text, "internal_due")), "kind": typed["kind"] or 0,
            "legal_due": read("legal_due", lambda text: read_day(text, "legal_due")), "together": bool(typed["together"]),
        }  # fmt: skip
    if wrong:
        raise RefusedFields(wrong)
    return found


def _year(text: str) -> int:
    if not (text.isdecimal() and len(text) == 4):
        raise Refused("book_year", Say("Vul een jaar in, bijvoorbeeld 2026."))
    return int(text)


def shown(chosen: dict[str, Any]) -> dict[str, Any]:
    """What was chosen, as a form shows it."""
    amount = "" if chosen["amount"] is None else f"{chosen['amount'] / 100:.2f}".replace(".", ",")
    found = {name: chosen[name] for name in CHOICES} | {
        "book_year": str(chosen["book_year"] or ""), "period": chosen["period"], "amount": amount, "dated_on": str(chosen["dated_on"] or "")[:10],
    }  # fmt: skip
    if "kind" in chosen:
        found |= {
            "kind": chosen["kind"] or 0, "message": chosen["message"], "together": "1" if chosen["together"] else "", "ends": chosen["ends"],
            **{name: str(chosen[name])[:10] if chosen[name] else "" for name in ("internal_due", "legal_due")},
        }  # fmt: skip
    return found
