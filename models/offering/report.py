"""What came of a placing for approval, as a workbook: a summary, and every file with its client, its request and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.core import Say
from models.imports.report import _book, _line
from models.offering.lists import STATES
from models.offering.records import DEVIATIONS
from models.placing.records import Placing

Speak = Callable[[Any], str]
PARTS: dict[str, Say] = {"main": Say("Ter accordering"), "attachment": Say("Bijlage")}
_HEADS = (
    Say("Bestand"), Say("ZIP"), Say("Nummer"), Say("Cliënt"), Say("Periode"), Say("Deel"), Say("Wat ermee gebeurde"), Say("Accordering"),
    Say("Toestand"), Say("Reden"), Say("Bijzonderheden"), Say("SHA-256"),
)  # fmt: skip


def workbook(
    placing: Placing,
    what: str,
    counts: dict[str, Any],
    rows: list[dict[str, Any]],
    states: dict[str, Say],
    speak: Speak,
) -> bytes:
    """All is written as text: a name that begins with = stays what it was. `states`: how those of a request are called."""
    with _book() as (book, out):
        bold = book.add_format({"bold": True})
        sheet = book.add_worksheet(speak(Say("Samenvatting")))
        sheet.set_column(0, 1, 32)
        made = len({row["request"] for row in rows if row["request"]})
        lines: list[tuple[Say, str]] = [
            (Say("Soort en periode"), what),
            (Say("Bestanden"), str(counts["files"])),
            (Say("Accorderingen"), str(made)),
            *((words, str(counts[state])) for state, words in STATES.items()),
            (Say("Uitgevoerd"), f"{placing.placed_at:%d-%m-%Y %H:%M} (UTC)" if placing.placed_at else "-"),
            (Say("Teruggedraaid"), f"{placing.undone_at:%d-%m-%Y %H:%M} (UTC)" if placing.undone_at else "-"),
        ]
        for at, (words, value) in enumerate(lines):
            _line(sheet, at, [speak(words), value])
        sheet = book.add_worksheet(speak(Say("Alle bestanden")))
        _line(sheet, 0, [speak(head) for head in _HEADS], bold)
        for at, row in enumerate(rows, start=1):
            state = states.get(row["request_state"] or "")
            cells = [
                row["path"], row["archive"] or "", row["number"] or "", row["client_name"] or "", row["period_name"],
                speak(PARTS[row["part"]]) if row["part"] in PARTS else "", speak(STATES[row["state"]]), str(row["request"] or ""),
                speak(state) if state else "", speak(row["why"]) if row["why"] else "", "; ".join(speak(DEVIATIONS[code]) for code in row["odd"]),
                row["sha256"],
            ]  # fmt: skip
            _line(sheet, at, cells)
        sheet.set_column(0, len(_HEADS) - 1, 24)
        sheet.freeze_panes(1, 0)
    return out.getvalue()
