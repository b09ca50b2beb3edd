"""What came of a placing, as a workbook: a summary, and every file with its client, its place and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.core import Say
from models.imports.report import _book, _line
from models.placing.lists import STATES
from models.placing.records import STEP, Placing

Speak = Callable[[Any], str]


def workbook(placing: Placing, counts: dict[str, Any], rows: list[dict[str, Any]], speak: Speak) -> bytes:
    """All is written as text: a name that begins with = stays what it was and is no formula."""
    with _book() as (book, out):
        bold = book.add_format({"bold": True})
        sheet = book.add_worksheet(speak(Say("Samenvatting")))
        sheet.set_column(0, 1, 32)
        lines: list[tuple[Say, str]] = [
            (Say("Naar de map"), placing.target),
            (Say("Bestanden"), str(counts["files"])),
            *((words, str(counts[state])) for state, words in STATES.items()),
            (Say("Uitgevoerd"), f"{placing.placed_at:%d-%m-%Y %H:%M} (UTC)" if placing.placed_at else "-"),
            (Say("Teruggedraaid"), f"{placing.undone_at:%d-%m-%Y %H:%M} (UTC)" if placing.undone_at else "-"),
        ]
        for at, (words, value) in enumerate(lines):
            _line(sheet, at, [speak(words), value])
        sheet = book.add_worksheet(speak(Say("Alle bestanden")))
        heads = ["Bestand", "ZIP", "Nummer", "Cliënt", "Map", "Documentnaam", "Wat ermee gebeurde", "Reden", "SHA-256"]
        _line(sheet, 0, [speak(_HEADS[head]) for head in heads], bold)
        for at, row in enumerate(rows, start=1):
            why = speak(row["why"]) if row["why"] else ""
            way = f" {STEP} ".join(row["way"])
            cells = [row["path"], row["archive"] or "", row["number"] or "", row["client_name"] or "", way, row["name"]]
            _line(sheet, at, [*cells, speak(STATES[row["state"]]), why, row["sha256"]])
        sheet.set_column(0, 7, 26)
        sheet.freeze_panes(1, 0)
    return out.getvalue()


_HEADS = {
    "Bestand": Say("Bestand"), "ZIP": Say("ZIP"), "Nummer": Say("Nummer"), "Cliënt": Say("Cliënt"), "Map": Say("Map"),
    "Documentnaam": Say("Documentnaam"), "Wat ermee gebeurde": Say("Wat ermee gebeurde"), "Reden": Say("Reden"),
    "SHA-256": Say("SHA-256"),
}  # fmt: skip
