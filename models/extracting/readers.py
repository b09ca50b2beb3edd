"""Reading the text of one file, by what it is. Runs only in the process of `__main__`, within its limits.

Each reader yields pages (or sheets, slides, parts) as text; who calls stops when there is enough.
"""

from __future__ import annotations

import csv
import email
import email.policy
import html.parser
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

from models.sheets.archive import Archive
from models.sheets.cells import Unreadable

Pages = Iterator[str]
_PART = 30 * 1024 * 1024  # bytes of one part of an office file
_PLAIN = 8 * 1024 * 1024  # bytes of a plain file
_PARAGRAPHS = frozenset({"p", "h", "tr", "row", "table-cell", "list-item"})
_BREAKS = frozenset({"br", "tab", "s", "line-break", "cr"})
_WITHIN_WORDS = frozenset({"span", "a", "b", "i", "tspan"})
_DEEPEST = 1_000  # elements within elements
_TEXTS = frozenset({"t"})
_SLIDE = re.compile(r"ppt/(?:slides|notesSlides)/[a-z]+(\d+)\.xml$", re.I)
_WORD_PARTS = re.compile(r"word/(?:document|header\d*|footer\d*|footnotes|endnotes|comments)\.xml$", re.I)


def office_open(path: Path) -> Pages:
    """docx and pptx: the texts of the parts that a reader sees."""
    archive = Archive(path)
    slides = sorted((int(found[1]), name) for name in archive.parts if (found := _SLIDE.match(name)))
    names = [name for _, name in slides] or sorted(
        (name for name in archive.parts if _WORD_PARTS.match(name)), key=_body_first
    )
    if not names:
        raise Unreadable("damaged")
    for name in names:
        yield _xml_text(archive.read(name, _PART), _TEXTS)


def open_document(path: Path) -> Pages:
    """odt, odp and the like."""
    yield _xml_text(Archive(path).read("content.xml", _PART), None)


def workbook(path: Path) -> Pages:
    """xlsx, xls and ods: a sheet is a page."""
    from python_calamine import CalamineWorkbook

    if path.open("rb").read(2) == b"PK":
        Archive(path).check_what_comes_out()
    book = CalamineWorkbook.from_path(str(path))
    for name in book.sheet_names:
        lines = [name]
        size = 0
        for row in book.get_sheet_by_name(name).iter_rows():
            line = " ".join(_cell(value) for value in row if value not in ("", None))
            lines.append(line)
            size += len(line)
            if size > 2_000_000:
                break
        yield "\n".join(lines)


def text(path: Path) -> Pages:
    yield _decoded(_head(path))


def xml(path: Path) -> Pages:
    """Without its marks; what is no good XML is read as it stands. Entities are not unfolded."""
    content = _head(path)
    try:
        yield _xml_text(content, None)
    except Unreadable:
        yield re.sub(r"<[^<>]{0,2000}>", " ", _decoded(content))


def web_page(path: Path) -> Pages:
    yield _html_text(_decoded(_head(path)))


def mail(path: Path) -> Pages:
    """Who, to whom, about what, and the words; the names of what is attached, not what is in it."""
    message = email.message_from_bytes(_head(path), policy=email.policy.default)
    said = [str(message.get(name, "")) for name in ("subject", "from", "to", "cc", "date")]
    for part in list(message.walk())[:200]:
        if name := part.get_filename():
            said.append(str(name))
        elif part.get_content_type() in ("text/plain", "text/html"):
            raw: Any = part.get_payload(decode=True) or b""
            body = _decoded(raw, str(part.get_content_charset() or ""))
            said.append(_html_text(body) if part.get_content_type() == "text/html" else body)
    yield "\n".join(said)


def rich_text(path: Path) -> Pages:
    """RTF: its groups of fonts, colours and pictures left out, its signs turned into letters."""
    source = _head(path).decode("latin-1")
    yield _rtf_text(source)


def table(path: Path) -> Pages:
    """Comma, semicolon or tab: words are words whatever parts them."""
    content = _decoded(_head(path))
    try:
        yield "\n".join(" ".join(row) for row in csv.reader(io.StringIO(content, newline=""), delimiter=";"))
    except csv.Error:
        yield content


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_PLAIN)


def _decoded(content: bytes, charset: str = "") -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    for name in (charset, "utf-8-sig"):
        try:
            return content.decode(name) if name else content.decode("utf-8-sig")
        except (LookupError, UnicodeDecodeError):
            continue
    return content.decode("cp1252", "replace")


def _cell(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _body_first(name: str) -> tuple[bool, str]:
    return not name.lower().endswith("document.xml"), name


def _xml_text(content: bytes, wanted: frozenset[str] | None) -> str:
    """The texts of a part (or those in the wanted elements), with a break after each paragraph. What declares entities is not
    read: it may unfold without end."""
    if b"<!ENTITY" in content:
        raise Unreadable("damaged")
    said: list[str] = []
    inside: list[bool] = []

    def start(name: str, attributes: Any) -> None:
        tag = name.rpartition(":")[2]
        inside.append(wanted is None or tag in wanted)
        if len(inside) > _DEEPEST:
            raise Unreadable("damaged")
        if tag in _BREAKS or (wanted is None and tag not in _WITHIN_WORDS):
            said.append(" ")

    def end(name: str) -> None:
        inside.pop()
        tag = name.rpartition(":")[2]
        if tag in _PARAGRAPHS:
            said.append("\n")
        elif wanted is None and tag not in _WITHIN_WORDS:
            said.append(" ")

    def letters(data: str) -> None:
        if inside and inside[-1]:
            said.append(data)

    def entity(*_: Any) -> None:
        raise Unreadable("damaged")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = letters, entity
    parser.buffer_text = True
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Unreadable("damaged") from error
    return "".join(said)


class _Html(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._hidden += tag in ("script", "style")
        self.said.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in ("script", "style")))
        self.said.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.said.append(data)


def _html_text(source: str) -> str:
    parser = _Html()
    parser.feed(source)
    parser.close()
    return "".join(parser.said)


_RTF = re.compile(r"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-f]{2})|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)", re.I)
_RTF_HIDDEN = frozenset(
    {"fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "themedata", "datastore", "generator", "listtable"}
)


def _rtf_text(source: str) -> str:
    said: list[str] = []
    hidden, stack, skip = False, [], 0
    for word, number, code, sign, brace, plain in _RTF.findall(source):
        if brace == "{":
            stack.append(hidden)
        elif brace == "}":
            hidden = stack.pop() if stack else False
        elif word in _RTF_HIDDEN or sign == "*":
            hidden = True
        elif hidden:
            continue
        elif word in ("par", "line", "tab", "cell", "row", "page", "sect"):
            said.append("\n")
        elif word == "u" and number:
            said.append(chr(int(number) % 0x10000) if not 0xD800 <= int(number) % 0x10000 < 0xE000 else " ")
            skip = 1
        elif code:
            said.append("" if skip else bytes.fromhex(code).decode("cp1252", "replace"))
            skip = 0
        elif plain:
            said.append(plain[skip:])
            skip = 0
        elif sign in "~_-":
            said.append(" ")
    return "".join(said)
