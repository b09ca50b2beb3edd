"""An archive that somebody brought, measured before anything of it is believed: names, sizes, hashes, and the manifest."""

from __future__ import annotations

import hashlib
import json
import stat
import struct
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from models.content_type import check_upload
from models.core import Say
from models.moving import manifest as form
from models.moving.manifest import MANIFEST, SUMS, Broken, safe_path
from models.placing.archive import list_size
from models.storage.base import HEAD

MOST_PARTS = 700_000
MOST_MANIFEST = 128 * 1024 * 1024  # bytes: some 100,000 documents
MOST_LIST = 256 * 1024 * 1024  # bytes of the list of contents
MOST_RATIO, RATIO_COUNTS_FROM = 200, 64 * 1024 * 1024
_BLOCK = 1 << 20
_DAMAGED = Say("Het archief is beschadigd of niet compleet. Maak het opnieuw, of breng het nog eens over.")
_BOMB = Say("Het archief pakt uit tot veel meer dan het is. Om veiligheidsredenen lezen wij het niet.")
_FAULTS = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
    EOFError,
    struct.error,
    zlib.error,
)


class Archive:
    """The ZIP, opened and looked over. Blocking: call it on a thread. Raises Broken."""

    def __init__(self, path: Path) -> None:
        try:
            _refuse_long_list(path)
            self._zip = zipfile.ZipFile(path)
            parts = self._zip.infolist()
        except _FAULTS as error:
            raise Broken(Say("Dit is geen ZIP-archief, of het is beschadigd.")) from error
        try:
            self._look_over(parts, path.stat().st_size)
        except Broken:
            self._zip.close()
            raise
        self.parts = {part.filename: part for part in parts if not part.is_dir()}

    def close(self) -> None:
        self._zip.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _look_over(self, parts: list[zipfile.ZipInfo], size: int) -> None:
        if len(parts) > MOST_PARTS:
            raise Broken(_BOMB)
        seen: set[str] = set()
        for part in parts:
            safe_path(part.filename)
            mode = part.external_attr >> 16
            if (
                part.filename in seen
                or part.flag_bits & 0x1
                or (mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or not stat.S_IFMT(mode)))
            ):
                raise Broken(
                    Say(
                        "Het archief houdt iets in dat er niet in hoort: een dubbele naam, een koppeling of een wachtwoord."
                    )
                )
            if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise Broken(_DAMAGED)
            seen.add(part.filename)
        unpacked = sum(part.file_size for part in parts)
        if unpacked > RATIO_COUNTS_FROM and unpacked > size * MOST_RATIO:
            raise Broken(_BOMB)
        # Parts that lie over each other are the other way to pack very much into very little.
        end = 0
        for part in sorted(parts, key=lambda part: part.header_offset):
            if part.header_offset < end:
                raise Broken(_BOMB)
            end = part.header_offset + 30 + part.compress_size
        if end > size:
            raise Broken(_DAMAGED)

    def manifest(self) -> form.Row:
        raw = self._small(MANIFEST)
        try:
            return form.read(json.loads(raw))
        except (ValueError, RecursionError) as error:
            raise Broken(Say("Het manifest van het archief is geen JSON.")) from error

    def _small(self, name: str) -> bytes:
        if name not in self.parts:
            raise Broken(Say("In het archief ontbreekt {name}. Het is geen dossierarchief van Poort.", name=name))
        if self.parts[name].file_size > MOST_MANIFEST:
            raise Broken(_BOMB)
        return b"".join(self.blocks(name))

    def blocks(self, name: str) -> Iterator[bytes]:
        """The bytes of one part, never more than it said. Raises Broken."""
        part, left = self.parts[name], self.parts[name].file_size
        try:
            with self._zip.open(part) as file:
                while block := file.read(_BLOCK):
                    left -= len(block)
                    if left < 0:
                        raise Broken(_BOMB)
                    yield block
        except _FAULTS as error:
            raise Broken(_DAMAGED) from error
        if left:
            raise Broken(_DAMAGED)

    def open(self, name: str) -> BinaryIO:
        return self._zip.open(self.parts[name])  # type: ignore[return-value]

    def verify(self, manifest: form.Row, told: Callable[[int, int], None], stop: threading.Event) -> dict[str, Any]:
        """Read every byte: it is what the manifest and SHA256SUMS say. The files that are not taken in, by their name in the
        archive, with why."""
        sums = self._sums()
        if sums.pop(MANIFEST, None) != hashlib.sha256(self._small(MANIFEST)).hexdigest():
            raise Broken(
                Say("Het manifest is gewijzigd nadat het archief gemaakt werd: het klopt niet met {sums}.", sums=SUMS)
            )
        rows = {row["file"]: row for row in files_of(manifest)}
        if len(rows) != sum(1 for _ in files_of(manifest)) or sums != {
            name: row["sha256"] for name, row in rows.items()
        }:
            raise Broken(Say("Het manifest en {sums} noemen niet dezelfde bestanden.", sums=SUMS))
        refused: dict[str, Any] = {}
        done, total = 0, sum(row["size"] for row in rows.values())
        for name, row in rows.items():
            if name not in self.parts or self.parts[name].file_size != row["size"]:
                raise Broken(Say("In het archief ontbreekt “{name}”, of het is niet heel.", name=name))
            digest, head = hashlib.sha256(), b""
            for block in self.blocks(name):
                head = head or block[:HEAD]
                digest.update(block)
                done += len(block)
                told(done // 1024, total // 1024)
                if stop.is_set():
                    return refused
            if digest.hexdigest() != row["sha256"]:
                raise Broken(Say("“{name}” is beschadigd: de controlegetallen kloppen niet.", name=name))
            if why := check_upload(head, row["size"], row["name"]):
                refused[name] = why.as_json()
        return refused

    def _sums(self) -> dict[str, str]:
        found = {}
        try:
            lines = self._small(SUMS).decode().splitlines()
        except UnicodeDecodeError as error:
            raise Broken(_DAMAGED) from error
        for line in lines:
            digest, _, name = line.partition("  ")
            if not name or name in found:
                raise Broken(_DAMAGED)
            found[name] = digest
        return found


def _refuse_long_list(path: Path) -> None:
    """The library reads the list of contents whole into memory, however long it is."""
    with path.open("rb") as file:
        found = list_size(file)
    if found and (found[0] > MOST_PARTS or found[1] > MOST_LIST):
        raise Broken(_BOMB)


def files_of(manifest: form.Row) -> Iterator[form.Row]:
    """Every file that the manifest names: of documents, and of their earlier versions."""
    for row in manifest["documents"]:
        yield row
        yield from row["versions"]
