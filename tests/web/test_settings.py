"""The office's settings: every tab keeps what was chosen, gives back what was refused, and stands on the trail with old and new."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from models import engine
from models.accounts import User
from models.settings import Firm

GENERAL = {
    "name": "Kantoor", "place": "", "language": "nl", "invitation_days": "30",
    "digest_hour": "7", "undo_seconds": "10",
}  # fmt: skip


async def noted(operation: str) -> dict[str, Any]:
    """Before and after, of the one line of this operation."""
    rows = await engine.raw("SELECT detail FROM trail WHERE operation = $1", operation)
    assert len(rows) == 1, rows
    detail: dict[str, Any] = json.loads(rows[0]["detail"])
    return {"before": detail["before"], "after": detail["after"]}


async def test_the_general_tab_keeps_what_was_chosen_and_notes_only_what_moved(cast, browser):
    before = await Firm.load()
    async with browser(cast.anna) as anna:
        typed = {**GENERAL, "name": before.name, "place": "Deventer", "invitation_days": "14"}
        reply = await anna.post("/settings", data=typed)

    firm = await Firm.load()
    assert reply.status_code == 303 and reply.headers["location"] == "/settings"
    assert (firm.place, firm.invitation_days) == ("Deventer", 14)
    assert await noted("Firm.change") == {
        "before": {"place": before.place, "invitation_days": 30},
        "after": {"place": "Deventer", "invitation_days": 14},
    }


async def test_what_did_not_move_is_not_on_the_trail(cast, browser):
    firm = await Firm.load()
    async with browser(cast.anna) as anna:
        await anna.post("/settings", data={**GENERAL, "name": firm.name, "place": firm.place})

    assert not await engine.raw("SELECT 1 AS one FROM trail WHERE operation = 'Firm.change'")


@pytest.mark.parametrize(
    ("field", "typed", "why"),
    [
        ("name", " ", "Vul dit in."),
        ("postcode", "12", "“12” is geen postcode."),
        ("becon", "12", "Vul 6 cijfers in."),
        ("invitation_days", "0", "Vul een heel getal in van 1 tot en met 365."),
        ("invitation_days", "veel", "Vul een heel getal in van 1 tot en met 365."),
        ("digest_hour", "24", "Vul een heel getal in van 0 tot en met 23."),
        ("undo_seconds", "-1", "Vul een heel getal in van 0 tot en met 120."),
        ("language", "", "Kies een van de mogelijkheden."),
    ],
)
async def test_a_refused_setting_comes_back_with_all_that_was_typed(cast, browser, field, typed, why):
    before = await engine.raw("SELECT * FROM firm")
    async with browser(cast.anna) as anna:
        reply = await anna.post("/settings", data={**GENERAL, "place": "Niet bewaard", field: typed})

    shown = html.unescape(reply.text)
    assert reply.status_code == 422
    assert f'id="{field}-error"' in shown and why in shown
    assert 'value="Niet bewaard"' in shown
    if typed.strip() and field != "language":
        assert f'value="{typed}"' in shown
    assert await engine.raw("SELECT * FROM firm") == before


async def test_a_colour_that_cannot_be_read_comes_with_a_warning(cast, browser):
    async with browser(cast.anna) as anna:
        assert (await anna.post("/settings/style", data={"brand": "#ffee00"})).status_code == 303
        assert "te licht" in (await anna.get("/settings/style")).text
        wrong = await anna.post("/settings/style", data={"brand": "geel"})

    assert wrong.status_code == 422 and "Schrijf een kleur als #1f5c4d." in wrong.text and 'value="geel"' in wrong.text


async def test_a_module_that_does_not_exist_cannot_be_switched_on_and_the_ticks_stay(cast, browser):
    async with browser(cast.anna) as anna:
        reply = await anna.post("/settings/modules", data={"names": ["payroll"]})
        unknown = await anna.post("/settings/modules", data={"names": ["koffie"]})

    assert (reply.status_code, unknown.status_code) == (422, 422)
    assert "Deze module is er nog niet." in reply.text
    assert re.search(r'id="module-payroll" [^>]*checked', reply.text)
    assert not re.search(r'id="module-dossiers" [^>]*checked', reply.text)
    assert "Kies een van de mogelijkheden." in unknown.text
    assert (await Firm.load()).modules == "dossiers"


async def test_modules_are_switched_off_and_on_with_a_line_each(cast, browser):
    async with browser(cast.anna) as anna:
        assert (await anna.post("/settings/modules", data={})).status_code == 303
        off = await noted("Firm.use_modules")
        assert (await anna.post("/settings/modules", data={"names": ["dossiers"]})).status_code == 303

    assert off == {"before": {"modules": "dossiers"}, "after": {"modules": ""}}
    assert (await Firm.load()).modules == "dossiers"


async def test_the_switch_has_its_tab_its_line_and_changes_what_adding_does(cast, browser):
    new = {"email": "vers@voorbeeld.example", "surname": "Vers", "role": "lezer"}
    async with browser(cast.anna) as anna:
        assert "Gebruikers zonder inloggegevens" in (await anna.get("/settings")).text
        assert (await anna.post("/settings/users-without-login", data={"on": ""})).status_code == 303
        page = (await anna.get("/settings/users-without-login")).text
        shown = await anna.post(f"/clients/{cast.garage}/users", data=new)
        assert shown.status_code == 200
        assert "Er gaat 1 mail, naar vers@voorbeeld.example" in shown.text
        assert not await User.exists().where(User.email == "vers@voorbeeld.example")
        done = await anna.post(f"/clients/{cast.garage}/users", data={**new, "announced": "1"})

    assert re.search(r'id="off" [^>]*checked', page)
    assert await noted("Firm.set_users_without_login") == {
        "before": {"users_without_login": True}, "after": {"users_without_login": False},
    }  # fmt: skip
    assert done.status_code == 303
    assert (await User.objects().where(User.email == "vers@voorbeeld.example").first()).state == "invited"


@pytest.mark.parametrize("typed", [{}, {"on": "misschien"}])
async def test_a_switch_without_a_choice_stays_as_it_is(cast, browser, typed):
    async with browser(cast.anna) as anna:
        reply = await anna.post("/settings/users-without-login", data=typed)

    assert reply.status_code == 422 and "Kies een van de mogelijkheden." in reply.text
    assert re.search(r'id="on" [^>]*checked', reply.text)
    assert (await Firm.load()).users_without_login


async def test_an_employee_changes_nothing_here(cast, browser):
    before = await engine.raw("SELECT * FROM firm")
    async with browser(cast.ed) as ed:
        for path in ("/settings", "/settings/users-without-login"):
            assert (await ed.get(path)).status_code == 404
        replies = [
            await ed.post("/settings", data=GENERAL),
            await ed.post("/settings/modules", data={"names": ["dossiers"]}),
            await ed.post("/settings/users-without-login", data={"on": ""}),
        ]

    assert all(reply.status_code in (403, 404) for reply in replies)
    assert await engine.raw("SELECT * FROM firm") == before
