"""The office's own people: adding a colleague, what each may, and what is refused."""

from __future__ import annotations

import html
import json
import re

import pytest

from models import engine
from models.accounts import User

COLLEAGUE = {
    "email": "nieuw@kantoor.example", "first_name": "Noor", "initials": "", "prefix": "", "surname": "Nieuw", "phone": "",
    "role": "employee", "all_clients": "y",
}  # fmt: skip


async def staff() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = await engine.raw("SELECT * FROM users WHERE kind = 'staff' ORDER BY id")
    return rows


async def test_a_colleague_is_added_and_gets_one_mail(cast, browser):
    async with browser(cast.anna) as anna:
        form = (await anna.get("/staff/new")).text
        reply = await anna.post("/staff", data=COLLEAGUE)
        listed = (await anna.get("/staff")).text

    person = await User.objects().where(User.email == "nieuw@kantoor.example").first()
    mails = await engine.raw("SELECT kind, state FROM errand WHERE person = $1", person.id)
    operations = await engine.raw("SELECT operation FROM trail WHERE record_id = $1 ORDER BY id", person.id)
    assert "krijgt meteen 1 mail" in form
    assert reply.status_code == 303 and reply.headers["location"] == "/staff"
    assert (person.kind, person.role, person.all_clients, person.state) == ("staff", "employee", True, "invited")
    assert [(mail["kind"], mail["state"]) for mail in mails] == [("invitation", "waiting")]
    assert [line["operation"] for line in operations] == ["User.add_staff", "User.invite"]
    assert "Noor Nieuw" in listed and "Noor Nieuw is toegevoegd en krijgt een mail." in listed


@pytest.mark.parametrize(
    ("field", "typed", "why"),
    [
        ("email", "", "Vul dit in."),
        ("email", "geen adres", "e-mailadres"),
        ("email", "ED@kantoor.example", "Er is al een gebruiker met dit e-mailadres."),
        ("email", "sam@garage-smit.example", "Er is al een gebruiker met dit e-mailadres."),
        ("surname", " ", "Vul dit in."),
        ("first_name", "x" * 81, "Dit is 81 tekens; er passen er 80."),
        ("role", "directeur", "Kies een van de mogelijkheden."),
    ],
)
async def test_a_refused_colleague_comes_back_with_what_was_typed_and_nobody_is_added(cast, browser, field, typed, why):
    before = await staff()
    async with browser(cast.anna) as anna:
        reply = await anna.post("/staff", data={**COLLEAGUE, "phone": "0575 12 34 56", field: typed})

    shown = html.unescape(reply.text)
    error = re.search(rf'id="{field}-error">(.*?)</p>', shown, re.S)
    assert reply.status_code == 422
    assert error and why in error[1]
    assert 'value="0575 12 34 56"' in shown
    if field != "role" and typed.strip():
        assert f'value="{typed}"' in shown
    assert re.search(r'id="all_clients"[^>]*checked|checked[^>]*id="all_clients"', shown)
    assert await staff() == before and not await engine.raw(
        "SELECT 1 AS one FROM errand WHERE kind = 'invitation' AND state = 'waiting'"
    )


async def test_a_role_is_changed_with_what_it_was_on_the_trail(cast, browser):
    ed = cast.ed.user.id
    async with browser(cast.anna) as anna:
        form = (await anna.get(f"/staff/{ed}/role")).text
        reply = await anna.post(f"/staff/{ed}/role", data={"role": "administrator"})
        trail = (await anna.get("/audit?operation=User.change_role")).text

    person = await User.objects().where(User.id == ed).first()
    line = (await engine.raw("SELECT detail FROM trail WHERE operation = 'User.change_role'"))[0]
    detail = json.loads(line["detail"])
    assert re.search(r'value="employee"[^>]* selected|selected value="employee"', form)
    assert reply.status_code == 303 and reply.headers["location"] == f"/users/{ed}"
    assert (person.role, person.all_clients) == ("administrator", True)  # an administrator sees every client
    assert detail["before"] == {"role": "employee", "all_clients": False}
    assert detail["after"] == {"role": "administrator", "all_clients": True}
    assert "Rol: <del>Medewerker</del> → <ins>Beheerder</ins>" in trail
    assert "Ziet alle cliënten: <del>Nee</del> → <ins>Ja</ins>" in trail


async def test_the_last_administrator_keeps_the_role_and_the_form_says_why(cast, browser):
    mine = cast.anna.user.id
    async with browser(cast.anna) as anna:
        reply = await anna.post(f"/staff/{mine}/role", data={"role": "employee"})

    assert reply.status_code == 422
    assert "Dit is de laatste beheerder. Maak eerst een collega beheerder." in reply.text
    assert re.search(r'<option selected value="employee"', reply.text)  # what was chosen stays to be seen
    assert (await User.objects().where(User.id == mine).first()).role == "administrator"


async def test_a_client_user_gets_no_role_at_the_office(cast, browser):
    async with browser(cast.anna) as anna:
        asked = await anna.get(f"/staff/{cast.sam.user.id}/role")
        reply = await anna.post(f"/staff/{cast.sam.user.id}/role", data={"role": "administrator"})

    assert asked.status_code == reply.status_code == 404
    assert (await User.objects().where(User.id == cast.sam.user.id).first()).role == ""


async def test_an_employee_adds_and_promotes_nobody(cast, browser):
    before = await staff()
    async with browser(cast.ed) as ed:
        replies = [
            await ed.post("/staff", data=COLLEAGUE),
            await ed.post(f"/staff/{cast.ed.user.id}/role", data={"role": "administrator"}),
            await ed.post(f"/users/{cast.anna.user.id}/block"),
            await ed.post(f"/users/{cast.anna.user.id}/name", data={"surname": "Anders"}),
            await ed.post(f"/users/{cast.anna.user.id}/sign-out"),
        ]

    assert [reply.status_code for reply in replies] == [403] * 5
    assert await staff() == before
