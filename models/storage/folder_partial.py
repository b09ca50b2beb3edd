"""A file that comes in pieces, in a folder: one file beside the blobs, locked by who writes it, linked into its place at the end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import hashlib
import os
import threading
import uuid
from collections.abc import AsyncIterator, Callable
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.storage.base import BATCH, HEAD, StorageDown, Stored
from models.storage.partial import Locked, Partial

if TYPE_CHECKING:
    from models.storage.folder import FolderStorage

_SYNC = 64 * 1024 * 1024  # bytes after which the disk is made to write


class FolderPartial(Partial):
    """The lock is the system's own and ends with the process that holds it, however that ends."""

    def __init__(self, store: FolderStorage, key: str, run: Callable[..., asyncio.Future[Any]]) -> None:
        super().__init__(0)
        self._store, self._key, self._run = store, key, run
        self._path = store.partial_path(key)
        self._file: FileIO | None = None
        self._hash: Any = None
        self._before: Any = None  # the hash as it was when the context began
        self._unsynced = 0
        self._turn = threading.Lock()  # a thread may still be at work when its awaiter was cancelled
        self._writing: asyncio.Future[None] | None = None

    def begin(self) -> None:
        """Raises Locked."""
        with self._turn:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = FileIO(self._path, "r+", opener=lambda path, flags: os.open(path, flags | os.O_CREAT, 0o600))
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(file.fileno()).st_nlink == 0:  # taken away between opening and locking
                    raise Locked(self._key)
            except BlockingIOError as error:
                file.close()
                raise Locked(self._key) from error
            except BaseException:
                file.close()
                raise
            self.offset = self._began = file.seek(0, os.SEEK_END)
            self._hash = self._store.hashes.at(self._key, self.offset)
            self._before = self._hash.copy() if self._hash is not None else None
            self._file = file

    def let_go(self) -> None:
        """What came is on the disk before anybody is told of it."""
        with self._turn:
            if self._file is None:
                return
            try:
                with contextlib.suppress(OSError):
                    os.fsync(self._file.fileno())
                end = self._file.seek(0, os.SEEK_END)
                self._store.hashes.remember(self._key, end, self._hash if end == self.offset else None)
            finally:
                self._file.close()
                self._file = None

    async def end(self) -> None:
        """Also what was not yet handed to a thread: a connection that was cut did bring it."""
        with contextlib.suppress(Exception):
            await self._flush()
            await self._wait()
        await self._run(self.let_go)

    async def settle(self) -> None:
        await self._flush()
        await self._wait()
        await self._run(self._sync)

    async def undo(self) -> None:
        self.forget_batch()
        await self._wait()
        await self._run(self._cut_to, self._began)
        self.offset = self._began

    async def head(self) -> bytes:
        await self._flush()
        await self._wait()
        return bytes(await self._run(self._read_at, 0, HEAD))

    async def everything(self) -> AsyncIterator[bytes]:
        await self._flush()
        await self._wait()
        at = 0
        while piece := await self._run(self._read_at, at, BATCH):
            yield piece
            at += len(piece)

    async def keep(self) -> Stored:
        await self.settle()
        if self._hash is None:
            await self._run(self._hash_all)
        return Stored(*await self._run(self._put_in_place))

    async def _take(self, batch: bytes) -> None:
        await self._wait()
        self._writing = self._run(self._write, batch)  # while the next batch comes in
        self._writing.add_done_callback(_noticed)

    async def _wait(self) -> None:
        if self._writing is not None:
            await asyncio.shield(self._writing)

    def _write(self, batch: bytes) -> None:
        with self._turn:
            file = self._open()
            left = memoryview(batch)
            try:
                while left:  # a nearly full disk takes a part and says so only the next time
                    left = left[file.write(left) :]
            except OSError:
                self._hash = None  # a part of the batch is there: it stays, and is hashed at the end
                raise
            if self._hash is not None:
                self._hash.update(batch)
            self._unsynced += len(batch)
            if self._unsynced >= _SYNC:
                os.fdatasync(file.fileno())
                self._unsynced = 0

    def _sync(self) -> None:
        with self._turn:
            os.fsync(self._open().fileno())
            self._unsynced = 0

    def _cut_to(self, size: int) -> None:
        with self._turn:
            file = self._open()
            file.truncate(size)
            file.seek(size)
            self._hash = self._before.copy() if self._before is not None else None

    def _read_at(self, start: int, size: int) -> bytes:
        with self._turn:
            return os.pread(self._open().fileno(), size, start)

    def _hash_all(self) -> None:
        with self._turn:
            file, at, made = self._open(), 0, hashlib.sha256()
            while piece := os.pread(file.fileno(), BATCH, at):
                made.update(piece)
                at += len(piece)
            self._hash = made

    def _put_in_place(self) -> tuple[str, int, bytes]:
        with self._turn:
            file, sha256 = self._open(), self._hash.hexdigest()
            beside = self._store.incoming / uuid.uuid4().hex
            beside.parent.mkdir(mode=0o700, exist_ok=True)
            try:
                beside.hardlink_to(self._path)
            except OSError as error:
                if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK):
                    raise
                self._path.rename(beside)  # a disk without hard links: then the pieces are the blob from here on
            self._store.put_in_place(beside, sha256)
            return sha256, os.fstat(file.fileno()).st_size, os.pread(file.fileno(), HEAD, 0)

    def _open(self) -> FileIO:
        if self._file is None:
            raise StorageDown("De ontvangst was al afgelopen.")
        return self._file


def _noticed(writing: asyncio.Future[None]) -> None:
    """The failure of a batch is told by the next step."""
    if not writing.cancelled():
        writing.exception()


def size_of(path: Path) -> int:
    """What is on the disk of it now; 0 when there is nothing yet."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return 0
    try:
        os.fsync(file)
        return os.fstat(file).st_size
    finally:
        os.close(file)
