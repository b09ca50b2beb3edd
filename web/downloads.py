"""Bytes going out: ranges, conditional requests, and headers that keep hostile files harmless."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import unicodedata
from collections.abc import AsyncGenerator
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from models.content_type import INLINE, by_mime, charset_of
from models.scanning import require_open
from models.storage import Storage, StorageDown
from models.storage.base import HEAD
from models.storage.whole import certain

# Whatever the file holds, it runs no script, sends no form and is nobody's origin; our own pages may frame it.
CSP = (
    "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
_PLAIN = "application/octet-stream"
# Kinds whose own media type would only tell a browser to run them.
_NEVER_NAMED = frozenset(
    {"text/html", "image/svg+xml", "application/xml", "message/rfc822", "text/x-script", "application/x-msdownload"}
)
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


async def send_kept(request: Request, storage: Storage, sha256: str, *about: Any, **more: Any) -> Response:
    """As `send_blob`, of what people handed in: raises Shut where it may not be opened. The only way to those bytes."""
    await require_open(sha256)
    return await send_blob(request, storage, sha256, *about, **more)


async def send_blob(
    request: Request,
    storage: Storage,
    sha256: str,
    size: int,
    name: str,
    content_type: str,
    *,
    inline: bool = False,
    last_modified: dt.datetime | None = None,
    is_certain: bool = False,
) -> Response:
    """The blob as a download; with `inline` in the browser itself, if its kind is one that may.

    `is_certain`: the end of all of it is sent only when these turned out to be the bytes of that hash. Knows HEAD, one range (206, 416, If-Range) and If-None-Match (304). Never cached: what stands behind the sign-in is
    not left on the disk of a shared computer.

    Raises:
        Missing, StorageDown: before anything was sent.
    """
    shown = inline and content_type in INLINE
    headers = {
        "ETag": f'"{sha256}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": disposition("inline" if shown else "attachment", name),
        "Content-Encoding": "identity",  # keeps our own compression off: a length and ranges are worth more
        "Content-Security-Policy": CSP,
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    if last_modified is not None:
        headers["Last-Modified"] = format_datetime(last_modified.astimezone(dt.UTC), usegmt=True)
    if _has(request.headers.get("if-none-match", ""), sha256):
        return Response(status_code=304, headers=headers)
    span = _asked_range(request, headers, size)
    if span is not None and span[0] >= span[1]:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    start, end = span or (0, size)
    if span is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    headers["Content-Type"] = await _named_type(storage, sha256, content_type, shown)
    if request.method == "HEAD":
        await storage.size(sha256)
        return Response(headers=headers)
    chunks = certain(storage, sha256) if is_certain and span is None else storage.open(sha256, start, end)
    return await _Blob.begin(chunks, end - start, 200 if span is None else 206, headers)


def disposition(how: str, name: str) -> str:
    """`how` is inline or attachment. Names beyond ASCII are given twice, for old and for all other browsers."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    bare = re.sub(r'[^ -~]|["\\%]', "_", bare)
    if bare == name:
        return f'{how}; filename="{name}"'
    if bare.startswith("."):
        bare = f"document{bare}"
    return f"{how}; filename=\"{bare or 'document'}\"; filename*=UTF-8''{quote(name, safe='')}"


class _Blob(StreamingResponse):
    """Closes the file also when the browser leaves half-way."""

    @classmethod
    async def begin(
        cls, chunks: AsyncGenerator[bytes, None], size: int, status: int, headers: dict[str, str]
    ) -> StreamingResponse:
        """The first chunk is read before the status is sent: what is missing is then an answer and not a broken one."""
        first = await anext(chunks, b"")
        if size and not first:
            raise StorageDown("Een bestand in de opslag is korter dan het was.")
        response = cls(chunks, status, headers)
        response._first, response._chunks = first, chunks
        return response

    _first: bytes
    _chunks: AsyncGenerator[bytes, None]

    async def stream_response(self, send: Send) -> None:
        async with contextlib.aclosing(self._chunks):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": self._first, "more_body": True})
            async for chunk in self._chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _named_type(storage: Storage, sha256: str, mime: str, shown: bool) -> str:
    if mime in _NEVER_NAMED:
        return _PLAIN
    if shown and mime == "text/plain":
        async with contextlib.aclosing(storage.open(sha256, 0, HEAD)) as chunks:
            return f"{mime}; charset={charset_of(await anext(chunks, b''))}"
    return by_mime(mime).mime


def _has(tags: str, sha256: str) -> bool:
    """Whether an If-None-Match names it; weakly compared, as the standard wants here."""
    return tags.strip() == "*" or f'"{sha256}"' in [tag.strip().removeprefix("W/") for tag in tags.split(",")]


def _asked_range(request: Request, headers: dict[str, str], size: int) -> tuple[int, int] | None:
    """From and up to which byte, empty when there is nothing there; None for all of it.

    Only GET has ranges. Several at once get all of it, as the standard allows, and so does what is no range.
    """
    asked = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    unless = request.headers.get("if-range")
    if asked is None or request.method != "GET" or unless not in (None, headers["ETag"], headers.get("Last-Modified")):
        return None
    first, last = asked.groups()
    if not first and not last:
        return None
    if not first:
        return max(size - int(last), 0), size
    if last and int(last) < int(first):
        return None
    return int(first), min(int(last) + 1, size) if last else size
