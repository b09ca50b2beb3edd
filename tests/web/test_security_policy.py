"""The office's security policy, trusted devices, sign-in links, proof before sensitive acts, and the list of sign-ins."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pyotp
import pytest

from models import engine, factors, signing_in, tidying
from models.accounts import Link, Session, User
from models.core import digest, save
from models.secret_box import encrypt
from models.settings import Firm, utcnow
from models.sign_ins import SignIn
from models.trusted import TrustedDevice
from tests.cast import PASSWORD, Browser, Cast, as_viewer
from tests.web.test_sessions import where

RIK = "rik@bakkerij-jansen.example"
POLICY: dict[str, Any] = {
    "second_factor": "nobody", "factor_kinds": ["totp", "passkey"], "email_link": "nobody", "trusted_days": "30",
    "session_idle_hours": "720", "session_days": "90", "password_length": "12", "lost_factor_hours": "24",
}  # fmt: skip


async def grow_old() -> None:
    """Nobody showed his password of late."""
    await Session.update({Session.proved_at: utcnow() - dt.timedelta(minutes=16)}, force=True)


async def with_authenticator(user: User) -> pyotp.TOTP:
    secret = factors.new_secret()
    await save(user, totp_secret=encrypt(secret), totp_step=0)
    return pyotp.TOTP(secret)


async def to_the_code(browser: Browser) -> Any:
    return await browser.post("/sign-in", data={"email": RIK, "password": PASSWORD})


async def with_code(browser: Browser, app: pyotp.TOTP, **more: str) -> Any:
    await User.update({User.totp_step: 0}, force=True)
    return await browser.post("/sign-in/code", data={"code": app.now(), **more})


# the policy


async def test_every_change_of_the_policy_is_on_the_trail_with_old_and_new(cast: Cast, browser: Any) -> None:
    async with browser(cast.anna) as anna:
        changed = {"second_factor": "staff", "factor_kinds": ["totp"], "email_link": "clients", "trusted_days": "7"}
        assert where(await anna.post("/settings/security", data={**POLICY, **changed})) == "/settings/security"

    [row] = await engine.raw("SELECT detail FROM trail WHERE operation = 'Firm.change'")
    assert json.loads(row["detail"]) == {
        "before": {
            "second_factor": "nobody",
            "factor_kinds": "totp,passkey",
            "email_link": "nobody",
            "trusted_days": 30,
        },
        "after": {"second_factor": "staff", "factor_kinds": "totp", "email_link": "clients", "trusted_days": 7},
    }


@pytest.mark.parametrize(
    ("field", "typed", "why"),
    [
        ("trusted_days", "91", "van 0 tot en met 90"),
        ("session_idle_hours", "0", "van 1 tot en met 2160"),
        ("session_days", "366", "van 1 tot en met 365"),
        ("password_length", "9", "van 10 tot en met 64"),
        ("lost_factor_hours", "-1", "van 0 tot en met 168"),
        ("factor_kinds", [], "ten minste één soort"),
        ("factor_kinds", ["passkey"], "alleen op een adres met een naam en https"),  # nobody could get in any more
        ("factor_kinds", ["sms"], "ten minste één soort"),
        ("email_link", "iedereen", "Kies een van de mogelijkheden"),
    ],
)
async def test_a_policy_that_cannot_be_is_refused_in_words(
    cast: Cast, browser: Any, field: str, typed: Any, why: str
) -> None:
    before = await engine.raw("SELECT * FROM firm")
    async with browser(cast.anna) as anna:
        reply = await anna.post("/settings/security", data={**POLICY, field: typed})

    assert reply.status_code == 422
    assert why in reply.text
    assert await engine.raw("SELECT * FROM firm") == before


async def test_the_policy_is_for_administrators_and_counts_factors(cast: Cast, browser: Any) -> None:
    await with_authenticator(cast.ed.user)
    async with browser(cast.anna) as anna, browser(cast.ed) as ed, browser(cast.rik) as rik:
        page = (await anna.get("/settings/security")).text

        assert (await ed.get("/settings/security")).status_code == 404
        assert (await ed.post("/settings/security", data=POLICY)).status_code == 404
        assert (await rik.get("/settings/security")).status_code == 404
    row = re.search(r"Medewerkers</th>(.*?)</tr>", page)
    assert row
    cells = re.findall(r">(\d+)<", row[1])
    assert int(cells[0]) == int(cells[3]) + 1
    assert cells[1:3] == ["1", "0"]


async def test_a_kind_that_does_not_count_is_not_enough(cast: Cast, browser: Any) -> None:
    await with_authenticator(cast.rik.user)
    async with browser(cast.rik) as rik:
        await Firm.update({Firm.second_factor: "all", Firm.factor_kinds: "totp"}, force=True)
        assert (await rik.get("/portal")).status_code == 200
        await Firm.update({Firm.factor_kinds: "passkey"}, force=True)

        assert where(await rik.get("/portal")) == "/account/second-factor"
        assert where(await rik.get("/account/second-factor")) == "/account/passkeys/new"


async def test_a_new_password_is_as_long_as_the_office_wants(cast: Cast, browser: Any) -> None:
    await Firm.update({Firm.password_length: 20}, force=True)
    async with browser(cast.rik) as rik:
        form = {"present_password": PASSWORD, "password": "kaas is van melk"}
        reply = await rik.htmx("POST", "/account/password", data=form)

    assert reply.status_code == 422
    assert "ten minste 20 tekens" in reply.text


async def test_sessions_end_when_the_office_shortens_them(cast: Cast, browser: Any) -> None:
    async with browser(cast.rik) as rik, browser(cast.sam) as sam, browser(cast.anna) as anna:
        long_ago = utcnow() - dt.timedelta(hours=30)
        await Session.update({Session.seen_at: long_ago, Session.created_at: long_ago}).where(
            Session.person == cast.rik.user.id
        )
        await anna.post("/settings/security", data={**POLICY, "session_idle_hours": "24"})

        assert where(await rik.get("/portal")).startswith("/sign-in")
        assert (await sam.get("/portal")).status_code == 200


async def test_a_session_does_not_last_for_ever_however_much_it_is_used(cast: Cast, browser: Any) -> None:
    async with browser(cast.rik) as rik:
        await Session.update({Session.created_at: utcnow() - dt.timedelta(days=91)}, force=True)
        assert (await rik.get("/portal")).status_code == 200
        await tidying.forget_expired()

        assert where(await rik.get("/portal")).startswith("/sign-in")


# trusted devices


async def test_a_trusted_browser_asks_only_the_password(cast: Cast, browser: Any) -> None:
    app = await with_authenticator(cast.rik.user)
    async with browser(cast.vic) as here, browser(cast.vic) as there:
        await to_the_code(here)
        assert where(await with_code(here, app, trust="1")) == "/portal"
        await here.post("/sign-out")

        assert where(await to_the_code(here)) == "/portal"
        assert where(await to_the_code(there)) == "/sign-in/code"
        assert "Vertrouwde apparaten" in (await here.get("/account")).text


async def test_without_the_tick_nothing_is_trusted(cast: Cast, browser: Any) -> None:
    app = await with_authenticator(cast.rik.user)
    async with browser(cast.vic) as here:
        await to_the_code(here)
        await with_code(here, app)
        await here.post("/sign-out")

        assert where(await to_the_code(here)) == "/sign-in/code"


async def test_an_office_that_trusts_nothing_offers_nothing(cast: Cast, browser: Any) -> None:
    app = await with_authenticator(cast.rik.user)
    await Firm.update({Firm.trusted_days: 0}, force=True)
    async with browser(cast.vic) as here:
        await to_the_code(here)
        assert "vertrouwen" not in (await here.get("/sign-in/code")).text
        await with_code(here, app, trust="1")
        await here.post("/sign-out")

        assert where(await to_the_code(here)) == "/sign-in/code"
    assert not await TrustedDevice.count()


@pytest.mark.parametrize("what", ["password", "factor", "block", "withdrawn", "policy", "over", "reset by link"])
async def test_trust_ends(cast: Cast, browser: Any, what: str) -> None:
    app = await with_authenticator(cast.rik.user)
    async with browser(cast.vic) as here, browser(cast.anna) as anna:
        await to_the_code(here)
        await with_code(here, app, trust="1")
        rik = await as_viewer(RIK)
        if what == "password":
            await engine.run_writing(lambda: rik.user.set_password(rik.user.password, by=rik))
        elif what == "factor":
            secret = factors.new_secret()
            await engine.run_writing(lambda: rik.user.set_authenticator(secret, pyotp.TOTP(secret).now(), by=rik))
        elif what == "block":
            await anna.post(f"/users/{rik.user.id}/block")
            await anna.post(f"/users/{rik.user.id}/unblock")
        elif what == "withdrawn":
            [device] = await TrustedDevice.select(TrustedDevice.id)
            assert where(await here.post(f"/account/trusted/{device['id']}/withdrawal")) == "/account"
        elif what == "policy":
            await Firm.update({Firm.trusted_days: 1}, force=True)
            await TrustedDevice.update({TrustedDevice.created_at: utcnow() - dt.timedelta(days=2)}, force=True)
        elif what == "over":
            await TrustedDevice.update({TrustedDevice.expires_at: utcnow() - dt.timedelta(minutes=1)}, force=True)
        else:
            await a_link(rik.user, signs_in=False)
            await engine.run_writing(lambda: signing_in.use_link("geheim", rik.user.password))
        await here.post("/sign-out")

        assert where(await to_the_code(here)) == "/sign-in/code"


async def test_what_is_trusted_for_one_person_is_not_for_another_on_the_same_computer(cast: Cast, browser: Any) -> None:
    app, other = await with_authenticator(cast.rik.user), await with_authenticator(cast.sam.user)
    sam = {"email": "sam@garage-smit.example", "password": PASSWORD}
    async with browser(cast.vic) as here:
        await to_the_code(here)
        await with_code(here, app, trust="1")
        await here.post("/sign-out")

        assert where(await here.post("/sign-in", data=sam)) == "/sign-in/code"
        await with_code(here, other, trust="1")
        await here.post("/sign-out")
        assert where(await here.post("/sign-in", data=sam)) == "/portal"
        await here.post("/sign-out")
        assert where(await to_the_code(here)) == "/portal"


# links


async def a_link(user: User, *, signs_in: bool = True) -> None:
    link = await engine.run_writing(lambda: signing_in.new_link(user, "password", replaces=False, signs_in=signs_in))
    await Link.update({Link.token_hash: digest("geheim")}).where(Link.id == link.id)


async def test_the_office_says_who_may_sign_in_by_a_link(cast: Cast, browser: Any) -> None:
    async with browser(cast.vic) as vic:
        assert "aanmeldlink" not in (await vic.get("/sign-in")).text
        assert (await vic.get("/sign-in/link")).status_code == 404
        assert (await vic.post("/sign-in/link", data={"email": RIK})).status_code == 404
        await Firm.update({Firm.email_link: "clients"}, force=True)
        assert "Mail mij een aanmeldlink" in (await vic.get("/sign-in")).text
        answers = [
            (await vic.post("/sign-in/link", data={"email": email})).text.replace(email, "X")
            for email in (RIK, "ed@kantoor.example", "niemand@nergens.example")
        ]

    assert len(set(answers)) == 1
    rows = await engine.raw("SELECT person FROM errand WHERE kind = 'sign_in_link'")
    assert [row["person"] for row in rows] == [cast.rik.user.id]


async def test_a_link_signs_in_once_and_only_when_confirmed(cast: Cast, browser: Any) -> None:
    await Firm.update({Firm.email_link: "all"}, force=True)
    await a_link(cast.rik.user)
    async with browser(cast.vic) as scanner, browser(cast.vic) as rik, browser(cast.vic) as thief:
        for _ in range(3):
            assert (await scanner.get("/sign-in/link/geheim")).status_code == 200
        assert where(await scanner.get("/portal")).startswith("/sign-in")

        assert where(await rik.post("/sign-in/link/geheim")) == "/portal"
        assert (await thief.post("/sign-in/link/geheim")).status_code == 410
        assert (await thief.get("/sign-in/link/geheim")).status_code == 410


async def test_a_link_does_not_go_around_the_second_factor(cast: Cast, browser: Any) -> None:
    await Firm.update({Firm.email_link: "all"}, force=True)
    app = await with_authenticator(cast.rik.user)
    await a_link(cast.rik.user)
    async with browser(cast.vic) as rik:
        assert where(await rik.post("/sign-in/link/geheim")) == "/sign-in/code"
        assert where(await with_code(rik, app)) == "/portal"


@pytest.mark.parametrize("what", ["for a password", "old", "blocked", "address", "policy"])
async def test_a_link_that_does_not_sign_in(cast: Cast, browser: Any, what: str) -> None:
    await Firm.update({Firm.email_link: "all"}, force=True)
    await a_link(cast.rik.user, signs_in=what != "for a password")
    if what == "old":
        await Link.update({Link.expires_at: utcnow() - dt.timedelta(seconds=1)}, force=True)
    elif what == "blocked":
        await User.update({User.state: "blocked"}).where(User.id == cast.rik.user.id)
    elif what == "address":
        await User.update({User.email: "ander@adres.example"}).where(User.id == cast.rik.user.id)
    elif what == "policy":
        await Firm.update({Firm.email_link: "nobody"}, force=True)
    async with browser(cast.vic) as vic:
        assert (await vic.post("/sign-in/link/geheim")).status_code == 410
        assert where(await vic.get("/portal")).startswith("/sign-in")


async def test_a_link_that_signs_in_sets_no_password(cast: Cast, browser: Any) -> None:
    await Firm.update({Firm.email_link: "all"}, force=True)
    await a_link(cast.rik.user)
    async with browser(cast.vic) as vic:
        assert (await vic.get("/welcome/geheim")).status_code == 410
        assert (await vic.post("/welcome/geheim", data={"password": "kaas is van melk"})).status_code == 410


async def test_one_mailbox_gets_three_links_in_a_quarter(cast: Cast, browser: Any) -> None:
    await Firm.update({Firm.email_link: "all"}, force=True)
    for _ in range(5):
        await engine.run_writing(lambda: signing_in.ask_sign_in_link(RIK))

    assert await Link.count().where(Link.signs_in.eq(True)) == 3


# the list of sign-ins


async def test_everybody_sees_how_his_account_was_entered_and_tried(cast: Cast, browser: Any) -> None:
    app = await with_authenticator(cast.rik.user)
    async with browser(cast.vic) as vic, browser(cast.sam) as sam:
        await vic.post("/sign-in", data={"email": RIK, "password": "verkeerd"})
        await to_the_code(vic)
        await vic.post("/sign-in/code", data={"code": "000000"})
        await with_code(vic, app)
        page = (await vic.get("/account")).text

        assert "Recente aanmeldingen" in page
        assert page.count("Mislukt") == 2
        assert "Wachtwoord, met code" in page
        assert "Chrome op Windows" in page
        assert "Mislukt" not in (await sam.get("/account")).text
    rows = await SignIn.select().order_by(SignIn.id)
    assert [(row["how"], row["factor"], row["succeeded"]) for row in rows] == [
        ("password", "", False),
        ("password", "code", False),
        ("password", "code", True),
    ]


async def test_sign_ins_are_forgotten_after_ninety_days(cast: Cast, browser: Any) -> None:
    async with browser(cast.vic) as vic:
        for _ in range(2):
            await to_the_code(vic)
    await engine.raw(
        "UPDATE sign_in SET at = $1 WHERE id = (SELECT min(id) FROM sign_in)", utcnow() - dt.timedelta(days=91)
    )
    await tidying.forget_expired()

    assert await SignIn.count() == 1


# proof before sensitive acts


async def test_the_policy_and_roles_ask_who_it_is_and_keep_what_was_typed(cast: Cast, browser: Any) -> None:
    async with browser(cast.anna) as anna:
        await grow_old()
        asked = where(await anna.post("/settings/security", data={**POLICY, "trusted_days": "44"}))
        assert asked.startswith("/account/proof?next=")
        assert (await Firm.load()).trusted_days == 30

        back = where(await anna.post(asked, data={"present_password": PASSWORD}))
        shown = await anna.get(back)

        assert 'value="44"' in shown.text
        assert "Dank u." in shown.text
        assert (await Firm.load()).trusted_days == 30  # seen once more before it is sent
        assert (
            where(await anna.post("/settings/security", data={**POLICY, "trusted_days": "44"})) == "/settings/security"
        )
        await grow_old()
        role = {"role": "administrator", "all_clients": "y"}
        assert where(await anna.post(f"/staff/{cast.ed.user.id}/role", data=role)).startswith("/account/proof")
        email = {"email": "nieuw@adres.example"}
        assert where(await anna.post(f"/users/{cast.rik.user.id}/address", data=email)).startswith("/account/proof")


async def test_a_code_of_the_authenticator_is_proof_too(cast: Cast, browser: Any) -> None:
    app = await with_authenticator(cast.rik.user)
    async with browser(cast.rik) as rik:
        await grow_old()
        wrong = await rik.htmx("POST", "/account/proof", data={"code": "000000"})
        right = await rik.post("/account/proof?next=/account/second-factor", data={"code": app.now()})

        assert wrong.status_code == 422
        assert where(right) == "/account/second-factor"
        assert (await rik.get("/account/second-factor")).status_code == 200
