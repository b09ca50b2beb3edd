"""One gigabyte up and down through the real server: rate, and the server's memory, which must not follow the file's size.

The limit is the same bytes hashed and written to the same disk, or read from it, by a bare loop.
"""

from __future__ import annotations

import hashlib
import http.client
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.house import House, house

MB = 1024 * 1024
BLOCK = (b"1234567890 een regel van een groot tekstbestand, steeds dezelfde\n" * 20_000)[:MB]
EDGE = "----poort-bench"
PASSWORD = "geheim-wachtwoord"


async def measure(megabytes: int = 1024) -> list[dict[str, Any]]:
    rows = []
    with tempfile.TemporaryDirectory(prefix="poort-files-") as var, house("small", Path(var), worker=False) as poort:
        poort.run("models", "seed", "--password", PASSWORD)
        cookie, folder = _sign_in(poort), _upload_folder(poort)
        limit_up, limit_down = _bare(Path(var), megabytes)
        for size in (megabytes // 10, megabytes):
            up = size / _timed(lambda size=size: _upload(poort, cookie, folder, size))  # type: ignore[misc]
            document = _newest(poort)
            down = size / _timed(lambda size=size: _download(poort, cookie, document, size))  # type: ignore[misc]
            memory = f"{_peak(poort)} MB"
            rows += [
                {"job": "upload", "size": f"{size} MB", "ours": f"{up:.0f} MB/s", "limit": f"{limit_up:.0f} MB/s", "ratio": up / limit_up, "memory": memory},
                {"job": "download", "size": f"{size} MB", "ours": f"{down:.0f} MB/s", "limit": f"{limit_down:.0f} MB/s", "ratio": down / limit_down, "memory": memory},
            ]  # fmt: skip
    return rows


def _timed(act: Any) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _connect(poort: House) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", urlsplit(poort.url).port or 80, timeout=300)


def _sign_in(poort: House) -> str:
    connection = _connect(poort)
    form = urlencode({"email": "anna@kantoor.example", "password": PASSWORD})
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": poort.url}
    connection.request("POST", "/sign-in", form, headers)
    answer = connection.getresponse()
    assert answer.status == 303, answer.status
    return "; ".join(line.split(";")[0] for line in answer.headers.get_all("Set-Cookie") or [])


def _rows(poort: House, sql: str) -> Any:
    with sqlite3.connect(poort.var / "poort.db") as database:
        return database.execute(sql).fetchone()[0]


def _upload_folder(poort: House) -> int:
    return int(_rows(poort, "SELECT min(id) FROM folder WHERE kind = 'upload' AND client IS NOT NULL"))


def _newest(poort: House) -> int:
    return int(_rows(poort, "SELECT max(id) FROM document"))


def _blocks(megabytes: int) -> Iterator[bytes]:
    """No two alike, so that nothing is found to be there already."""
    for number in range(megabytes):
        yield b"%032d" % (time.time_ns() + number) + BLOCK[32:]


def _upload(poort: House, cookie: str, folder: int, megabytes: int) -> None:
    head = (
        f'--{EDGE}\r\nContent-Disposition: form-data; name="files"; filename="groot-{megabytes}.txt"\r\n'
        "Content-Type: text/plain\r\n\r\n"
    ).encode()
    tail = f"\r\n--{EDGE}--\r\n".encode()
    connection = _connect(poort)
    connection.putrequest("POST", f"/folders/{folder}/documents")
    for name, value in {
        "Content-Type": f"multipart/form-data; boundary={EDGE}",
        "Content-Length": str(len(head) + megabytes * MB + len(tail)),
        "Cookie": cookie,
        "Origin": poort.url,
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(head)
    for block in _blocks(megabytes):
        connection.send(block)
    connection.send(tail)
    answer = connection.getresponse()
    assert answer.status == 303, (answer.status, answer.read()[:500])


def _download(poort: House, cookie: str, document: int, megabytes: int) -> None:
    connection = _connect(poort)
    connection.request("GET", f"/documents/{document}/file", headers={"Cookie": cookie})
    answer, got = connection.getresponse(), 0
    while piece := answer.read(MB):
        got += len(piece)
    assert got == megabytes * MB, (answer.status, got)


def _peak(poort: House) -> int:
    """The largest memory the web process has had, in MB."""
    status = Path(f"/proc/{poort.processes['web'].pid}/status").read_text()
    return int(next(line.split()[1] for line in status.split("\n") if line.startswith("VmHWM"))) // 1024


def _bare(var: Path, megabytes: int) -> tuple[float, float]:
    path, digest = var / "bare", hashlib.sha256()
    began = time.perf_counter()
    with path.open("wb") as file:
        for block in _blocks(megabytes):
            digest.update(block)
            file.write(block)
    up, began = megabytes / (time.perf_counter() - began), time.perf_counter()
    with path.open("rb") as file:
        while file.read(MB):
            pass
    path.unlink()
    return up, megabytes / (time.perf_counter() - began)
