"""Spreadsheets as an attacker, a broken program or a tired person makes them: written in a moment, however much they unpack to."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OPEN = f'<worksheet xmlns="{MAIN}"><sheetData>'.encode()
CLOSE = b"</sheetData></worksheet>"
HEAD = b'<row r="1"><c r="A1" t="inlineStr"><is><t>Naam</t></is></c></row>'
STRINGS_OPEN, STRINGS_CLOSE = f'<sst xmlns="{MAIN}">'.encode(), b"</sst>"
MB = 1 << 20

Xml = bytes | Iterable[bytes]


def with_sheet(path: Path, xml: Xml, strings: Xml = b"") -> Path:
    """A workbook whose only sheet is this XML (bytes, or blocks of bytes), and whose shared texts are that."""
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    sheets = '<sheets><sheet name="A" sheetId="1" r:id="s"/></sheets>'

    def relations(*those: tuple[str, str, str]) -> str:
        all = "".join(f'<Relationship Id="{id}" Type="{relation}/{kind}" Target="{at}"/>' for id, kind, at in those)
        return f'<Relationships xmlns="{package}/relationships">{all}</Relationships>'

    texts = [("t", "sharedStrings", "sharedStrings.xml")] if strings else []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{package}/content-types"/>')
        archive.writestr("_rels/.rels", relations(("a", "officeDocument", "xl/workbook.xml")))
        archive.writestr("xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{relation}">{sheets}</workbook>')
        archive.writestr("xl/_rels/workbook.xml.rels", relations(("s", "worksheet", "worksheets/sheet1.xml"), *texts))
        for name, content in (("worksheets/sheet1.xml", xml), ("sharedStrings.xml", strings)):
            if content:
                with archive.open(f"xl/{name}", "w", force_zip64=True) as part:
                    for block in [content] if isinstance(content, bytes) else content:
                        part.write(block)
    return path


def bomb(path: Path, part: str, *, unpacked: int, said: int | None = None) -> Path:
    """A workbook of which one part unpacks to so much; the directory of the file may say something else of it."""
    empty, strings = OPEN + HEAD + CLOSE, STRINGS_OPEN + STRINGS_CLOSE
    with_sheet(path, empty, strings)
    with zipfile.ZipFile(path) as old:
        kept = {name: old.read(name) for name in old.namelist() if name != f"xl/{part}"}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in kept.items():
            archive.writestr(name, content)
        archive.writestr(f"xl/{part}", _deflated(unpacked), zipfile.ZIP_STORED)
        of_bomb = archive.filelist[-1]
        of_bomb.compress_type, of_bomb.file_size = zipfile.ZIP_DEFLATED, unpacked if said is None else said
    return path


def _deflated(size: int) -> bytes:
    """Spaces, deflated: the same block over and over, so that gigabytes cost nothing to make."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = packer.compress(b" " * MB) + packer.flush(zlib.Z_FULL_FLUSH)
    return start * (size // MB) + packer.flush()


def one_text_in_many_cells(path: Path) -> Path:
    """Thirty thousand letters, stored once and pointed at: a gigabyte and more for who copies them."""
    rows = (
        b"".join(b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (n, n) for n in range(start, start + 1000))
        for start in range(2, 40_000, 1000)
    )
    text = b"<si><t>%s</t></si>" % (b"x" * 30_000)
    return with_sheet(path, [OPEN + HEAD, *rows, CLOSE], STRINGS_OPEN + text + STRINGS_CLOSE)


def rows_in_a_workbook(path: Path, count: int) -> Path:
    rows = (
        b"".join(b'<row r="%d"><c r="A%d"><v>%d</v></c></row>' % (n, n, n) for n in range(start, start + 1000))
        for start in range(2, count, 1000)
    )
    return with_sheet(path, [OPEN + HEAD, *rows, CLOSE])


def rows_in_a_text(path: Path, count: int) -> Path:
    with path.open("w", encoding="utf-8") as out:
        out.write("Cliëntnummer;Naam\r\n")
        out.writelines(f"{number};Naam {number}\r\n" for number in range(count))
    return path


def lines(*of_file: str) -> Callable[[Path], Path]:
    """Writes a text file of these lines."""

    def write(path: Path) -> Path:
        path.write_text("\n".join(of_file) + "\n", encoding="utf-8")
        return path

    return write
