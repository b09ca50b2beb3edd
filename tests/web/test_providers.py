"""Signing in with an account elsewhere, against a real provider on loopback that is also made to lie."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from models import config, engine, providers
from models.core import RefusedFields
from models.outward import is_public
from models.providers import IdentityProvider, add_provider
from models.secret_box import encrypt
from tests.cast import Browser, Cast, browser_of
from tests.oidc import Provider, providing

Browsers = Callable[..., Any]
TENANT = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("ALLOW_PRIVATE_FEEDS", "1")
    config.reset()
    providers.forget_published()
    with providing() as provider:
        yield provider
    monkeypatch.undo()
    config.reset()
    providers.forget_published()


async def set_up(cast: Cast, elsewhere: Provider, **more: Any) -> IdentityProvider:
    details = {
        "kind": "other", "name": "Werkaccount", "issuer": elsewhere.url, "client_id": elsewhere.client_id,
        "client_secret": elsewhere.client_secret, "is_enabled": True,
    }  # fmt: skip
    return await add_provider(cast.anna.scope(IdentityProvider), by=cast.anna, **(details | more))


def of(email: str, **more: Any) -> dict[str, Any]:
    return {"sub": f"id-of-{email}", "email": email, "email_verified": True, **more}


async def there(browser: Browser, provider: IdentityProvider, next_url: str = "") -> str:
    """To the provider and back: the address with which the browser returns."""
    left = await browser.get(f"/sign-in/with/{provider.id}", params={"next": next_url} if next_url else {})
    assert left.status_code == 303, html.unescape(left.text)[:2000]
    async with httpx2.AsyncClient() as outside:
        back = await outside.get(left.headers["location"])
    parts = urlsplit(back.headers["location"])
    return f"{parts.path}?{parts.query}"


async def signed_in(browser: Browser) -> bool:
    return (await browser.get("/account")).status_code == 200


async def test_a_colleague_comes_in_and_is_known_by_his_subject_from_then_on(
    cast: Cast, browser: Browsers, elsewhere: Provider
) -> None:
    provider = await set_up(cast, elsewhere)
    elsewhere.claims = of(cast.anna.user.email)
    async with browser_of(cast.vic) as visitor:
        page = await visitor.get("/sign-in")
        back = await there(visitor, provider, "/clients")
        done = await visitor.get(back)
        inside = await signed_in(visitor)
        replayed = await visitor.get(back)
    elsewhere.claims = of(cast.anna.user.email) | {"email": "anders@elders.example"}
    async with browser_of(cast.vic) as visitor:
        later = await visitor.get(await there(visitor, provider))

    assert "Aanmelden met Werkaccount" in html.unescape(page.text)
    assert done.status_code == 303 and done.headers["location"] == "/clients" and inside
    assert replayed.status_code == 422, "the attempt is used up"
    assert later.status_code == 303 and later.headers["location"] == "/"
    notice = await engine.raw("SELECT person, detail FROM errand WHERE kind = 'account_notice'")
    assert [row["person"] for row in notice] == [cast.anna.user.id] and "identity_on" in notice[0]["detail"]
    how = await engine.raw("SELECT how FROM sign_in ORDER BY id")
    assert {row["how"] for row in how} == {"oidc"}


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "een andere"}, {"nonce": None}, {"aud": "iemand anders"}, {"aud": ["poort", "x"]}, {"iss": "https://elders.example"},
        {"exp": 1_600_000_000}, {"exp": None}, {"iat": None}, {"sub": None}, {"email_verified": False}, {"email_verified": None},
        {"email": "onbekend@kantoor.example"}, {"email": ""},
    ],
)  # fmt: skip
async def test_a_token_that_is_not_right_lets_nobody_in(cast: Cast, elsewhere: Provider, lie: dict[str, Any]) -> None:
    provider = await set_up(cast, elsewhere)
    elsewhere.claims, elsewhere.lie = of(cast.anna.user.email), lie
    async with browser_of(cast.vic) as visitor:
        reply = await visitor.get(await there(visitor, provider))
        inside = await signed_in(visitor)

    assert reply.status_code == 422 and not inside
    assert await engine.raw("SELECT 1 AS one FROM identity") == []


@pytest.mark.parametrize("alg", ["none", "HS256"])
async def test_a_token_that_is_not_signed_by_its_key_is_refused(cast: Cast, elsewhere: Provider, alg: str) -> None:
    provider = await set_up(cast, elsewhere)
    elsewhere.claims = of(cast.anna.user.email)
    if alg == "none":
        elsewhere.alg = "none"
    else:
        elsewhere.renew_key(publish=False)  # signed by a key that is nowhere to be found
    async with browser_of(cast.vic) as visitor:
        reply = await visitor.get(await there(visitor, provider))
        inside = await signed_in(visitor)

    assert reply.status_code == 422 and not inside


async def test_when_the_provider_changes_its_key_it_is_looked_up_again(cast: Cast, elsewhere: Provider) -> None:
    provider = await set_up(cast, elsewhere)
    elsewhere.claims = of(cast.anna.user.email)
    async with browser_of(cast.vic) as visitor:
        back = await there(visitor, provider)
        elsewhere.renew_key()
        assert (await visitor.get(back)).status_code == 303
    assert elsewhere.asked.count("keys") == 2


async def test_another_attempts_answer_is_not_taken(cast: Cast, elsewhere: Provider) -> None:
    provider = await set_up(cast, elsewhere)
    elsewhere.claims = of(cast.anna.user.email)
    async with browser_of(cast.vic) as mine, browser_of(cast.vic) as theirs:
        back = await there(theirs, provider)
        await there(mine, provider)
        forced = await mine.get(back)
        bare = await mine.get("/sign-in/with/callback")
        error = await mine.get("/sign-in/with/callback?error=access_denied&state=x")

    assert (forced.status_code, bare.status_code, error.status_code) == (422, 422, 422)


@pytest.mark.parametrize("state", ["blocked", "prepared", "invited"])
async def test_who_is_not_active_and_clients_stay_outside(cast: Cast, elsewhere: Provider, state: str) -> None:
    provider = await set_up(cast, elsewhere)
    await engine.raw("UPDATE users SET state = $1 WHERE id = $2", state, cast.ed.user.id)
    words = []
    for email in (cast.ed.user.email, cast.rik.user.email, "niemand@kantoor.example"):
        elsewhere.claims = of(email)
        async with browser_of(cast.vic) as visitor:
            reply = await visitor.get(await there(visitor, provider))
            assert reply.status_code == 422 and not await signed_in(visitor)
            words.append(re.findall(r'role="alert"[^>]*>(.*?)</', reply.text, re.S))

    assert words[0] == words[1] == words[2], "who stands outside learns nothing"


async def test_a_linked_colleague_who_is_blocked_later_stays_outside(cast: Cast, elsewhere: Provider) -> None:
    provider = await set_up(cast, elsewhere)
    elsewhere.claims = of(cast.ed.user.email)
    async with browser_of(cast.vic) as visitor:
        assert (await visitor.get(await there(visitor, provider))).status_code == 303
    await engine.raw("UPDATE users SET state = 'blocked' WHERE id = $1", cast.ed.user.id)
    async with browser_of(cast.vic) as visitor:
        assert (await visitor.get(await there(visitor, provider))).status_code == 422


async def test_only_the_domains_and_the_directory_of_the_office(cast: Cast, elsewhere: Provider) -> None:
    provider = await set_up(cast, elsewhere, domains="elders.example")
    elsewhere.claims = of(cast.anna.user.email)
    async with browser_of(cast.vic) as visitor:
        assert (await visitor.get(await there(visitor, provider))).status_code == 422
    await engine.raw("UPDATE identity_provider SET kind = 'microsoft', tenant = $1, domains = ''", TENANT)
    for tid, status in (("00000000-0000-0000-0000-000000000000", 422), (None, 422), (TENANT, 303)):
        elsewhere.lie = {"tid": tid, "email_verified": None}
        async with browser_of(cast.vic) as visitor:
            assert (await visitor.get(await there(visitor, provider))).status_code == status, tid


@pytest.mark.parametrize(
    ("trusts", "amr", "where"),
    [(False, ["mfa"], "/sign-in/code"), (True, ["mfa"], "/"), (True, ["pwd"], "/sign-in/code")],
)
async def test_the_second_factor_is_asked_unless_the_office_trusts_the_providers(
    cast: Cast, elsewhere: Provider, trusts: bool, amr: list[str], where: str
) -> None:
    provider = await set_up(cast, elsewhere, trusts_mfa=trusts)
    await engine.raw("UPDATE users SET totp_secret = $1 WHERE id = $2", encrypt("JBSWY3DPEHPK3PXP"), cast.anna.user.id)
    elsewhere.claims = of(cast.anna.user.email, amr=amr)
    async with browser_of(cast.vic) as visitor:
        done = await visitor.get(await there(visitor, provider))

    assert urlsplit(done.headers["location"]).path == where


@pytest.mark.parametrize("trouble", ["silent", "huge", "issuer"])
async def test_a_provider_that_does_not_answer_is_said_in_words(cast: Cast, elsewhere: Provider, trouble: str) -> None:
    provider = await set_up(cast, elsewhere)
    if trouble == "issuer":
        elsewhere.lie = {"issuer": "https://elders.example"}
    else:
        setattr(elsewhere, trouble, True)
    async with browser_of(cast.vic) as visitor:
        reply = await visitor.get(f"/sign-in/with/{provider.id}")

    assert reply.status_code == 422 and "gaf geen antwoord" in html.unescape(reply.text)


async def test_off_by_default_and_nobody_is_led_elsewhere(cast: Cast, browser: Browsers, elsewhere: Provider) -> None:
    provider = await set_up(cast, elsewhere, is_enabled=False)
    async with browser_of(cast.vic) as visitor:
        page, left = await visitor.get("/sign-in"), await visitor.get(f"/sign-in/with/{provider.id}")
    await engine.raw("UPDATE identity_provider SET is_enabled = $1", True)
    elsewhere.claims = of(cast.anna.user.email)
    async with browser_of(cast.vic) as visitor:
        done = await visitor.get(await there(visitor, provider, "//kwaad.example/x"))

    assert "Werkaccount" not in page.text and left.status_code == 404
    assert done.headers["location"] == "/"


async def test_the_settings_keep_the_secret_and_say_all_that_is_wrong(
    cast: Cast, browser: Browsers, elsewhere: Provider
) -> None:
    form = {
        "kind": "other", "name": "Werk", "issuer": elsewhere.url, "client_id": "poort", "client_secret": "zeer-geheim", "is_enabled": "1",
    }  # fmt: skip
    async with browser(cast.anna) as anna, browser(cast.ed) as ed:
        wrong = await anna.post("/settings/providers/new", data={"kind": "microsoft", "tenant": "common"})
        made = await anna.post("/settings/providers/new", data=form)
        number = (await engine.raw("SELECT id FROM identity_provider"))[0]["id"]
        page = await anna.get(f"/settings/providers/{number}")
        await anna.post(f"/settings/providers/{number}", data=form | {"client_secret": "", "name": "Anders"})
        tried = await anna.post(f"/settings/providers/{number}/test")
        twice = await anna.post("/settings/providers/new", data=form)
        strange = await ed.get("/settings/providers")
    kept = (await engine.raw("SELECT name, client_secret FROM identity_provider"))[0]
    lines = str(await engine.raw("SELECT detail FROM trail WHERE record_table = 'IdentityProvider'"))

    assert wrong.status_code == 422 and {"name", "tenant", "client_id", "client_secret"} <= set(
        re.findall(r'id="([a-z_]+)-error"', wrong.text)
    )
    assert made.status_code == 303 and "zeer-geheim" not in page.text and "/sign-in/with/callback" in page.text
    assert kept["name"] == "Anders" and kept["client_secret"] and "zeer-geheim" not in str(kept) + lines
    assert tried.status_code == 303 and twice.status_code == 422 and strange.status_code == 404


async def test_outside_of_tests_a_provider_is_on_the_public_net_by_https(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POORT_ENV", "production")
    config.reset()
    try:
        with pytest.raises(RefusedFields) as wrong:
            await add_provider(
                cast.anna.scope(IdentityProvider),
                by=cast.anna,
                kind="other",
                name="x",
                issuer="http://127.0.0.1:1",
                client_id="y",
                client_secret="z",
            )
    finally:
        monkeypatch.undo()
        config.reset()

    assert wrong.value.field == "issuer"
    for address in (
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "::ffff:127.0.0.1",
        "fe80::1",
        "0.0.0.0",
        "224.0.0.1",
    ):
        assert not is_public(address)
    assert is_public("8.8.8.8") and is_public("2001:4860:4860::8888")


def test_the_address_that_comes_back_is_ours() -> None:
    assert parse_qs(urlsplit(providers.redirect_address()).query) == {}
    assert providers.redirect_address().startswith(config.settings().base_url)
