"""When a return is due: month, quarter and year, wages by four weeks, book years that are broken, and the payment with it."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest

from models.deadlines import (
    FOUR_WEEKS,
    RULES,
    four_weeks,
    granted_months,
    internal_deadline,
    legal_deadline,
    months_after,
)
from models.dutch import Invalid, payment_reference, payroll_period

D = dt.date


@pytest.mark.parametrize(
    ("rule", "year", "period", "due"),
    [
        ("ob", 2026, "m01", D(2026, 2, 28)),
        ("ob", 2026, "m06", D(2026, 7, 31)),
        ("ob", 2026, "m12", D(2027, 1, 31)),
        ("ob", 2026, "k1", D(2026, 4, 30)),
        ("ob", 2026, "k3", D(2026, 10, 31)),
        ("ob", 2026, "k4", D(2027, 1, 31)),
        ("ob", 2026, "", D(2027, 3, 31)),
        ("ob", 2026, "p01", None),
        ("icp", 2026, "k2", D(2026, 7, 31)),
        ("icp", 2026, "m02", D(2026, 3, 31)),
        ("lh", 2026, "m01", D(2026, 2, 28)),  # a Saturday, and it stays
        ("lh", 2026, "m02", D(2026, 3, 31)),
        ("lh", 2026, "m12", D(2027, 1, 31)),
        ("lh", 2028, "m01", D(2028, 2, 29)),
        ("lh", 2026, "p01", D(2026, 2, 25)),
        ("lh", 2026, "p13", D(2027, 1, 31)),
        ("lh", 2026, "", D(2027, 1, 31)),
        ("lh", 2026, "k1", None),
        ("ib", 2025, "", D(2026, 5, 1)),
        ("ib", 2025, "k1", None),
        ("vpb", 2025, "", D(2026, 5, 31)),
        ("kvk", 2025, "", D(2026, 12, 31)),
        ("jaaropgaaf", 2025, "", D(2026, 2, 28)),
        ("dividend", 2025, "", None),
        ("", 2025, "", None),
        ("ob", 2025, "m13", None),
        ("ob", 2025, "nonsense", None),
    ],
)
def test_a_return_is_due(rule: str, year: int, period: str, due: dt.date | None) -> None:
    assert legal_deadline(rule, book_year=year, period=period) == due


def test_a_broken_book_year_ends_in_the_year_after_it_began() -> None:
    """The book year 2025/2026 to the end of June."""
    assert legal_deadline("vpb", book_year=2025, period="", year_end_month=6) == D(2026, 11, 30)
    assert legal_deadline("kvk", book_year=2025, period="", year_end_month=6) == D(2027, 6, 30)
    assert legal_deadline("kvk", book_year=2027, period="", year_end_month=2) == D(2029, 2, 28)


def test_an_extension_moves_only_what_can_be_extended() -> None:
    for rule, due in (("ib", D(2027, 5, 1)), ("vpb", D(2027, 4, 30))):
        months = RULES[rule].extension
        assert legal_deadline(rule, book_year=2025, period="", extension_months=months) == due
    assert legal_deadline("ob", book_year=2025, period="k1", extension_months=5) == D(2025, 4, 30)


@pytest.mark.parametrize(
    ("year", "number", "start", "end"),
    [
        (2025, 1, D(2025, 1, 1), D(2025, 1, 26)),
        (2025, 13, D(2025, 12, 1), D(2025, 12, 31)),
        (2026, 1, D(2026, 1, 1), D(2026, 1, 25)),
        (2026, 2, D(2026, 1, 26), D(2026, 2, 22)),
        (2026, 13, D(2026, 11, 30), D(2026, 12, 31)),
    ],
)
def test_four_weeks_are_those_of_the_tax_office(year: int, number: int, start: dt.date, end: dt.date) -> None:
    assert four_weeks(year, number) == (start, end)


@pytest.mark.parametrize("year", range(2020, 2045))
def test_the_periods_of_four_weeks_fill_every_year(year: int) -> None:
    periods = [four_weeks(year, n + 1) for n in range(len(FOUR_WEEKS))]

    assert (periods[0][0], periods[-1][1]) == (D(year, 1, 1), D(year, 12, 31))
    assert all(end + dt.timedelta(days=1) == start for (_, end), (start, _) in itertools.pairwise(periods))


def test_the_other_days() -> None:
    for rule, day, due in (
        ("dividend", D(2026, 1, 31), D(2026, 2, 28)),
        ("dividend", D(2026, 5, 15), D(2026, 6, 15)),
        ("dividend", D(2026, 2, 28), D(2026, 3, 28)),  # a month after a day, not after the end of a period
        ("dividend", D(2026, 11, 30), D(2026, 12, 30)),
        ("kvk", D(2026, 6, 10), D(2026, 6, 18)),
        ("kvk", D(2026, 12, 30), D(2026, 12, 31)),  # never later than twelve months after the book year
        ("vpb", D(2026, 3, 1), D(2026, 5, 31)),
    ):
        assert legal_deadline(rule, book_year=2025, period="", dated_on=day) == due


def test_the_extension_is_the_clients_own_and_else_the_firms_as_far_as_it_is_granted() -> None:
    own_or_firm = {(None, 12): 12, (None, 18): 12, (None, 5): 5, (0, 12): 0, (3, 12): 3, (16, 12): 16}
    for (own, firm), months in own_or_firm.items():
        assert granted_months("ib", own, firm) == months
    assert (granted_months("vpb", None, 12), granted_months("ob", None, 12), granted_months("", 6, 12)) == (11, 0, 0)
    assert months_after(D(2025, 11, 30), 1) == D(2025, 12, 31)


def test_the_internal_day_is_one_on_which_the_office_works() -> None:
    assert internal_deadline(D(2026, 4, 30), 7) == D(2026, 4, 23)
    assert internal_deadline(D(2026, 1, 31), 7) == D(2026, 1, 23)  # the 24th is a Saturday
    assert internal_deadline(D(2026, 2, 28), 6) == D(2026, 2, 20)  # the 22nd a Sunday


def test_the_payment_reference() -> None:
    assert payment_reference("036000012B02", 2023, "k3") == "0036000011302270"
    assert payment_reference("036000012 L01", 2023, "m11") == "2036000016301110"
    assert (payroll_period(2026, "m04"), payroll_period(2026, ""), payroll_period(2026, "k1")) == ("6040", "6400", None)
    for number, period in (("036000012", "k3"), ("036000012B02", "p01")):
        with pytest.raises(Invalid):
            payment_reference(number, 2023, period)
