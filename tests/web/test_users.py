"""The pages of users, staff, settings and the trail: they open, change, refuse, and stay cheap."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models import engine
from models.accounts import User
from models.outbox import Kind, ask
from web.trail import SENTENCES, UNNAMED, sentence

ROOT = Path(__file__).parent.parent.parent


async def test_every_page_opens_for_the_administrator(cast, browser):
    rik, ed, garage = cast.rik.user.id, cast.ed.user.id, cast.garage
    async with browser(cast.anna) as anna:
        for path in (
            "/users", "/users?state=active&sort=-name", f"/users/{rik}", f"/users/{ed}", f"/users/{rik}/invitation", f"/clients/{garage}/users",
            f"/clients/{garage}/users/new", "/staff", "/staff/new", f"/staff/{ed}/role", "/settings", "/settings/users-without-login", "/audit",
            "/audit?since=2020-01-01&until=2030-01-01&operation=User.block", "/users?q=%00&page=99999&state=x&group=x",
        ):  # fmt: skip
            reply = await anna.get(path)
            assert reply.status_code == 200, path


async def test_an_employee_finds_no_settings_staff_or_trail(cast, browser):
    async with browser(cast.ed) as ed:
        for path in ("/settings", "/settings/users-without-login", "/staff", "/staff/new", "/audit"):
            assert (await ed.get(path)).status_code == 404, path


async def test_the_switch_has_its_tab_and_changes_what_adding_does(cast, browser):
    new = {"email": "vers@voorbeeld.example", "surname": "Vers", "role": "lezer"}
    async with browser(cast.anna) as anna:
        assert "Gebruikers zonder inloggegevens" in (await anna.get("/settings")).text
        await anna.post("/settings/users-without-login", data={"on": ""})
        shown = await anna.post(f"/clients/{cast.garage}/users", data=new)
        assert shown.status_code == 200
        assert "Er gaat 1 mail, naar vers@voorbeeld.example" in shown.text
        assert not await User.exists().where(User.email == "vers@voorbeeld.example")
        done = await anna.post(f"/clients/{cast.garage}/users", data={**new, "announced": "1"})

    assert done.status_code == 303
    assert (await User.objects().where(User.email == "vers@voorbeeld.example").first()).state == "invited"


async def test_a_wrong_address_comes_back_with_what_was_typed(cast, browser):
    async with browser(cast.anna) as anna:
        reply = await anna.post(f"/users/{cast.rik.user.id}/address", data={"email": "geen adres"})

    assert reply.status_code == 422
    assert 'value="geen adres"' in reply.text


async def test_many_are_blocked_at_once(cast, browser):
    async with browser(cast.anna) as anna:
        reply = await anna.post("/users/blocks", data={"all_matching": "1", "q": "jansen"})

    assert reply.status_code == 303
    assert (await User.objects().where(User.id == cast.rik.user.id).first()).state == "blocked"
    assert (await User.objects().where(User.id == cast.sam.user.id).first()).state == "active"


async def test_a_colour_that_cannot_be_read_comes_with_a_warning(cast, browser):
    typed = {
        "name": "Kantoor",
        "place": "",
        "language": "nl",
        "brand": "#ffee00",
        "invitation_days": "30",
        "second_factor": "nobody",
        "digest_hour": "7",
        "undo_seconds": "10",
    }
    async with browser(cast.anna) as anna:
        assert (await anna.post("/settings", data=typed)).status_code == 303
        assert "te licht" in (await anna.get("/settings")).text


@pytest.mark.parametrize("path", ["/users", "/audit", "/staff"])
async def test_a_list_asks_no_more_of_the_database_than_twelve_times(cast, browser, path, monkeypatch):
    asked = []
    kept = engine.raw

    async def counting(sql, *args):
        asked.append(sql)
        return await kept(sql, *args)

    monkeypatch.setattr(engine, "raw", counting)
    async with browser(cast.anna) as anna:
        asked.clear()
        await anna.get(path)

    assert 0 < len(asked) <= 12


def test_every_operation_has_its_sentence():
    noted = set()
    for path in (ROOT / "models").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        noted |= set(re.findall(r'(?:\.note|Trail\.write|_note|_note_at|_note_all|_set)\(\s*"([A-Z]\w+\.\w+)"', text))
        owner = ""
        for at in re.finditer(r"^class (\w+)|^( *)@operation\(([^\n]*)\)\n\s*async def (\w+)", text, re.M):
            owner = at[1] or owner
            if at[4] and "trail=False" not in at[3]:
                noted.add(f"{owner}.{at[4]}" if at[2] else at[4])

    assert not sorted(noted - set(SENTENCES))


def test_a_line_without_its_values_is_still_a_sentence():
    assert str(sentence({"operation": "User.block", "detail": "{}"})) == "blokkeerde …"
    assert sentence({"operation": "Iets.nieuws", "detail": "{}"}).text == UNNAMED.text


async def test_a_refused_access_comes_back_beside_its_field_with_what_was_typed(cast, browser):
    async with browser(cast.anna) as anna:
        unknown = await anna.post(
            f"/users/{cast.rik.user.id}/accesses", data={"client": "Bestaat Niet", "role": "salaris"}
        )
        nothing = await anna.post(f"/users/{cast.sam.user.id}/accesses/{cast.garage}", data={"role": ""})

    assert (unknown.status_code, nothing.status_code) == (422, 422)
    assert 'value="Bestaat Niet"' in unknown.text
    assert 'id="client-error"' in unknown.text
    assert re.search(r'<option value="salaris" selected', unknown.text)
    assert f'id="role-{cast.garage}-error"' in nothing.text
    assert "Kies wat deze persoon mag." in nothing.text


async def test_the_last_administrator_stays_and_the_page_says_why(cast, browser):
    async with browser(cast.anna) as anna:
        reply = await anna.post(f"/users/{cast.anna.user.id}/block")

    assert reply.status_code == 422
    assert "U kunt uzelf niet blokkeren." in reply.text
    assert cast.anna.user.display_name in reply.text


@pytest.mark.parametrize("many", [False, True])
async def test_mail_that_waits_is_called_off_for_who_is_blocked(cast, browser, many):
    async with engine.writing():
        await ask(Kind.ACCOUNT_NOTICE, person=cast.sam.user.id, what="password")
        await ask(Kind.ACCOUNT_NOTICE, person=cast.ed.user.id, what="password")
    async with browser(cast.anna) as anna:
        path = "/users/blocks" if many else f"/users/{cast.sam.user.id}/block"
        assert (await anna.post(path, data={"ids": [cast.sam.user.id]})).status_code == 303

    rows = await engine.raw("SELECT person, state FROM errand WHERE kind = 'account_notice'")
    assert {row["person"]: row["state"] for row in rows} == {cast.sam.user.id: "cancelled", cast.ed.user.id: "waiting"}


async def test_a_module_that_does_not_exist_cannot_be_switched_on(cast, browser):
    async with browser(cast.anna) as anna:
        reply = await anna.post("/settings/modules", data={"names": ["dossiers", "payroll"]})

    assert reply.status_code == 422
    assert "Deze module is er nog niet." in reply.text
    assert (await engine.raw("SELECT modules FROM firm"))[0]["modules"] == "dossiers"


async def test_the_list_says_when_somebody_was_last_here(cast, browser):
    async with browser(cast.sam), browser(cast.anna) as anna:
        users = await anna.get("/users")

    assert "<time datetime=" in users.text
