"""The users of a client: adding one with or without a mail, the rights he gets, and what is refused."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from models import engine
from models.accounts import User
from models.accounts.roles import ROLES
from models.viewer import Right

NEW = {"email": "vers@voorbeeld.example", "first_name": "Vera", "surname": "Vers", "role": "uploaden"}


async def access_of(email: str, client: int) -> dict[str, Any]:
    rows = await engine.raw(
        "SELECT u.id, u.state, a.role, a.rights FROM users u JOIN access a ON a.person = u.id WHERE u.email_key = $1 AND a.client = $2",
        email, client,
    )  # fmt: skip
    return dict(rows[0])


async def counted() -> tuple[int, int, int]:
    """How many users, accesses and messages there are."""
    rows = [await engine.raw(f"SELECT count(*) AS n FROM {table}") for table in ("users", "access", "errand")]
    return rows[0][0]["n"], rows[1][0]["n"], rows[2][0]["n"]


async def test_somebody_is_prepared_with_the_rights_of_a_role_and_nothing_is_sent(cast, browser):
    _, _, mails = await counted()
    async with browser(cast.anna) as anna:
        form = (await anna.get(f"/clients/{cast.garage}/users/new")).text
        reply = await anna.post(f"/clients/{cast.garage}/users", data=NEW)
        listed = (await anna.get(f"/clients/{cast.garage}/users")).text
        trail = (await anna.get("/audit?operation=Access.give&client=Garage+Smit")).text

    got = await access_of("vers@voorbeeld.example", cast.garage)
    assert re.findall(r'<option value="(\w*)"', form) == [*(role.name for role in ROLES), ""]
    assert reply.status_code == 303 and reply.headers["location"] == f"/clients/{cast.garage}/users"
    assert (got["state"], got["role"]) == ("prepared", "uploaden")
    assert got["rights"] == Right.VIEW_DOSSIER | Right.UPLOAD_DOCUMENTS
    assert "Vera Vers is klaargezet. Er is niets verstuurd." in listed and "Stukken aanleveren" in listed
    assert "gaf Vera Vers toegang tot Garage Smit" in trail
    assert (await counted())[2] == mails


async def test_a_choice_of_ones_own_gives_exactly_those_rights(cast, browser):
    async with browser(cast.anna) as anna:
        await anna.post(f"/clients/{cast.garage}/users", data={**NEW, "role": "", "rights": ["1", "8", "4096"]})

    got = await access_of("vers@voorbeeld.example", cast.garage)
    assert (got["role"], got["rights"]) == ("", Right.VIEW_DOSSIER | Right.VIEW_PAYROLL | Right.PAYROLL)


async def test_whoever_exists_already_gets_access_and_is_not_added_twice(cast, browser):
    users, accesses, _ = await counted()
    async with browser(cast.anna) as anna:
        reply = await anna.post(
            f"/clients/{cast.garage}/users", data={"email": "Rik@Bakkerij-Jansen.example", "role": "lezer"}
        )
        page = (await anna.get(reply.headers["location"])).text
        again = await anna.post(f"/clients/{cast.garage}/users", data={"email": "rik@bakkerij-jansen.example"})

    assert "Rik Jansen bestond al met dit e-mailadres en heeft nu ook toegang tot deze cliënt." in html.unescape(page)
    assert again.status_code == 422 and "heeft al toegang tot" in again.text
    assert (await counted())[:2] == (users, accesses + 1)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"email": "geen adres"}, "e-mailadres"),
        ({"surname": " "}, "Vul een achternaam in."),
        ({"email": "ed@kantoor.example"}, "Dit is het adres van een medewerker van het kantoor."),
        ({"role": ""}, "Kies wat deze persoon mag."),
        ({"role": "koning"}, "Kies wat deze persoon mag."),
        ({"first_name": "x" * 81}, "Dit is 81 tekens; er passen er 80."),
    ],
)
async def test_what_is_refused_comes_back_as_it_was_typed_and_adds_nothing(cast, browser, typed, why):
    before = await counted()
    async with browser(cast.anna) as anna:
        reply = await anna.post(f"/clients/{cast.garage}/users", data={**NEW, "phone": "0575 12 34 56", **typed})

    shown = html.unescape(reply.text)
    assert reply.status_code == 422
    assert why in shown
    assert 'value="0575 12 34 56"' in shown
    assert all(f'value="{text}"' in shown for text in typed.values() if text.strip() and text != "koning")
    assert await counted() == before


async def test_where_a_mail_would_go_it_is_shown_first_and_is_sent_once(cast, browser):
    async with browser(cast.anna) as anna:
        await anna.post("/settings/users-without-login", data={"on": ""})
        before = await counted()
        shown = await anna.post(f"/clients/{cast.garage}/users", data=NEW)
        looked = await counted()
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', shown.text))
        done = await anna.post(f"/clients/{cast.garage}/users", data=hidden)

    assert "Er gaat 1 mail, naar vers@voorbeeld.example" in shown.text and "Garage Smit" in shown.text
    assert looked == before
    assert done.status_code == 303
    assert await counted() == (before[0] + 1, before[1] + 1, before[2] + 1)
    got = await access_of("vers@voorbeeld.example", cast.garage)
    assert (got["state"], got["role"]) == ("invited", "uploaden")


async def test_who_sees_only_his_own_clients_adds_to_no_other(cast, browser):
    mine = {
        row["client"] for row in await engine.raw("SELECT client FROM responsible WHERE person = $1", cast.ed.user.id)
    }
    other = next(client for client in cast.clients.values() if client not in mine)
    before = await counted()
    async with browser(cast.ed) as ed:
        assert (await ed.get(f"/clients/{other}/users")).status_code == 404
        assert (await ed.get(f"/clients/{other}/users/new")).status_code == 404
        assert (await ed.post(f"/clients/{other}/users", data=NEW)).status_code == 404
        assert await counted() == before
        assert (await ed.post(f"/clients/{min(mine)}/users", data=NEW)).status_code == 303


async def test_taking_access_away_is_on_the_clients_trail_and_the_person_stays(cast, browser):
    sam = cast.sam.user.id
    async with browser(cast.anna) as anna:
        reply = await anna.post(f"/users/{sam}/accesses/{cast.garage}/removal")
        listed = (await anna.get(f"/clients/{cast.garage}/users")).text
        trail = (await anna.get("/audit?operation=Access.take")).text

    assert reply.status_code == 303
    assert "Nog geen gebruikers" in listed
    assert "nam de toegang van Sam Smit tot Garage Smit weg" in trail
    assert await User.exists().where(User.id == sam)
