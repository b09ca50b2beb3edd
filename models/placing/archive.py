"""What comes out of a ZIP: file by file, within bounds, and with a clear reason for each that is left out.

No name in it ever becomes a path on our disk: what a name can do is name a client and a document.
"""

from __future__ import annotations

import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from models.core import Say

MOST_ENTRIES = 20_000
MOST_TOTAL = 20 * 1024**3  # bytes of all that comes out
MOST_RATIO = 200  # bytes out for one in, beyond what is small anyway
SMALL = 32 * 1024**2
PIECE = 1024 * 1024
_MOST_DIRECTORY = 12 * 1024**2  # bytes of the list of contents: the library reads it whole
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_CLUTTER = ("__macosx/", ".ds_store", "thumbs.db", "desktop.ini")


class BadArchive(Exception):
    """Nothing of it is taken out; `why` says so to a person."""

    def __init__(self, why: Say) -> None:
        super().__init__(str(why))
        self.why = why


class BadEntry(Exception):
    """This one does not come out whole; others may."""

    def __init__(self, why: Say) -> None:
        super().__init__(str(why))
        self.why = why


DAMAGED = Say("Dit ZIP-bestand is beschadigd of niet af. Maak het opnieuw.")
BOMB = Say("Dit ZIP-bestand zou veel groter uitpakken dan het is. Om veiligheidsredenen pakken wij het niet uit.")
_PASSWORD = Say("Dit bestand is in de ZIP met een wachtwoord beveiligd. Pak het zelf uit en plaats het los.")
_OUTSIDE = Say("De naam wijst naar een plek buiten de ZIP. Om veiligheidsredenen nemen wij dit bestand niet aan.")
_LINK = Say("Dit is een snelkoppeling (symbolische link) en geen bestand.")
_METHOD = Say(
    "Dit bestand is in de ZIP ingepakt op een manier die wij niet kennen. Pak het zelf uit en plaats het los."
)
_BROKEN = Say("Dit bestand is in de ZIP beschadigd: de inhoud klopt niet met de controle.")
_RATIO = Say(
    "Dit bestand zou veel groter uitpakken dan het in de ZIP is. Om veiligheidsredenen pakken wij het niet uit."
)


@dataclass(frozen=True)
class Entry:
    """A file in the archive: `path` with slashes; `why` it is left out, or None."""

    path: str
    info: zipfile.ZipInfo
    why: Say | None = None


class Archive:
    """An open archive. For a thread: reading it blocks. Raises BadArchive."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        try:
            self._size = path.stat().st_size
            _refuse_long_list(self._file)
            self._zip = zipfile.ZipFile(self._file)
            self._refuse_overlapping()
        except BadArchive:
            self.close()
            raise
        except (zipfile.BadZipFile, ValueError, struct.error, OSError, EOFError, NotImplementedError) as error:
            self.close()
            raise BadArchive(DAMAGED) from error
        self._total = 0

    def close(self) -> None:
        self._file.close()

    def entries(self) -> list[Entry]:
        """Every file, in the order of the archive; folders and what systems leave behind are passed over."""
        found = []
        for info in self._zip.infolist():
            path = _name_of(info)
            if path.endswith("/") or info.is_dir() or _is_clutter(path):
                continue
            found.append(Entry(_shown(path), info, _why_not(info, path)))
        return found

    def read(self, entry: Entry) -> Iterator[bytes]:
        """Its bytes, piece by piece, counted as they come: what the archive says of sizes is not believed. Raises BadEntry,
        and BadArchive when all of it together becomes too much."""
        out, bound = 0, max(SMALL, entry.info.compress_size * MOST_RATIO)
        try:
            with self._zip.open(entry.info) as file:
                while piece := file.read(PIECE):
                    out += len(piece)
                    self._total += len(piece)
                    if out > bound:
                        raise BadEntry(_RATIO)
                    if self._total > MOST_TOTAL:
                        raise BadArchive(BOMB)
                    yield piece
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, struct.error, RuntimeError) as error:
            raise BadEntry(_BROKEN) from error
        except NotImplementedError as error:
            raise BadEntry(_METHOD) from error

    def _refuse_overlapping(self) -> None:
        """The same bytes under many names: how a few kilobytes become terabytes."""
        end = 0
        for info in sorted(self._zip.infolist(), key=lambda one: one.header_offset):
            if info.header_offset < end or info.header_offset + info.compress_size > self._size:
                raise BadArchive(BOMB if info.header_offset < end else DAMAGED)
            end = info.header_offset + 30 + info.compress_size


def list_size(file: BinaryIO) -> tuple[int, int] | None:
    """How many files an archive says it has, and how many bytes its list of contents takes; None when it is none. The
    library's own reading of the end record: whoever reads it otherwise can be told another size than it goes by."""
    end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
    return (int(end[4]), int(end[5])) if end else None


def _refuse_long_list(file: BinaryIO) -> None:
    """Looks at the end record before the library reads the list of contents whole into memory."""
    found = list_size(file)
    if found is None:
        raise BadArchive(DAMAGED)
    entries, directory = found
    if entries > MOST_ENTRIES or directory > _MOST_DIRECTORY:
        raise BadArchive(
            Say(
                "In dit ZIP-bestand zitten meer dan {most} bestanden. Verdeel het over meer ZIP-bestanden.",
                most=MOST_ENTRIES,
            )
        )
    file.seek(0)


def _name_of(info: zipfile.ZipInfo) -> str:
    """As it was meant: archives without the mark for UTF-8 are in an old code page, or in UTF-8 all the same."""
    name = info.filename
    if not info.flag_bits & 0x800 and not name.isascii():
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = info.filename
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def _shown(path: str) -> str:
    """The path as people see it, at most 900 characters, the end being the name."""
    kept = "".join(letter if letter >= " " and letter != "\x7f" else " " for letter in path)
    return kept.encode("utf-8", "replace").decode()[-900:]


def _is_clutter(path: str) -> bool:
    low = path.lower()
    return low.startswith("__macosx/") or low.rpartition("/")[2] in _CLUTTER or low.rpartition("/")[2].startswith("._")


def _why_not(info: zipfile.ZipInfo, path: str) -> Say | None:
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or (len(parts[0]) == 2 and parts[0][1] == ":") or path[1:3] == ":/":
        return _OUTSIDE
    mode = info.external_attr >> 16
    if info.create_system == 3 and stat.S_ISLNK(mode):
        return _LINK
    if info.flag_bits & 0x1:
        return _PASSWORD
    if info.compress_type not in _METHODS:
        return _METHOD
    if info.file_size > SMALL and info.file_size > max(info.compress_size, 1) * MOST_RATIO:
        return _RATIO
    return None
