"""An S3-compatible store: streamed in as `incoming/…`, copied on the server to `blobs/ab/cdef…` when all has come."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import os
import re
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from models.storage.base import BATCH, DAY, Incoming, Missing, Storage, StorageDown, StorageFull, is_sha256
from models.storage.cipher import Key, Sealer
from models.storage.partial import Hashes, Locked, Partial
from models.storage.s3_partial import S3Partial, chain_of

_KEY = re.compile("[0-9a-f]{32}")
_PART = 8 * 1024 * 1024  # a store takes 10,000 parts: files up to 80 GB
_PIECE = 4 * BATCH  # read by a request of its own: a slow reader then never holds one open until it times out
_COPY_MOST = 5 * 1024**3  # a larger object is not copied by the server itself


class S3Storage(Storage):
    """`s3://bucket?endpoint=http://host:port&region=eu-west-1`.

    The keys stand in the address (`s3://key:secret@bucket?…`) or in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY;
    without an endpoint the machine's own role will do too.

    Deleting and keeping the same bytes in the same instant cannot be kept apart here as in a folder: the sweeper looks
    at the date once more right before it deletes. A crash leaves parts that only a rule of the bucket can remove
    (AbortIncompleteMultipartUpload).
    """

    def __init__(self, url: str, key: Key | None = None, place: str = "") -> None:
        """`place`: a beginning of all names, as 'sealed/'."""
        self.key, self.place = key, place
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        endpoint = query.get("endpoint", "")
        self.bucket = unquote(parts.netloc.rpartition("@")[2])
        keys = {
            "access_key_id": unquote(parts.username or "") or _secret("AWS_ACCESS_KEY_ID"),
            "secret_access_key": unquote(parts.password or "") or _secret("AWS_SECRET_ACCESS_KEY"),
        }
        if endpoint and not all(keys.values()):
            raise StorageDown("STORAGE_URL: AWS_ACCESS_KEY_ID of AWS_SECRET_ACCESS_KEY ontbreekt.")
        options: dict[str, Any] = {name: value for name, value in keys.items() if value}
        if endpoint:
            options |= {"endpoint": endpoint.rstrip("/"), "virtual_hosted_style_request": False}
        self.hashes = Hashes()
        self._in_hand: set[str] = set()  # files in pieces that this process is writing
        self._endings: set[asyncio.Future[None]] = set()
        self.where = f"{self.bucket} op {endpoint or 'AWS'}"
        self.s3 = S3Store(
            self.bucket,
            region=query.get("region") or os.environ.get("AWS_REGION") or "us-east-1",
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": dt.timedelta(seconds=5),
                "timeout": dt.timedelta(minutes=5),  # of one request: copying 5 GB on the server may take a minute
            },
            retry_config={"max_retries": 3, "retry_timeout": dt.timedelta(seconds=10)},
            **options,
        )

    def path_of(self, sha256: str) -> str:
        if not is_sha256(sha256):
            raise Missing(sha256)
        return f"{self.place}blobs/{sha256[:2]}/{sha256[2:]}"

    @contextlib.asynccontextmanager
    async def receive(self, limit: int | None = None) -> AsyncIterator[Incoming]:
        incoming = _S3Incoming(self, limit)
        try:
            yield incoming
        finally:
            ending = asyncio.ensure_future(incoming.let_go())
            self._endings.add(ending)  # else nothing holds on to it when we are cancelled again
            ending.add_done_callback(self._endings.discard)
            await asyncio.shield(ending)

    async def open(self, sha256: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        size = await self.size(sha256)
        end = size if end is None else min(end, size)
        ahead: asyncio.Task[bytes] | None = None
        try:
            while start < end:
                ahead = ahead or asyncio.create_task(self._piece(sha256, start, end))
                piece = await ahead
                start += len(piece)
                ahead = asyncio.create_task(self._piece(sha256, start, end)) if start < end else None
                for at in range(0, len(piece), BATCH):
                    yield piece[at : at + BATCH]
        finally:
            if ahead is not None:
                ahead.cancel()

    async def size(self, sha256: str) -> int:
        with self.worded(sha256):
            return (await obstore.head_async(self.s3, self.path_of(sha256)))["size"]

    async def mark(self, sha256: str) -> object:
        with self.worded(sha256):
            about = await obstore.head_async(self.s3, self.path_of(sha256))
            return about["e_tag"], about["version"], about["last_modified"], about["size"]

    async def delete(self, sha256: str) -> None:
        with contextlib.suppress(Missing), self.worded(sha256):
            await obstore.delete_async(self.s3, self.path_of(sha256))

    async def all(self) -> AsyncGenerator[tuple[str, int, dt.datetime], None]:
        with self.worded():
            async for batch in obstore.list(self.s3, f"{self.place}blobs"):
                for item in batch:
                    sha256 = item["path"].removeprefix(f"{self.place}blobs/").replace("/", "")
                    if is_sha256(sha256):
                        yield sha256, item["size"], item["last_modified"]

    async def clear_leftovers(self, older_than: dt.timedelta = DAY) -> int:
        oldest = dt.datetime.now(dt.UTC) - older_than
        gone = 0
        with self.worded():
            async for batch in obstore.list(self.s3, f"{self.place}incoming"):
                late = [item["path"] for item in batch if item["last_modified"] < oldest]
                if late:
                    await obstore.delete_async(self.s3, late)
                gone += len(late)
        return gone

    @contextlib.asynccontextmanager
    async def resume(self, key: str) -> AsyncIterator[Partial]:
        if key in self._in_hand:
            raise Locked(key)
        self._in_hand.add(key)
        try:
            partial = S3Partial(self, key, chain_of(await self._pieces(key)))
            try:
                yield partial
            finally:
                ending = asyncio.ensure_future(partial.end())
                self._endings.add(ending)
                ending.add_done_callback(self._endings.discard)
                await asyncio.shield(ending)
        finally:
            self._in_hand.discard(key)

    async def partial_size(self, key: str) -> int:
        return sum(size for _, size in chain_of(await self._pieces(key)))

    async def forget(self, key: str) -> None:
        self.hashes.drop(key)
        if paths := list(await self._pieces(key)):
            with self.worded():
                await obstore.delete_async(self.s3, paths)

    async def partials(self, older_than: dt.timedelta = DAY) -> AsyncGenerator[str, None]:
        oldest, newest = dt.datetime.now(dt.UTC) - older_than, dict[str, dt.datetime]()
        with self.worded():
            async for batch in obstore.list(self.s3, "partial"):
                for item in batch:
                    key = item["path"].split("/")[1]
                    newest[key] = max(newest.get(key, item["last_modified"]), item["last_modified"])
        for key, at in newest.items():
            if at < oldest:
                yield key

    async def _pieces(self, key: str) -> dict[str, int]:
        if not _KEY.fullmatch(key):
            raise Missing(key)
        with self.worded():
            return {
                item["path"]: item["size"] async for batch in obstore.list(self.s3, f"partial/{key}") for item in batch
            }

    async def _piece(self, sha256: str, start: int, end: int) -> bytes:
        with self.worded(sha256):
            piece = await obstore.get_range_async(
                self.s3, self.path_of(sha256), start=start, end=min(start + _PIECE, end)
            )
            return bytes(piece)

    async def _delete_if_older(self, sha256: str, moment: dt.datetime) -> bool:
        try:
            with self.worded(sha256):
                about = await obstore.head_async(self.s3, self.path_of(sha256))
                if about["last_modified"] >= moment:
                    return False
                await obstore.delete_async(self.s3, self.path_of(sha256))
        except Missing:
            return False
        return True

    @contextlib.contextmanager
    def worded(self, sha256: str | None = None) -> Iterator[None]:
        """Missing only where a blob was asked for: a bucket that is not there is a store that does not work."""
        try:
            yield
        except (OSError, BaseError) as error:
            said = str(error)
            if isinstance(error, FileNotFoundError) and sha256 is not None and "NoSuchBucket" not in said:
                raise Missing(sha256) from error
            if _FULL.search(said):
                raise StorageFull(f"De bucket {self.where} is vol.") from error
            why = next((why for pattern, why in _REASONS if pattern.search(said)), said.split("\n")[0][:300])
            raise StorageDown(f"De bucket {self.where} werkt niet: {why}.") from error


class _S3Incoming(Incoming):
    def __init__(self, store: S3Storage, limit: int | None) -> None:
        super().__init__(limit, Sealer(store.key) if store.key else None)
        self._store = store
        self._sent = 0
        self._path = f"{store.place}incoming/{uuid.uuid4().hex}"
        self._writer = obstore.open_writer_async(store.s3, self._path, buffer_size=_PART, max_concurrency=2)
        self._whole = False
        self._busy: asyncio.Future[object] | None = None

    async def let_go(self) -> None:
        """What fails here is left to the sweeper."""
        if self._busy is not None:
            await asyncio.gather(self._busy, return_exceptions=True)
        with contextlib.suppress(OSError, BaseError):
            if self._whole:
                await obstore.delete_async(self._store.s3, self._path)
            else:  # leaving with an exception is how this writer is told to abort the parts it has sent
                await self._writer.__aexit__(EOFError, EOFError("given up"), None)

    async def _take(self, batch: bytes) -> None:
        await self._send(await asyncio.to_thread(self._seal, batch))

    async def _send(self, data: bytes) -> None:
        if data:
            self._sent += len(data)
            await self._whole_step(self._writer.write(data))

    async def _settle(self) -> str:
        await self._send(self._tail())
        sha256 = self._hash.hexdigest()
        await self._whole_step(self._put_in_place(self._store.path_of(sha256)))
        return sha256

    async def _whole_step(self, step: Awaitable[object]) -> None:
        """A step that is cancelled half-way leaves parts behind that nobody knows of: so it ends before we let go."""
        self._busy = asyncio.ensure_future(step)
        with self._store.worded():
            await asyncio.shield(self._busy)

    async def _put_in_place(self, place: str) -> None:
        await self._writer.close()
        self._whole = True
        # Over the same bytes too: the newer date keeps the sweeper off.
        if self._sent <= _COPY_MOST:
            await obstore.copy_async(self._store.s3, self._path, place)
        else:
            await self._send_again(place)

    async def _send_again(self, place: str) -> None:
        writer = obstore.open_writer_async(self._store.s3, place, buffer_size=_PART, max_concurrency=2)
        async with writer:
            for start in range(0, self._sent, _PIECE):
                end = min(start + _PIECE, self._sent)
                await writer.write(await obstore.get_range_async(self._store.s3, self._path, start=start, end=end))


def _secret(name: str) -> str:
    """From the environment, or from the file that NAME_FILE points to."""
    if file := os.environ.get(f"{name}_FILE"):
        return Path(file).read_text(encoding="utf-8").strip()
    return os.environ.get(name, "")


_FULL = re.compile(r"507 |QuotaExceeded|StorageFull|InsufficientStorage|NotEnoughSpace", re.IGNORECASE)
_REASONS = (
    (re.compile("NoSuchBucket"), "hij bestaat niet"),
    (re.compile("InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken"), "de toegangssleutel klopt niet"),
    (re.compile("AccessDenied|403 "), "de toegangssleutel geeft hier geen recht op"),
    (re.compile("error sending request|connect|dns|timed out|timeout", re.IGNORECASE), "de server antwoordt niet"),
)
