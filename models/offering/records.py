"""What was chosen for files that are placed for approval together: the kind and period, the deadlines, and what becomes of deviations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from piccolo.columns import BigInt, Boolean, Date, ForeignKey, Integer, OnDelete, Text, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models import engine
from models.approvals.making import MOST_CENTS, check_decision, kind_of
from models.approvals.records import ApprovalKind
from models.approvals.words import checked_period
from models.core import Owned, Refused, Say
from models.personal import NUMBER_ONLY, Erase, Export
from models.placing.records import Placing

if TYPE_CHECKING:
    from models.viewer import Viewer

# What is done with each deviation: the first unless something else is chosen.
CHOICES: dict[str, tuple[str, ...]] = {
    "named": ("leave", "name", "batch"),
    "same": ("leave", "replace", "skip", "beside"),
    "same_bytes": ("skip", "place"),
    "not_pdf": ("attach", "leave"),
    "archived": ("leave", "place"),
    "unmanned": ("draft", "leave"),
    "warned": ("draft", "place", "leave"),
}
# From what has to be decided first to what is only worth knowing.
DEVIATIONS: dict[str, Say] = {
    "bad": Say("De PDF is beschadigd of te groot om te tonen"),
    "alone": Say("Er is geen PDF om dit als bijlage bij te doen"),
    "many": Say("Meer dan 50 bestanden voor één accordering"),
    "wrong": Say("Zo kan deze niet worden klaargezet"),
    "archived": Say("De cliënt is gearchiveerd"),
    "same": Say("Er is al een accordering van deze soort en periode"),
    "same_bytes": Say("Precies dit bestand is er al"),
    "named": Say("De bestandsnaam noemt een andere periode"),
    "not_pdf": Say("Dit is geen PDF"),
    "unmanned": Say("Er is niemand die akkoord kan geven"),
    "warned": Say("Met een accordeur is iets aan de hand"),
    "locked": Say("De PDF heeft een wachtwoord"),
}
ALWAYS_LEFT = ("bad", "alone", "many", "wrong")
OF_ALL = (
    "kind",
    "book_year",
    "period",
    "message",
    "internal_due",
    "legal_due",
    "dated_on",
    "amount",
    "together",
    "ends",
)
# What one file may have of its own.
OWN = ("book_year", "period", "dated_on", "amount", "part", *CHOICES)


class Offering(Owned, Table, tablename="offering"):
    """Of one placing whose purpose is approvals. `summary` is what the plan came to, for the page."""

    placement = ForeignKey(Placing, null=False, on_delete=OnDelete.cascade)
    kind = ForeignKey(ApprovalKind, null=True, default=None, on_delete=OnDelete.set_null)
    book_year = Integer(null=True, default=None)
    period = Varchar(length=3, default="")
    message = Varchar(length=4000, default="")
    internal_due = Date(null=True, default=None, help_text="NULL: by the calendar and the kind, for each client")
    legal_due = Date(null=True, default=None)
    dated_on = Date(null=True, default=None, help_text="The day of the decision that a legal deadline counts from.")
    amount = BigInt(null=True, default=None, help_text="cents")
    together = Boolean(
        default=True, help_text="Files of one client become one request; else each a request of its own."
    )
    ends = Varchar(length=5, default="draft", help_text="draft, or offer")
    on_named = Varchar(length=7, default="leave")
    on_same = Varchar(length=7, default="leave")
    on_same_bytes = Varchar(length=7, default="skip")
    on_not_pdf = Varchar(length=7, default="attach")
    on_archived = Varchar(length=7, default="leave")
    on_unmanned = Varchar(length=7, default="draft")
    on_warned = Varchar(length=7, default="draft")
    summary = Text(default="{}", help_text="JSON: see plan.summary_of")

    offering_once = Unique([placement])
    offering_ends_known = Check("ends IN ('draft', 'offer')")

    EXPORTS = Export(
        Say("Plaatsingen van stukken"), why=Say("Gegevens van cliënten; wie iets plaatste staat in de plaatsing zelf")
    )
    ERASES = Erase(ground=NUMBER_ONLY)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.placement.is_in(Placing.select(Placing.id).where(Placing.visible_to(viewer)))

    @property
    def chosen(self) -> dict[str, Any]:
        """What holds for all: the columns of OF_ALL, and the way for each of CHOICES."""
        return {name: getattr(self, name) for name in OF_ALL} | {name: getattr(self, f"on_{name}") for name in CHOICES}

    @property
    def told(self) -> dict[str, Any]:
        return dict(json.loads(self.summary))


def for_file(chosen: dict[str, Any], own: str) -> dict[str, Any]:
    """What holds for one file: its own where that was chosen."""
    return chosen | {"part": "", **json.loads(own)}


async def checked(values: dict[str, Any]) -> dict[str, Any]:
    """As the columns keep it: OF_ALL and the ways by name of CHOICES. Raises Refused beside the field that is wrong."""
    kind = await kind_of(values["kind"] or 0)
    period = checked_period(values["book_year"], values["period"])
    if values["book_year"] is None and kind.rule:
        raise Refused("book_year", Say("Vul een boekjaar in tussen 1990 en 2100."))
    if values["amount"] is not None and abs(values["amount"]) > MOST_CENTS:
        raise Refused("amount", Say("Dit bedrag is te groot."))
    message = values["message"].replace("\x00", "").strip()
    if len(message) > 4000:
        raise Refused("message", Say("Dit is {n} tekens; er passen er {most}.", n=len(message), most=4000))
    internal, legal = values["internal_due"], values["legal_due"]
    if internal and legal and internal > legal:
        raise Refused("internal_due", Say("De interne deadline ligt na de wettelijke."))
    check_decision(values["dated_on"])
    if values["ends"] not in ("draft", "offer"):
        raise Refused("ends", Say("Kies een van de mogelijkheden."))
    _check_ways(values)
    return {
        "kind": kind.id, "book_year": values["book_year"], "period": period, "message": message, "internal_due": internal,
        "legal_due": legal, "dated_on": values["dated_on"], "amount": values["amount"], "together": bool(values["together"]), "ends": values["ends"],
        **{f"on_{name}": values[name] for name in CHOICES},
    }  # fmt: skip


def checked_own(values: dict[str, Any]) -> dict[str, Any]:
    """What one file has of its own, as JSON keeps it. Raises Refused."""
    if values["part"] not in ("", "main", "attachment"):
        raise Refused("part", Say("Kies een van de mogelijkheden."))
    if values["amount"] is not None and abs(values["amount"]) > MOST_CENTS:
        raise Refused("amount", Say("Dit bedrag is te groot."))
    dated_on = engine.as_day(values["dated_on"])
    check_decision(dated_on)
    _check_ways(values)
    period = checked_period(values["book_year"], values["period"])
    return {name: values[name] for name in OWN} | {"period": period, "dated_on": dated_on and dated_on.isoformat()}


def _check_ways(values: dict[str, Any]) -> None:
    for name, ways in CHOICES.items():
        if values[name] not in ways:
            raise Refused(name, Say("Kies een van de mogelijkheden."))
