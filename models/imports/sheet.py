"""A spreadsheet as the office made it, read safely: its headings, and its rows with the numbers that people see.

The file is opened in a process of its own (`models.sheets`), with limits on memory and time and without our secrets: a
workbook can be made to unpack to terabytes, and the library that reads it aborts when memory runs out.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from models.core import Say
from models.imports.lexicon import heading_key, known_heading

SECONDS = 120
MOST_ROWS = 50_000  # of so many the plan takes some 400 MB; an office has no tenth of it
_ROOT = Path(__file__).parents[2]


class SheetError(Exception):
    """The file as a whole cannot be imported; `why` says so in words for the person who chose it."""

    def __init__(self, why: Say) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell without a usable value: a formula, an error value, or far too long a text."""

    why: Say


Cell = str | int | float | bool | dt.date | dt.datetime | Fault


class Row(NamedTuple):
    """One filled row: a cell for every heading ('' where nothing stands), and what is wrong with all of it."""

    line: int
    cells: list[Cell]
    problems: tuple[Say, ...] = ()


@dataclass
class Sheet:
    """`above` has for each heading the merged one over it, or ''; `notices` what to know of the file."""

    file_name: str
    format: str
    sheets: list[str]
    sheet: str
    header_line: int
    headings: list[str]
    above: list[str]
    rows: list[Row] = field(default_factory=list)
    notices: list[Say] = field(default_factory=list)


def read_sheet(
    path: Path, file_name: str, *, sheet: str | None = None, header_line: int | None = None, max_rows: int = MOST_ROWS
) -> Sheet:
    """Read a file. Without `sheet` and `header_line` those with the most recognised headings are taken.

    Raises SheetError and nothing else for whatever is in the file. Blocks: call it in a thread or a job.
    """
    with _Reader(path, max_rows) as reader:
        overview = reader.next()
        chosen, found = _choose(overview, sheet, header_line)
        found.file_name = file_name
        reader.tell({"sheet": chosen, "after": found.header_line})
        width = len(found.headings)
        same: dict[str, str] = {}
        while isinstance(chunk := reader.next(), list):
            for line, cells in chunk:
                row = _row(line, cells, width, found, same)
                if row is not None:
                    found.rows.append(row)
    if not found.rows:
        raise SheetError(Say("Onder de kopregel (regel {line}) staan geen gegevens.", line=found.header_line))
    return found


def survey(path: Path) -> list[Sheet]:
    """The sheets of a file that look like a list and have any row, without their rows. Raises SheetError when it cannot be read at all."""
    with _Reader(path, MOST_ROWS) as reader:
        overview = reader.next()
    found = []
    for sheet in overview["sheets"]:
        with contextlib.suppress(SheetError):
            one = _choose(overview, sheet["name"], None)[1]
            if any(line > one.header_line for line, _ in sheet["top"]):
                found.append(one)
    return found


def _row(line: int, cells: list[Any], width: int, sheet: Sheet, same: dict[str, str]) -> Row | None:
    problems: tuple[Say, ...] = ()
    if len(cells) > width:
        problems = _beyond(line, cells, sheet)
        del cells[width:]
    for column, cell in enumerate(cells):
        if type(cell) is str:
            # Towns, streets and groups come back thousands of times: one copy of each is kept.
            cells[column] = same.setdefault(cell, cell) if len(same) < 20_000 else same.get(cell, cell)
        elif type(cell) is list:
            cells[column] = _special(cell, _place(sheet, line, column))
    if len(cells) < width:
        cells += [""] * (width - len(cells))
    if cells == sheet.headings:
        return None  # printed once more at the top of every page
    return Row(line, cells, problems)


def _beyond(line: int, cells: list[Any], sheet: Sheet) -> tuple[Say, ...]:
    """Cells behind the last heading: in a text file the row is askew, in a workbook somebody made a note."""
    width = len(sheet.headings)
    if sheet.format == "text":
        extra = ", ".join(_shown(cell) for cell in cells[width:] if cell != "")[:200]
        return (
            Say(
                "Deze regel heeft {found} cellen en de kopregel {expected}. Te veel: {extra}.",
                found=len(cells),
                expected=width,
                extra=extra,
            ),
        )
    if not any(notice.text == _NOTES.text for notice in sheet.notices):
        sheet.notices.append(Say(_NOTES.text, place=_place(sheet, line, width)))
    return ()


_NOTES = Say("Rechts van de laatste kolomnaam staan losse cellen (te beginnen bij {place}). Die worden niet gelezen.")


def _special(cell: list[str], place: str) -> Cell:
    match cell:
        case ["d", text]:
            return dt.date.fromisoformat(text)
        case ["t", text]:
            return dt.datetime.fromisoformat(text)
        case ["!", "error_value", shown]:
            return Fault(
                Say("In {place} staat de foutwaarde {shown} in plaats van een waarde.", place=place, shown=shown)
            )
        case ["!", "too_long", _]:
            return Fault(Say("De tekst in {place} is langer dan 32.767 tekens.", place=place))
    return Fault(
        Say(
            "In {place} staat een formule in plaats van een waarde. Kopieer de kolom en plak hem als waarden.",
            place=place,
        )
    )


def _place(sheet: Sheet, line: int, column: int) -> str:
    """B9, as a spreadsheet names its cells: programs that open text files do so too."""
    letters, number = "", column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{line}"


def _choose(overview: dict[str, Any], wanted: str | None, header_line: int | None) -> tuple[int, Sheet]:
    """The sheet and its heading row: those that are asked for, or those in which most headings are recognised."""
    names = [sheet["name"] for sheet in overview["sheets"]]
    if wanted is not None and wanted not in names:
        raise SheetError(Say("Dit bestand heeft geen werkblad “{name}”.", name=wanted[:100]))
    best: tuple[int, int, list[Any]] | None = None
    best_score = 0
    for index, sheet in enumerate(overview["sheets"]):
        if wanted is not None and sheet["name"] != wanted:
            continue
        above: list[Any] = []
        for line, cells in sheet["top"]:
            score = 1 if line == header_line else 0 if header_line else _score(cells)
            if score > best_score:
                best, best_score = (index, line, [cells, above]), score
            above = cells
    if best is None and not any(sheet["top"] for sheet in overview["sheets"]):
        raise SheetError(Say("Dit bestand is leeg."))
    best = best or _first_table(overview["sheets"], wanted)
    if best is None:
        raise SheetError(
            Say(
                "Er is geen kopregel gevonden: geen enkele kolom heeft een naam die wij kennen, "
                "zoals Cliëntnummer, Naam of E-mail."
            )
        )
    index, line, (cells, above) = best
    found = Sheet("", overview["format"], names, names[index], line, [], [])
    for column, cell in enumerate(cells):
        if type(cell) is list and cell[0] == "!":
            raise SheetError(
                Say(
                    "In de kopregel, {place}, staat een formule of fout in plaats van een naam.",
                    place=_place(found, line, column),
                )
            )
    found.headings = [" ".join(_shown(cell).split()) for cell in cells]
    found.above = _spread(above, len(cells))
    if overview["format"] in ("xls", "xlsb"):
        found.notices.append(
            Say(
                "In dit soort bestand zien wij niet welke waarden uit een formule komen. "
                "Bewaar het als .xlsx als u dat wilt weten."
            )
        )
    return index, found


def _first_table(sheets: list[dict[str, Any]], wanted: str | None) -> tuple[int, int, list[Any]] | None:
    """Where no name is known, the first row of different texts above another row: what they are is asked."""
    for index, sheet in enumerate(sheets):
        if wanted is None or sheet["name"] == wanted:
            for (line, cells), (_, below) in zip(sheet["top"], sheet["top"][1:], strict=False):
                texts = [cell for cell in cells if type(cell) is str and any(map(str.isalpha, cell))]
                if len(below) > 1 and len(cells) > 1 and len({*texts}) == len(cells):
                    return index, line, [cells, []]
    return None


def _score(cells: list[Any]) -> int:
    """How much a row looks like headings: recognised names count, and texts that are all different a little."""
    texts = [cell for cell in cells if type(cell) is str and cell]
    known = {found for text in texts if (found := known_heading(text))}
    if not known or len(texts) < len([cell for cell in cells if cell != "" and type(cell) is not list]) / 2:
        return 0
    return 100 * len(known) + min(len({heading_key(text) for text in texts}), 50)


def _spread(above: list[Any], width: int) -> list[str]:
    """Merged headings stand in their first cell only; a lone text is a title and no heading."""
    texts = [cell if type(cell) is str else "" for cell in above[:width]] + [""] * (width - len(above))
    if len([text for text in texts if text]) < 2:
        return [""] * width
    for column in range(1, width):
        texts[column] = texts[column] or texts[column - 1]
    return texts


def _shown(cell: Any) -> str:
    return cell[1] if type(cell) is list else str(cell)


_FAILURES = {
    "empty": Say("Dit bestand is leeg."),
    "not_a_sheet": Say("Dit is geen rekenblad. Kies een .xlsx of een .csv."),
    "web_page": Say("Dit is een webpagina die als rekenblad is bewaard. Open hem in Excel en bewaar hem als .xlsx."),
    "password": Say("Dit bestand is beveiligd met een wachtwoord. Haal de beveiliging eraf en bewaar het opnieuw."),
    "damaged": Say("Dit bestand is beschadigd of onvolledig. Open het in Excel en bewaar het opnieuw als .xlsx."),
    "bomb": Say("Dit bestand pakt uit tot veel meer dan een rekenblad ooit is. Het is niet gelezen."),
    "too_big": Say(
        "Dit bestand is te groot om te lezen. Splits het, of haal lege en overbodige rijen en kolommen weg."
    ),
    "letters": Say("De tekens in dit bestand zijn niet te lezen. Bewaar het als CSV UTF-8 of als .xlsx."),
}


class _Reader:
    """The other process, and the lines of JSON that go to and fro."""

    def __init__(self, path: Path, max_rows: int) -> None:
        command = [sys.executable, "-E", "-s", "-m", "models.sheets", str(path.resolve()), str(max_rows)]
        self._process = subprocess.Popen(  # noqa: S603
            command, cwd=_ROOT, env={}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._is_late = False
        self._timer = threading.Timer(SECONDS, self._stop)
        self._timer.daemon = True

    def __enter__(self) -> _Reader:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._process.kill()
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()

    def next(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            # Out of memory the library aborts; out of time the kernel or the timer ends it.
            raise SheetError(_FAILURES["too_big" if self._is_late or (self._process.wait() or 0) < 0 else "damaged"])
        message = json.loads(line)
        if isinstance(message, dict) and "error" in message:
            raise SheetError(self._words(message))
        return message

    def tell(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # then the next answer says why
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()

    def _stop(self) -> None:
        self._is_late = True
        self._process.kill()

    def _words(self, message: dict[str, Any]) -> Say:
        match message["error"]:
            case "too_many_rows":
                return Say("Dit bestand heeft meer dan 50.000 rijen. Splits het in delen.")
            case "unclosed_quote":
                return Say(
                    "Op regel {line} begint een tekst met een aanhalingsteken dat nergens wordt gesloten.",
                    line=message["line"],
                )
        return _FAILURES.get(message["error"], _FAILURES["damaged"])
