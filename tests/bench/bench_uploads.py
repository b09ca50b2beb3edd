"""Files in pieces by the tus protocol: rate against plain copying, in a folder and in a bucket, with the server's memory; and 200
clients who upload at once while others browse: how long a page takes meanwhile, against how long it takes when all is quiet.

The limit of a rate is the same bytes hashed and written by a bare loop, to the same disk or the same bucket.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import obstore

from models.core import digest
from models.storage.s3 import S3Storage
from tests import buckets
from tests.bench.bench_files import PASSWORD, _blocks, _peak, _sign_in, _upload_folder
from tests.house import House, house
from tests.sending import PIECE as PIECE_TYPE
from tests.sending import TUS, metadata

MB = 1024 * 1024
PIECE = 8
CLIENTS = 200
EACH = 1  # MB
PAGES = 60
THINKS = 0.1  # seconds between two pages


async def measure(megabytes: int = 512, in_bucket: int = 128, clients: int = CLIENTS) -> list[dict[str, Any]]:
    rows = []
    with tempfile.TemporaryDirectory(prefix="poort-uploads-") as var, house("small", Path(var), worker=False) as poort:
        poort.run("models", "seed", "--clients", str(clients + 40), "--password", PASSWORD)
        for size in (megabytes // 8, megabytes):
            rows += [_row("tus to a folder", size, _rate(poort, size), _bare(Path(var), size), poort)]
        rows += await _crowd(poort, clients)
    with buckets.serving() as store, tempfile.TemporaryDirectory(prefix="poort-uploads-") as var:
        address = store.fresh()
        with house("small", Path(var), worker=False, STORAGE_URL=address) as poort:
            poort.run("models", "seed", "--password", PASSWORD)
            limit = await _bare_bucket(address, in_bucket)
            for size in (in_bucket // 8, in_bucket):
                rows += [_row("tus to a bucket", size, _rate(poort, size), limit, poort)]
    return rows


def _row(job: str, size: int, ours: float, limit: float, poort: House) -> dict[str, Any]:
    return {
        "job": job, "size": f"{size} MB", "ours": f"{ours:.0f} MB/s", "limit": f"{limit:.0f} MB/s", "ratio": ours / limit,
        "memory": f"{_peak(poort)} MB",
    }  # fmt: skip


def _rate(poort: House, megabytes: int) -> float:
    cookie, folder = _sign_in(poort), _upload_folder(poort)
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(poort.url).port or 80, timeout=300)
    said = metadata(filename=f"groot-{megabytes}.txt", folder=folder)
    pieces = [b"".join(blocks) for blocks in _in_pieces(megabytes)]
    began = time.perf_counter()
    url = _ask(connection, "POST", "/uploads", cookie, poort, b"", {"Upload-Length": str(megabytes * MB), "Upload-Metadata": said})  # fmt: skip
    offset = 0
    for piece in pieces:
        _ask(connection, "PATCH", url, cookie, poort, piece, {"Upload-Offset": str(offset), "Content-Type": PIECE_TYPE})
        offset += len(piece)
    return megabytes / (time.perf_counter() - began)


def _in_pieces(megabytes: int) -> Iterator[list[bytes]]:
    blocks: list[bytes] = []
    for block in _blocks(megabytes):
        blocks.append(block)
        if len(blocks) == PIECE:
            yield blocks
            blocks = []
    if blocks:
        yield blocks


def _ask(
    connection: http.client.HTTPConnection, method: str, url: str, cookie: str, poort: House, body: bytes, more: dict[str, str]
) -> str:  # fmt: skip
    connection.request(method, url, body, {**TUS, "Cookie": cookie, "Origin": poort.url, **more})
    answer = connection.getresponse()
    assert answer.status in (201, 204), (answer.status, answer.read()[:300])
    answer.read()
    return answer.headers.get("Location") or url


def _bare(var: Path, megabytes: int) -> float:
    made, path = hashlib.sha256(), var / "bare"
    blocks = list(_blocks(megabytes))
    began = time.perf_counter()
    with path.open("wb") as file:
        for block in blocks:
            made.update(block)
            file.write(block)
    rate = megabytes / (time.perf_counter() - began)
    path.unlink()
    return rate


async def _bare_bucket(address: str, megabytes: int) -> float:
    store, made = S3Storage(address), hashlib.sha256()
    blocks = list(_blocks(megabytes))
    began = time.perf_counter()
    async with obstore.open_writer_async(store.s3, "bare", buffer_size=PIECE * MB, max_concurrency=2) as writer:
        for block in blocks:
            made.update(block)
            await writer.write(block)
    return megabytes / (time.perf_counter() - began)


async def _crowd(poort: House, clients: int) -> list[dict[str, Any]]:
    """Each sends a file in two pieces, as soon as the one before was taken; somebody opens a page all the while."""
    senders = _sessions(poort, clients)
    page = f"/folders/{_upload_folder(poort)}"
    async with httpx2.AsyncClient(base_url=poort.url, headers={"Cookie": _sign_in(poort)}, timeout=300) as reader:
        await _pages(reader, page, 30)
        quiet = await _pages(reader, page, PAGES)
        done = asyncio.Event()
        limits = httpx2.Limits(max_connections=clients, max_keepalive_connections=clients)
        async with httpx2.AsyncClient(base_url=poort.url, limits=limits, timeout=300) as browser:
            began = time.perf_counter()
            sending = asyncio.create_task(_send_all(browser, poort, senders, done))
            busy = []
            while not done.is_set():
                busy += await _pages(reader, page, 1)
            await sending
            took = time.perf_counter() - began
    return [
        {
            "job": f"a page while {clients} clients upload ({name})", "size": f"{clients} x {EACH} MB in {took:.1f} s",
            "ours": f"{1000 * _at(busy, part):.0f} ms", "limit": f"{1000 * _at(quiet, part):.0f} ms quiet",
            "ratio": _at(busy, part) / _at(quiet, part), "memory": f"{_peak(poort)} MB",
        }
        for name, part in (("p50", 50), ("p95", 95))
    ]  # fmt: skip


async def _send_all(
    browser: httpx2.AsyncClient, poort: House, senders: list[tuple[str, int]], done: asyncio.Event
) -> None:
    try:
        await asyncio.gather(*(_send(browser, poort, token, folder, n) for n, (token, folder) in enumerate(senders)))
    finally:
        done.set()


async def _send(browser: httpx2.AsyncClient, poort: House, token: str, folder: int, n: int) -> None:
    content = b"".join(_blocks(EACH)) + b"%d" % n
    headers = {**TUS, "Cookie": f"sid={token}", "Origin": poort.url}
    said = {"Upload-Length": str(len(content)), "Upload-Metadata": metadata(filename=f"bon {n}.txt", folder=folder)}
    begun = await browser.post("/uploads", headers=headers | said)
    assert begun.status_code == 201, begun.text
    half = len(content) // 2
    for start, end in ((0, half), (half, len(content))):
        more = {"Upload-Offset": str(start), "Content-Type": PIECE_TYPE}
        for _ in range(20):
            answer = await browser.request(
                "PATCH", begun.headers["location"], headers=headers | more, content=content[start:end]
            )
            if answer.status_code != 503:
                break
        assert answer.status_code == 204, (answer.status_code, answer.text)


def _sessions(poort: House, clients: int) -> list[tuple[str, int]]:
    """So many people of clients, signed in, each with a folder of his to hand in."""
    with sqlite3.connect(poort.var / "poort.db") as database:
        people = database.execute(
            "SELECT a.person, min(f.id) FROM access a JOIN folder f ON f.client = a.client AND f.kind = 'upload' JOIN users u ON u.id = a.person "
            "WHERE a.rights & 3 = 3 GROUP BY a.client LIMIT ?",
            (clients,),
        ).fetchall()
        made = []
        for n, (person, folder) in enumerate(people):
            token = f"bench-{n:040}"
            database.execute("UPDATE users SET state = 'active' WHERE id = ?", (person,))
            database.execute(
                "INSERT INTO session (token_hash, person, stage, created_at, seen_at, expires_at) SELECT ?, id, 'signed_in', "
                "datetime('now') || '+00:00', datetime('now') || '+00:00', datetime('now', '+1 day') || '+00:00' FROM users WHERE id = ?",
                (digest(token), person),
            )
            made.append((token, folder))
    return made


async def _pages(reader: httpx2.AsyncClient, page: str, times: int) -> list[float]:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        answer = await reader.get(page)
        took.append(time.perf_counter() - began)
        await asyncio.sleep(THINKS)
        assert answer.status_code == 200, answer.status_code
    return took


def _at(values: list[float], part: int) -> float:
    return statistics.quantiles(values, n=100)[part - 1]
