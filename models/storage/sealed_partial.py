"""A file that comes in pieces, encrypted while it is not whole: AES-CTR, so that it goes on at any byte; at the end it is
read once more, and kept as every other encrypted file is, authenticated chunk by chunk.

    header   8 bytes POORTP and the version · 8 bytes name of the key · 16 bytes salt
    then     the bytes, each XORed with the key stream at its place
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from models.storage.cipher import HEADER, Damaged, Key, KeyMissing, key_of
from models.storage.partial import Partial

if TYPE_CHECKING:
    from models.storage.base import Storage, Stored

_MAGIC = b"POORTP\x00\x01"
_BLOCK = 16


def size_inside(held: int) -> int:
    """How many bytes of the file itself are in a partial that takes so many."""
    return max(held - HEADER, 0)


class SealedPartial(Partial):
    """`inner` holds the encrypted bytes; `whole` receives the file when all of it came."""

    def __init__(self, inner: Partial, whole: Storage, keys: Sequence[Key]) -> None:
        super().__init__(size_inside(inner.offset))
        self._inner, self._whole, self._keys = inner, whole, keys
        self._header = b""
        self._stream: CipherContext | None = None

    @property
    def waiting(self) -> int:
        return max(self._inner.offset + self._inner.waiting - HEADER, 0) - self.offset

    async def write(self, data: bytes) -> None:
        if self._stream is None:
            await self._begin()
        assert self._stream is not None
        await self._inner.write(self._stream.update(data))
        self.offset = size_inside(self._inner.offset)

    async def settle(self) -> None:
        await self._inner.settle()
        self.offset = size_inside(self._inner.offset)

    async def undo(self) -> None:
        await self._inner.undo()
        self.offset, self._header, self._stream = size_inside(self._inner.offset), b"", None

    async def head(self) -> bytes:
        held = await self._inner.head()
        self._header = held[:HEADER]
        return self._opened(0).update(held[HEADER:]) if len(held) > HEADER else b""

    async def everything(self) -> AsyncIterator[bytes]:
        waiting = b""
        stream: CipherContext | None = None
        async for piece in self._inner.everything():
            if stream is None:
                waiting += piece
                if len(waiting) < HEADER:
                    continue
                self._header, piece = waiting[:HEADER], waiting[HEADER:]
                stream = self._opened(0)
            yield stream.update(piece)

    async def keep(self) -> Stored:
        await self.settle()
        async with self._whole.receive() as incoming:
            async for piece in self.everything():
                await incoming.write(piece)
            return await incoming.keep()

    async def _begin(self) -> None:
        """Where it stopped; of a file of which nothing is there yet with a header first."""
        if self._inner.offset + self._inner.waiting:
            self._header = (await self._inner.head())[:HEADER]
        else:
            self._header = _MAGIC + self._keys[0].name + os.urandom(16)
            await self._inner.write(self._header)
        self._stream = self._opened(self.offset)

    def _opened(self, at: int) -> CipherContext:
        """The key stream from this byte on. Raises Damaged or KeyMissing."""
        header = self._header
        if len(header) != HEADER or not header.startswith(_MAGIC):
            raise Damaged
        key = next((key for key in self._keys if key.name == key_of(header)), None)
        if key is None:
            raise KeyMissing(key_of(header))
        made = HKDF(algorithm=SHA256(), length=32, salt=header[16:], info=b"poort partial 1").derive(key.secret)
        stream = Cipher(AES(made), CTR((at // _BLOCK).to_bytes(16, "big"))).encryptor()
        stream.update(bytes(at % _BLOCK))
        return stream

    async def _take(self, batch: bytes) -> None:
        raise NotImplementedError("everything goes to the inner one")
