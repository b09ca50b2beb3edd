"""Cells as they leave a file: cleaned text, numbers, dates, or the code of what is wrong with them."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from typing import Any

# In JSON: text, number or boolean as such; ["d", iso] a date, ["t", iso] a moment, ["!", code, detail] a bad cell.
Plain = str | int | float | bool | list[str]
Row = tuple[int, list[Plain]]

# Excel's own limit for one cell.
LONGEST = 32_767

_SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t"
_UNSEEN = [*range(0x00, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0), 0xAD, 0x200B, 0x200E, 0x200F]
_UNSEEN += [*range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)]
_CLEAN: dict[int, str | None] = dict.fromkeys(_UNSEEN) | {ord(space): " " for space in _SPACES}
_CLEAN |= {0x2028: "\n", 0x2029: "\n"}
# Joiners belong in emoji and some scripts; beside a Latin letter they are only a way to make two equal words differ.
_JOINER = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])")

# What Excel shows when a formula fails, in English and in Dutch, and LibreOffice's own.
_ERROR_VALUE = re.compile(
    r"#(REF!|N/A|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|SPILL!|CALC!|GETTING_DATA|VERW!|N/B|WAARDE!|DEEL/0!|NAAM\?|LEEG!|GETAL!)|Err:\d{3}"
)
_CONSTANT = re.compile(r'="([^"]*)"')
_FORMULA = re.compile(r"[=＝].|@[A-Za-z_.]+\(|[+-]\s*[A-Za-z_.]+[(!|]", re.DOTALL)


class Unreadable(Exception):
    """The file cannot be read; the code says why, and the words are on the other end of the pipe."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


def text_cell(text: str) -> Plain:
    """Text without stray spaces and unseen characters; a formula or an error value instead of a value is told apart."""
    if len(text) > LONGEST:
        return ["!", "too_long", ""]
    text = text.strip(" ") if text.isascii() and text.isprintable() else clean(text)
    if text and text[0] in "=＝@+-#E":
        if constant := _CONSTANT.fullmatch(text):
            return clean(constant[1])  # ="0012" is how many programs keep a leading zero in a .csv
        if _ERROR_VALUE.fullmatch(text):
            return ["!", "error_value", text]
        if _FORMULA.match(text):
            return ["!", "formula", ""]
    return text


def clean(text: str) -> str:
    """Composed letters, plain spaces, `\\n` for line ends; no outer spaces, no control or unseen characters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = unicodedata.normalize("NFC", text).translate(_CLEAN)
    if "\u200c" in text or "\u200d" in text:
        text = _JOINER.sub("", text)
    return text.strip(" \n")


def value_cell(value: object) -> Plain:
    """A workbook's value: 10001.0 becomes 10001, a moment at midnight a date, a span of time text."""
    if isinstance(value, str):
        return text_cell(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        if value != value or value in (float("inf"), float("-inf")):
            return ["!", "error_value", "#NUM!"]
        return int(value) if value == int(value) and abs(value) < 1e15 else float(value)
    if isinstance(value, dt.datetime):
        return ["d", value.date().isoformat()] if value.time() == dt.time() else ["t", value.isoformat()]
    if isinstance(value, dt.date):
        return ["d", value.isoformat()]
    return "" if value is None else str(value)


def trimmed(cells: list[Plain]) -> list[Plain]:
    """Without the empty cells at the end of the row."""
    while cells and cells[-1] == "":
        cells.pop()
    return cells
