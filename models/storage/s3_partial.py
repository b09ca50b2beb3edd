"""A file that comes in pieces, in a bucket: each piece an object named for where it begins; the first to name one wins."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import tempfile
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError

from models.storage.base import BATCH, HEAD, StorageDown, StorageFull, Stored
from models.storage.partial import Locked, Partial

if TYPE_CHECKING:
    from models.storage.s3 import S3Storage

PIECE = 8 * 1024 * 1024  # 10 GB are 1,280 of them
_SENT_AT_ONCE = 4  # pieces of a process that are in memory; those that still come in wait on the disk
_UNKNOWN = re.compile("NotImplemented|501 ")


class S3Partial(Partial):
    """What comes in waits in a file of the machine until there is a piece of it: slow senders cost no memory."""

    def __init__(self, store: S3Storage, key: str, pieces: list[tuple[str, int]]) -> None:
        super().__init__(sum(size for _, size in pieces))
        self._store, self._key, self._pieces = store, key, pieces
        self._sent = self.offset
        self._spool: Any = None
        self._mine: list[str] = []  # made in this context
        self._hash = store.hashes.at(key, self.offset)
        self._before = self._hash.copy() if self._hash is not None else None
        self._broken = False

    async def end(self) -> None:
        try:
            if not self._broken:
                with contextlib.suppress(StorageFull, StorageDown, Locked):
                    await self.settle()
            self._store.hashes.remember(self._key, self._sent, self._hash if self._sent == self.offset else None)
        finally:
            if self._spool is not None:
                await asyncio.to_thread(self._spool.close)

    async def settle(self) -> None:
        await self._flush()
        await self._send()

    async def undo(self) -> None:
        self.forget_batch()
        if self._mine:
            with self._store.worded():
                await obstore.delete_async(self._store.s3, self._mine)
        await self._empty()
        self._pieces = [piece for piece in self._pieces if piece[0] not in self._mine]
        self._mine, self.offset, self._sent = [], self._began, self._began
        self._hash = self._before.copy() if self._before is not None else None

    async def head(self) -> bytes:
        await self._flush()
        if self._sent == 0 and self._spool is not None:
            return bytes(await asyncio.to_thread(self._read, HEAD))
        return b"".join([piece async for piece in self._all(HEAD)])[:HEAD]

    async def everything(self) -> AsyncIterator[bytes]:
        await self.settle()
        async for piece in self._all():
            yield piece

    async def keep(self) -> Stored:
        await self.settle()
        if len(self._pieces) == 1 and self._hash is not None:
            sha256 = self._hash.hexdigest()
            with self._store.worded():
                await obstore.copy_async(self._store.s3, self._pieces[0][0], self._store.path_of(sha256))
            return Stored(sha256, self.offset, await self.head())
        async with self._store.receive() as incoming:
            async for piece in self._all():
                await incoming.write(piece)
            return await incoming.keep()

    async def _take(self, batch: bytes) -> None:
        try:
            await asyncio.to_thread(self._write, batch)
        except OSError as error:
            self._broken = True
            raise StorageFull("Op deze machine is geen plaats voor wat binnenkomt.") from error
        if self.offset + len(batch) - self._sent >= PIECE:
            await self._send()

    def _write(self, batch: bytes) -> None:
        if self._hash is not None:
            self._hash.update(batch)
        if self._spool is None:
            self._spool = tempfile.TemporaryFile()  # noqa: SIM115  closed by `end`
        self._spool.write(batch)

    async def _send(self) -> None:
        async with _sending():
            piece = await asyncio.to_thread(self._read) if self._spool is not None else b""
            if not piece:
                return
            path = f"partial/{self._key}/{self._sent:015}"
            try:
                await self._put(path, piece)
            except BaseException:
                self._broken = True  # its place is not known to be ours: whoever comes next asks the bucket
                raise
        self._pieces.append((path, len(piece)))
        self._mine.append(path)
        self._sent += len(piece)
        await self._empty()

    async def _put(self, path: str, piece: bytes) -> None:
        put = functools.partial(obstore.put_async, self._store.s3, path, piece, use_multipart=False)
        with self._store.worded():
            try:
                await put(mode="create")
            except AlreadyExistsError as error:
                raise Locked(self._key) from error
            except BaseError as error:
                if not _UNKNOWN.search(str(error)):
                    raise
                await put()  # a store that cannot tell who was first: the last one stays, and is as good

    async def _empty(self) -> None:
        if self._spool is not None:
            await asyncio.to_thread(self._rewind)

    def _rewind(self) -> None:
        self._spool.seek(0)
        self._spool.truncate()

    def _read(self, most: int = -1) -> bytes:
        self._spool.seek(0)
        piece = self._spool.read(most)
        self._spool.seek(0, 2)
        return bytes(piece)

    async def _all(self, most: int | None = None) -> AsyncIterator[bytes]:
        for path, size in self._pieces:
            for at in range(0, size, PIECE // 2):
                with self._store.worded():
                    end = min(at + (most or PIECE // 2), size)
                    got = bytes(await obstore.get_range_async(self._store.s3, path, start=at, end=end))
                for start in range(0, len(got), BATCH):
                    yield got[start : start + BATCH]
                if most is not None:
                    return


def chain_of(found: dict[str, int]) -> list[tuple[str, int]]:
    """The pieces that follow on one another from the first byte, of those that are there (path > size)."""
    by_start = {int(path.rsplit("/", 1)[1]): (path, size) for path, size in found.items()}
    chain, at = [], 0
    while at in by_start and by_start[at][1] > 0:
        chain.append(by_start[at])
        at += by_start[at][1]
    return chain


@functools.cache
def _semaphores() -> dict[Any, asyncio.Semaphore]:
    return {}


def _sending() -> asyncio.Semaphore:
    loop = asyncio.get_running_loop()
    return _semaphores().setdefault(loop, asyncio.Semaphore(_SENT_AT_ONCE))
