"""What a hostile or odd ZIP does to placing: nothing outside the storage, nothing without end, and a reason for every file."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from models import engine
from models.placing import archive
from models.placing.archive import Archive, BadArchive
from models.placing.lists import counts_of, files_of, sources_of
from models.sample.papers import pdf
from tests import buckets as s3
from tests.cast import Cast
from tests.models.test_placing import number_of, place, placing_of, set_up, zipped

HOSTILE = Path(__file__).resolve().parents[1] / "data" / "hostile"


async def of(cast: Cast, data: bytes) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """Of a ZIP: what came out (path > document name), what did not (path > why), and why it did not open at all."""
    placing = await placing_of(cast.anna, ("los.zip", data))
    came = {
        row["path"]: row["name"] for tab in ("ready", "bin") for row in await files_of(cast.anna, placing, tab, 999)
    }
    out = {row["path"]: str(row["why"]) for row in await files_of(cast.anna, placing, "out", 999)}
    assert placing.state == "open"
    return came, out, [str(one["why"]) for one in await sources_of(placing) if one["why"]]


async def test_names_that_lead_elsewhere_and_links_are_left_out(cast: Cast) -> None:
    came, out, broken = await of(cast, (HOSTILE / "traversal.zip").read_bytes())

    assert (
        not broken and not Path("/tmp/acc_traversal.txt").exists() and not Path("/tmp/acc_traversal_abs.txt").exists()
    )
    assert {path for path, why in out.items() if "buiten de ZIP" in why} == {
        "../../../../tmp/acc_traversal.txt", "/tmp/acc_traversal_abs.txt", "../../acc.txt", "C:/acc.txt", "a/../../b.txt",
    }  # fmt: skip
    assert "symbolische link" in out["link"]
    assert came["con.txt"] == "_con.txt" and all(len(name.encode()) <= 255 for name in came.values())


async def test_a_password_an_unknown_method_and_damage_are_said_of_that_file_alone(cast: Cast) -> None:
    data = bytearray(
        zipped(("goed.pdf", pdf("a")), ("kapot.pdf", pdf("b") * 40), ("geheim.pdf", pdf("c")), ("vreemd.pdf", pdf("d")))
    )
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as made:
        places = {info.filename: info.header_offset for info in made.infolist()}
    data[places["kapot.pdf"] + 60] ^= 0xFF
    directory = bytes(data).index(b"PK\x01\x02")
    for name, at, value in (("geheim.pdf", 8, 1), ("vreemd.pdf", 10, 9)):
        entry = bytes(data).index(name.encode(), directory) - 46
        struct.pack_into("<H", data, entry + at, value)

    came, out, broken = await of(cast, bytes(data))

    assert set(came) == {"goed.pdf"} and not broken
    assert (
        "wachtwoord" in out["geheim.pdf"]
        and "manier die wij niet kennen" in out["vreemd.pdf"]
        and "beschadigd" in out["kapot.pdf"]
    )


@pytest.mark.parametrize(
    ("raw", "flag", "shown"),
    [
        ("Café é.pdf".encode("cp437"), 0, "Café é.pdf"),
        ("Café é.pdf".encode(), 0, "Café é.pdf"),  # UTF-8 without its mark, as macOS writes it
        ("Café é.pdf".encode(), 0x800, "Café é.pdf"),
        ("Cafe\u0301.pdf".encode(), 0x800, "Café.pdf"),
    ],
)
async def test_names_are_read_as_they_were_meant(cast: Cast, raw: bytes, flag: int, shown: str) -> None:
    plain = b"x" * len(raw[:-4]) + b".pdf"
    data = bytearray(zipped((plain.decode(), pdf("a"))).replace(plain, raw))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        struct.pack_into("<H", data, bytes(data).index(mark) + at, flag)

    came, out, _ = await of(cast, bytes(data))

    assert list(came) == [shown] and not out


async def test_twins_by_name_both_come_and_get_names_of_their_own(cast: Cast) -> None:
    number, out = await number_of(cast.bakkerij), io.BytesIO()
    with zipfile.ZipFile(out, "w") as made, pytest.warns(UserWarning, match="Duplicate name"):
        for text in ("een", "twee"):
            made.writestr(f"{number}_Btw.pdf", pdf(text))
        made.writestr(f"{number}_BTW.pdf", pdf("drie"))
    placing = await placing_of(cast.anna, ("twee.zip", out.getvalue()))
    await set_up(placing, cast.anna)
    await place(placing, cast.anna)

    rows = await engine.raw(
        "SELECT name FROM document WHERE lower(name) LIKE 'btw%.pdf' AND client = $1 AND state = 'published' AND version = 1 AND source = 'office' ORDER BY name",
        cast.bakkerij,
    )
    assert {"Btw.pdf", "Btw (2).pdf", "BTW (3).pdf"} <= {row["name"] for row in rows}


async def test_a_bomb_is_not_unpacked_whatever_it_says_of_its_size(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "SMALL", 1024 * 1024)
    honest = zipped(("bom.txt", b"0" * 8_000_000), ("goed.pdf", pdf("a")))
    lying = bytearray(honest)
    entry = honest.index(b"bom.txt", honest.index(b"PK\x01\x02")) - 46
    struct.pack_into("<I", lying, entry + 24, 1000)

    for data in (honest, bytes(lying)):
        came, out, _ = await of(cast, data)
        assert set(came) == {"goed.pdf"} and set(out) == {"bom.txt"}


def test_files_that_share_their_bytes_are_a_bomb(tmp_path: Path) -> None:
    data = zipped(("a.txt", b"x" * 1000))
    directory, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    entry = data[directory:end]
    twice = bytearray(data[:directory] + entry + entry + data[end:])
    struct.pack_into("<HHI", twice, len(data) + len(entry) - 22 + 8, 2, 2, 2 * len(entry))
    path = tmp_path / "overlap.zip"
    path.write_bytes(bytes(twice))

    with pytest.raises(BadArchive) as refused:
        Archive(path)

    assert "veel groter uitpakken" in str(refused.value)


async def test_an_archive_with_too_many_files_is_not_even_listed(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_ENTRIES", 3)

    came, out, broken = await of(cast, zipped(*[(f"{n}.txt", b"x") for n in range(4)]))

    assert not came and not out and "meer dan 3 bestanden" in broken[0]


async def test_a_list_that_hides_behind_a_smaller_one_is_not_read(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_ENTRIES", 3)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for n in range(4):
            info = zipfile.ZipInfo(f"{n}.txt")
            info.comment = b"PK\x06\x06" + bytes(
                52
            )  # looks like the end record of zip64, and says that there is nothing
            made.writestr(info, b"x")

    came, _, broken = await of(cast, out.getvalue())

    assert not came and "meer dan 3 bestanden" in broken[0]


@pytest.mark.parametrize("data", [b"PK\x05\x06" + b"\x00" * 18, b"PK\x03\x04 niets", zipped(("a.pdf", pdf("a")))[:-30]])
async def test_an_empty_or_cut_archive_says_so(cast: Cast, data: bytes) -> None:
    placing = await placing_of(cast.anna, ("los.zip", b"PK\x03\x04"))
    assert placing.state == "open"
    came, out, broken = await of(cast, data)

    assert not came and not out
    assert broken and ("beschadigd" in broken[0] or "geen enkel bestand" in broken[0])


async def test_large_archives_with_zip64_come_out(cast: Cast) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made, made.open("groot.pdf", "w", force_zip64=True) as file:
        file.write(pdf("a"))

    came, refused, _ = await of(cast, out.getvalue())

    assert set(came) == {"groot.pdf"} and not refused


async def test_a_link_is_no_file_even_when_it_looks_like_one(cast: Cast) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        link = zipfile.ZipInfo("wachtwoorden.pdf")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")

    came, refused, _ = await of(cast, out.getvalue())

    assert not came and set(refused) == {"wachtwoorden.pdf"}


async def test_it_goes_the_same_way_with_an_object_store(
    cast: Cast, buckets: s3.Buckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models import config, storage

    monkeypatch.setenv("STORAGE_URL", buckets.fresh())
    config.reset()
    number: Any = await number_of(cast.bakkerij)
    placing = await placing_of(cast.anna, ("los.zip", zipped((f"{number}_ver weg.pdf", pdf("a")), ("x.exe", b"MZ"))))
    await set_up(placing, cast.anna)
    placing = await place(placing, cast.anna)

    assert (await counts_of(placing))["placed"] == 1
    (row,) = await engine.raw("SELECT sha256 FROM document WHERE name = 'ver weg.pdf'")
    assert await storage.storage().read(row["sha256"]) == pdf("a")
    monkeypatch.undo()
    config.reset()
