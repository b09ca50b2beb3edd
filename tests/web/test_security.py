"""Who is on the other side: origins, proxies, cookies, headers, and what the log does not know."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from models import config, engine
from models.accounts import Session
from models.signing_in import begin_session
from tests.cast import PASSWORD, Cast
from web.security import CSP, Proxies, SameOrigin, cookie_name

RIK = {"email": "rik@bakkerij-jansen.example", "password": PASSWORD}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set variables of the environment for this test: settings(BASE_URL="https://…")."""

    def use(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        config.reset()

    yield use
    monkeypatch.undo()
    config.reset()


# changes come from our own pages


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8000"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:9999"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "http://127.0.0.1:8000"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "http://127.0.0.1:8000.evil.example"}, False),
        ({"Origin": "null"}, False),
        ({}, True),
    ],
)
async def test_a_change_from_another_site_is_refused(
    cast: Cast, browser: Any, headers: dict[str, str], taken: bool
) -> None:
    async with browser(cast.rik) as rik:
        del rik.headers["origin"]
        reply = await rik.post(
            "/account/preferences", data={"language": "en", "theme": "", "digest": "daily"}, headers=headers
        )

    assert (reply.status_code == 303) is taken
    assert (reply.status_code == 403) is not taken


async def test_reading_from_another_site_is_no_matter(cast: Cast, browser: Any) -> None:
    async with browser(cast.vic) as vic:
        assert (await vic.get("/sign-in", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 200


async def test_the_address_people_use_is_ours_behind_a_proxy_that_changes_host(settings: Any) -> None:
    settings(BASE_URL="https://portaal.kantoor.example")

    assert SameOrigin(_echo)._is_ours(
        {"headers": [(b"host", b"10.0.0.2:8000"), (b"origin", b"https://portaal.kantoor.example")]}
    )
    assert not SameOrigin(_echo)._is_ours(
        {"headers": [(b"host", b"10.0.0.2:8000"), (b"origin", b"https://elders.example")]}
    )


# headers and cookies


@pytest.mark.parametrize("path", ["/sign-in", "/no/such/page", "/offline", "/health/live", "/sw.js", "/set-up"])
async def test_every_answer_is_guarded(cast: Cast, browser: Any, path: str) -> None:
    async with browser(cast.vic) as vic:
        headers = (await vic.get(path)).headers

    assert headers["content-security-policy"] == CSP
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "unsafe" not in CSP
    assert "set-cookie" not in headers
    assert "strict-transport-security" not in headers


async def test_what_stands_behind_the_sign_in_is_not_kept(cast: Cast, browser: Any) -> None:
    async with browser(cast.rik) as rik:
        reply = await rik.htmx("GET", "/account")

    assert reply.headers["cache-control"] == "no-store"
    assert "HX-Request" in reply.headers["vary"]
    assert "set-cookie" not in reply.headers


async def test_the_session_cookie_is_for_this_site_and_no_script(cast: Cast, browser: Any) -> None:
    async with browser(cast.vic) as vic:
        cookies = (await vic.post("/sign-in", data=RIK)).headers.get_list("set-cookie")

    assert [cookie.split("=")[0] for cookie in cookies] == ["sid", "known"]
    for cookie in cookies:
        assert {"Path=/", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie


async def test_over_https_the_cookie_is_bound_to_it(cast: Cast, browser: Any, settings: Any) -> None:
    settings(BASE_URL="https://portaal.kantoor.example")
    async with browser(cast.vic) as vic:
        vic.headers["origin"] = "https://portaal.kantoor.example"
        reply = await vic.post("/sign-in", data=RIK)

    cookies = reply.headers.get_list("set-cookie")
    assert [cookie.split("=")[0] for cookie in cookies] == ["__Host-sid", "__Host-known"]
    assert all("; Secure" in cookie for cookie in cookies)
    assert reply.headers["strict-transport-security"].startswith("max-age=")


async def test_a_session_that_was_rolled_back_leaves_no_cookie(
    cast: Cast, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: Any) -> None:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr("web.sessions.login_user", breaks)
    async with browser(cast.vic) as vic:
        reply = await vic.post("/sign-in", data=RIK)

    assert reply.status_code == 500
    assert "set-cookie" not in reply.headers
    assert not await Session.exists()


@pytest.mark.parametrize("token", ["", "x", "x" * 5000, "' OR 1=1 --", "%00"])
async def test_a_made_up_session_is_nobody(cast: Cast, browser: Any, token: str) -> None:
    async with browser(cast.vic) as vic:
        reply = await vic.get("/account", headers={"Cookie": f"{cookie_name()}={token}"})

    assert reply.status_code == 303
    assert reply.headers["location"].startswith("/sign-in")


async def test_a_half_session_is_nobody_yet(cast: Cast, browser: Any) -> None:
    token, _ = await engine.run_writing(lambda: begin_session(cast.rik.user, half=True, address="", agent=""))
    async with browser(cast.vic) as vic:
        vic.cookies.set(cookie_name(), token)

        assert (await vic.get("/account")).headers["location"].startswith("/sign-in")
        assert (await vic.get("/live")).status_code == 401


# proxies


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    headers = dict(scope["headers"])
    body = json.dumps([scope["client"][0], scope["scheme"], headers[b"host"].decode()])
    await PlainTextResponse(body)(scope, receive, send)


async def through(peer: str, **headers: str) -> list[str]:
    sent: list[Any] = []
    raw = [
        (b"host", b"10.0.0.2:8000"),
        *((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()),
    ]
    scope = {"type": "http", "method": "GET", "scheme": "http", "client": (peer, 1), "headers": raw, "path": "/"}

    async def send(message: Any) -> None:
        sent.append(message)

    await Proxies(_echo)(scope, None, send)  # type: ignore[arg-type]
    return list(json.loads(sent[1]["body"]))


async def test_a_proxy_of_the_settings_is_believed(settings: Any) -> None:
    settings(TRUSTED_PROXIES="10.0.0.0/8")

    seen = await through(
        "10.1.1.1", x_forwarded_for="203.0.113.7", x_forwarded_proto="https", x_forwarded_host="portaal.example"
    )

    assert seen == ["203.0.113.7", "https", "portaal.example"]


async def test_nobody_else_is(settings: Any) -> None:
    settings(TRUSTED_PROXIES="10.0.0.0/8")
    lie = {"x_forwarded_for": "10.9.9.9", "x_forwarded_proto": "https", "x_forwarded_host": "evil.example"}

    assert await through("198.51.100.1", **lie) == ["198.51.100.1", "http", "10.0.0.2:8000"]


async def test_a_client_cannot_put_an_address_in_front(settings: Any) -> None:
    settings(TRUSTED_PROXIES="10.0.0.0/8")

    assert (await through("10.1.1.1", x_forwarded_for="1.2.3.4, 203.0.113.7, 10.2.2.2"))[0] == "203.0.113.7"


async def test_without_proxies_made_up_addresses_do_not_get_around_the_throttle(cast: Cast, browser: Any) -> None:
    async with browser(cast.vic) as vic:
        for n in range(8):
            await vic.post("/sign-in", data={**RIK, "password": "x" * 12}, headers={"X-Forwarded-For": f"10.0.0.{n}"})
        reply = await vic.post("/sign-in", data=RIK, headers={"X-Forwarded-For": "10.0.0.99"})

    assert "te vaak geprobeerd" in reply.text


# the log


async def test_the_log_names_routes_and_no_people(cast: Cast, browser: Any, capsys: pytest.CaptureFixture[str]) -> None:
    async with browser(cast.vic) as vic:
        await vic.post("/sign-in", data={**RIK, "password": "een fout wachtwoord"})
        await vic.post("/sign-in", data=RIK)
        await vic.htmx("GET", "/account?q=geheime-vraag")
        await vic.get("/welcome/een-geheim-token")
        await vic.htmx("GET", "/no/such/geheim")
    said = "".join(capsys.readouterr())

    for route in ("sessions.begin_session", "account.page", "sessions.welcome", "none"):
        assert route in said
    for secret in ("rik", "jansen", "wachtwoord", "geheim", "127.0.0.1", PASSWORD):
        assert secret not in said.lower()


async def test_a_failure_is_logged_without_its_values(
    cast: Cast, browser: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: Any, **__: Any) -> None:
        raise ValueError("rik@bakkerij-jansen.example is wrong")

    monkeypatch.setattr("web.account._page", breaks)
    async with browser(cast.rik) as rik:
        reply = await rik.htmx("GET", "/account")
    said = "".join(capsys.readouterr())

    assert reply.status_code == 500
    assert reply.headers["x-request-id"] in reply.text
    assert "ValueError" in said
    assert "jansen" not in said
    assert "jansen" not in reply.text
