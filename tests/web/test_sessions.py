"""Signing in and out through the browser's eyes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyotp
import pytest

from models import engine, factors, passwords, signing_in
from models.accounts import Link, Session, Throttle, User
from models.core import digest, save
from models.settings import Firm, utcnow
from tests.cast import PASSWORD, Browser, Cast, as_viewer

RIK = "rik@bakkerij-jansen.example"
ED = "ed@kantoor.example"


async def sign_in(browser: Browser, email: str, password: str = PASSWORD, next_: str = "") -> Any:
    address = f"/sign-in?next={next_}" if next_ else "/sign-in"
    return await browser.post(address, data={"email": email, "password": password})


def where(reply: Any) -> str:
    assert reply.status_code == 303, reply.text
    return str(reply.headers["location"])


async def user_of(email: str) -> User:
    return (await as_viewer(email)).user


@pytest.mark.parametrize(
    ("email", "home"), [(ED, "/"), (RIK, "/portal"), ("  RIK@Bakkerij-Jansen.example ", "/portal")]
)
async def test_everybody_lands_at_home(cast: Cast, browser: Any, email: str, home: str) -> None:
    async with browser(cast.vic) as vic:
        reply = await sign_in(vic, email)

        assert where(reply) == home
        assert (await vic.htmx("GET", "/account")).status_code == 200


async def test_a_link_in_a_mail_leads_to_its_target_after_signing_in(cast: Cast, browser: Any) -> None:
    async with browser(cast.vic) as vic:
        asked = where(await vic.get("/account?tab=sessions"))
        form = await vic.get(asked)
        reply = await sign_in(vic, RIK, next_="%2Faccount%3Ftab%3Dsessions")

    assert asked == "/sign-in?next=%2Faccount%3Ftab%3Dsessions"
    assert 'action="/sign-in?next=%2Faccount%3Ftab%3Dsessions"' in form.text
    assert where(reply) == "/account?tab=sessions"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/%09/evil.example"],
)
async def test_next_leads_nowhere_else(cast: Cast, browser: Any, elsewhere: str) -> None:
    async with browser(cast.vic) as vic:
        assert where(await sign_in(vic, RIK, next_=elsewhere)) == "/portal"


async def test_a_client_is_not_led_to_a_page_of_the_office(cast: Cast, browser: Any) -> None:
    async with browser(cast.vic) as vic:
        assert where(await sign_in(vic, RIK, next_="/welcome-office")) == "/portal"


@pytest.mark.parametrize(("email", "password"), [(RIK, "niet dit wachtwoord"), ("niemand@nergens.example", PASSWORD)])
async def test_wrong_is_wrong_whatever_is_wrong(cast: Cast, browser: Any, email: str, password: str) -> None:
    async with browser(cast.vic) as vic:
        reply = await sign_in(vic, email, password)

    assert reply.status_code == 422
    assert "horen niet bij elkaar" in reply.text
    assert f'value="{email}"' in reply.text
    assert password not in reply.text
    assert "set-cookie" not in reply.headers


@pytest.fixture
def hashings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every password check that really happens: what it costs is what a stranger could measure."""
    seen: list[str] = []
    hasher = passwords._hasher

    class Counting:
        def verify(self, password: str, hashed: str) -> bool:
            seen.append(hashed[:30])
            return hasher.verify(password, hashed)

        hash = staticmethod(hasher.hash)

    monkeypatch.setattr(passwords, "_hasher", Counting())
    return seen


@pytest.mark.parametrize("who", ["unknown", "wrong password", "prepared", "invited", "blocked"])
async def test_every_refusal_says_and_costs_the_same(cast: Cast, browser: Any, hashings: list[str], who: str) -> None:
    email = "niemand@nergens.example" if who == "unknown" else RIK
    if who in ("prepared", "invited"):
        await save(cast.rik.user, state=who, password="")
    elif who == "blocked":
        await save(cast.rik.user, state=who)
    async with browser(cast.vic) as vic:
        with engine.count_queries() as counted:
            reply = await sign_in(vic, email, "niet dit wachtwoord" if who == "wrong password" else PASSWORD)

        again = await sign_in(vic, email, "x" * 12)

    assert (reply.status_code, len(hashings)) == (422, 2)
    assert {hashed.split(",p=")[0] for hashed in hashings} == {"$argon2id$v=19$m=65536,t=3"}
    assert reply.text.replace(email, "") == again.text.replace(email, "")
    assert counted.n == await _cost_of_a_refusal(cast, browser)


async def _cost_of_a_refusal(cast: Cast, browser: Callable[..., Any]) -> int:
    async with browser(cast.vic) as vic:
        with engine.count_queries() as counted:
            await sign_in(vic, "nog-iemand@nergens.example", "x" * 12)
    return int(counted.n)


async def test_a_guesser_is_stopped_even_with_the_right_password(cast: Cast, browser: Any) -> None:
    async with browser(cast.vic) as vic:
        for _ in range(8):
            await sign_in(vic, RIK, "x" * 12)
        reply = await sign_in(vic, RIK)

    assert reply.status_code == 422
    assert "te vaak geprobeerd" in reply.text


async def test_who_was_slowed_comes_in_by_the_link_in_his_mail(cast: Cast, browser: Any) -> None:
    async with browser(cast.vic) as vic:
        for _ in range(9):
            await sign_in(vic, RIK, "x" * 12)

        reply = await vic.post(f"/welcome/{await mailed_link(cast.rik.user)}", data={"password": "kaas is van melk"})

    assert where(reply) == "/portal"


async def test_a_stranger_does_not_slow_a_device_that_was_here_before(cast: Cast, browser: Any) -> None:
    async with browser(cast.vic) as own, browser(cast.vic) as stranger:
        await sign_in(own, RIK)
        await own.post("/sign-out")
        for _ in range(9):
            await sign_in(stranger, RIK, "x" * 12)

        assert (await sign_in(stranger, RIK)).status_code == 422
        assert where(await sign_in(own, RIK)) == "/portal"


async def test_a_made_up_seal_of_a_device_is_worth_nothing(cast: Cast, browser: Any) -> None:
    async with browser(cast.vic) as vic:
        for n in range(9):
            vic.cookies.set("known", f"{n}.{'0' * 32}")
            await sign_in(vic, RIK, "x" * 12)

        assert "te vaak geprobeerd" in (await sign_in(vic, RIK)).text


async def test_a_hundred_tries_at_once_are_a_hundred_tries(cast: Cast, browser: Any) -> None:
    import asyncio

    async with browser(cast.vic) as vic:
        replies = await asyncio.gather(*(sign_in(vic, RIK, "x" * 12) for _ in range(20)))

    assert sum("horen niet bij elkaar" in reply.text for reply in replies) == 8


async def test_signing_in_gives_a_new_token_and_the_old_one_dies(cast: Cast, browser: Any) -> None:
    async with browser(cast.rik) as rik:
        before = rik.cookies["sid"]
        await sign_in(rik, RIK)
        after = rik.cookies["sid"]

    assert before != after
    found = await signing_in.find_session(before)
    assert found is not None
    assert found.ended


async def test_signing_out_ends_the_session_everywhere(cast: Cast, browser: Any) -> None:
    async with browser(cast.rik) as rik:
        stolen = rik.cookies["sid"]
        assert where(await rik.post("/sign-out")) == "/sign-in"
        assert "sid" not in rik.cookies
        rik.cookies.set("sid", stolen)

        assert where(await rik.get("/account")).startswith("/sign-in")


async def test_who_is_signed_in_is_sent_on(cast: Cast, browser: Any) -> None:
    async with browser(cast.rik) as rik:
        assert where(await rik.get("/sign-in")) == "/portal"
        assert where(await rik.get("/sign-in?next=/account")) == "/account"
        assert where(await rik.get("/")) == "/portal"


# the second factor


async def with_factor(cast: Cast) -> tuple[str, list[str]]:
    secret = factors.new_secret()
    codes = await cast.ed.user.set_authenticator(secret, pyotp.TOTP(secret).now(), by=cast.ed)
    await User.update({User.totp_step: 0}).where(User.id == cast.ed.user.id)
    return secret, codes


async def test_the_second_factor_is_asked_before_anything_opens(cast: Cast, browser: Any) -> None:
    secret, _ = await with_factor(cast)
    async with browser(cast.vic) as vic:
        assert where(await sign_in(vic, ED, next_="/account")) == "/sign-in/code?next=%2Faccount"
        assert where(await vic.get("/account")).startswith("/sign-in")
        assert (await vic.get("/sign-in/code?next=/account")).status_code == 200

        reply = await vic.post("/sign-in/code?next=/account", data={"code": pyotp.TOTP(secret).now()})

        assert where(reply) == "/account"
        assert (await vic.htmx("GET", "/account")).status_code == 200


async def test_a_recovery_code_opens_too(cast: Cast, browser: Any) -> None:
    _, codes = await with_factor(cast)
    async with browser(cast.vic) as vic:
        await sign_in(vic, ED)
        assert where(await vic.post("/sign-in/code", data={"code": codes[3]})) == "/"
        await vic.post("/sign-out")
        await sign_in(vic, ED)

        assert (await vic.post("/sign-in/code", data={"code": codes[3]})).status_code == 422


async def test_codes_are_not_guessed(cast: Cast, browser: Any) -> None:
    secret, _ = await with_factor(cast)
    async with browser(cast.vic) as vic:
        await sign_in(vic, ED)
        for _ in range(8):
            assert "klopt niet" in (await vic.post("/sign-in/code", data={"code": "123456"})).text
        reply = await vic.post("/sign-in/code", data={"code": pyotp.TOTP(secret).now()})

    assert reply.status_code == 422
    assert "te vaak" in reply.text


async def test_without_a_password_there_is_no_code_to_ask(cast: Cast, browser: Any) -> None:
    secret, _ = await with_factor(cast)
    async with browser(cast.vic) as vic:
        assert where(await vic.get("/sign-in/code")) == "/sign-in"
        assert where(await vic.post("/sign-in/code", data={"code": pyotp.TOTP(secret).now()})) == "/sign-in"


@pytest.mark.parametrize(
    ("demanded", "email", "held"),
    [("staff", ED, True), ("staff", RIK, False), ("all", RIK, True), ("nobody", ED, False)],
)
async def test_the_office_demands_a_second_factor(
    cast: Cast, browser: Any, demanded: str, email: str, held: bool
) -> None:
    await Firm.update({Firm.second_factor: demanded}, force=True)
    page = "/welcome-office" if email == ED else "/account"
    async with browser(await as_viewer(email)) as person:
        if email == ED:
            reply = await person.htmx("GET", page)
            assert (reply.headers.get("hx-redirect") == "/account/second-factor") is held
        form = await person.get("/account/second-factor")

    assert ("vraagt om een tweede factor" in form.text) is held
    assert ("Nu overslaan" in form.text) is False


async def test_looking_on_is_no_way_around_it(cast: Cast, browser: Any) -> None:
    await Firm.update({Firm.second_factor: "staff"}, force=True)
    async with browser(cast.anna) as anna:
        assert where(await anna.get(f"/view-as/{cast.rik.user.id}/account")) == "/account/second-factor"


# forgotten, and the links


async def mailed_link(user: User, kind: str = "password") -> str:
    link = await engine.run_writing(lambda: signing_in.new_link(user, kind))
    await save(link, token_hash=digest(f"t{link.id}"))
    return f"t{link.id}"


async def link_of(token: str) -> Link:
    found = await Link.objects().where(Link.token_hash == digest(token)).first()
    assert found is not None
    return found


@pytest.mark.parametrize("email", [RIK, "niemand@nergens.example"])
async def test_the_answer_to_who_forgot_is_the_same(cast: Cast, browser: Any, email: str) -> None:
    before = await Link.count()
    async with browser(cast.vic) as vic:
        reply = await vic.post("/sign-in/forgotten", data={"email": email})

    assert reply.status_code == 200
    assert "Kijk in uw mail" in reply.text
    assert await Link.count() - before == (email == RIK)


async def test_who_asks_and_asks_is_stopped_without_harm_to_others(cast: Cast, browser: Any) -> None:
    await Throttle.insert(Throttle(key=digest("forgotten 127.0.0.1"), tries=20, since=utcnow()))
    before = await Link.count()
    async with browser(cast.vic) as vic, browser(cast.vic, "10.0.0.7") as rik:
        assert (await vic.post("/sign-in/forgotten", data={"email": RIK})).status_code == 422
        assert await Link.count() == before

        assert (await rik.post("/sign-in/forgotten", data={"email": RIK})).status_code == 200
        assert await Link.count() == before + 1


async def test_an_invited_person_sets_his_password_and_is_in(cast: Cast, browser: Any) -> None:
    await save(cast.sam.user, state="invited", password="")
    token = await mailed_link(cast.sam.user, "invitation")
    async with browser(cast.vic) as vic:
        page = await vic.get(f"/welcome/{token}")
        reply = await vic.post(f"/welcome/{token}", data={"password": "kaas is van melk"})

        assert page.status_code == 200
        assert cast.sam.user.email in page.text
        assert where(reply) == "/portal"
        assert (await vic.htmx("GET", "/account")).status_code == 200
    assert (await user_of("sam@garage-smit.example")).state == "active"


async def test_a_mail_scanner_uses_nothing_up_and_counts_as_nobody(cast: Cast, browser: Any) -> None:
    token = await mailed_link(cast.rik.user)
    async with browser(cast.vic) as scanner:
        del scanner.headers["accept-language"]
        await scanner.head(f"/welcome/{token}")
        await scanner.get(f"/welcome/{token}")
        assert (await link_of(token)).opened_at is None

        await scanner.get(f"/welcome/{token}", headers={"Sec-Fetch-Dest": "document"})

    link = await link_of(token)
    assert link.opened_at is not None
    assert link.used_at is None


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", "Vul dit in."),
        ("kort", "ten minste 12"),
        ("wachtwoord123", "veelgebruikte"),
        ("bakkerij-jansen", "naam of e-mailadres"),
    ],
)
async def test_a_bad_password_leaves_the_link_alive(cast: Cast, browser: Any, password: str, said: str) -> None:
    token = await mailed_link(cast.rik.user)
    async with browser(cast.vic) as vic:
        reply = await vic.post(f"/welcome/{token}", data={"password": password})

        assert reply.status_code == 422
        assert said in reply.text
        assert where(await vic.post(f"/welcome/{token}", data={"password": "kaas is van melk"})) == "/portal"


async def test_a_used_link_says_so(cast: Cast, browser: Any) -> None:
    token = await mailed_link(cast.rik.user)
    async with browser(cast.vic) as vic:
        await vic.post(f"/welcome/{token}", data={"password": "kaas is van melk"})
        for reply in (
            await vic.get(f"/welcome/{token}"),
            await vic.post(f"/welcome/{token}", data={"password": "kaas is van melk"}),
        ):
            assert reply.status_code == 410
            assert "al gebruikt" in reply.text
            assert 'href="/sign-in/forgotten"' in reply.text


async def test_a_link_does_not_go_around_the_second_factor(cast: Cast, browser: Any) -> None:
    secret, _ = await with_factor(cast)
    token = await mailed_link(await user_of(ED))
    async with browser(cast.vic) as vic:
        assert where(await vic.post(f"/welcome/{token}", data={"password": "kaas is van melk"})) == "/sign-in/code"
        assert where(await vic.get("/account")).startswith("/sign-in")

        assert where(await vic.post("/sign-in/code", data={"code": pyotp.TOTP(secret).now()})) == "/"


async def test_a_link_signs_out_who_was_in_this_browser(cast: Cast, browser: Any) -> None:
    token = await mailed_link(cast.sam.user)
    async with browser(cast.rik) as shared:
        before = shared.cookies["sid"]
        await shared.post(f"/welcome/{token}", data={"password": "kaas is van melk"})

        assert cast.sam.user.email in (await shared.htmx("GET", "/account")).text
    found = await signing_in.find_session(before)
    assert found is not None
    assert found.ended


# what was typed when the session ended


async def end_all() -> None:
    await Session.update({Session.ended_at: Session.created_at}, force=True)


PREFERENCES = {"language": "en", "theme": "dark", "digest": "never"}


async def test_what_was_typed_is_there_again(cast: Cast, browser: Any) -> None:
    async with browser(cast.rik) as rik:
        await end_all()
        kept = where(await rik.post("/account/preferences", data=PREFERENCES))
        form = await rik.get(kept)
        back = where(await rik.post(kept, data={"email": RIK, "password": PASSWORD}))
        page = await rik.htmx("GET", back)

    assert kept == "/sign-in?next=%2Fdrafts%2F1"
    assert "is bewaard" in form.text
    assert back == "/drafts/1"
    assert page.status_code == 200
    assert '<option selected value="dark">' in page.text
    assert (await user_of(RIK)).theme == "", "nothing is sent without being asked"


async def test_through_htmx_the_page_goes_to_the_sign_in(cast: Cast, browser: Any) -> None:
    async with browser(cast.rik) as rik:
        await end_all()
        reply = await rik.htmx("POST", "/account/preferences", data=PREFERENCES)

    assert reply.headers["hx-redirect"] == "/sign-in?next=%2Fdrafts%2F1"
    assert "location" not in reply.headers


async def test_somebody_else_does_not_get_what_was_typed(cast: Cast, browser: Any) -> None:
    async with browser(cast.rik) as shared:
        await end_all()
        kept = where(await shared.post("/account/preferences", data=PREFERENCES))
        back = where(await shared.post(kept, data={"email": "sam@garage-smit.example", "password": PASSWORD}))
        page = await shared.htmx("GET", back)

    assert page.status_code == 404
    assert "dark" not in page.text


async def test_a_kept_form_opens_no_page_of_the_office_for_a_client(cast: Cast, browser: Any) -> None:
    async with browser(cast.rik) as rik:
        await end_all()
        kept = where(await rik.post("/welcome-office/sample"))
        back = where(await rik.post(kept, data={"email": RIK, "password": PASSWORD}))

        assert (await rik.htmx("GET", back)).status_code == 404


async def test_passwords_are_never_kept(cast: Cast, browser: Any) -> None:
    async with browser(cast.rik) as rik:
        await end_all()
        await rik.post("/account/password", data={"present_password": PASSWORD, "password": "kaas is van melk"})

    found = await signing_in.find_draft(1, cast.rik.user.id)
    assert found is not None
    assert found[2] == []


async def test_a_visitor_who_never_was_here_leaves_nothing(cast: Cast, browser: Any) -> None:
    async with browser(cast.vic) as vic:
        reply = await vic.post("/account/preferences", data=PREFERENCES)

    assert where(reply).startswith("/sign-in")
    assert "drafts" not in where(reply)
