"""The rules of approvals that an office leans on: deadlines, four eyes, roles as they are at the moment, plans that can be completed."""

from __future__ import annotations

import dataclasses
import datetime as dt

from models import engine
from models.approvals import ApprovalRequest, NewRequest, change, make
from models.approvals.due import lateness, origin_of
from models.approvals.reading import whole
from models.core import save
from models.settings import Firm
from tests.approving import draft, kind, now, part
from tests.cast import Cast

D = dt.date


async def granted(cast: Cast, months: int | None) -> None:
    await engine.raw("UPDATE client SET extension_months = $1 WHERE id = $2", months, cast.bakkerij)


async def of_year(cast: Cast, name: str, **more: object) -> ApprovalRequest:
    return await draft(cast, kind=(await kind(name)).id, **{"book_year": 2026, "period": ""} | more)


async def origin(cast: Cast, request: ApprovalRequest) -> str:
    return str(origin_of(request, (await whole(cast.anna, request)).row) or "")


async def test_who_has_no_extension_of_his_own_has_the_firms(cast: Cast) -> None:
    """The screen of a client's keeping says so, and deadlines count it so: IB to 1 May a year later, VPB to about that day."""
    income, corporate = await of_year(cast, "Aangifte inkomstenbelasting"), await of_year(
        cast, "Aangifte vennootschapsbelasting"
    )  # fmt: skip
    assert (income.legal_due, corporate.legal_due) == (D(2028, 5, 1), D(2028, 4, 30))
    assert await origin(cast, income) == "met uitstel van 12 maanden, zoals het kantoor heeft ingesteld"

    await save(await Firm.load(), margin_months=0)
    none = await of_year(cast, "Aangifte inkomstenbelasting")
    assert (none.legal_due, await origin(cast, none)) == (D(2027, 5, 1), "volgens de kalender van Inkomstenbelasting")

    await granted(cast, 4)
    own = await of_year(cast, "Aangifte inkomstenbelasting")
    assert (own.legal_due, await origin(cast, own)) == (
        D(2027, 9, 1),
        "met uitstel van 4 maanden, zoals bij de cliënt staat",
    )
    chosen = await of_year(cast, "Aangifte inkomstenbelasting", legal_due=D(2027, 5, 2))
    assert await origin(cast, chosen) == "zelf gekozen"


async def test_a_dividend_and_adopted_accounts_are_due_from_the_day_of_the_decision(cast: Cast) -> None:
    dividend = await of_year(cast, "Aangifte dividendbelasting", dated_on=D(2026, 12, 31))
    without = await of_year(cast, "Aangifte dividendbelasting")
    filed = await of_year(cast, "Publicatiestukken", dated_on=D(2027, 3, 1))
    assert (dividend.legal_due, without.legal_due, filed.legal_due) == (D(2027, 1, 31), None, D(2027, 3, 9))
    assert "vanaf de dag van het besluit" in await origin(cast, dividend)


async def test_another_kind_or_period_has_deadlines_and_addressee_of_its_own(cast: Cast) -> None:
    """What nobody typed followed from the old ones, also where the form sends it back as it stood there."""
    request = await draft(cast, period="m01")
    was = NewRequest(
        kind=request.kind, book_year=2026, period="m01", addressee=request.addressee, internal_due=request.internal_due,
        legal_due=request.legal_due, beside=True,
    )  # fmt: skip
    assert (request.legal_due, request.addressee) == (D(2026, 2, 28), "de Belastingdienst")
    filing = dataclasses.replace(was, kind=(await kind("Publicatiestukken")).id, period="")
    await change(request, filing, by=cast.anna)
    found = await now(request)
    assert (found.legal_due, found.internal_due, found.addressee) == (
        D(2027, 12, 31), D(2027, 12, 24), "de Kamer van Koophandel",
    )  # fmt: skip

    typed = dataclasses.replace(was, internal_due=D(2026, 2, 2), legal_due=D(2026, 3, 3), addressee="de gemeente")
    other = await make(await cast.anna.clients.get(cast.bakkerij), typed, [part()], by=cast.anna)
    await change(other, dataclasses.replace(typed, period="m02"), by=cast.anna)
    found = await now(other)
    assert (found.internal_due, found.legal_due, found.addressee) == (D(2026, 2, 2), D(2026, 3, 3), "de gemeente")


def test_a_deadline_that_has_passed_is_said_beforehand() -> None:
    assert "01-05-2020" in str(lateness(None, D(2020, 5, 1))) and "interne" in str(
        lateness(D(2020, 4, 1), D(2099, 1, 1))
    )
    assert lateness(D(2099, 1, 1), D(2099, 2, 1)) is None and lateness(None, None) is None
