"""Files are told apart by what they hold, refused with a reason in words, and get a name that can do no harm."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from models.content_type import INLINE, by_mime, charset_of, check_upload, clean_name, detect
from models.content_type.kinds import EXCEL, OPEN_DOCUMENT, POWERPOINT, WORD

HOSTILE = Path(__file__).parents[1] / "data" / "hostile"
OOXML = "application/vnd.openxmlformats-officedocument."
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
NOISE = random.Random(2).randbytes(70_000)


def picture(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (9, 9), "red").save(file, kind)
    return file.getvalue()


def zipped(*files: tuple[str, bytes], stored: bool = False) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return file.getvalue()


def streamed(*files: tuple[str, bytes]) -> bytes:
    """An archive written to a pipe: sizes stand behind the files, as many programs write them."""

    class Pipe(io.RawIOBase):
        written = b""

        def writable(self) -> bool:
            return True

        def write(self, data) -> int:
            self.written += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return pipe.written


def excel() -> bytes:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    book.add_worksheet().write(0, 0, "a")
    book.close()
    return file.getvalue()


def excel_of_openpyxl() -> bytes:
    file = io.BytesIO()
    openpyxl.Workbook().save(file)
    return file.getvalue()


def types(part: str) -> bytes:
    return f'<Types><Override PartName="/x" ContentType="application/vnd.{part}+xml"/></Types>'.encode()


def ole(*streams: str) -> bytes:
    """The signature of an OLE file and directory entries with these names."""
    return OLE + bytes(504) + b"".join(s.encode("utf-16-le").ljust(128, b"\0") for s in streams)


DOCX = zipped(
    ("[Content_Types].xml", types("openxmlformats-officedocument.wordprocessingml.document.main")),
    ("word/document.xml", b"x"),
)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj"


@pytest.mark.parametrize(
    "head, name, mime",
    [
        (PDF, "x", "application/pdf"),
        (b"\r\n \xff\x00junk of a scanner\r\n" + PDF, "scan.pdf", "application/pdf"),
        (b"\xef\xbb\xbf" + PDF, "scan.pdf", "application/pdf"),
        (picture("PNG"), "x.jpg", "image/png"),
        (picture("JPEG"), "x", "image/jpeg"),
        (picture("GIF"), "x", "image/gif"),
        (picture("WEBP"), "x", "image/webp"),
        (picture("TIFF"), "x", "image/tiff"),
        (picture("BMP"), "x", "image/bmp"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "IMG_1.HEIC", "image/heic"),
        (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2", "x.mp4", "video/mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0", "x.mov", "video/quicktime"),
        (DOCX, "x", f"{OOXML}wordprocessingml.document"),
        (DOCX, "x.zip", f"{OOXML}wordprocessingml.document"),
        (excel(), "x", f"{OOXML}spreadsheetml.sheet"),
        (excel_of_openpyxl(), "x", f"{OOXML}spreadsheetml.sheet"),
        (
            zipped(("_rels/.rels", b""), ("xl/workbook.xml", b"")),
            "x.xlsm",
            EXCEL["xlsm"],
        ),
        (
            streamed(("docProps/app.xml", b"a" * 900), ("ppt/presentation.xml", b"")),
            "x",
            POWERPOINT["pptx"],
        ),
        (
            zipped(("[Content_Types].xml", types("ms-excel.sheet.macroEnabled.main"))),
            "x.xlsx",
            EXCEL["xlsm"],
        ),
        (
            zipped(("mimetype", OPEN_DOCUMENT["odt"].encode()), stored=True),
            "x",
            OPEN_DOCUMENT["odt"],
        ),
        (zipped(("jaarrekening.pdf", b"x")), "x.zip", "application/zip"),
        (zipped(("jaarrekening.pdf", b"x")), "x.docx", "application/zip"),
        (zipped(("brief.docx", DOCX), stored=True), "brieven.zip", "application/zip"),
        (zipped(("photo.jpg", NOISE), stored=True)[:65536], "x.docx", f"{OOXML}wordprocessingml.document"),
        (zipped(), "x.zip", "application/zip"),
        (ole("Root Entry", "WordDocument"), "x", "application/msword"),
        (ole("Root Entry", "Workbook"), "x", "application/vnd.ms-excel"),
        (ole("Root Entry", "__properties_version1.0"), "x", "application/vnd.ms-outlook"),
        (ole("Root Entry", "EncryptedPackage"), "x.xlsx", "application/x-ole-storage"),
        (ole("Root Entry").ljust(65536, b"x"), "x.xls", "application/vnd.ms-excel"),
        ("naam;bedrag\nCafé;1,00\n".encode(), "x.csv", "text/csv"),
        ("naam;bedrag\nCafé;1,00\n".encode("cp1252"), "x.csv", "text/csv"),
        ("naam;bedrag\nCafé;1,00\n".encode("cp850"), "x.csv", "text/csv"),
        ("naam;bedrag\nCafé;1,00\n".encode("utf-16"), "x.csv", "text/csv"),
        (("é" * 40_000).encode()[:65536], "x.txt", "text/plain"),
        (("x" + "é" * 40_000).encode()[:65536], "x.txt", "text/plain"),
        (b'<?xml version="1.0"?><auditfile/>', "x.xaf", "application/xml"),
        (b'<?xml version="1.0"?>\n<!-- c --><!DOCTYPE svg [<!ENTITY a "b">]>\n<svg:svg/>', "x.xml", "image/svg+xml"),
        (b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>', "x.xml", "text/html"),
        (b"  \n<!-- x --><SCRIPT src=x></SCRIPT>", "x.txt", "text/html"),
        (b"<table><tr><td>1</td></tr></table>", "x.xls", "text/html"),
        (b"Received: from a\nFrom: a@b.example\nSubject: x\nMIME-Version: 1.0\n\nhello", "x", "message/rfc822"),
        (b"MZ\x90\x00\x03\x00\x00\x00", "x.pdf", "application/x-msdownload"),
        (b"MZ;naam\n1;Jansen\n", "x.csv", "text/csv"),
        (b"\x7fELF\x02\x01", "x", "application/x-msdownload"),
        (b"#!/bin/sh\nrm -rf ~", "x.txt", "text/x-script"),
        (b"", "x.pdf", "text/plain"),
        (NOISE[:4096], "x.txt", "application/octet-stream"),
    ],
)
def test_the_kind_is_told_by_the_content(head, name, mime):
    assert detect(head, name).mime == mime


@pytest.mark.parametrize("name", sorted(path.name for path in HOSTILE.iterdir()))
def test_every_hostile_file_has_a_known_answer(name):
    head = (HOSTILE / name).read_bytes()[:65536]

    why = check_upload(head, (HOSTILE / name).stat().st_size, name)

    assert (str(why) if why else None) == {
        "aangifte.pdf.html": "“aangifte.pdf.html” is een webpagina of SVG-tekening; daar kan een script in zitten. "
        "Bewaar hem als pdf.",
        "script.svg": "“script.svg” is een webpagina of SVG-tekening; daar kan een script in zitten. "
        "Bewaar hem als pdf.",
        "leeg.pdf": "“leeg.pdf” is leeg. Kies het bestand opnieuw.",
        "only_bom.csv": "“only_bom.csv” is leeg. Kies het bestand opnieuw.",
        "not_a_sheet.xlsx": "“not_a_sheet.xlsx” eindigt op .xlsx, maar de inhoud is iets anders: Word-document. "
        "Bewaar het bestand opnieuw als .xlsx en probeer het nog eens.",
    }.get(name)


PROGRAM = "programma of script"
PAGE = "webpagina"
LIAR = "de inhoud is iets anders"
SOME_PROGRAMS = ("msi", "dll", "bat", "cmd", "com", "js", "vbs", "ps1", "sh", "jar", "lnk", "scr", "hta", "xll")
EMPTY = "is leeg"


@pytest.mark.parametrize(
    "head, name, said",
    [
        (PDF, "jaarrekening.pdf", None),
        (PDF, "JAARREKENING.PDF", None),
        (PDF, "jaarrekening", None),
        (b"hello", "jaarrekening.pdf", LIAR),
        (b"<html><script>", "jaarrekening.pdf", LIAR),
        (picture("PNG"), "jaarrekening.pdf", LIAR),
        (picture("PNG"), "foto.jpg", None),
        (PDF, "foto.jpg", LIAR),
        (b"<svg onload=x>", "foto.png", LIAR),
        (DOCX, "brief.docx", None),
        (DOCX, "brief.xlsx", LIAR),
        (excel(), "cijfers.xlsm", None),
        (ole("EncryptedPackage"), "geheim.xlsx", None),
        (ole("WordDocument"), "oud.doc", None),
        (b"hello", "brief.docx", LIAR),
        (zipped(("a", b"b")), "stukken.zip", None),
        (b"Rar!\x1a\x07\x01\x00", "stukken.zip", LIAR),
        (b"<table><tr><td>1", "uitdraai.xls", None),
        (b"<html><body>", "bericht.eml", None),
        (b"<html><body>", "pagina", PAGE),
        (b"hello", "pagina.html", PAGE),
        (PDF, "pagina.htm", PAGE),
        (b"hello", "pagina.mht", PAGE),
        (b"<svg/>", "logo.svg", PAGE),
        (b"MZ\x90\x00", "setup.exe", PROGRAM),
        (b"MZ\x90\x00", "factuur.pdf", PROGRAM),
        (b"MZ\x90\x00", "factuur", PROGRAM),
        (b"hello", "factuur.pdf.exe", PROGRAM),
        (b"hello", "factuur.pdf .exe. ", PROGRAM),
        (b"hello", "fdp.\u202eexe", PROGRAM),
        *((b"hello", f"x.{ending}", PROGRAM) for ending in SOME_PROGRAMS),
        (ole("x") + bytes.fromhex("84100c0000000000c000000000000046"), "update", PROGRAM),
        (b"", "leeg.txt", EMPTY),
        (bytes(5000), "mislukt.docx", EMPTY),
        (b"\xff\xfe", "leeg.csv", EMPTY),
        (b"1", "cijfer.txt", None),
        (NOISE[:65536], "iets.dat", None),
        (b"hello", "Dhr. Jansen", None),
    ],
)
def test_what_is_refused_is_refused_in_words(head, name, said):
    why = check_upload(head, len(head), name)

    assert (said in str(why)) if said else why is None


def test_zeros_of_which_more_comes_are_not_called_empty():
    assert check_upload(bytes(65536), 65537, "image.dat") is None


@pytest.mark.parametrize(
    "mime", ["text/html", "image/svg+xml", "application/xml", "message/rfc822", "text/csv", *WORD.values()]
)
def test_what_could_run_is_never_shown_in_the_browser(mime):
    assert mime not in INLINE
    assert not by_mime(mime).is_inline_safe


def test_an_unknown_kind_is_only_downloaded():
    assert by_mime("application/x-nonsense").mime == "application/octet-stream"
    assert not by_mime("application/x-nonsense").is_inline_safe


@pytest.mark.parametrize(
    "head, charset",
    [("é".encode(), "utf-8"), ("é".encode("cp1252"), "windows-1252"), ("é".encode("utf-16"), "utf-16"), (b"", "utf-8")],
)
def test_a_text_says_its_encoding(head, charset):
    assert charset_of(head) == charset


@given(st.binary(max_size=3000), st.sampled_from(["", "x.pdf", "x.docx", "x.csv", "x.xml", "x"]))
def test_any_bytes_are_some_kind(head, name):
    assert detect(head, name).mime
    check_upload(head, len(head), name)


@given(
    st.binary(max_size=2000),
    st.sampled_from([b"PK\x03\x04", b"<?xml", b"<!--", b"%PDF-", OLE, b"\xff\xfe"]),
)
def test_any_bytes_after_a_signature_are_some_kind(rest, start):
    assert detect(start + rest, "x").mime


def test_an_archive_that_unpacks_to_gigabytes_is_told_without_unpacking_it():
    bomb = zipped(("[Content_Types].xml", b" " * 60_000_000))

    assert len(bomb) < 65536
    assert detect(bomb, "x.xlsx").mime == "application/zip"


@pytest.mark.parametrize(
    "raw, clean",
    [
        ("jaarrekening 2026.pdf", "jaarrekening 2026.pdf"),
        ("../../etc/pässwd", "pässwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\Users\\Rik\\x.pdf", "x.pdf"),
        ("C:x.pdf", "x.pdf"),
        ("/etc/passwd", "passwd"),
        ("A: overzicht.pdf", "A_ overzicht.pdf"),
        ("a\x00b\x07c.pdf", "abc.pdf"),
        ("a\r\nb.pdf", "a b.pdf"),
        ("factuur\u202efdp.exe", "factuurfdp.exe"),
        ("a\u200bb\ufeffc\u2066d.pdf", "abcd.pdf"),
        ("a\u00a0b\u2028c.pdf", "a b c.pdf"),
        ("e\u0301e\u0301n.pdf", "één.pdf"),
        ("con.pdf", "_con.pdf"),
        ("NUL", "_NUL"),
        ("com1.tar.gz", "_com1.tar.gz"),
        ("COM¹.txt", "_COM¹.txt"),
        ("contract.pdf", "contract.pdf"),
        ("x.pdf. . ", "x.pdf"),
        (" x .pdf", "x.pdf"),
        ('a<b>:"c|d?*.pdf', "a_b___c_d__.pdf"),
        ("x.exe::$DATA", "x.exe__$DATA"),
        ("", "naamloos"),
        ("...", "naamloos"),
        ("../", "naamloos"),
        (".pdf", "naamloos.pdf"),
        (".htaccess", "naamloos.htaccess"),
        ("Dhr. Jansen", "Dhr. Jansen"),
        ("b.v. stukken.pdf", "b.v. stukken.pdf"),
        ("رسالة.pdf", "رسالة.pdf"),
        ("👩\u200d👩\u200d👧 familie 👍🏽.png", "👩\u200d👩\u200d👧 familie 👍🏽.png"),
        ("a\u200db.pdf", "ab.pdf"),
        ("\ud800x.pdf", "x.pdf"),
        ("\u3164\u3164.pdf", "naamloos.pdf"),
    ],
)
def test_a_name_is_made_safe_and_stays_readable(raw, clean):
    assert clean_name(raw) == clean


def test_a_long_name_keeps_its_extension():
    assert clean_name("x" * 500 + ".pdf") == "x" * 251 + ".pdf"
    assert clean_name("é" * 500 + ".pdf") == "é" * 125 + ".pdf"
    assert clean_name("x" * 500) == "x" * 255


def test_a_long_name_is_not_cut_through_a_letter():
    accented = "x\u0323\u0302"  # no single letter exists for it

    assert clean_name(accented * 200 + ".pdf") == accented * 50 + ".pdf"
    assert clean_name("👍🏽" * 60 + ".png") == "👍🏽" * 31 + ".png"
    assert clean_name("👩\u200d" * 60 + ".png") == "\u200d".join("👩" * 35) + ".png"


@given(st.text(max_size=400))
def test_any_name_becomes_one_that_can_be_written(raw):
    name = clean_name(raw)

    assert 0 < len(name.encode()) <= 255
    assert not set(name) & set('/\\<>:"|?*\x00\n\u202e')
    assert name == name.strip(" ").rstrip(".") and not name.startswith(".")
    assert clean_name(name) == name


def test_any_name_can_be_saved_on_a_disk(tmp_path):
    for raw in ("../x", "é" * 300 + ".pdf", "con", "👩\u200d👩\u200d👧.png", "."):
        (tmp_path / clean_name(raw)).write_text("x")

    assert len(list(tmp_path.iterdir())) == 5
