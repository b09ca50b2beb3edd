"""A store of which the files are encrypted when there is a key: new ones go into a place of their own (`sealed/`) beside the
plain ones, and whoever reads notices no difference. Names stay the SHA-256 of what is inside, sizes those of what is inside."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from models.storage.base import DAY, Incoming, Missing, Storage
from models.storage.cipher import CHUNK, HEADER, TAG, Damaged, Key, KeyMissing, Opener, key_of, place_of, sizes
from models.storage.partial import Partial
from models.storage.sealed_partial import SealedPartial, size_inside

_PROOF = b"Of FILES_KEY de sleutel is waarmee deze opslag versleuteld is.\n"
_PROOF_NAME = hashlib.sha256(_PROOF).hexdigest()
Blob = tuple[str, int, dt.datetime]


class EncryptedStorage(Storage):
    """`plain` and `sealed` are two places of one store; `sealed` encrypts what it receives with the first of `keys`."""

    def __init__(self, plain: Storage, sealed: Storage, keys: Sequence[Key]) -> None:
        self.plain, self.sealed, self.keys = plain, sealed, tuple(keys)
        self._is_proven = False

    @contextlib.asynccontextmanager
    async def receive(self, limit: int | None = None) -> AsyncIterator[Incoming]:
        if self.keys and not self._is_proven:
            await self.require_keys()
        async with (self.sealed if self.keys else self.plain).receive(limit) as incoming:
            yield incoming

    async def open(self, sha256: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes, None]:
        held = await self._sealed_size(sha256) if self.keys else None
        found = self.plain.open(sha256, start, end) if held is None else self._opened(sha256, held, start, end)
        async with contextlib.aclosing(found) as chunks:
            try:
                async for chunk in chunks:
                    yield chunk
            except Missing:
                await self._refuse_locked(sha256)
                raise

    async def _opened(self, sha256: str, held: int, start: int, end: int | None) -> AsyncGenerator[bytes, None]:
        size, last = sizes(held)
        opener = Opener(await self._header(sha256), sha256, self.keys)
        end = size if end is None else min(end, size)
        if start >= end and size:
            return
        number, until = start // CHUNK, max(end - 1, 0) // CHUNK
        skip, left = start - number * CHUNK, end - start
        waiting = b""
        async with contextlib.aclosing(
            self.sealed.open(sha256, place_of(number), min(place_of(until + 1), held))
        ) as chunks:
            async for chunk in chunks:
                waiting += chunk
                whole = len(waiting) // (CHUNK + TAG) * (CHUNK + TAG)
                if whole:
                    data = await asyncio.to_thread(opener.open, waiting[:whole], number, last)
                    number, waiting = number + whole // (CHUNK + TAG), waiting[whole:]
                    data, skip = data[skip : skip + left], 0
                    left -= len(data)
                    if data:
                        yield data
        if waiting:
            data = (await asyncio.to_thread(opener.open, waiting, number, last))[skip : skip + left]
            left -= len(data)
            if data:
                yield data
        if left > 0:
            raise Damaged

    async def _header(self, sha256: str) -> bytes:
        return b"".join([chunk async for chunk in self.sealed.open(sha256, 0, HEADER)])

    async def _sealed_size(self, sha256: str) -> int | None:
        """As it takes place in the store; None when it is not encrypted."""
        try:
            return await self.sealed.size(sha256)
        except Missing:
            return None

    async def _refuse_locked(self, sha256: str) -> None:
        """Raises KeyMissing for what is there, but encrypted while there is no key."""
        if not self.keys and await self.sealed.exists(sha256):
            raise KeyMissing

    async def size(self, sha256: str) -> int:
        if self.keys and (held := await self._sealed_size(sha256)) is not None:
            return sizes(held)[0]
        try:
            return await self.plain.size(sha256)
        except Missing:
            await self._refuse_locked(sha256)
            raise

    async def mark(self, sha256: str) -> object:
        if self.keys:
            with contextlib.suppress(Missing):
                return "sealed", await self.sealed.mark(sha256)
        try:
            return "plain", await self.plain.mark(sha256)
        except Missing:
            await self._refuse_locked(sha256)
            raise

    async def delete(self, sha256: str) -> None:
        await self.sealed.delete(sha256)
        await self.plain.delete(sha256)

    async def all(self) -> AsyncGenerator[Blob, None]:
        """In the order of their names, each once: a crash while encrypting leaves a file in both places."""
        sealed, plain = self.sealed.all(), self.plain.all()
        one, two = await anext(sealed, None), await anext(plain, None)
        while one or two:
            if one and (not two or one[0] <= two[0]):
                if two and one[0] == two[0]:
                    two = await anext(plain, None)
                if one[0] != _PROOF_NAME:
                    yield one[0], _size_or_none(one[1]), one[2]
                one = await anext(sealed, None)
            elif two:
                yield two
                two = await anext(plain, None)

    # files that come in pieces: beside the plain ones, encrypted in a way that can be gone on with

    @contextlib.asynccontextmanager
    async def resume(self, key: str) -> AsyncIterator[Partial]:
        if not self.keys:
            async with self.plain.resume(key) as partial:
                yield partial
            return
        if not self._is_proven:
            await self.require_keys()
        if 0 < await self.plain.partial_size(key) < HEADER:  # killed within its first bytes
            await self.plain.forget(key)
        async with self.plain.resume(key) as inner:
            yield SealedPartial(inner, self.sealed, self.keys)

    async def partial_size(self, key: str) -> int:
        held = await self.plain.partial_size(key)
        return size_inside(held) if self.keys else held

    async def forget(self, key: str) -> None:
        await self.plain.forget(key)

    async def partials(self, older_than: dt.timedelta = DAY) -> AsyncGenerator[str, None]:
        async with contextlib.aclosing(self.plain.partials(older_than)) as found:
            async for key in found:
                yield key

    async def room(self) -> int | None:
        return await self.plain.room()

    async def clear_leftovers(self, older_than: dt.timedelta = DAY) -> int:
        return await self.sealed.clear_leftovers(older_than) + await self.plain.clear_leftovers(older_than)

    async def _delete_if_older(self, sha256: str, moment: dt.datetime) -> bool:
        """Both or neither: where one of them was kept again since, the bytes are wanted."""
        sealed = await self.sealed.delete_if_older(sha256, moment)
        plain = await self.plain.delete_if_older(sha256, moment)
        return (sealed or plain) and not await self.exists(sha256)

    async def exists(self, sha256: str) -> bool:
        return await self.sealed.exists(sha256) or await self.plain.exists(sha256)

    async def check(self) -> None:
        await self.require_keys()
        await super().check()

    async def require_keys(self) -> None:
        """Whether what is encrypted here can be opened: a small file proves it, written with the first key that was ever set.

        Raises:
            KeyMissing: FILES_KEY is missing or another one.
        """
        try:
            held = await self.sealed.size(_PROOF_NAME)
        except Missing:
            if self.keys:
                await self._prove()
            return
        if not self.keys:
            raise KeyMissing
        if b"".join([chunk async for chunk in self._opened(_PROOF_NAME, held, 0, None)]) != _PROOF:
            raise Damaged
        self._is_proven = True

    async def _prove(self) -> None:
        async with self.sealed.receive() as incoming:
            await incoming.write(_PROOF)
            await incoming.keep()
        self._is_proven = True

    # encrypting what is there already

    async def encrypt_all(self) -> AsyncGenerator[tuple[str, str], None]:
        """Every file that is plain, or encrypted with another key than the first, is written anew with the first: (name, what
        became of it: encrypted, damaged or kept). May be stopped and begun again at any moment."""
        await self.require_keys()
        async for sha256, _, kept_at in self.sealed.all():
            if sha256 == _PROOF_NAME:
                continue
            with contextlib.suppress(Missing):  # destroyed meanwhile
                if key_of(await self._header(sha256)) == self.keys[0].name:
                    yield sha256, "kept"
                else:
                    yield sha256, await self._rewrite(sha256, self, kept_at)
        async for sha256, _, kept_at in self.plain.all():
            outcome = await self._rewrite(sha256, self.plain, kept_at)
            if outcome == "encrypted":
                await self.plain.delete(sha256)
            yield sha256, outcome
        await self._prove()

    async def _rewrite(self, sha256: str, source: Storage, kept_at: dt.datetime) -> str:
        try:
            async with self.sealed.receive() as incoming:
                async for chunk in source.open(sha256):
                    await incoming.write(chunk)
                if await incoming.digest() != sha256:
                    return "damaged"
                await incoming.keep()
        except (Damaged, Missing):
            return "damaged"
        await self.sealed.date(sha256, kept_at)
        return "encrypted"


def _size_or_none(held: int) -> int:
    """Of a file that was cut off there is no true size; reading it says what is wrong."""
    try:
        return sizes(held)[0]
    except Damaged:
        return 0
