"""Searching: what is found, in what shape, and never outside one's rights."""

from __future__ import annotations

import pytest

from models.clients import add_client


async def test_the_top_bar_gets_rows_to_choose_from(cast, browser):
    async with browser(cast.anna) as anna:
        reply = await anna.htmx("GET", "/search?q=jansen")

    assert '<a role="option" href="/clients/' in reply.text
    assert "<h1" not in reply.text


@pytest.mark.parametrize(
    "question, name",
    [("garage smit", "Garage Smit"), ("smit garage", "Garage Smit"), ("RIK", "rik@bakkerij-jansen.example")],
)
async def test_words_find_clients_and_people_in_any_order(cast, browser, question, name):
    async with browser(cast.anna) as anna:
        page = await anna.get("/search", params={"q": question})

    assert name in page.text


async def test_documents_and_folders_are_found_by_a_part_of_their_name(cast, browser):
    from models import engine

    document = (await engine.raw("SELECT id, name FROM document WHERE client IS NOT NULL LIMIT 1"))[0]
    folder = (await engine.raw("SELECT name FROM folder WHERE client IS NOT NULL LIMIT 1"))[0]
    async with browser(cast.anna) as anna:
        stuk = await anna.get("/search", params={"q": document["name"][1:12].upper()})
        map_ = await anna.get("/search", params={"q": folder["name"][:5]})

    assert document["name"] in stuk.text
    assert folder["name"] in map_.text


async def test_restricted_staff_finds_only_his_own(cast, browser):
    await add_client(cast.anna.clients, number="VREEMD", name="Geheimzinnig", by=cast.anna)
    async with browser(cast.anna) as anna, browser(cast.ed) as ed:
        hers = await anna.get("/search?q=geheimzinnig")
        his = await ed.get("/search?q=geheimzinnig")

    assert "Geheimzinnig</a>" in hers.text
    assert "Geheimzinnig</a>" not in his.text
    assert "Niets gevonden" in his.text


@pytest.mark.parametrize("question", ["", "a", "%%", "__", "\x00\x00", "'; --", "x" * 900, "<script>"])
async def test_a_strange_question_finds_nothing_and_breaks_nothing(cast, browser, question):
    async with browser(cast.anna) as anna:
        page, rows = (
            await anna.get("/search", params={"q": question}),
            await anna.htmx("GET", "/search", params={"q": question}),
        )

    assert (page.status_code, rows.status_code) == (200, 200)
    assert 'href="/clients/' not in rows.text
    assert "<script>" not in rows.text
