"""What every store can do, and what can go wrong."""

from __future__ import annotations

import abc
import contextlib
import datetime as dt
import hashlib
import re
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.storage.cipher import Sealer
    from models.storage.partial import Partial

HEAD = 64 * 1024  # bytes kept of the beginning, to tell the type by content
BATCH = 1024 * 1024  # bytes handed to a thread or the store at a time
DAY = dt.timedelta(days=1)
_ASKED = 500  # blobs the sweeper asks about at a time

_SHA256 = re.compile("[0-9a-f]{64}")


class StorageFull(Exception):
    """There is no room; nothing half was left behind."""


class StorageDown(Exception):
    """The store does not do what is asked of it; the message says why, in Dutch, for the administrator."""


class TooLarge(Exception):
    """More bytes came than are taken in."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


class Missing(Exception):
    """The store has no such bytes."""


@dataclass(frozen=True)
class Stored:
    """Bytes that are kept: their SHA-256 (hexadecimal), size in bytes, and the first 64 KiB."""

    sha256: str
    size: int
    head: bytes


@dataclass(frozen=True)
class Swept:
    """What a sweep removed: blobs, their bytes, and leftovers of broken uploads."""

    blobs: int
    size: int
    leftovers: int


class Incoming(abc.ABC):
    """Bytes on their way in: hashed and counted as they come."""

    def __init__(self, limit: int | None, sealer: Sealer | None = None) -> None:
        self.limit = limit
        self.sealer = sealer
        self.size = 0
        self.head = b""
        self._hash = hashlib.sha256()
        self._waiting: list[bytes] = []
        self._waiting_size = 0

    async def write(self, data: bytes) -> None:
        """Raises TooLarge, StorageFull or StorageDown; after that only the end of the context is of use."""
        self.size += len(data)
        if self.limit is not None and self.size > self.limit:
            raise TooLarge(self.limit)
        if len(self.head) < HEAD:
            self.head += data[: HEAD - len(self.head)]
        self._waiting.append(data)
        self._waiting_size += len(data)
        if self._waiting_size >= BATCH:
            await self._flush()

    async def keep(self) -> Stored:
        """All came: keep it under its hash, safe from a power cut. Bytes that are there already are kept once."""
        await self._flush()
        sha256 = await self._settle()
        return Stored(sha256, self.size, self.head)

    async def digest(self) -> str:
        """The SHA-256 of what came so far."""
        await self._flush()
        await self._written()
        return self._hash.hexdigest()

    def _seal(self, batch: bytes) -> bytes:
        """Hash a batch; what is to be written for it. Runs in a thread."""
        self._hash.update(batch)
        return self.sealer.feed(batch) if self.sealer else batch

    def _tail(self) -> bytes:
        """What is to be written after the last batch."""
        return self.sealer.finish(self._hash.digest()) if self.sealer else b""

    async def _flush(self) -> None:
        batch, self._waiting, self._waiting_size = b"".join(self._waiting), [], 0
        if batch:
            await self._take(batch)

    @abc.abstractmethod
    async def _take(self, batch: bytes) -> None:
        """Hash and write a batch."""

    async def _written(self) -> None:  # noqa: B027
        """Until the last batch is hashed and written; at once, where that is awaited already."""

    @abc.abstractmethod
    async def _settle(self) -> str:
        """Make what was written a blob; its hash."""


class Storage(abc.ABC):
    """Blobs by their SHA-256: written once, never changed.

    Whoever keeps a blob refers to it from a record soon after; blobs that no record refers to are for the sweeper.
    """

    @abc.abstractmethod
    def receive(self, limit: int | None = None) -> contextlib.AbstractAsyncContextManager[Incoming]:
        """Take bytes in, at most `limit`; what was not kept is gone when the context ends, however it ends."""

    @abc.abstractmethod
    def open(self, sha256: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` up to, not including, `end`. Raises Missing or StorageDown."""

    @abc.abstractmethod
    async def size(self, sha256: str) -> int:
        """In bytes. Raises Missing."""

    @abc.abstractmethod
    async def mark(self, sha256: str) -> object:
        """What is another when anything was written in the place of these bytes; it costs no reading. Raises Missing."""

    @abc.abstractmethod
    async def delete(self, sha256: str) -> None:
        """Whoever calls this knows that no record refers to it. What is not there is no error."""

    @abc.abstractmethod
    def all(self) -> AsyncGenerator[tuple[str, int, dt.datetime], None]:
        """Every blob: hash, size, and when it was last kept."""

    @abc.abstractmethod
    async def clear_leftovers(self, older_than: dt.timedelta = DAY) -> int:
        """Remove what crashed uploads left; the number removed."""

    async def date(self, sha256: str, moment: dt.datetime) -> None:  # noqa: B027
        """Say again when it was last kept, where the store can: it was only written in another way."""

    @abc.abstractmethod
    def resume(self, key: str) -> contextlib.AbstractAsyncContextManager[Partial]:
        """Go on with the file that comes in pieces under this key, or begin it. Raises Locked while somebody else does."""

    @abc.abstractmethod
    async def partial_size(self, key: str) -> int:
        """How many bytes of it are safely there."""

    @abc.abstractmethod
    async def forget(self, key: str) -> None:
        """Its pieces go; of a file that became a blob, or never will. What is not there is no error."""

    @abc.abstractmethod
    def partials(self, older_than: dt.timedelta = DAY) -> AsyncGenerator[str, None]:
        """The keys of files in pieces to which nothing was added for so long."""

    async def room(self) -> int | None:
        """How many bytes still fit; None where nobody can tell."""
        return None

    @abc.abstractmethod
    async def _delete_if_older(self, sha256: str, moment: dt.datetime) -> bool:
        """Delete it unless it was kept again since `moment`; whether it went."""

    async def delete_if_older(self, sha256: str, moment: dt.datetime) -> bool:
        """As `delete`, unless it was kept again since `moment`; whether it went."""
        return await self._delete_if_older(sha256, moment)

    async def exists(self, sha256: str) -> bool:
        try:
            await self.size(sha256)
        except Missing:
            return False
        return True

    async def put(self, data: bytes) -> Stored:
        async with self.receive() as incoming:
            await incoming.write(data)
            return await incoming.keep()

    async def read(self, sha256: str) -> bytes:
        """All of it at once: for small things only."""
        return b"".join([chunk async for chunk in self.open(sha256)])

    async def sweep(
        self, referenced: Callable[[Sequence[str]], Awaitable[set[str]]], older_than: dt.timedelta = DAY
    ) -> Swept:
        """Remove the blobs that no record refers to and that were last kept before `older_than` ago.

        `referenced` is given some hashes and says which of them a record still refers to. The age protects a blob whose
        record is being written at this moment.
        """
        moment = dt.datetime.now(dt.UTC) - older_than
        blobs = size = 0
        async for page in _pages(self.all(), moment):
            kept = await referenced(list(page))
            for sha256 in page.keys() - kept:
                if await self._delete_if_older(sha256, moment):
                    blobs, size = blobs + 1, size + page[sha256]
        return Swept(blobs, size, await self.clear_leftovers(max(older_than, DAY)))

    async def check(self) -> None:
        """Write, read and delete a probe.

        Raises:
            StorageDown, StorageFull: with what is wrong in words.
        """
        probe = b"probe " + uuid.uuid4().bytes
        stored = await self.put(probe)
        try:
            if await self.read(stored.sha256) != probe:
                raise StorageDown("De opslag geeft iets anders terug dan erin is gezet.")
        except Missing as error:
            raise StorageDown("De opslag geeft niet terug wat er net in is gezet.") from error
        finally:
            await self.delete(stored.sha256)


def is_sha256(text: str) -> bool:
    return _SHA256.fullmatch(text) is not None


async def _pages(
    blobs: AsyncIterator[tuple[str, int, dt.datetime]], moment: dt.datetime
) -> AsyncIterator[dict[str, int]]:
    """The sizes of the blobs that are older, some hundreds at a time: a million of them are never in memory at once."""
    page: dict[str, int] = {}
    async for sha256, size, kept_at in blobs:
        if kept_at < moment:
            page[sha256] = size
        if len(page) == _ASKED:
            yield page
            page = {}
    if page:
        yield page
