"""The list of clients as a workbook."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import xlsxwriter


def workbook(rows: Sequence[dict[str, Any]], columns: Sequence[tuple[str, str]]) -> bytes:
    """An .xlsx of these rows; `columns` are (key, heading). Every value is text: numbers keep their zeros, formulas stay words."""
    out = io.BytesIO()
    options = {"in_memory": True, "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
        sheet.freeze_panes(1, 0)
        for place, (_, heading) in enumerate(columns):
            sheet.write_string(0, place, heading, bold)
            sheet.set_column(place, place, 16)
        for line, row in enumerate(rows, 1):
            for place, (key, _) in enumerate(columns):
                value = row[key]
                text = value.strftime("%d-%m-%Y") if hasattr(value, "strftime") else str(value or "")
                sheet.write_string(line, place, text)
        sheet.autofilter(0, 0, max(len(rows), 1), len(columns) - 1)
    return out.getvalue()
