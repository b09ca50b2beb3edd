"""Folders as a ZIP: all that one may see and no more, under names that every system takes, and never a lie about what is in it."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from models import config, engine
from models.core import fold
from models.dossiers import Document, Folder, dossier_of
from models.dossiers.zipping import entries
from models.settings import utcnow
from models.storage import StorageDown, storage
from tests import buckets as s3
from tests.cast import Cast
from web.zips import _Archive

Browsers = Callable[..., Any]


async def folder(cast: Cast, name: str, parent: int | None = None, kind: str = "office") -> int:
    """A folder in the dossier of Bakkerij Jansen; names may be ones that no interface would take."""
    dossier = await dossier_of(cast.anna, cast.bakkerij)
    assert dossier is not None
    made = Folder(
        dossier=dossier.id,
        client=cast.bakkerij,
        parent=parent,
        name=name,
        name_key=fold(name),
        kind=kind,
        created_at=utcnow(),
    )
    await made.save()
    return int(made.id)


async def document(cast: Cast, folder: int, name: str, data: bytes, **more: Any) -> int:
    stored = await storage().put(data)
    values: dict[str, Any] = {
        "folder": folder, "client": cast.bakkerij, "name": name, "name_key": fold(name), "sha256": stored.sha256, "size": stored.size,
        "mime": "text/plain", "source": "office", "uploaded_at": utcnow(), "published_at": utcnow(),
    }  # fmt: skip
    made = Document(**values | more)
    await made.save()
    return int(made.id)


def opened(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


async def test_names_are_right_on_windows_and_twins_are_told_apart(cast: Cast, browser: Browsers) -> None:
    top = await folder(cast, "Rare namen")
    inner = await folder(cast, "CON", top)
    await folder(cast, "Leeg", top)
    await document(cast, inner, "nul.txt", b"a")
    for n, name in enumerate(["Café.pdf", "cafe.PDF", "punt.", "a:b?.txt", "日本.txt"]):
        await document(cast, top, name, b"%d" % n)
    way = top
    for n in range(8):
        way = await folder(cast, f"{n} " + "heel diep " * 8, way)
    await document(cast, way, "lang " * 40 + ".txt", b"z")
    async with browser(cast.anna) as anna:
        reply = await anna.get(f"/folders/{top}/zip")

    found = opened(reply.content)
    assert int(reply.headers["content-length"]) == len(reply.content)
    assert found["_CON/_nul.txt"] == b"a" and found["日本.txt"] == b"4"
    assert not any(name.endswith("/") for name in found), "folders in which nothing lies are not there"
    assert len({fold(name) for name in found}) == len(found) == 7
    for name in found:
        assert len(name) < 240 and not re.search(r'[<>:"|?*\\]', name)
        assert all(
            part == part.rstrip(". ") and part.split(".")[0].lower() not in ("con", "nul") for part in name.split("/")
        )
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        assert all(info.flag_bits & 0x800 for info in archive.infolist() if not info.filename.isascii())


async def test_a_client_takes_his_own_dossier_along_and_nothing_that_he_does_not_see(
    cast: Cast, browser: Browsers
) -> None:
    top = await folder(cast, "Voor de cliënt")
    secret = await folder(cast, "Interne map", kind="internal")
    own = await folder(cast, "Aanleveren eigen", kind="upload")
    await engine.raw("UPDATE folder SET own_only = $1 WHERE id = $2", True, own)
    await document(cast, top, "zichtbaar.txt", b"ja")
    await document(cast, top, "concept.txt", b"nee", state="draft")
    await document(cast, secret, "intern.txt", b"nee")
    await document(cast, own, "van fem.txt", b"nee", source="client", uploaded_by=cast.fem.user.id)
    await document(cast, own, "van rik.txt", b"ja", source="client", uploaded_by=cast.rik.user.id)
    async with browser(cast.rik) as rik, browser(cast.sam) as sam, browser(cast.fem) as fem, browser(cast.anna) as anna:
        page = await rik.get(f"/portal/dossier?client={cast.bakkerij}")
        mine = await rik.get(f"/portal/dossier/zip?client={cast.bakkerij}")
        others = [(await one.get(f"/portal/dossier/zip?client={cast.bakkerij}")).status_code for one in (sam, fem)]
        looked = await anna.get(f"/view-as/{cast.rik.user.id}/portal/dossier/zip?client={cast.bakkerij}")

    names = set(opened(mine.content))
    assert f"/portal/dossier/zip?client={cast.bakkerij}" in page.text
    assert {"Voor de cliënt/zichtbaar.txt", "Aanleveren eigen/van rik.txt"} <= names
    assert not [name for name in names if "concept" in name or "intern" in name.lower() or "fem" in name]
    assert others == [404, 404] and set(opened(looked.content)) == names
    people = await engine.raw(
        "SELECT DISTINCT person FROM reading WHERE downloaded_at IS NOT NULL AND client = $1", cast.bakkerij
    )
    assert {row["person"] for row in people} == {cast.rik.user.id}, "who looks on leaves no trace"


async def test_the_office_takes_a_whole_dossier_along(cast: Cast, browser: Browsers) -> None:
    dossier = await dossier_of(cast.anna, cast.bakkerij)
    assert dossier is not None
    async with browser(cast.anna) as anna:
        reply = await anna.get(f"/dossiers/{dossier.id}/zip")

    count = (
        await engine.raw("SELECT count(*) AS n FROM document WHERE client = $1 AND trashed_at IS NULL", cast.bakkerij)
    )[0]["n"]
    assert len(opened(reply.content)) == count > 1


@pytest.mark.parametrize("kind", ["folder", "bucket"])
async def test_what_the_storage_lost_is_named_and_what_it_damaged_breaks_it_off(
    cast: Cast, browser: Browsers, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "bucket":
        server: s3.Buckets = request.getfixturevalue("buckets")
        monkeypatch.setenv("STORAGE_URL", server.fresh())
        config.reset()
    try:
        top = await folder(cast, "Halve map")
        await document(cast, top, "goed.txt", b"goed")
        lost = await storage().put(b"weg %s" % kind.encode())
        await document(cast, top, "weg.txt", b"weg %s" % kind.encode())
        await storage().delete(lost.sha256)
        async with browser(cast.anna) as anna:
            partly = await anna.get(f"/folders/{top}/zip")
        found = opened(partly.content)
        assert found["goed.txt"] == b"goed" and b"weg.txt" in found["ONTBREEKT.txt"] and len(found) == 2

        stored = await storage().put(b"0123456789")
        await document(cast, top, "kapot.txt", b"0123456789", sha256="a" * 64)
        wrong = [entry for entry in await entries(cast.anna, [top]) if entry.path == "goed.txt"]
        broken = type(wrong[0])(wrong[0].id, "kapot.txt", "b" * 64, stored.size)
        archive = _Archive(_Lying(stored.sha256), [broken])
        with pytest.raises(StorageDown):
            _ = [piece async for piece in archive.pieces()]
    finally:
        monkeypatch.undo()
        config.reset()


class _Lying:
    """A storage whose disk gives other bytes than were put there."""

    def __init__(self, real: str) -> None:
        self._real = real

    async def read(self, sha256: str) -> bytes:
        return await storage().read(self._real)


async def test_a_browser_that_leaves_ends_the_work(cast: Cast) -> None:
    import threading

    top = await folder(cast, "Groot")
    for n in range(40):
        await document(cast, top, f"{n}.bin", bytes([n]) * 400_000)
    archive = _Archive(storage(), await entries(cast.anna, [top]))
    pieces = archive.pieces()

    await anext(pieces)
    await pieces.aclose()

    assert not [thread for thread in threading.enumerate() if thread.name == "zip"]
