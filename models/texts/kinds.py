"""Which files have text to read, and by what reader; known on both sides of the pipe, without importing a reader."""

from __future__ import annotations

from models.content_type import kinds as known

READERS = (
    "office_open", "open_document", "workbook", "text", "xml", "web_page", "mail", "rich_text", "table", "pdf", "picture",
)  # fmt: skip
_BY_MIME = {
    known.PDF: "pdf", known.TEXT: "text", known.CSV: "table", known.XML: "xml", known.SVG: "xml", known.HTML: "web_page",
    known.EML: "mail", "application/rtf": "rich_text", "text/rtf": "rich_text",
    **dict.fromkeys(known.WORD.values(), "office_open"), **dict.fromkeys(known.POWERPOINT.values(), "office_open"),
    **dict.fromkeys(known.EXCEL.values(), "workbook"), known.OLD_OFFICE["xls"]: "workbook",
    known.OPEN_DOCUMENT["ods"]: "workbook", known.OPEN_DOCUMENT["odt"]: "open_document", known.OPEN_DOCUMENT["odp"]: "open_document",
    **dict.fromkeys(("image/png", "image/jpeg", "image/webp", "image/heic", "image/heif", "image/tiff", "image/bmp", "image/avif"), "picture"),
}  # fmt: skip
MOST_SIZE = 200 * 1024 * 1024  # bytes of a file that is read; a larger one is found by its name


def reader_of(mime: str, name: str) -> str:
    """The reader for such a file; '' when there is no text to read in it."""
    if name.lower().endswith(".xls") and mime == known.OLE:
        return "workbook"
    return _BY_MIME.get(mime, "")
