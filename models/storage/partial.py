"""The bytes so far of a file that comes in pieces: kept from process to process, counted truthfully, a blob at the end."""

from __future__ import annotations

import abc
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Any

from models.storage.base import BATCH, Stored

_REMEMBERED = 2000  # files whose hash goes on in memory; of others it is made from the bytes at the end


class Locked(Exception):
    """Somebody else is writing these bytes at this moment."""


class Partial(abc.ABC):
    """A file that is not whole yet, open to one writer.

    `offset` is how many bytes of it will be there when the context ends; what was written before is there whatever
    happens to this process.
    """

    def __init__(self, offset: int) -> None:
        self.offset = self._began = offset
        self._waiting: list[bytes] = []
        self._waiting_size = 0

    @property
    def waiting(self) -> int:
        """Bytes that were written and do not count in `offset` yet."""
        return self._waiting_size

    async def write(self, data: bytes) -> None:
        """Raises StorageFull, StorageDown, or Locked where another process was first."""
        self._waiting.append(data)
        self._waiting_size += len(data)
        if self._waiting_size >= BATCH:
            await self._flush()

    @abc.abstractmethod
    async def settle(self) -> None:
        """Everything that was written is safely there when this returns. Raises as `write` does."""

    async def _flush(self) -> None:
        batch, self._waiting, self._waiting_size = b"".join(self._waiting), [], 0
        if batch:
            await self._take(batch)
            self.offset += len(batch)

    def forget_batch(self) -> None:
        """What could not be written is not written again."""
        self._waiting, self._waiting_size = [], 0

    @abc.abstractmethod
    async def undo(self) -> None:
        """Back to where it was when the context began."""

    @abc.abstractmethod
    async def head(self) -> bytes:
        """Its first 64 KiB, as far as they are there."""

    @abc.abstractmethod
    def everything(self) -> AsyncIterator[bytes]:
        """All of it that is there, from the first byte on."""

    @abc.abstractmethod
    async def keep(self) -> Stored:
        """All came: the blob under its hash. The pieces stay until `Storage.forget`: a crash in between loses nothing."""

    @abc.abstractmethod
    async def _take(self, batch: bytes) -> None:
        """Hash and write a batch."""


class Hashes:
    """SHA-256 of what came so far, by key: good as long as the next bytes come to this process and go on where it stopped."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[int, Any]] = OrderedDict()

    def at(self, key: str, offset: int) -> Any | None:
        if offset == 0:
            return hashlib.sha256()
        known = self._kept.pop(key, None)
        return known[1] if known is not None and known[0] == offset else None

    def remember(self, key: str, offset: int, so_far: Any | None) -> None:
        if so_far is None:
            self._kept.pop(key, None)
            return
        self._kept[key] = (offset, so_far)
        while len(self._kept) > _REMEMBERED:
            self._kept.popitem(last=False)

    def drop(self, key: str) -> None:
        self._kept.pop(key, None)
