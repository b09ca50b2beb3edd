"""What comes in is shut until the scanner has called it clean, whoever asks and by whatever way; a scanner that is down lets nothing pass."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import time
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from models import config, engine
from models import storage as stores
from models.audit import Trail
from models.core import save
from models.dossiers import Document, DocumentVersion, Reading
from models.dossiers.structures import Selection
from models.outbox import Errand
from models.requests import RequestItem, make_requests
from models.scanning import Shut, open_sql, require_open, shut_among
from models.scanning import clamd as protocol
from models.scanning.enlisting import begin, enlist_missed
from models.scanning.records import Scan, Scanner
from models.scanning.working import drop_destroyed, look_at_scanner, round_, scan_now
from tests.cast import Cast
from tests.models.test_placing import number_of, work
from tests.scanner import EICAR, Clamd
from tests.web.test_documents import PDF, UPLOADS, own_storage, put, the_one_in  # noqa: F401
from tests.web.test_folders import Browsers, id_of
from tests.web.test_placing import FORM, begun
from web import placing as pages
from web import scanning

SICK = b"%PDF-1.4\n" + EICAR + b"\n%%EOF\n"


async def chunks_of(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def until_looked_at() -> None:
    while await round_():
        pass


async def state_of(document: Document) -> str:
    found = await Scan.objects().where(Scan.sha256 == document.sha256).first()
    assert found is not None
    return str(found.state)


# the protocol


async def test_a_clean_file_is_clean_and_a_test_virus_is_found_with_its_name(clamd: Clamd) -> None:
    clean = await protocol.scan(clamd.url, chunks_of(b"x" * 700_000, b"y"))
    sick = await protocol.scan(clamd.url, chunks_of(EICAR[:30], EICAR[30:]))

    assert clean == protocol.Verdict("clean")
    assert sick == protocol.Verdict("infected", "Eicar-Test-Signature")


async def test_a_socket_of_the_machine_works_too(tmp_path: Path) -> None:
    scanner = Clamd(f"{tmp_path}/clamd.ctl")

    assert (await protocol.scan(scanner.url, chunks_of(EICAR))).state == "infected"
    scanner.stop()


async def test_what_is_larger_than_the_scanner_takes_is_not_clean(clamd: Clamd) -> None:
    clamd.most = 100_000

    verdict = await protocol.scan(clamd.url, chunks_of(*(bytes(1_000_000) for _ in range(20))))

    assert verdict.state == "too_large"


@pytest.mark.parametrize("mood", ["dies", "garbled", "error"])
async def test_no_verdict_is_made_of_what_is_none(clamd: Clamd, mood: str) -> None:
    clamd.mood = mood

    with pytest.raises(protocol.Strange):
        await protocol.scan(clamd.url, chunks_of(b"x" * 300_000, b"y" * 300_000))


async def test_a_scanner_that_falls_silent_is_not_waited_for_for_ever(clamd: Clamd, monkeypatch: Any) -> None:
    clamd.mood = "silent"
    monkeypatch.setattr(protocol, "SILENCE_SECONDS", 0.3)

    with pytest.raises(protocol.Strange):
        await protocol.scan(clamd.url, chunks_of(b"x"))


async def test_where_nobody_listens_it_is_down(clamd: Clamd) -> None:
    clamd.stop()

    with pytest.raises(protocol.Down):
        await protocol.version(clamd.url)


# quarantine


async def test_until_it_is_looked_at_nobody_opens_it_by_any_way(cast: Cast, browser: Browsers, clamd: Clamd) -> None:
    folder = await id_of(cast.bakkerij, "2024")
    async with browser(cast.anna) as anna, browser(cast.rik) as rik:
        await put(anna, folder)
        document = await the_one_in(folder)
        at = f"/documents/{document.id}"

        for person in (anna, rik):
            for way in ("/file", "/file?show=1", "/view", "/pages/1", "/pages/1/text"):
                reply = await person.get(at + way)
                assert reply.status_code == 423 and b"xxxx" not in reply.content, way
            assert (await person.get(at + "/file", headers={"Range": "bytes=0-9"})).status_code == 423
            assert (
                await person.get(at + "/file", headers={"If-None-Match": f'"{document.sha256}"'})
            ).status_code == 423
        zipped = await rik.get(f"/folders/{folder}/zip")
        for page in (await anna.get(f"/folders/{folder}"), await rik.get(f"/portal/folders/{folder}")):
            assert document.name in page.text and "wordt gecontroleerd" in page.text
        for page in (await anna.get(at), await rik.get(f"/portal/documents/{document.id}")):
            assert "wordt nog op virussen gecontroleerd" in page.text and f"{at}/file" not in page.text

    names = zipfile.ZipFile(io.BytesIO(zipped.content)).namelist()
    assert names == ["brief.pdf.txt"] and b"xxxx" not in zipped.content
    assert await Reading.count() == await Reading.count().where(Reading.document != document.id)


async def test_clean_is_open_at_once_and_everything_works(cast: Cast, browser: Browsers, clamd: Clamd) -> None:
    folder = await id_of(cast.bakkerij, "2024")
    async with browser(cast.anna) as anna, browser(cast.rik) as rik:
        await put(anna, folder)
        document = await the_one_in(folder)
        await until_looked_at()
        file = await rik.get(f"/documents/{document.id}/file")
        page = await rik.get(f"/portal/folders/{folder}")

    assert await state_of(document) == "clean" and clamd.scanned == 1
    assert file.content == PDF and "wordt gecontroleerd" not in page.text


async def test_a_virus_stays_shut_is_named_and_told_to_who_looks_after_the_client(
    cast: Cast,
    browser: Browsers,
    clamd: Clamd,
) -> None:
    folder = await id_of(cast.bakkerij, UPLOADS)
    async with browser(cast.anna) as anna, browser(cast.rik) as rik:
        await put(rik, folder, "bon.pdf", SICK)
        document = await Document.objects().where(Document.name == "bon.pdf").first()
        assert document is not None
        await until_looked_at()
        replies = [await person.get(f"/documents/{document.id}/file") for person in (anna, rik)]
        listed = await anna.get(f"/folders/{folder}")
        overview = await anna.get("/scanning/banner")

    told = [row for row in await Errand.select() if row["kind"] == "infected"]
    lines = await Trail.select().where((Trail.operation == "Document.infected") & (Trail.record_id == document.id))
    assert [reply.status_code for reply in replies] == [423, 423]
    assert "virus gevonden" in listed.text and "Eicar-Test-Signature" in listed.text
    assert "een virus gevonden" in overview.text
    responsible = await engine.raw("SELECT person FROM responsible WHERE client = $1", cast.bakkerij)
    assert sorted(row["person"] for row in told) == sorted(row["person"] for row in responsible) and told
    assert len(lines) == 1


async def test_the_same_virus_again_is_shut_and_told_at_once_though_the_scanner_is_down(
    cast: Cast,
    browser: Browsers,
    clamd: Clamd,
) -> None:
    folder = await id_of(cast.bakkerij, UPLOADS)
    async with browser(cast.rik) as rik:
        await put(rik, folder, "bon.pdf", SICK)
        await until_looked_at()
        clamd.stop()
        before = await Errand.count().where(Errand.kind == "infected")
        await put(rik, folder, "nog een bon.pdf", SICK)

    assert await Errand.count().where(Errand.kind == "infected") > before


async def test_a_scanner_that_is_down_means_waiting_and_the_office_reads_so(
    cast: Cast,
    browser: Browsers,
    clamd: Clamd,
) -> None:
    folder = await id_of(cast.bakkerij, "2024")
    clamd.stop()
    async with browser(cast.anna) as anna:
        await put(anna, folder)
        document = await the_one_in(folder)
        with pytest.raises(protocol.Down):
            await round_()
        assert not await look_at_scanner()
        reply, overview = await anna.get(f"/documents/{document.id}/file"), await anna.get("/")
        listed = await anna.get("/scanning")

    found = await Scan.objects().where(Scan.sha256 == document.sha256).first()
    assert found is not None and found.state == "waiting" and found.tries == 0
    assert reply.status_code == 423
    assert "antwoordt niet sinds" in overview.text and "1 bestand wacht" in overview.text
    assert document.name in listed.text


async def test_when_it_is_back_it_goes_on_by_itself(cast: Cast, browser: Browsers, clamd: Clamd) -> None:
    folder = await id_of(cast.bakkerij, "2024")
    await engine.run_writing(lambda: Scanner(id=1, is_on=True, down_since=cast.anna.user.created_at).save())
    async with browser(cast.anna) as anna:
        await put(anna, folder)
        assert await look_at_scanner()
        await until_looked_at()
        overview = await anna.get("/")

    assert await state_of(await the_one_in(folder)) == "clean"
    assert "antwoordt niet sinds" not in overview.text


@pytest.mark.parametrize("mood", ["dies", "garbled", "error"])
async def test_a_broken_scan_is_tried_again_later_and_opens_nothing(
    cast: Cast,
    browser: Browsers,
    clamd: Clamd,
    mood: str,
) -> None:
    folder = await id_of(cast.bakkerij, "2024")
    clamd.mood = mood
    async with browser(cast.anna) as anna:
        await put(anna, folder)
        document = await the_one_in(folder)
        assert await round_() == 1
        assert await round_() == 0  # not due yet
        shut = await anna.get(f"/documents/{document.id}/file")
        clamd.mood = ""
        await anna.post(scanning.again.url())
        await until_looked_at()
        file = await anna.get(f"/documents/{document.id}/file")

    assert shut.status_code == 423 and file.status_code == 200


async def test_too_large_to_scan_is_not_clean_until_the_limit_is_raised(
    cast: Cast,
    browser: Browsers,
    clamd: Clamd,
) -> None:
    folder = await id_of(cast.bakkerij, "2024")
    clamd.most = 100
    async with browser(cast.anna) as anna:
        await put(anna, folder)
        document = await the_one_in(folder)
        await until_looked_at()
        shut, page = await anna.get(f"/documents/{document.id}/file"), await anna.get(f"/folders/{folder}")
        clamd.most = 10_000_000
        await anna.post(scanning.rescan.url(document_id=document.id))
        await until_looked_at()
        file = await anna.get(f"/documents/{document.id}/file")

    assert shut.status_code == 423 and "te groot om te controleren" in page.text
    assert file.status_code == 200


async def test_an_earlier_version_with_a_virus_is_shut_too(cast: Cast, browser: Browsers, clamd: Clamd) -> None:
    folder = await id_of(cast.bakkerij, "2024")
    async with browser(cast.anna) as anna:
        await put(anna, folder, "a.pdf", SICK)
        document = await the_one_in(folder)
        await anna.post(f"/documents/{document.id}/versions", files={"file": ("a.pdf", PDF)})
        fresh = await anna.get(f"/documents/{document.id}/file")
        await until_looked_at()
        now, before = (
            await anna.get(f"/documents/{document.id}/file"),
            await anna.get(f"/documents/{document.id}/versions/1/file"),
        )
        await anna.post(f"/documents/{document.id}/versions/1/return")
        again = await anna.get(f"/documents/{document.id}/file")

    assert await DocumentVersion.count().where(DocumentVersion.document == document.id) == 2
    assert [one.status_code for one in (fresh, now, before, again)] == [423, 200, 423, 423]


async def test_staff_destroy_what_has_a_virus_and_its_bytes_go(cast: Cast, browser: Browsers, clamd: Clamd) -> None:
    folder = await id_of(cast.bakkerij, "2024")
    async with browser(cast.anna) as anna:
        await put(anna, folder, "goed.pdf")
        (good,) = await Document.objects().where(Document.folder == folder)
        await put(anna, folder, "a.pdf", SICK)
        (document,) = await Document.objects().where(Document.name == "a.pdf")
        await until_looked_at()
        await anna.post(scanning.destroy.url(document_id=good.id))
        await anna.post(scanning.destroy.url(document_id=document.id))
        gone = await anna.get(f"/documents/{document.id}")

    assert await drop_destroyed() == 1
    assert gone.status_code == 404
    assert await Document.exists().where(Document.id == good.id)
    assert not await stores.storage().exists(document.sha256) and await stores.storage().exists(good.sha256)
    (line,) = await Trail.select().where(Trail.operation == "Document.destroy")
    assert json.loads(line["detail"])["sha256"] == document.sha256


async def test_clients_can_neither_destroy_nor_look_again(cast: Cast, browser: Browsers, clamd: Clamd) -> None:
    folder = await id_of(cast.bakkerij, UPLOADS)
    async with browser(cast.rik) as rik:
        await put(rik, folder, "bon.pdf", SICK)
        (document,) = await Document.objects().where(Document.name == "bon.pdf")
        replies = [await rik.post(one.url(document_id=document.id)) for one in (scanning.destroy, scanning.rescan)]

    assert [reply.status_code for reply in replies] == [404, 404]


async def test_who_may_not_see_the_client_reads_nothing_of_his_shut_files(
    cast: Cast,
    browser: Browsers,
    clamd: Clamd,
) -> None:
    folder = await id_of(cast.garage, UPLOADS)
    async with browser(cast.sam) as sam, browser(cast.ed) as ed, browser(cast.anna) as anna:
        await put(sam, folder, "geheime bon.pdf", SICK)
        await until_looked_at()
        seen = [await person.get("/scanning") for person in (ed, anna)]

    assert ["geheime bon.pdf" in page.text for page in seen] == [False, True]


async def test_an_import_with_a_virus_is_refused_and_one_without_a_scanner_waits_for_it(
    cast: Cast,
    browser: Browsers,
    clamd: Clamd,
) -> None:
    async with browser(cast.anna) as anna:
        good = await anna.post("/imports", files={"file": ("a.csv", b"Nummer;Naam\r\n1;Een\r\n")})
        sick = await anna.post("/imports", files={"file": ("b.csv", b"Nummer;Naam\r\n" + EICAR)})
        clamd.stop()
        down = await anna.post("/imports", files={"file": ("c.csv", b"Nummer;Naam\r\n2;Twee\r\n")})

    assert good.status_code == 303
    assert sick.status_code == 422 and "Eicar-Test-Signature" in sick.text
    assert down.status_code == 422 and "antwoordt niet" in down.text


# switched on later, and off


async def test_what_was_there_before_stays_open_and_is_looked_at_after_the_new(
    cast: Cast, browser: Browsers, monkeypatch: Any
) -> None:
    folder = await id_of(cast.bakkerij, "2024")
    async with browser(cast.anna) as anna:
        await put(anna, folder, "oud.pdf")
        await put(anna, folder, "oud en ziek.pdf", SICK)
        scanner = Clamd()
        monkeypatch.setenv("CLAMD_URL", scanner.url)
        config.reset()
        await begin()
        await begin()
        await put(anna, folder, "nieuw.pdf", PDF + b"nieuw")
        by_name = {one.name: one for one in await Document.objects().where(Document.folder == folder)}
        statuses = {name: (await anna.get(f"/documents/{one.id}/file")).status_code for name, one in by_name.items()}
        page = await anna.get("/scanning")
        first = await _first_claimed()
        await until_looked_at()
        after = {name: (await anna.get(f"/documents/{one.id}/file")).status_code for name, one in by_name.items()}
    scanner.stop()

    assert statuses == {"oud.pdf": 200, "oud en ziek.pdf": 200, "nieuw.pdf": 423}
    assert "Stonden er al" in page.text
    assert first == by_name["nieuw.pdf"].sha256
    assert after == {"oud.pdf": 200, "oud en ziek.pdf": 423, "nieuw.pdf": 200}


async def _first_claimed() -> str:
    rows = await engine.raw("SELECT sha256 FROM scan WHERE state = 'waiting' ORDER BY is_open, next_try, id LIMIT 1")
    return str(rows[0]["sha256"])


async def test_without_a_scanner_nothing_is_shut_but_what_was_found_sick(
    cast: Cast, browser: Browsers, monkeypatch: Any
) -> None:
    folder = await id_of(cast.bakkerij, "2024")
    scanner = Clamd()
    monkeypatch.setenv("CLAMD_URL", scanner.url)
    config.reset()
    async with browser(cast.anna) as anna:
        await put(anna, folder, "ziek.pdf", SICK)
        await until_looked_at()
        await put(anna, folder, "wacht.pdf", PDF)
        monkeypatch.delenv("CLAMD_URL")
        config.reset()
        await put(anna, folder, "zonder.pdf", PDF + b"z")
        by_name = {one.name: one for one in await Document.objects().where(Document.folder == folder)}
        statuses = {name: (await anna.get(f"/documents/{one.id}/file")).status_code for name, one in by_name.items()}
        overview = await anna.get("/")
    scanner.stop()

    assert statuses == {"ziek.pdf": 423, "wacht.pdf": 200, "zonder.pdf": 200}
    assert "virusscanner" not in overview.text.lower()


async def test_what_came_in_by_an_unknown_way_is_shut_and_found_by_the_worker(cast: Cast, clamd: Clamd) -> None:
    stored = await stores.storage().put(PDF)
    folder = await id_of(cast.bakkerij, "2024")
    await save(await Document.objects().where(Document.folder != folder).first(), sha256=stored.sha256)

    with pytest.raises(Shut):
        await require_open(stored.sha256)
    await enlist_missed()
    await engine.raw(
        "UPDATE scan SET next_try = $1 WHERE sha256 <> $2", cast.anna.user.created_at.replace(year=2099), stored.sha256
    )
    await until_looked_at()

    await require_open(stored.sha256)


async def test_the_question_to_one_to_many_and_in_sql_has_one_answer(cast: Cast, clamd: Clamd) -> None:
    rows = await engine.raw("SELECT DISTINCT sha256 FROM document ORDER BY sha256 LIMIT 6")
    hashes = [row["sha256"] for row in rows]
    assert len(hashes) == 6
    now = cast.anna.user.created_at
    states = [("clean", False), ("waiting", False), ("waiting", True), ("infected", False), ("too_large", True)]
    for sha256, (state, is_open) in zip(hashes, states, strict=False):
        await Scan(sha256=sha256, state=state, is_open=is_open, next_try=now, created_at=now).save()

    for url in (clamd.url, ""):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CLAMD_URL", url)
            config.reset()
            one = []
            for sha256 in hashes:
                try:
                    await require_open(sha256)
                    one.append(sha256)
                except Shut:
                    pass
            many = await shut_among(hashes)
            found = await engine.raw(f"SELECT DISTINCT d.sha256 FROM document d WHERE {open_sql()}")
            assert set(one) == set(hashes) - set(many) == {row["sha256"] for row in found} & set(hashes)
            assert len(one) == (2 if url else 5)
    config.reset()


async def test_who_waits_for_it_is_answered_at_once_and_the_verdict_is_kept(cast: Cast, clamd: Clamd) -> None:
    good, sick = await stores.storage().put(PDF), await stores.storage().put(SICK)

    assert await scan_now(good.sha256) is None
    assert "Eicar" in str(await scan_now(sick.sha256))
    clamd.stop()
    assert await scan_now(good.sha256) is None
    assert "Eicar" in str(await scan_now(sick.sha256))


async def test_two_workers_look_at_a_file_once(cast: Cast, browser: Browsers, clamd: Clamd) -> None:
    import asyncio

    folder = await id_of(cast.bakkerij, "2024")
    clamd.seconds = 0.2
    async with browser(cast.anna) as anna:
        for n in range(4):
            await put(anna, folder, f"{n}.pdf", PDF + bytes([n]))
    while sum(await asyncio.gather(*(round_() for _ in range(3)))):
        pass

    assert clamd.scanned == 4


def test_whoever_reads_bytes_is_known() -> None:
    """A new way to the bytes of documents asks first; who is on this list does, or reads what nobody handed in, or hands nothing
    on (a hash, a kind, the list of an archive of which each file is looked at by itself)."""
    root = Path(__file__).parents[2]
    known = {
        "models/accounts/photos.py", "models/backup/writing.py", "models/drawing/__init__.py", "models/imports/work.py",
        "models/scanning/working.py", "models/sample/making.py", "web/photos.py", "web/shell.py", "web/zips.py", "web/downloads.py",
        "models/content_type/archives.py", "models/checkup.py", "models/drawing/words.py", "models/texts/reading.py", "models/moving/exporting.py",
        "models/moving/importing.py", "models/placing/arriving.py", "models/keeping/rehashing.py", "web/receipts.py",
        # what is approved is sealed by its hash and opened by nobody here; letters and certificates are our own
        "models/certifying/completing.py", "models/certifying/verifying.py", "models/letters/making.py", "models/letters/sealed.py",
        "web/settings_certificate.py",
    }  # fmt: skip
    reads = {
        path.relative_to(root).as_posix()
        for layer in ("models", "web", "jobs")
        for path in (root / layer).rglob("*.py")
        if "models/storage" not in path.as_posix()
        and any(
            call in path.read_text(encoding="utf-8")
            for call in ("certain(storage()", "storage().open(", "storage().read(", "_store.open(", "storage.open(")
        )
    }

    sends = {path.name for path in (root / "web").glob("*.py") if "send_blob(" in path.read_text(encoding="utf-8")}
    assert reads <= known
    assert sends == {
        "downloads.py",
        "dossier_moves.py",
    }  # the latter an archive of ours, which is not made of what may not be opened


async def test_what_is_handed_in_for_a_request_shows_its_badge_on_both_sides(
    cast: Cast, browser: Browsers, clamd: Clamd
) -> None:
    await make_requests(
        Selection(who="clients", clients=(cast.bakkerij,)), "Btw", "", None, [("Bonnen", "")], "b", by=cast.anna
    )
    item = await RequestItem.objects().first()
    async with browser(cast.rik) as rik, browser(cast.anna) as anna:
        await rik.post(f"/request-items/{item.id}/documents", files=[("files", ("bon.pdf", PDF))])
        pages = [await rik.get(f"/portal/requests/{item.request}"), await anna.get(f"/requests/{item.request}")]

    assert all("bon.pdf" in page.text and "wordt gecontroleerd" in page.text for page in pages)


# the real one


@pytest.fixture
def real_clamd(tmp_path: Path) -> Iterator[str]:
    """Debian's clamd with a list of one virus, offline."""
    if shutil.which("clamd") is None:
        pytest.skip("clamav-daemon is not installed")
    lists = tmp_path / "lists"
    lists.mkdir(mode=0o755)
    (lists / "own.ndb").write_text(f"Poort.Test.EICAR:0:*:{EICAR.hex()}\n")
    socket = tmp_path / "clamd.ctl"
    (tmp_path / "clamd.conf").write_text(
        f"LocalSocket {socket}\nDatabaseDirectory {lists}\nForeground yes\nStreamMaxLength 2M\nLogFile {tmp_path}/log\nUser root\n"
    )
    process = subprocess.Popen(
        ["clamd", "-c", str(tmp_path / "clamd.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 20
        while not socket.exists() and time.monotonic() < until and process.poll() is None:
            time.sleep(0.1)
        if not socket.exists():
            pytest.skip("clamd does not start here")
        yield f"unix://{socket}"
    finally:
        process.terminate()
        process.wait(10)


async def test_the_real_clamd_says_the_same(real_clamd: str) -> None:
    assert (await protocol.version(real_clamd)).startswith("ClamAV")
    assert await protocol.scan(real_clamd, chunks_of(b"x" * 1_000_000)) == protocol.Verdict("clean")
    sick = await protocol.scan(real_clamd, chunks_of(b"pre", EICAR))
    assert sick.state == "infected" and "Poort.Test.EICAR" in sick.signature
    assert (await protocol.scan(real_clamd, chunks_of(*(bytes(1_000_000) for _ in range(9))))).state == "too_large"


async def test_what_a_case_suspends_is_not_destroyed_for_a_virus(cast: Cast, browser: Browsers, clamd: Clamd) -> None:
    folder = await id_of(cast.bakkerij, "2024")
    async with browser(cast.anna) as anna:
        await put(anna, folder, "a.pdf", SICK)
        (document,) = await Document.objects().where(Document.name == "a.pdf")
        await until_looked_at()
        hold = {"name": "Procedure", "reason": "Hoger beroep", "since": "01-01-2026"}
        made = await anna.post(f"/keeping/holds/new?folder={folder}", data=hold)
        await anna.post(scanning.destroy.url(document_id=document.id))
        page = await anna.get(f"/documents/{document.id}")

    assert made.status_code == 303 and page.status_code == 200
    assert await Document.exists().where(Document.id == document.id)


async def test_what_waits_for_a_place_is_shut_until_it_is_looked_at(
    cast: Cast, browser: Browsers, clamd: Clamd
) -> None:
    async with browser(cast.anna) as anna:
        placing = await begun(anna, ("los.pdf", PDF))
        (row,) = await engine.raw("SELECT id, sha256 FROM placement_file WHERE placement = $1", placing.id)
        at = pages.file.url(placing_id=placing.id, file_id=row["id"])
        shut = await anna.get(at)
        await enlist_missed()
        await until_looked_at()
        opened = await anna.get(at)

    assert (shut.status_code, opened.status_code, opened.content) == (423, 200, PDF)


async def test_who_is_responsible_hears_of_what_was_found_before_it_was_placed(
    cast: Cast, browser: Browsers, clamd: Clamd
) -> None:
    number = await number_of(cast.bakkerij)
    async with browser(cast.anna) as anna:
        placing = await begun(anna, (f"{number}_a.pdf", SICK))
        await enlist_missed()
        await until_looked_at()
        before = await Errand.count().where(Errand.kind == "infected")
        await anna.post(pages.settle.url(placing_id=placing.id), data=FORM)
        await anna.post(pages.start.url(placing_id=placing.id))
        await work(placing)

    assert before == 0 and await Errand.count().where(Errand.kind == "infected") > 0


async def test_what_was_found_infected_leaves_in_no_archive_when_the_scanner_is_taken_away(
    cast: Cast, browser: Browsers, clamd: Clamd, monkeypatch: Any
) -> None:
    folder = await id_of(cast.bakkerij, "2024")
    async with browser(cast.anna) as anna:
        await put(anna, folder, "a.pdf", SICK)
        await until_looked_at()
        monkeypatch.delenv("CLAMD_URL")
        config.reset()
        zipped = await anna.get(f"/folders/{folder}/zip")

    assert EICAR not in zipped.content and zipfile.ZipFile(io.BytesIO(zipped.content)).namelist() == ["a.pdf.txt"]
