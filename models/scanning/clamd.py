"""Speaks with clamd: its INSTREAM protocol, streaming. Every answer that is not plainly one of those we know is none.

Of our own, because the libraries there are (aioclamd, clamd) want the whole file as a buffer in memory, and hear an answer
that comes early (too large) only after the last byte.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 120.0  # clamd's own limit of one scan
FRAME = 256 * 1024  # bytes sent as one piece; clamd allows as much as its StreamMaxLength
_ANSWER_MOST = 4096


class Down(Exception):
    """There is no scanner where the settings say it is."""


class Strange(Exception):
    """The scanner broke off or said something that is no verdict."""


@dataclass(frozen=True)
class Verdict:
    """`state` is clean, infected (with its `signature`) or too_large."""

    state: str
    signature: str = ""


async def version(url: str) -> str:
    """What the scanner says of itself. Raises Down or Strange."""
    async with _connected(url) as (reader, writer):
        try:
            writer.write(b"zVERSION\0")
            async with asyncio.timeout(CONNECT_SECONDS):
                said = await _answer(reader)
        except (OSError, TimeoutError) as error:
            raise Strange("antwoordt niet") from error
    if not said.startswith("ClamAV"):
        raise Strange(said or "geen antwoord")
    return said


async def scan(url: str, chunks: AsyncIterator[bytes]) -> Verdict:
    """The verdict over these bytes. Raises Down, Strange, and what reading them raises."""
    async with _connected(url) as (reader, writer):
        hearing = asyncio.ensure_future(_answer(reader))  # while we speak: it may have heard enough
        try:
            try:
                await _send(writer, chunks, hearing)
            except OSError:
                async with asyncio.timeout(2):  # it hung up; perhaps it said why
                    return _verdict(await asyncio.shield(hearing))
            async with asyncio.timeout(SILENCE_SECONDS):
                return _verdict(await hearing)
        except (OSError, TimeoutError) as error:
            raise Strange("brak af of antwoordde niet op tijd") from error
        finally:
            hearing.cancel()


async def _send(writer: asyncio.StreamWriter, chunks: AsyncIterator[bytes], hearing: asyncio.Future[str]) -> None:
    writer.write(b"zINSTREAM\0")
    async for chunk in chunks:
        for at in range(0, len(chunk), FRAME):
            frame = chunk[at : at + FRAME]
            writer.write(len(frame).to_bytes(4, "big") + frame)
            async with asyncio.timeout(SILENCE_SECONDS):
                await writer.drain()
            if hearing.done():
                return
    writer.write(bytes(4))
    await writer.drain()


async def _answer(reader: asyncio.StreamReader) -> str:
    said = b""
    while b"\0" not in said and len(said) < _ANSWER_MOST:
        more = await reader.read(_ANSWER_MOST)
        if not more:
            break
        said += more
    return said.partition(b"\0")[0].decode("utf-8", "replace").strip()


def _verdict(said: str) -> Verdict:
    if said == "stream: OK":
        return Verdict("clean")
    if "size limit exceeded" in said:
        return Verdict("too_large")
    if said.startswith("stream: ") and said.endswith(" FOUND"):
        signature = said.removeprefix("stream: ").removesuffix(" FOUND").strip()[:200]
        if signature.startswith("Heuristics.Limits.Exceeded"):  # it did not look at all of it
            return Verdict("too_large")
        return Verdict("infected", signature or "?")
    raise Strange(said[:200] or "geen antwoord")


@contextlib.asynccontextmanager
async def _connected(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            if parts.scheme == "unix":
                reader, writer = await asyncio.open_unix_connection(unquote(parts.path))
            else:
                reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    except (OSError, TimeoutError) as error:
        raise Down(getattr(error, "strerror", None) or "antwoordt niet") from error
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await writer.wait_closed()
