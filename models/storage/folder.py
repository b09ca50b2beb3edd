"""A folder: each blob one file, `ab/cdef…`, written beside its place and renamed into it."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import errno
import fcntl
import functools
import os
import re
import shutil
import threading
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from typing import ParamSpec, TypeVar

from models.storage.base import BATCH, DAY, Incoming, Missing, Storage, StorageDown, StorageFull, is_sha256
from models.storage.cipher import Key, Sealer
from models.storage.folder_partial import FolderPartial, size_of
from models.storage.partial import Hashes, Partial

P = ParamSpec("P")
R = TypeVar("R")

_KEY = re.compile("[0-9a-f]{32}")
_SYNC = 64 * 1024 * 1024  # bytes after which the disk is made to write: one sync at the end would take seconds


class FolderStorage(Storage):
    """The files are for this program only, and whole: what has a name under `ab/` was synced before it got it."""

    def __init__(self, folder: str | Path, key: Key | None = None) -> None:
        self.folder = Path(folder)
        self.key = key
        self.incoming = self.folder / "incoming"
        self.hashes = Hashes()

    def path_of(self, sha256: str) -> Path:
        if not is_sha256(sha256):
            raise Missing(sha256)
        return self.folder / sha256[:2] / sha256[2:]

    @contextlib.asynccontextmanager
    async def receive(self, limit: int | None = None) -> AsyncIterator[Incoming]:
        incoming = _FileIncoming(self, limit)
        try:
            await _in_thread(incoming.begin)
            yield incoming
        finally:
            # Shielded: whoever is cancelled again and again (as anyio does) must still leave nothing behind.
            await asyncio.shield(_in_thread(incoming.let_go))

    async def open(self, sha256: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        file = await _in_thread(_open_at, self.path_of(sha256), start)
        left = None if end is None else max(end - start, 0)
        while True:
            # The file may not be closed under the thread that reads it: its number could be another file's by then.
            reading = _in_thread(_read, file, BATCH if left is None else min(BATCH, left))
            try:
                chunk = await asyncio.shield(reading)
                if chunk:
                    yield chunk
            except BaseException:
                if reading.done():
                    file.close()
                else:
                    reading.add_done_callback(lambda _: file.close())
                raise
            if left is not None:
                left -= len(chunk)
            if not chunk or left == 0:
                file.close()
                return

    async def size(self, sha256: str) -> int:
        return (await _in_thread(_stat, self.path_of(sha256))).st_size

    async def mark(self, sha256: str) -> object:
        about = await _in_thread(_stat, self.path_of(sha256))
        return about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns  # the last is for nobody to set

    async def delete(self, sha256: str) -> None:
        with contextlib.suppress(Missing):
            await _in_thread(_unlink, self.path_of(sha256))

    async def all(self) -> AsyncGenerator[tuple[str, int, dt.datetime], None]:
        for number in range(256):
            for sha256, size, modified in await _in_thread(self._list, f"{number:02x}"):
                yield sha256, size, dt.datetime.fromtimestamp(modified, dt.UTC)

    async def clear_leftovers(self, older_than: dt.timedelta = DAY) -> int:
        oldest = (dt.datetime.now(dt.UTC) - older_than).timestamp()
        return await _in_thread(self._clear, oldest)

    async def date(self, sha256: str, moment: dt.datetime) -> None:
        await _in_thread(_date, self.path_of(sha256), moment.timestamp())

    def partial_path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise Missing(key)
        return self.folder / "partial" / key

    @contextlib.asynccontextmanager
    async def resume(self, key: str) -> AsyncIterator[Partial]:
        partial = FolderPartial(self, key, _in_thread_worded)
        try:
            await _in_thread_worded(partial.begin)
            yield partial
        finally:
            await asyncio.shield(partial.end())

    async def partial_size(self, key: str) -> int:
        return int(await _in_thread_worded(size_of, self.partial_path(key)))

    async def forget(self, key: str) -> None:
        self.hashes.drop(key)
        with contextlib.suppress(Missing):
            await _in_thread(_unlink, self.partial_path(key))

    async def partials(self, older_than: dt.timedelta = DAY) -> AsyncGenerator[str, None]:
        oldest = (dt.datetime.now(dt.UTC) - older_than).timestamp()
        for key in await _in_thread(self._list_partials, oldest):
            yield key

    async def room(self) -> int | None:
        return await _in_thread(self._free)

    async def _delete_if_older(self, sha256: str, moment: dt.datetime) -> bool:
        return await _in_thread(self._unlink_if_older, self.path_of(sha256), moment.timestamp())

    def _list(self, start: str) -> list[tuple[str, int, float]]:
        found = []
        with _worded(), contextlib.suppress(FileNotFoundError), os.scandir(self.folder / start) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):  # deleted while we look
                    if is_sha256(start + entry.name):
                        about = entry.stat()
                        found.append((start + entry.name, about.st_size, about.st_mtime))
        return sorted(found)

    def _list_partials(self, oldest: float) -> list[str]:
        found = []
        with _worded(), contextlib.suppress(FileNotFoundError), os.scandir(self.folder / "partial") as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    if _KEY.fullmatch(entry.name) and entry.stat().st_mtime < oldest:
                        found.append(entry.name)
        return found

    def _free(self) -> int | None:
        place = next((path for path in (self.folder, *self.folder.parents) if path.is_dir()), None)
        return shutil.disk_usage(place).free if place else None

    def put_in_place(self, path: Path, sha256: str) -> None:
        """A whole and synced file becomes the blob of this hash."""
        place = self.path_of(sha256)
        if not place.parent.exists():
            place.parent.mkdir(mode=0o700, exist_ok=True)
            _sync_folder(self.folder)
        with self.locked(fcntl.LOCK_SH):
            os.utime(path)
            # Over the same bytes too: the newer date keeps the sweeper off, and a damaged blob is whole again.
            path.replace(place)
        path.unlink(missing_ok=True)  # two names of one file are not replaced by one another, but left as they are
        _sync_folder(place.parent)

    def _clear(self, oldest: float) -> int:
        gone = 0
        with _worded():
            for path in self.incoming.glob("*"):
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_mtime < oldest:
                        path.unlink()
                        gone += 1
        return gone

    def _unlink_if_older(self, path: Path, moment: float) -> bool:
        if not path.exists():
            return False
        with _worded(), self.locked(fcntl.LOCK_EX), contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < moment:
                path.unlink()
                return True
        return False

    @contextlib.contextmanager
    def locked(self, how: int) -> Iterator[None]:
        """Shared while a blob is put in its place, exclusive while the sweeper looks at one and removes it."""
        with (self.folder / "lock").open("a") as lock:
            fcntl.flock(lock, how)
            yield


class _FileIncoming(Incoming):
    """One batch is hashed and written in a thread while the next comes in: at most two are in memory."""

    def __init__(self, store: FolderStorage, limit: int | None) -> None:
        super().__init__(limit, Sealer(store.key) if store.key else None)
        self._store = store
        self._path = store.incoming / uuid.uuid4().hex
        self._file: FileIO | None = None
        self._over = False
        self._turn = threading.Lock()  # a thread may still be at work when its awaiter was cancelled
        self._writing: asyncio.Future[None] | None = None
        self._unsynced = 0

    def begin(self) -> None:
        with self._turn, _worded():
            if not self._over:
                self._store.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._store.incoming.mkdir(mode=0o700, exist_ok=True)
                self._file = FileIO(self._path, "x", opener=functools.partial(os.open, mode=0o600))

    def let_go(self) -> None:
        with self._turn, contextlib.suppress(OSError):
            self._over = True
            if self._file is not None:
                self._file.close()
                self._path.unlink(missing_ok=True)

    async def _take(self, batch: bytes) -> None:
        await self._wait()
        self._writing = _in_thread(self._write, batch)
        self._writing.add_done_callback(_noticed)

    async def _settle(self) -> str:
        await self._wait()
        await _in_thread(self._put_in_place)
        return self._hash.hexdigest()

    async def _written(self) -> None:
        await self._wait()

    async def _wait(self) -> None:
        if self._writing is not None:
            await asyncio.shield(self._writing)

    def _write(self, batch: bytes) -> None:
        with self._turn, _worded():
            if self._file is None or self._over:
                return
            self._put(self._file, self._seal(batch))
            self._unsynced += len(batch)
            if self._unsynced >= _SYNC:
                os.fdatasync(self._file.fileno())
                self._unsynced = 0

    @staticmethod
    def _put(file: FileIO, data: bytes) -> None:
        left = memoryview(data)
        while left:  # a nearly full disk takes a part and says so only the next time
            left = left[file.write(left) :]

    def _put_in_place(self) -> None:
        with self._turn, _worded():
            if self._file is None or self._over:
                raise StorageDown("De ontvangst was al afgelopen.")
            self._put(self._file, self._tail())
            os.fsync(self._file.fileno())
            self._store.put_in_place(self._path, self._hash.hexdigest())


def _in_thread(do: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[R]:
    return asyncio.get_running_loop().run_in_executor(_threads(), functools.partial(do, *args, **kwargs))


def _in_thread_worded(do: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[R]:
    def worded() -> R:
        with _worded():
            return do(*args, **kwargs)

    return _in_thread(worded)


@functools.cache
def _threads() -> ThreadPoolExecutor:
    """Our own: a slow disk must not hold up the hashing of passwords."""
    return ThreadPoolExecutor(8, thread_name_prefix="storage")


def _noticed(writing: asyncio.Future[None]) -> None:
    """The failure of a batch is told by the next step; when there is none, the upload was failing anyway."""
    if not writing.cancelled():
        writing.exception()


def _open_at(path: Path, start: int) -> FileIO:
    with _worded(path):
        file = FileIO(path)
        file.seek(start)
        return file


def _read(file: FileIO, size: int) -> bytes:
    with _worded():
        return file.read(size) or b""


def _stat(path: Path) -> os.stat_result:
    with _worded(path):
        return path.stat()


def _date(path: Path, moment: float) -> None:
    with _worded(path):
        os.utime(path, (moment, moment))


def _unlink(path: Path) -> None:
    with _worded(path):
        path.unlink()


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextlib.contextmanager
def _worded(blob: Path | None = None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if blob is not None and error.errno == errno.ENOENT:
            raise Missing(blob.parent.name + blob.name) from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise StorageFull("De schijf van de opslag is vol.") from error
        place = error.filename or "de opslag"
        why = _REASONS.get(error.errno or 0, error.strerror)
        raise StorageDown(f"Schrijven of lezen in {place} lukt niet: {why}.") from error


_REASONS = {
    errno.EACCES: "dit programma heeft er geen rechten",
    errno.EPERM: "dit programma heeft er geen rechten",
    errno.EROFS: "de schijf is alleen-lezen",
    errno.ENOTDIR: "een deel van het pad is een bestand en geen map",
    errno.ENOENT: "de map is er niet",
    errno.EIO: "de schijf geeft fouten",
    errno.EMFILE: "er staan te veel bestanden tegelijk open",
}
