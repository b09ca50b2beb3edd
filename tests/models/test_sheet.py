"""Spreadsheets as offices have them and as an attacker makes them: what is read, and how it is refused."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models import dutch
from models.core import Refused
from models.imports.columns import guess_kind, guess_mapping
from models.imports.fields import parse_row, text_of
from models.imports.sheet import MOST_ROWS, Fault, SheetError, _Reader, read_sheet
from models.sheets.cells import text_cell
from tests.hostile import (
    CLOSE,
    HEAD,
    OPEN,
    bomb,
    one_text_in_many_cells,
    rows_in_a_text,
    rows_in_a_workbook,
    with_sheet,
)

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
OFFICE, HOSTILE = DATA / "kantoor-60", DATA / "hostile"
TRUTH = json.loads((OFFICE / "truth.json").read_text())
TODAY = dt.date(2026, 11, 23)

TRUE_NAMES = {
    "nummer": "number",
    "naam": "name",
    "rechtsvorm": "legal_form",
    "kvk": "kvk",
    "btw": "vat",
    "iban": "iban",
    "straat": "street",
    "huisnummer": "house_number",
    "toevoeging": "addition",
    "postcode": "postcode",
    "plaats": "city",
    "email": "email",
    "telefoon": "phone",
    "sbi": "sbi",
    "branche": "sector",
    "groep": "groups",
    "startdatum": "since",
    "relatiebeheerder": "manager",
    "client": "client_number",
    "voornaam": "first_name",
    "voorletters": "initials",
    "tussenvoegsel": "prefix",
    "achternaam": "surname",
    "taal": "language",
    "rol": "role",
}


def truth_of(record):
    """A record of truth.json in our names and types; only a no-break space is written as a plain one."""
    values = {TRUE_NAMES[name]: value.replace("\u00a0", " ") for name, value in record.items()}
    if "groups" in values:
        values["groups"] = [values["groups"]]
        values["since"] = dt.date.fromisoformat(values["since"])
    return values


def read(name):
    """The sheet, and per line what its row says."""
    sheet = read_sheet(OFFICE / name, name)
    kind = guess_kind(sheet.headings, sheet.above)
    mapping = guess_mapping(kind, sheet.headings, sheet.above)
    return sheet, {row.line: parse_row(kind, mapping, row.cells, today=TODAY) for row in sheet.rows}


# What only a look at other rows, or at the records that exist, can find: for the plan, not for one row.
BETWEEN_ROWS = (
    "number used twice",
    "the same address as another client",
    "no such client",
    "the same address in capitals",
)


def mistakes_in(name):
    """line > (our field, kind), as far as one row by itself can know."""
    headings = read_sheet(OFFICE / name, name).headings
    fields = guess_mapping(guess_kind(headings), headings)
    return {
        m["line"]: (fields[headings.index(m["field"])], m["kind"])
        for m in TRUTH["mistakes"]
        if m["file"] == name and not m["why"].startswith(BETWEEN_ROWS)
    }


@pytest.mark.parametrize("name", ["clienten.xlsx", "clienten_excel_nl.csv", "clienten_relaties.xlsx", "gebruikers.csv"])
def test_exactly_the_seeded_mistakes_are_refused_in_their_line_and_field(name):
    _, parsed = read(name)

    found = {line: [field for field, _ in row.errors] for line, row in parsed.items() if row.errors}
    assert found == {line: [field] for line, (field, kind) in mistakes_in(name).items() if kind == "error"}
    for line, (field, kind) in mistakes_in(name).items():
        if kind == "warn":
            assert field in [warned for warned, _ in parsed[line].warnings]
    skipped = [line for line, row in parsed.items() if row.skipped]
    assert skipped == [line for line, (_, kind) in mistakes_in(name).items() if kind == "skip-or-error"]


@pytest.mark.parametrize(
    "name, records",
    [
        ("clienten.xlsx", "clients"),
        ("clienten_excel_nl.csv", "clients"),
        ("clienten_relaties.xlsx", "clients"),
        ("clienten_tab.txt", "clients"),
        ("gebruikers.csv", "users"),
    ],
)
def test_every_value_is_the_true_one(name, records):
    sheet, parsed = read(name)
    fields = guess_mapping(guess_kind(sheet.headings), sheet.headings)
    wrong = {(m["line"], fields[sheet.headings.index(m["field"])]) for m in TRUTH["mistakes"] if m["file"] == name}
    rows = [(line, row) for line, row in parsed.items() if not row.skipped]
    known = {field for _, row in rows for field in row.values}
    assert len(rows) == len(TRUTH[records]) and len(known) >= 6

    lost = 0
    for (line, row), record in zip(rows, TRUTH[records], strict=True):
        for field, expected in truth_of(record).items():
            if field not in known or (line, field) in wrong:
                continue
            value = row.values[field]
            if isinstance(value, str) and "?" in value:
                lost += 1
                assert re.fullmatch(re.escape(value).replace(r"\?", "."), expected)
                assert field in [warned for warned, _ in row.warnings]
            elif not (value == "" and name == "clienten_relaties.xlsx" and field == "email"):
                assert value == expected, (line, field)
    assert lost == (3 if name == "clienten_excel_nl.csv" else 0)  # the other four of the seven are employees


def test_groups_are_read():
    _, parsed = read("groepen.csv")

    assert [row.values["name"] for row in parsed.values()] == list(
        dict.fromkeys(row.values["name"] for row in parsed.values())
    )
    assert {row.values["name"] for row in parsed.values()} >= {client["groep"] for client in TRUTH["clients"]}
    assert len(parsed) == TRUTH["counts"]["groups"] and not any(row.errors for row in parsed.values())


def test_the_relations_are_found_on_the_second_sheet_below_merged_titles():
    sheet, _ = read("clienten_relaties.xlsx")

    assert (sheet.sheets, sheet.sheet, sheet.header_line) == (["Toelichting", "Relaties 2024"], "Relaties 2024", 5)
    assert sheet.above[:5] == ["Relatie", "Relatie", "Relatie", "Registraties", "Registraties"]
    assert "B9" in str(next(row.cells[1].why for row in sheet.rows if row.line == 9))


@pytest.mark.parametrize("name", ["medewerkers.csv", "medewerkers.xlsx"])
def test_employees_are_read_for_the_one_who_will_import_them(name):
    sheet = read_sheet(OFFICE / name, name)
    wrong = {(m["line"], m["field"]) for m in TRUTH["mistakes"] if m["file"] == name}
    rows = [(row.line, dict(zip(sheet.headings, row.cells, strict=True))) for row in sheet.rows]
    assert guess_kind(sheet.headings) is None and len(rows) == TRUTH["counts"]["employees"]

    refused = set()
    for (line, cells), record in zip(rows, TRUTH["employees"], strict=True):
        assert text_of(cells["Cliëntnr"]) == record["client"]
        assert text_of(cells["Pers.nr"]).zfill(4) == record["personeelsnummer"]
        if "?" not in text_of(cells["Achternaam"]):
            assert text_of(cells["Achternaam"]) == record["achternaam"].replace("\u00a0", " ")
        for heading, name_there, parse in (
            ("BSN", "bsn", dutch.bsn),
            ("Geb.datum", "geboortedatum", lambda text: dutch.parse_date(text).isoformat()),
            ("In dienst", "in_dienst", lambda text: dutch.parse_date(text).isoformat()),
            ("Uurloon", "uurloon", lambda text: f"{dutch.parse_amount(text) / 100:.2f}"),
            ("IBAN", "iban", dutch.iban),
        ):
            try:
                value = parse(text_of(cells[heading]))
            except Refused:
                refused.add((line, heading))
            else:
                assert value == record[name_there] or (line, heading) in wrong or "1.234" in text_of(cells[heading])
    assert refused <= wrong
    assert wrong - refused <= {place for place in wrong if place[1] == "Geb.datum"}  # in the future: a rule, no format


def test_hours_are_read():
    sheet = read_sheet(OFFICE / "uren.csv", "uren.csv")

    assert sheet.headings[:4] == ["Cliëntnr", "Pers.nr", "Periode", "Gewerkt"]
    assert sheet.rows[0].cells == ["10003", "0001", "2024-06", "14,00", "0", "8", "", "€ 48,30"]


# Hostile files


@pytest.mark.parametrize(
    "name, words",
    [
        ("aangifte.pdf.html", "geen rekenblad"),
        ("encrypted.xlsx", "wachtwoord"),
        ("formulas.xlsx", "In de kopregel, B1"),
        ("leeg.pdf", "leeg"),
        ("not_a_sheet.xlsx", "geen rekenblad"),
        ("only_bom.csv", "leeg"),
        ("polyglot.pdf", "geen rekenblad"),
        ("script.pdf", "geen rekenblad"),
        ("script.svg", "geen rekenblad"),
        ("traversal.zip", "geen rekenblad"),
        ("truncated.xlsx", "beschadigd"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(name, words):
    with pytest.raises(SheetError) as refused:
        read_sheet(HOSTILE / name, name)

    assert words in str(refused.value.why)


@pytest.mark.parametrize("name", ["excel_nl_cp1252.csv", "excel_nl_utf8bom.csv", "dos_cp850.csv", "sep_line.csv"])
def test_letters_survive_whatever_wrote_them(name):
    sheet = read_sheet(HOSTILE / name, name)

    first, second = (row.cells for row in sheet.rows)
    assert (
        first[0] == "1001"
        and first[1].replace("’", "'") == "Café 't Hoekje B.V."
        and first[4] == "Horeca & Coöperaties"
    )
    assert second[1:3] == ["Müller & Zn. VOF", "Súdwest-Fryslân"]
    assert [row.line for row in sheet.rows] == ([3, 4] if name == "sep_line.csv" else [2, 3])


def test_a_formula_in_a_text_file_is_no_value_and_a_telephone_number_is():
    sheet = read_sheet(HOSTILE / "formula_injection.csv", "formula_injection.csv")

    names = {row.cells[0]: row.cells[1] for row in sheet.rows}
    assert {number for number, name in names.items() if not isinstance(name, Fault)} == {"2002", "2003", "2010", "2011"}
    assert names["2002"] == "+31 20 1234567"
    assert "B2" in str(names["2000"].why)


def test_lines_are_counted_as_an_editor_does(tmp_path):
    assert [row.line for row in read_sheet(HOSTILE / "quoted_newline.csv", "").rows] == [2]
    file = tmp_path / "a.csv"
    file.write_bytes(b'Naam;Plaats\r\n\r\n"A\nB\rC";x\r\n;\r\nD;"y\r\nz"\r\nE;w\r\n')

    assert [(row.line, row.cells) for row in read_sheet(file, "").rows] == [
        (3, ["A\nB\nC", "x"]),
        (6, ["D", "y\nz"]),
        (8, ["E", "w"]),
    ]


def test_a_ragged_row_is_filled_up_or_named():
    rows = read_sheet(HOSTILE / "ragged.csv", "").rows

    assert [(row.line, len(row.cells)) for row in rows] == [(2, 5), (3, 5), (6, 5)]
    assert rows[0].cells == ["1", "a", "", "", ""] and not rows[0].problems
    assert "f, g, h" in str(rows[1].problems[0])


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "leeg"),
        (b"\r\n \r\n", "leeg"),
        (b"Beste mensen\r\nHier is de lijst\r\n", "geen kopregel"),
        (b"1;2\r\n3;4\r\n", "geen kopregel"),
        (b"Naam;Plaats\r\n", "geen gegevens"),
        (b'Naam;Plaats\r\nA;"B\r\nC;D\r\n', "regel 2"),
        (b'Naam;Plaats\r\n"A' + b"\r\nx;y" * 5000, "regel 2"),
        (b"<html><table><tr><td>Naam</td></tr></table></html>", "webpagina"),
        (b"Naam;Plaats\r\nA\x00\x01\x02;B\r\n", "geen rekenblad"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "wachtwoord"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "WordDocument".encode("utf-16-le"), "geen rekenblad"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "Workbook".encode("utf-16-le"), "beschadigd"),
        (b"PK\x03\x04" + b"\x00" * 100, "beschadigd"),
        (b"\xff\xfe\x00\x00N\x00\x00\x00", "niet te lezen"),
        (b"Naam;=1+1\r\nA;B\r\n", "In de kopregel, B1"),
    ],
)
def test_a_bad_text_file_is_refused_in_words(tmp_path, content, words):
    file = tmp_path / "a.csv"
    file.write_bytes(content)

    with pytest.raises(SheetError) as refused:
        read_sheet(file, "a.csv")

    assert words in str(refused.value.why)


def test_of_headings_that_nobody_knows_one_can_still_say_what_they_are(tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes(b"Overzicht\r\n\r\nOnderneming;Waar\r\nJansen;Ede\r\n")

    sheet = read_sheet(file, "a.csv")

    assert (sheet.header_line, sheet.headings) == (3, ["Onderneming", "Waar"])
    assert [row.cells for row in sheet.rows] == [["Jansen", "Ede"]]


def test_a_stray_nul_in_a_text_is_cleaned_away(tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes(b"Naam;Plaats\r\nJan\x00sen;Ede\r\n" + b"Smit;Ede\r\n" * 20 + b"\x1a")

    rows = read_sheet(file, "a.csv").rows

    assert rows[0].cells == ["Jansen", "Ede"] and len(rows) == 21


@pytest.mark.parametrize(
    "typed, kept",
    [
        ("  Jan\u00a0de\u200b Wit\ufeff ", "Jan de Wit"),
        ('="00123"', "00123"),
        ("a\x07b\x9fc", "abc"),
        ("\u202eevil", "evil"),
        ("👩\u200d🍳", "👩\u200d🍳"),
        ("a\u200db", "ab"),
        ("e\u0301", "é"),
        ("=1+1", ["!", "formula", ""]),
        ("＝1+1", ["!", "formula", ""]),
        ("#VERW!", ["!", "error_value", "#VERW!"]),
        ("x" * 32_768, ["!", "too_long", ""]),
        ("- 5", "- 5"),
        ("@kantoor", "@kantoor"),
        ("=", "="),
    ],
)
def test_a_cell_is_cleaned_or_found_to_be_no_value(typed, kept):
    assert text_cell(typed) == kept


# Any table

WORDS = st.text(st.sampled_from("abcdeéëïöüçñÉÖ XYZ019.,;|'\"\n\t-&@€"), max_size=12)


@settings(max_examples=60, deadline=None)
@example(table=[["", "", ";;"], ["", "", ";;"]], encoding="utf-8", delimiter=",", line_end="\r\n")
@given(
    table=st.lists(st.lists(WORDS, min_size=3, max_size=3), min_size=1, max_size=6),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]),
    delimiter=st.sampled_from(";,\t|"),
    line_end=st.sampled_from(["\r\n", "\n"]),
)
def test_any_table_reads_back_as_it_was_written(tmp_path_factory, table, encoding, delimiter, line_end):
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows([["Cliëntnummer", "Naam", "Plaats"], *table])
    file = tmp_path_factory.mktemp("any") / "table.csv"
    file.write_bytes(written.getvalue().encode(encoding))
    cleaned = [[text_cell(cell) for cell in row] for row in table]
    expected = [row for row in cleaned if any(row) and row != ["Cliëntnummer", "Naam", "Plaats"]]

    if not expected:
        with pytest.raises(SheetError):
            read_sheet(file, "table.csv")
        return
    sheet = read_sheet(file, "table.csv")

    got = [[["!"] if isinstance(cell, Fault) else cell for cell in row.cells] for row in sheet.rows]
    assert got == [[cell[:1] if isinstance(cell, list) else cell for cell in row] for row in expected]


@settings(max_examples=40, deadline=None)
@given(
    names=st.lists(
        st.sampled_from(
            [
                "Café",
                "Müller",
                "'s-Gravenhage",
                "coöperatie",
                "Súdwest-Fryslân",
                "België",
                "Citroën",
                "Zoë",
                "François",
                "één",
            ]
        ),
        min_size=2,
        max_size=8,
    ),
    encoding=st.sampled_from(["cp850", "cp1252"]),
)
def test_dos_and_windows_letters_are_told_apart_by_dutch_words(tmp_path_factory, names, encoding):
    file = tmp_path_factory.mktemp("dos") / "table.csv"
    file.write_bytes(
        "\r\n".join(["Cliëntnummer;Naam", *(f"{at};{name}" for at, name in enumerate(names))]).encode(encoding)
    )

    assert [row.cells[1] for row in read_sheet(file, "table.csv").rows] == names


@settings(max_examples=80, deadline=None)
@given(
    content=st.binary(max_size=400),
    start=st.sampled_from([b"", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"Naam;Plaats\r\n", b"\xff\xfe"]),
)
def test_no_bytes_make_anything_but_a_sheet_or_a_refusal(tmp_path_factory, content, start):
    file = tmp_path_factory.mktemp("bytes") / "a.xlsx"
    file.write_bytes(start + content)

    try:
        assert read_sheet(file, "a.xlsx").rows
    except SheetError as refused:
        assert str(refused.why)


# Workbooks


def workbook(path, fill, **options):
    book = xlsxwriter.Workbook(str(path), options)
    fill(book, book.add_worksheet("Blad1"))
    book.close()
    return path


def test_a_workbook_keeps_its_row_numbers_zeros_dates_and_notes(tmp_path):
    def fill(book, sheet):
        zeros, date = book.add_format({"num_format": "00000"}), book.add_format({"num_format": "d-m-yyyy"})
        sheet.write_row(3, 1, ["Cliëntnummer", "Naam", "Cliënt sinds"])
        sheet.write_row(6, 1, [123, "A"], zeros)
        sheet.write_datetime(6, 3, dt.datetime(2024, 2, 29), date)
        sheet.write_row(8, 1, [10001.0, "B\r\nC"])
        sheet.write(8, 5, "kladje")

    sheet = read_sheet(workbook(tmp_path / "a.xlsx", fill), "a.xlsx")

    assert (sheet.header_line, sheet.headings) == (4, ["", "Cliëntnummer", "Naam", "Cliënt sinds"])
    assert [row.line for row in sheet.rows] == [7, 9]
    assert sheet.rows[0].cells == ["", "00123", "A", dt.date(2024, 2, 29)]
    assert sheet.rows[1].cells == ["", 10001, "B\nC", ""]
    assert "E9" in str(sheet.notices[0])


def test_formulas_and_error_values_are_named_by_their_cell(tmp_path):
    def fill(book, sheet):
        sheet.write_row(0, 0, ["Cliëntnummer", "Naam", "Plaats", "E-mail"])
        sheet.write_row(1, 0, ["1", "A", "Ede", "a@b.nl"])
        sheet.write(1, 1, "A")
        sheet.write_formula(2, 0, "=A2+1", None, 2)
        sheet.write_formula(2, 1, "=NA()", None, "#N/A")
        sheet.write_array_formula(3, 0, 4, 0, "{=ROW(A1:A2)}", None, 7)
        sheet.write(3, 1, "B")
        sheet.write(4, 1, "C")

    rows = {row.line: row for row in read_sheet(workbook(tmp_path / "a.xlsx", fill), "").rows}

    assert not any(isinstance(cell, Fault) for cell in rows[2].cells)
    assert "A3" in str(rows[3].cells[0].why) and "B3" in str(rows[3].cells[1].why)
    assert isinstance(rows[4].cells[0], Fault) and "A5" in str(rows[5].cells[0].why)


def test_hidden_sheets_are_not_looked_at_and_another_sheet_can_be_asked_for(tmp_path):
    def fill(book, sheet):
        sheet.write_row(0, 0, ["Cliëntnummer", "Naam"])
        sheet.write_row(1, 0, ["1", "A"])
        hidden, other = book.add_worksheet("Oud"), book.add_worksheet("Meer")
        hidden.hide()
        for page, name in ((hidden, "B"), (other, "C")):
            page.write_row(0, 0, ["Cliëntnummer", "Naam"])
            page.write_row(1, 0, ["1", name])

    file = workbook(tmp_path / "a.xlsx", fill)

    assert read_sheet(file, "").sheets == ["Blad1", "Meer"]
    assert read_sheet(file, "", sheet="Meer").rows[0].cells == ["1", "C"]
    with pytest.raises(SheetError):
        read_sheet(file, "", sheet="Oud")


def test_an_opendocument_sheet_is_read_and_its_formulas_are_seen(tmp_path):
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    formula = '<table:table-cell table:formula="of:=1+1" office:value-type="float" office:value="2"/>'
    rows = (
        "<table:table-row>" + "".join(map(cell.format, ("Cliëntnummer", "Naam", "Plaats"))) + "</table:table-row>",
        "<table:table-row>" + cell.format("1") + cell.format("A") + formula + "</table:table-row>",
    )
    opendocument = "urn:oasis:names:tc:opendocument:xmlns"
    spaces = " ".join(f'xmlns:{name}="{opendocument}:{name}:1.0"' for name in ("office", "table", "text"))
    table = f'<table:table table:name="Blad">{"".join(rows)}</table:table>'
    body = f"<office:body><office:spreadsheet>{table}</office:spreadsheet></office:body>"
    file = tmp_path / "a.ods"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", f"<office:document-content {spaces}>{body}</office:document-content>")

    (row,) = read_sheet(file, "a.ods").rows

    assert row.cells[:2] == ["1", "A"] and "C2" in str(row.cells[2].why)


# By way of a small process: what a process took at most includes what the one that started it had at that moment.
_MEASURING = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], input=b'{"sheet": 0, "after": 1}\\n', stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


class Measured:
    """What the process that reads a file took at most, and what it said."""

    def __init__(self, file):
        reader = [sys.executable, "-E", "-s", "-m", "models.sheets", str(file), str(MOST_ROWS)]
        command = [sys.executable, "-c", _MEASURING, *reader]
        *said, kilobytes = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, check=True).stdout.split(
            b"\n"
        )[:-1]
        messages = [json.loads(line) for line in said]
        self.megabytes = int(kilobytes) / 1024
        self.rows = sum(len(message) for message in messages if isinstance(message, list))
        self.error = messages[-1].get("error", "") if messages else "killed"


def refused(file):
    with pytest.raises(SheetError) as refusal:
        read_sheet(file, file.name)
    return str(refusal.value.why)


def test_a_workbook_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path):
    for part in ("worksheets/sheet1.xml", "sharedStrings.xml"):
        file = bomb(tmp_path / "a.xlsx", part, unpacked=4 << 30)
        assert "pakt uit" in refused(file)
        assert Measured(file).megabytes < 60


def test_a_workbook_that_lies_about_its_size_is_caught(tmp_path):
    for part in ("worksheets/sheet1.xml", "sharedStrings.xml"):
        file = bomb(tmp_path / "a.xlsx", part, unpacked=1 << 30, said=1000)
        assert "pakt uit" in refused(file)
        assert Measured(file).megabytes < 60


def test_one_text_that_a_million_cells_point_at_takes_no_more_than_may_be(tmp_path):
    file = one_text_in_many_cells(tmp_path / "a.xlsx")

    assert "te groot" in refused(file)
    assert Measured(file).megabytes < 1100


def test_a_workbook_whose_parts_share_their_bytes_is_refused(tmp_path):
    file = tmp_path / "a.xlsx"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", "x" * 100)
        archive.writestr("xl/workbook.xml", "x" * 100)
        archive.filelist[1].header_offset = 0

    assert "pakt uit" in refused(file)


def test_entities_are_refused(tmp_path):
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + OPEN + HEAD + CLOSE
    )

    assert "beschadigd" in refused(with_sheet(tmp_path / "a.xlsx", bomb))


def test_a_lone_value_in_the_farthest_corner_does_not_take_all_memory(tmp_path):
    corner = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'

    assert "te groot" in refused(with_sheet(tmp_path / "a.xlsx", OPEN + HEAD + corner + CLOSE))


def test_one_long_text_in_a_million_cells_does_not_take_all_memory(tmp_path):
    def rows():
        yield OPEN + HEAD
        for number in range(2, 150_000):
            yield (
                b'<row r="%d">' % number
                + b"".join(b'<c r="%c%d" t="str"><v>%s</v></c>' % (65 + at, number, b"x" * 500) for at in range(5))
                + b"</row>"
            )
        yield CLOSE

    assert refused(with_sheet(tmp_path / "a.xlsx", rows()))


def test_more_than_a_million_rows_are_refused_with_flat_memory(tmp_path):
    text = rows_in_a_text(tmp_path / "a.csv", 1_300_000)
    book = rows_in_a_workbook(tmp_path / "a.xlsx", 1_300_000)

    for file, rows in ((text, MOST_ROWS), (book, 0)):  # a text is refused where it goes too far, a workbook before
        assert "meer dan 50.000 rijen" in refused(file)
        measured = Measured(file)
        assert measured.megabytes < 60
        assert (measured.error, measured.rows) == ("too_many_rows", rows)


def test_the_largest_that_may_be_is_read_in_the_memory_there_is(tmp_path):
    def fill(book, sheet):
        sheet.write_row(0, 0, ["Cliëntnummer", "Naam", *(f"Kolom {at}" for at in range(28))])
        for number in range(1, MOST_ROWS + 1):
            sheet.write_row(number, 0, [str(number), f"Naam {number}", *["een tekst"] * 28])

    measured = Measured(workbook(tmp_path / "a.xlsx", fill, constant_memory=True))

    assert (measured.error, measured.rows) == ("", MOST_ROWS)


def test_rows_that_are_only_formatted_do_not_count(tmp_path):
    empty = b"".join(b'<row r="%d"><c r="A%d" s="0"/></row>' % (n, n) for n in range(3, 300_000))
    full = b'<row r="2"><c r="A2" t="inlineStr"><is><t>Jansen</t></is></c></row>'

    assert len(read_sheet(with_sheet(tmp_path / "a.xlsx", OPEN + HEAD + full + empty + CLOSE), "").rows) == 1


def test_a_workbook_cut_short_anywhere_is_refused_or_read(tmp_path):
    whole = (OFFICE / "clienten.xlsx").read_bytes()
    for size in range(0, len(whole) - 1, len(whole) // 12):
        file = tmp_path / "a.xlsx"
        file.write_bytes(whole[:size])
        with pytest.raises(SheetError):
            read_sheet(file, "a.xlsx")


def test_a_damaged_stream_is_refused(tmp_path):
    whole = bytearray((OFFICE / "clienten_relaties.xlsx").read_bytes())
    for at in range(400, len(whole) - 2000, 1500):
        damaged = bytearray(whole)
        damaged[at : at + 8] = b"\xff" * 8
        file = tmp_path / "a.xlsx"
        file.write_bytes(damaged)
        try:
            assert read_sheet(file, "a.xlsx").rows
        except SheetError as refused:
            assert str(refused.why)


def test_our_own_secrets_are_not_in_the_reading_process(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "geheim")

    with _Reader(OFFICE / "groepen.csv", 10) as reader:
        reader.next()
        environment = Path(f"/proc/{reader._process.pid}/environ").read_bytes()

    assert b"geheim" not in environment and b"SECRET_KEY" not in environment


def test_ten_thousand_clients_with_fifteen_thousand_contacts_are_read_in_little_memory(tmp_path):
    headings = [
        "Cliëntnummer",
        "Naam",
        "KvK",
        "Straat",
        "Huisnr",
        "Postcode",
        "Plaats",
        "E-mail",
        "Groep",
        "Voornaam",
        "Achternaam",
        "E-mail contactpersoon",
        *[f"Vrij {n}" for n in range(8)],
    ]
    table = [
        [
            f"{10_000 + at * 2 // 5}",
            f"Bakkerij {at}",
            "12345678",
            "Kerkweg",
            f"{at % 300}",
            "1234 AB",
            "Ede",
            f"i{at}@b.example",
            f"Groep {at % 20}",
            "Jan",
            f"Vries {at}",
            f"j{at}@b.example",
            *["x"] * 8,
        ]
        for at in range(25_000)
    ]

    def fill(book, sheet):
        for number, row in enumerate([headings, *table]):
            sheet.write_row(number, 0, row)

    files = [workbook(tmp_path / "a.xlsx", fill), tmp_path / "a.csv"]
    with files[1].open("w", newline="", encoding="cp1252") as out:
        csv.writer(out, delimiter=";").writerows([headings, *table])

    for file in files:
        sheet = read_sheet(file, file.name)
        assert len(sheet.rows) == 25_000 and guess_kind(sheet.headings) == "clients"
        assert [text_of(cell) for cell in sheet.rows[-1].cells] == table[-1]
        assert Measured(file).megabytes < 200


def test_a_workbook_of_another_program_is_read(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Cliëntnummer", "Naam"])
    book.active.append(["00012", "A\u00a0B "])
    book.save(tmp_path / "a.xlsx")

    assert read_sheet(tmp_path / "a.xlsx", "").rows[0].cells == ["00012", "A B"]
