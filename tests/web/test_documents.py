"""Files in and out through the browser: who may, what is taken in, ranges, and who has read what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models import config
from models import storage as stores
from models.accounts import User
from models.dossiers import Document, Folder, Reading
from tests.cast import Cast, as_viewer
from tests.web.test_folders import Browsers, id_of
from web import documents, folders, viewing

PDF = b"%PDF-1.4\n" + b"x" * 5000 + b"\n%%EOF\n"
UPLOADS = "Aan te leveren stukken"


@pytest.fixture(autouse=True)
def own_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/files")
    config.reset()
    stores.reset()
    yield
    monkeypatch.undo()
    config.reset()
    stores.reset()


async def put(person: Any, folder: int, name: str = "brief.pdf", body: bytes = PDF, **more: Any) -> Any:
    return await person.post(folders.upload.url(folder_id=folder), files=[("files", (name, body))], **more)


async def the_one_in(folder: int) -> Document:
    (document,) = await Document.objects().where(Document.folder == folder)
    return document


async def test_staff_put_a_document_in_and_the_client_reads_it(cast: Cast, browser: Browsers) -> None:
    folder = await id_of(cast.bakkerij, "2024")

    async with browser(cast.ed) as ed, browser(cast.rik) as rik:
        reply = await put(ed, folder, "../../Brief ✓.pdf")
        document = await the_one_in(folder)
        file = documents.download.url(document_id=document.id)
        read = await rik.get(file)
        page = await ed.get(documents.page.url(document_id=document.id))

    assert reply.status_code == 303 and document.name == "Brief ✓.pdf"
    assert read.content == PDF and read.headers["content-disposition"].startswith("attachment")
    assert read.headers["x-content-type-options"] == "nosniff" and "sandbox" in read.headers["content-security-policy"]
    assert cast.rik.user.display_name in page.text


async def test_ranges_and_showing(cast: Cast, browser: Browsers) -> None:
    folder = await id_of(cast.bakkerij, "2024")

    async with browser(cast.ed) as ed, browser(cast.rik) as rik:
        await put(ed, folder, "notitie.txt", b"tekst " * 40)
        document = await the_one_in(folder)
        file = documents.download.url(document_id=document.id)
        part = await rik.get(file, headers={"Range": "bytes=100-199"})
        unread = not await Reading.exists().where(Reading.document == document.id)
        shown = await rik.get(f"{file}?show=1")

    assert part.status_code == 206 and part.content == (b"tekst " * 40)[100:200] and unread
    assert shown.headers["content-disposition"].startswith("inline")
    assert await Reading.exists().where((Reading.document == document.id) & (Reading.person == cast.rik.user.id))


async def test_a_client_hands_in_where_asked_and_nowhere_else(cast: Cast, browser: Browsers) -> None:
    uploads, other = await id_of(cast.bakkerij, UPLOADS), await id_of(cast.bakkerij, "2024")
    before = await Document.count()

    async with browser(cast.rik) as rik, browser(cast.sam) as sam, browser(cast.fem) as fem:
        taken = await put(rik, uploads, data={"back": "/portal/dossier?folder=1"})
        refused = await put(rik, other)
        strangers = [(await put(person, uploads)).status_code for person in (sam, fem)]

    assert (taken.status_code, taken.headers["location"]) == (303, "/portal/dossier?folder=1")
    assert refused.status_code == 422 and "Kies een uploadmap" in refused.text
    assert strangers == [404, 404] and await Document.count() == before + 1


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("virus.exe", b"MZ" + b"\0" * 90, "programma"),
        ("leeg.pdf", b"", "leeg"),
        ("nep.pdf", b"<html><script>", "webpagina|iets anders"),
    ],
)
async def test_hostile_files_are_refused_with_the_reason(
    cast: Cast, browser: Browsers, name: str, body: bytes, said: str
) -> None:
    uploads = await id_of(cast.bakkerij, UPLOADS)
    before = await Document.count()

    async with browser(cast.rik) as rik:
        reply = await put(rik, uploads, name, body)

    assert reply.status_code == 422 and any(word in reply.text for word in said.split("|"))
    assert await Document.count() == before


async def test_looking_through_anothers_eyes_marks_nothing_read(cast: Cast, browser: Browsers) -> None:
    folder = await id_of(cast.bakkerij, "2024")

    async with browser(cast.anna) as anna:
        await put(anna, folder)
        document = await the_one_in(folder)
        seen = await anna.get(f"/view-as/{cast.rik.user.id}{documents.download.url(document_id=document.id)}")

    assert seen.content == PDF
    assert not await Reading.exists().where(Reading.document == document.id)


async def test_a_document_is_named_moved_and_thrown_away(cast: Cast, browser: Browsers) -> None:
    folder, other = await id_of(cast.bakkerij, "2024"), await id_of(cast.bakkerij, "2023")

    async with browser(cast.ed) as ed:
        await put(ed, folder)
        document = await the_one_in(folder)
        named = await ed.post(documents.rename.url(document_id=document.id), data={"name": "Nieuw", "was": "brief.pdf"})
        moved = await ed.post(documents.move.url(document_id=document.id), data={"folder": other})
        thrown = await ed.post(documents.trash.url(document_id=document.id))
        back = await ed.post(documents.restore.url(document_id=document.id))

    assert {reply.status_code for reply in (named, moved, thrown, back)} == {303}
    document = await the_one_in(other)
    assert document.name == "Nieuw.pdf" and not document.is_trashed and await Folder.exists().where(Folder.id == folder)


async def test_what_was_taken_in_and_what_not_is_told_in_the_readers_language(cast: Cast, browser: Browsers) -> None:
    uploads = await id_of(cast.bakkerij, UPLOADS)
    await User.update({User.language: "en"}).where(User.id == cast.rik.user.id)
    files = [("files", (name, body)) for name, body in (("a.pdf", PDF), ("b.exe", b"MZ" + b"\0" * 90), ("c.pdf", b""))]

    async with browser(await as_viewer("rik@bakkerij-jansen.example")) as rik:
        reply = await rik.post(folders.upload.url(folder_id=uploads), files=files, data={"back": "/portal"})
        told = await rik.get("/portal")

    assert reply.status_code == 303
    toast = told.text[told.text.index("<toast-note") : told.text.index("</toast-note>")]
    assert "1 received, 2 not:" in toast and "program" in toast and "empty" in toast and "leeg" not in toast


async def test_what_a_browser_may_show_is_shown_and_all_else_is_handed_over(cast: Cast, browser: Browsers) -> None:
    folder = await id_of(cast.bakkerij, "2024")
    picture = b"\x89PNG\r\n\x1a\n" + b"\0" * 60

    async with browser(cast.ed) as ed:
        for name, body in (("a.txt", b"tekst"), ("b.png", picture), ("c.pdf", PDF), ("d.csv", b"a;b\n1;2\n")):
            await put(ed, folder, name, body)
        found = await Document.objects().where(Document.folder == folder).order_by(Document.name)
        pages = [(await ed.get(documents.page.url(document_id=one.id))).text for one in found]
        files = [await ed.get(f"{documents.download.url(document_id=one.id)}?show=1") for one in found]

    ways = [file.headers["content-disposition"].split(";")[0] for file in files]
    assert ways == ["inline", "inline", "attachment", "attachment"]
    assert {file.headers["x-content-type-options"] for file in files} == {"nosniff"}
    assert all("frame-ancestors 'self'" in file.headers["content-security-policy"] for file in files)
    drawn = [f'hx-get="{viewing.view.url(document_id=one.id)}"' in page for one, page in zip(found, pages, strict=True)]
    assert drawn == [True, True, True, True] and not any("<iframe" in page for page in pages)
    assert all("Downloaden" in page for page in pages)
