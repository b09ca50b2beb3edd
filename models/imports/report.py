"""What came of an import, as a workbook; and an example of each kind of list."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import xlsxwriter

from models.approvals.records import ROLES as APPROVER_ROLES
from models.core import Say
from models.imports.lexicon import FIELDS, KINDS, SHEETS, WORKBOOK, Kind

if TYPE_CHECKING:
    from models.imports.records import Import

Speak = Callable[[Any], str]

_PARTS = {
    "sector": Say("Branche"), "group": Say("Groep"), "staff": Say("Medewerker"), "client": Say("Cliënt"),
    "duty": Say("Verantwoordelijke"), "user": Say("Gebruiker"),
}  # fmt: skip
_ACTIONS = {
    "new": Say("Nieuw"),
    "changed": Say("Gewijzigd"),
    "unchanged": Say("Ongewijzigd"),
    "refused": Say("Geweigerd"),
}


def workbook(record: Import, rows: list[dict[str, Any]], speak: Speak) -> bytes:
    """Three sheets: a summary, the refused rows as they stood in the file with the reason, and every row.

    All is written as text: a cell that begins with = + - or @ stays what it was and is no formula.
    """
    with _book() as (book, out):
        bold = book.add_format({"bold": True})
        _summary(book.add_worksheet(speak(Say("Samenvatting"))), record, speak, bold)
        _refused(book.add_worksheet(speak(Say("Geweigerd"))), record, rows, speak, bold)
        _all(book.add_worksheet(speak(Say("Alle regels"))), record, rows, speak, bold)
    return out.getvalue()


def template_workbook() -> bytes:
    """One workbook for everything: a sheet per kind with all its columns, and one that explains them. Nothing to wipe first."""
    with _book() as (book, out):
        bold = book.add_format({"bold": True})
        for kind in KINDS:
            sheet = book.add_worksheet(SHEETS[kind])
            _line(sheet, 0, [field.dutch + (" *" if field.is_required else "") for field in FIELDS[kind]], bold)
            sheet.set_column(0, len(FIELDS[kind]) - 1, 18, book.add_format({"num_format": "@"}))
            sheet.freeze_panes(1, 0)
        sheet = book.add_worksheet("Uitleg")
        sheet.set_column(0, 3, 32)
        told = [["Werkblad", "Kolom", "Moet", "Bijvoorbeeld"]]
        told += [
            [SHEETS[kind], field.dutch, "ja" if field.is_required else "", _EXAMPLES[kind].get(field.name, "")]
            for kind in KINDS
            for field in FIELDS[kind]
        ]
        for at, cells in enumerate(told):
            _line(sheet, at, cells, None if at else bold)
    return out.getvalue()


def example(kind: Kind) -> bytes:
    with _book() as (book, out):
        sheet, bold = book.add_worksheet("Voorbeeld"), book.add_format({"bold": True})
        shown = [field for field in FIELDS[kind] if field.name in _EXAMPLES[kind]]
        _line(sheet, 0, [field.dutch for field in shown], bold)
        _line(sheet, 1, [_EXAMPLES[kind][field.name] for field in shown])
        sheet.set_column(0, len(shown) - 1, 18)
        sheet.freeze_panes(1, 0)
    return out.getvalue()


@contextmanager
def _book() -> Iterator[tuple[Any, io.BytesIO]]:
    out = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(out, options) as book:
        yield book, out


def _summary(sheet: Any, record: Import, speak: Speak, bold: Any) -> None:
    numbers = record.numbers
    sheet.set_column(0, 1, 24)
    lines = [
        (Say("Bestand"), record.file_name),
        (Say("Werkblad"), record.sheet),
        (Say("Rijen in het bestand"), str(numbers["rows"])),
        *((words, str(numbers[action])) for action, words in _ACTIONS.items()),
        (Say("Met een opmerking"), str(numbers["warned"])),
        (Say("Uitgevoerd"), f"{record.committed_at:%d-%m-%Y %H:%M} (UTC)" if record.committed_at else "-"),
        (Say("Teruggedraaid"), f"{record.undone_at:%d-%m-%Y %H:%M} (UTC)" if record.undone_at else "-"),
    ]
    for at, (words, value) in enumerate(lines):
        sheet.write_string(at, 0, speak(words), bold)
        sheet.write_string(at, 1, value)


def _refused(sheet: Any, record: Import, rows: list[dict[str, Any]], speak: Speak, bold: Any) -> None:
    headings = record.chosen.get("headings", [])
    sheet.set_column(1, 1, 20 if record.kind == WORKBOOK else 70)
    sheet.freeze_panes(1, 0)
    where = [speak(Say("Werkblad"))] if record.kind == WORKBOOK else []
    _line(sheet, 0, [speak(Say("Regel")), *where, speak(Say("Reden")), *headings], bold)
    at = 0
    for row in rows:
        if row["action"] == "refused":
            at += 1
            cells = json.loads(row["content"]).get("cells", [])
            _line(sheet, at, [str(row["line"]), *_where(record, row), _reasons(row, speak), *cells])


def labels_of(kind: str) -> dict[str, Say]:
    """What the fields of a list, and of the people in it, are called."""
    kinds = KINDS if kind == WORKBOOK else ("users", kind)
    shown = [field for one in kinds for field in FIELDS.get(one, ())]  # type: ignore[call-overload]
    more = {"access": Say("Toegang tot"), "groups": Say("In groep"), "role": Say("Rol")}
    return {field.name: Say(field.dutch) for field in shown} | more


def _where(record: Import, row: dict[str, Any]) -> list[str]:
    return [row["sheet"]] if record.kind == WORKBOOK else []


def _all(sheet: Any, record: Import, rows: list[dict[str, Any]], speak: Speak, bold: Any) -> None:
    labels, where = labels_of(record.kind), [Say("Werkblad")] if record.kind == WORKBOOK else []
    heads = (Say("Regel"), *where, Say("Soort"), Say("Uitkomst"), Say("Naam"), Say("Was → wordt"), Say("Opmerking"))
    sheet.set_column(3, 5, 40)
    sheet.freeze_panes(1, 0)
    _line(sheet, 0, [speak(head) for head in heads], bold)
    for at, row in enumerate(rows, 1):
        moves = "; ".join(
            f"{speak(labels.get(name, name))}: {_value(name, before, speak) or '-'} → {_value(name, after, speak)}"
            for name, (before, after) in json.loads(row["changes"]).items()
        )
        part, action = speak(_PARTS[row["part"]]), speak(_ACTIONS[row["action"]])
        line = [str(row["line"]), *_where(record, row), part, action, row["label"], moves, _reasons(row, speak)]
        _line(sheet, at, line)


def _value(name: str, value: Any, speak: Speak) -> Any:
    if name != "approver_role":
        return value
    return ", ".join(speak(APPROVER_ROLES.get(role, role)) for role in value.split(",") if role)


def _reasons(row: dict[str, Any], speak: Speak) -> str:
    return " ".join(speak(Say.from_json(note)) for note in json.loads(row["reasons"]))


def _line(sheet: Any, at: int, cells: list[str], style: Any = None) -> None:
    for column, text in enumerate(cells):
        sheet.write_string(at, column, text[:32_000], style)


_EXAMPLES: dict[Kind, dict[str, str]] = {
    "groups": {"name": "Horeca", "description": "Cliënten in de horeca"},
    "clients": {
        "number": "10001", "name": "Bakkerij Voorbeeld B.V.", "legal_form": "BV", "kvk": "12345678", "street": "Kerkstraat",
        "house_number": "1", "addition": "", "postcode": "1234 AB", "city": "Zutphen", "email": "info@voorbeeld.example",
        "phone": "0575 55 00 00", "groups": "Horeca", "since": "01-01-2024", "manager": "", "contact_first_name": "Jan",
        "contact_prefix": "de", "contact_surname": "Vries", "contact_email": "jan@voorbeeld.example",
        "contact_role": "beheerder",
    },
    "sectors": {"name": "Horeca", "sbi": "56", "sbi_version": "SBI 2008"},
    "staff": {
        "initials": "A.", "first_name": "Anna", "prefix": "", "surname": "Bos", "email": "anna@kantoor.example",
        "staff_role": "medewerker", "all_clients": "nee",
    },
    "duties": {
        "client_number": "10001", "colleague_email": "anna@kantoor.example", "duties": "Relatiebeheer, Belastingen",
    },
    "users": {
        "client_number": "10001", "initials": "J.", "first_name": "Jan", "prefix": "de", "surname": "Vries",
        "email": "jan@voorbeeld.example", "phone": "06 12345678", "language": "nl", "role": "beheerder",
        "approver_role": "directeur",
    },
}  # fmt: skip
