"""Text files with one record per line: which letters, which delimiter, which records."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from models.sheets.cells import Plain, Row, Unreadable, text_cell, trimmed
from models.sheets.kinds import TOP_ROWS

_SEP_LINE = re.compile(r'\s*"?sep=(.|\\t)"?[;,\t|]*\s*', re.IGNORECASE)
_BLOCK = 1 << 20
# A record that goes on for more lines than this has lost the quotation mark that ends it.
_MOST_LINES = 200


class TextFile:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.encoding, self._has_newlines = _letters(path)
        lines = self._sample()
        separator = _SEP_LINE.fullmatch(lines[0].rstrip("\r\n")) if lines else None
        self._first = 2 if separator else 1
        self.delimiter = separator[1].replace("\\t", "\t") if separator else delimiter_of(lines)
        self.format = "text"

    def tops(self) -> list[tuple[str, list[Row]]]:
        top: list[Row] = []
        for row in self.rows(0, 0):
            top.append(row)
            if len(top) == TOP_ROWS:
                break
        return [("", top)]

    def rows(self, sheet: int, after: int) -> Iterator[Row]:
        """The records that are not blank, each with the number of its first physical line."""
        with self._open() as file:
            lines = _Lines(file, self._has_newlines)
            for _ in range(self._first - 1):
                next(lines, None)
            records = csv.reader(lines, delimiter=self.delimiter)
            while True:
                first = lines.start_record()
                try:
                    record = next(records)
                except StopIteration:
                    return
                except csv.Error as error:
                    raise Unreadable("unclosed_quote", line=first) from error
                if lines.count - first > 0 and lines.ended and _is_unclosed(lines.raw, self.delimiter):
                    raise Unreadable("unclosed_quote", line=first)
                if first > after:
                    cells: list[Plain] = trimmed([text_cell(cell) for cell in record])
                    if cells:
                        yield first, cells

    def _open(self) -> io.TextIOWrapper:
        # utf-8-sig and utf-16 take their mark away; a stray byte becomes U+FFFD, which is warned for where it stands.
        return self.path.open(encoding=self.encoding, errors="replace", newline="")

    def _sample(self) -> list[str]:
        with self._open() as file:
            return file.read(65536).splitlines(keepends=True)[:80]


class _Lines:
    """Physical lines, counted: a lone carriage return inside a text is no line where lines end in a newline."""

    def __init__(self, file: io.TextIOWrapper, has_newlines: bool) -> None:
        self._lines = iter(lambda: file.readline(4 << 20), "")
        self._has_newlines = has_newlines
        self.count = 0
        self.raw: list[str] = []
        self.ended = False

    def start_record(self) -> int:
        self.raw.clear()
        return self.count + 1

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._lines, None)
        if line is None:
            self.ended = True
            raise StopIteration
        if not self._has_newlines or line.endswith("\n"):
            self.count += 1
        self.raw.append(line)
        if len(self.raw) > _MOST_LINES:
            raise csv.Error("a record without end")
        return line


def _is_unclosed(raw: list[str], delimiter: str) -> bool:
    try:
        for _ in csv.reader(iter(raw), delimiter=delimiter, strict=True):
            pass
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False


def delimiter_of(lines: list[str]) -> str:
    """The delimiter that cuts the most records into the same, largest number of cells; not one that would cut through the
    quotation marks of a cell, where another does not."""
    best, best_score = ";", 0.0
    whole = [delimiter for delimiter in ";\t,|" if not _cuts_quotes(lines, delimiter)]
    for delimiter in whole or ";\t,|":
        try:
            widths = [len(record) for record in csv.reader(lines, delimiter=delimiter) if any(map(str.strip, record))]
        except csv.Error:
            continue
        common = Counter(width for width in widths if width > 1).most_common(1)
        if common:
            width, times = common[0]
            score = times / len(widths) * (width - 1)
            if score > best_score:
                best, best_score = delimiter, score
    return best


def _cuts_quotes(lines: list[str], delimiter: str) -> bool:
    """Whether something else than this delimiter stands behind the end of a cell between quotation marks."""
    try:
        for _ in csv.reader(lines, delimiter=delimiter, strict=True):
            pass
    except csv.Error as error:
        return "expected after" in str(error)
    return False


def _letters(path: Path) -> tuple[str, bool]:
    """The encoding, and whether lines end in a newline."""
    with path.open("rb") as file:
        head = file.read(65536)
        if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
            raise Unreadable("letters")
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16", True
        if head.startswith(codecs.BOM_UTF8):
            return "utf-8-sig", b"\n" in head
        even, odd = head[0::2].count(0), head[1::2].count(0)
        if even + odd > len(head) / 100:  # fewer are dirt in a text, and cleaned away with it
            if odd > len(head) * 0.3 and even < odd * 0.1:
                return "utf-16-le", True
            if even > len(head) * 0.3 and odd < even * 0.1:
                return "utf-16-be", True
            raise Unreadable("not_a_sheet")
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while block := file.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", True)
            return "utf-8", b"\n" in head
        except UnicodeDecodeError:
            file.seek(0)
            return _single_byte(file.read(4 * _BLOCK)), b"\n" in head


_DUTCH = "éëèêïíîöóôòüúûáàâäçñßåøãõì"
_CAPITALS = "ÉËÈÊÏÍÖÓÔÜÚÛÁÀÂÄÇÑÅØ"
_MARKS = "€’‘“”–—…°§´"


def _single_byte(sample: bytes) -> str:
    """Windows (cp1252) or DOS (cp850), by which of the two makes Dutch words of it."""
    padded = b" " + sample + b" "
    contexts = Counter(padded[m.start() - 1 : m.start() + 2] for m in re.finditer(rb"[\x80-\xff]", padded))
    scores = {
        encoding: sum(times * _plausible(context, encoding) for context, times in contexts.items())
        for encoding in ("cp1252", "cp850")
    }
    return max(scores, key=lambda encoding: scores[encoding])


def _plausible(context: bytes, encoding: str) -> int:
    """How likely the middle one of three bytes is what the encoding makes of it."""
    before, here, after = list((context.decode(encoding, "replace") + " ")[:3])
    if here in _DUTCH:
        return 2 if before.islower() or after.islower() or not before.isalpha() else -1
    if here in _CAPITALS:
        if before.isalpha() and before.islower():
            return -2
        return 2 if before.isalpha() or after.isalpha() else -1
    if here in _MARKS:
        return 1
    return -3 if (before.isalpha() and after.isalpha()) or here == "\ufffd" else -1
