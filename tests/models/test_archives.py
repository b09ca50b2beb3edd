"""Archives that would flood whoever unpacks them are told and refused in words; ordinary ones, however large, are not."""

from __future__ import annotations

import contextlib
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.content_type import archives, detect
from models.content_type.archives import look_inside
from models.core import Say
from models.storage import Storage, open_storage
from tests.hostile import bomb, one_text_in_many_cells, rows_in_a_workbook

MB = 1024 * 1024
HOSTILE = Path(__file__).parents[1] / "data" / "hostile"


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return open_storage(f"file://{tmp_path}/files")
    return open_storage(request.getfixturevalue("buckets").fresh())


async def said(store: Storage, content: bytes, name: str = "stukken.zip") -> Say | None:
    stored = await store.put(content)
    return await look_inside(store, stored.sha256, stored.size, name, detect(stored.head, name).mime)


def zipped(*files: tuple[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return file.getvalue()


def zeros(size: int) -> bytes:
    """Deflated nothing: a thousandth of what it becomes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join(packer.compress(bytes(min(MB, size - at))) for at in range(0, size, MB)) + packer.flush()


def written(packed: bytes, unpacked: int, name: bytes = b"a", *, times: int = 1, count: int = 1) -> bytes:
    """An archive of `count` files, each said to be so large; with `times` the directory names each so often."""
    body, directory = b"", b""
    for n in range(count):
        own = name + b"%d" % n
        at = len(body)
        body += (
            struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 0, 0, len(packed), min(unpacked, 0xFFFFFFFE), len(own), 0)
            + own
            + packed
        )
        for again in range(times):
            line = own + b"-%d" % again
            directory += struct.pack(
                "<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 0, 0, len(packed), min(unpacked, 0xFFFFFFFE), len(line), 0, 0, 0, 0, 0, at
            ) + line  # fmt: skip
    entries = count * times
    return body + directory + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, entries, entries, len(directory), len(body), 0)


def nested(depth: int) -> bytes:
    """As 42.zip: sixteen archives in an archive, so often, with gigabytes of nothing at the bottom."""
    content = written(zeros(64 * MB), 4 * 1024 * MB - 2)
    for _ in range(depth):
        content = zipped(*((f"{n}.zip", content) for n in range(16)))
    return content


BOMBS: dict[str, Callable[[], bytes]] = {
    "one file of gigabytes": lambda: written(zeros(4000 * MB // 1000), 4 * 1024 * MB - 2),
    "many files of much": lambda: written(zeros(MB), 100 * MB, count=30),
    "files that share their bytes": lambda: written(zeros(MB), MB, times=2000),
    "archives in archives": lambda: nested(3),
    "more than it says": lambda: written(zeros(60 * MB), 5000),
    "stored, and more than it says": lambda: zipped(("a", b"x" * 9000), how=zipfile.ZIP_STORED).replace(struct.pack("<2I", 9000, 9000), struct.pack("<2I", 9000, 10)),
}  # fmt: skip


@pytest.mark.parametrize("which", BOMBS)
async def test_a_bomb_is_refused_in_words(store: Storage, which: str) -> None:
    why = await said(store, BOMBS[which]())

    assert why is not None and "zip-bom" in str(why) and "stukken.zip" in str(why)


@pytest.mark.parametrize("unpacked, told", [(3 * 1024 * MB, 3 * 1024 * MB), (300 * MB, 900)])
@pytest.mark.parametrize("part", ["worksheets/sheet1.xml", "sharedStrings.xml"])
async def test_a_workbook_that_unpacks_to_gigabytes_is_refused(
    store: Storage, tmp_path: Path, part: str, unpacked: int, told: int
) -> None:
    path = bomb(tmp_path / "x.xlsx", part, unpacked=unpacked, said=told)

    assert await said(store, path.read_bytes(), "x.xlsx") is not None


async def test_ordinary_archives_and_workbooks_pass(store: Storage, tmp_path: Path) -> None:
    papers = zipped(*((f"{n}.txt", b"Een brief aan de belastingdienst. " * 400) for n in range(300)))

    assert await said(store, papers) is None
    assert await said(store, zipped()) is None
    assert await said(store, zipped(("stukken.zip", papers), ("x.pdf", b"%PDF-1.4"))) is None
    assert await said(store, rows_in_a_workbook(tmp_path / "a.xlsx", 40_000).read_bytes(), "a.xlsx") is None
    assert await said(store, one_text_in_many_cells(tmp_path / "b.xlsx").read_bytes(), "b.xlsx") is None
    assert await said(store, b"%PDF-1.4 " + b"PK\5\6" + bytes(90), "x.pdf") is None


async def test_a_large_archive_is_told_by_its_directory_alone(store: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "TRIED", 1000)

    assert await said(store, BOMBS["one file of gigabytes"]()) is not None
    assert await said(store, BOMBS["files that share their bytes"]()) is not None
    assert await said(store, zipped(("a.txt", b"x" * 5_000_000), ("b.bin", b"y" * 20_000))) is None


@pytest.mark.parametrize("name", sorted(path.name for path in HOSTILE.iterdir() if path.suffix in (".zip", ".xlsx")))
async def test_what_is_only_strange_is_kept(store: Storage, name: str) -> None:
    """Names that climb out of their folder, many small files, half a workbook: nothing of ours unpacks them by those names."""
    assert await said(store, (HOSTILE / name).read_bytes(), name) is None


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
async def test_broken_archives_break_nothing(end: bytes, at: int, byte: int) -> None:
    content = bytearray(zipped(("a.txt", b"x" * 300), ("b.txt", b"y" * 10)) + end)
    content[at % len(content)] = byte
    with contextlib.suppress(archives._Bomb):
        archives._try(bytes(content), len(content), archives._Effort(), 0)
