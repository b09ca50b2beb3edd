"""Bytes that are certain to be those of their hash: looked at while they are read, and taken to be whole for a few minutes after
that, as long as the store says that nothing was written in their place."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
import weakref
from collections.abc import AsyncGenerator

from models.storage.base import Storage
from models.storage.cipher import Damaged

KEPT = 5 * 60.0  # seconds: a disk also fails without anything being written
_MOST, _SMALL = 10_000, 64 * 1024  # hashes that are remembered; bytes that are hashed without going to a thread
_known: weakref.WeakKeyDictionary[Storage, dict[str, tuple[object, float]]] = weakref.WeakKeyDictionary()


class Changed(Damaged):
    """The store has other bytes under this hash."""

    def __init__(self, sha256: str) -> None:
        super().__init__(f"Een bestand in de opslag is niet meer wat het was: {sha256}.")


async def certain(store: Storage, sha256: str) -> AsyncGenerator[bytes, None]:
    """As `store.open`, all of it; the last piece comes only after all of them turned out to have this hash. Raises Damaged too."""
    mark = await store.mark(sha256)
    hashed, held = hashlib.sha256(), b""
    async with contextlib.aclosing(store.open(sha256)) as chunks:
        async for chunk in chunks:
            if held:
                yield held
            if len(chunk) > _SMALL:
                await asyncio.to_thread(hashed.update, chunk)
            else:
                hashed.update(chunk)
            held = chunk
    if hashed.hexdigest() != sha256:
        raise Changed(sha256)
    _know(store, sha256, mark)
    if held:
        yield held


async def require_whole(store: Storage, sha256: str) -> None:
    """Reads them, unless that was done a moment ago and nothing was written since. Raises Damaged, Missing or StorageDown."""
    known = _known.get(store, {}).get(sha256)
    if known and time.monotonic() - known[1] < KEPT and known[0] == await store.mark(sha256):
        return
    async for _ in certain(store, sha256):
        pass


def _know(store: Storage, sha256: str, mark: object) -> None:
    known = _known.setdefault(store, {})
    known.pop(sha256, None)
    known[sha256] = mark, time.monotonic()  # the last of them now
    if len(known) > _MOST:
        del known[next(iter(known))]
