"""ZIP archives streamed against plain copying of the same bytes, and the memory that it takes; also more files than 65,535, and
more bytes than 4 GB when asked for (`measure(gigabytes=5)`).
"""

from __future__ import annotations

import asyncio
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from models.dossiers.zipping import Entry
from models.storage import open_storage
from web.zips import _Archive

MB = 1024 * 1024


async def measure(megabytes: int = 512, files: int = 66_000, gigabytes: float = 0) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="poort-zip-") as var:
        store = open_storage(f"file://{var}/files")
        rows = [
            await _row(store, Path(var), 8, megabytes // 8 * MB),
            await _row(store, Path(var), megabytes * 4, MB // 4),
        ]
        small = await store.put(b"een klein stuk")
        many = [Entry(n, f"map {n // 1000}/{n}.txt", small.sha256, small.size) for n in range(files)]
        began = time.perf_counter()
        size = await _stream(store, many)
        rows.append(
            {"job": "zip of many files", "size": f"{files} files", "ours": f"{files / (time.perf_counter() - began):.0f} files/s",
             "limit": "", "ratio": None, "memory": f"{_peak()} MB ({size // MB} MB out)"}
        )  # fmt: skip
        if gigabytes:
            rows.append(await _row(store, Path(var), int(gigabytes * 4), 256 * MB))
        return rows


async def _row(store: Any, var: Path, count: int, each: int) -> dict[str, Any]:
    """`count` files of `each` bytes: out as an archive, and the same files copied one after the other."""
    entries, paths = [], []
    for number in range(count):
        async with store.receive() as incoming:
            block = os.urandom(32) + b"x" * (min(each, MB) - 32)
            for _ in range(max(1, each // len(block))):
                await incoming.write(block)
            kept = await incoming.keep()
        entries.append(Entry(number, f"{number}.bin", kept.sha256, kept.size))
        paths.append(store.path_of(kept.sha256))
    total = sum(entry.size for entry in entries)
    await asyncio.to_thread(_copy, paths, var / "copy")  # both from warm files
    began = time.perf_counter()
    await asyncio.to_thread(_copy, paths, var / "copy")
    bare, began = time.perf_counter() - began, time.perf_counter()
    await _stream(store, entries, var / "archive.zip")
    ours = time.perf_counter() - began
    return {
        "job": "zip", "size": f"{count} x {each / MB:.2g} MB", "ours": f"{total / MB / ours:.0f} MB/s", "limit": f"{total / MB / bare:.0f} MB/s",
        "ratio": bare / ours, "memory": f"{_peak()} MB",
    }  # fmt: skip


async def _stream(store: Any, entries: list[Entry], to: Path | None = None) -> int:
    size = 0
    archive = _Archive(store, entries)
    out = (to or Path("/dev/null")).open("wb")
    try:
        async for piece in archive.pieces():
            size += len(piece)
            await asyncio.to_thread(out.write, piece) if len(piece) > 65_536 else out.write(piece)
    finally:
        out.close()
    assert size == archive.size
    return size


def _copy(paths: list[Path], to: Path) -> None:
    with to.open("wb") as out:
        for path in paths:
            with path.open("rb") as file:
                while piece := file.read(MB):
                    out.write(piece)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
