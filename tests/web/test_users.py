"""The list of users and the page of one: they open, change, refuse, and stay cheap."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models import engine
from models.accounts import User
from models.outbox import Kind, ask

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


async def test_a_wrong_address_comes_back_with_what_was_typed(cast, browser):
    async with browser(cast.anna) as anna:
        reply = await anna.post(f"/users/{cast.rik.user.id}/address", data={"email": "geen adres"})

    assert reply.status_code == 422
    assert 'value="geen adres"' in reply.text


async def test_many_are_blocked_at_once_after_a_look_and_let_in_again_together(cast, browser):
    async with browser(cast.anna) as anna:
        await anna.post(f"/users/{cast.sam.user.id}/block")
        data = {"kind": "block", "about": "users", "ids": [cast.rik.user.id, cast.sam.user.id]}
        at = (await anna.post("/bulk", data=data)).headers["location"]
        looked = await anna.get(at)
        before = (await User.objects().where(User.id == cast.rik.user.id).first()).state
        await anna.post(f"{at}/start")
        blocked = (await User.objects().where(User.id == cast.rik.user.id).first()).state
        await anna.post(f"{at}/undo")

    assert "Blokkeren: 1 wijzigen" in looked.text and "Alle sessies eindigen" in looked.text
    assert "Is al zo" in looked.text
    assert (before, blocked) == ("active", "blocked")
    assert (await User.objects().where(User.id == cast.rik.user.id).first()).state == "active"
    assert (await User.objects().where(User.id == cast.sam.user.id).first()).state == "blocked"  # at another moment


async def test_a_colleague_is_never_among_many(cast, browser):
    async with browser(cast.anna) as anna:
        reply = await anna.post("/bulk", data={"kind": "block", "about": "users", "ids": [cast.ed.user.id]})
        page = await anna.get(reply.headers["location"])

    assert reply.headers["location"].startswith("/users")
    assert "Kies eerst een of meer" in page.text


async def test_blocking_says_first_what_it_means(cast, browser):
    async with browser(cast.anna) as anna:
        page = (await anna.get(f"/users/{cast.rik.user.id}")).text
        asked = await anna.get(f"/users/{cast.rik.user.id}/block")

    assert f'href="/users/{cast.rik.user.id}/block"' in page
    assert asked.status_code == 200 and "Rik Jansen blokkeren?" in asked.text and "Alle sessies eindigen" in asked.text
    assert (await User.objects().where(User.id == cast.rik.user.id).first()).state == "active"


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
    assert 'id="rights-error"' in nothing.text
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
        await ask(Kind.PASSWORD, person=cast.sam.user.id)
        await ask(Kind.PASSWORD, person=cast.ed.user.id)
        await ask(Kind.ACCOUNT_NOTICE, person=cast.sam.user.id, what="password")
    async with browser(cast.anna) as anna:
        path = f"/users/{cast.sam.user.id}/block"
        if many:
            data = {"kind": "block", "about": "users", "ids": [cast.sam.user.id]}
            path = (await anna.post("/bulk", data=data)).headers["location"] + "/start"
        assert (await anna.post(path)).status_code == 303

    rows = await engine.raw("SELECT person, state FROM errand WHERE kind = 'password'")
    assert {row["person"]: row["state"] for row in rows} == {cast.sam.user.id: "cancelled", cast.ed.user.id: "waiting"}
    told = await engine.raw("SELECT state FROM errand WHERE kind = 'account_notice'")
    assert [row["state"] for row in told] == ["waiting"]  # of what happened to his account he still hears


async def test_the_list_says_when_somebody_was_last_here(cast, browser):
    async with browser(cast.sam), browser(cast.anna) as anna:
        users = await anna.get("/users")

    assert "<time datetime=" in users.text


async def test_the_page_of_a_person_stands_in_order_of_use_with_its_forms_folded(cast, browser):
    async with browser(cast.anna) as anna:
        page = (await anna.get(f"/users/{cast.rik.user.id}")).text
        wrong = await anna.post(f"/users/{cast.rik.user.id}/name", data={"surname": " "})

    titles = re.findall(r"<h2>([^<]*)</h2>", page)
    assert titles == [
        "Toestand",
        "Cliënten",
        "Gegevens",
        "Mailvoorkeuren",
        "Uitnodigingen",
        "Mail",
        "Waar deze persoon is aangemeld",
        "Logboek",
    ]
    assert "Beheerder: alles" in page
    assert "<details open" not in page.split("</main>")[0]
    assert wrong.status_code == 422
    assert re.search(r"<details open><summary>Naam, functie, telefoon en taal wijzigen", wrong.text)


async def test_a_mail_that_was_called_off_says_so_on_the_page_of_its_person(cast, browser):
    async with engine.writing():
        await ask(Kind.PASSWORD, person=cast.sam.user.id)
    async with browser(cast.anna) as anna:
        await anna.post(f"/users/{cast.sam.user.id}/block")
        page = (await anna.get(f"/users/{cast.sam.user.id}")).text

    assert "Niet meer verstuurd" in page


async def test_who_came_in_without_an_invitation_shows_no_step_undone(cast, browser):
    async with browser(cast.anna) as anna:
        page = (await anna.get(f"/users/{cast.ed.user.id}")).text

    assert "nog niet" not in page and "Link geopend" not in page
