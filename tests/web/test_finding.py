"""Searching in documents: filters in the address, words marked and harmless, and in the portal no more than one's own."""

from __future__ import annotations

import re

import pytest

from models import engine
from models.dossiers import Folder, Publish
from models.dossiers.publishing import describe
from tests.cast import browser_of
from tests.models.test_finding import folder_of_client, keep_up, put


@pytest.fixture
async def papers(cast):
    """Three documents about an ostrich: of the bakery, of the garage, and an internal one."""
    shown = await put(
        cast.anna,
        await folder_of_client(cast.bakkerij),
        "Struisvogel <b>.txt",
        "het <script>alert(1)</script> ei is groot",
    )
    await put(cast.anna, await folder_of_client(cast.garage), "Garage struisvogel.txt", "een ei")
    await put(cast.anna, await folder_of_client(cast.bakkerij, "internal"), "Geheime struisvogel.txt", "een geheim ei")
    await put(
        cast.anna, await folder_of_client(cast.bakkerij), "Struisvogel klad.txt", "ei in concept", Publish(draft=True)
    )
    await describe(shown, None, 2024, "", "Dier", "", None, by=cast.anna)
    await keep_up()
    return shown


async def test_a_hit_shows_name_place_and_words_and_nothing_of_it_is_markup(cast, browser, papers):
    async with browser(cast.anna) as anna:
        page = await anna.get("/search/documents", params={"q": "script groot"})

    assert "Struisvogel &lt;b&gt;.txt" in page.text
    assert "&lt;<mark>script</mark>&gt;alert(1)" in page.text
    assert "<script>alert" not in page.text
    assert f'href="/folders/{papers.folder}"' in page.text


async def test_filters_stand_in_the_address_and_hold_for_pages_and_facets(cast, browser, papers):
    async with browser(cast.anna) as anna:
        everything = await anna.get("/search/documents", params={"q": "struisvogel"})
        narrowed = await anna.get(
            "/search/documents", params={"q": "struisvogel", "client": cast.bakkerij, "year": "2024", "label": "dier"}
        )
        strange = await anna.get(
            "/search/documents",
            params={"q": "ei", "year": "²", "since": "morgen", "state": "x", "client": "", "kind": "9" * 30},
        )
        in_folder = await anna.htmx("GET", f"/search/documents?q=ei&folder={papers.folder}")

    assert "4 stukken gevonden" in everything.text
    assert f"q=struisvogel&amp;client={cast.garage}" in everything.text.replace("%3D", "=")
    assert "1 stuk gevonden" in narrowed.text
    assert 'value="2024"' in narrowed.text and 'value="dier"' in narrowed.text
    assert "stukken gevonden" in strange.text
    assert in_folder.text.lstrip().startswith('<div id="documents-found"')
    assert "Garage" not in in_folder.text


async def test_the_portal_finds_what_one_may_read_and_nothing_else(cast, browser, papers):
    for viewer, there in ((cast.rik, True), (cast.fem, False)):
        async with browser_of(viewer) as one:
            page = await one.get("/portal/search", params={"q": "ei"})
            rows = await one.htmx("GET", "/portal/search?q=struisvogel")
        assert page.status_code == rows.status_code == 200
        for text in (page.text, rows.text):
            assert ("Struisvogel</mark> &lt;b&gt;" in text or "Struisvogel &lt;b&gt;" in text) == there
            assert not re.search("Geheim|klad|Garage", text)
        assert ("1 stuk gevonden" in page.text) == there


async def test_the_dossier_of_somebody_else_is_no_place_to_search(cast, browser, papers):
    other = await Folder.objects().where(Folder.client == cast.garage).first()
    async with browser(cast.rik) as rik, browser(cast.ed) as ed:
        answers = [
            (await rik.get(f"/portal/search?q=ei&client={cast.garage}")).status_code,
            (await rik.get(f"/portal/search?q=ei&folder={other.id}")).status_code,
            (await rik.get(f"/portal/search?q=ei&dossier={other.dossier}")).status_code,
            (await rik.get("/search/documents?q=ei")).status_code,
        ]
        unseen = (
            await engine.raw(
                "SELECT id FROM client WHERE id NOT IN (SELECT client FROM reach WHERE person = $1)", cast.ed.user.id
            )
        )[0]["id"]
        answers.append((await ed.get(f"/search/documents?q=ei&client={unseen}")).status_code)
        answers.append((await ed.get("/portal/search?q=ei")).status_code)

    assert answers == [404] * 6


async def test_who_looks_through_a_clients_eyes_finds_what_he_finds(cast, browser, papers):
    async with browser(cast.anna) as anna:
        page = await anna.get(f"/view-as/{cast.rik.user.id}/portal/search", params={"q": "struisvogel"})

    assert "1 stuk gevonden" in page.text
    assert f'href="/view-as/{cast.rik.user.id}/portal/documents/{papers.id}"' in page.text
    assert f'action="/view-as/{cast.rik.user.id}/portal/search"' in page.text


async def test_dossiers_lead_to_the_search_in_them(cast, browser, papers):
    async with browser(cast.anna) as anna, browser(cast.rik) as rik:
        hers = await anna.get(f"/clients/{cast.bakkerij}/dossier")
        his = await rik.get("/portal/dossier")

    assert 'action="/search/documents"' in hers.text and 'name="dossier"' in hers.text
    assert 'action="/portal/search"' in his.text and f'name="client" value="{cast.bakkerij}"' in his.text


async def test_short_empty_and_hopeless_questions_say_what_they_are(cast, browser, papers):
    async with browser(cast.anna) as anna, browser(cast.rik) as rik:
        for page in ("/search/documents", "/portal/search"):
            who = anna if page.startswith("/search") else rik
            assert "Typ ten minste twee tekens." in (await who.get(page)).text
            assert "Typ ten minste twee tekens." in (await who.get(f"{page}?q=a")).text
            assert "Niets gevonden" in (await who.get(f"{page}?q=qqqqxyz")).text
            assert (await who.get(f"{page}?q=struisvogel&page=99")).status_code == 200


async def test_what_waits_to_be_read_says_so(cast, browser):
    await put(cast.anna, await folder_of_client(cast.bakkerij), "Ongelezen.txt", "tekst")
    async with browser(cast.anna) as anna, browser(cast.rik) as rik:
        assert "Tekst wordt nog gelezen" in (await anna.get("/search/documents?q=ongelezen")).text
        assert "Tekst wordt nog gelezen" in (await rik.get("/portal/search?q=ongelezen")).text


async def test_no_search_asks_more_than_twelve_times(cast, browser, papers):
    async with browser(cast.anna) as anna, browser(cast.ed) as ed, browser(cast.rik) as rik:
        for who, page in (
            (anna, "/search/documents"), (ed, "/search/documents"), (rik, "/portal/search"), (anna, "/search"), (ed, "/search"),
        ):  # fmt: skip
            for question in ("struisvogel", "struisvogel garage ei", "struisvoegl ei", "jansen bakkerij"):
                with engine.count_queries() as counter:
                    assert (await who.get(page, params={"q": question})).status_code == 200
                assert counter.n <= (12 if page != "/search" or question == "struisvogel" else 14), (page, question)
