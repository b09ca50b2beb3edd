"""Workbooks (.xlsx, .xlsb, .ods, .xls): values by calamine, and what it does not tell beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import python_calamine as calamine

from models.sheets.archive import Archive
from models.sheets.cells import Plain, Row, Unreadable, trimmed, value_cell
from models.sheets.kinds import TOP_ROWS
from models.sheets.marks import Marks, ods_marks, part_of_sheet, xlsx_marks

MOST_SHEETS = 100
MOST_OLE = 50 * 1024 * 1024
_STREAMS = ("EncryptedPackage", "Workbook", "Book", "WordDocument", "PowerPoint Document", "__substg1.0_")
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")


class Workbook:
    def __init__(self, path: Path, format: str, archive: Archive | None = None, max_rows: int = 0) -> None:
        self.format = format
        self._archive = archive
        self._max_rows = max_rows
        self._known_marks: dict[str, Marks] = {}
        try:
            self._book = calamine.CalamineWorkbook.from_path(str(path))
            sheets = [sheet for sheet in self._book.sheets_metadata if sheet.typ == calamine.SheetTypeEnum.WorkSheet]
            shown = [sheet for sheet in sheets if sheet.visible == calamine.SheetVisibleEnum.Visible]
            self._names = [sheet.name for sheet in shown or sheets]
        except calamine.PasswordError as error:
            raise Unreadable("password") from error
        except calamine.CalamineError as error:
            raise Unreadable("damaged") from error
        if not self._names or len(self._names) > MOST_SHEETS:
            raise Unreadable("damaged")

    def tops(self) -> list[tuple[str, list[Row]]]:
        return [
            (name, [row for row, _ in zip(self._rows_of(name), range(TOP_ROWS), strict=False)]) for name in self._names
        ]

    def rows(self, sheet: int, after: int) -> Iterator[Row]:
        return (row for row in self._rows_of(self._names[sheet]) if row[0] > after)

    def _rows_of(self, name: str) -> Iterator[Row]:
        marks = self._marks(name)
        try:
            sheet = self._book.get_sheet_by_name(name)
        except calamine.CalamineError as error:
            raise Unreadable("damaged") from error
        if sheet.start is None:
            return
        # The rows begin at the first, but their cells at the first filled column.
        before: list[Plain] = [""] * sheet.start[1]
        for number, values in enumerate(sheet.iter_rows(), start=1):
            cells = before + [value_cell(value) for value in values]
            if marks.is_needed:
                _mark(cells, number, marks)
            if trimmed(cells):
                yield number, cells

    def _marks(self, name: str) -> Marks:
        if name not in self._known_marks:
            self._known_marks[name] = self._find_marks(name)
        return self._known_marks[name]

    def _find_marks(self, name: str) -> Marks:
        if self._archive is None or self.format == "xlsb":
            return Marks()
        if self.format == "ods":
            return ods_marks(self._archive, name)
        return xlsx_marks(self._archive, part_of_sheet(self._archive, name), self._max_rows)


def open_zip(path: Path, max_rows: int) -> Workbook:
    archive = Archive(path)
    names = archive.parts
    if "xl/workbook.bin" in names:
        format = "xlsb"
    elif any(name.startswith("xl/") for name in names) and "[Content_Types].xml" in names:
        format = "xlsx"
    elif (
        "content.xml" in names
        and archive.read("mimetype", 200).strip() == b"application/vnd.oasis.opendocument.spreadsheet"
    ):
        format = "ods"
        if b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise Unreadable("password")
    else:
        raise Unreadable("not_a_sheet")
    archive.check_what_comes_out()
    return Workbook(path, format, archive, max_rows)


def open_ole(path: Path) -> Workbook:
    """An old .xls, or the wrapping that a password puts around an .xlsx."""
    if path.stat().st_size > MOST_OLE:
        raise Unreadable("too_big")
    content = path.read_bytes()
    streams = {name for name in _STREAMS if name.encode("utf-16-le") in content}
    if "EncryptedPackage" not in streams and streams & {"WordDocument", "PowerPoint Document", "__substg1.0_"}:
        raise Unreadable("not_a_sheet")
    if "EncryptedPackage" in streams or not streams:
        raise Unreadable("password")
    return Workbook(path, "xls")


def _mark(cells: list[Plain], number: int, marks: Marks) -> None:
    for column, kind, detail in marks.in_row(number):
        if column >= len(cells):
            cells.extend([""] * (column + 1 - len(cells)))
        if kind == "zeros":
            if isinstance(cells[column], int) and not isinstance(cells[column], bool):
                cells[column] = str(cells[column]).zfill(int(detail))
        else:
            cells[column] = ["!", kind, detail]


def unescaped(text: str) -> str:
    """`_x000D_` is how a workbook writes a character that XML does not allow."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
