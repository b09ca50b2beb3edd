"""The pages on which an office connects its other software: where webhooks may lead, and who may change that."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest

from models import config, engine
from models.connecting import ApiToken, Webhook, add_webhook, make_token, viewer_of_token
from models.settings import Firm
from tests.cast import Cast, browser_of

_ADD = "/settings/connecting/webhooks/new"
_HOOK = {"name": "Pakket", "events": ["approved"]}


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ALLOWED_PRIVATE_HOSTS", "127.0.0.1,belasting.kantoor.local")
    config.reset()
    yield
    monkeypatch.undo()
    config.reset()


async def a_hook(cast: Cast) -> Webhook:
    made = await engine.run_writing(
        lambda: add_webhook(cast.anna.scope(Webhook), "Pakket", "https://pakket.example/a", [], by=cast.anna)
    )
    return made[0]


async def proof_ended(cast: Cast) -> None:
    await engine.run_writing(
        lambda: engine.raw("UPDATE session SET proved_at = NULL WHERE person = $1", cast.anna.user.id)
    )


@pytest.mark.parametrize(
    "address",
    ["https://127.0.0.1/x", "https://localhost/x", "https://10.0.0.5:8443/x", "https://[::1]/", "https://127.1/x"],
)
async def test_an_address_within_the_network_is_refused_when_it_is_saved(cast: Cast, address: str) -> None:
    hook = await a_hook(cast)
    async with browser_of(cast.anna) as anna:
        for path in (_ADD, f"/settings/connecting/webhooks/{hook.id}"):
            reply = await anna.post(path, data={**_HOOK, "address": address})
            assert reply.status_code == 422
            assert "binnen het netwerk van de server" in reply.text and address in reply.text
    assert [row["address"] for row in await engine.raw("SELECT address FROM webhook")] == ["https://pakket.example/a"]


async def test_what_the_administrator_of_the_server_allows_is_taken_also_by_http(cast: Cast, allowed: None) -> None:
    async with browser_of(cast.anna) as anna:
        for address in ("https://127.0.0.1/x", "http://belasting.kantoor.local/x"):
            reply = await anna.post(_ADD, data={**_HOOK, "address": address})
            assert "whsec_" in reply.text
        for address in ("http://pakket.example/x", "https://127.0.0.2/x"):
            assert (await anna.post(_ADD, data={**_HOOK, "address": address})).status_code == 422
    assert await Webhook.count() == 2


async def test_all_that_is_wrong_with_a_webhook_is_said_at_once(cast: Cast) -> None:
    hook = await a_hook(cast)
    async with browser_of(cast.anna) as anna:
        for path in (_ADD, f"/settings/connecting/webhooks/{hook.id}"):
            nothing = await anna.post(
                path, data={"name": " ", "address": "pakket.example/x", "events": ["geboekt", "approved"]}
            )
            inside = await anna.post(
                path, data={"name": "n" * 121, "address": "https://10.0.0.5/x", "events": ["geboekt"]}
            )

            assert (nothing.status_code, inside.status_code) == (422, 422)
            for text in (nothing.text, inside.text):
                assert "Er kloppen 3 dingen niet" in text
                assert all(f'id="{field}-error"' in text for field in ("name", "address", "events"))
            assert "pakket.example/x" in nothing.text and 'value="approved" checked' in nothing.text
            assert "n" * 121 in inside.text and "https://10.0.0.5/x" in inside.text
            assert inside.text.count("binnen het netwerk van de server") == 2  # in the list on top, and by its field
    assert [row["name"] for row in await engine.raw("SELECT name FROM webhook")] == ["Pakket"]


async def test_another_address_for_a_webhook_asks_for_proof_and_nothing_typed_is_lost(cast: Cast) -> None:
    hook = await a_hook(cast)
    path = f"/settings/connecting/webhooks/{hook.id}"
    async with browser_of(cast.anna) as anna:
        await proof_ended(cast)
        renamed = await anna.post(path, data={"name": "Ander", "address": hook.address})
        moved = await anna.post(path, data={"name": "Ander", "address": "https://elders.example/b"})

        assert renamed.headers["location"] == path
        assert moved.headers["location"].startswith("/account/proof")
        assert (await Webhook.objects().get(Webhook.id == hook.id)).address == hook.address
        await engine.run_writing(lambda: engine.raw("UPDATE session SET proved_at = seen_at"))
        draft = (await engine.raw("SELECT max(id) AS id FROM draft"))[0]["id"]
        assert "https://elders.example/b" in (await anna.get(f"/drafts/{draft}?proof=1")).text
        assert (await anna.post(path, data={"name": "Ander", "address": "https://elders.example/b"})).status_code == 303
    assert (await Webhook.objects().get(Webhook.id == hook.id)).address == "https://elders.example/b"


async def test_who_stamps_and_under_what_is_sealed_asks_for_proof(cast: Cast) -> None:
    sealing = {"stamp_url": "https://tsa.example/", "check_names": "initials"}
    async with browser_of(cast.anna) as anna:
        await proof_ended(cast)
        for path, data, files in (
            ("sealing", sealing, None),
            ("own", {}, None),
            ("renewal", {}, None),
            ("", {"password": "x"}, {"file": ("kantoor.p12", b"geen certificaat", "application/x-pkcs12")}),
        ):
            reply = await anna.post(f"/settings/certificate/{path}".rstrip("/"), data=data, files=files)
            assert reply.headers["location"].startswith("/account/proof"), path
        unchanged = await anna.post("/settings/certificate/sealing", data={**sealing, "stamp_url": ""})
        assert unchanged.headers["location"] == "/settings/certificate"
    firm = await Firm.load()
    assert (firm.stamp_url, firm.check_names) == ("", "initials")


async def test_an_authority_within_the_network_is_refused_when_it_is_saved(cast: Cast) -> None:
    async with browser_of(cast.anna) as anna:
        data = {"stamp_url": "http://127.0.0.1:318/", "check_names": "names"}
        reply = await anna.post("/settings/certificate/sealing", data=data)
    assert reply.status_code == 422 and "ALLOWED_PRIVATE_HOSTS" in reply.text


async def test_all_that_is_wrong_with_a_token_is_said_at_once(cast: Cast) -> None:
    async with browser_of(cast.anna) as anna:
        reply = await anna.post(
            "/settings/connecting/tokens/new",
            data={"name": "", "scopes": ["alles"], "expires_on": "31-31-2030", "reach": "some", "groups": ["x"], "clients": "een, twee"},
        )  # fmt: skip
    assert reply.status_code == 422
    assert all(f'id="{field}-error"' in reply.text for field in ("name", "scopes", "expires_on", "groups", "clients"))
    assert "“een”" in reply.text and "“twee”" in reply.text and 'value="31-31-2030"' in reply.text


async def a_token(cast: Cast, **more: Any) -> tuple[ApiToken, dict[str, str]]:
    token, text = await engine.run_writing(
        lambda: make_token(cast.anna.scope(ApiToken), "Pakket", ["read"], dt.date(2030, 7, 31), **more, by=cast.anna)
    )
    return token, {"Authorization": f"Bearer {text}"}


async def numbers(cast: Cast) -> list[str]:
    """Of the bakery, and of another client."""
    rows = await engine.raw("SELECT id, number FROM client WHERE state = 'active' ORDER BY id")
    his = [row["number"] for row in rows if row["id"] == cast.bakkerij]
    return [*his, next(row["number"] for row in rows if row["id"] != cast.bakkerij)]


async def test_the_clients_and_rights_of_a_token_change_and_hold_at_the_next_call(cast: Cast) -> None:
    await engine.raw("UPDATE firm SET modules = 'dossiers,approvals'")
    bakery, other = await numbers(cast)
    token, key = await a_token(cast, reach="some", clients=bakery)
    path = f"/settings/connecting/tokens/{token.id}"
    changed = {
        "name": "Pakket Plus",
        "scopes": ["read", "proof"],
        "expires_on": "",
        "reach": "some",
        "clients": f" {other} ,",
    }
    async with browser_of(cast.anna) as anna, browser_of(cast.vic) as software:
        assert (await software.get(f"/api/v1/clients/{bakery}", headers=key)).status_code == 200
        form = (await anna.get(path)).text
        assert f'value="{bakery}"' in form and 'value="31-07-2030"' in form and "poort_" not in form

        saved = await anna.post(path, data=changed)

        assert saved.headers["location"] == "/settings/connecting"
        assert (await software.get(f"/api/v1/clients/{bakery}", headers=key)).status_code == 404
        assert (await software.get(f"/api/v1/clients/{other}", headers=key)).status_code == 200
        everybody = await anna.post(path, data={**changed, "reach": "all"})
        assert everybody.status_code == 303
        assert (await software.get(f"/api/v1/clients/{bakery}", headers=key)).status_code == 200
        trail = (await anna.get("/audit")).text
        assert "wijzigde het API-token “Pakket Plus”" in trail
    notes = await engine.raw("SELECT detail FROM trail WHERE operation = 'ApiToken.change' ORDER BY id")
    first = notes[0]["detail"] if isinstance(notes[0]["detail"], dict) else json.loads(notes[0]["detail"])
    assert first["before"]["name"] == "Pakket" and first["after"]["scopes"] == "read,proof"
    assert (first["after"]["token_clients_added"], first["after"]["token_clients_removed"]) == (other, bakery)


async def test_changing_a_token_asks_for_proof_and_tells_all_that_is_wrong(cast: Cast) -> None:
    token, _ = await a_token(cast)
    path = f"/settings/connecting/tokens/{token.id}"
    wrong = {"name": "", "scopes": [], "expires_on": "1-1-2020", "reach": "some", "clients": "nergens"}
    async with browser_of(cast.anna) as anna:
        reply = await anna.post(path, data=wrong)
        assert reply.status_code == 422 and 'value="nergens"' in reply.text
        assert all(f'id="{field}-error"' in reply.text for field in ("name", "scopes", "expires_on", "clients"))
        await proof_ended(cast)
        assert (
            (await anna.post(path, data={"name": "X", "scopes": ["read"]}))
            .headers["location"]
            .startswith("/account/proof")
        )
        await engine.run_writing(lambda: engine.raw("UPDATE session SET proved_at = seen_at"))
        await anna.post(f"{path}/end")
        ended = await anna.post(path, data={"name": "X", "scopes": ["read"]})
        assert ended.status_code == 422 and "Dit token is beëindigd" in ended.text
    assert (await ApiToken.objects().get(ApiToken.id == token.id)).name == "Pakket"


async def test_nobody_gives_more_to_a_token_that_acts_as_somebody_else(cast: Cast) -> None:
    bakery, other = await numbers(cast)
    token, _ = await a_token(cast, reach="some", clients=f"{bakery},{other}")
    await engine.raw("UPDATE api_token SET person = $1", cast.ed.user.id)
    path = f"/settings/connecting/tokens/{token.id}"
    async with browser_of(cast.anna) as anna:
        more = await anna.post(path, data={"name": "P", "scopes": ["read", "place"], "expires_on": "", "reach": "all"})
        assert more.status_code == 422 and cast.ed.user.full_name in more.text
        assert all(f'id="{field}-error"' in more.text for field in ("scopes", "expires_on", "reach"))
        less = await anna.post(
            path, data={"name": "P", "scopes": ["read"], "expires_on": "31-07-2029", "reach": "some", "clients": bakery}
        )
        assert less.status_code == 303
    assert len(await engine.raw("SELECT id FROM api_token_reach")) == 1


async def test_a_limit_that_who_changes_a_token_cannot_see_stays(cast: Cast) -> None:
    bakery, other = await numbers(cast)
    token, _ = await a_token(cast, reach="some", clients=f"{bakery},{other}")
    await engine.raw("UPDATE users SET all_clients = $2 WHERE id = $1", cast.anna.user.id, False)
    await engine.raw("DELETE FROM reach WHERE person = $1", cast.anna.user.id)
    await engine.raw("INSERT INTO reach (person, client) VALUES ($1, $2)", cast.anna.user.id, cast.bakkerij)
    async with browser_of(cast.anna) as anna:
        form = (await anna.get(f"/settings/connecting/tokens/{token.id}")).text
        assert f'value="{bakery}"' in form and "Daarnaast 1 groep of cliënt die u niet ziet" in form
        kept = {"name": "P", "scopes": ["read"], "expires_on": "31-07-2030", "reach": "some", "clients": bakery}
        assert (await anna.post(f"/settings/connecting/tokens/{token.id}", data=kept)).status_code == 303
    assert len(await engine.raw("SELECT id FROM api_token_reach")) == 2


async def test_a_token_is_good_until_midnight_in_amsterdam_of_its_last_day(cast: Cast) -> None:
    last = dt.date(2030, 7, 31)
    _, text = await engine.run_writing(
        lambda: make_token(cast.anna.scope(ApiToken), "Pakket", ["read"], last, by=cast.anna)
    )

    assert await viewer_of_token(text, "", dt.datetime(2030, 7, 31, 21, 59, tzinfo=dt.UTC))
    assert await viewer_of_token(text, "", dt.datetime(2030, 7, 31, 22, 1, tzinfo=dt.UTC)) is None
