"""What stands in files is read, whatever they are; and no file, however it was made, does more than not being read."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from models import config, engine, texts
from models.backup import backup, restore
from models.content_type import detect
from models.dossiers import NewDocument
from models.finding import find_documents
from models.storage import reset as forget_storage
from models.storage import storage
from models.texts import reading
from tests import hostile, papers
from tests.models.test_finding import folder_of_client, keep_up, names

WORDS = "Wintertarwe côte d'azur"
needs_tesseract = pytest.mark.skipif(not shutil.which("tesseract"), reason="Tesseract is not installed")
HOSTILE = sorted((Path(__file__).parents[1] / "data" / "hostile").iterdir())


async def kept(cast: Any, name: str, content: bytes, mime: str = "") -> Any:
    """A document of these bytes."""
    stored = await storage().put(content)
    mime = mime or papers.MIMES[name.rpartition(".")[2]]
    folder = await folder_of_client(cast.bakkerij)
    return (await folder.add_documents([NewDocument(name, stored.sha256, stored.size, mime)], by=cast.anna))[0]


async def state_of(document: Any) -> dict[str, Any]:
    return (await engine.raw("SELECT state, pages, tries, body FROM document_text WHERE sha256 = $1", document.sha256))[
        0
    ]


async def text_of(cast: Any, name: str, content: bytes) -> str:
    document = await kept(cast, name, content)
    await keep_up()
    row = await state_of(document)
    assert row["state"] == "done", row
    return zlib.decompress(row["body"]).decode()


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.docx", papers.docx(WORDS)), ("a.odt", papers.odt(WORDS)), ("a.xlsx", papers.xlsx(WORDS)), ("a.pptx", papers.pptx("een", WORDS)),
        ("a.eml", papers.eml(WORDS)), ("a.rtf", papers.rtf(WORDS)), ("a.pdf", papers.pdf("een", WORDS)), ("a.txt", WORDS.encode()),
        ("b.txt", WORDS.encode("cp1252")), ("c.txt", WORDS.encode("utf-16")), ("a.csv", f"naam;plaats\r\n1;{WORDS}\r\n".encode()),
        ("a.xml", f"<a b='c'><d>{WORDS}</d></a>".encode()), ("a.html", b"<style>p {}</style><p>Wintertarwe <b>c&ocirc;te</b> d'azur<script>verborgen()</script>"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
async def test_words_are_read_in_every_kind_of_file(cast, name, content):
    said = await text_of(cast, name, content)

    assert " ".join(said.split()).find(WORDS) >= 0 or "Wintertarwe côte" in " ".join(said.split())
    assert "verborgen" not in said.lower()
    assert names(await find_documents(cast.anna, "wintertarwe cote")) == [name]


async def test_a_hit_names_its_page(cast):
    document = await kept(cast, "boek.pdf", papers.pdf("eerste", "tweede schildpad", "derde"))
    await keep_up()

    hit = (await find_documents(cast.anna, "schildpad")).hits[0]

    assert (hit.id, hit.page) == (document.id, 2)
    assert (await state_of(document))["pages"] == 3


@needs_tesseract
@pytest.mark.parametrize(
    "name, content",
    [
        ("foto.png", papers.photo(["Hoefijzerfabriek", "belastingdienst"])),
        ("foto.jpg", papers.photo(["Hoefijzerfabriek", "belastingdienst"], "JPEG", turned=True)),
        ("scan.pdf", papers.scan("eerste bladzijde", "Hoefijzerfabriek belastingdienst")),
    ],
    ids=["picture", "turned photo", "scan"],
)
async def test_letters_are_read_off_pictures(cast, name, content):
    await kept(cast, name, content)
    await keep_up()

    assert names(await find_documents(cast.anna, "hoefijzerfabriek")) == [name]


@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path.name)
async def test_hostile_files_end_in_a_known_state(cast, path):
    content = path.read_bytes()
    document = await kept(cast, path.name, content, detect(content[:65536], path.name).mime)
    began = time.monotonic()
    await keep_up()

    assert (await state_of(document))["state"] in ("done", "none", "failed", "too_big")
    assert time.monotonic() - began < 60


def _bomb_of_office(tmp: Path) -> bytes:
    path = hostile.bomb(tmp / "x", "sharedStrings.xml", unpacked=3 << 30, said=100)
    content = path.read_bytes()
    return content


def _laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "ha">{entities}]><a>&l11;</a>'.encode()


def _wide_picture() -> bytes:
    held = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(held, "PNG")
    return held.getvalue()


@pytest.mark.parametrize(
    "name, make",
    [
        ("bom.xlsx", _bomb_of_office), ("cellen.xlsx", lambda tmp: hostile.one_text_in_many_cells(tmp / "y").read_bytes()),
        ("bom.docx", lambda tmp: papers.zipped(word__document_xml=b"<a>" + b" " * (200 << 20) + b"</a>")),
        ("lach.xml", lambda tmp: _laughs()), ("breed.png", lambda tmp: _wide_picture()),
        ("diep.xml", lambda tmp: b"<a>" * 300_000), ("diep.html", lambda tmp: b"<div>" * 1_000_000), ("diep.rtf", lambda tmp: b"{\\rtf1" + b"{" * 3_000_000),
        ("lang.txt", lambda tmp: b"woord " * 3_000_000), ("een.txt", lambda tmp: b"x" * 9_000_000),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
async def test_bombs_go_off_outside(cast, tmp_path, name, make):
    """In the other process, within its limits; here nothing grows, and the document is found by its name."""
    document = await kept(cast, name, make(tmp_path))
    began = time.monotonic()
    await keep_up()

    row = await state_of(document)
    assert row["state"] in ("done", "none", "failed", "too_big")
    assert len(zlib.decompress(row["body"]) if row["body"] else b"") <= 4_000_000
    assert time.monotonic() - began < 120
    assert names(await find_documents(cast.anna, name.partition(".")[0])) == [name]


async def _children(word: str) -> list[int]:
    found = []
    for place in Path("/proc").iterdir():
        try:
            if place.name.isdecimal() and word in (place / "cmdline").read_text().replace("\0", " "):
                found.append(int(place.name))
        except OSError:
            continue
    return found


async def test_a_reader_that_is_killed_is_tried_three_times_and_then_left(cast):
    """kill -9 each time it begins; what else there is to read is read all the same."""
    stays = await kept(cast, "stekelvarken.pdf", papers.pdf(*["egel"] * 4000))
    await texts.keep_up()
    for attempt in range(1, reading.TRIES + 1):
        work = asyncio.create_task(texts.read_next())
        while not (mine := [pid for pid in await _children("models.extracting pdf") if _is_ours(pid)]):
            await asyncio.sleep(0.005)
        os.kill(mine[0], signal.SIGKILL)
        assert await work
        assert ((await state_of(stays))["tries"], (await state_of(stays))["state"]) == (attempt, "waiting")
    other = await kept(cast, "egel.txt", b"stekels")
    await keep_up()

    assert (await state_of(stays))["state"] == "failed"
    assert (await state_of(other))["state"] == "done"
    assert names(await find_documents(cast.anna, "stekelvarken")) == ["stekelvarken.pdf"]


def _is_ours(pid: int) -> bool:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) == os.getpid()
    except OSError:
        return False


async def test_a_try_counts_before_it_begins(cast):
    """Else what kills the worker itself would be asked for ever."""
    document = await kept(cast, "x.pdf", papers.pdf("x"))
    await texts.keep_up()
    await engine.raw("UPDATE document_text SET tries = 3 WHERE sha256 = $1", document.sha256)
    await keep_up()

    assert (await state_of(document))["state"] == "failed"


async def test_bytes_that_are_gone_and_kinds_without_text(cast):
    gone = await kept(cast, "weg.pdf", papers.pdf("weg"))
    await storage().delete(gone.sha256)
    film = await kept(cast, "film.mp4", b"beeld", "video/mp4")
    await keep_up()

    assert [(await state_of(one))["state"] for one in (gone, film)] == ["failed", "none"]


async def test_equal_bytes_are_read_once_and_the_newest_first(cast):
    order = [await kept(cast, f"d{number}.txt", f"inhoud {number}".encode()) for number in range(3)]
    twin = await kept(cast, "nog eens.txt", b"inhoud 0")
    while await texts.keep_up():
        pass
    await engine.raw("DELETE FROM document_text WHERE sha256 NOT IN ($1, $2, $3)", *(one.sha256 for one in order))

    assert await texts.read_next()
    done = await engine.raw("SELECT sha256 FROM document_text WHERE state = 'done'")
    assert [row["sha256"] for row in done] == [twin.sha256]
    await keep_up()
    assert sorted(names(await find_documents(cast.anna, '"inhoud 0"'))) == ["d0.txt", "nog eens.txt"]


def test_the_reader_has_no_network_and_no_secrets():
    """Where the system lets it part with the network (as root, or where users may make namespaces)."""
    code = (
        "import socket, sys; from models.extracting.__main__ import without_network\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "if not without_network(): print('kept'); sys.exit()\n"
        "try: socket.create_connection(server.getsockname(), timeout=2); print('through')\n"
        "except OSError: print('apart')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])

    assert done.stdout.strip() in ("apart", "kept"), done.stderr
    if done.stdout.strip() == "kept":
        pytest.skip("this system lets nobody part with the network")


@pytest.fixture
def own_storage(tmp_path, monkeypatch):
    monkeypatch.setenv("POORT_VAR", str(tmp_path / "var"))
    config.reset()
    forget_storage()
    yield monkeypatch
    monkeypatch.undo()
    config.reset()
    forget_storage()


async def test_bytes_in_an_object_store_are_read_too(cast, own_storage, buckets):
    own_storage.setenv("STORAGE_URL", buckets.fresh())
    config.reset()
    forget_storage()
    await kept(cast, "ver weg.pdf", papers.pdf("zeekomkommer"))
    await keep_up()

    assert names(await find_documents(cast.anna, "zeekomkommer")) == ["ver weg.pdf"]


async def test_a_backup_brings_back_what_is_found_on_the_other_database(cast, own_storage, tmp_path):
    """The indexes are not in it: they are made again from the documents, whichever database that is."""
    from tests.databases import Databases

    other = "postgres" if engine.is_sqlite() else "sqlite"
    await kept(cast, "Zandloper.pdf", papers.pdf("korreltjes"))
    await keep_up()
    await backup(tmp_path / "alles.zip")
    inside = zipfile.ZipFile(tmp_path / "alles.zip").namelist()
    assert not {f"tables/{name}.jsonl" for name in ("document_text", "document_deep", "search_word")} & set(inside)

    async with Databases().copy(other):
        await restore(tmp_path / "alles.zip")
        from tests.cast import assemble

        again = await assemble()
        assert names(await find_documents(again.anna, "zandloper")) == ["Zandloper.pdf"]
        await keep_up()
        for typed in ("korreltjes", "korreltje", "zandlopers"):
            assert names(await find_documents(again.anna, typed)) == ["Zandloper.pdf"], typed
