"""Groups on the screen: adding, renaming, filling, and removing after saying what happens."""

from __future__ import annotations

import pytest

from models.clients import add_group, lists


async def test_a_group_is_made_filled_and_emptied(cast, browser):
    async with browser(cast.anna) as anna:
        made = await anna.post("/groups", data={"name": "Bakkers", "description": "In de regio"})
        page = made.headers["location"]
        await anna.post(f"{page}/members", data={"client": "garage smit"})
        full = (await anna.get(page)).text
        await anna.post(f"{page}/members/removal", data={"ids": [cast.garage]})
        empty = (await anna.get(page)).text

    assert "Garage Smit" in full
    assert "Nog geen cliënten in deze groep" in empty


@pytest.mark.parametrize(
    "name, said", [("", "Vul dit in."), ("CAFES", "Er is al een groep"), ("x" * 500, "er passen er 120")]
)
async def test_a_wrong_name_comes_back_with_the_reason(cast, browser, name, said):
    await add_group(cast.anna.groups, name="Cafés", by=cast.anna)
    async with browser(cast.anna) as anna:
        reply = await anna.post("/groups", data={"name": name})

    assert reply.status_code == 422
    assert said in reply.text
    assert f'value="{name}"' in reply.text


async def test_renaming_to_a_name_in_use_keeps_the_group(cast, browser):
    group = await add_group(cast.anna.groups, name="Eén", by=cast.anna)
    await add_group(cast.anna.groups, name="Twee", by=cast.anna)
    async with browser(cast.anna) as anna:
        refused = await anna.post(f"/groups/{group.id}/name", data={"name": "twee"})
        good = await anna.post(f"/groups/{group.id}/name", data={"name": "Drie"})

    assert (refused.status_code, good.status_code) == (422, 303)
    assert (await cast.anna.groups.get(group.id)).name == "Drie"


@pytest.mark.parametrize("typed", ["bestaat niet", "", "\x00"])
async def test_an_unknown_client_is_not_added(cast, browser, typed):
    group = await add_group(cast.anna.groups, name="Eén", by=cast.anna)
    async with browser(cast.anna) as anna:
        reply = await anna.post(f"/groups/{group.id}/members", data={"client": typed})

    assert reply.status_code == 422
    assert await lists.count(cast.anna, lists.Filter(group=group.id)) == 0


async def test_removing_says_what_happens_first(cast, browser):
    group = await add_group(cast.anna.groups, name="Weg", by=cast.anna)
    async with browser(cast.anna) as anna:
        await anna.post(f"/groups/{group.id}/members", data={"client": "Garage Smit"})
        asked = (await anna.get(f"/groups/{group.id}/removal")).text
        gone = await anna.post(f"/groups/{group.id}/removal")
        after = await anna.get(f"/groups/{group.id}")

    assert "Er zit 1 cliënt in" in asked
    assert (gone.status_code, after.status_code) == (303, 404)
    assert await cast.anna.clients.get(cast.garage)


async def test_a_client_user_meets_no_groups(cast, browser):
    async with browser(cast.rik) as rik:
        assert (await rik.get("/groups")).status_code == 404
