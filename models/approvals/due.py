"""When a request is due: by the calendar of its kind, for this client, and by what the office filled in itself; and how that is said."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from models.approvals.records import ApprovalKind, ApprovalRequest
from models.clients import Client
from models.core import Say
from models.deadlines import RULES, granted_months, internal_deadline, legal_deadline
from models.settings import Firm, this_day


class Deadlines(NamedTuple):
    internal: dt.date | None
    legal: dt.date | None


async def firm_extension() -> int:
    """The months of filing extension of who has none of his own."""
    return int((await Firm.load()).margin_months)


def proposed_deadlines(
    kind: ApprovalKind, client: Client, book_year: int | None, period: str, *, firm: int, dated_on: dt.date | None = None
) -> Deadlines:  # fmt: skip
    """By the calendar of the kind, with the extension that this client has (`firm`: what it has without one of its own); None
    where that says nothing. The day of a decision tells enough where a rule takes one."""
    rule = RULES.get(kind.rule)
    dated_on = dated_on if rule and rule.takes_day else None
    year = book_year if book_year is not None else dated_on.year if dated_on else None
    if year is None:
        return Deadlines(None, None)
    legal = legal_deadline(
        kind.rule, book_year=year, period=period, year_end_month=client.year_end_month,
        extension_months=granted_months(kind.rule, client.extension_months, firm), dated_on=dated_on,
    )  # fmt: skip
    return Deadlines(internal_deadline(legal, kind.internal_days) if legal else None, legal)


def origin_of(request: ApprovalRequest, row: dict[str, Any]) -> Say | None:
    """By what its legal deadline was found: the calendar, with what extension, or the office itself. None without one. `row`: rule,
    internal_days, year_end_month, extension_months, firm_margin."""
    kind = ApprovalKind(rule=row["rule"], internal_days=row["internal_days"])
    client = Client(year_end_month=row["year_end_month"], extension_months=row["extension_months"])
    firm = int(row["firm_margin"])
    ours = proposed_deadlines(
        kind, client, request.book_year, request.period, firm=firm, dated_on=request.dated_on
    ).legal
    if request.legal_due is None:
        return None
    if request.legal_due != ours:
        return Say("zelf gekozen")
    rule = RULES[kind.rule]
    if request.dated_on and rule.takes_day:
        return Say("volgens de kalender van {rule}, vanaf de dag van het besluit", rule=rule.name)
    months = granted_months(kind.rule, client.extension_months, firm)
    if not months:
        return Say("volgens de kalender van {rule}", rule=rule.name)
    if client.extension_months is None:
        return Say("met uitstel van {n} maanden, zoals het kantoor heeft ingesteld", n=months)
    return Say("met uitstel van {n} maanden, zoals bij de cliënt staat", n=months)


def lateness(internal: dt.date | None, legal: dt.date | None) -> Say | None:
    """What to say before it goes out, of a deadline that has passed already: often the year is a slip of the pen."""
    if legal is not None and legal < this_day():
        return Say("De wettelijke deadline, {day}, is al voorbij. Klopt het jaar? U kunt dit nog aanbieden; de cliënt ziet dat het te laat is.", day=f"{legal:%d-%m-%Y}")  # fmt: skip
    if internal is not None and internal < this_day():
        return Say("De interne deadline, {day}, is al voorbij. Klopt het jaar? U kunt dit nog aanbieden; de cliënt ziet dat het te laat is.", day=f"{internal:%d-%m-%Y}")  # fmt: skip
    return None


def is_pressing(internal: dt.date | None, legal: dt.date | None) -> bool:
    """Whether the first of its deadlines is tomorrow or before: a mail of the next morning may come too late."""
    first = min((day for day in (internal, legal) if day is not None), default=None)
    return first is not None and first <= this_day() + dt.timedelta(days=1)
