"""Somebody without a login hands in by a link: within its limits, without learning whose it is, and never into a stranger's hands."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
import json
import os
import random
import re
import subprocess
import sys
from typing import Any

import pytest

from models import config, engine, storage
from models.audit import Trail
from models.core import Refused, digest, save
from models.delivering import lying
from models.delivering.making import end_link, make_link
from models.delivering.records import DeliveredFile, Delivery, UploadLink
from models.dossiers import Document, Folder
from models.dossiers.acts import Items, move_items
from models.dossiers.structures import Selection, open_dossier
from models.outbox import Errand
from models.requests import DocumentRequest, RequestItem, make_requests
from models.settings import utcnow
from tests.cast import Cast, app, browser_of
from tests.house import ROOT
from tests.jobs.posting import post_all
from tests.scanner import EICAR, Clamd
from tests.smtp import Sink
from tests.web.serving import begin, break_off, serving
from tests.web.test_documents import PDF, UPLOADS, own_storage  # noqa: F401
from tests.web.test_folders import Browsers, id_of
from web import deliver, upload_links

ASKED = "de bankafschriften van december"


async def a_link(cast: Cast, client: int = 0, **more: Any) -> tuple[UploadLink, str]:
    folder = await Folder.objects().where(Folder.id == await id_of(client or cast.bakkerij, UPLOADS)).first()
    assert folder is not None
    return await make_link(folder, ASKED, by=cast.anna, **more)


def at(token: str) -> str:
    return deliver.page.url(token=token)


async def hand_in(person: Any, token: str, *names: str, body: bytes = PDF, who: str = "Mr. N. Otaris") -> Any:
    return await person.post(
        at(token), data={"who": who}, files=[("files", (name, body + name.encode())) for name in names]
    )


async def the_documents(folder: int) -> list[Document]:
    return list(
        await Document.objects()
        .where((Document.folder == folder) & Document.uploaded_by.is_null())
        .order_by(Document.id)
    )


async def test_from_a_link_to_a_receipt_and_to_the_office(cast: Cast, browser: Browsers) -> None:
    folder = await id_of(cast.bakkerij, UPLOADS)
    form = {"purpose": ASKED, "days": "14", "max_files": "5", "max_mb": "10", "asks_name": "y", "email": ""}
    async with browser(cast.anna) as anna, browser(cast.vic) as vic:
        asked = await anna.get(upload_links.new.url(folder_id=folder))
        made = await anna.post(upload_links.make.url(folder_id=folder), data=form)
        (address,) = set(re.findall(r"http://127\.0\.0\.1:8000(/deliver/[\w-]{43})", made.text))
        page = await vic.get(address)
        reply = await vic.post(
            address,
            data={"who": "Mr. N. Otaris"},
            files=[("files", ("akte.pdf", PDF)), ("files", ("bon.pdf", PDF + b"2"))],
        )
        receipt = await vic.get(reply.headers["location"])
        listed = await anna.get(upload_links.list_.url(client_id=cast.bakkerij))
        (first, second) = await the_documents(folder)
        document = await anna.get(f"/documents/{first.id}")
        in_folder, overview = await anna.get(f"/folders/{folder}"), await anna.get("/overview/handed-in?show=all")
        again = await anna.get(upload_links.list_.url(client_id=cast.bakkerij))

    assert asked.status_code == 200 and made.status_code == 200 and page.status_code == 200
    assert ASKED in page.text and "noindex" in page.text
    assert reply.status_code == 303 and receipt.status_code == 200
    assert (first.name, first.source, first.uploaded_by) == ("akte.pdf", "client", None)
    assert (
        hashlib.sha256(PDF).hexdigest() in receipt.text
        and "akte.pdf" in receipt.text
        and "Mr. N. Otaris" in receipt.text
    )
    for seen in (listed, document, in_folder, overview):
        assert "Mr. N. Otaris" in seen.text
    assert address not in again.text and address.split("/")[-1] not in in_folder.text
    assert second.sha256 in receipt.text


async def test_the_page_tells_nothing_of_whose_it_is(cast: Cast, browser: Browsers) -> None:
    _, token = await a_link(cast)
    async with browser(cast.vic) as vic:
        page = await vic.get(at(token))
        receipt = await vic.get((await hand_in(vic, token, "akte.pdf")).headers["location"])

    for seen in (page, receipt):
        assert "Jansen" not in seen.text and UPLOADS not in seen.text and cast.anna.user.surname not in seen.text


async def test_of_the_token_the_database_has_only_the_digest(cast: Cast) -> None:
    _, token = await a_link(cast, email="notaris@elders.example")

    rows = await engine.raw("SELECT * FROM upload_link")
    errands = await engine.raw("SELECT * FROM errand")
    trail = await engine.raw("SELECT * FROM trail")
    assert rows[0]["token_hash"] == digest(token) and len(token) == 43
    assert token not in repr((rows, errands, trail))


async def test_it_is_on_the_trail_who_made_it_who_handed_in_and_who_ended_it(cast: Cast, browser: Browsers) -> None:
    link, token = await a_link(cast)
    async with browser(cast.vic) as vic, browser(cast.anna) as anna:
        await hand_in(vic, token, "akte.pdf")
        await anna.post(upload_links.end.url(link_id=link.id))
        log = await anna.get(f"/clients/{cast.bakkerij}/log")

    lines = await Trail.select().where(Trail.record_table == "UploadLink").order_by(Trail.id)
    assert [(line["operation"], line["person"]) for line in lines] == [
        ("UploadLink.make", cast.anna.user.id), ("UploadLink.deliver", None), ("UploadLink.end", cast.anna.user.id),
    ]  # fmt: skip
    assert json.loads(lines[1]["detail"])["who"] == "Mr. N. Otaris"
    assert "Mr. N. Otaris" in log.text


@pytest.mark.parametrize(
    "what",
    [
        "unknown",
        "ended",
        "expired",
        "full",
        "folder in the trash",
        "folder made internal",
        "client archived",
        "folder of another",
    ],
)
async def test_whatever_is_the_matter_a_stranger_reads_the_same(cast: Cast, browser: Browsers, what: str) -> None:
    link, token = await a_link(cast, max_files=1)
    folder = await Folder.objects().where(Folder.id == link.folder).first()
    async with browser(cast.vic) as vic:
        wrong = await vic.get(at("A" * 43))
        if what == "unknown":
            token = "B" * 43
        elif what == "ended":
            await end_link(link, by=cast.anna)
        elif what == "expired":
            await save(link, expires_at=utcnow() - dt.timedelta(seconds=1))
        elif what == "full":
            await hand_in(vic, token, "akte.pdf")
        elif what == "folder in the trash":
            await folder.trash(by=cast.anna)
        elif what == "client archived":
            await (await cast.anna.clients.get(link.client)).archive(by=cast.anna)
        elif what == "folder of another":
            theirs = await open_dossier(await cast.anna.clients.get(cast.garage), by=cast.anna)
            await move_items(theirs, None, Items(folders=(folder.id,)), by=cast.anna)
        else:
            await folder.change_kind("internal", by=cast.anna)
        before = await Document.count()
        page, reply = await vic.get(at(token)), await hand_in(vic, token, "nog een.pdf")

    def words(text: str) -> str:
        return re.sub(r"[0-9a-f]{6,}", "", re.sub(r"<[^>]*>", " ", text))

    assert wrong.status_code == page.status_code == reply.status_code == 410
    assert words(wrong.text) == words(page.text) == words(reply.text)
    assert "Vraag het kantoor" in page.text
    assert await Document.count() == before


async def test_what_is_too_much_is_turned_away_and_the_rest_taken(cast: Cast, browser: Browsers) -> None:
    folder = await id_of(cast.bakkerij, UPLOADS)
    _, token = await a_link(cast, max_files=2)
    async with browser(cast.vic) as vic:
        reply = await hand_in(vic, token, "een.pdf", "twee.pdf", "drie.pdf")
        receipt = await vic.get(reply.headers["location"])

    assert [one.name for one in await the_documents(folder)] == ["een.pdf", "twee.pdf"]
    assert "drie.pdf" in receipt.text and "paste er niet meer bij" in receipt.text


async def test_more_megabytes_than_allowed_are_refused_before_they_are_read(cast: Cast, browser: Browsers) -> None:
    _, token = await a_link(cast, max_mb=1)
    async with browser(cast.vic) as vic:
        reply = await hand_in(vic, token, "groot.pdf", body=PDF + bytes(6_000_000))
        just = await hand_in(vic, token, "net te groot.pdf", body=PDF + bytes(1_100_000))

    assert reply.status_code == 413 and just.status_code in (410, 413)
    assert not await Delivery.exists()


async def test_programs_and_pages_are_refused_in_words_and_the_name_stays(cast: Cast, browser: Browsers) -> None:
    _, token = await a_link(cast)
    async with browser(cast.vic) as vic:
        for name, body in (("x.exe", b"MZ\x90"), ("x.pdf", b"<html><script>"), ("leeg.pdf", b"")):
            reply = await vic.post(at(token), data={"who": "Jan <b>"}, files=[("files", (name, body))])
            assert reply.status_code == 422 and name in reply.text and 'value="Jan &lt;b&gt;"' in reply.text
        none = await vic.post(at(token), data={"who": "Jan"}, files=[("files", ("", b""))])

    assert none.status_code == 422 and "Kies eerst een bestand" in none.text
    assert not await Delivery.exists()


async def test_what_came_by_a_link_respects_own_only(cast: Cast, browser: Browsers) -> None:
    folder = await Folder.objects().where(Folder.id == await id_of(cast.bakkerij, UPLOADS)).first()
    _, token = await a_link(cast)
    async with browser(cast.vic) as vic, browser(cast.rik) as rik:
        await hand_in(vic, token, "akte.pdf")
        shared = await rik.get(f"/portal/folders/{folder.id}")
        await save(folder, own_only=True)
        private = await rik.get(f"/portal/folders/{folder.id}")
        (document,) = await the_documents(folder.id)
        file = await rik.get(f"/documents/{document.id}/file")

    assert "akte.pdf" in shared.text and "akte.pdf" not in private.text and file.status_code == 404


async def test_who_guesses_is_slowed_and_who_has_the_link_elsewhere_is_not(cast: Cast) -> None:
    _, token = await a_link(cast)
    async with browser_of(cast.vic, "203.0.113.7") as guesser, browser_of(cast.vic, "198.51.100.1") as other:
        statuses = [(await guesser.get(at(f"{n:043}"))).status_code for n in range(34)]
        barred = [await guesser.get(at(token)), await guesser.post(at(token), files=[("files", ("a.pdf", PDF))])]
        receipt = await guesser.get(deliver.receipt.url(key="x" * 43))
        free = await other.get(at(token))

    assert set(statuses[:30]) == {410} and set(statuses[31:]) == {429}
    assert [one.status_code for one in barred] == [429, 429] and receipt.status_code == 429
    assert free.status_code == 200


async def test_guesses_by_posting_count_too_and_nothing_of_them_is_kept(cast: Cast) -> None:
    await a_link(cast)
    async with browser_of(cast.vic, "203.0.113.8") as guesser:
        statuses = [
            (await guesser.post(at(f"{n:043}"), files=[("files", ("a.pdf", PDF))])).status_code for n in range(33)
        ]

    assert statuses[0] == 410 and statuses[-1] == 429


async def test_one_link_is_not_hammered(cast: Cast, monkeypatch: Any) -> None:
    _, token = await a_link(cast, max_files=200)
    async with browser_of(cast.vic, "203.0.113.9") as vic:
        statuses = [(await vic.post(at(token), files=[("files", ("x.exe", b"MZ"))])).status_code for _ in range(62)]

    assert set(statuses[:60]) == {422} and statuses[-1] == 429


async def _broken_off(port: int, token: str, whole: bytes, half: bytes) -> bytes:
    """A form of which one file arrives whole and of the next a part; the first line of the answer, if one came."""
    edge = b'--rand\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\n'
    body = edge % b"een.pdf" + whole + b"\r\n" + edge % b"twee.pdf" + half
    head = f"POST {at(token)} HTTP/1.1\nContent-Type: multipart/form-data; boundary=rand\nContent-Length: {len(body) + 50_000}"
    reader, writer = await begin(port, head, body)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.4):
            return await reader.readline()
    break_off(writer)
    await asyncio.sleep(0.3)
    return b""


async def test_what_is_broken_off_over_and_over_never_fills_the_disk(
    cast: Cast, browser: Browsers, monkeypatch: Any
) -> None:
    monkeypatch.setattr(lying, "MOST", 1_000_000)
    monkeypatch.setattr(lying, "_AROUND", 0)
    link, token = await a_link(cast, max_mb=1)
    answers = []
    async with serving(app()) as port:
        for n in range(6):
            whole = PDF + random.Random(n).randbytes(300_000)
            answers.append(await _broken_off(port, token, whole, random.Random(n + 90).randbytes(200_000)))
        async with browser(cast.vic) as vic:
            turned = await hand_in(vic, token, "akte.pdf", body=PDF + bytes(450_000))
            lies = [size async for _, size, _ in storage.storage().all()]
            await UploadLink.update({UploadLink.lying_at: utcnow() - lying.SWEPT}).where(UploadLink.id == link.id)
            taken = await hand_in(vic, token, "akte.pdf", body=PDF + bytes(450_000))

    assert answers[:2] == [b"", b""] and b" 422 " in answers[-1]
    assert 0 < sum(size for size in lies if size >= 300_000) <= 1_000_000
    assert turned.status_code == 422 and "onderweg of afgebroken" in turned.text
    assert taken.status_code == 303
    assert (await UploadLink.objects().get(UploadLink.id == link.id)).lying == 0


async def test_who_comes_at_once_claims_no_more_than_there_is(cast: Cast, monkeypatch: Any) -> None:
    monkeypatch.setattr(lying, "MOST", 1_000_000)
    monkeypatch.setattr(lying, "_AROUND", 0)
    link, _ = await a_link(cast, max_mb=1)

    async def claim() -> bool:
        try:
            await engine.run_writing(lambda: lying.claim(link, 100_000))
        except Refused:
            return False
        return True

    assert sum(await asyncio.gather(*(claim() for _ in range(25)))) == 10


async def test_a_link_that_expires_while_the_files_are_on_their_way_takes_nothing(
    cast: Cast, browser: Browsers
) -> None:
    link, token = await a_link(cast)

    async def body():
        yield (b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.pdf"\r\n\r\n' + PDF)
        await save(link, expires_at=utcnow() - dt.timedelta(seconds=1))
        yield b"\r\n--x--\r\n"

    async with browser(cast.vic) as vic:
        reply = await vic.post(at(token), content=body(), headers={"content-type": "multipart/form-data; boundary=x"})

    assert reply.status_code == 410 and not await Delivery.exists() and not await DeliveredFile.exists()


async def test_several_at_once_never_take_more_than_there_is_room_for(cast: Cast, browser: Browsers) -> None:
    folder = await id_of(cast.bakkerij, UPLOADS)
    _, token = await a_link(cast, max_files=5)
    async with browser(cast.vic) as vic:
        replies = await asyncio.gather(*(hand_in(vic, token, f"{n}a.pdf", f"{n}b.pdf") for n in range(6)))

    assert sorted(reply.status_code for reply in replies)[:2] == [303, 303]
    assert len(await the_documents(folder)) == 4


async def test_two_processes_count_together(cast: Cast) -> None:
    folder = await id_of(cast.bakkerij, UPLOADS)
    _, token = await a_link(cast, max_files=7)
    url = engine.engine().url if not engine.is_sqlite() else f"sqlite:///{engine.engine().path}"
    program = (
        "import asyncio, sys\nfrom models import engine\nfrom models.core import Gone\nfrom models.delivering.taking import deliver\n"
        "from models.dossiers import NewDocument\nengine.start()\n"
        "async def main():\n"
        "    for n in range(6):\n"
        "        try:\n"
        "            await engine.run_writing(lambda: deliver(sys.argv[1], 'p', [NewDocument(f'{sys.argv[2]}{n}.pdf', '0' * 64, 10, 'application/pdf')]))\n"
        "        except Gone: pass\n"
        "    await engine.close()\nasyncio.run(main())\n"
    )
    environment = {**os.environ, "DATABASE_URL": str(url), "POORT_VAR": str(config.settings().var)}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, token, name], cwd=ROOT, env=environment, stderr=subprocess.PIPE
        )
        for name in "ab"
    ]
    errors = [await asyncio.to_thread(one.communicate) for one in running]

    assert [one.returncode for one in running] == [0, 0], errors
    assert len(await the_documents(folder)) == 7
    found = await UploadLink.objects().first()
    assert found is not None and found.files == 7


async def test_a_link_for_what_is_asked_answers_it(cast: Cast, browser: Browsers) -> None:
    await make_requests(
        Selection(who="clients", clients=(cast.bakkerij,)),
        "Aangifte",
        "",
        None,
        [("Jaaropgaaf", "")],
        "batch",
        by=cast.anna,
    )
    item = await RequestItem.objects().first()
    async with browser(cast.anna) as anna, browser(cast.vic) as vic, browser(cast.rik) as rik:
        form = {
            "purpose": "de jaaropgaaf",
            "days": "3",
            "max_files": "5",
            "max_mb": "10",
            "asks_name": "y",
            "email": "",
        }
        made = await anna.post(upload_links.make_of_item.url(item_id=item.id), data=form)
        (address,) = set(re.findall(r"(/deliver/[\w-]{43})", made.text))
        await vic.post(address, data={"who": "Bank"}, files=[("files", ("jaaropgaaf.pdf", PDF))])
        asked, own = await anna.get(f"/requests/{item.request}"), await rik.get(f"/portal/requests/{item.request}")
        await anna.post(f"/request-items/{item.id}/acceptance")
        closed = await vic.get(address)

    assert "jaaropgaaf.pdf" in asked.text and "jaaropgaaf.pdf" in own.text
    assert (await RequestItem.objects().first()).state == "accepted"
    assert (await DocumentRequest.objects().first()).state == "done"
    assert closed.status_code == 410


async def test_the_mail_has_the_link_and_no_file_and_works(cast: Cast, browser: Browsers, smtp_sink: Sink) -> None:
    await a_link(cast, email="notaris@elders.example")
    await post_all()

    (taken,) = smtp_sink.taken
    (address,) = set(re.findall(r"http://127\.0\.0\.1:8000(/deliver/[\w-]{43})", taken.text))
    async with browser(cast.vic) as vic:
        page = await vic.get(address)
    assert taken.address == "notaris@elders.example" and ASKED in taken.text
    assert "Jansen" not in taken.text and not list(taken.message.iter_attachments())
    assert page.status_code == 200


async def test_a_link_that_was_ended_is_not_mailed_any_more(cast: Cast, smtp_sink: Sink) -> None:
    link, _ = await a_link(cast, email="notaris@elders.example")
    await end_link(link, by=cast.anna)
    await post_all()

    assert not smtp_sink.taken
    assert await Errand.count().where((Errand.kind == "upload_link") & (Errand.state == "cancelled")) == 1


async def test_what_comes_by_a_link_is_scanned_like_everything(cast: Cast, browser: Browsers, clamd: Clamd) -> None:
    from models.scanning.working import round_

    folder = await id_of(cast.bakkerij, UPLOADS)
    _, token = await a_link(cast)
    async with browser(cast.vic) as vic, browser(cast.anna) as anna:
        await hand_in(vic, token, "akte.pdf", body=PDF + EICAR)
        (document,) = await the_documents(folder)
        before = await anna.get(f"/documents/{document.id}/file")
        while await round_():
            pass
        page = await anna.get(f"/documents/{document.id}")

    assert before.status_code == 423 and "Eicar-Test-Signature" in page.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("purpose", ""),
        ("days", "0"),
        ("days", "91"),
        ("days", "veertien"),
        ("max_files", "1000"),
        ("max_mb", "-1"),
        ("email", "geen adres"),
    ],
)
async def test_what_is_filled_in_wrong_is_said_beside_it_and_kept(
    cast: Cast, browser: Browsers, field: str, value: str
) -> None:
    folder = await id_of(cast.bakkerij, UPLOADS)
    form = {"purpose": ASKED, "days": "14", "max_files": "5", "max_mb": "10", "email": "", field: value}
    async with browser(cast.anna) as anna:
        reply = await anna.post(upload_links.make.url(folder_id=folder), data=form)

    assert reply.status_code == 422 and "error" in reply.text
    assert not await UploadLink.exists()


async def test_links_lead_only_to_folders_in_which_clients_hand_in(cast: Cast, browser: Browsers) -> None:
    form = {"purpose": ASKED, "days": "14", "max_files": "5", "max_mb": "10", "email": ""}
    async with browser(cast.anna) as anna:
        reply = await anna.post(upload_links.make.url(folder_id=await id_of(cast.bakkerij, "2024")), data=form)

    assert reply.status_code == 422 and not await UploadLink.exists()


async def test_only_who_may_edit_the_dossier_makes_and_ends_links(cast: Cast, browser: Browsers) -> None:
    folder, other = await id_of(cast.bakkerij, UPLOADS), await id_of(cast.garage, UPLOADS)
    link, _ = await a_link(cast, cast.garage)
    form = {"purpose": ASKED, "days": "14", "max_files": "5", "max_mb": "10", "email": ""}
    async with browser(cast.rik) as rik, browser(cast.ed) as ed:
        of_rik = await rik.post(upload_links.make.url(folder_id=folder), data=form)
        of_ed = await ed.post(upload_links.make.url(folder_id=other), data=form)
        ending = await ed.post(upload_links.end.url(link_id=link.id))
        listed = await ed.get(upload_links.list_.url(client_id=cast.garage))

    assert [one.status_code for one in (of_rik, of_ed, ending, listed)] == [404, 404, 404, 404]
    assert await UploadLink.count() == 1 and (await UploadLink.objects().first()).ended_at is None
