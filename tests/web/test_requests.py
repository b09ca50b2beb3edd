"""Requests: asked of one or of many, handed in item by item, accepted or sent back; nobody is asked twice."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from models import engine
from models.core import Missing, Refused
from models.dossiers import Selection
from models.requests import (
    DocumentRequest,
    RequestItem,
    accept,
    board_counts,
    hand_in,
    make_requests,
    not_applicable,
    open_for,
    send_back,
    withdraw,
)
from tests.cast import as_viewer

ITEMS = [("Bankafschriften december", "Alle rekeningen"), ("Kassaboek", "")]
RIK, FEM, SAM = "rik@bakkerij-jansen.example", "fem@bakkerij-jansen.example", "sam@garage-smit.example"


async def asked(cast: Any, *clients: int, batch: str = "een") -> list[DocumentRequest]:
    await make_requests(Selection("clients", clients=clients), "Jaarstukken", "", None, ITEMS, batch, by=cast.anna)
    return await DocumentRequest.objects().where(DocumentRequest.batch == batch).order_by(DocumentRequest.client)


async def items(viewer: Any, request: DocumentRequest) -> list[RequestItem]:
    return await viewer.scope(RequestItem).where(RequestItem.request == request.id).all(RequestItem.position)


def pdf(text: str = "x") -> tuple[str, bytes, str]:
    return ("bank.pdf", f"%PDF-1.4\n{text}\n%%EOF\n".encode(), "application/pdf")


async def test_from_asking_to_done_by_both_sides(cast: Any, browser: Any) -> None:
    number = (await engine.raw("SELECT number FROM client WHERE id = $1", cast.bakkerij))[0]["number"]
    form = {
        "who": "clients", "numbers": number, "title": "Jaarstukken 2026", "message": "", "due_on": "2099-12-31",
        "items": "Bankafschriften | Alle rekeningen\nKassaboek",
    }  # fmt: skip
    async with browser(cast.anna) as anna, browser(cast.rik) as rik:
        preview = await anna.post("/requests/preview", data=form)
        batch = re.search(r'name="batch" value="([^"]+)"', preview.text)[1]
        for _ in range(2):  # a button that was pressed twice
            await anna.post("/requests", data=form | {"clients": [str(cast.bakkerij)], "batch": batch})
        made = await DocumentRequest.objects().where(DocumentRequest.batch == batch)
        home = html.unescape((await rik.get("/portal")).text)
        first, second = await items(cast.rik, made[0])
        await rik.post(f"/request-items/{first.id}/documents", files={"files": pdf()})
        await rik.post(f"/request-items/{second.id}/reason", data={"reason": "Wij hebben geen kas."})
        board = html.unescape((await anna.get("/requests")).text)
        await anna.post(f"/request-items/{second.id}/return", data={"reason": "In juni wel."})
        back = html.unescape((await rik.get(f"/portal/requests/{made[0].id}")).text)
        await rik.post(f"/request-items/{second.id}/documents", files={"files": pdf("kas")})
        await anna.post(f"/requests/{made[0].id}/acceptance")
        done = html.unescape((await rik.get(f"/portal/requests/{made[0].id}")).text)
        after = (await rik.get("/portal")).text

    assert "1 cliënt" in html.unescape(preview.text) and len(made) == 1
    assert (
        "Jaarstukken 2026" in home and "2 stukken aanleveren" in home and "31 december 2099" in home
    ) or "31-12-2099" in home
    assert "te beoordelen: 2" in board and "In juni wel." in back and "Dank u wel" in done
    assert f"/portal/requests/{made[0].id}" not in after
    folder = await engine.raw(
        "SELECT f.kind FROM request_item_document l JOIN document d ON d.id = l.document JOIN folder f ON f.id = d.folder"
    )
    assert [row["kind"] for row in folder] == ["upload", "upload"]


async def test_only_who_may_hand_in_there_sees_it(cast: Any) -> None:
    (request,) = await asked(cast, cast.bakkerij)
    rik, fem, sam = [await as_viewer(one) for one in (RIK, FEM, SAM)]

    assert [row["id"] for row in await open_for(rik)] == [request.id]
    for other in (fem, sam):
        assert await open_for(other) == []
        with pytest.raises(Missing):
            await other.scope(DocumentRequest).get(request.id)


async def test_who_has_no_upload_folder_gets_one_and_it_is_used(cast: Any, browser: Any) -> None:
    await engine.raw("DELETE FROM dossier WHERE client = $1", cast.garage)

    requests = await asked(cast, cast.garage, cast.bakkerij)

    rows = await engine.raw("SELECT name, kind FROM folder WHERE client = $1", cast.garage)
    assert [(row["name"], row["kind"]) for row in rows] == [("Aanleveren", "upload")]
    assert all(request.folder for request in requests)


async def test_asking_again_with_the_same_batch_asks_nobody_twice(cast: Any) -> None:
    await asked(cast, cast.bakkerij)
    await asked(cast, cast.bakkerij, cast.garage)

    rows = await engine.raw("SELECT client, count(*) AS n FROM document_request GROUP BY client ORDER BY client")
    assert {row["client"]: row["n"] for row in rows} == {cast.bakkerij: 1, cast.garage: 1}
    assert (await engine.raw("SELECT count(*) AS n FROM request_item"))[0]["n"] == 2 * len(ITEMS)


async def test_what_is_not_allowed_is_refused_in_words(cast: Any) -> None:
    (request,) = await asked(cast, cast.bakkerij)
    rik = await as_viewer(RIK)
    first, second = await items(rik, request)

    with pytest.raises(Refused, match="nog niets om goed te keuren"):
        await accept(first, by=cast.anna)
    with pytest.raises(Refused, match="nog niets aangeleverd"):
        await send_back(first, "x", by=cast.anna)
    with pytest.raises(Refused, match="Vul een reden in"):
        await not_applicable(first, " ", by=rik)
    await not_applicable(first, "Geen", by=rik)
    with pytest.raises(Refused, match="al beantwoord"):
        await not_applicable(first, "Geen", by=rik)
    await withdraw(request, by=cast.anna)
    with pytest.raises(Missing):  # to the client it is not there any more
        await hand_in(second, [], by=await as_viewer(RIK))


async def test_the_board_counts_only_what_one_sees(cast: Any) -> None:
    hidden = await engine.raw(
        "SELECT id FROM client WHERE id NOT IN (SELECT client FROM reach WHERE person = $1) AND state = 'active' LIMIT 1",
        cast.ed.user.id,
    )
    await asked(cast, cast.bakkerij, hidden[0]["id"])
    shown = await engine.raw(
        "SELECT 1 AS one FROM reach WHERE person = $1 AND client = $2", cast.ed.user.id, cast.bakkerij
    )

    assert (await board_counts(cast.anna))["requests"] == 2
    assert (await board_counts(cast.ed))["requests"] == len(shown)


@pytest.mark.parametrize(
    "field, value, said",
    [
        ("items", " \n", "elk op een eigen regel"),
        ("due_on", "morgen", "Vul een dag in"),
        ("numbers", "99999", "Geen cliënt met nummer"),
    ],
)
async def test_a_wrong_form_comes_back_with_all_that_was_typed(
    cast: Any, browser: Any, field: str, value: str, said: str
) -> None:
    form = {
        "who": "clients",
        "numbers": "1001",
        "title": "Iets",
        "message": "Groet",
        "due_on": "",
        "items": "Een\nTwee",
    } | {field: value}
    async with browser(cast.anna) as anna:
        reply = await anna.post("/requests/preview", data=form)

    assert reply.status_code == 422 and said in html.unescape(reply.text) and "Groet" in reply.text


async def test_a_template_fills_the_form_in(cast: Any, browser: Any) -> None:
    async with browser(cast.anna) as anna:
        await anna.post(
            "/requests/templates",
            data={"name": "IB-aangifte", "items": "Jaaropgave | Van elke werkgever\nWOZ", "message": ""},
        )
        found = (await engine.raw("SELECT id FROM request_template"))[0]["id"]
        form = html.unescape((await anna.get(f"/requests/new?template={found}")).text)
        wrong = await anna.post(
            f"/requests/templates/{found}", data={"name": "IB-aangifte", "items": "", "message": ""}
        )
        await anna.post(f"/requests/templates/{found}/removal")

    assert "Jaaropgave | Van elke werkgever" in form and wrong.status_code == 422
    assert not await engine.raw("SELECT id FROM request_template_item")
