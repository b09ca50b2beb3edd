"""The file of a batch in the storage: encrypted under a key that is derived from SECRET_KEY, which stands in no database and no
backup; and gone as soon as the letters are on paper."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING

from models import config
from models.storage import storage
from models.storage.cipher import CHUNK, HEADER, TAG, Damaged, Key, Opener, Sealer, sizes

if TYPE_CHECKING:
    from models.letters.records import LetterBatch

_PIECE = 4 * CHUNK


def keys() -> list[Key]:
    """The first writes, all read."""
    return [Key.of(f"poort letters:{secret}") for secret in config.settings().secret_keys]


async def keep(pdf: bytes, sha256: str) -> str:
    """Its name in the storage. Nothing of it is written there unencrypted."""
    sealer = Sealer(keys()[0])
    async with storage().receive() as incoming:
        for at in range(0, len(pdf), _PIECE):
            await incoming.write(await asyncio.to_thread(sealer.feed, pdf[at : at + _PIECE]))
        await incoming.write(sealer.finish(bytes.fromhex(sha256)))
        return (await incoming.keep()).sha256


async def opened(batch: LetterBatch) -> AsyncGenerator[bytes, None]:
    """The PDF, some hundreds of KiB at a time. Raises storage.Missing, Damaged or KeyMissing before the first."""
    held = await storage().size(batch.stored)
    _, last = sizes(held)
    header = b"".join([part async for part in storage().open(batch.stored, 0, HEADER)])
    opener = Opener(header, batch.sha256, keys())
    for number in range(last + 1):
        start = HEADER + number * (CHUNK + TAG)
        sealed = b"".join([part async for part in storage().open(batch.stored, start, min(start + CHUNK + TAG, held))])
        if not sealed:
            raise Damaged
        yield await asyncio.to_thread(opener.open, sealed, number, last)


async def forget(names: Sequence[str]) -> None:
    """Files that no batch speaks of any more. One that cannot be removed now is the sweeper's, hours later."""
    for name in names:
        await storage().delete(name)
