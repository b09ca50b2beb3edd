"""Versions, drafts, what is said of a document, and questions about it, on both sides."""

from __future__ import annotations

import html
import io
import re
import zipfile
from typing import Any

from models import engine
from models.dossiers import Document
from models.dossiers.publishing import publish_due

RIK = "rik@bakkerij-jansen.example"


async def of_office(cast: Any) -> Document:
    found = (
        await Document.objects()
        .where((Document.client == cast.bakkerij) & (Document.source == "office"))
        .order_by(Document.id)
        .first()
    )
    assert found is not None
    return found


def pdf(text: str) -> tuple[str, bytes, str]:
    return ("stuk.pdf", b"%PDF-1.4\n" + text.encode() + b"\n%%EOF\n", "application/pdf")


async def test_a_new_version_takes_the_place_and_the_old_one_can_come_back(cast: Any, browser: Any) -> None:
    document = await of_office(cast)
    at = f"/documents/{document.id}"
    async with browser(cast.rik) as rik, browser(cast.anna) as anna:
        first = (await rik.get(f"{at}/file")).content
        await anna.post(f"{at}/versions", files={"file": pdf("tweede")})
        again = await anna.post(f"{at}/versions", files={"file": pdf("tweede")}, follow_redirects=True)
        second = (await rik.get(f"{at}/file")).content
        old = (await rik.get(f"{at}/versions/1/file")).content
        await anna.post(f"{at}/versions/1/return")
        third = (await rik.get(f"{at}/file")).content

    assert b"tweede" in second and old == first == third
    assert "precies hetzelfde bestand" in html.unescape(again.text)
    rows = await engine.raw(
        "SELECT version FROM reading WHERE document = $1 AND person = $2 ORDER BY version",
        document.id,
        cast.rik.user.id,
    )
    assert [row["version"] for row in rows] == [1, 2, 3]


async def test_a_draft_does_not_exist_for_clients_until_it_is_published(cast: Any, browser: Any) -> None:
    document = await of_office(cast)
    at = f"/documents/{document.id}"
    async with browser(cast.rik) as rik, browser(cast.anna) as anna:
        await anna.post(f"{at}/publication", data={"do": "draft"})
        hidden = [(await rik.get(address)).status_code for address in (f"{at}/file", f"/portal{at}")]
        folder = (await rik.get(f"/portal/folders/{document.folder}")).text
        past = await anna.post(
            f"{at}/publication", data={"do": "plan", "at": "2020-01-01T09:00"}, follow_redirects=True
        )
        await anna.post(f"{at}/publication", data={"do": "plan", "at": "2099-01-01T09:00"})
        planned = (await rik.get(f"{at}/file")).status_code
        await engine.raw("UPDATE document SET publish_at = uploaded_at WHERE id = $1", document.id)
        came = await publish_due()
        shown = (await rik.get(f"{at}/file")).status_code

    assert hidden == [404, 404] and document.name not in html.unescape(folder)
    assert "Kies een moment dat nog komt" in past.text
    assert (planned, came, shown) == (404, 1, 200)


async def test_an_earlier_draft_is_not_the_clients_to_read(cast: Any, browser: Any) -> None:
    document = await of_office(cast)
    at = f"/documents/{document.id}"
    async with browser(cast.rik) as rik, browser(cast.anna) as anna:
        await anna.post(f"{at}/publication", data={"do": "draft"})
        await anna.post(f"{at}/versions", files={"file": pdf("netjes")})
        await anna.post(f"{at}/publication", data={"do": "publish"})
        page = (await rik.get(f"/portal{at}")).text
        earlier = (await rik.get(f"{at}/versions/1/file")).status_code

    assert earlier == 404 and "Eerdere versies" not in page


async def test_particulars_are_kept_and_a_wrong_year_comes_back(cast: Any, browser: Any) -> None:
    document = await of_office(cast)
    at = f"/documents/{document.id}/particulars"
    kind = (await engine.raw("SELECT id FROM document_kind WHERE name = 'Aangifte'"))[0]["id"]
    values = {
        "kind": kind,
        "book_year": "2025",
        "period": "k2",
        "labels": "Spoed, spoed; Btw",
        "note": "Let op blad 2",
        "retention": 0,
    }
    async with browser(cast.anna) as anna, browser(cast.rik) as rik:
        wrong = await anna.post(at, data=values | {"book_year": "vorig jaar"})
        await anna.post(at, data=values)
        page = html.unescape((await anna.get(f"/documents/{document.id}")).text)
        his = html.unescape((await rik.get(f"/portal/documents/{document.id}")).text)

    assert wrong.status_code == 422 and "bijvoorbeeld 2026" in wrong.text and "Let op blad 2" in wrong.text
    assert "Spoed, Btw" in page and "2e kwartaal" in page and "Let op blad 2" in his


async def test_a_question_waits_until_the_other_side_answers(cast: Any, browser: Any) -> None:
    document = await of_office(cast)
    at = f"/documents/{document.id}/remarks"
    async with browser(cast.rik) as rik, browser(cast.anna) as anna:
        empty = await rik.post(at, data={"text": "  "})
        await rik.post(at, data={"text": "Klopt <b>blad 3</b>?"})
        asked = (await anna.get(f"/documents/{document.id}")).text
        await anna.post(at, data={"text": "Ja."})
        answered = (await rik.get(f"/portal/documents/{document.id}")).text
        stranger = await rik.post(f"/documents/{document.id}/remarks/settled")

    assert empty.status_code == 422 and "wilt vragen" in empty.text
    assert "Klopt &lt;b&gt;blad 3&lt;/b&gt;?" in asked and "wacht op antwoord" in asked
    assert "Ja." in answered and "wacht op antwoord" not in answered  # an answer asks nothing
    assert stranger.status_code == 404


async def test_a_client_replaces_only_what_is_his(cast: Any, browser: Any) -> None:
    document = await of_office(cast)
    own = (
        await Document.objects()
        .where((Document.client == cast.bakkerij) & (Document.uploaded_by == cast.rik.user.id))
        .first()
    )
    async with browser(cast.rik) as rik:
        theirs = await rik.post(f"/documents/{document.id}/versions", files={"file": pdf("x")}, follow_redirects=True)
        his = await rik.post(
            f"/documents/{own.id}/versions",
            data={"back": f"/portal/documents/{own.id}"},
            files={"file": pdf("y")},
            follow_redirects=True,
        )

    assert "alleen vervangen wat u zelf" in html.unescape(theirs.text)
    assert "Eerdere versies" in his.text


async def test_ticked_things_are_moved_with_an_undo_and_downloaded_as_a_zip(cast: Any, browser: Any) -> None:
    document = await of_office(cast)
    dossier = (await engine.raw("SELECT id FROM dossier WHERE client = $1", cast.bakkerij))[0]["id"]
    other = (
        await engine.raw(
            "SELECT id FROM folder WHERE client = $1 AND id <> $2 AND kind = 'office' LIMIT 1",
            cast.bakkerij,
            document.folder,
        )
    )[0]["id"]
    async with browser(cast.anna) as anna, browser(cast.rik) as rik:
        asks = await anna.post(
            f"/dossiers/{dossier}/items", data={"do": "move", "ids": [f"d{document.id}"]}, follow_redirects=True
        )
        await anna.post(
            f"/dossiers/{dossier}/items", data={"do": "move", "ids": [f"d{document.id}"], "into": str(other)}
        )
        act = (await engine.raw("SELECT max(id) AS id FROM dossier_act"))[0]["id"]
        moved = (await engine.raw("SELECT folder FROM document WHERE id = $1", document.id))[0]["folder"]
        strange = (await rik.post(f"/dossier-acts/{act}/undo")).status_code
        await anna.post(f"/dossier-acts/{act}/undo")
        zipped = await rik.get(f"/folders/{document.folder}/zip")

    assert "Waarheen verplaatsen?" in asks.text and strange == 404
    assert moved == other
    assert (await engine.raw("SELECT folder FROM document WHERE id = $1", document.id))[0]["folder"] == document.folder
    with zipfile.ZipFile(io.BytesIO(zipped.content)) as archive:
        assert document.name in archive.namelist() and archive.testzip() is None
    assert len(zipped.content) == int(zipped.headers["content-length"])
    assert await engine.raw(
        "SELECT 1 AS one FROM reading WHERE document = $1 AND person = $2 AND downloaded_at IS NOT NULL",
        document.id,
        cast.rik.user.id,
    )


async def test_the_clients_own_answer_does_not_wait_for_an_answer(cast: Any, browser: Any) -> None:
    document = await of_office(cast)
    at = f"/documents/{document.id}/remarks"
    async with browser(cast.rik) as rik, browser(cast.anna) as anna:
        await anna.post(at, data={"text": "Bent u akkoord?"})
        waits = (await rik.get(f"/portal/documents/{document.id}")).text
        await rik.post(at, data={"text": "Ja, akkoord."})
        answered = (await rik.get(f"/portal/documents/{document.id}")).text
        office = (await anna.get(f"/documents/{document.id}")).text
        await anna.post(at, data={"text": "Dank u."})
        await rik.post(at, data={"text": "Nog iets: klopt de btw?"})
        asked = (await rik.get(f"/portal/documents/{document.id}")).text

    assert "wacht op antwoord" in waits and "wacht op antwoord" not in answered
    assert "nieuw antwoord" in office and "wacht op antwoord" not in office
    assert "wacht op antwoord" in asked  # this is a question of his own


async def test_that_a_version_of_another_kind_gives_another_name_is_said(cast: Any, browser: Any) -> None:
    document = await of_office(cast)
    stem = document.name.rpartition(".")[0]
    async with browser(cast.anna) as anna:
        same = await anna.post(f"/documents/{document.id}/versions", files={"file": pdf("x")}, follow_redirects=True)
        other = await anna.post(
            f"/documents/{document.id}/versions",
            files={"file": ("nieuw.txt", b"tekst", "text/plain")},
            follow_redirects=True,
        )
        back = await anna.post(f"/documents/{document.id}/versions/1/return", follow_redirects=True)

    assert "ander soort bestand" not in same.text
    assert f"“{stem}.pdf” heet nu “{stem}.txt”" in html.unescape(other.text)
    assert f"“{stem}.txt” heet nu “{stem}.pdf”" in html.unescape(back.text)


async def test_a_page_about_a_clients_document_lights_the_clients(cast: Any, browser: Any) -> None:
    document = await of_office(cast)
    (row,) = await engine.raw("SELECT dossier FROM folder WHERE id = $1", document.folder)
    (standard,) = await engine.raw("SELECT id FROM dossier WHERE kind = 'standard'")
    lit = re.compile(
        r'<a[^>]*href="(/[a-z]*)"[^>]*aria-current="(?:page|true)"|<a[^>]*aria-current="(?:page|true)"[^>]*href="(/[a-z]*)"'
    )
    async with browser(cast.anna) as anna:
        for page, where in (
            (f"/documents/{document.id}/view", "/clients"), (f"/documents/{document.id}/readers", "/clients"),
            (f"/dossiers/{row['dossier']}/acts", "/clients"), (f"/folders/{document.folder}/removal", "/clients"),
            (f"/folders/{document.folder}/grants", "/clients"), (f"/dossiers/{standard['id']}/acts", "/dossiers"),
        ):  # fmt: skip
            found = lit.search((await anna.get(page)).text)
            assert found is not None and where in found.groups(), page
