"""The page with a client's particulars: every card of it, with what is wrong beside it."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

from models import engine
from models.clients import Client, add_client
from tests.cast import Cast

Browsers = Callable[..., Any]


async def person(cast: Cast, name: str = "J. de Vries", number: str = "9001") -> Client:
    return await add_client(cast.anna.clients, number=number, name=name, kind="private", by=cast.anna)


async def test_a_bsn_is_typed_masked_and_shown_once(cast: Cast, browser: Browsers) -> None:
    client = await person(cast)
    path = f"/clients/{client.id}/bsn"
    async with browser(cast.anna) as anna:
        wrong = await anna.post(path, data={"bsn": "123456789"})
        await anna.post(path, data={"bsn": "123456782"})
        page = await anna.get(f"/clients/{client.id}/details")
        shown = await anna.post(f"{path}/reveal")
        log = await anna.get(f"/clients/{client.id}/log")

    assert wrong.status_code == 422 and "Dit is geen geldig BSN." in wrong.text and "123456789" not in wrong.text
    assert "*****6782" in page.text and "123456782" not in page.text
    assert "123456782" in shown.text and shown.headers["cache-control"] == "no-store"
    assert "bekeek het BSN" in log.text and "123456782" not in log.text


async def test_partner_sectors_modules_and_roles_are_kept(cast: Cast, browser: Browsers) -> None:
    client, partner = await person(cast), await person(cast, "E. de Vries", "9002")
    sector = (await engine.raw("SELECT id FROM sector WHERE name = 'Horeca'"))[0]["id"]
    here, ed = f"/clients/{client.id}", cast.ed.user.id
    async with browser(cast.anna) as anna:
        unknown = await anna.post(f"{here}/partner", data={"partner": "Bestaat niet"})
        await anna.post(f"{here}/partner", data={"partner": "9002"})
        await anna.post(f"{here}/sectors", data={"sectors": [str(sector)]})
        await anna.post(f"{here}/modules", data={"modules": ["dossiers"]})
        await anna.post(f"{here}/responsible", data={"roles": "1", "person": str(ed)})
        await anna.post(f"{here}/responsible", data={"roles": "1", "people": str(ed), f"role-{ed}-tax": "1"})
        page = html.unescape((await anna.get(f"{here}/details")).text)

    assert unknown.status_code == 422 and "Geen cliënt heeft dit nummer" in html.unescape(unknown.text)
    assert f'/clients/{partner.id}">E. de Vries' in page
    assert f'id="sector-{sector}" value="{sector}" checked' in page
    assert 'value="dossiers" checked' in page and 'value="payroll" checked' not in page
    assert f'id="role-{ed}-tax" value="1" checked' in page


async def test_another_fiscal_partner_is_said_to_take_the_place_of_the_first(cast: Cast, browser: Browsers) -> None:
    client = await person(cast)
    await person(cast, "E. de Vries", "9002")
    await person(cast, "F. de Boer", "9003")
    async with browser(cast.anna) as anna:
        said = [
            html.unescape(
                (await anna.post(f"/clients/{client.id}/partner", data={"partner": n}, follow_redirects=True)).text
            )
            for n in ("9002", "9002", "9003")
        ]

    assert ["E. de Vries is dat niet meer." in one for one in said] == [False, False, True]


async def test_sectors_are_kept_as_a_list(cast: Cast, browser: Browsers) -> None:
    async with browser(cast.anna) as anna, browser(cast.rik) as rik:
        await anna.post("/sectors", data={"name": "Vliegers", "sbi": "32.4", "sbi_version": "SBI 2025"})
        again = await anna.post("/sectors", data={"name": "vliegers"})
        page = await anna.get("/sectors")
        strange = await rik.get("/sectors")

    assert again.status_code == 422 and "Er is al een branche" in html.unescape(again.text)
    assert "Vliegers" in page.text and "SBI 2025" in page.text and strange.status_code == 404
