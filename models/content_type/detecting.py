"""The kind of a file by its first bytes; the name decides only where kinds share them."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterator

from models.content_type import kinds
from models.content_type.kinds import ContentType, by_mime, ending_of
from models.storage.base import HEAD

_STARTS = (
    (b"%PDF-", kinds.PDF),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"{\\rtf", "application/rtf"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"OggS\x00", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\x7fELF", kinds.PROGRAM),
    (b"\xca\xfe\xba\xbe", kinds.PROGRAM),
    (b"\xfe\xed\xfa\xce", kinds.PROGRAM),
    (b"\xfe\xed\xfa\xcf", kinds.PROGRAM),
    (b"\xce\xfa\xed\xfe", kinds.PROGRAM),
    (b"\xcf\xfa\xed\xfe", kinds.PROGRAM),
    (b"dex\n03", kinds.PROGRAM),
    (b"ITSF\x03\x00", kinds.PROGRAM),  # compiled help, runs scripts
    (b"L\x00\x00\x00\x01\x14\x02\x00", kinds.PROGRAM),  # a Windows shortcut
    (b"#!", kinds.SCRIPT),
)
_ZIP, _EMPTY_ZIP = b"PK\x03\x04", b"PK\x05\x06"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_INSTALLER = bytes.fromhex("84100c0000000000c000000000000046")  # the class of an .msi in the directory of its OLE file
_OLE_STREAMS = (
    ("EncryptedPackage", kinds.OLE),
    ("WordDocument", kinds.OLD_OFFICE["doc"]),
    ("PowerPoint Document", kinds.OLD_OFFICE["ppt"]),
    ("__properties_version1.0", kinds.OLD_OFFICE["msg"]),
    ("Workbook", kinds.OLD_OFFICE["xls"]),
)
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "image/heic"),
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
}
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_MAIN_PARTS = (
    (b"ms-word.document.macroEnabled", "docm"),
    (b"wordprocessingml.template.main", "dotx"),
    (b"wordprocessingml.document.main", "docx"),
    (b"ms-excel.sheet.binary", "xlsb"),
    (b"ms-excel.sheet.macroEnabled", "xlsm"),
    (b"spreadsheetml.template.main", "xltx"),
    (b"spreadsheetml.sheet.main", "xlsx"),
    (b"ms-powerpoint.presentation.macroEnabled", "pptm"),
    (b"presentationml.slideshow.main", "ppsx"),
    (b"presentationml.presentation.main", "pptx"),
)
_FAMILIES = ((b"word/", kinds.WORD, "docx"), (b"xl/", kinds.EXCEL, "xlsx"), (b"ppt/", kinds.POWERPOINT, "pptx"))
_ZIPPED = kinds.WORD | kinds.EXCEL | kinds.POWERPOINT | kinds.OPEN_DOCUMENT

# Where a browser that guesses would see a web page (WHATWG MIME Sniffing, 7.1).
_PAGE = re.compile(
    r"<(?:!doctype\s+html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|meta|!--)(?=[\s>])", re.I
)
_PROLOG = re.compile(r"\s*(?:<\?.*?\?>\s*|<!--.*?-->\s*|<!doctype[^>\[]*(?:\[.*?\]\s*)?>\s*)*", re.I | re.S)
_ROOT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)")
_MAIL = re.compile(r"(?:[\w-]+:[^\n]*\n(?:[ \t][^\n]*\n)*){2,}", re.I)
_MAIL_FIELDS = ("from:", "received:", "return-path:", "mime-version:", "message-id:")
_INFLATE_MOST = 4 * 1024 * 1024


def detect(head: bytes, name: str) -> ContentType:
    """The kind of a file of which `head` is the beginning: up to 64 KiB, all of it when it is smaller."""
    return by_mime(_mime(head, ending_of(name)))


def charset_of(head: bytes) -> str:
    """The encoding in which a text is to be shown."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return "utf-8" if _as_utf8(head) is not None else "windows-1252"


def _mime(head: bytes, ending: str) -> str:
    if head.startswith((_ZIP, _EMPTY_ZIP)):
        return _zipped(head, ending)
    if head.startswith(_OLE):
        return _old_office(head, ending)
    for start, mime in _STARTS:
        if head.startswith(start):
            return mime
    text = _as_text(head)
    if text is not None:
        return _text(text, ending)
    return _binary(head)


def _binary(head: bytes) -> str:
    if head.startswith(b"MZ"):
        return kinds.PROGRAM
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], kinds.UNKNOWN)
    if head.startswith(b"BM") and head[6:10] == bytes(4):
        return "image/bmp"
    if head[257:262] == b"ustar":
        return "application/x-tar"
    if head[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"):
        return "audio/mpeg"
    return kinds.PDF if b"%PDF-" in head[:1024] else kinds.UNKNOWN  # some scanners put something before it


def _text(text: str, ending: str) -> str:
    start = text.lstrip("\ufeff \t\r\n\f")[:8192]
    if start.startswith("%PDF-"):
        return kinds.PDF
    if start[:5].lower() == "<?php" or start[:9].lower() == "@echo off" or start.startswith("[InternetShortcut]"):
        return kinds.SCRIPT
    root = _ROOT.match(start, _PROLOG.match(start).end())  # type: ignore[union-attr]  # it also matches nothing
    if root and root[1].lower() == "svg":
        return kinds.SVG
    if _PAGE.match(start) or (root and root[1].lower() == "html"):
        return kinds.HTML
    if start.startswith("<?xml") or (root and ending in ("xml", "xaf", "xbrl")):
        return kinds.XML
    if "%PDF-" in start[:1024]:
        return kinds.PDF
    if ending == "eml" or ((mail := _MAIL.match(start)) and sum(f in mail[0].lower() for f in _MAIL_FIELDS) >= 2):
        return kinds.EML
    return kinds.CSV if ending in ("csv", "tsv") else kinds.TEXT


def _as_text(head: bytes) -> str | None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head.decode("utf-16", "replace")
        return text if text.count("\ufffd") < 3 else None
    if b"\x00" in head:
        return None
    if (text_ := _as_utf8(head)) is not None:
        return text_
    strange = sum(byte < 32 and byte not in b"\t\n\f\r\x1a\x1b" for byte in head[:4096])
    return head.decode("cp1252", "replace") if strange * 200 < min(len(head), 4096) else None


def _as_utf8(head: bytes) -> str | None:
    try:  # the last letter may have been cut where the head ends
        return codecs.getincrementaldecoder("utf-8-sig")().decode(head, final=len(head) < HEAD)
    except UnicodeDecodeError:
        return None


def _old_office(head: bytes, ending: str) -> str:
    if _INSTALLER in head:
        return kinds.PROGRAM
    for stream, mime in _OLE_STREAMS:
        if stream.encode("utf-16-le") in head:
            return mime
    # The directory may stand beyond the head.
    return kinds.OLD_OFFICE.get(ending, kinds.OLE) if len(head) >= HEAD else kinds.OLE


def _zipped(head: bytes, ending: str) -> str:
    names = []
    for name, content in _entries(head):
        names.append(name)
        if name == b"mimetype":
            told = content.decode("ascii", "replace").strip()
            return told if told in kinds.OPEN_DOCUMENT.values() else kinds.ZIP
        if name == b"[Content_Types].xml":
            for part, kind in _MAIN_PARTS:
                if part in content:
                    return _ZIPPED[kind]
    for start, family, usual in _FAMILIES:
        if any(name.startswith(start) for name in names):
            return family.get(ending, family[usual])
    # What tells it may stand beyond the head.
    return _ZIPPED.get(ending, kinds.ZIP) if len(head) >= HEAD else kinds.ZIP


def _entries(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The files of an archive as far as they stand in the head, with up to 256 KB of each.

    An archive within the archive is skipped: its files are not ours.
    """
    at = 0
    while head[at : at + 4] == _ZIP and len(head) >= at + 30:
        flags, method = (int.from_bytes(head[at + i : at + i + 2], "little") for i in (6, 8))
        size, name_size, extra_size = (
            int.from_bytes(head[at + i : at + i + n], "little") for i, n in ((18, 4), (26, 2), (28, 2))
        )
        begin = at + 30 + name_size + extra_size
        name, packed = head[at + 30 : at + 30 + name_size], head[begin:]
        content, left = _inflated(packed) if method == 8 else (packed[:size], None)
        yield name, content[: 256 * 1024]
        if not flags & 8:
            at = begin + size
        elif left is None:
            return  # stored, and its size stands behind it
        else:
            at = len(head) - len(left)
            at += 16 if left[:4] == b"PK\x07\x08" else 12


def _inflated(packed: bytes) -> tuple[bytes, bytes | None]:
    """What it unpacks to, and what follows it; None when its end is not in sight."""
    unpacking = zlib.decompressobj(-15)
    try:
        content = unpacking.decompress(packed, _INFLATE_MOST)
    except zlib.error:
        return b"", None
    return content, unpacking.unused_data if unpacking.eof else None
