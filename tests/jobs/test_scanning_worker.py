"""The worker looks at what waits by itself, also after the scanner was away, and who looks after the client hears of a virus by mail."""

from __future__ import annotations

import asyncio

from jobs import scanning
from models import storage as stores
from models.dossiers import Document, Folder, NewDocument
from models.scanning.records import Scan, Scanner
from tests.cast import Cast
from tests.handing_in import responsible_only
from tests.jobs.posting import post_all, until
from tests.scanner import EICAR, Clamd
from tests.smtp import Sink


async def test_the_worker_finds_a_virus_and_the_responsible_colleague_reads_of_it(
    cast: Cast, clamd: Clamd, smtp_sink: Sink
) -> None:
    await responsible_only(cast.bakkerij, cast.ed)
    stored = await stores.storage().put(b"bon " + EICAR)
    folder = await Folder.objects().where((Folder.client == cast.bakkerij) & (Folder.kind == "upload")).first()
    assert folder is not None
    await folder.hand_in([NewDocument("bon <1>.txt", stored.sha256, stored.size, "text/plain")], by=cast.rik)

    looking = asyncio.create_task(scanning.scan_for_ever())
    found = await until(lambda: Scan.exists().where((Scan.sha256 == stored.sha256) & (Scan.state == "infected")))
    looking.cancel()
    await post_all()

    (taken,) = [one for one in smtp_sink.taken if "virus" in str(one.message["Subject"])]
    assert found and taken.address == "ed@kantoor.example"
    assert "Eicar-Test-Signature" in taken.text and "bon <1>.txt" in taken.text and "/documents/" in taken.text


async def test_the_worker_says_that_the_scanner_is_away_and_goes_on_when_it_is_back(
    cast: Cast, clamd: Clamd, monkeypatch
) -> None:
    monkeypatch.setattr(scanning, "DOWN_SECONDS", 0.05)
    stored = await stores.storage().put(b"een brief")
    clamd.pause()
    looking = asyncio.create_task(scanning.scan_for_ever())
    await until(lambda: Scanner.exists().where(Scanner.down_since.is_not_null()))
    document = await Document.objects().first()
    assert document is not None
    folder = await Folder.objects().where(Folder.id == document.folder).first()
    assert folder is not None
    await folder.put_documents([NewDocument("brief.txt", stored.sha256, stored.size, "text/plain")], by=cast.anna)
    assert not await Scan.exists().where((Scan.sha256 == stored.sha256) & (Scan.state != "waiting"))

    clamd.resume()
    await until(lambda: Scan.exists().where((Scan.sha256 == stored.sha256) & (Scan.state == "clean")), 20)
    looking.cancel()

    assert await Scanner.exists().where(Scanner.down_since.is_null())
