"""One's own security page."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pyotp
import pytest

from models import engine, factors, signing_in
from models.accounts import Session, User
from models.core import save
from models.settings import utcnow
from tests.cast import PASSWORD, Cast, as_viewer
from tests.web.test_sessions import where

RIK = "rik@bakkerij-jansen.example"
NEW = {"present_password": PASSWORD, "password": "kaas is van melk"}


async def test_everybody_has_an_account_page(cast: Cast, browser: Any) -> None:
    for viewer in (cast.anna, cast.ed, cast.rik, cast.fem, cast.sam):
        async with browser(viewer) as person:
            page = await person.htmx("GET", "/account")

            assert page.status_code == 200
            assert viewer.user.email in page.text


async def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(cast: Cast, browser: Any) -> None:
    async with browser(cast.rik) as here, browser(cast.rik) as there, browser(cast.vic) as vic:
        assert where(await here.post("/account/password", data=NEW)) == "/account"

        assert (await here.htmx("GET", "/account")).status_code == 200
        assert where(await there.get("/account")).startswith("/sign-in")
        assert (await vic.post("/sign-in", data={"email": RIK, "password": PASSWORD})).status_code == 422
        assert where(await vic.post("/sign-in", data={"email": RIK, "password": NEW["password"]})) == "/portal"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"present_password": "niet dit"}, "niet uw huidige wachtwoord"),
        ({"present_password": ""}, "Vul dit in."),
        ({"password": "kort"}, "ten minste 12"),
        ({"password": "bakkerij-jansen"}, "naam of e-mailadres"),
    ],
)
async def test_a_password_is_not_changed_without_the_present_one_or_into_a_bad_one(
    cast: Cast, browser: Any, typed: dict[str, str], said: str
) -> None:
    async with browser(cast.rik) as rik:
        reply = await rik.htmx("POST", "/account/password", data={**NEW, **typed})

    assert reply.status_code == 422
    assert said in reply.text
    assert (await as_viewer(RIK)).user.password == cast.rik.user.password


async def test_the_present_password_is_not_guessed_from_a_screen_left_alone(cast: Cast, browser: Any) -> None:
    async with browser(cast.rik) as rik:
        for n in range(10):
            await rik.htmx("POST", "/account/proof", data={"present_password": f"raden raden {n}"})
        reply = await rik.htmx("POST", "/account/proof", data={"present_password": PASSWORD})

    assert reply.status_code == 422
    assert "te vaak" in reply.text


async def test_preferences_are_kept_and_rule_the_next_page(cast: Cast, browser: Any) -> None:
    async with browser(cast.rik) as rik:
        assert (
            where(await rik.post("/account/preferences", data={"language": "en", "theme": "dark", "digest": "daily"}))
            == "/account"
        )
        wrong = await rik.htmx(
            "POST", "/account/preferences", data={"language": "fr", "theme": "dark", "digest": "daily"}
        )

    user = (await as_viewer(RIK)).user
    assert (user.language, user.theme) == ("en", "dark")
    assert wrong.status_code == 422


# devices


async def test_sessions_are_listed_with_device_and_can_be_ended_one_by_one(cast: Cast, browser: Any) -> None:
    phone = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile/15E148 Safari/604.1"
    )
    token, other = await engine.run_writing(
        lambda: signing_in.begin_session(cast.rik.user, half=False, address="10.0.0.9", agent=phone)
    )
    async with browser(cast.rik) as rik:
        page = await rik.htmx("GET", "/account")
        reply = await rik.post(f"/account/sessions/{other}/end")

        assert "Safari op iPhone" in page.text
        assert "10.0.0.9" in page.text
        assert page.text.count("Dit apparaat") == 1
        assert where(reply) == "/account"
        assert "Safari op iPhone" not in (await rik.htmx("GET", "/account")).text
    found = await signing_in.find_session(token)
    assert found is not None
    assert found.ended


async def test_all_others_are_ended_at_once(cast: Cast, browser: Any) -> None:
    async with browser(cast.rik) as here, browser(cast.rik) as there, browser(cast.sam) as sam:
        await here.post("/account/sessions/end")

        assert (await here.htmx("GET", "/account")).status_code == 200
        assert where(await there.get("/account")).startswith("/sign-in")
        assert (await sam.htmx("GET", "/account")).status_code == 200


async def test_somebody_elses_session_does_not_exist(cast: Cast, browser: Any) -> None:
    _, theirs = await engine.run_writing(
        lambda: signing_in.begin_session(cast.sam.user, half=False, address="", agent="")
    )
    async with browser(cast.rik) as rik:
        assert (await rik.htmx("POST", f"/account/sessions/{theirs}/end")).status_code == 404

    assert await Session.exists().where((Session.id == theirs) & Session.ended_at.is_null())


async def test_using_a_session_moves_its_last_use_at_most_once_a_minute(cast: Cast, browser: Any) -> None:
    async with browser(cast.rik) as rik:
        long_ago = utcnow() - dt.timedelta(minutes=5)
        await Session.update({Session.seen_at: long_ago}, force=True)
        await rik.htmx("GET", "/account")
        first = (await cast.rik.sessions.all())[0].seen_at
        await rik.htmx("GET", "/account")
        second = (await cast.rik.sessions.all())[0].seen_at

    assert first > long_ago
    assert first == second


# the second factor


async def with_factor(cast: Cast) -> str:
    secret = factors.new_secret()
    await cast.ed.user.set_authenticator(secret, pyotp.TOTP(secret).now(), by=cast.ed)
    return secret


async def a_while_later() -> None:
    await Session.update({Session.proved_at: utcnow() - dt.timedelta(minutes=16)}, force=True)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/account/second-factor"),
        ("POST", "/account/second-factor"),
        ("GET", "/account/second-factor/removal"),
        ("POST", "/account/second-factor/removal"),
        ("POST", "/account/recovery-codes"),
    ],
)
async def test_the_second_factor_is_not_touched_from_a_screen_left_alone(
    cast: Cast, browser: Any, method: str, path: str
) -> None:
    await with_factor(cast)
    before = await User.select(User.totp_secret).where(User.id == cast.ed.user.id).first()
    async with browser(cast.ed) as ed:
        await a_while_later()
        asked = where(await ed.request(method, path))

        assert asked.startswith("/account/proof?next=%2Faccount")
        assert await User.select(User.totp_secret).where(User.id == cast.ed.user.id).first() == before
        back = where(await ed.post(asked, data={"present_password": PASSWORD}))
        assert back.startswith("/account")
        assert (await ed.htmx("GET", back)).status_code == 200


async def test_it_is_turned_off_again(cast: Cast, browser: Any) -> None:
    await with_factor(cast)
    async with browser(cast.ed) as ed:
        assert where(await ed.post("/account/second-factor/removal")) == "/account"
        assert "Tweede factor instellen" in (await ed.htmx("GET", "/account")).text

    assert (await as_viewer("ed@kantoor.example")).user.totp_secret == ""


async def test_new_recovery_codes_replace_the_old(cast: Cast, browser: Any) -> None:
    secret = factors.new_secret()
    (old, *_) = await cast.ed.user.set_authenticator(secret, pyotp.TOTP(secret).now(), by=cast.ed)
    async with browser(cast.ed) as ed:
        page = await ed.htmx("POST", "/account/recovery-codes")
    shown = re.findall(r"[2-9a-z]{4}-[2-9a-z]{4}-[2-9a-z]{4}", page.text.split("</code>")[0])

    user = (await as_viewer("ed@kantoor.example")).user
    assert len(shown) == 10
    assert not await user.takes_code(old)
    assert await user.takes_code(shown[9])
    assert "download=" in page.text


async def test_the_reminder_is_there_until_the_factor_is_set(cast: Cast, browser: Any) -> None:
    reminder = "Uw account heeft nog geen tweede factor"
    async with browser(cast.ed) as ed:
        before = (await ed.get("/no/such/page")).text
        await ed.post("/account/second-factor/skipped")
        reminded = (await ed.get("/no/such/page")).text
        await with_factor(cast)
        after = (await ed.get("/no/such/page")).text

    assert [reminder in page for page in (before, reminded, after)] == [False, True, False]


async def test_nothing_of_it_can_be_done_for_a_blocked_person(cast: Cast, browser: Any) -> None:
    async with browser(cast.rik) as rik:
        await save(cast.rik.user, state="blocked")

        assert where(await rik.get("/account")).startswith("/sign-in")
        assert where(await rik.post("/account/password", data=NEW)).startswith("/sign-in")
    assert (await User.select(User.password).where(User.id == cast.rik.user.id).first()) == {
        "password": cast.rik.user.password
    }
