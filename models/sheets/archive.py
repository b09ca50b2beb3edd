"""The zip file around a workbook, measured before anything trusts it: what it says, and what really comes out."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from models.sheets.cells import Unreadable

MOST_PARTS = 5_000
MOST_UNPACKED = 500 * 1024 * 1024
# Deflate reaches 1032:1; sheets that people make stay under 60:1 once they are large.
MOST_RATIO, RATIO_COUNTS_FROM = 150, 64 * 1024 * 1024
_BLOCK = 1 << 18


class Archive:
    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with zipfile.ZipFile(path) as opened:
                parts = opened.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error, zlib.error) as error:
            raise Unreadable("damaged") from error
        if len(parts) > MOST_PARTS:
            raise Unreadable("not_a_sheet")
        self.parts = {part.filename.lstrip("/"): part for part in parts}
        self._check_what_it_says(parts)

    def check_what_comes_out(self) -> None:
        """Unpack every part that a reader would: a size that differs from what was said, or an entity, is refused."""
        total = 0
        for name, part in self.parts.items():
            if not name.lower().endswith((".xml", ".rels", ".bin", "mimetype")):
                continue
            size, first = 0, b""
            for block in self.blocks(name):
                first = first or block[:2048]
                size += len(block)
                if total + size > MOST_UNPACKED:
                    raise Unreadable("bomb")
            if size != part.file_size or b"<!DOCTYPE" in first or b"<!ENTITY" in first:
                raise Unreadable("damaged")
            total += size

    def read(self, name: str, most: int = 20 * 1024 * 1024) -> bytes:
        content = bytearray()
        for block in self.blocks(name):
            content += block
            if len(content) > most:
                raise Unreadable("bomb")
        return bytes(content)

    def blocks(self, name: str) -> Iterator[bytes]:
        """What is really in a part, not how much of it the directory says there is."""
        part = self.parts.get(name)
        if part is None:
            raise Unreadable("damaged")
        with self.path.open("rb") as file:
            file.seek(part.header_offset)
            header = file.read(30)
            if len(header) < 30 or header[:4] != b"PK\x03\x04":
                raise Unreadable("damaged")
            file.seek(sum(struct.unpack("<HH", header[26:30])), 1)
            left = part.compress_size
            inflate = zlib.decompressobj(-15) if part.compress_type == zipfile.ZIP_DEFLATED else None
            while left > 0 and (packed := file.read(min(_BLOCK, left))):
                left -= len(packed)
                if inflate is None:
                    yield packed
                    continue
                while packed:
                    try:
                        block = inflate.decompress(packed, _BLOCK * 4)
                    except zlib.error as error:
                        raise Unreadable("damaged") from error
                    if block:
                        yield block
                    packed = inflate.unconsumed_tail

    def _check_what_it_says(self, parts: list[zipfile.ZipInfo]) -> None:
        if any(part.flag_bits & 1 for part in parts):
            raise Unreadable("password")
        if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
            raise Unreadable("damaged")
        if len(self.parts) != len(parts):
            raise Unreadable("damaged")  # two parts of one name: readers differ in which they believe
        end = 0
        for part in sorted(parts, key=lambda part: part.header_offset):
            if part.header_offset < end:
                raise Unreadable("bomb")  # parts that share their bytes
            end = part.header_offset + 30 + part.compress_size
        unpacked = sum(part.file_size for part in parts)
        packed = max(1, sum(part.compress_size for part in parts))
        if unpacked > MOST_UNPACKED or (unpacked > RATIO_COUNTS_FROM and unpacked / packed > MOST_RATIO):
            raise Unreadable("bomb")
