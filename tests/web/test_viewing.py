"""Documents on the screen: pages drawn by the server, their text, pictures upright, and hostile files that harm nobody."""

from __future__ import annotations

import html
import io
import os
import re
import shutil
import time
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from PIL import Image

from models import config, drawing, engine
from models.dossiers import Document
from models.sample.papers import pdf
from models.settings import utcnow
from models.storage import storage

HOSTILE = Path(__file__).resolve().parents[1] / "data" / "hostile"


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
        inside = await rik.get(
            f"/documents/{document.id}/pages/1/text", headers={"HX-Request": "true", "HX-Request-Type": "partial"}
        )

    assert "voorbeeldkantoor" in said.text and "voorbeeldkantoor" in inside.text
    # without a script it is a page of its own, with a name and the way back
    assert "Tekst van pagina 1</h1>" in said.text and f'href="/documents/{document.id}/view"' in said.text
    assert "<h1" not in inside.text


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
    folder = config.settings().var / "drawings" / stored.sha256
    assert folder.exists() and drawing.forget_old() == 0

    long_ago = time.time() - drawing.KEPT - 60
    os.utime(folder, (long_ago, long_ago))

    assert drawing.forget_old() == 1 and not folder.exists()


def words_pdf(*pages: str, boxes: tuple[str, ...] = (), more: tuple[str, ...] = ()) -> bytes:
    """Pages with a line of text each, of their own sizes and turned as asked."""
    kids = " ".join(f"{3 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode()]
    for n, text in enumerate(pages):
        box, extra = (boxes[n] if boxes else "0 0 595 842"), (more[n] if more else "")
        stream = f"BT /F1 20 Tf 40 100 Td ({text}) Tj ET".encode()
        font = "<< /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] {extra} /Contents {4 + 2 * n} 0 R /Resources << /Font {font} >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + end


async def test_turned_pages_and_pages_of_other_sizes_are_shown_as_they_are_meant(cast: Any, browser: Any) -> None:
    data = words_pdf(
        "een", "twee", "drie", boxes=("0 0 595 842", "0 0 1190 842", "0 0 595 842"), more=("", "", "/Rotate 90")
    )
    document = await shown(cast, data, "gedraaid.pdf", "application/pdf")
    async with browser(cast.rik) as rik:
        drawn = [await rik.get(f"/documents/{document.id}/pages/{n}?width=800") for n in (1, 2, 3)]

    shapes = [Image.open(io.BytesIO(one.content)).size for one in drawn]
    assert [width > height for width, height in shapes] == [False, True, True]
    assert all(abs(width - 800) <= 1 for width, _ in shapes)


async def test_a_thousand_pages_come_a_screen_at_a_time_and_one_goes_to_any(cast: Any, browser: Any) -> None:
    document = await shown(cast, words_pdf(*[f"blad {n}" for n in range(1, 1001)]), "dik.pdf", "application/pdf")
    async with browser(cast.rik) as rik:
        began = time.perf_counter()
        first = await rik.htmx("GET", f"/documents/{document.id}/view")
        plain = await rik.get(f"/documents/{document.id}/view")
        page = await rik.get(f"/documents/{document.id}/pages/1")
        print("view and first page of 1,000:", round(time.perf_counter() - began, 2), "s")
        jump = await rik.get(f"/documents/{document.id}/view?page=742&width=1800")
        there = await rik.get(jump.headers["location"].split("#")[0])
        text = await rik.get(f"/documents/{document.id}/pages/742/text")

    drawn = sorted(path.name for path in (await drawn_of(document)).glob("1200-*.webp"))
    assert first.text.count("<figure") == 100 and page.status_code == 200
    assert drawn == ["1200-1.webp"], "nobody waits for pages that he did not ask for"
    assert jump.headers["location"].endswith("#page-742") and 'id="page-742"' in there.text and "blad 742" in text.text
    assert (plain.text.count("<figure"), there.text.count("<figure")) == (20, 20) and "width=1800" in there.text


async def drawn_of(document: Document) -> Path:
    """The folder of what was drawn of it."""
    row = (await engine.raw("SELECT sha256 FROM document WHERE id = $1", document.id))[0]
    return Path(config.settings().var) / "drawings" / str(row["sha256"])


async def test_a_file_with_a_password_says_so_and_can_be_downloaded(cast: Any, browser: Any) -> None:
    data = pdf("geheim").replace(
        b"/Root 1 0 R",
        b"/Root 1 0 R /ID [<00><00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >>"
        % (b"11" * 32, b"22" * 32),
    )
    document = await shown(cast, data, "geheim.pdf", "application/pdf")
    async with browser(cast.rik) as rik:
        view = await rik.get(f"/documents/{document.id}/view")

    assert "met een wachtwoord beveiligd" in view.text and f"/documents/{document.id}/file" in view.text


@pytest.mark.parametrize(
    ("name", "mime", "data", "said"),
    [
        ("saldi.csv", "text/csv", "rekening;saldo\nkas;1.234,56 € <b>".encode(), "1.234,56 € &lt;b&gt;"),
        ("mt940.sta", "text/plain", b":20:STARTUMS\r\n:25:NL91ABNA0417164300\r\n", ":25:NL91ABNA0417164300"),
        (
            "auditfile.xaf",
            "application/xml",
            b"<?xml version='1.0'?><auditfile><header/></auditfile>",
            "&lt;auditfile&gt;",
        ),
        ("oud.txt", "text/plain", "Caf\xe9 \x80 5".encode("latin-1"), "Café € 5"),
        (
            "bericht.eml",
            "message/rfc822",
            b"From: Jan <jan@x.example>\r\nSubject: =?utf-8?q?Caf=C3=A9?=\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
            b"<p>Beste,</p><script>alert(1)</script><p>Hierbij de stukken.</p>",
            "Hierbij de stukken.",
        ),
    ],
)
async def test_texts_and_messages_are_read_without_downloading(
    cast: Any, browser: Any, name: str, mime: str, data: bytes, said: str
) -> None:
    document = await shown(cast, data, name, mime)
    async with browser(cast.rik) as rik:
        outside = await rik.get(f"/portal/documents/{document.id}")
        view = await rik.get(f"/documents/{document.id}/view")

    assert said in view.text and "alert(1)" not in view.text
    assert mime == "text/plain" or f"/documents/{document.id}/view" in outside.text
    assert mime != "message/rfc822" or ("Café" in view.text and "jan@x.example" in view.text)


async def test_a_tiff_of_many_pages_and_other_pictures_are_shown(cast: Any, browser: Any) -> None:
    tiff, webp = io.BytesIO(), io.BytesIO()
    sheets = [Image.new("RGB", (300, 400), color) for color in ("red", "green", "blue")]
    sheets[0].save(tiff, "TIFF", save_all=True, append_images=sheets[1:])
    sheets[0].save(webp, "WEBP")
    for data, name, mime, pages in (
        (tiff.getvalue(), "fax.tif", "image/tiff", 3),
        (webp.getvalue(), "a.webp", "image/webp", 1),
    ):
        document = await shown(cast, data, name, mime)
        async with browser(cast.rik) as rik:
            view = await rik.get(f"/documents/{document.id}/view")
            last = await rik.get(f"/documents/{document.id}/pages/{pages}")
        assert view.text.count("<figure") == pages and last.headers["content-type"] == "image/webp"


async def test_turning_pages_and_zooming_counts_as_one_opening_and_looking_on_as_none(cast: Any, browser: Any) -> None:
    document = await shown(cast, pdf_of(3), "a.pdf", "application/pdf")
    async with browser(cast.rik) as rik, browser(cast.anna) as anna:
        for path in ("", "?width=1800", "?from=2", "?page=3"):
            await rik.get(f"/documents/{document.id}/view{path}")
        await rik.get(f"/documents/{document.id}/pages/2")
        await anna.get(f"/view-as/{cast.fem.user.id}/documents/{document.id}/view")
        await anna.get(f"/view-as/{cast.rik.user.id}/documents/{document.id}/view")

    rows = await engine.raw("SELECT person, times FROM reading WHERE document = $1", document.id)
    assert [(row["person"], row["times"]) for row in rows if row["person"] == cast.rik.user.id] == [
        (cast.rik.user.id, 1)
    ]
    assert {row["person"] for row in rows} <= {cast.rik.user.id}


async def test_an_earlier_version_is_looked_at_by_who_might_see_it_then(cast: Any, browser: Any) -> None:
    document = await shown(cast, words_pdf("nieuw"), "a.pdf", "application/pdf")
    old, draft = await storage().put(words_pdf("vroeger")), await storage().put(words_pdf("een concept"))
    for number, stored, seen in ((1, old, True), (2, draft, False)):
        await engine.raw(
            "INSERT INTO document_version (document, client, number, name, sha256, size, mime, source, uploaded_at, replaced_at, was_published) "
            "VALUES ($1, $2, $3, 'a.pdf', $4, $5, 'application/pdf', 'office', $6, $6, $7)",
            document.id, cast.bakkerij, number, stored.sha256, stored.size, utcnow(), seen,
        )  # fmt: skip
    await engine.raw("UPDATE document SET version = 3 WHERE id = $1", document.id)
    async with browser(cast.rik) as rik, browser(cast.anna) as anna, browser(cast.sam) as sam:
        page = await rik.get(f"/portal/documents/{document.id}")
        view = await rik.get(f"/documents/{document.id}/view?version=1")
        text = await rik.get(f"/documents/{document.id}/pages/1/text?version=1")
        concept = await rik.get(f"/documents/{document.id}/pages/1/text?version=2")
        office = await anna.get(f"/documents/{document.id}/pages/1/text?version=2")
        strange = await sam.get(f"/documents/{document.id}/view?version=1")

    assert (
        f"/documents/{document.id}/view?version=1" in page.text and "versie 1" in view.text and "vroeger" in text.text
    )
    assert re.search(r"pages/1\?[^\"]*version=1", view.text)
    assert (concept.status_code, strange.status_code) == (404, 404) and "een concept" in office.text


def docx() -> bytes:
    return _zip(
        {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
            "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
            "word/document.xml": '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>Jaarstukken Bakkerij</w:t></w:r></w:p></w:body></w:document>',
        }
    )


def xlsx() -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["Jaarstukken Bakkerij"])
    book.save(out)
    return out.getvalue()


def odt() -> bytes:
    namespaces = 'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    return _zip(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "META-INF/manifest.xml": '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.text"/><manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>',
            "content.xml": f'<office:document-content {namespaces} office:version="1.2"><office:body><office:text><text:p>Jaarstukken Bakkerij</text:p></office:text></office:body></office:document-content>',
        }
    )


def _zip(parts: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
@pytest.mark.parametrize("kind", ["docx", "xlsx", "odt"])
async def test_office_files_are_shown_where_libreoffice_is(cast: Any, browser: Any, kind: str) -> None:
    document = await shown(cast, {"docx": docx, "xlsx": xlsx, "odt": odt}[kind](), f"stuk.{kind}", "application/zip")
    async with browser(cast.rik) as rik:
        outside = await rik.get(f"/portal/documents/{document.id}")
        view = await rik.get(f"/documents/{document.id}/view")
        text = await rik.get(f"/documents/{document.id}/pages/1/text")

    assert f"/documents/{document.id}/view" in outside.text and view.text.count("<figure") >= 1
    assert "Jaarstukken Bakkerij" in text.text


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
async def test_an_office_file_that_is_none_says_so(cast: Any, browser: Any) -> None:
    document = await shown(cast, b"PK\x03\x04 niets", "kapot.docx", "application/zip")
    async with browser(cast.rik) as rik:
        view = await rik.get(f"/documents/{document.id}/view")

    assert view.status_code == 200 and "downloaden" in view.text.lower()


async def test_without_libreoffice_an_office_file_is_offered_to_download(
    cast: Any, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nergens")
    document = await shown(cast, docx(), "stuk.docx", "application/zip")
    async with browser(cast.rik) as rik:
        page = await rik.get(f"/portal/documents/{document.id}")

    assert "/view" not in page.text and "Download het om het te openen" in page.text
