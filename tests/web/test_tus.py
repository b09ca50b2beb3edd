"""Uploads that are broken off and gone on with: the protocol to the letter, the rights of everybody, and no file twice."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import random
from typing import Any

import pytest

from models import config, engine, storage
from models.dossiers import Document, Folder
from models.looking import through_the_eyes_of
from models.placing import Placing, PlacingSource, begin_placing
from models.requests import RequestItem
from models.settings import utcnow
from models.uploads import Announced, Upload, UploadReceipt, expire, forget_stray
from models.uploads import begin as start_upload
from tests.cast import app, as_viewer
from tests.models.test_placing import work, zipped
from tests.sending import PIECE, TUS, announce, checksum, metadata, offset_of, piece, result, send
from tests.web.serving import begin, break_off, serving

MB = 1024 * 1024
PDF = b"%PDF-1.7\n" + random.Random(11).randbytes(3 * MB + 5)
KEEP = dt.timedelta(days=1)
SHA = hashlib.sha256(PDF).hexdigest()


@pytest.fixture(autouse=True)
def own_storage(
    cast, tmp_path, monkeypatch
):  # after the cast: the papers of the sample stay where every test finds them
    monkeypatch.setenv("STORAGE_URL", f"file://{tmp_path}/files")
    config.reset()
    yield
    monkeypatch.undo()
    config.reset()


async def folder_of(client: int, kind: str = "upload") -> Folder:
    found = await Folder.objects().where((Folder.client == client) & (Folder.kind == kind)).first()
    assert found is not None
    return found


async def documents(name: str) -> list[Document]:
    return await Document.objects().where(Document.name == name).order_by(Document.id)


async def upload_at(url: str) -> Upload:
    found = await Upload.objects().get(Upload.id == int(url.rsplit("/", 1)[1]))
    assert found is not None
    return found


async def test_what_the_server_can_is_told_to_anybody(cast, browser):
    async with browser(cast.vic) as vic:
        reply = await vic.request("OPTIONS", "/uploads")

    assert reply.status_code == 204
    assert reply.headers["tus-version"] == "1.0.0"
    assert set(reply.headers["tus-extension"].split(",")) == {
        "creation", "creation-with-upload", "termination", "checksum", "expiration",
    }  # fmt: skip
    assert reply.headers["tus-max-size"] == str(config.settings().max_upload)


async def test_a_file_in_pieces_becomes_a_document(cast, browser):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik:
        begun = await announce(rik, len(PDF), filename="Jaarrekening.pdf", folder=folder.id)
        url = begun.headers["location"]
        assert (begun.status_code, begun.headers["tus-resumable"], await offset_of(rik, url)) == (201, "1.0.0", 0)
        assert "upload-expires" in begun.headers
        at = 0
        for cut in (1, 70_000, 2 * MB, len(PDF)):
            reply = await piece(rik, url, at, PDF[at:cut])
            assert (reply.status_code, reply.headers["upload-offset"]) == (204, str(cut))
            at = cut

    assert result(reply)["state"] == "done"
    [document] = await documents("Jaarrekening.pdf")
    assert (document.sha256, document.size, document.mime, document.source) == (
        SHA,
        len(PDF),
        "application/pdf",
        "client",
    )
    assert await storage.storage().read(SHA) == PDF
    assert [key async for key in storage.storage().partials(-KEEP)] == []


async def test_a_small_file_goes_with_its_announcement(cast, browser):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik:
        reply = await announce(rik, len(PDF), PDF, filename="Bon.pdf", folder=folder.id)

    assert (reply.status_code, reply.headers["upload-offset"]) == (201, str(len(PDF)))
    assert result(reply)["document"]["name"] == "Bon.pdf"
    assert len(await documents("Bon.pdf")) == 1


async def test_the_answer_was_lost_and_the_browser_asks_again(cast, browser):
    """However often: one document, one answer."""
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik:
        url = (await announce(rik, len(PDF), filename="Bon.pdf", folder=folder.id)).headers["location"]
        first = await piece(rik, url, 0, PDF)
        again = await piece(rik, url, 0, PDF)
        end = await piece(rik, url, len(PDF), b"")
        asked = await rik.request("HEAD", url, headers=TUS)

    assert result(first) == result(again) == result(end) == result(asked)
    assert {reply.headers["upload-offset"] for reply in (again, end, asked)} == {str(len(PDF))}
    assert len(await documents("Bon.pdf")) == 1


async def test_announced_twice_is_one_upload(cast, browser):
    """The answer to a small file, sent with its announcement, was lost."""
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik, browser(cast.anna) as anna:
        said = {"filename": "Bon.pdf", "folder": folder.id, "key": "een"}
        first, again = await announce(rik, len(PDF), PDF, **said), await announce(rik, len(PDF), PDF, **said)
        begun = await announce(rik, len(PDF), **said | {"key": "twee"})
        await piece(rik, begun.headers["location"], 0, PDF[:MB])
        going_on = await announce(rik, len(PDF), PDF, **said | {"key": "twee"})
        hers = await announce(anna, len(PDF), **said)

    assert (again.status_code, again.headers["location"], result(again)) == (
        201,
        first.headers["location"],
        result(first),
    )
    assert (going_on.headers["location"], going_on.headers["upload-offset"]) == (begun.headers["location"], str(MB))
    assert hers.headers["location"] != first.headers["location"]
    assert len(await documents("Bon.pdf")) == 1


async def test_a_crash_after_the_last_byte_is_made_good_by_the_next_question(cast, browser):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik:
        url = (await announce(rik, len(PDF), filename="Bon.pdf", folder=folder.id)).headers["location"]
        key = (await upload_at(url)).key
        async with storage.storage().resume(key) as partial:  # as far as a killed process came
            await partial.write(PDF)
            await partial.keep()
        asked = await asyncio.gather(*(rik.request("HEAD", url, headers=TUS) for _ in range(4)))

    assert {reply.status_code for reply in asked} == {200}
    [document] = await documents("Bon.pdf")
    assert document.sha256 == SHA


@pytest.mark.parametrize("lie", [-1, 1, MB, 10 * MB])
async def test_an_offset_that_is_not_true_changes_nothing(cast, browser, lie):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik:
        url = (await announce(rik, len(PDF), filename="Bon.pdf", folder=folder.id)).headers["location"]
        await piece(rik, url, 0, PDF[: 2 * MB])
        reply = await piece(rik, url, 2 * MB + lie, b"x" * 9)

        assert reply.status_code in (400, 409, 413)
        assert await offset_of(rik, url) == 2 * MB
        assert (await piece(rik, url, 2 * MB, PDF[2 * MB :])).status_code == 204
    assert [one.sha256 for one in await documents("Bon.pdf")] == [SHA]


async def test_a_piece_that_was_changed_on_the_way_is_not_kept(cast, browser):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik:
        url = (await announce(rik, len(PDF), filename="Bon.pdf", folder=folder.id)).headers["location"]
        for algorithm in ("sha1", "sha256"):
            reply = await piece(rik, url, 0, b"y" + PDF[1:MB], **{"Upload-Checksum": checksum(PDF[:MB], algorithm)})
            assert reply.status_code == 460
            assert await offset_of(rik, url) == 0
        assert (await piece(rik, url, 0, PDF[:MB], **{"Upload-Checksum": "crc32 AAAA"})).status_code == 400
        await piece(rik, url, 0, PDF[:MB], **{"Upload-Checksum": checksum(PDF[:MB])})
        reply = await piece(rik, url, MB, PDF[MB:], **{"Upload-Checksum": checksum(PDF[MB:], "sha1")})

    assert result(reply)["sha256"] == SHA


async def test_a_whole_file_of_another_hash_than_was_said_is_refused(cast, browser):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik:
        reply = await send(rik, b"y" + PDF[1:], filename="Bon.txt", folder=folder.id, sha256=SHA)

    assert reply.status_code == 422
    assert "onderweg veranderd" in reply.text
    assert await documents("Bon.txt") == []


async def test_more_than_was_announced_is_refused_and_nothing_of_it_kept(cast, browser):
    folder = await folder_of(cast.bakkerij)

    async def unsaid():
        for _ in range(20):
            yield b"x" * 100_000

    async with browser(cast.rik) as rik:
        url = (await announce(rik, 500_000, filename="Bon.txt", folder=folder.id)).headers["location"]
        assert (await piece(rik, url, 0, b"x" * 500_001)).status_code == 413
        assert (await piece(rik, url, 0, unsaid())).status_code == 413
        assert await offset_of(rik, url) == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412),
        ({"Content-Type": "application/octet-stream"}, 415),
        ({"Upload-Offset": "-1"}, 400),
        ({"Upload-Offset": "1e3"}, 400),
        ({"Upload-Offset": "9" * 40}, 400),
    ],
)
async def test_a_piece_that_is_not_after_the_protocol(cast, browser, headers, status):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik:
        url = (await announce(rik, len(PDF), filename="Bon.pdf", folder=folder.id)).headers["location"]
        reply = await piece(rik, url, 0, PDF, **headers)

        assert (reply.status_code, reply.headers["tus-resumable"]) == (status, "1.0.0")
        assert await offset_of(rik, url) == 0


@pytest.mark.parametrize("length", ["", "-5", "abc", "9" * 30, "12.5"])
async def test_a_length_that_is_none(cast, browser, length):
    folder = await folder_of(cast.bakkerij)
    headers = {**TUS, "Upload-Length": length, "Upload-Metadata": metadata(filename="a.pdf", folder=folder.id)}
    async with browser(cast.rik) as rik:
        assert (await rik.post("/uploads", headers=headers)).status_code == 400
        assert (await rik.post("/uploads", headers={**headers, "Upload-Metadata": "filename !!"})).status_code == 400


async def test_too_large_is_said_before_a_byte(cast, browser, monkeypatch):
    monkeypatch.setenv("MAX_UPLOAD_MB", "2")
    config.reset()
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik:
        reply = await announce(rik, 2 * MB + 1, filename="a.pdf", folder=folder.id)

    assert (reply.status_code, reply.text) == (422, "Eén bestand mag hier ten hoogste 2 MB zijn.")


async def test_what_is_refused_at_its_announcement_stands_on_the_receipt_of_its_drop(cast, browser, monkeypatch):
    monkeypatch.setenv("MAX_UPLOAD_MB", "4")
    config.reset()
    folder, deep = await folder_of(cast.bakkerij), "\\".join(f"m{n}" for n in range(30))
    async with browser(cast.rik) as rik, browser(cast.sam) as sam:
        taken = await send(rik, PDF, filename="goed.pdf", folder=folder.id, batch="een")
        empty = await announce(rik, 0, filename="leeg.pdf", folder=folder.id, batch="een", key="k1")
        again = await announce(rik, 0, filename="leeg.pdf", folder=folder.id, batch="een", key="k1")
        large = await announce(rik, 5 * MB, filename="film\x00.mov", path="a/b", folder=folder.id, batch="een")
        below = await announce(rik, 9, filename="diep.pdf", path=deep, folder=folder.id, batch="een")
        strange = await announce(sam, 0, filename="leeg.pdf", folder=folder.id, batch="een")
        receipt = taken.headers["upload-receipt"]
        page, lines = await rik.get(receipt), (await rik.get(f"{receipt}/export.csv")).text.splitlines()

    assert [one.status_code for one in (empty, large, below)] == [422, 422, 422] and strange.status_code == 404
    assert {one.headers["upload-receipt"] for one in (empty, again, large, below)} == {receipt}
    assert "is leeg" in empty.text and result(large)["why"] == large.text and result(again)["state"] == "refused"
    assert await UploadReceipt.count() == 1 and await Upload.count() == 4
    assert "1 bestand ontvangen" in page.text and "niet aangenomen: 3" in page.text
    for why in ("“leeg.pdf” is leeg", "ten hoogste 4 MB", "30 mappen diep"):
        assert why in page.text and any(why in line for line in lines)
    assert "a/b/" in page.text and f"{5 * MB}" in "".join(lines)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("leeg.pdf", b"", "leeg"),
        ("setup.exe", b"MZ\x90\x00" + PDF, "programma"),
        ("aangifte.pdf", b"<html><script>alert(1)</script>", "inhoud is iets anders"),
        ("foto.jpg", b"%PDF-1.4 " + PDF, "inhoud is iets anders"),
    ],
)
async def test_what_multipart_refuses_is_refused_here_in_the_same_words(cast, browser, name, content, said):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik:
        begun = await announce(rik, len(content), filename=name, folder=folder.id)
        reply = begun
        if begun.status_code == 201:
            reply = await piece(rik, begun.headers["location"], 0, content)
            gone = await rik.request("HEAD", begun.headers["location"], headers=TUS)
            assert (gone.status_code, result(gone)["state"]) == (410, "refused")

    assert (reply.status_code, said in reply.text) == (422, True)
    assert await documents(name) == []
    assert [blob async for blob in storage.storage().all()] == []


@pytest.mark.parametrize(
    ("name", "path", "becomes", "folders"),
    [
        ("../../etc/passwd.txt", "", "passwd.txt", []),
        ("a\x00b.txt", "x\x00y", "ab.txt", ["xy"]),
        ("\u202etxt.exe.txt", "\u202egnol", "txt.exe.txt", ["gnol"]),
        ("x" * 300 + ".txt", "d" * 300, "x" * 251 + ".txt", ["d" * 120]),
        ("Café.txt", "Cafe\u0301/E\u0301e\u0301n", "Café.txt", ["Café", "Één"]),
        ("a.txt", "../..//./C:\\Users/../Bonnen", "a.txt", ["C_", "Users", "Bonnen"]),
        ("con.txt", "aux", "_con.txt", ["_aux"]),
    ],
)
async def test_hostile_names_are_made_safe(cast, browser, name, path, becomes, folders):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.anna) as anna:
        reply = await send(anna, b"hallo " + name.encode(), filename=name, path=path, folder=folder.id)

    assert result(reply)["name"] == becomes
    way, at = [], (await documents(becomes))[0].folder
    while at != folder.id:
        here = await Folder.objects().get(Folder.id == at)
        way.insert(0, here.name)
        at = here.parent
    assert way == folders


async def test_a_path_too_deep_is_refused(cast, browser):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.anna) as anna:
        reply = await announce(anna, 5, filename="a.txt", path="/".join("abcdefghijklmnopqrstuvw"), folder=folder.id)

    assert (reply.status_code, "mappen diep" in reply.text) == (422, True)


async def test_who_may_not_put_it_there_cannot_begin(cast, browser):
    office, internal = await folder_of(cast.bakkerij, "office"), await folder_of(cast.bakkerij, "internal")
    upload = await folder_of(cast.bakkerij)
    for who, folder, status in (
        (cast.rik, office, 422), (cast.rik, internal, 404), (cast.sam, upload, 404), (cast.fem, upload, 404), (cast.vic, upload, 303),
    ):  # fmt: skip
        async with browser(who) as one:
            reply = await announce(one, 5, filename="a.txt", folder=folder.id)
            assert reply.status_code == status, (folder.kind, reply.text)
    async with browser(cast.anna) as anna:
        assert (await announce(anna, 5, filename="a.txt", folder=10**8)).status_code == 404
        assert (await announce(anna, 5, filename="a.txt")).status_code == 404
        assert (await announce(anna, 5, filename="a.txt", document=10**12)).status_code == 404
    assert await Upload.count() == 0


async def test_an_upload_exists_for_its_sender_alone(cast, browser):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik, browser(cast.anna) as anna, browser(cast.sam) as sam:
        url = (await announce(rik, len(PDF), filename="Bon.pdf", folder=folder.id)).headers["location"]
        for other in (anna, sam):
            assert (await other.request("HEAD", url, headers=TUS)).status_code == 404
            assert (await piece(other, url, 0, PDF)).status_code == 404
            assert (await other.request("DELETE", url, headers=TUS)).status_code == 404
        assert await offset_of(rik, url) == 0


async def test_who_looks_on_sends_nothing(cast, browser):
    folder = await folder_of(cast.bakkerij)
    seen = f"/view-as/{cast.rik.user.id}"
    async with browser(cast.rik) as rik, browser(cast.anna) as anna:
        url = (await announce(rik, len(PDF), filename="Bon.pdf", folder=folder.id)).headers["location"]
        headers = {**TUS, "Upload-Length": "5", "Upload-Metadata": metadata(filename="a.txt", folder=folder.id)}
        assert (await anna.post(f"{seen}/uploads", headers=headers)).status_code == 403
        assert (await piece(anna, seen + url, 0, PDF)).status_code == 403
        assert (await anna.request("DELETE", seen + url, headers=TUS)).status_code == 403
        assert (await anna.post(f"{seen}{url}/decision", data={"do": "keep"})).status_code == 403
        assert await offset_of(rik, url) == 0
    assert await Upload.count() == 1


async def test_another_site_sends_nothing(cast, browser):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik:
        url = (await announce(rik, len(PDF), filename="Bon.pdf", folder=folder.id)).headers["location"]
        assert (await piece(rik, url, 0, PDF, **{"Sec-Fetch-Site": "cross-site"})).status_code == 403
        assert (await piece(rik, url, 0, PDF, Origin="https://boef.example")).status_code == 403
        assert await offset_of(rik, url) == 0


async def test_rights_that_ended_under_way_end_the_upload(cast, browser):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.anna) as anna:
        url = (await announce(anna, len(PDF), filename="Bon.pdf", folder=folder.id)).headers["location"]
        await piece(anna, url, 0, PDF[:MB])
        await engine.raw("UPDATE folder SET trashed_at = created_at WHERE id = $1", folder.id)
        reply = await piece(anna, url, MB, PDF[MB:])

    assert (reply.status_code, "prullenbak" in reply.text) == (422, True)
    assert await documents("Bon.pdf") == []
    assert (await upload_at(url)).state == "refused"


async def test_stopped_is_gone(cast, browser):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik:
        url = (await announce(rik, len(PDF), filename="Bon.pdf", folder=folder.id)).headers["location"]
        await piece(rik, url, 0, PDF[:MB])
        assert (await rik.request("DELETE", url, headers=TUS)).status_code == 204
        assert (await rik.request("HEAD", url, headers=TUS)).status_code == 410
        assert (await piece(rik, url, MB, PDF[MB:])).status_code == 410
        assert (await rik.request("DELETE", url, headers=TUS)).status_code == 204
    assert await storage.storage().partial_size((await upload_at(url)).key) == 0


async def test_a_document_is_not_taken_back_by_stopping(cast, browser):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik:
        url = (await announce(rik, len(PDF), PDF, filename="Bon.pdf", folder=folder.id)).headers["location"]
        await rik.request("DELETE", url, headers=TUS)

    assert (len(await documents("Bon.pdf")), (await upload_at(url)).state) == (1, "done")


async def test_through_a_proxy_that_knows_no_patch(cast, browser):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik:
        url = (await announce(rik, len(PDF), filename="Bon.pdf", folder=folder.id)).headers["location"]
        headers = {**TUS, "Upload-Offset": "0", "Content-Type": PIECE, "X-HTTP-Method-Override": "PATCH"}
        assert (await rik.post(url, content=PDF, headers=headers)).status_code == 204
        assert (await rik.post(url, headers=TUS)).status_code == 405
    assert len(await documents("Bon.pdf")) == 1


async def test_two_pieces_at_once_are_one(cast, browser):
    folder = await folder_of(cast.bakkerij)

    async def slowly():
        for start in range(0, len(PDF), 300_000):
            yield PDF[start : start + 300_000]
            await asyncio.sleep(0.01)

    async with browser(cast.rik) as rik:
        url = (await announce(rik, len(PDF), filename="Bon.pdf", folder=folder.id)).headers["location"]
        replies = await asyncio.gather(*(piece(rik, url, 0, slowly()) for _ in range(3)))

    assert sorted(reply.status_code for reply in replies)[0] == 204
    assert {reply.status_code for reply in replies} <= {204, 409, 423}
    assert [one.sha256 for one in await documents("Bon.pdf")] == [SHA]


async def test_expired_is_said_and_its_bytes_go(cast, browser):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik:
        url = (await announce(rik, len(PDF), filename="Bon.pdf", folder=folder.id)).headers["location"]
        await piece(rik, url, 0, PDF[:MB])
        assert await expire() == 0
        await Upload.update({Upload.expires_at: utcnow()}, force=True)
        assert await expire() == 1
        assert (await rik.request("HEAD", url, headers=TUS)).status_code == 410
        assert (await piece(rik, url, MB, PDF[MB:])).status_code == 410

    assert await storage.storage().partial_size((await upload_at(url)).key) == 0


async def test_who_goes_on_has_another_week(cast, browser):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik:
        url = (await announce(rik, len(PDF), filename="Bon.pdf", folder=folder.id)).headers["location"]
        await Upload.update({Upload.expires_at: utcnow() + KEEP}, force=True)
        await piece(rik, url, 0, PDF[:MB])

    assert (await upload_at(url)).expires_at > utcnow() + 6 * KEEP
    assert (await upload_at(url)).received == MB


async def test_pieces_of_nobody_are_swept(cast, monkeypatch, browser):
    from models.uploads import expiring

    folder = await folder_of(cast.bakkerij)
    monkeypatch.setattr(expiring, "KEPT", -3 * KEEP)
    async with browser(cast.rik) as rik:
        url = (await announce(rik, len(PDF), filename="Bon.pdf", folder=folder.id)).headers["location"]
        await piece(rik, url, 0, PDF[:MB])
        async with storage.storage().resume("f" * 32) as partial:
            await partial.write(b"left by a crash")

        assert await forget_stray() == 1
        assert await offset_of(rik, url) == MB


async def test_a_full_disk_is_told_and_what_came_stays(cast, browser, small_disk, monkeypatch):
    monkeypatch.setenv("STORAGE_URL", f"file://{small_disk}/files")
    config.reset()
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik:
        assert (await announce(rik, 10**12, filename="Bon.pdf", folder=folder.id)).status_code in (422, 507)
        begun = await announce(rik, len(PDF), filename="Bon.pdf", folder=folder.id)
        if begun.status_code == 507:  # a disk of its own tells how much room it has
            begun = await announce(rik, 2 * MB + MB // 2, filename="Bon.pdf", folder=folder.id)
            (small_disk / "other").write_bytes(b"x" * MB)
        url, content = begun.headers["location"], PDF[: 2 * MB + MB // 2]
        reply = await piece(rik, url, 0, content)

        assert reply.status_code == 507
        assert "Wat al aankwam blijft" in reply.text
        there = await offset_of(rik, url)
        assert 0 < there < len(content)
        if (small_disk / "other").exists():
            (small_disk / "other").unlink()
            assert (await piece(rik, url, there, content[there:])).status_code == 204
            assert (await documents("Bon.pdf"))[0].sha256 == hashlib.sha256(content).hexdigest()


async def test_a_newer_version_of_a_document(cast, browser):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik, browser(cast.anna) as anna:
        first = result(await send(rik, PDF, filename="Bon.pdf", folder=folder.id))["document"]["id"]
        newer = await send(rik, PDF + b"2", filename="ander.pdf", document=first)
        third = await send(anna, PDF + b"3", filename="nog een.pdf", document=first)
        same = await send(anna, PDF + b"3", filename="nog een.pdf", document=first)
        office = (
            await Document.objects().where((Document.client == cast.bakkerij) & (Document.source == "office")).first()
        )
        refused = await announce(rik, 5, filename="x.pdf", document=office.id)

    assert result(newer)["document"] == {"id": first, "name": "Bon.pdf", "url": f"/portal/documents/{first}"}
    assert result(third)["document"]["id"] == first
    assert (same.status_code, "precies hetzelfde" in same.text) == (422, True)
    assert refused.status_code in (404, 422)
    assert [(one.version, one.sha256) for one in await documents("Bon.pdf")] == [
        (3, hashlib.sha256(PDF + b"3").hexdigest())
    ]


async def test_a_silent_connection_is_let_go_and_another_goes_on(cast, browser, monkeypatch):
    from web import tus

    monkeypatch.setattr(tus, "SILENCE_MOST", 0.2)
    folder = await folder_of(cast.bakkerij)

    async def dying():
        yield PDF[:MB]
        await asyncio.sleep(1)

    async with browser(cast.rik) as rik:
        url = (await announce(rik, len(PDF), filename="Bon.pdf", folder=folder.id)).headers["location"]
        assert (await piece(rik, url, 0, dying())).status_code == 408
        assert await offset_of(rik, url) == MB


@pytest.fixture(params=["folder", "s3"])
def either_storage(request, tmp_path, monkeypatch):
    if request.param == "s3":
        monkeypatch.setenv("STORAGE_URL", request.getfixturevalue("buckets").fresh())
        config.reset()
    return request.param


async def test_cut_at_random_bytes_and_gone_on_with(cast, browser, either_storage):
    """Over real connections that are torn; 20 MB, so that a bucket has pieces."""
    content = PDF * 6 + either_storage.encode()
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik, serving(app()) as port:
        url = (await announce(rik, len(content), filename="Groot.pdf", folder=folder.id)).headers["location"]
        cuts = await _torn(rik, port, url, content)

    assert cuts > 2
    [document] = await documents("Groot.pdf")
    assert document.sha256 == hashlib.sha256(content).hexdigest()
    got = hashlib.sha256()
    async for chunk in storage.storage().open(document.sha256):
        got.update(chunk)
    assert got.hexdigest() == document.sha256
    assert [key async for key in storage.storage().partials(-KEEP)] == []


async def _torn(who: Any, port: int, url: str, content: bytes) -> int:
    """Sent with the connection torn at random bytes, each time gone on with; how often it was torn."""
    dice, cookie = random.Random(7), "; ".join(f"{name}={value}" for name, value in who.cookies.items())
    at, cuts, seen = 0, 0, [0]
    while at < len(content):
        left = len(content) - at
        sent = min(dice.choice([dice.randrange(1, 100), dice.randrange(1, 9 * MB), 8 * MB]), left)
        head = (
            f"PATCH {url} HTTP/1.1\nCookie: {cookie}\nTus-Resumable: 1.0.0\nUpload-Offset: {at}\n"
            f"Content-Type: {PIECE}\nContent-Length: {left}"
        )
        reader, writer = await begin(port, head, content[at : at + sent])
        if sent < left:
            await asyncio.sleep(0.02)
            break_off(writer)
            cuts += 1
        else:
            assert b" 204 " in await asyncio.wait_for(reader.readline(), 30)
            writer.close()
            break
        at = await _free_offset(who, url)
        assert at >= seen[-1]
        seen.append(at)
    return cuts


async def _free_offset(rik: Any, url: str) -> int:
    """When the server noticed that the connection is gone: before it, the number may still grow."""
    before = -1
    while before != (now := await offset_of(rik, url)):
        before = now
        await asyncio.sleep(0.15)
    return before


async def test_the_receipt_is_what_there_is(cast, browser):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik, browser(cast.sam) as sam, browser(cast.anna) as anna:
        for n, path in ((1, "Bonnen/jan"), (2, "Bonnen/jan"), (3, "")):
            reply = await send(
                rik, PDF + bytes([n]), filename=f"=Bon {n}.pdf", path=path, folder=folder.id, batch="een"
            )
        await send(rik, b"MZ\x90\x00" + PDF, filename="virus.exe", folder=folder.id, batch="een")
        receipt = reply.headers["upload-receipt"]
        page, exported = await rik.get(receipt), await rik.get(f"{receipt}/export.csv")
        assert (await sam.get(receipt)).status_code == (await anna.get(f"{receipt}/export.csv")).status_code == 404
        assert "Bonnen" not in (await sam.get("/uploads")).text
        assert folder.name in (await rik.get("/uploads")).text

    assert await UploadReceipt.count() == 1
    lines = exported.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 5 and exported.headers["content-type"] == "text/csv; charset=utf-8"
    for n in (1, 2, 3):
        [document] = await documents(f"=Bon {n}.pdf")
        sha256 = hashlib.sha256(await storage.storage().read(document.sha256)).hexdigest()
        assert sha256 in page.text
        assert any(f"'=Bon {n}.pdf;{len(PDF) + 1};{sha256};ontvangen" in line for line in lines)
    assert any("virus.exe" in line and "programma" in line for line in lines)
    assert "3 bestanden ontvangen" in page.text


async def test_the_same_bytes_in_this_dossier_are_asked_about(cast, browser):
    folder, other = await folder_of(cast.bakkerij), await folder_of(cast.bakkerij, "office")
    async with browser(cast.anna) as anna, browser(cast.rik) as rik:
        first = result(await send(anna, PDF, filename="Akte.pdf", folder=other.id))["document"]
        asked = await send(rik, PDF, filename="Scan.pdf", folder=folder.id)
        url = asked.headers["upload-receipt"]
        said = result(asked)
        assert (said["state"], said["twin"]["name"], said["twin"]["id"]) == ("asks", "Akte.pdf", first["id"])
        assert await documents("Scan.pdf") == []
        assert "Akte.pdf" in (await rik.get(url)).text
        kept = await rik.post(f"/uploads/{said['id']}/decision", data={"do": "keep"})
        again = await rik.post(f"/uploads/{said['id']}/decision", data={"do": "keep"})
        skipped = result(await send(rik, PDF, filename="Nog eens.pdf", folder=folder.id))
        headers = {"X-Requested-With": "drop-zone"}
        reply = await rik.post(f"/uploads/{skipped['id']}/decision", data={"do": "skip"}, headers=headers)

    assert (kept.status_code, kept.headers["location"]) == (303, url)
    assert again.status_code == 303
    assert [one.mime for one in await documents("Scan.pdf")] == ["application/pdf"]
    assert (reply.status_code, result(reply)["state"]) == (204, "skipped")
    assert await documents("Nog eens.pdf") == []


async def test_bytes_that_one_may_not_see_are_not_noticed(cast, browser):
    """What lies in an internal folder, a draft, another's dossier, or another's own upload is nobody's twin."""
    folder = await folder_of(cast.bakkerij)
    internal, office, garage = (
        await folder_of(cast.bakkerij, "internal"), await folder_of(cast.bakkerij, "office"), await folder_of(cast.garage)
    )  # fmt: skip
    async with browser(cast.anna) as anna, browser(cast.rik) as rik:
        await send(anna, PDF + b"i", filename="Intern.pdf", folder=internal.id)
        await send(anna, PDF + b"d", filename="Concept.pdf", folder=office.id, publish="draft")
        await send(anna, PDF + b"g", filename="Garage.pdf", folder=garage.id)
        for tail in (b"i", b"d", b"g"):
            assert result(await send(rik, PDF + tail, filename="Van Rik.pdf", folder=folder.id))["state"] == "done"
        assert result(await send(anna, PDF + b"i", filename="Nog eens.pdf", folder=office.id))["state"] == "asks"


async def test_a_name_that_is_taken_is_numbered_and_may_become_a_version(cast, browser):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik:
        first = result(await send(rik, PDF, filename="Bon.pdf", folder=folder.id))
        second = result(await send(rik, PDF + b"2", filename="bon.PDF", folder=folder.id))
        assert (second["name"], second["namesake"]["id"]) == ("bon (2).PDF", first["document"]["id"])
        headers = {"X-Requested-With": "drop-zone"}
        reply = await rik.post(f"/uploads/{second['id']}/decision", data={"do": "version"}, headers=headers)

    assert result(reply)["document"]["id"] == first["document"]["id"]
    [document] = await documents("Bon.pdf")
    assert (document.version, document.sha256) == (2, hashlib.sha256(PDF + b"2").hexdigest())
    assert await documents("bon (2).PDF") == []


async def test_a_client_cannot_make_a_version_of_what_the_office_put_there(cast, browser):
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.anna) as anna, browser(cast.rik) as rik:
        await send(anna, PDF, filename="Bon.pdf", folder=folder.id)
        second = result(await send(rik, PDF + b"2", filename="Bon.pdf", folder=folder.id))
        assert (second["name"], "namesake" in second) == ("Bon (2).pdf", False)
        reply = await rik.post(f"/uploads/{second['id']}/decision", data={"do": "version"})

    assert reply.status_code == 303
    assert [one.version for one in await documents("Bon.pdf")] == [1]


async def test_a_dropped_folder_is_made_below_the_target_once(cast, browser):
    folder = await folder_of(cast.bakkerij)

    async def drop(rik: Any, n: int) -> None:
        reply = await send(rik, PDF + bytes([n]), filename=f"{n}.pdf", path="Bonnen/2026/jan", folder=folder.id)
        assert (reply.status_code, result(reply)["state"]) == (204, "done")

    async with browser(cast.rik) as rik:
        await asyncio.gather(*(drop(rik, n) for n in range(8)))

    made = await Folder.objects().where((Folder.client == cast.bakkerij) & Folder.name.is_in(["Bonnen", "2026", "jan"]))
    assert sorted((one.name, one.kind) for one in made) == [("2026", "upload"), ("Bonnen", "upload"), ("jan", "upload")]
    last = next(one for one in made if one.name == "jan")
    assert await Document.count().where(Document.folder == last.id) == 8
    assert (await as_viewer("rik@bakkerij-jansen.example")).is_client


async def test_a_clients_folder_never_goes_into_one_that_is_not_his(cast, browser):
    """The office keeps an internal folder in the upload folder: of the same name, and the client must not learn that."""
    folder = await folder_of(cast.bakkerij)
    async with engine.writing():
        internal = await folder.add_folder("Bonnen", "internal", by=cast.anna)
    async with browser(cast.rik) as rik:
        for n in range(2):
            await send(rik, PDF + bytes([n]), filename=f"{n}.pdf", path="Bonnen", folder=folder.id)

    assert await Document.count().where(Document.folder == internal.id) == 0
    own = await Folder.objects().where((Folder.parent == folder.id) & (Folder.kind == "upload"))
    assert [one.name for one in own] == ["Bonnen (2)"]
    assert await Document.count().where(Document.folder == own[0].id) == 2


async def test_where_clients_see_only_their_own_no_folder_tells(cast, browser):
    folder = await folder_of(cast.bakkerij)
    await engine.raw("UPDATE folder SET own_only = $2 WHERE id = $1", folder.id, True)
    async with browser(cast.rik) as rik:
        said = result(await send(rik, PDF, filename="jan.pdf", path="Privé/Bonnen", folder=folder.id))

    assert said["name"] == "Privé - Bonnen - jan.pdf"
    assert not await Folder.exists().where(Folder.parent == folder.id)


async def test_who_was_given_one_folder_drops_a_folder_into_it(cast, browser):
    """fem has payroll rights only, and one upload folder that was opened to her."""
    folder = await folder_of(cast.bakkerij)
    rows = await engine.raw("SELECT id FROM access WHERE person = $1 AND client = $2", cast.fem.user.id, cast.bakkerij)
    async with engine.writing():
        await engine.raw(
            "INSERT INTO folder_right (access, name, name_key, act) VALUES ($1, $2, $3, $4)",
            rows[0]["id"], folder.name, folder.name_key, True,
        )  # fmt: skip
    async with browser(cast.fem) as fem:
        reply = await send(fem, PDF, filename="loon.pdf", path="Uren/jan", folder=folder.id)
        page = await fem.get(reply.headers["upload-receipt"])

    assert result(reply)["document"]["name"] == "loon.pdf"
    assert "loon.pdf" in page.text


async def test_who_may_only_hand_in_and_not_look_answers_a_request(cast, browser):
    folder = await folder_of(cast.bakkerij)
    await engine.raw("UPDATE access SET rights = 2 WHERE person = $1 AND client = $2", cast.fem.user.id, cast.bakkerij)
    await engine.raw(
        "INSERT INTO document_request (client, folder, title, batch, made_at) VALUES ($1, $2, 'Kas', 'b', $3)",
        cast.bakkerij, folder.id, utcnow(),
    )  # fmt: skip
    await engine.raw(
        "INSERT INTO request_item (request, client, title) SELECT id, client, 'Kasboek' FROM document_request"
    )
    item = await RequestItem.objects().first()
    fem = await as_viewer("fem@bakkerij-jansen.example")
    async with browser(fem) as own:
        said = result(await send(own, PDF, filename="Kas.pdf", item=item.id))

    assert said["state"] == "done"
    assert len(await engine.raw("SELECT document FROM request_item_document WHERE item = $1", item.id)) == 1


async def test_an_answer_to_a_request_comes_to_its_item(cast, browser):
    folder = await folder_of(cast.bakkerij)
    async with engine.writing():
        await engine.raw(
            "INSERT INTO document_request (client, folder, title, batch, made_at) SELECT c.id, $1, 'Stukken', 'x', c.created_at FROM client c WHERE c.id = $2",
            folder.id, cast.bakkerij,
        )  # fmt: skip
        await engine.raw(
            "INSERT INTO request_item (request, client, title) SELECT id, client, 'Kasboek' FROM document_request"
        )
    item = await RequestItem.objects().first()
    async with browser(cast.rik) as rik, browser(cast.sam) as sam, browser(cast.anna) as anna:
        assert (await announce(sam, 5, filename="a.pdf", item=item.id)).status_code == 404
        assert (await announce(anna, 5, filename="a.pdf", item=item.id)).status_code == 404
        said = result(await send(rik, PDF, filename="Kas.pdf", path="map", item=item.id))
        twin = result(await send(rik, PDF, filename="Weer.pdf", item=item.id))
        await rik.post(f"/uploads/{twin['id']}/decision", data={"do": "keep"})

    linked = await engine.raw("SELECT document FROM request_item_document WHERE item = $1 ORDER BY document", item.id)
    assert linked[0]["document"] == said["document"]["id"]
    assert len(linked) == 2
    assert (await RequestItem.objects().first()).state == "handed_in"


async def test_the_reasons_come_in_the_language_of_who_sends(cast, browser):
    await engine.raw("UPDATE users SET language = 'en' WHERE id = $1", cast.rik.user.id)
    rik = await as_viewer("rik@bakkerij-jansen.example")
    folder = await folder_of(cast.bakkerij)
    async with browser(rik) as one:
        reply = await send(one, b"MZ\x90\x00" + PDF, filename="virus.exe", folder=folder.id)

    assert "program" in reply.text and "programma" not in reply.text


async def test_a_bomb_in_pieces_is_refused_as_any_other(cast, browser):
    from tests.models.test_archives import MB, written, zeros

    content = written(zeros(4 * MB), 4 * 1024 * MB - 2)
    folder = await folder_of(cast.bakkerij)
    async with browser(cast.rik) as rik:
        done = await announce(rik, len(content), content, filename="stukken.zip", folder=folder.id)

    assert done.status_code == 422 and "zip-bom" in done.text
    assert not await documents("stukken.zip")


async def test_looking_through_his_eyes_shows_no_receipts_to_who_may_not_read_dossiers(cast):
    rows = await engine.raw("SELECT id FROM folder WHERE client = $1 AND kind = 'upload' LIMIT 1", cast.bakkerij)
    folder = await cast.rik.folders.get(rows[0]["id"])
    await engine.run_writing(lambda: start_upload(folder, Announced("geheim.pdf", 3), by=cast.rik))
    told = [await (await through_the_eyes_of(cast.rik.user.id, cast.anna)).receipts.count()]
    cast.anna.user.role, cast.anna.user.permissions = "employee", "users:act"

    told.append(await (await through_the_eyes_of(cast.rik.user.id, cast.anna)).receipts.count())

    assert told == [1, 0]


async def test_an_archive_to_place_is_cut_at_random_bytes_and_all_of_it_comes_out(cast, browser, either_storage):
    numbers = [row["number"] for row in await engine.raw("SELECT number FROM client ORDER BY id LIMIT 3")]
    content = zipped(*((f"{number}_stuk.pdf", PDF * 2 + number.encode()) for number in numbers))
    placing = await begin_placing(by=cast.anna)
    async with browser(cast.anna) as anna, serving(app()) as port:
        url = (await announce(anna, len(content), filename="loon.zip", placing=placing.id)).headers["location"]
        cuts = await _torn(anna, port, url, content)
        again_told = await piece(anna, url, len(content), b"")
    await work(placing)

    assert cuts > 2 and result(again_told)["state"] == "done"
    rows = await engine.raw("SELECT name, state, sha256 FROM placement_file WHERE placement = $1", placing.id)
    assert {row["sha256"] for row in rows} == {hashlib.sha256(PDF * 2 + n.encode()).hexdigest() for n in numbers}
    assert len(rows) == 3 and {(row["name"], row["state"]) for row in rows} == {("stuk.pdf", "matched")}
    assert await PlacingSource.count().where(PlacingSource.placement == placing.id) == 1
    assert [key async for key in storage.storage().partials(-KEEP)] == []


async def test_the_folder_around_a_file_to_place_may_bear_the_number(cast, browser):
    number = (await engine.raw("SELECT number FROM client WHERE id = $1", cast.bakkerij))[0]["number"]
    placing = await begin_placing(by=cast.anna)
    async with browser(cast.anna) as anna:
        told = await send(anna, PDF, filename="Btw.pdf", path=f"map/{number} Jansen", placing=placing.id, batch="p")
        page, at = await anna.get(told.headers["upload-receipt"]), f"/placing/{placing.id}"
        await announce(anna, len(PDF), filename="half.pdf", placing=placing.id)
        half = await anna.get(at)

    [row] = await engine.raw("SELECT path, client, sha256 FROM placement_file WHERE placement = $1", placing.id)
    assert (row["path"], row["client"], row["sha256"]) == (f"map/{number} Jansen/Btw.pdf", cast.bakkerij, SHA)
    assert "1 bestand ontvangen" in page.text and SHA in page.text and f'href="{at}"' in page.text
    assert "1 bestand is nog niet compleet" in half.text


async def test_a_placing_that_is_busy_takes_what_came_later(cast, browser):
    number = (await engine.raw("SELECT number FROM client WHERE id = $1", cast.bakkerij))[0]["number"]
    placing = await begin_placing(by=cast.anna)
    async with browser(cast.anna) as anna:
        await send(anna, PDF + b"1", filename=f"{number}_een.pdf", placing=placing.id)
        url = (await announce(anna, len(PDF), filename=f"{number}_twee.pdf", placing=placing.id)).headers["location"]
        await Placing.update({Placing.state: "placing"}).where(Placing.id == placing.id)
        busy = await piece(anna, url, 0, PDF)
        too_soon = await announce(anna, 10, filename="drie.pdf", placing=placing.id)
        asked = await anna.request("HEAD", url, headers=TUS)
        await Placing.update({Placing.state: "open"}).where(Placing.id == placing.id)
        after = await anna.request("HEAD", url, headers=TUS)

    assert (busy.status_code, too_soon.status_code, asked.status_code) == (423, 423, 423)
    assert "Deze plaatsing is bezig" in busy.text and "Deze plaatsing is bezig" in too_soon.text
    assert result(after)["state"] == "done"
    assert len(await engine.raw("SELECT 1 AS one FROM placement_file WHERE placement = $1", placing.id)) == 2


async def test_a_placing_takes_files_of_who_may_see_it_alone(cast, browser):
    placing = await begin_placing(by=cast.anna)
    async with browser(cast.ed) as ed, browser(cast.rik) as rik, browser(cast.anna) as anna:
        strange = [(await announce(one, 10, filename="a.pdf", placing=placing.id)).status_code for one in (ed, rik)]
        url = (await announce(anna, len(PDF), filename="a.pdf", placing=placing.id)).headers["location"]
        await Placing.delete().where(Placing.id == placing.id)
        late = await piece(anna, url, 0, PDF)

    assert strange == [404, 404] and await Upload.count() == 1
    assert late.status_code == 422 and "is er niet meer" in late.text
