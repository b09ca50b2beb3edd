"""The API as other software meets it: by token, in its own words for what is wrong, and never further than its scopes."""

from __future__ import annotations

import datetime as dt
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import jsonschema
import pytest

from models import config, engine
from models import storage as stores
from models.approvals.records import ApprovalDocument, ApprovalRequest
from models.audit import Trail
from models.certifying import completing, signing
from models.certifying.facts import facts_of
from models.certifying.paper import draw
from models.clients import seen
from models.connecting import ApiToken, TokenViewer, end_token, make_token
from models.connecting.openapi import document
from models.core import Refused, Say, save
from models.settings import Firm, this_day, utcnow
from tests import certifying as papers
from tests.cast import Browser, Cast, browser_of
from tests.models.test_certifying import words_of
from tests.papers import pdf
from web.__main__ import route_lines
from web.routing import ACTIONS

API = document("http://poort.test")


def fits(name: str, answer: Any) -> None:
    """Whether an answer is what the description says."""
    jsonschema.validate(answer, {**API["components"]["schemas"][name], "components": API["components"]})


async def token_for(
    cast: Cast, *scopes: str, person: Any = None, until: dt.date | None = None, **limits: Any
) -> tuple[ApiToken, dict[str, str]]:
    who = person or cast.anna

    async def unit() -> tuple[ApiToken, str]:
        return await make_token(who.scope(ApiToken), "Belastingpakket", list(scopes), until, **limits, by=who)

    token, text = await engine.run_writing(unit)
    return token, {"Authorization": f"Bearer {text}"}


@pytest.fixture
async def office(cast: Cast) -> Cast:
    async def unit() -> None:
        firm = await Firm.load()
        await save(firm, modules="dossiers,approvals")

    await engine.run_writing(unit)
    return cast


@pytest.fixture
async def software(office: Cast) -> AsyncIterator[Browser]:
    async with browser_of(office.vic) as one:
        yield one


async def number_of(cast: Cast) -> str:
    return str((await engine.raw("SELECT number FROM client WHERE id = $1", cast.bakkerij))[0]["number"])


def files(*names: str) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("file", (name, pdf(f"Btw {name}"), "application/pdf")) for name in names or ("btw.pdf",)]


async def vat(cast: Cast, **more: str) -> dict[str, str]:
    return {
        "client_number": await number_of(cast),
        "kind": "Aangifte omzetbelasting",
        "book_year": "2026",
        "period": "k3",
        **more,
    }


async def test_a_tax_package_places_a_return_and_asks_how_it_stands(office, software):
    _, key = await token_for(office, "place", "read")
    asked = await vat(
        office, amount_cents="123450", external_ref="OB-2026-3", message="Graag voor vrijdag.", offer="true"
    )

    made = await software.post("/api/v1/approvals", data=asked, files=files("btw.pdf", "toelichting.pdf"), headers=key)

    assert made.status_code == 201, made.text
    told = made.json()
    fits("Approval", told)
    assert (told["state"], told["period"], told["external_ref"]) == ("offered", "k3", "OB-2026-3")
    assert await ApprovalDocument.count().where(ApprovalDocument.request == told["id"]) == 2
    assert told["amount_cents"] == 123450
    assert {"name": office.rik.user.full_name, "step": 1, "state": "asked"} in told["still_to_approve"]
    one = await software.get(made.headers["location"], headers=key)
    assert one.json() == told
    [row] = (await software.get("/api/v1/approvals", headers=key)).json()["approvals"]
    assert row == told
    await software.post(f"{made.headers['location']}/withdraw", json={"reason": "Toch niet"}, headers=key)
    ended = (await software.get(made.headers["location"], headers=key)).json()
    fits("Approval", ended)
    assert (ended["state"], ended["still_to_approve"]) == ("withdrawn", [])


async def test_a_dividend_is_due_from_the_day_of_the_decision_that_the_software_sends(office, software):
    _, key = await token_for(office, "place", "read")
    asked = await vat(office, kind="Aangifte dividendbelasting", period="", dated_on="2027-03-10")

    made = await software.post("/api/v1/approvals", data=asked, files=files(), headers=key)
    garbled = await software.post(
        "/api/v1/approvals", data={**asked, "period": "k2", "dated_on": "10-03-2027"}, files=files(), headers=key
    )

    assert made.status_code == 201, made.text
    fits("Approval", made.json())
    assert (made.json()["dated_on"], made.json()["legal_due"]) == ("2027-03-10", "2027-04-10")
    said_clearly(garbled, "dated_on")
    sent = API["paths"]["/api/v1/approvals"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert "uitbetaling" in sent["properties"]["dated_on"]["description"]


async def test_what_a_program_did_is_told_as_its_work(office, software):
    """In the log and in the proof, beside who answers for it."""
    _, key = await token_for(office, "place", "read")
    made = await software.post("/api/v1/approvals", data=await vat(office, offer="true"), files=files(), headers=key)
    [name] = [row["name"] for row in await engine.raw("SELECT name FROM api_token")]
    async with browser_of(office.anna) as anna:
        log = (await anna.get("/audit")).text
        proof = (await anna.get(f"/approvals/{made.json()['id']}/proof")).text
    assert f", via {name}" in log and f"via {name}" in proof


async def test_it_is_found_by_what_the_software_calls_it(office, software):
    _, key = await token_for(office, "place", "read")
    asked = await vat(office, external_ref="OB-2026-3", offer="true")
    told = (await software.post("/api/v1/approvals", data=asked, files=files(), headers=key)).json()

    found = (await software.get("/api/v1/approvals?state=offered&external_ref=OB-2026-3", headers=key)).json()
    assert ([row["id"] for row in found["approvals"]], found["next"]) == ([told["id"]], None)
    lines = await Trail.select(Trail.detail).where(Trail.operation == "ApiToken.make")
    assert lines and key["Authorization"][7:] not in str(await Trail.select(Trail.detail))


async def test_the_same_key_tells_nothing_of_a_client_that_the_token_lost(office, software):
    token, key = await token_for(office, "place", reach="some", clients=await number_of(office))
    asked, once = await vat(office, offer="true"), {**key, "Idempotency-Key": "order-78"}
    assert (await software.post("/api/v1/approvals", data=asked, files=files(), headers=once)).status_code == 201
    await engine.raw("DELETE FROM api_token_reach WHERE token = $1", token.id)

    again = await software.post("/api/v1/approvals", data=asked, files=files(), headers=once)

    assert again.status_code == 404 and "still_to_approve" not in again.text


async def test_the_same_key_places_nothing_twice(office, software):
    _, key = await token_for(office, "place")
    asked, once = await vat(office), {**key, "Idempotency-Key": "order-77"}

    first = await software.post("/api/v1/approvals", data=asked, files=files(), headers=once)
    again = await software.post("/api/v1/approvals", data=asked, files=files(), headers=once)
    other = await software.post("/api/v1/approvals", data={**asked, "period": "k2"}, files=files(), headers=once)

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert first.json() == again.json()
    fits("Approval", again.json())
    fits("Problem", other.json())
    assert await ApprovalRequest.count() == 1


async def test_names_are_answered_and_not_kept(office, software):
    _, key = await token_for(office, "place")
    asked, once = await vat(office, offer="true"), {**key, "Idempotency-Key": "order-78"}

    made = await software.post("/api/v1/approvals", data=asked, files=files(), headers=once)
    again = await software.post("/api/v1/approvals", data=asked, files=files(), headers=once)

    assert made.json() == again.json() and office.rik.user.full_name in again.text
    assert office.rik.user.full_name not in (await engine.raw("SELECT answer FROM api_answer"))[0]["answer"]


async def test_the_same_period_is_placed_again_only_when_that_is_said(office, software):
    _, key = await token_for(office, "place")
    asked = await vat(office, offer="true")
    first = (await software.post("/api/v1/approvals", data=asked, files=files(), headers=key)).json()

    refused = await software.post("/api/v1/approvals", data=asked, files=files("beter.pdf"), headers=key)
    replaced = await software.post(
        "/api/v1/approvals", data={**asked, "replace": "true"}, files=files("beter.pdf"), headers=key
    )

    assert (refused.status_code, refused.json()["existing"][0]["id"]) == (409, first["id"])
    fits("Problem", refused.json())
    assert replaced.status_code == 201
    assert (await ApprovalRequest.objects().get(ApprovalRequest.id == first["id"])).state == "replaced"


async def test_it_is_withdrawn_with_a_reason(office, software):
    _, key = await token_for(office, "place")
    made = (
        await software.post("/api/v1/approvals", data=await vat(office, offer="true"), files=files(), headers=key)
    ).json()

    without = await software.post(f"/api/v1/approvals/{made['id']}/withdraw", json={}, headers=key)
    done = await software.post(f"/api/v1/approvals/{made['id']}/withdraw", json={"reason": "Fout bedrag"}, headers=key)

    assert (without.status_code, done.status_code) == (422, 200)
    assert (done.json()["state"], done.json()["reason"]) == ("withdrawn", "Fout bedrag")
    garbled = await software.post(f"/api/v1/approvals/{made['id']}/withdraw", content=b"{nee", headers=key)
    assert garbled.status_code == 422


@pytest.mark.parametrize(
    ("field", "value"),
    [("client_number", "99999"), ("kind", "Niets"), ("period", "k9"), ("amount_cents", "12,50"), ("legal_due", "31-12-2026"), ("dated_on", "9999-12-31"), ("offer", "ja"), ("book_year", "x")],
)  # fmt: skip
async def test_what_cannot_be_is_named_by_its_field_in_both_languages(office, software, field, value):
    _, key = await token_for(office, "place")

    reply = await software.post(
        "/api/v1/approvals", data=await vat(office, **{field: value}), files=files(), headers=key
    )

    said_clearly(reply, field)
    assert await ApprovalRequest.count() == 0


def said_clearly(reply: Any, field: str) -> None:
    """A problem of this field, in both languages."""
    assert (reply.status_code, reply.headers["content-type"]) == (422, "application/problem+json"), reply.text
    assert reply.json()["field"] == field
    fits("Problem", reply.json())
    assert reply.json()["detail"] != reply.json()["detail_en"]


async def test_what_no_database_takes_is_refused_and_breaks_nothing(office, software):
    _, key = await token_for(office, "place", "read")
    made = (await software.post("/api/v1/approvals", data=await vat(office), files=files(), headers=key)).json()
    asked = {
        "client_number": "\x00", "kind": "\x00", "external_ref": "a\x00b", "title": "a\x00b", "message": "\x00?", "addressee": "\x00a",
        "amount_cents": "999999999999999", "period": "k3\x00", "book_year": "99999999999", "internal_due": "0001-01-01", "legal_due": "9999-12-31", "attachment_name": "a\x00.pdf",
    }  # fmt: skip

    for field, value in asked.items():
        data = await vat(office, replace="true") | {field: value}
        said_clearly(await software.post("/api/v1/approvals", data=data, files=files(), headers=key), field)
    for field, value in {
        "client": "%00", "external_ref": "a%00b", "changed_since": "0001-01-01T00:00:00%2B14:00", "cursor": "99999999999",
    }.items():  # fmt: skip
        said_clearly(await software.get(f"/api/v1/approvals?{field}={value}", headers=key), field)
    late = await software.get("/api/v1/approvals?changed_since=9999-12-31T23:59:59-14:00", headers=key)
    said_clearly(late, "changed_since")
    said_clearly(await software.get("/api/v1/clients/a%00b", headers=key), "number")
    for reason in ("nee\x00", "\ud800"):
        body = json.dumps({"reason": reason}).encode()
        withdrawn = await software.post(f"/api/v1/approvals/{made['id']}/withdraw", content=body, headers=key)
        said_clearly(withdrawn, "reason")
    assert (await software.get("/api/v1/approvals/99999999999999999999", headers=key)).status_code == 404
    assert (await software.get("/api/v1/approvals/9999999999", headers=key)).status_code == 404
    assert (await software.get(f"/api/v1/approvals/{made['id']}", headers=key)).json() == made
    assert await ApprovalRequest.count() == 1


async def test_without_a_file_or_with_another_file_nothing_is_placed(office, software):
    _, key = await token_for(office, "place")
    asked = await vat(office)

    none = await software.post("/api/v1/approvals", data=asked, files=[("other", (None, "x"))], headers=key)
    script = [("file", ("btw.pdf", b"MZ\x90\x00" + b"\0" * 200, "application/pdf"))]
    bad = await software.post("/api/v1/approvals", data=asked, files=script, headers=key)
    plain = await software.post("/api/v1/approvals", json=asked, headers=key)

    assert (none.status_code, bad.status_code, plain.status_code) == (422, 422, 400)
    assert await ApprovalRequest.count() == 0


async def test_an_attachment_is_added_and_not_approved(office, software):
    _, key = await token_for(office, "place")
    asked = await vat(office, attachment_name="bijlage.pdf")

    made = await software.post("/api/v1/approvals", data=asked, files=files("btw.pdf", "bijlage.pdf"), headers=key)

    rows = await ApprovalDocument.select(ApprovalDocument.name, ApprovalDocument.part).where(
        ApprovalDocument.request == made.json()["id"]
    )
    assert {row["name"]: row["part"] for row in rows} == {"btw.pdf": "main", "bijlage.pdf": "attachment"}


async def test_a_token_goes_no_further_than_its_scope_and_its_maker(office, software):
    _, reads = await token_for(office, "read")
    _, eds = await token_for(office, "read")
    asked = await vat(office)

    assert (await software.post("/api/v1/approvals", data=asked, files=files(), headers=reads)).status_code == 403
    assert (await software.get("/api/v1/approvals", headers=reads)).status_code == 200
    await engine.run_writing(
        lambda: engine.raw(
            "UPDATE api_token SET person = $1 WHERE id = (SELECT max(id) FROM api_token)", office.ed.user.id
        )
    )
    theirs = (
        await engine.raw(
            "SELECT number FROM client WHERE id NOT IN (SELECT client FROM responsible WHERE person = $1) LIMIT 1",
            office.ed.user.id,
        )
    )[0]["number"]
    assert (await software.get(f"/api/v1/clients/{theirs}", headers=reads)).status_code == 200
    assert (await software.get(f"/api/v1/clients/{theirs}", headers=eds)).status_code == 404


async def test_who_has_no_token_that_lives_hears_nothing(office, software):
    token, key = await token_for(office, "read")
    _, old = await token_for(office, "read", until=this_day())
    await engine.run_writing(
        lambda: engine.raw(
            "UPDATE api_token SET expires_on = '2020-01-01' WHERE name = 'Belastingpakket' AND id = (SELECT max(id) FROM api_token)"
        )
    )

    assert (await software.get("/api/v1/kinds", headers=key)).status_code == 200
    assert (await software.get("/api/v1/kinds", headers=old)).status_code == 401
    await engine.run_writing(lambda: end_token(token, by=office.anna))
    ended = await software.get("/api/v1/kinds", headers=key)
    assert (ended.status_code, ended.headers["www-authenticate"]) == (401, "Bearer")
    async with browser_of(office.anna) as anna:
        assert (await anna.get("/api/v1/kinds")).status_code == 401


async def test_a_blocked_maker_takes_his_tokens_along(office, software):
    _, key = await token_for(office, "read")
    await engine.run_writing(
        lambda: engine.raw("UPDATE users SET state = 'blocked' WHERE id = $1", office.anna.user.id)
    )

    assert (await software.get("/api/v1/kinds", headers=key)).status_code == 401


async def test_guessing_is_slowed_and_shuts_out_nobody_with_a_good_token(office, software):
    """Everything of an office comes from one address: one program with an old token must not stop the tax package."""
    _, key = await token_for(office, "read")

    said = [
        (await software.get("/api/v1/kinds", headers={"Authorization": "Bearer poort_gok"})).status_code
        for _ in range(32)
    ]

    assert said == [401] * 30 + [429] * 2
    assert (await software.get("/api/v1/kinds", headers=key)).status_code == 200
    assert (await software.get("/api/v1/kinds", headers={"Authorization": "Bearer poort_gok"})).status_code == 429


async def test_pages_follow_each_other(office, software):
    _, key = await token_for(office, "place", "read")
    for period in ("k1", "k2", "k3"):
        await software.post("/api/v1/approvals", data=await vat(office, period=period), files=files(), headers=key)

    first = (await software.get("/api/v1/approvals?limit=2", headers=key)).json()
    rest = (await software.get(f"/api/v1/approvals?limit=2&cursor={first['next']}", headers=key)).json()

    assert [row["period"] for row in first["approvals"] + rest["approvals"]] == ["k1", "k2", "k3"]
    assert rest["next"] is None
    since = (utcnow() + dt.timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    assert (await software.get("/api/v1/approvals", params={"changed_since": since}, headers=key)).json()[
        "approvals"
    ] == []
    assert (await software.get("/api/v1/approvals?changed_since=gisteren", headers=key)).status_code == 422


# certificate and proof


@pytest.fixture
async def sealed(office: Cast, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[papers.Made]:
    """A request of the bakery that is approved, sealed and filed."""
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/files")
    config.reset()
    stores.reset()
    await papers.with_certificate()
    made = await papers.approved(office)
    assert await completing.seal_due() == 1
    yield made
    monkeypatch.undo()
    config.reset()
    stores.reset()


async def test_a_tax_package_fetches_the_certificate_and_the_proof(office, software, sealed):
    _, key = await token_for(office, "proof")
    at = f"/api/v1/approvals/{sealed.request.id}"

    certificate = await software.get(f"{at}/certificate", headers=key)
    evidence = await software.get(f"{at}/evidence", headers=key)

    assert (certificate.status_code, certificate.headers["content-type"]) == (200, "application/pdf")
    looked = await signing.look(certificate.content)
    assert looked is not None and looked.covers
    names = zipfile.ZipFile(io.BytesIO(evidence.content)).namelist()
    assert evidence.headers["content-type"] == "application/zip"
    assert any(name.endswith("bewijs.json") for name in names) and any("akkoordverklaring" in name for name in names)


async def test_what_is_not_sealed_yet_has_no_certificate_and_without_the_scope_there_is_none(office, software, sealed):
    _, key = await token_for(office, "proof", "place", "read")
    _, reads = await token_for(office, "read", "place")
    placed = (
        await software.post("/api/v1/approvals", data=await vat(office, period="k4"), files=files(), headers=key)
    ).json()["id"]

    none = await software.get(f"/api/v1/approvals/{placed}/certificate", headers=key)

    assert none.status_code == 404 and "nog niet verzegeld" in none.json()["detail"] and none.json()["detail_en"]
    assert (
        await software.get(f"/api/v1/approvals/{placed}/evidence", headers=key)
    ).status_code == 200  # what is there so far
    for what in ("certificate", "evidence"):
        assert (await software.get(f"/api/v1/approvals/{sealed.request.id}/{what}", headers=reads)).status_code == 403


# tokens for some clients


async def others_number(cast: Cast) -> str:
    return str((await engine.raw("SELECT number FROM client WHERE id <> $1 AND state = 'active' ORDER BY id LIMIT 1", cast.bakkerij))[0]["number"])  # fmt: skip


async def grouped(*clients: int) -> int:
    """A group of these clients; its id."""
    rows = await engine.raw("INSERT INTO client_group (name, name_key, description, created_at, is_sample, purpose, template, rule) VALUES ('Btw', 'btw-groep', '', $1, $2, 'selection', '', '') RETURNING id", utcnow(), False)  # fmt: skip
    for client in clients:
        await engine.raw(
            "INSERT INTO membership (client, client_group, source) VALUES ($1, $2, 'hand')", client, rows[0]["id"]
        )
    return int(rows[0]["id"])


async def test_a_token_for_one_client_finds_nothing_of_another_by_any_way(office, software, sealed):
    others = await others_number(office)
    _, his = await token_for(office, "read", "place", "proof", reach="some", clients=await number_of(office))
    _, theirs = await token_for(office, "read", "place", "proof", reach="some", clients=others)
    one = f"/api/v1/approvals/{sealed.request.id}"

    for what in (one, f"{one}/certificate", f"{one}/evidence", f"/api/v1/clients/{await number_of(office)}"):
        assert (await software.get(what, headers=his)).status_code == 200, what
        assert (await software.get(what, headers=theirs)).status_code == 404, what
    assert (await software.post(f"{one}/withdraw", json={"reason": "fout"}, headers=theirs)).status_code == 404
    assert [row["id"] for row in (await software.get("/api/v1/approvals", headers=his)).json()["approvals"]] == [
        sealed.request.id
    ]
    assert (await software.get("/api/v1/approvals", headers=theirs)).json()["approvals"] == []
    placed = await software.post("/api/v1/approvals", data=await vat(office), files=files(), headers=theirs)
    assert (placed.status_code, placed.json()["field"]) == (422, "client_number")  # as of a client that does not exist
    assert (
        await software.post("/api/v1/approvals", data=await vat(office), files=files(), headers=his)
    ).status_code == 201


async def test_a_token_for_a_group_follows_who_comes_and_goes(office, software, sealed):
    group = await grouped(office.bakkerij)
    _, key = await token_for(office, "read", reach="some", groups=[group])
    one = f"/api/v1/approvals/{sealed.request.id}"

    assert (await software.get(one, headers=key)).status_code == 200
    await engine.raw("DELETE FROM membership WHERE client_group = $1", group)
    assert (await software.get(one, headers=key)).status_code == 404
    await engine.raw("DELETE FROM client_group WHERE id = $1", group)
    assert (await software.get("/api/v1/approvals", headers=key)).json()["approvals"] == []  # never all of them again


async def test_a_limited_token_reaches_no_further_than_its_maker(office, sealed):
    token, _ = await token_for(office, "read", reach="some", clients=await number_of(office))
    ed = TokenViewer(office.ed.user, token)
    await engine.raw("DELETE FROM responsible WHERE person = $1", office.ed.user.id)
    await engine.raw("DELETE FROM reach WHERE person = $1", office.ed.user.id)
    await engine.raw("UPDATE users SET all_clients = $2 WHERE id = $1", office.ed.user.id, False)

    assert await ed.clients.count() == 0
    anna = TokenViewer(office.anna.user, token)
    assert [one.id for one in await anna.clients.all()] == [office.bakkerij] and not anna.sees_all_clients
    rows = await engine.raw(f"SELECT c.id FROM client c WHERE {seen(anna)}")
    assert [row["id"] for row in rows] == [office.bakkerij]  # the same by SQL
    assert await office.anna.clients.count() > 1  # she herself is limited to nothing


@pytest.mark.parametrize(
    ("limits", "field"), [({}, "groups"), ({"clients": "bestaat-niet"}, "clients"), ({"groups": [999_999]}, "groups")]
)
async def test_a_limit_that_means_nobody_is_refused(office, limits, field):
    with pytest.raises(Refused) as refused:
        await token_for(office, "read", reach="some", **limits)

    assert refused.value.field == field


async def test_the_settings_limit_a_token_and_say_so(office):
    group = await grouped(office.bakkerij)
    number = await number_of(office)
    async with browser_of(office.anna) as anna:
        form = (await anna.get("/settings/connecting/tokens/new")).text
        assert "Cliëntgroepen" in form and "Btw" in form
        wrong = await anna.post(
            "/settings/connecting/tokens/new",
            data={"name": "Pakket", "scopes": ["read"], "reach": "some", "clients": "12345x"},
        )
        assert wrong.status_code == 422 and "12345x" in wrong.text and "Er is geen cliënt met nummer" in wrong.text
        made = await anna.post(
            "/settings/connecting/tokens/new",
            data={"name": "Pakket", "scopes": ["read"], "reach": "some", "groups": [str(group)], "clients": number},
        )
        assert "poort_" in made.text
        page = (await anna.get("/settings/connecting")).text
    assert "1 cliëntgroep" in page and "1 cliënt<" in page
    token = (await engine.raw("SELECT id, is_limited FROM api_token"))[0]
    assert token["is_limited"]
    assert len(await engine.raw("SELECT id FROM api_token_reach WHERE token = $1", token["id"])) == 2


async def test_every_route_of_the_api_stands_in_its_description(office, software):
    route_lines()
    routes = {
        (action.method, action.path.replace(":int", "")) for action in ACTIONS if action.path.startswith("/api/v1/")
    }

    described = {(verb.upper(), path) for path, verbs in API["paths"].items() for verb in verbs}

    assert routes - {("GET", "/api/v1/openapi.json")} == described
    told = await software.get("/api/v1/openapi.json")
    assert told.json()["openapi"] == "3.1.0"
    page = await software.get("/api")
    assert page.status_code == 200
    assert all(path in page.text for path in API["paths"])


def words_in(part: Any, name: str = "") -> list[Any]:
    """Every sentence of the description."""
    if isinstance(part, dict):
        return [one for key, value in part.items() for one in words_in(value, key)]
    if isinstance(part, list):
        return [one for value in part for one in words_in(value)]
    return [part] if name in ("summary", "description") and not str(part).startswith(("approval.", "test")) else []


async def test_the_reference_speaks_the_language_of_who_reads_it_and_the_document_english(office, software):
    said = words_in(document("http://poort.test", lambda say: say))
    assert said and all(isinstance(one, Say) for one in said)

    dutch = (await software.get("/api")).text
    english = (await software.get("/api", headers={"Accept-Language": "en"})).text
    told = (await software.get("/api/v1/openapi.json")).text

    assert "Wie nog akkoord moet geven" in dutch and "Who is still to approve" not in dutch
    assert "Who is still to approve" in english and "Wie nog akkoord" not in english
    assert "Who is still to approve" in told and "Wie nog akkoord" not in told


async def test_a_client_is_told_by_number_and_name(office, software):
    _, key = await token_for(office, "read")
    number = await number_of(office)

    told = (await software.get(f"/api/v1/clients/{number}", headers=key)).json()

    fits("Client", told)
    assert told == {
        "number": number,
        "name": (await engine.raw("SELECT name FROM client WHERE id = $1", office.bakkerij))[0]["name"],
    }


async def test_the_pages_of_the_settings(office):
    async with browser_of(office.anna) as anna:
        assert "Geen tokens" in (await anna.get("/settings/connecting")).text
        form = await anna.get("/settings/connecting/webhooks/new")
        assert form.status_code == 200
        made = await anna.post("/settings/connecting/tokens/new", data={"name": "Pakket", "scopes": ["read"]})
        assert "poort_" in made.text
        assert "poort_" not in (page := (await anna.get("/settings/connecting")).text) and "Pakket" in page
        hook = {"name": "Pakket", "address": "http://pakket.example/", "events": ["approved"]}
        assert "https://" in (await anna.post("/settings/connecting/webhooks/new", data=hook)).text
        made = await anna.post("/settings/connecting/webhooks/new", data={**hook, "address": "https://pakket.example/"})
        assert "whsec_" in made.text
        one = (await engine.raw("SELECT id FROM webhook"))[0]["id"]
        for verb in ("test", "off", "on", "secret"):
            assert (await anna.post(f"/settings/connecting/webhooks/{one}/{verb}")).status_code in (200, 303)
        log = (await anna.get(f"/settings/connecting/webhooks/{one}")).text
        assert "Proefbericht" in log and "whsec_" not in log
        assert "Laatste poging" in (await anna.get("/settings/connecting")).text  # nothing was tried yet
        await engine.raw("UPDATE webhook_delivery SET tried_at = $1", utcnow() - dt.timedelta(minutes=5))
        assert "5 minuten geleden" in (await anna.get("/settings/connecting")).text
        assert (await anna.post(f"/settings/connecting/webhooks/{one}/end")).status_code == 303
    async with browser_of(office.ed) as ed:
        assert (await ed.get("/settings/connecting")).status_code == 404
        assert (await ed.post(f"/settings/connecting/webhooks/{one}/on")).status_code == 404


async def test_what_the_api_does_not_have_is_said_as_a_problem(office, software):
    _, key = await token_for(office, "read", "place")
    asked = [
        (await software.get(f"/api/v1/{path}", headers=key), 404)
        for path in (
            "approvals/99999999999999999999",
            "approvals/-1",
            "clients/a%2Fb",
            "nothing",
            "approvals/1/nothing",
        )
    ]
    asked += [
        (await software.post("/api/v1/kinds", headers=key), 405),
        (await software.post("/api/v1/nothing", headers=key), 404),
    ]
    for answer, status in asked:
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        fits("Problem", answer.json())
        assert answer.json()["status"] == status and answer.json()["detail_en"] != answer.json()["detail"]
    assert "GET" in asked[5][0].headers["allow"]
    page = await software.get("/nothing")
    assert page.status_code == 404 and "text/html" in page.headers["content-type"]


async def test_what_is_wrong_is_said_by_the_name_that_the_form_has(office, software):
    _, key = await token_for(office, "read", "place")
    broken = [("file", ("btw.pdf", b"%PDF-1.4 stuk", "application/pdf"))]
    only = [("file", ("brief.txt", b"alleen tekst", "text/plain"))]
    for sent in (broken, only):
        said = await software.post("/api/v1/approvals", data=await vat(office), files=sent, headers=key)
        assert (said.status_code, said.json()["field"]) == (422, "file"), said.text
    first = await software.post("/api/v1/approvals", data=await vat(office), files=files(), headers=key)
    again = await software.post("/api/v1/approvals", data=await vat(office), files=files("x.pdf"), headers=key)
    assert (again.status_code, again.json()["field"]) == (409, "replace")
    assert again.json()["existing"] == [{"id": first.json()["id"], "state": "draft", "approvals": 0}]
    known = API["components"]["schemas"]["Problem"]["properties"]
    assert set(again.json()) <= set(known)
    fits("Problem", again.json())
    place = API["paths"]["/api/v1/approvals"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert (place["properties"]["offer"]["default"], place["properties"]["replace"]["default"]) == ("false", "false")


async def test_a_draft_goes_without_a_reason_and_keeps_one_that_was_given(office, software):
    _, key = await token_for(office, "read", "place")
    one = await software.post("/api/v1/approvals", data=await vat(office), files=files(), headers=key)
    gone = await software.post(f"{one.headers['location']}/withdraw", headers=key)
    two = await software.post("/api/v1/approvals", data=await vat(office), files=files(), headers=key)
    told = await software.post(f"{two.headers['location']}/withdraw", json={"reason": "Verkeerd jaar"}, headers=key)
    three = await software.post("/api/v1/approvals", data=await vat(office, offer="true"), files=files(), headers=key)
    bare = await software.post(f"{three.headers['location']}/withdraw", headers=key)

    assert (gone.json()["state"], gone.json()["reason"]) == ("withdrawn", None)
    assert (told.json()["state"], told.json()["reason"]) == ("withdrawn", "Verkeerd jaar")
    assert (bare.status_code, bare.json()["field"]) == (422, "reason")
    body = API["paths"]["/api/v1/approvals/{request_id}/withdraw"]["post"]["requestBody"]
    assert not body["required"] and "required" not in body["content"]["application/json"]["schema"]


async def test_the_record_says_which_program_did_it_in_whose_name_and_from_where(office, software):
    _, key = await token_for(office, "read", "place")
    made = await software.post(
        "/api/v1/approvals",
        data=await vat(office, offer="true"),
        files=files(),
        headers=key | {"User-Agent": "Belastingpakket/9.1"},
    )
    rows = await engine.raw(
        "SELECT act, name, address, agent, detail FROM approval_record WHERE request = $1 AND act IN ('made', 'offered') ORDER BY number",
        made.json()["id"],
    )
    assert [row["act"] for row in rows] == ["made", "offered"]
    for row in rows:
        assert row["name"] == office.anna.user.full_name
        assert (json.loads(row["detail"])["program"], row["agent"]) == ("Belastingpakket", "Belastingpakket/9.1")
        assert row["address"]
    facts = await facts_of(made.json()["id"])
    assert "DoorhetprogrammaBelastingpakket" in words_of(draw(facts, fingerprint="00"))


async def test_a_damaged_document_does_not_take_the_rest_of_the_proof_along(office, software, tmp_path, monkeypatch):
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/files")
    config.reset()
    stores.reset()
    await papers.with_certificate()
    made = await papers.approved(office, attachments=1)
    assert await completing.seal_due() == 1
    [main, *_] = (
        await ApprovalDocument.objects()
        .where(ApprovalDocument.request == made.request.id)
        .order_by(ApprovalDocument.id)
    )
    at = tmp_path / "files" / main.sha256[:2] / main.sha256[2:]
    at.chmod(0o600)
    at.write_bytes(b"x" * main.size)
    _, key = await token_for(office, "proof")

    answer = await software.get(f"/api/v1/approvals/{made.request.id}/evidence", headers=key)

    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    names = archive.namelist()
    assert (
        "akkoordverklaring-1.pdf" in names and "stukken/Bijlage 1.pdf" in names and f"stukken/{main.name}" not in names
    )
    assert f"{main.sha256}  {main.name}: beschadigd" in archive.read("ONTBREEKT-MISSING.txt").decode()
    assert {one.get("lost") for one in json.loads(archive.read("bewijs.json"))["documents"]} == {None, "broken"}
    archive.extractall(tmp_path / "bewijs")
    command = [sys.executable, "-I", tmp_path / "bewijs" / "controleer.py"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0 and f"NOT IN THIS ARCHIVE: {main.name}" in said.stdout, said.stdout
    assert "damaged or changed at the office" in said.stdout
    ascii_ = subprocess.run(command, capture_output=True, env={"PYTHONIOENCODING": "ascii"}, check=False)
    assert ascii_.returncode == 0
    monkeypatch.undo()
    config.reset()
    stores.reset()
