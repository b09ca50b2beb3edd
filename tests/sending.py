"""A client of the tus protocol, as a test drives it: each step by hand."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any
from urllib.parse import unquote

import httpx2

from tests.cast import Browser

PIECE = "application/offset+octet-stream"
TUS = {"Tus-Resumable": "1.0.0"}


def metadata(**said: object) -> str:
    return ",".join(f"{name} {base64.b64encode(str(value).encode()).decode()}" for name, value in said.items())


async def announce(browser: Browser, size: int, content: bytes | None = None, **said: object) -> httpx2.Response:
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata(**said)}
    if content is not None:
        headers["Content-Type"] = PIECE
    return await browser.post("/uploads", headers=headers, content=content or b"")


async def piece(browser: Browser, url: str, offset: int, data: Any, **headers: str) -> httpx2.Response:
    more = {**TUS, "Upload-Offset": str(offset), "Content-Type": PIECE} | headers
    return await browser.request("PATCH", url, headers=more, content=data)


async def offset_of(browser: Browser, url: str) -> int:
    return int((await browser.request("HEAD", url, headers=TUS)).headers["upload-offset"])


async def send(browser: Browser, content: bytes, **said: object) -> httpx2.Response:
    """Announced and sent in one piece; the last answer."""
    begun = await announce(browser, len(content), **said)
    assert begun.status_code == 201, begun.text
    return await piece(browser, begun.headers["location"], 0, content)


def result(response: httpx2.Response) -> dict[str, Any]:
    return dict(json.loads(unquote(response.headers["upload-result"])))


def checksum(data: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"
