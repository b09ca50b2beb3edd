"""Papers with words in them, of every kind that is read: written in a moment, without the programs that make them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from email.message import EmailMessage

import xlsxwriter
from PIL import Image, ImageDraw, ImageFont

from models.content_type import kinds as known

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"


def zipped(**parts: bytes | str) -> bytes:
    """Names with __ for a slash and _ before the ending: word__document_xml."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            stem, _, ending = name.replace("__", "/").rpartition("_")
            archive.writestr(f"{stem}.{ending}", content)
    return held.getvalue()


def docx(words: str) -> bytes:
    first, _, rest = words.partition(" ")
    runs = f"<w:r><w:t>{first}</w:t></w:r><w:r><w:t xml:space='preserve'> {rest}</w:t></w:r>"
    return zipped(word__document_xml=f'<w:document xmlns:w="{_WORD}"><w:body><w:p>{runs}</w:p></w:body></w:document>')


def pptx(*slides: str) -> bytes:
    return zipped(
        **{
            f"ppt__slides__slide{n}_xml": f'<p:sld xmlns:p="x" xmlns:a="{_DRAWING}"><a:p><a:t>{said}</a:t></a:p></p:sld>'
            for n, said in enumerate(slides, start=1)
        }
    )


def odt(words: str) -> bytes:
    return zipped(
        content_xml=f'<o:d xmlns:o="o" xmlns:text="t"><text:p>{words.replace(" ", " <text:span/>", 1)}</text:p></o:d>'
    )


def xlsx(words: str) -> bytes:
    held = io.BytesIO()
    book = xlsxwriter.Workbook(held)
    book.add_worksheet("Leeg")
    book.add_worksheet("Blad").write_row(0, 0, [*words.split(), 2024])
    book.close()
    return held.getvalue()


def eml(words: str) -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Ünieke betreft", "a@b.example", "c@d.example"
    message.set_content(f"{words} in de brief")
    message.add_attachment(b"x", maintype="application", subtype="pdf", filename="bijlage.pdf")
    return bytes(message)


def rtf(words: str) -> bytes:
    escaped = "".join(ch if ord(ch) < 128 else f"\\'{ch.encode('cp1252').hex()}" for ch in words)
    return (
        rb"{\rtf1\ansi{\fonttbl{\f0 Verborgen;}}{\*\generator Riched;}\f0 "
        + escaped.encode()
        + rb"\par tot \u8364? ziens}"
    )


def pdf(*pages: str) -> bytes:
    """Text as text."""
    objects: list[bytes] = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    kids = []
    for said in pages:
        stream = (
            b"BT /F1 18 Tf 60 700 Td (" + said.encode("cp1252").replace(b"(", b"\\(").replace(b")", b"\\)") + b") Tj ET"
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources << /Font << /F1 3 0 R >> >> >>"
            % len(objects)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), b" ".join(kids))
    held, places = io.BytesIO(), []
    held.write(b"%PDF-1.4\n")
    for number, content in enumerate(objects, start=1):
        places.append(held.tell())
        held.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    at = held.tell()
    held.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    held.writelines(b"%010d 00000 n \n" % place for place in places)
    held.write(b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, at))
    return held.getvalue()


def photo(words: Sequence[str], kind: str = "PNG", *, turned: bool = False) -> bytes:
    """Words on paper, as a picture; `turned` as a phone keeps it that was held on its side."""
    image = Image.new("RGB", (1240, 500), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.truetype(FONT, 44)
    for line, said in enumerate(words):
        draw.text((60, 60 + 90 * line), said, fill="black", font=font)
    more = {}
    if turned:
        image = image.transpose(Image.Transpose.ROTATE_90)
        exif = Image.Exif()
        exif[0x0112] = 6
        more = {"exif": exif}
    held = io.BytesIO()
    image.save(held, kind, **more)
    return held.getvalue()


def scan(*pages: str) -> bytes:
    """A PDF of which each page is a picture."""
    images = [Image.open(io.BytesIO(photo([said]))) for said in pages]
    held = io.BytesIO()
    images[0].save(held, "PDF", save_all=True, append_images=images[1:], resolution=150)
    return held.getvalue()


MIMES = {
    "docx": known.WORD["docx"], "pptx": known.POWERPOINT["pptx"], "odt": known.OPEN_DOCUMENT["odt"], "xlsx": known.EXCEL["xlsx"],
    "eml": known.EML, "rtf": "application/rtf", "pdf": known.PDF, "txt": known.TEXT, "csv": known.CSV, "xml": known.XML,
    "html": known.HTML, "png": "image/png", "jpg": "image/jpeg", "svg": known.SVG,
}  # fmt: skip
