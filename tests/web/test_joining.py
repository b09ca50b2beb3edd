"""Photos become one PDF: upright, in the order that was chosen, without what the phone wrote in them, and within limits."""

from __future__ import annotations

import asyncio
import io
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from PIL import Image

from models import drawing
from models import storage as stores
from models.audit import Trail
from models.core import save
from models.delivering.records import DeliveredFile
from models.dossiers import Document, Folder
from models.dossiers.structures import Selection
from models.requests import RequestItem, items_of, make_requests
from models.requests.records import DocumentRequest
from models.scanning.working import round_
from tests.cast import Cast
from tests.house import ROOT
from tests.photographing import CAMERA, photo
from tests.scanner import EICAR, Clamd
from tests.web.test_deliver import a_link, at
from tests.web.test_documents import PDF, UPLOADS, own_storage, put  # noqa: F401
from tests.web.test_folders import Browsers, id_of
from web import folders, joining, own_requests

COLOURS = ("white", "yellow", "blue")


def colours_of(pdf: bytes) -> list[tuple[int, int, int]]:
    """What stands in the middle of each page."""
    pages = pypdfium2.PdfDocument(pdf)
    found = []
    for page in pages:
        image = page.render(scale=0.2).to_pil().convert("RGB")
        found.append(image.getpixel((image.width // 2, image.height // 2)))
    return found


def near(seen: tuple[int, int, int], meant: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 30 for a, b in zip(seen, meant, strict=True))


async def bytes_of(document: Document) -> bytes:
    return await stores.storage().read(document.sha256)


async def named(name: str) -> Document:
    found = await Document.objects().where(Document.name == name).first()
    assert found is not None, name
    return found


async def put_photos(person: Any, folder: int, *names: str) -> list[int]:
    for at_, name in enumerate(names):
        await put(person, folder, name, photo(colour=COLOURS[at_ % 3], size=(800 + at_, 600)))
    return [(await named(name)).id for name in names]


async def test_photos_of_a_plain_form_come_in_as_one_pdf_in_their_order(cast: Cast, browser: Browsers) -> None:
    folder = await id_of(cast.bakkerij, UPLOADS)
    before = await Document.count()
    async with browser(cast.rik) as rik:
        page = await rik.get(joining.page.url(folder_id=folder))
        reply = await rik.post(
            folders.upload.url(folder_id=folder),
            data={"join": "1", "join_name": "Bonnen november", "back": f"/portal/folders/{folder}"},
            files=[("files", (f"IMG_{n}.jpg", photo(colour=colour))) for n, colour in enumerate(COLOURS)],
        )
    made = await named("Bonnen november.pdf")
    seen = colours_of(await bytes_of(made))

    assert "Nieuwe foto’s" in page.text
    assert reply.status_code == 303 and await Document.count() == before + 1
    assert made.mime == "application/pdf" and made.uploaded_by == cast.rik.user.id and made.source == "client"
    assert (
        len(seen) == 3
        and near(seen[0], (255, 255, 255))
        and near(seen[1], (255, 255, 0))
        and near(seen[2], (0, 0, 255))
    )
    (line,) = await Trail.select().where(Trail.operation == "Folder.join_photos")
    assert len(json.loads(line["detail"])["hashes"]) == 3


async def test_other_files_beside_the_photos_come_in_as_they_are(cast: Cast, browser: Browsers) -> None:
    folder = await id_of(cast.bakkerij, "2024")
    async with browser(cast.anna) as anna:
        await anna.post(
            folders.upload.url(folder_id=folder), data={"join": "1"},
            files=[("files", ("brief.pdf", PDF)), ("files", ("a.jpg", photo())), ("files", ("b.png", photo("PNG")))],
        )  # fmt: skip

    names = sorted(row["name"] for row in await Document.select(Document.name).where(Document.folder == folder))
    assert names == ["Foto’s.pdf", "brief.pdf"]


@pytest.mark.parametrize("kind", ["JPEG", "HEIF", "WEBP"])
@pytest.mark.parametrize(("turned", "corner"), [(1, (0.1, 0.1)), (3, (0.9, 0.9)), (6, (0.9, 0.1)), (8, (0.1, 0.9))])
async def test_a_photo_that_lies_on_its_side_stands_upright(
    tmp_path: Path, kind: str, turned: int, corner: Any
) -> None:
    from models import drawing

    stored = await stores.storage().put(photo(kind, turned=turned))
    await drawing.join([stored.sha256], tmp_path / "x.pdf")

    (page,) = pypdfium2.PdfDocument(tmp_path / "x.pdf")
    image = page.render(scale=0.5).to_pil().convert("RGB")
    tall = turned in (6, 8)
    assert (image.height > image.width) == tall
    wide, high = (
        (0.75 * image.height, image.height)
        if tall and image.height * 0.75 < image.width
        else (image.width, image.width * (4 / 3 if tall else 0.75))
    )
    high, wide = min(high, image.height), min(wide, image.width)
    left, top = (image.width - wide) / 2, (image.height - high) / 2
    assert near(image.getpixel((int(left + wide * corner[0]), int(top + high * corner[1]))), (255, 0, 0))


async def test_neither_place_nor_camera_come_along(tmp_path: Path) -> None:
    from models import drawing

    pictures = [photo("JPEG", turned=6), photo("HEIF"), photo("PNG")]
    hashes = [(await stores.storage().put(one)).sha256 for one in pictures]
    await drawing.join(hashes, tmp_path / "x.pdf")
    made = (tmp_path / "x.pdf").read_bytes()

    assert CAMERA.encode() in pictures[0] and b"Exif" in pictures[0]
    assert CAMERA.encode() not in made and b"Exif" not in made and b"GPS" not in made
    assert not any(pypdfium2.PdfDocument(made).get_metadata_value(key) for key in ("Author", "Title", "Subject"))


async def test_pages_are_a4_at_two_hundred_dots_and_not_heavier_than_needed(tmp_path: Path) -> None:
    from models import drawing

    noise = Image.effect_noise((4000, 3000), 60).convert("RGB")
    file = io.BytesIO()
    noise.save(file, "JPEG", quality=92)
    stored = await stores.storage().put(file.getvalue())
    await drawing.join([stored.sha256], tmp_path / "x.pdf")
    (page,) = pypdfium2.PdfDocument(tmp_path / "x.pdf")
    (image,) = [one for one in page.get_objects() if isinstance(one, pypdfium2.PdfImage)]

    assert sorted(round(side) for side in page.get_size()) == [595, 842]
    assert max(image.get_px_size()) == 2339
    assert (tmp_path / "x.pdf").stat().st_size < len(file.getvalue()) / 2


def test_forty_photos_of_twelve_megapixel_stay_within_their_memory(tmp_path: Path) -> None:
    """The process that draws has a limit of its own; it uses far less."""
    for n in range(40):
        kind = "HEIF" if n % 10 == 9 else "JPEG"
        (tmp_path / str(n)).write_bytes(photo(kind, size=(4032, 3024), turned=6, quality=70))
    command = [
        sys.executable,
        "-E",
        "-s",
        "-m",
        "models.drawing",
        "join",
        str(tmp_path / "x.pdf"),
        *(str(tmp_path / str(n)) for n in range(40)),
    ]
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env={})
    most = 0
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        if (found := re.search(r"VmHWM:\s+(\d+) kB", status)) and "models.drawing" in _command(process.pid):
            most = max(most, int(found[1]))
        time.sleep(0.02)

    assert process.returncode == 0 and len(pypdfium2.PdfDocument(tmp_path / "x.pdf")) == 40
    assert 0 < most < 350 * 1024, f"{most // 1024} MB"
    print(
        f"40 photos: {time.monotonic() - began:.1f} s, {most // 1024} MB, {(tmp_path / 'x.pdf').stat().st_size // 1024} KB"
    )


def _command(process: int) -> str:
    return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")


@pytest.mark.parametrize("which", ["huge", "broken", "no picture"])
async def test_what_cannot_be_drawn_is_said_and_the_photos_are_kept(cast: Cast, browser: Browsers, which: str) -> None:
    folder = await id_of(cast.bakkerij, UPLOADS)
    body = {"huge": _huge_png(), "broken": photo()[:3000], "no picture": b"\xff\xd8\xff" + bytes(5000)}[which]
    async with browser(cast.rik) as rik:
        reply = await rik.post(
            folders.upload.url(folder_id=folder), data={"join": "1", "back": f"/portal/folders/{folder}"},
            files=[("files", ("goed.jpg", photo())), ("files", ("raar.jpg", body))],
        )  # fmt: skip
        page = await rik.get(reply.headers["location"])

    assert "niet samengevoegd" in page.text
    names = {row["name"] for row in await Document.select(Document.name).where(Document.folder == folder)}
    assert {"goed.jpg", "raar.jpg"} <= names


def _huge_png() -> bytes:
    """Fifty thousand by fifty thousand pixels of nothing, in a few kilobytes of header and zeros."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">2I5B", 50_000, 50_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1_000_000), 9))
        + chunk(b"IEND", b"")
    )


async def test_ticked_photos_become_a_pdf_in_the_places_that_were_filled_in(cast: Cast, browser: Browsers) -> None:
    folder = await id_of(cast.bakkerij, "2024")
    async with browser(cast.anna) as anna:
        one, two, three = await put_photos(anna, folder, "1.jpg", "2.jpg", "3.jpg")
        page = await anna.get(joining.page.url(folder_id=folder, ids=[f"d{one}", f"d{three}"]))
        reply = await anna.post(
            joining.make.url(folder_id=folder),
            data={"photo": [str(one), str(three)], f"place-{one}": "2", f"place-{three}": "1", "name": "Bonnen"},
        )
    made = await named("Bonnen.pdf")
    seen = colours_of(await bytes_of(made))

    assert page.text.count("checked") == 2
    assert reply.status_code == 303
    assert near(seen[0], (0, 0, 255)) and near(seen[1], (255, 255, 255)) and len(seen) == 2
    trashed = {
        row["id"]: row["trashed_at"] is not None for row in await Document.select().where(Document.folder == folder)
    }
    assert trashed == {one: True, two: False, three: True, made.id: False}
    assert made.source == "office" and made.state == "published"


async def test_drafts_become_a_draft(cast: Cast, browser: Browsers) -> None:
    folder = await id_of(cast.bakkerij, "2024")
    async with browser(cast.anna) as anna:
        one, two = await put_photos(anna, folder, "1.jpg", "2.jpg")
        await save(await named("2.jpg"), state="draft")
        await anna.post(
            joining.make.url(folder_id=folder), data={"photo": [str(one), str(two)], "keep": "1", "name": "x"}
        )

    assert (await named("x.pdf")).state == "draft" and (await named("1.jpg")).trashed_at is None


async def test_clients_join_their_own_photos_only(cast: Cast, browser: Browsers) -> None:
    folder = await id_of(cast.bakkerij, UPLOADS)
    async with browser(cast.rik) as rik, browser(cast.anna) as anna:
        one, two = await put_photos(rik, folder, "1.jpg", "2.jpg")
        (theirs,) = await put_photos(anna, folder, "van kantoor.jpg")
        await anna.get(f"/documents/{one}/file")  # the office has seen it: it stays
        page = await rik.get(joining.page.url(folder_id=folder))
        stolen = await rik.post(joining.make.url(folder_id=folder), data={"photo": [str(one), str(theirs)]})
        before = await Document.count()
        await rik.post(joining.make.url(folder_id=folder), data={"photo": [str(two), str(one)], "name": "Mijn bonnen"})
    made = await named("Mijn bonnen.pdf")

    assert "van kantoor.jpg" not in page.text and "1.jpg" in page.text
    assert stolen.status_code == 303 and await Document.count() == before + 1
    assert made.uploaded_by == cast.rik.user.id and made.source == "client"
    assert (await named("1.jpg")).trashed_at is None and (await named("2.jpg")).trashed_at is not None


async def test_joining_by_staff_shows_nobody_what_was_anothers(cast: Cast, browser: Browsers) -> None:
    folder = await Folder.objects().where(Folder.id == await id_of(cast.bakkerij, UPLOADS)).first()
    await save(folder, own_only=True)
    async with browser(cast.rik) as rik, browser(cast.anna) as anna:
        one, two = await put_photos(rik, folder.id, "1.jpg", "2.jpg")
        other = await named("2.jpg")
        await anna.post(
            joining.make.url(folder_id=folder.id), data={"photo": [str(one), str(two)], "name": "van rik", "keep": "1"}
        )
        await save(other, uploaded_by=cast.fem.user.id)
        mixed = await anna.post(
            joining.make.url(folder_id=folder.id), data={"photo": [str(one), str(two)], "name": "van twee"}
        )
        said = await anna.get(mixed.headers["location"])

    made = await named("van rik.pdf")
    assert (made.source, made.uploaded_by) == ("client", cast.rik.user.id)
    assert "van verschillende mensen" in said.text
    assert not await Document.exists().where(Document.name == "van twee.pdf")


async def test_strangers_and_readers_join_nothing(cast: Cast, browser: Browsers) -> None:
    folder, office = await id_of(cast.bakkerij, UPLOADS), await id_of(cast.bakkerij, "2024")
    async with browser(cast.rik) as rik, browser(cast.sam) as sam, browser(cast.fem) as fem:
        (one,) = await put_photos(rik, folder, "1.jpg")
        statuses = [
            (await who.post(joining.make.url(folder_id=folder), data={"photo": [str(one)]})).status_code
            for who in (sam, fem)
        ]
        statuses.append((await rik.post(joining.make.url(folder_id=office), data={"photo": [str(one)]})).status_code)
        statuses.append((await sam.get(joining.page.url(folder_id=folder))).status_code)

    assert statuses == [404, 404, 422, 404]


async def test_photos_for_what_is_asked_are_joined_and_stay_its_answer(cast: Cast, browser: Browsers) -> None:
    await make_requests(
        Selection(who="clients", clients=(cast.bakkerij,)), "Btw", "", None, [("Bonnen", "")], "b", by=cast.anna
    )
    item = await RequestItem.objects().first()
    request = await DocumentRequest.objects().first()
    async with browser(cast.rik) as rik, browser(cast.anna) as anna:
        page = await rik.get(f"/portal/requests/{request.id}")
        await rik.post(
            own_requests.answer.url(item_id=item.id), data={"join": "1", "join_name": "Bonnen maart"},
            files=[("files", ("a.jpg", photo())), ("files", ("b.jpg", photo()))],
        )  # fmt: skip
        await rik.post(
            own_requests.answer.url(item_id=item.id),
            files=[("files", ("c.jpg", photo())), ("files", ("d.jpg", photo()))],
        )
        loose = [(await named(name)).id for name in ("c.jpg", "d.jpg")]
        await anna.post(
            joining.make.url(folder_id=request.folder), data={"photo": [str(id) for id in loose], "name": "april"}
        )

    assert "Foto’s samenvoegen tot één pdf" in page.text
    (found,) = await items_of(request)
    assert {one["name"] for one in found["documents"]} == {"Bonnen maart.pdf", "april.pdf"}


async def test_photos_by_a_link_are_joined_and_the_receipt_says_so(cast: Cast, browser: Browsers) -> None:
    _, token = await a_link(cast)
    async with browser(cast.vic) as vic:
        reply = await vic.post(
            at(token),
            data={"who": "Notaris", "join": "1"},
            files=[("files", ("a.jpg", photo())), ("files", ("b.heic", photo("HEIF")))],
        )
        receipt = await vic.get(reply.headers["location"])

    (file,) = await DeliveredFile.objects()
    assert file.name == "Foto’s.pdf" and file.sha256 in receipt.text
    assert len(pypdfium2.PdfDocument(await stores.storage().read(file.sha256))) == 2


async def test_photos_by_a_link_hold_up_no_reader_and_are_held_up_by_none(
    cast: Cast, browser: Browsers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slots in which the office draws are all taken: the link goes on. Its own is taken: the office goes on."""
    monkeypatch.setattr(drawing, "BY_LINK", asyncio.Semaphore(1))  # of this loop
    _, token = await a_link(cast)
    sent = {"data": {"join": "1", "who": "Mr. N."}, "files": [("files", ("a.jpg", photo()))]}
    async with browser(cast.vic) as vic, browser(cast.rik) as rik:
        async with drawing._at_once, drawing._at_once:
            by_link = await asyncio.wait_for(vic.post(at(token), **sent), 60)
        async with drawing.BY_LINK:
            late = asyncio.create_task(vic.post(at(token), **sent))
            own = await rik.post(f"/folders/{await id_of(cast.bakkerij, UPLOADS)}/documents", **sent)
            is_held = not late.done()
        reply = await late

    assert [one.status_code for one in (by_link, own, reply)] == [303, 303, 303] and is_held


async def test_with_a_scanner_only_clean_photos_are_drawn(cast: Cast, browser: Browsers, clamd: Clamd) -> None:
    folder = await id_of(cast.bakkerij, "2024")
    url = folders.upload.url(folder_id=folder)
    async with browser(cast.anna) as anna:
        one, two = await put_photos(anna, folder, "1.jpg", "2.jpg")
        early = await anna.post(joining.make.url(folder_id=folder), data={"photo": [str(one), str(two)]})
        said = await anna.get(early.headers["location"])
        while await round_():
            pass
        await anna.post(joining.make.url(folder_id=folder), data={"photo": [str(one), str(two)], "name": "schoon"})
        await anna.post(url, data={"join": "1", "join_name": "ziek"}, files=[("files", ("z.jpg", photo() + EICAR))])
        clamd.stop()
        await anna.post(
            url, data={"join": "1", "join_name": "zonder"}, files=[("files", ("w.jpg", photo(colour="green")))]
        )

    assert "wordt nog op virussen gecontroleerd" in said.text
    assert await Document.exists().where(Document.name == "schoon.pdf")
    assert not await Document.exists().where(Document.name.is_in(["ziek.pdf", "zonder.pdf"]))
    assert (await named("z.jpg")) and (await named("w.jpg"))


async def test_two_at_once_join_the_same_photos_once(cast: Cast, browser: Browsers) -> None:
    folder = await id_of(cast.bakkerij, "2024")
    async with browser(cast.anna) as anna:
        one, two = await put_photos(anna, folder, "1.jpg", "2.jpg")
        data = {"photo": [str(one), str(two)], "name": "x"}
        await asyncio.gather(*(anna.post(joining.make.url(folder_id=folder), data=data) for _ in range(2)))

    assert await Document.count().where((Document.folder == folder) & (Document.mime == "application/pdf")) == 1
