"""The pages of the lists: more filters, other columns, views, and workbooks."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest

from models import engine
from models.clients import add_client
from tests.cast import Cast

Browsers = Callable[..., Any]


def cells(reply: Any) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(io.BytesIO(reply.content)).active
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


async def test_a_view_keeps_filter_order_and_columns(cast: Cast, browser: Browsers) -> None:
    form = {"about": "clients", "city": "zeist", "sort": "-kvk", "name": "Zeist", "columns": "kvk,city"}
    await add_client(cast.anna.clients, number="Z1", name="Zee", city="Zeist", kvk="68750110", by=cast.anna)
    async with browser(cast.anna) as anna:
        saved = await anna.post("/views", data=form)
        page = await anna.get(saved.headers["location"])
        plain = await anna.get("/clients")
        await anna.post("/views/columns", data={"about": "clients", "column": ["vat", "city"]})
        chosen = await anna.get("/clients")
        nameless = await anna.post("/views", data=form | {"name": ""})

    assert "city=zeist" in saved.headers["location"] and "sort=-kvk" in saved.headers["location"]
    assert "68750110" in page.text and "Bakkerij Jansen" not in page.text and 'aria-sort="descending"' in page.text
    assert "Zeist</a>" in plain.text, "the view is offered"
    assert 'id="sort-vat"' in chosen.text and 'id="sort-number"' not in chosen.text
    assert nameless.status_code == 303


async def test_what_one_types_beside_a_list_that_changes_stays(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.anna) as anna:
        narrowed = await anna.htmx("GET", "/clients?city=x")
        live = await anna.htmx("GET", "/clients?city=x&live=1")

    assert 'id="list-options"' in narrowed.text and 'name="city" value="x"' in narrowed.text
    assert 'id="list-options"' not in live.text


async def test_ticked_or_all_that_match_are_exported_safely(cast: Cast, browser: Browsers) -> None:
    made = await add_client(cast.anna.clients, number="007", name='=HYPERLINK("http://x")', city="Zeist", by=cast.anna)
    async with browser(cast.anna) as anna:
        ticked = cells(await anna.post("/clients/export", data={"ids": [str(made.id)]}))
        every = cells(await anna.post("/clients/export", data={"all_matching": "1", "city": "zeist"}))
        people = cells(await anna.post("/users/export", data={"ids": [str(cast.rik.user.id)]}))
        everybody = cells(await anna.get("/users/export"))

    assert len(ticked) == len(every) == 2 and ticked[1][:2] == ["007", '=HYPERLINK("http://x")']
    book = ticked[0]
    assert "BSN" not in book and book[:2] == ["Nummer", "Naam"]
    assert len(people) == 2 and people[1][1] == cast.rik.user.email
    count = (await engine.raw("SELECT count(*) AS n FROM users WHERE kind = 'client'"))[0]["n"]
    assert len(everybody) == count + 1


@pytest.mark.parametrize(
    "path",
    ["/clients?since_from=x&sector=y&module=z&kind=w&columns=geen&sort=raar", "/users?seen=x&role=%00&columns=,"],
)
async def test_nonsense_in_the_address_narrows_nothing(cast: Cast, browser: Browsers, path: str) -> None:
    async with browser(cast.anna) as anna:
        assert (await anna.get(path)).status_code == 200


async def test_a_client_user_has_no_lists(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.rik) as rik:
        replies = [await rik.get("/users/export"), await rik.post("/views", data={"about": "users", "name": "x"})]

    assert {reply.status_code for reply in replies} == {404}
