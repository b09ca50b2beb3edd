"""Which kind of file this is, by its content: the extension only says what somebody thought."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from models.sheets.cells import Row, Unreadable

MAX_FILE = 100 * 1024 * 1024
TOP_ROWS = 60

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHERS = (
    b"%PDF",
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"MZ",
    b"\x7fELF",
    b"{\\rtf",
    b"Rar!",
    b"7z\xbc\xaf",
    b"\x1f\x8b",
    b"PK",
)


class Book(Protocol):
    """A readable file: its sheets (a text file has one, without a name) and their rows, numbered as people see them."""

    format: str

    def tops(self) -> list[tuple[str, list[Row]]]: ...

    def rows(self, sheet: int, after: int) -> Iterator[Row]: ...


def open_book(path: Path, max_rows: int) -> Book:
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"):
        raise Unreadable("empty")
    if head.startswith((_ZIP, _OLE)):
        from models.sheets.workbook import Workbook, open_ole, open_zip

        if size > MAX_FILE:
            raise Unreadable("too_big")
        book: Workbook = open_zip(path, max_rows) if head.startswith(_ZIP) else open_ole(path)
        return book
    if head.startswith(_OTHERS):
        raise Unreadable("not_a_sheet")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<table", b"<head", b"<meta", b"<style")):
        raise Unreadable("web_page")
    if start.startswith((b"<?xml", b"<svg", b"<!doctype")):
        raise Unreadable("not_a_sheet")

    from models.sheets.text import TextFile

    if size > MAX_FILE:
        raise Unreadable("too_many_rows" if _more_lines_than(path, max_rows) else "too_big", most=max_rows)
    return TextFile(path)


def _more_lines_than(path: Path, most: int) -> bool:
    count = 0
    with path.open("rb") as file:
        while count <= most and (block := file.read(1 << 20)):
            count += block.count(b"\n")
    return count > most
