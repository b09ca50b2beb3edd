"""The steps of adding a person, without JavaScript: forward, back, left and gone on with; no mail that was not shown."""

from __future__ import annotations

import re

import pytest

from models import engine
from models.accounts import User
from models.settings import Firm


async def begin(browser, client="", **names):
    """Through the first step; the id of who was made."""
    reply = await browser.post("/users/new", data={"surname": "Vries", "prefix": "de", "client": client, **names})
    assert reply.status_code == 303, reply.text
    return int(re.match(r"/users/(\d+)/steps/email$", reply.headers["location"])[1])


async def invite_at_once(cast, on):
    async with engine.writing():
        await (await Firm.load()).set_users_without_login(not on, by=cast.anna)


async def mails():
    return (await engine.raw("SELECT count(*) AS n FROM errand"))[0]["n"]


async def test_a_last_name_is_all_that_the_first_step_asks(cast, browser):
    async with browser(cast.anna) as anna:
        empty = await anna.post("/users/new", data={"first_name": "Jan"})
        id = await begin(anna)

    assert empty.status_code == 422 and 'value="Jan"' in empty.text and "Vul dit in" in empty.text
    assert (await User.objects().where(User.id == id).first()).state == "prepared"


@pytest.mark.parametrize("at_once", [True, False])
async def test_all_steps_one_after_the_other_and_the_mail_only_after_it_was_shown(cast, browser, at_once):
    await invite_at_once(cast, at_once)
    before = await mails()
    async with browser(cast.anna) as anna:
        id = await begin(anna, client=str(cast.garage), first_name="Loes")
        here = f"/users/{id}/steps"
        went = [
            (await anna.post(f"{here}/email", data={"email": "loes@vries.example"})).headers["location"],
            (await anna.post(f"{here}/rights", data={"role": "uploaden"})).headers["location"],
        ]
        clients = (await anna.get(f"{here}/clients")).text
        added = await anna.post(
            f"{here}/clients", data={"ids": cast.bakkerij, f"role-{cast.bakkerij}": "salaris", "next": "1"}
        )
        went.append(added.headers["location"])
        went.append((await anna.post(f"{here}/mail", data={"language": "en", "digest": "daily"})).headers["location"])
        last = (await anna.get(f"{here}/finish")).text
        unseen = await mails() - before
        done = await anna.post(f"{here}/finish", data={"invite": "1"} if at_once else {})
        page = (await anna.get(done.headers["location"])).text

    assert went == [f"{here}/{step}" for step in ("rights", "clients", "mail", "finish")]
    assert "Garage Smit" in clients and "Uploaden" in clients
    assert unseen == 0 and await mails() - before == (1 if at_once else 0)
    assert ("Er gaat 1 mail, naar loes@vries.example" in last) == at_once
    assert ("Dear" in last) == at_once  # the mail itself, in her own language
    assert ("Er wordt niets verstuurd" in last) == (not at_once)
    person = await User.objects().where(User.id == id).first()
    assert (person.state, person.language) == ("invited" if at_once else "prepared", "en")
    assert "nog niet afgerond" not in page


async def test_the_last_step_mails_nobody_who_was_not_to_be_invited(cast, browser):
    await invite_at_once(cast, True)
    before = await mails()
    async with browser(cast.anna) as anna:
        id = await begin(anna)
        last = (await anna.get(f"/users/{id}/steps/finish")).text
        refused = await anna.post(f"/users/{id}/steps/finish", data={"invite": "1"})
        done = await anna.post(f"/users/{id}/steps/finish")

    assert "Deze persoon heeft geen e-mailadres" in last and 'name="invite"' not in last
    assert refused.status_code == 422 and done.status_code == 303
    assert await mails() == before


async def test_who_was_left_half_way_is_found_and_gone_on_with(cast, browser):
    async with browser(cast.anna) as anna:
        id = await begin(anna)
        await anna.post(f"/users/{id}/steps/email", data={"email": ""})
        await anna.post(f"/users/{id}/steps/rights", data={"role": "lezer"})
        listed = (await anna.get("/users?missing=steps")).text
        page = (await anna.get(f"/users/{id}")).text
        on = await anna.get(f"/users/{id}/steps")
        back = await anna.get(f"/users/{id}/steps/email")
        await anna.post(f"/users/{id}/steps/email", data={"email": "loes@vries.example"})
        still = await anna.get(f"/users/{id}/steps")

    assert f'href="/users/{id}"' in listed and "nog niet afgerond" in page
    assert on.headers["location"] == still.headers["location"] == f"/users/{id}/steps/clients"
    assert back.status_code == 200


async def test_an_address_that_somebody_has_leads_to_that_person(cast, browser):
    async with browser(cast.anna) as anna:
        id = await begin(anna)
        reply = await anna.post(f"/users/{id}/steps/email", data={"email": cast.sam.user.email.upper()})

    assert reply.status_code == 422
    assert f'href="/users/{cast.sam.user.id}"' in reply.text and "Dit adres is al van iemand anders" in reply.text


async def test_a_search_keeps_to_what_the_colleague_sees_and_what_is_not_given_yet(cast, browser):
    async with browser(cast.ed) as ed:
        id = await begin(ed)
        await ed.post(f"/users/{id}/steps/rights", data={"role": "lezer"})
        mine = (await ed.get(f"/users/{id}/steps/clients")).text
        hidden = await ed.post(f"/users/{id}/steps/clients", data={"ids": cast.garage, f"role-{cast.garage}": "lezer"})
        none = (await ed.get(f"/users/{id}/steps/clients?q=bestaatniet")).text

    assert "Garage Smit" not in mine and mine.count('name="ids"') == 5
    assert hidden.status_code == 404
    assert "Geen andere cliënt gevonden" in none


async def test_rights_must_be_chosen(cast, browser):
    async with browser(cast.anna) as anna:
        id = await begin(anna)
        reply = await anna.post(f"/users/{id}/steps/rights", data={"role": ""})

    assert reply.status_code == 422 and "Kies wat deze persoon mag" in reply.text


async def test_finished_steps_lead_to_the_page_and_change_nothing(cast, browser):
    rik = cast.rik.user.id
    async with browser(cast.anna) as anna:
        for step in ("person", "email", "rights", "clients", "mail", "finish"):
            assert (await anna.get(f"/users/{rik}/steps/{step}")).headers["location"] == f"/users/{rik}", step
            assert (await anna.post(f"/users/{rik}/steps/{step}", data={"surname": "X"})).status_code == 404, step
        assert (await anna.get(f"/users/{cast.ed.user.id}/steps")).status_code == 404


async def test_who_is_not_added_after_all_is_gone(cast, browser):
    async with browser(cast.anna) as anna:
        id = await begin(anna)
        reply = await anna.post(f"/users/{id}/steps/discard")

    assert reply.headers["location"] == "/users"
    assert not await User.exists().where(User.id == id)


@pytest.mark.parametrize("step", ["person", "email", "rights", "clients", "mail", "finish"])
async def test_no_step_asks_more_than_twelve_times(cast, browser, step):
    async with browser(cast.anna) as anna:
        id = await begin(anna, client=str(cast.garage))
        await anna.post(f"/users/{id}/steps/rights", data={"role": "lezer"})
        await anna.post(f"/users/{id}/steps/email", data={"email": "loes@vries.example"})
        with engine.count_queries() as counter:
            reply = await anna.get(f"/users/{id}/steps/{step}")

    assert reply.status_code == 200 and counter.n <= 12


async def test_mail_preferences_of_a_colleague_and_of_a_clients_user(cast, browser):
    ed, rik = cast.ed.user.id, cast.rik.user.id
    async with browser(cast.anna) as anna:
        await anna.post(f"/users/{ed}/mail-preferences", data={"language": "en", "digest": "never"})
        await anna.post(f"/users/{rik}/mail-preferences", data={"language": "en", "digest": "daily"})
        wrong = await anna.post(f"/users/{ed}/mail-preferences", data={"language": "fr", "digest": "never"})
        page = (await anna.get(f"/users/{rik}")).text
    async with browser(cast.ed) as other:
        refused = await other.post(
            f"/users/{cast.anna.user.id}/mail-preferences", data={"language": "en", "digest": "never"}
        )

    assert wrong.status_code == 422 and refused.status_code in (403, 404)
    kept = {row["id"]: row for row in await engine.raw("SELECT id, language, digest FROM users")}
    assert (kept[ed]["language"], kept[ed]["digest"]) == ("en", "never")
    assert kept[rik]["language"] == "en" and kept[cast.anna.user.id]["digest"] == "daily"
    assert "Die mail staat altijd aan" in page


async def test_the_page_tells_how_every_invitation_fared(cast, browser):
    sam = cast.sam.user.id
    async with engine.writing():
        await User.update({User.state: "prepared"}).where(User.id == sam)
    async with browser(cast.anna) as anna:
        await anna.post(f"/users/{sam}/invitation")
        await anna.post(f"/users/{sam}/invitation")
        await anna.post(f"/users/{sam}/activation-code")
        page = (await anna.get(f"/users/{sam}")).text

    assert "In de wachtrij" in page
    assert "Code op papier" in page and "vervangen" in page and page.count("geldig tot") == 2
