"""The lists of clients and users: a filter on everything, columns to choose, and views kept under a name."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from models import engine
from models.accounts import lists as of_users
from models.accounts.columns import COLUMNS as USER_COLUMNS
from models.clients import add_client, lists
from models.clients.columns import COLUMNS, EVERY_ORDER
from models.clients.lists import Filter
from models.clients.sectors import Sector
from models.core import Missing, Refused
from models.views import FIRST, SavedView, choose_columns, save_view, views_of
from tests.cast import Cast

FULL: dict[str, Any] = {
    "kind": "private", "legal_form": "Maatschap", "kvk": "68750110", "rsin": "004495445", "vat": "NL004495445B01",
    "iban": "NL91ABNA0417164300", "payroll_numbers": "004495445L01", "street": "Zeeweg", "postcode": "2202 AB",
    "city": "Noordwijk", "email": "post@zee.example", "phone": "071 123 45 67", "website": "www.zee.example",
    "manager": "Van Dam", "language": "en", "second_factor": "yes", "since": dt.date(2019, 5, 1),
}  # fmt: skip


async def found(cast: Cast, **asked: Any) -> set[int]:
    rows = await lists.page(cast.anna, Filter(state="all", **asked), "name", 1, 500)
    assert len(rows) == await lists.count(cast.anna, Filter(state="all", **asked))
    assert {row["id"] for row in rows} == {
        one.id for one in await lists.matching(cast.anna, state="all", **asked).all()
    }
    return {row["id"] for row in rows}


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("kind", "private"), ("legal_form", "MAATSCH"), ("kvk", "687 501"), ("rsin", "4495445"), ("vat", "NL0044"),
        ("iban", "NL91 ABNA 04"), ("payroll_numbers", "l01"), ("street", "zee"), ("postcode", "2202"), ("city", "wijk"),
        ("email", "POST@"), ("phone", "071"), ("website", "zee.ex"), ("manager", "dam"), ("language", "en"),
        ("second_factor", "yes"), ("since_from", "2019-05-01"), ("since_until", "2019-05-01"),
    ],
)  # fmt: skip
async def test_every_field_can_be_asked(cast: Cast, field: str, typed: str) -> None:
    made = await add_client(cast.anna.clients, number="Z1", name="Zee", by=cast.anna, **FULL)
    other = await add_client(cast.anna.clients, number="Z2", name="Land", by=cast.anna)

    within = await found(cast, **{field: typed})
    assert made.id in within and other.id not in within


async def test_sectors_offices_and_modules_can_be_asked(cast: Cast) -> None:
    made = await add_client(cast.anna.clients, number="Z1", name="Zee", by=cast.anna)
    sector = await Sector.objects().where(Sector.name == "Horeca").first()
    assert sector is not None
    await made.set_sectors([sector.id], by=cast.anna)
    await made.set_modules(["dossiers"], by=cast.anna)

    assert made.id in await found(cast, sector=sector.id)
    assert made.id in await found(cast, module="dossiers") and made.id not in await found(cast, module="payroll")
    assert await found(cast, office=999) == set()


@pytest.mark.parametrize("typed", ["%", "_", "!", "'", "\\", "2019-99-99"])
async def test_odd_signs_are_only_signs(cast: Cast, typed: str) -> None:
    assert await found(cast, city=typed) == set()
    assert await found(cast, since_from=typed) == await found(cast)


@pytest.mark.parametrize("order", [sign + name for name in EVERY_ORDER for sign in ("", "-")])
async def test_every_order_gives_every_client_once(cast: Cast, order: str) -> None:
    pages = [await lists.page(cast.anna, Filter(), order, number, 5, COLUMNS) for number in (1, 2, 3)]
    ids = [row["id"] for page in pages for row in page]

    assert len(ids) == len(set(ids)) == await lists.count(cast.anna, Filter())
    assert set(COLUMNS) <= set(pages[0][0])


@pytest.mark.parametrize(
    "asked",
    [{"role": "beheerder"}, {"factor": "no"}, {"factor": "yes"}, {"language": "nl"}, {"seen": "never"}, {"seen": "month"},
     {"seen": "quarter"}, {"office": 1}, {"group": 1}],
)  # fmt: skip
async def test_users_are_found_by_what_they_may_and_do(cast: Cast, asked: dict[str, Any]) -> None:
    rows = await of_users.page(cast.anna, of_users.Filter(**asked), "name", 1, 500, USER_COLUMNS)
    everybody = await of_users.page(cast.anna, of_users.Filter(), "-created_at", 1, 0, USER_COLUMNS)

    assert len(rows) == await of_users.count(cast.anna, of_users.Filter(**asked)) <= len(everybody)
    for row in rows:
        if "factor" in asked:
            assert bool(row["factor"]) == (asked["factor"] == "yes")
        if asked.get("seen") == "never":
            assert row["seen_at"] is None


async def test_the_export_has_all_that_match_and_no_bsn_or_notes(cast: Cast) -> None:
    made = await add_client(
        cast.anna.clients, number="Z1", name="Zee", kind="private", notes="Geheim", city="Zeist", by=cast.anna
    )
    await made.set_bsn("123456782", by=cast.anna)
    rows = await lists.for_export(cast.anna, Filter(city="Zeist"), "name")
    few = await lists.for_export(cast.anna, Filter(state="all"), "name", [made.id])
    his = await lists.for_export(cast.ed, Filter(), "name", [made.id])

    assert made.number in [row["number"] for row in rows] and [row["number"] for row in few] == ["Z1"]
    assert "Geheim" not in str(rows) and "123456782" not in str(rows) and his == []


async def test_columns_are_ones_own_and_a_view_may_be_shared(cast: Cast) -> None:
    mine, his = cast.anna.scope(SavedView), cast.ed.scope(SavedView)
    await choose_columns(mine, "clients", ["kvk", "city", "geen"], by=cast.anna)
    await save_view(mine, "clients", "Horeca", "sector=3", ["kvk"], True, by=cast.anna)
    await save_view(mine, "clients", "Eigen", "q=x", ["kvk"], False, by=cast.anna)
    await save_view(mine, "clients", "horeca", "sector=4", ["kvk"], True, by=cast.anna)

    assert (await views_of(cast.anna, "clients")).columns == ("city", "kvk")
    assert (await views_of(cast.anna, "clients", "phone")).columns == ("phone",)
    assert (await views_of(cast.ed, "clients")).columns == FIRST["clients"]
    assert [(one["name"], one["query"]) for one in (await views_of(cast.ed, "clients")).saved] == [
        ("horeca", "sector=4")
    ]
    shared = (await views_of(cast.ed, "clients")).saved[0]["id"]
    with pytest.raises(Refused):
        await (await his.get(shared)).remove(by=cast.ed)
    own = next(one["id"] for one in (await views_of(cast.anna, "clients")).saved if one["name"] == "Eigen")
    with pytest.raises(Missing):
        await his.get(own)
    await (await mine.get(own)).remove(by=cast.anna)
    assert len((await views_of(cast.anna, "clients")).saved) == 1


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
async def test_a_view_has_a_name_that_fits(cast: Cast, name: str) -> None:
    with pytest.raises(Refused):
        await save_view(cast.anna.scope(SavedView), "users", name, "", [], False, by=cast.anna)
    assert await engine.raw("SELECT 1 AS one FROM saved_view") == []
