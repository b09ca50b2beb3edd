"""What a sheet's XML says of its cells beyond their values, in one cheap pass; an exact one only where needed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from posixpath import normpath
from xml.parsers import expat

from models.sheets.archive import Archive
from models.sheets.cells import Unreadable

# Marks at one cell: (column from 0, "formula" | "error_value" | "zeros", detail).
Mark = tuple[int, str, str]
MOST_MARKS = 1_000_000

_NEEDS_A_CLOSER_LOOK = re.compile(rb"<(?:\w+:)?f[\s>/]|\st=[\"']e[\"']")
_CELL = re.compile("([A-Z]{1,3})([0-9]{1,7})")
_ZEROS = re.compile("0{2,}")


class Marks:
    def __init__(self) -> None:
        self._rows: dict[int, list[Mark]] = defaultdict(list)
        self._count = 0

    @property
    def is_needed(self) -> bool:
        return bool(self._rows)

    def add(self, row: int, column: int, kind: str, detail: str = "") -> None:
        self._count += 1
        if self._count > MOST_MARKS:
            raise Unreadable("too_big")
        self._rows[row].append((column, kind, detail))

    def in_row(self, row: int) -> list[Mark]:
        return self._rows.get(row, [])


def part_of_sheet(archive: Archive, name: str) -> str:
    """The part that holds a sheet, or '' when the workbook does not say so in the usual way."""
    targets: dict[str, str] = {}
    found = ""

    def relation(tag: str, attributes: dict[str, str]) -> None:
        if _local(tag) == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    def sheet(tag: str, attributes: dict[str, str]) -> None:
        nonlocal found
        if _local(tag) == "sheet" and attributes.get("name") == name:
            found = next((value for key, value in attributes.items() if _local(key) == "id"), "")

    if "xl/workbook.xml" not in archive.parts or "xl/_rels/workbook.xml.rels" not in archive.parts:
        return ""
    _parse([archive.read("xl/_rels/workbook.xml.rels")], start=relation)
    _parse([archive.read("xl/workbook.xml")], start=sheet)
    target = targets.get(found, "")
    part = target.lstrip("/") if target.startswith("/") else normpath(f"xl/{target}")
    return part if part in archive.parts else ""


def xlsx_marks(archive: Archive, part: str, max_rows: int) -> Marks:
    """Formulas, error values and number formats of zeros only; refuses early when more rows are filled than may be."""
    marks = Marks()
    if not part:
        raise Unreadable("damaged")
    zero_styles = _zero_styles(archive)
    closer, filled, tail = bool(zero_styles), 0, b""
    for block in archive.blocks(part):
        text = tail + block
        closer = closer or _NEEDS_A_CLOSER_LOOK.search(text) is not None
        rows = text.split(b"</row>")
        # The last piece is not finished; of a very long row only enough is kept to see a tag that was cut in two.
        tail = rows.pop()[-65536:]
        filled += sum(1 for row in rows if b"<v>" in row or b"<is>" in row)
        if filled > max_rows + 100:
            raise Unreadable("too_many_rows", most=max_rows)
    if closer:
        reader = _SheetXml(marks, zero_styles)
        _parse(archive.blocks(part), start=reader.start, end=reader.end, text=reader.text)
    return marks


class _SheetXml:
    """Follows the cells of a sheet; a cell without a reference is the one after the last, as the format has it."""

    def __init__(self, marks: Marks, zero_styles: dict[str, int]) -> None:
        self._marks = marks
        self._zero_styles = zero_styles
        self._row = 0
        self._column = -1
        self._formula = self._error = False
        self._shown = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = _local(tag)
        if tag == "c":
            if place := _CELL.fullmatch(attributes.get("r", "")):
                self._row, self._column = int(place[2]), _column(place[1])
            else:
                self._column += 1
            self._formula, self._error, self._shown = False, attributes.get("t") == "e", ""
            if attributes.get("s", "") in self._zero_styles:
                self._marks.add(self._row, self._column, "zeros", str(self._zero_styles[attributes["s"]]))
        elif tag == "row":
            self._row = int(attributes["r"]) if attributes.get("r", "").isdecimal() else self._row + 1
            self._column = -1
        elif tag == "f":
            self._formula = True
            self._spill(attributes)

    def text(self, text: str) -> None:
        if self._error and len(self._shown) < 20:
            self._shown += text

    def end(self, tag: str) -> None:
        if _local(tag) == "c" and (self._formula or self._error):
            kind = "formula" if self._formula else "error_value"
            self._marks.add(self._row, self._column, kind, self._shown.strip()[:20])
            self._formula = self._error = False

    def _spill(self, attributes: dict[str, str]) -> None:
        """One formula that fills several cells stands only in the first of them."""
        if attributes.get("t") not in ("array", "dataTable"):
            return
        corners = [_CELL.fullmatch(corner) for corner in attributes.get("ref", "").split(":")]
        if len(corners) == 2 and corners[0] and corners[1]:
            for row in range(int(corners[0][2]), int(corners[1][2]) + 1):
                for column in range(_column(corners[0][1]), _column(corners[1][1]) + 1):
                    self._marks.add(row, column, "formula")


def ods_marks(archive: Archive, name: str) -> Marks:
    """Formulas of one table of an OpenDocument sheet, whose cells have no names: they are counted."""
    marks = Marks()
    here, row, column, times = False, 0, 0, 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal here, row, column, times
        tag = _local(tag)
        if tag == "table":
            here, row, times = attributes.get("table:name") == name, 0, 0
        elif here and tag == "table-row":
            row += times
            column, times = 0, _times(attributes, "table:number-rows-repeated")
        elif here and tag in ("table-cell", "covered-table-cell"):
            wide = _times(attributes, "table:number-columns-repeated")
            if "table:formula" in attributes:
                for at_row in range(row + 1, row + 1 + times):
                    for at_column in range(column, column + wide):
                        marks.add(at_row, at_column, "formula")
            column += wide

    if any(b"formula" in block for block in archive.blocks("content.xml")):
        _parse(archive.blocks("content.xml"), start=start)
    return marks


def _times(attributes: dict[str, str], name: str) -> int:
    text = attributes.get(name, "1")
    return int(text) if text.isdecimal() and len(text) < 9 else 1


def _zero_styles(archive: Archive) -> dict[str, int]:
    """Cell styles whose number format is nothing but zeros, with how many: 00123 is kept as 123 and shown so."""
    if "xl/styles.xml" not in archive.parts:
        return {}
    formats: dict[str, int] = {}
    styles: dict[str, int] = {}
    in_cells = False
    number = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal in_cells, number
        tag = _local(tag)
        if tag == "numFmt" and _ZEROS.fullmatch(attributes.get("formatCode", "")):
            formats[attributes.get("numFmtId", "")] = min(len(attributes["formatCode"]), 20)
        elif tag == "cellXfs":
            in_cells = True
        elif tag == "xf" and in_cells:
            if attributes.get("numFmtId") in formats:
                styles[str(number)] = formats[attributes["numFmtId"]]
            number += 1

    def end(tag: str) -> None:
        nonlocal in_cells
        if _local(tag) == "cellXfs":
            in_cells = False

    _parse([archive.read("xl/styles.xml")], start=start, end=end)
    return styles


def _parse(
    blocks: Iterable[bytes],
    *,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    if end:
        parser.EndElementHandler = end
    if text:
        parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        for block in blocks:
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Unreadable("damaged") from error


def _refuse_doctype(*_: object) -> None:
    raise Unreadable("damaged")


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
