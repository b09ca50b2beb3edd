"""Passkeys: signing in with one, as second factor, and everything that does not let in."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest

from models import config, engine
from models.accounts import Session, User
from models.lost_factors import reset_by_machine
from models.passkeys import Passkey
from models.settings import Firm, utcnow
from tests.authenticator import Authenticator
from tests.cast import PASSWORD, Browser, Cast, as_viewer
from tests.web.test_sessions import where

RIK = "rik@bakkerij-jansen.example"
WRONG = "Aanmelden met deze passkey is niet gelukt"


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An address with a name: browsers keep no passkeys at a number."""
    monkeypatch.setenv("BASE_URL", "http://localhost:8000")
    config.reset()
    yield
    monkeypatch.undo()
    config.reset()


async def make(browser: Browser, phone: Authenticator, name: str = "Telefoon") -> Any:
    options = (await browser.get("/account/passkeys/options")).json()
    return await browser.post("/account/passkeys", data={"credential": phone.make(options), "name": name})


async def sign_in(browser: Browser, phone: Authenticator, to: str = "/sign-in/passkey") -> Any:
    reply = await browser.get(to)
    answer = phone.sign(reply.json()) if reply.status_code == 200 else ""
    return await browser.post(to, data={"credential": answer})


async def mails(user: User) -> list[str]:
    rows = await engine.raw(
        "SELECT detail FROM errand WHERE kind = 'account_notice' AND person = $1 ORDER BY id", user.id
    )
    return [json.loads(row["detail"])["what"] for row in rows]


async def test_who_made_a_passkey_signs_in_with_it_alone(cast: Cast, browser: Any) -> None:
    phone = Authenticator()
    async with browser(cast.rik) as rik, browser(cast.vic) as vic:
        made = await make(rik, phone)

        assert "herstelcodes" in made.text.lower()  # his first second factor: for when it is lost
        assert where(await sign_in(vic, phone)) == "/portal"
        assert "Telefoon" in (await vic.htmx("GET", "/account")).text

    assert (await as_viewer(RIK)).user.has_passkey
    assert await mails(cast.rik.user) == ["passkey_on"]


async def test_a_password_alone_is_not_enough_any_more(cast: Cast, browser: Any) -> None:
    phone = Authenticator()
    async with browser(cast.rik) as rik, browser(cast.vic) as vic:
        await make(rik, phone)
        half = where(await vic.post("/sign-in", data={"email": RIK, "password": PASSWORD}))

        assert half == "/sign-in/code"
        assert "Bevestigen met passkey" in (await vic.get(half)).text
        assert where(await vic.get("/portal")).startswith("/sign-in")
        phone.verifies = False  # the password was shown: the device need not ask for a finger
        assert where(await sign_in(vic, phone, "/sign-in/code/passkey")) == "/portal"


async def test_a_recovery_code_stands_in_for_a_lost_passkey(cast: Cast, browser: Any) -> None:
    async with browser(cast.rik) as rik, browser(cast.vic) as vic:
        codes = (await make(rik, Authenticator())).text.split("<code>")[1].split("</code>")[0].split()
        await vic.post("/sign-in", data={"email": RIK, "password": PASSWORD})

        assert where(await vic.post("/sign-in/code", data={"code": codes[0]})) == "/portal"


async def test_the_passkey_of_somebody_else_is_no_second_factor(cast: Cast, browser: Any) -> None:
    phone, other = Authenticator(), Authenticator()
    async with browser(cast.rik) as rik, browser(cast.sam) as sam, browser(cast.vic) as vic:
        await make(rik, phone)
        await make(sam, other)
        await vic.post("/sign-in", data={"email": RIK, "password": PASSWORD})

        refused = await sign_in(vic, other, "/sign-in/code/passkey")

        assert refused.status_code == 422
        assert "past niet bij uw account" in refused.text
        assert where(await vic.get("/portal")).startswith("/sign-in")


@pytest.mark.parametrize("state", ["blocked", "prepared", "invited"])
async def test_who_may_not_come_in_hears_what_everybody_hears(cast: Cast, browser: Any, state: str) -> None:
    phone = Authenticator()
    async with browser(cast.rik) as rik, browser(cast.vic) as vic:
        await make(rik, phone)
        await User.update({User.state: state}).where(User.id == cast.rik.user.id)

        refused, unknown = await sign_in(vic, phone), await sign_in(vic, Authenticator())

    assert refused.status_code == unknown.status_code == 422
    assert WRONG in refused.text
    assert refused.text == unknown.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"verifies": False},
        {"origin": "http://localhost:8001"},
        {"origin": "https://evil.example"},
        {"rp_id": "evil.example"},
        {"handle": b"somebody else"},
    ],
)
async def test_what_does_not_fit_does_not_let_in(cast: Cast, browser: Any, wrong: dict[str, Any]) -> None:
    phone = Authenticator()
    async with browser(cast.rik) as rik, browser(cast.vic) as vic:
        await make(rik, phone)
        for name, value in wrong.items():
            setattr(phone, name, value)

        assert WRONG in (await sign_in(vic, phone)).text
        assert where(await vic.get("/portal")).startswith("/sign-in")


@pytest.mark.parametrize(
    "answer",
    ["", "x", "[]", "{}", '{"id": 1}', '{"id":"AA","rawId":"AA","type":"public-key","response":{}}', "9" * 50_000],
)
async def test_nonsense_is_a_passkey_that_does_not_fit(cast: Cast, browser: Any, answer: str) -> None:
    async with browser(cast.vic) as vic:
        await vic.get("/sign-in/passkey")
        reply = await vic.post("/sign-in/passkey", data={"credential": answer})

    assert reply.status_code == 422
    assert WRONG in reply.text


async def test_a_challenge_works_once_and_only_in_its_own_browser(cast: Cast, browser: Any) -> None:
    phone = Authenticator(count=0)
    async with browser(cast.rik) as rik, browser(cast.vic) as vic, browser(cast.vic) as thief:
        await make(rik, phone)
        answer = phone.sign((await vic.get("/sign-in/passkey")).json())
        await thief.get("/sign-in/passkey")

        assert WRONG in (await thief.post("/sign-in/passkey", data={"credential": answer})).text
        assert where(await vic.post("/sign-in/passkey", data={"credential": answer})) == "/portal"
        kept = vic.cookies["passkey"]
        thief.cookies.delete("passkey")
        thief.cookies.set("passkey", kept, domain="127.0.0.1")
        assert WRONG in (await thief.post("/sign-in/passkey", data={"credential": answer})).text


async def test_a_challenge_for_one_thing_is_none_for_another(cast: Cast, browser: Any) -> None:
    phone = Authenticator()
    async with browser(cast.rik) as rik:
        await make(rik, phone)
        answer = phone.sign((await rik.get("/account/proof/passkey")).json())

        assert WRONG in (await rik.post("/sign-in/passkey", data={"credential": answer})).text


async def test_a_challenge_grows_old(cast: Cast, browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    phone = Authenticator()
    async with browser(cast.rik) as rik, browser(cast.vic) as vic:
        await make(rik, phone)
        monkeypatch.setattr("models.passkeys.CHALLENGE_LASTS", -1)

        assert WRONG in (await sign_in(vic, phone)).text


async def test_a_copied_passkey_is_refused_and_noted(cast: Cast, browser: Any) -> None:
    phone = Authenticator(count=10)
    async with browser(cast.rik) as rik, browser(cast.vic) as vic:
        await make(rik, phone)
        assert where(await sign_in(vic, phone)) == "/portal"
        phone.count = 4  # the copy counts on from where it was made

        assert WRONG in (await sign_in(vic, phone)).text

    noted = await engine.raw("SELECT detail FROM trail WHERE operation = 'Passkey.copied'")
    assert [json.loads(row["detail"]) for row in noted] == [{"name": "Telefoon"}]
    assert await mails(cast.rik.user) == ["passkey_on", "passkey_copied"]


async def test_a_passkey_that_does_not_count_works_again_and_again(cast: Cast, browser: Any) -> None:
    phone = Authenticator(count=0)
    async with browser(cast.rik) as rik, browser(cast.vic) as vic:
        await make(rik, phone)
        for _ in range(3):
            assert where(await sign_in(vic, phone)) == "/portal"


async def test_trying_on_is_bounded_by_address(cast: Cast, browser: Any) -> None:
    phone = Authenticator(count=0)
    async with browser(cast.rik) as rik, browser(cast.vic) as vic:
        await make(rik, phone)
        for _ in range(61):
            await vic.post("/sign-in/passkey", data={"credential": "x"})

        assert WRONG in (await sign_in(vic, phone)).text


# one's own list


async def test_passkeys_are_renamed_and_removed_by_their_owner(cast: Cast, browser: Any) -> None:
    phone = Authenticator()
    async with browser(cast.rik) as rik, browser(cast.sam) as sam, browser(cast.vic) as vic:
        await make(rik, phone)
        [row] = await Passkey.select(Passkey.id)
        at = f"/account/passkeys/{row['id']}"

        assert (await sam.htmx("GET", at)).status_code == 404
        assert (await sam.htmx("POST", f"{at}/removal")).status_code == 404
        assert (await rik.htmx("POST", at, data={"name": " "})).status_code == 422
        assert where(await rik.post(at, data={"name": "Zakelijke telefoon"})) == "/account"
        assert "Zakelijke telefoon" in (await rik.htmx("GET", "/account")).text
        assert where(await rik.post(f"{at}/removal")) == "/account"
        assert WRONG in (await sign_in(vic, phone)).text

    assert not (await as_viewer(RIK)).user.has_passkey
    assert await mails(cast.rik.user) == ["passkey_on", "passkey_off"]


async def test_the_same_device_is_not_added_twice(cast: Cast, browser: Any) -> None:
    phone = Authenticator()
    async with browser(cast.rik) as rik, browser(cast.sam) as sam:
        await make(rik, phone)

        assert (await make(rik, phone)).status_code == 422
        assert (await make(sam, phone)).status_code == 422

    assert await Passkey.count() == 1


async def test_an_office_that_demands_a_second_factor_is_content_with_a_passkey(cast: Cast, browser: Any) -> None:
    await Firm.update({Firm.second_factor: "all"}, force=True)
    async with browser(cast.rik) as rik:
        assert where(await rik.get("/portal")) == "/account/second-factor"
        await make(rik, Authenticator())
        assert (await rik.get("/portal")).status_code == 200
        [row] = await Passkey.select(Passkey.id)

        refused = await rik.htmx("POST", f"/account/passkeys/{row['id']}/removal")

        assert refused.status_code == 422
        assert "vraagt om een tweede factor" in refused.text
        assert (await rik.get("/portal")).status_code == 200


async def test_a_passkey_is_added_only_by_who_showed_himself_of_late(cast: Cast, browser: Any) -> None:
    phone = Authenticator()
    async with browser(cast.rik) as rik:
        await make(rik, phone)
        await Session.update({Session.proved_at: utcnow() - dt.timedelta(minutes=16)}, force=True)

        asked = where(await rik.get("/account/passkeys/new"))
        assert asked.startswith("/account/proof?next=")
        assert where(await make(rik, Authenticator())).startswith("/account/proof")
        back = await sign_in(rik, phone, "/account/proof/passkey")

        assert where(back) == "/account"
        assert (await rik.get("/account/passkeys/new")).status_code == 200
    assert await Passkey.count() == 1


async def test_at_a_number_the_page_says_why_there_are_no_passkeys(
    cast: Cast, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BASE_URL", "http://127.0.0.1:8000")
    config.reset()
    async with browser(cast.rik) as rik, browser(cast.vic) as vic:
        assert "alleen op een adres met een naam en https" in (await rik.htmx("GET", "/account")).text
        assert "passkey" not in (await vic.get("/sign-in")).text.lower()
        assert (await vic.get("/sign-in/passkey")).status_code == 404


async def test_who_lost_all_is_helped_by_the_office(cast: Cast, browser: Any) -> None:
    phone = Authenticator()
    async with browser(cast.rik) as rik, browser(cast.vic) as vic:
        await make(rik, phone)
        await engine.run_writing(lambda: reset_by_machine(RIK, now=True))

        assert WRONG in (await sign_in(vic, phone)).text
        assert where(await vic.post("/sign-in", data={"email": RIK, "password": PASSWORD})) == "/portal"
