"""In what the clients that have a structure differ from it; as a list, for one client, and as a workbook."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import xlsxwriter

from models import engine
from models.core import Say
from models.dossiers.dossier import Dossier
from models.dossiers.structures import (
    KINDS_OF_DIFFERENCE,
    Difference,
    compare,
    differs,
    laid,
    standard_of,
    standards_of,
    this_year,
)
from models.dossiers.years import holders
from models.viewer import Viewer

WORDS = {
    "adds": Say("Ontbreekt"),
    "renamed": Say("Anders genoemd"),
    "moved": Say("Ergens anders"),
    "other_kind": Say("Andere soort"),
    "other_rights": Say("Andere rechten"),
    "other_retention": Say("Andere bewaartermijn"),
    "extra": Say("Eigen mappen"),
}


async def drift(viewer: Viewer, structure: Dossier) -> list[Difference]:
    """Every client that has the structure, of those that this viewer sees, with in what he differs from it; by name."""
    clients = await holders(viewer, await standard_of(structure.id))
    return await compare(structure, clients, this_year())


def narrowed(rows: Sequence[Difference], kind: str, q: str = "") -> list[Difference]:
    """Of the differences those of one kind ('' is any, same is none at all), at clients whose name or number holds `q`."""
    wanted = q.casefold().strip()
    found = [row for row in rows if not wanted or wanted in row.name.casefold() or wanted in row.number.casefold()]
    if kind == "same":
        return [row for row in found if row.is_same]
    return [row for row in found if (getattr(row, kind) if kind in KINDS_OF_DIFFERENCE else not row.is_same)]


async def of_client(client_id: int) -> list[tuple[int, str, Difference]]:
    """The structures that a client (found through the viewer) has and differs from: id, name, and in what."""
    rows = await engine.raw(
        "SELECT DISTINCT d.id, d.name, d.name_key FROM folder f JOIN folder o ON o.id = f.origin JOIN dossier d ON d.id = o.dossier "
        "WHERE f.client = $1 AND f.parent IS NULL AND f.trashed_at IS NULL AND d.kind = 'standard' ORDER BY d.name_key LIMIT 3",
        client_id,
    )
    standards = await standards_of([row["id"] for row in rows])
    found = await laid(standards, [client_id], this_year().year)
    differences = {id: differs(*one) for id, (one,) in found.items()}
    return [(row["id"], row["name"], one) for row in rows if not (one := differences[row["id"]]).is_same]


def workbook(name: str, rows: Sequence[Difference], speak: Callable[[Any], str]) -> bytes:
    """A line per client, a column per kind of difference. What is text stays text, also when it begins with =."""
    heads = [
        speak(Say("Cliënt")),
        speak(Say("Nummer")),
        *(speak(words) for words in WORDS.values()),
        speak(Say("In prullenbak")),
    ]
    lines = [[row.name, row.number, *(getattr(row, kind) for kind in WORDS), row.trashed] for row in rows]
    return sheet_of(name, heads, lines)


def sheet_of(name: str, heads: Sequence[str], lines: Sequence[Sequence[str | int]]) -> bytes:
    """A workbook of one sheet."""
    out = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(out, options) as book:
        sheet = book.add_worksheet("".join(ch for ch in name if ch not in "[]:*?/\\'")[:31] or "1")
        bold = book.add_format({"bold": True})
        sheet.set_column(0, 0, 40)
        sheet.set_column(1, len(heads), 18)
        sheet.freeze_panes(1, 0)
        for column, head in enumerate(heads):
            sheet.write_string(0, column, head, bold)
        for at, line in enumerate(lines, 1):
            for column, cell in enumerate(line):
                if isinstance(cell, int):
                    sheet.write_number(at, column, cell)
                else:
                    sheet.write_string(at, column, cell[:32_000])
    return out.getvalue()
