"""The kinds of files that are told apart: media type, name in words, and whether a browser may show them itself."""

from __future__ import annotations

from dataclasses import dataclass

from models.core import Say


@dataclass(frozen=True)
class ContentType:
    """`extension` is without a dot and '' when the kind has none of its own."""

    mime: str
    label: Say
    extension: str

    @property
    def is_inline_safe(self) -> bool:
        return self.mime in INLINE


# Shown in the browser itself, in a sandbox; everything else is only ever downloaded. No PDF: its scripts run in the
# browser's own viewer, out of reach of the sandbox, and may ask there for a password in our name.
INLINE = frozenset({"image/avif", "image/gif", "image/jpeg", "image/png", "image/webp", "text/plain"})

PDF = "application/pdf"
ZIP = "application/zip"
OLE = "application/x-ole-storage"
TEXT = "text/plain"
CSV = "text/csv"
XML = "application/xml"
HTML = "text/html"
SVG = "image/svg+xml"
EML = "message/rfc822"
PROGRAM = "application/x-msdownload"
SCRIPT = "text/x-script"
UNKNOWN = "application/octet-stream"

_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."

WORD = {
    "docx": f"{_OOXML}wordprocessingml.document",
    "docm": "application/vnd.ms-word.document.macroEnabled.12",
    "dotx": f"{_OOXML}wordprocessingml.template",
}
EXCEL = {
    "xlsx": f"{_OOXML}spreadsheetml.sheet",
    "xlsm": "application/vnd.ms-excel.sheet.macroEnabled.12",
    "xlsb": "application/vnd.ms-excel.sheet.binary.macroEnabled.12",
    "xltx": f"{_OOXML}spreadsheetml.template",
}
POWERPOINT = {
    "pptx": f"{_OOXML}presentationml.presentation",
    "pptm": "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
    "ppsx": f"{_OOXML}presentationml.slideshow",
}
OPEN_DOCUMENT = {"odt": f"{_ODF}text", "ods": f"{_ODF}spreadsheet", "odp": f"{_ODF}presentation"}
OLD_OFFICE = {
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "msg": "application/vnd.ms-outlook",
}

_image, _video, _sound = Say("afbeelding"), Say("video"), Say("geluidsopname")
_word, _excel, _powerpoint = Say("Word-document"), Say("Excel-werkmap"), Say("PowerPoint-presentatie")

_KINDS = (
    ContentType(PDF, Say("pdf-document"), "pdf"),
    ContentType("image/png", _image, "png"),
    ContentType("image/jpeg", _image, "jpg"),
    ContentType("image/gif", _image, "gif"),
    ContentType("image/webp", _image, "webp"),
    ContentType("image/avif", _image, "avif"),
    ContentType("image/heic", _image, "heic"),
    ContentType("image/tiff", _image, "tif"),
    ContentType("image/bmp", _image, "bmp"),
    ContentType(SVG, Say("SVG-tekening"), "svg"),
    *(ContentType(mime, _word, ending) for ending, mime in WORD.items()),
    *(ContentType(mime, _excel, ending) for ending, mime in EXCEL.items()),
    *(ContentType(mime, _powerpoint, ending) for ending, mime in POWERPOINT.items()),
    ContentType(OPEN_DOCUMENT["odt"], Say("OpenDocument-tekst"), "odt"),
    ContentType(OPEN_DOCUMENT["ods"], Say("OpenDocument-rekenblad"), "ods"),
    ContentType(OPEN_DOCUMENT["odp"], Say("OpenDocument-presentatie"), "odp"),
    ContentType(OLD_OFFICE["doc"], Say("Word-document (oude soort)"), "doc"),
    ContentType(OLD_OFFICE["xls"], Say("Excel-werkmap (oude soort)"), "xls"),
    ContentType(OLD_OFFICE["ppt"], Say("PowerPoint-presentatie (oude soort)"), "ppt"),
    ContentType(OLD_OFFICE["msg"], Say("e-mailbericht"), "msg"),
    ContentType(OLE, Say("Office-bestand, oud of met wachtwoord"), ""),
    ContentType("application/rtf", Say("tekstdocument (RTF)"), "rtf"),
    ContentType(ZIP, Say("zip-archief"), "zip"),
    ContentType("application/x-7z-compressed", Say("archief"), "7z"),
    ContentType("application/vnd.rar", Say("archief"), "rar"),
    ContentType("application/gzip", Say("archief"), "gz"),
    ContentType("application/x-tar", Say("archief"), "tar"),
    ContentType("video/mp4", _video, "mp4"),
    ContentType("video/quicktime", _video, "mov"),
    ContentType("video/webm", _video, "webm"),
    ContentType("video/x-msvideo", _video, "avi"),
    ContentType("audio/mp4", _sound, "m4a"),
    ContentType("audio/mpeg", _sound, "mp3"),
    ContentType("audio/wav", _sound, "wav"),
    ContentType("audio/ogg", _sound, "ogg"),
    ContentType(EML, Say("e-mailbericht"), "eml"),
    ContentType(TEXT, Say("tekstbestand"), "txt"),
    ContentType(CSV, Say("CSV-bestand"), "csv"),
    ContentType(XML, Say("XML-bestand"), "xml"),
    ContentType(HTML, Say("webpagina"), "html"),
    ContentType(PROGRAM, Say("programma"), "exe"),
    ContentType(SCRIPT, Say("script"), ""),
    ContentType(UNKNOWN, Say("onbekend soort bestand"), ""),
)
_BY_MIME = {kind.mime: kind for kind in _KINDS}


def by_mime(mime: str) -> ContentType:
    """What is known of a stored media type; unknown ones are an unknown kind of file."""
    return _BY_MIME.get(mime, _BY_MIME[UNKNOWN])


def ending_of(name: str) -> str:
    """'Jaar.Rekening.PDF' -> 'pdf'; '' without one, as in 'Dhr. Jansen'."""
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    return "" if any(letter.isspace() for letter in ending) else ending
