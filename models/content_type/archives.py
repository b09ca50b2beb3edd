"""Archives that unpack to far more than they are: told by their directory and, where they are small, by a try within limits.

We never unpack what is uploaded by the sizes it names itself; this is for who opens it later, and to say so at once. Other
kinds of archives (gzip, tar, 7z, rar) are kept as they are and opened by nothing of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from models.content_type import kinds
from models.core import Say
from models.storage.base import Storage

MOST = 1024**3  # bytes unpacked, up to which any archive is fine
RATIO = 100  # how many times its own size a larger one may become; ordinary papers stay below 20
TRIED = 16 * 1024 * 1024  # bytes of an archive of which the content is tried and not only the directory
_EFFORT = 256 * 1024 * 1024  # bytes unpacked while trying, piece by piece
_PIECE = 1024 * 1024
_KEPT = 8 * 1024 * 1024  # bytes of an archive within one that is looked into
_ARCHIVE = (b"PK\x03\x04", b"PK\x05\x06")
_DEPTH = 6
_TAIL = 66_000  # the end of the directory stands in the last 64 KiB
_DIRECTORY_MOST = 32 * 1024 * 1024
_ZIPPED = frozenset(
    {kinds.ZIP, *kinds.WORD.values(), *kinds.EXCEL.values(), *kinds.POWERPOINT.values(), *kinds.OPEN_DOCUMENT.values()}
)
_at_once = asyncio.Semaphore(2)  # each holds at most TRIED bytes


class _Bomb(Exception):
    """It becomes more than it may."""


@dataclass(frozen=True)
class Entry:
    """A file of an archive, as the directory tells it: sizes packed and unpacked, and where its own head stands."""

    name: bytes
    packed: int
    unpacked: int
    at: int
    method: int
    is_encrypted: bool


async def look_inside(store: Storage, sha256: str, size: int, name: str, mime: str) -> Say | None:
    """Why this stored file is not taken in after all; None when it is, and for what is no ZIP or Office file."""
    if mime not in _ZIPPED:
        return None
    try:
        async with _at_once:
            if size <= TRIED:
                content = await store.read(sha256)
                await asyncio.to_thread(_try, content, size, _Effort(), 0)
            else:
                entries = await _directory_of(store, sha256, size)
                _weigh(entries, size, size)
    except _Bomb:
        return Say(
            "“{name}” is beschadigd, of wordt bij het uitpakken onwaarschijnlijk groot (een zip-bom). Zo’n bestand nemen wij niet aan.",
            name=name,
        )
    return None


async def _directory_of(store: Storage, sha256: str, size: int) -> list[Entry]:
    start = max(0, size - _TAIL)
    tail = await _piece(store, sha256, start, size)
    found = _end_of(tail)
    if found is None or found[1] > _DIRECTORY_MOST:
        return []
    at, length = found
    return list(entries_in(await _piece(store, sha256, at, at + length)))


async def _piece(store: Storage, sha256: str, start: int, end: int) -> bytes:
    async with contextlib.aclosing(store.open(sha256, start, end)) as chunks:
        return b"".join([chunk async for chunk in chunks])


def _end_of(tail: bytes) -> tuple[int, int] | None:
    """Where the directory begins and how long it is; None where there is none to be found."""
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 22:
        return None
    length, at = _int(tail, end + 12, 4), _int(tail, end + 16, 4)
    if at == 0xFFFFFFFF or length == 0xFFFFFFFF:
        large = tail.rfind(b"PK\x06\x06", 0, end)
        if large < 0 or len(tail) < large + 56:
            return None
        length, at = _int(tail, large + 40, 8), _int(tail, large + 48, 8)
    return at, length


def entries_in(directory: bytes) -> Iterator[Entry]:
    """As far as the directory can be read."""
    at = 0
    while directory[at : at + 4] == b"PK\x01\x02" and len(directory) >= at + 46:
        name_size, extra_size, comment_size = (_int(directory, at + n, 2) for n in (28, 30, 32))
        packed, unpacked, place = (_int(directory, at + n, 4) for n in (20, 24, 42))
        extra = directory[at + 46 + name_size : at + 46 + name_size + extra_size]
        packed, unpacked, place = _large(extra, packed, unpacked, place)
        yield Entry(
            directory[at + 46 : at + 46 + name_size], packed, unpacked, place, _int(directory, at + 10, 2),
            bool(_int(directory, at + 8, 2) & 1),
        )  # fmt: skip
        at += 46 + name_size + extra_size + comment_size


def _large(extra: bytes, packed: int, unpacked: int, place: int) -> tuple[int, int, int]:
    """Sizes beyond 4 GB stand in an extra field, in this order, those only that did not fit."""
    at = 0
    while len(extra) >= at + 4:
        kind, length = _int(extra, at, 2), _int(extra, at + 2, 2)
        if kind == 1:
            more = iter([_int(extra, at + 4 + n, 8) for n in range(0, length - 7, 8)])
            unpacked = next(more, unpacked) if unpacked == 0xFFFFFFFF else unpacked
            packed = next(more, packed) if packed == 0xFFFFFFFF else packed
            place = next(more, place) if place == 0xFFFFFFFF else place
        at += 4 + length
    return packed, unpacked, place


def _weigh(entries: list[Entry], size: int, outer: int) -> None:
    """By what the directory says. Files that share bytes are the trick by which a small archive becomes everything."""
    total = sum(entry.unpacked for entry in entries)
    if total > MOST and total > RATIO * outer:
        raise _Bomb
    ends = 0
    for entry in sorted(entries, key=lambda one: one.at):
        if entry.at < ends and entry.packed:
            raise _Bomb
        ends = max(ends, entry.at + 30 + len(entry.name) + entry.packed)
    if sum(entry.packed for entry in entries) > size:
        raise _Bomb


class _Effort:
    """What trying may still cost, over all archives within one."""

    def __init__(self) -> None:
        self.left = _EFFORT


def _try(content: bytes, outer: int, effort: _Effort, depth: int) -> None:
    """The directory, whether files are as large as it says, and the archives within."""
    found = _end_of(content[-_TAIL:])
    if found is None:
        return
    at, length = found
    entries = list(entries_in(content[at : at + length]))
    _weigh(entries, len(content), outer)
    for entry in entries:
        if effort.left <= 0 or entry.is_encrypted:
            continue
        inner = _unpacked(content, entry, effort)
        if len(inner) == entry.unpacked and inner and depth < _DEPTH:
            _try(inner, outer, effort, depth + 1)


def _unpacked(content: bytes, entry: Entry, effort: _Effort) -> bytes:
    """The file where it is an archive itself, else b''; unpacked piece by piece to see how much comes. Raises _Bomb where
    that is more than the directory says."""
    begin = entry.at + 30 + _int(content, entry.at + 26, 2) + _int(content, entry.at + 28, 2)
    packed = content[begin : begin + entry.packed]
    if entry.method == 0:
        if len(packed) != entry.unpacked:
            raise _Bomb
        return packed if packed.startswith(_ARCHIVE) else b""
    return _inflated(packed, entry.unpacked, effort) if entry.method == 8 else b""


def _inflated(packed: bytes, told: int, effort: _Effort) -> bytes:
    unpacking, rest, size, kept = zlib.decompressobj(-15), packed, 0, b""
    try:
        while rest and not unpacking.eof and effort.left > 0:
            piece = unpacking.decompress(rest, _PIECE)
            rest, size = unpacking.unconsumed_tail, size + len(piece)
            effort.left -= len(piece)
            if size > told:
                raise _Bomb
            if told <= _KEPT and (kept or piece.startswith(_ARCHIVE)):
                kept += piece
    except zlib.error:
        return b""
    return kept


def _int(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")
