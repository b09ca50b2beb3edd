"""Documents on the screen: pages drawn by the server, their text, pictures upright, and hostile files that harm nobody."""

from __future__ import annotations

import html
import io
import os
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from models import config, drawing, engine
from models.dossiers import Document
from models.storage import storage

HOSTILE = Path(__file__).resolve().parents[3] / "shared/data/hostile"


def pdf_of(pages: int, size: tuple[int, int] = (600, 800)) -> bytes:
    sheets = [Image.new("RGB", size, (255, 200 + n % 50, 255)) for n in range(pages)]
    file = io.BytesIO()
    sheets[0].save(file, "PDF", save_all=True, append_images=sheets[1:])
    return file.getvalue()


async def shown(cast: Any, data: bytes, name: str, mime: str) -> Document:
    """A document of Bakkerij Jansen with these bytes."""
    document = (
        await Document.objects().where((Document.client == cast.bakkerij) & (Document.source == "office")).first()
    )
    assert document is not None
    stored = await storage().put(data)
    await engine.raw(
        "UPDATE document SET sha256 = $2, size = $3, name = $4, mime = $5 WHERE id = $1",
        document.id, stored.sha256, stored.size, name, mime,
    )  # fmt: skip
    return document


async def test_a_pdf_is_read_page_by_page_and_counts_as_opened(cast: Any, browser: Any) -> None:
    document = await shown(cast, pdf_of(12), "jaarrekening.pdf", "application/pdf")
    async with browser(cast.rik) as rik, browser(cast.sam) as sam:
        outside = await rik.get(f"/portal/documents/{document.id}")
        pages = await rik.get(f"/documents/{document.id}/view")
        first = await rik.get(f"/documents/{document.id}/pages/1?width=800")
        last = await rik.get(f"/documents/{document.id}/pages/12?width=1800")
        again = await rik.get(
            f"/documents/{document.id}/pages/1?width=800", headers={"if-none-match": first.headers["etag"]}
        )
        beyond = await rik.get(f"/documents/{document.id}/pages/13")
        strange = [
            (await sam.get(f"/documents/{document.id}/{what}")).status_code
            for what in ("view", "pages/1", "pages/1/text")
        ]

    assert f"/documents/{document.id}/view" in outside.text and "12 pagina" in pages.text
    assert pages.text.count("<figure") == 12 and 'loading="lazy"' in pages.text
    assert (
        Image.open(io.BytesIO(first.content)).size[0] == 800 and first.headers["cache-control"] == "private, no-store"
    )
    assert Image.open(io.BytesIO(last.content)).size[0] == 1800
    assert (again.status_code, beyond.status_code, strange) == (304, 404, [404, 404, 404])
    rows = await engine.raw(
        "SELECT times FROM reading WHERE document = $1 AND person = $2", document.id, cast.rik.user.id
    )
    assert rows[0]["times"] == 1


async def test_the_words_of_a_page_can_be_read_and_copied(cast: Any, browser: Any) -> None:
    document = (
        await Document.objects().where((Document.client == cast.bakkerij) & (Document.source == "office")).first()
    )
    async with browser(cast.rik) as rik:
        said = await rik.get(f"/documents/{document.id}/pages/1/text")

    assert "voorbeeldkantoor" in said.text


async def test_a_photo_stands_upright_and_heic_is_shown(cast: Any, browser: Any) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    photo = Image.new("RGB", (400, 200), "red")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter
    turned, heic = io.BytesIO(), io.BytesIO()
    photo.save(turned, "JPEG", exif=exif)
    photo.save(heic, "HEIF")
    for data, name, mime, size in (
        (turned.getvalue(), "bon.jpg", "image/jpeg", (200, 400)),
        (heic.getvalue(), "bon.heic", "image/heic", (400, 200)),
    ):
        document = await shown(cast, data, name, mime)
        async with browser(cast.rik) as rik:
            page = await rik.get(f"/documents/{document.id}/pages/1")
        assert Image.open(io.BytesIO(page.content)).size == size, name


@pytest.mark.parametrize("name", ["leeg.pdf", "polyglot.pdf", "script.pdf", "cut", "bomb"])
async def test_a_hostile_file_gives_a_sentence_or_a_picture_and_nothing_else(
    cast: Any, browser: Any, name: str
) -> None:
    if name == "cut":
        data = pdf_of(3)[:400]
    elif name == "bomb":
        file = io.BytesIO()
        Image.new("1", (30_000, 30_000)).save(file, "PNG")
        data = file.getvalue()
    elif not (HOSTILE / name).exists():
        pytest.skip("the hostile files are not beside this checkout")
    else:
        data = (HOSTILE / name).read_bytes()
    document = await shown(cast, data, f"{name}.pdf", "image/png" if name == "bomb" else "application/pdf")
    async with browser(cast.rik) as rik:
        view = await rik.get(f"/documents/{document.id}/view")
        page = await rik.get(f"/documents/{document.id}/pages/1")

    assert view.status_code == 200
    if page.status_code == 404:
        assert "Downloaden" in view.text and "download" in html.unescape(view.text)
    else:
        assert page.headers["content-type"] == "image/webp" and "<script" not in page.text[:100]


async def test_what_nobody_looked_at_lately_is_forgotten(cast: Any) -> None:
    stored = await storage().put(pdf_of(1))
    await drawing.page(stored.sha256, stored.size, "a.pdf", 1, 800)
    folder = config.settings().var / "drawn" / stored.sha256
    assert folder.exists() and drawing.forget_old() == 0

    long_ago = time.time() - drawing.KEPT - 60
    os.utime(folder, (long_ago, long_ago))

    assert drawing.forget_old() == 1 and not folder.exists()
