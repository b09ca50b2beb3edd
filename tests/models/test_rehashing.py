"""A stored file that was damaged or lost is found, named and told of once, and is whole again when its bytes are put back."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from models import checkup, config, engine, storage
from models.dossiers import Document, NewDocument
from models.dossiers.versions import replace
from models.keeping import rehashing
from models.settings import Firm, utcnow
from models.storage import folder as folders
from tests.cast import Cast
from tests.models.keeping import folder_with, paper


@pytest.fixture(params=["folder", "s3"], autouse=True)
def stored(request, tmp_path, monkeypatch) -> Iterator[str]:
    monkeypatch.setenv("POORT_VAR", str(tmp_path))
    if request.param == "s3":
        monkeypatch.setenv("STORAGE_URL", request.getfixturevalue("buckets").fresh())
    config.reset()
    yield request.param
    monkeypatch.undo()
    config.reset()


async def damage(sha256: str, content: bytes | None) -> None:
    """As a failing disk does it: other bytes under the same name, or none."""
    store = storage.open_storage(config.settings().storage_url)
    if content is None:
        await store.delete(sha256)
    elif isinstance(store, folders.FolderStorage):
        store.path_of(sha256).write_bytes(content)
    else:
        import obstore

        await obstore.put_async(store.s3, store.path_of(sha256), content)


@pytest.fixture(autouse=True)
async def nothing_else(cast: Cast) -> None:
    """The papers of the sample office have their bytes in another storage."""
    await engine.raw("DELETE FROM document")
    await engine.raw("DELETE FROM errand")


async def everything_checked() -> None:
    await rehashing.know_all()
    while await rehashing.check_due(utcnow(), pace=0):
        pass


async def test_a_whole_file_is_good_and_its_turn_comes_again(cast: Cast) -> None:
    one = await paper(cast, await folder_with(cast, "Map"), "heel.txt")
    await everything_checked()

    row = (await engine.raw("SELECT state, checked_at FROM file_check WHERE hash = $1", one.sha256))[0]
    assert row["state"] == "good" and row["checked_at"] > utcnow() - dt.timedelta(minutes=1)
    assert await rehashing.check_due(utcnow() + dt.timedelta(days=60), pace=0) == 0
    assert await rehashing.check_due(utcnow() + dt.timedelta(days=73), pace=0) > 0


async def test_a_damaged_and_a_lost_file_are_named_once_and_healed(cast: Cast, tmp_path: Path) -> None:
    folder = await folder_with(cast, "Map")
    one, two = await paper(cast, folder, "stuk.txt", b"zoals het was"), await paper(cast, folder, "weg.txt", b"weg")
    newer = await rehashing.storage().put(b"nieuwer")
    await engine.run_writing(
        lambda: replace(one, NewDocument("stuk.txt", newer.sha256, newer.size, "text/plain"), by=cast.anna)
    )
    first = (await engine.raw("SELECT sha256 FROM document_version WHERE document = $1", one.id))[0]["sha256"]
    await damage(first, b"Zoals het was")
    await damage(two.sha256, None)

    await everything_checked()
    assert await rehashing.tell_of_broken(utcnow()) == 0  # a dying disk takes many: they are gathered
    assert await rehashing.tell_of_broken(utcnow() + dt.timedelta(minutes=11)) == 2
    await everything_checked()
    assert await rehashing.tell_of_broken(utcnow() + dt.timedelta(days=3)) == 0

    found = {row["hash"]: row for row in await rehashing.broken() if row["hash"] in (first, two.sha256)}
    assert {row["state"] for row in found.values()} == {"broken", "missing"}
    (use,) = found[first]["uses"]
    assert (use["kind"], use["name"], use["version"], use["client_name"]) == (
        "version",
        "stuk.txt",
        1,
        "Bakkerij Jansen B.V.",
    )
    mails = await engine.raw("SELECT person FROM errand WHERE kind = 'broken_files'")
    assert [mail["person"] for mail in mails] == [cast.anna.user.id]
    said = dict(await checkup.full())["files"]
    assert "stuk.txt (versie 1) van Bakkerij Jansen B.V." in said and "weg.txt" in said

    (tmp_path / "kopie").write_bytes(b"zoals het was")
    assert await rehashing.mend(tmp_path / "kopie") == (first, "good")
    (tmp_path / "vreemd").write_bytes(b"van niemand")
    assert (await rehashing.mend(tmp_path / "vreemd"))[1] == ""
    await rehashing.storage().put(b"weg")  # somebody uploads the same file again
    await rehashing.check_due(utcnow() + dt.timedelta(hours=2), pace=0)

    assert not [row for row in await rehashing.broken() if row["hash"] in (first, two.sha256)]


async def test_two_workers_share_a_round_and_a_dead_ones_file_is_taken_up(cast: Cast) -> None:
    folder = await folder_with(cast, "Map")
    papers = [await paper(cast, folder, f"stuk {n}.txt") for n in range(8)]
    await rehashing.know_all()
    now = utcnow()
    left = await rehashing._claim(now, now)  # by a worker that then died

    await asyncio.gather(*(rehashing.check_due(now, pace=0) for _ in range(6)))

    states = {row["hash"]: row["state"] for row in await engine.raw("SELECT hash, state FROM file_check")}
    assert left is not None and states[left] == "new"
    await rehashing.check_due(now + dt.timedelta(hours=2), pace=0)
    states = {row["hash"]: row["state"] for row in await engine.raw("SELECT hash, state FROM file_check")}
    assert {states[one.sha256] for one in papers} == {"good"}


async def test_a_store_that_does_not_answer_says_nothing_of_a_file(cast: Cast, monkeypatch) -> None:
    one = await paper(cast, await folder_with(cast, "Map"), "heel.txt")
    await rehashing.know_all()
    monkeypatch.setenv("STORAGE_URL", "s3://weg?endpoint=http://127.0.0.1:9&region=x")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    config.reset()

    assert await rehashing.check(one.sha256) == ""
    assert (await engine.raw("SELECT state FROM file_check WHERE hash = $1", one.sha256))[0]["state"] == "new"


async def test_rows_follow_what_records_refer_to(cast: Cast) -> None:
    one = await paper(cast, await folder_with(cast, "Map"), "heel.txt")
    await Firm.update({Firm.logo: "c" * 64}, force=True)
    await rehashing.know_all()
    await Document.delete().where(Document.id == one.id)
    await rehashing.know_all()

    hashes = {row["hash"] for row in await engine.raw("SELECT hash FROM file_check")}
    assert "c" * 64 in hashes and one.sha256 not in hashes
