"""Requests in full: last days of their own, a chosen folder, more or less of it afterwards, on paper, and many at once."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import pytest

from models import engine
from models.core import Forbidden, Missing, Refused
from models.dossiers import Document, NewDocument, Selection, dossier_of, open_dossier
from models.dossiers.acts import Items, move_items
from models.requests import (
    DocumentRequest,
    RequestItem,
    accept,
    accept_for_client,
    add_items,
    ask_again,
    board,
    board_counts,
    change_item_due,
    change_many,
    hand_in,
    make_requests,
    making,
    not_applicable,
    open_for,
    remove_item,
    reopen,
    send_back,
    withdraw,
)
from models.requests.making import Item, Whom, as_text, read_items, save_template, template_items
from models.requests.reading import Filter, asked_by, items_of, matching, progress_of
from models.requests.records import RequestTemplate
from models.settings import this_day
from models.storage import storage
from models.tasks import WORKS, Progress, Task
from models.uploads import Announced, begin, complete
from models.viewer import Right, Viewer
from tests.cast import Cast, as_viewer

RIK, FEM = "rik@bakkerij-jansen.example", "fem@bakkerij-jansen.example"
ITEMS = [("Bankafschriften", "Alle"), ("Kassaboek", "")]
FAR = dt.date(2099, 12, 31)


async def asked(cast: Cast, *clients: int, batch: str = "een", **more: Any) -> list[DocumentRequest]:
    given = {"title": "Jaarstukken", "message": "", "due_on": None, "items": ITEMS} | more
    await make_requests(
        Selection("clients", clients=clients), given.pop("title"), given.pop("message"), given.pop("due_on"), given.pop("items"),
        batch, by=cast.anna, **given,
    )  # fmt: skip
    return await DocumentRequest.objects().where(DocumentRequest.batch == batch).order_by(DocumentRequest.client)


async def items(viewer: Any, request: DocumentRequest) -> list[RequestItem]:
    return await viewer.scope(RequestItem).where(RequestItem.request == request.id).all(RequestItem.position)


async def state_of(request: DocumentRequest) -> str:
    return str((await engine.raw("SELECT state FROM document_request WHERE id = $1", request.id))[0]["state"])


def paper() -> NewDocument:
    return NewDocument("bank.pdf", "0" * 64, 10, "application/pdf")


def test_lines_are_read_as_they_are_written() -> None:
    text = "Bankafschriften | Alle rekeningen | 31-12-2099\n\nKassaboek\nWOZ || 2099-12-31"

    read = read_items(text)

    assert read == [Item("Bankafschriften", "Alle rekeningen", FAR), Item("Kassaboek"), Item("WOZ", "", FAR)]
    assert read_items(as_text(read)) == read
    for wrong in ("A | b | morgen", "A | | 1-1-2020", "x" * 201):
        with pytest.raises(Refused):
            read_items(wrong)


async def test_an_item_with_a_day_of_its_own_puts_the_request_in_its_place(cast: Cast) -> None:
    soon = this_day() + dt.timedelta(days=3)
    (late,) = await asked(cast, cast.bakkerij, due_on=FAR, batch="a", title="Later")
    (first,) = await asked(cast, cast.bakkerij, batch="b", title="Eerst", items=[Item("A", "", soon), Item("B")])
    rik = await as_viewer(RIK)

    assert [row["id"] for row in await open_for(rik)] == [first.id, late.id]
    one, _ = await items(rik, first)
    await not_applicable(one, "Geen", by=rik)
    assert [row["id"] for row in await open_for(rik)] == [late.id, first.id]  # what is done presses no more
    await engine.raw(
        "UPDATE request_item SET due_on = $1 WHERE id = $2", dt.date(2020, 1, 1), (await items(rik, late))[0].id
    )
    rows, total = await board(cast.anna, Filter(state="late"))
    assert ([row["id"] for row in rows], total, (await board_counts(cast.anna))["late"]) == ([late.id], 1, 1)


async def test_it_comes_in_the_folder_that_was_chosen_and_who_lacks_it_gets_it(cast: Cast) -> None:
    requests = await asked(cast, cast.bakkerij, cast.garage, folder="Jaarwerk 2026")

    rows = await engine.raw(
        "SELECT f.name, f.kind FROM document_request r JOIN folder f ON f.id = r.folder ORDER BY r.client"
    )
    assert [(row["name"], row["kind"]) for row in rows] == [("Jaarwerk 2026", "upload")] * len(requests)


async def test_of_whom_matches_the_filter_of_the_list_of_clients(cast: Cast) -> None:
    whom = Whom("filter", narrowed=json.dumps({"q": "bakkerij jansen"}))

    assert await make_requests(whom, "Iets", "", None, ITEMS, "f", by=cast.anna) == 1
    for nonsense in ('{"q": "bestaat niet"}', "{", '{"onzin": 1}', "[]"):
        with pytest.raises(Refused):
            await make_requests(Whom("filter", narrowed=nonsense), "Iets", "", None, ITEMS, "g", by=cast.anna)


async def test_more_and_less_can_be_asked_afterwards(cast: Cast) -> None:
    (request,) = await asked(cast, cast.bakkerij)
    rik = await as_viewer(RIK)
    first, second = await items(rik, request)

    await remove_item(second, by=cast.anna)
    await hand_in(first, [paper()], by=rik)
    with pytest.raises(Refused, match="al iets voor aangeleverd"):
        await remove_item(first, by=cast.anna)
    await accept(await RequestItem.objects().get(RequestItem.id == first.id), by=cast.anna)
    assert await state_of(request) == "done"
    await add_items(await DocumentRequest.objects().get(DocumentRequest.id == request.id), [Item("WOZ")], by=cast.anna)

    assert await state_of(request) == "open"
    assert [item.title for item in await items(rik, request)] == ["Bankafschriften", "WOZ"]
    assert [row["items"] for row in await open_for(rik)] == [1]
    for change in (remove_item(first, by=rik), add_items(request, [Item("X")], by=rik)):
        with pytest.raises(Forbidden):
            await change


async def test_with_the_last_open_thing_removed_the_request_is_done(cast: Cast) -> None:
    (request,) = await asked(cast, cast.bakkerij)
    first, second = await items(cast.anna, request)
    await accept_for_client(first, "Per post ontvangen", by=cast.anna)

    await remove_item(second, by=cast.anna)

    assert await state_of(request) == "done"
    with pytest.raises(Refused):
        await remove_item(first, by=cast.anna)  # it is closed


async def test_what_came_on_paper_is_accepted_with_a_note_that_both_read(cast: Cast, browser: Any) -> None:
    (request,) = await asked(cast, cast.bakkerij)
    first, _ = await items(cast.anna, request)
    with pytest.raises(Refused, match="Vul een reden in"):
        await accept_for_client(first, " ", by=cast.anna)

    await accept_for_client(first, "Op papier bij de balie", by=cast.anna)

    async with browser(cast.rik) as rik, browser(cast.anna) as anna:
        for page in (await rik.get(f"/portal/requests/{request.id}"), await anna.get(f"/requests/{request.id}")):
            assert "Op papier bij de balie" in page.text
    with pytest.raises(Refused, match="al goedgekeurd"):
        await accept_for_client(await RequestItem.objects().get(RequestItem.id == first.id), "Nog eens", by=cast.anna)


async def test_what_was_accepted_can_be_asked_again(cast: Cast) -> None:
    (request,) = await asked(cast, cast.bakkerij, items=[("Alleen dit", "")])
    (only,) = await items(cast.anna, request)
    await accept_for_client(only, "Papier", by=cast.anna)
    assert await state_of(request) == "done"

    await ask_again(await RequestItem.objects().get(RequestItem.id == only.id), by=cast.anna)

    assert await state_of(request) == "open" and len(await open_for(await as_viewer(RIK))) == 1


async def test_a_withdrawn_request_comes_back_with_what_was_answered(cast: Cast) -> None:
    (request,) = await asked(cast, cast.bakkerij)
    rik = await as_viewer(RIK)
    first, _ = await items(rik, request)
    await hand_in(first, [paper()], by=rik)
    await withdraw(request, by=cast.anna)
    with pytest.raises(Missing):
        await rik.scope(DocumentRequest).get(request.id)

    await reopen(await DocumentRequest.objects().get(DocumentRequest.id == request.id), by=cast.anna)

    assert [item.state for item in await items(rik, request)] == ["handed_in", "open"]


async def test_many_get_another_day_or_are_withdrawn_at_once(cast: Cast) -> None:
    requests = await asked(cast, cast.bakkerij, cast.beheer, cast.garage)
    ids = [one.id for one in requests]

    assert await change_many(ids, "due", FAR, by=cast.anna) == 3
    with pytest.raises(Refused):
        await change_many(ids, "due", dt.date(2020, 1, 1), by=cast.anna)
    assert await change_many(ids[:2], "withdraw", None, by=cast.anna) == 2
    assert await change_many(ids, "withdraw", None, by=cast.anna) == 1  # a second click finds only what is left
    assert await change_many(ids, "reopen", None, by=cast.anna) == 3
    rows = await engine.raw("SELECT due_on, state FROM document_request")
    assert {(str(row["due_on"]), row["state"]) for row in rows} == {("2099-12-31", "open")}
    lines = await engine.raw(
        "SELECT operation, count(*) AS n FROM trail WHERE record_table = 'DocumentRequest' GROUP BY operation"
    )
    assert {row["operation"]: row["n"] for row in lines}["DocumentRequest.withdraw"] == 3
    with pytest.raises(Forbidden):
        await change_many(ids, "withdraw", None, by=cast.rik)


async def test_a_handed_in_document_keeps_the_request_it_was_for(cast: Cast, browser: Any) -> None:
    (request,) = await asked(cast, cast.bakkerij)
    rik = await as_viewer(RIK)
    first, _ = await items(rik, request)
    (document,) = await hand_in(first, [paper()], by=rik)

    assert (await asked_by(cast.anna, document.id))["item_title"] == "Bankafschriften"
    async with browser(cast.anna) as anna, browser(cast.rik) as own:
        for page in (await anna.get(f"/documents/{document.id}"), await own.get(f"/portal/documents/{document.id}")):
            assert "Jaarstukken: Bankafschriften" in page.text
    await withdraw(request, by=cast.anna)
    assert await asked_by(rik, document.id) is None  # to the client it is not there any more


async def test_who_may_hand_in_in_one_folder_sees_the_requests_of_that_folder_only(cast: Cast) -> None:
    (other,) = await asked(cast, cast.bakkerij, batch="a", folder="Anders")
    (own,) = await asked(cast, cast.bakkerij, batch="b", folder="Lonen", title="Loonstaten")
    access = (await engine.raw("SELECT id FROM access WHERE person = $1", cast.fem.user.id))[0]["id"]
    await engine.raw(
        "INSERT INTO folder_right (access, name, name_key, act) VALUES ($1, 'Lonen', 'lonen', $2)", access, True
    )
    await engine.raw("UPDATE client SET modules = '' WHERE id = $1", cast.bakkerij)
    fem = await as_viewer(FEM)

    assert [row["id"] for row in await open_for(fem)] == [own.id]
    with pytest.raises(Missing):
        await fem.scope(DocumentRequest).get(other.id)
    first, _ = await items(fem, own)
    await hand_in(first, [paper()], by=fem)
    assert (await engine.raw("SELECT state FROM request_item WHERE id = $1", first.id))[0]["state"] == "handed_in"


async def test_who_may_only_hand_in_and_not_look_can_answer(cast: Cast, browser: Any) -> None:
    (request,) = await asked(cast, cast.bakkerij)
    await engine.raw("UPDATE access SET rights = 2 WHERE person = $1 AND client = $2", cast.fem.user.id, cast.bakkerij)
    fem = await as_viewer(FEM)
    first, _ = await items(fem, request)

    async with browser(fem) as own:
        await own.post(
            f"/request-items/{first.id}/documents", files={"files": ("a.pdf", b"%PDF-1.4\n%%EOF\n", "application/pdf")}
        )

    assert (await engine.raw("SELECT state FROM request_item WHERE id = $1", first.id))[0]["state"] == "handed_in"


async def test_a_folder_that_went_to_another_client_takes_no_answers(cast: Cast) -> None:
    (request,) = await asked(cast, cast.bakkerij)
    rik = await as_viewer(RIK)  # who may hand in at both
    first, _ = await items(rik, request)
    folder = (await engine.raw("SELECT folder FROM document_request WHERE id = $1", request.id))[0]["folder"]
    theirs = await open_dossier(await cast.anna.clients.get(cast.beheer), by=cast.anna)
    await move_items(theirs, None, Items(folders=(folder,)), by=cast.anna)

    with pytest.raises(Refused, match="is er niet meer"):
        await hand_in(first, [paper()], by=rik)


async def test_the_board_is_narrowed_and_sorted_and_the_client_page_tells_how_far(cast: Cast, browser: Any) -> None:
    near = this_day() + dt.timedelta(days=2)
    (one,) = await asked(cast, cast.bakkerij, batch="a", title="Aangifte", due_on=near)
    (two,) = await asked(cast, cast.garage, batch="b", title="Zorgtoeslag", due_on=FAR)
    first, _ = await items(cast.anna, one)
    await accept_for_client(first, "Papier", by=cast.anna)
    await engine.raw("DELETE FROM responsible WHERE client = $1", cast.garage)
    await engine.raw("INSERT INTO responsible (client, person) VALUES ($1, $2)", cast.garage, cast.anna.user.id)

    async def found(order: str = "due", **narrowed: Any) -> list[int]:
        return [row["id"] for row in (await board(cast.anna, Filter(**narrowed), order=order))[0]]

    assert await found() == [one.id, two.id] and await found("-due") == [two.id, one.id]
    assert await found("-title") == [two.id, one.id] and await found("progress") == [two.id, one.id]
    assert await found(responsible=cast.anna.user.id, client=cast.garage) == [two.id]
    assert await found(due_until=near) == [one.id] and await found(due_from=FAR) == [two.id]
    assert await matching(cast.anna, Filter(words="zorg")) == [two.id]
    progress = await progress_of(cast.anna, cast.bakkerij)
    assert (progress["accepted"], progress["items"], [row["id"] for row in progress["rows"]]) == (1, 2, [one.id])
    assert await progress_of(cast.ed, cast.garage) is None or cast.ed.sees_all_clients
    async with browser(cast.anna) as anna:
        assert "Aangifte" in (await anna.get(f"/clients/{cast.bakkerij}")).text
        book = await anna.get("/requests/export")
    assert book.content[:2] == b"PK"


async def test_an_item_gets_another_day(cast: Cast) -> None:
    (request,) = await asked(cast, cast.bakkerij)
    first, _ = await items(cast.anna, request)

    await change_item_due(first, FAR, by=cast.anna)

    assert (await RequestItem.objects().get(RequestItem.id == first.id)).due_on == FAR
    with pytest.raises(Refused):
        await change_item_due(first, dt.date(2020, 1, 1), by=cast.anna)


async def test_what_was_sent_back_tells_why_and_by_whom(cast: Cast) -> None:
    (request,) = await asked(cast, cast.bakkerij)
    rik = await as_viewer(RIK)
    first, _ = await items(rik, request)
    await hand_in(first, [paper()], by=rik)

    await send_back(await RequestItem.objects().get(RequestItem.id == first.id), "Pagina 2 mist", by=cast.anna)

    now = await RequestItem.objects().get(RequestItem.id == first.id)
    assert (now.state, now.reason, now.judged_by) == ("sent_back", "Pagina 2 mist", cast.anna.user.id)


async def test_an_internal_folder_of_that_name_stays_internal(cast: Cast) -> None:
    dossier = await dossier_of(cast.anna, cast.bakkerij)
    assert dossier is not None
    hidden = await dossier.add_folder("Geheim", "internal", by=cast.anna)

    first = await asked(cast, cast.bakkerij, folder="Geheim")
    again = await asked(cast, cast.bakkerij, batch="twee", folder="Geheim")

    assert (await cast.anna.folders.get(hidden.id)).kind == "internal"
    beside = await cast.anna.folders.get(first[0].folder)
    assert (beside.name, beside.kind, again[0].folder) == ("Geheim (2)", "upload", beside.id)


async def test_who_may_hand_in_and_look_nowhere_uploads_for_what_is_asked(cast: Cast) -> None:
    (request,) = await asked(cast, cast.bakkerij)
    one, _ = await items(cast.anna, request)
    rik = Viewer(cast.rik.user, [replace(grant, rights=Right.UPLOAD_DOCUMENTS) for grant in cast.rik.grants.values()])
    stored = await storage().put(b"wat gevraagd is")

    upload = await begin(one, Announced("bon.txt", stored.size), by=rik)
    upload = await complete(upload, stored, by=rik)

    assert (upload.state, upload.why) == ("done", "")
    document = await Document.objects().where(Document.id == upload.document).first()
    assert document is not None and (document.folder, document.uploaded_by) == (request.folder, cast.rik.user.id)


async def test_of_a_filter_the_worker_asks_those_that_match_and_nobody_else(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "AT_ONCE", 0)
    whom = Whom("filter", narrowed=json.dumps({"q": "bakkerij jansen"}))

    task = await make_requests(whom, "Iets", "", None, ITEMS, "werk", by=cast.anna)
    assert isinstance(task, Task)
    await WORKS["make_requests"](task, Progress(task))

    rows = await DocumentRequest.select(DocumentRequest.client).where(DocumentRequest.batch == "werk")
    assert [row["client"] for row in rows] == [cast.bakkerij]


async def test_what_was_moved_to_another_client_is_not_named_any_more(cast: Cast) -> None:
    (request,) = await asked(cast, cast.bakkerij)
    rik = await as_viewer(RIK)
    first, _ = await items(rik, request)
    (document,) = await hand_in(first, [paper()], by=rik)
    assert [file["id"] for file in (await items_of(request))[0]["documents"]] == [document.id]
    other = (await engine.raw("SELECT id FROM folder WHERE client = $1 ORDER BY id LIMIT 1", cast.garage))[0]["id"]
    await engine.raw("UPDATE document SET client = $1, folder = $2 WHERE id = $3", cast.garage, other, document.id)

    assert (await items_of(request))[0]["documents"] == []


async def test_a_template_with_a_day_is_refused_in_words(cast: Cast) -> None:
    templates = cast.anna.scope(RequestTemplate)
    with pytest.raises(Refused, match="geen dagen"):
        await save_template(templates, None, "Jaarwerk", "", read_items("Bank | alle | 31-12-2199"), by=cast.anna)
    made = await save_template(templates, None, "Jaarwerk", "", read_items("Bank | alle |"), by=cast.anna)
    assert await template_items(made) == [Item("Bank", "alle")]


@pytest.mark.parametrize("month", [1, 7])
def test_half_past_midnight_in_amsterdam_is_the_next_day(month):
    assert this_day(dt.datetime(2026, month, 14, 23, 30, tzinfo=dt.UTC)) == dt.date(2026, month, 15)
    assert this_day(dt.datetime(2026, month, 14, 21, 30, tzinfo=dt.UTC)) == dt.date(2026, month, 14)
