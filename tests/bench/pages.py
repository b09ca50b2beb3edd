"""A page's rate: of the real app in a process of its own, beside bare sqlite3 with the same template.

The limit serves nothing over a network and knows no sessions: the same statements, the same fragment in the same layout,
in one thread. Ours goes through uvicorn, sign-in, rights and a transaction, with a client on the other core.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from statistics import median
from typing import Any

import partials
from models import config, engine
from models.accounts import User
from models.signing_in import begin_session
from models.viewer import Viewer
from tests.cast import app, browser_of
from web.routing import viewer_of
from web.security import cookie_name

SECONDS = 4.0
ROUNDS = 3
AT_ONCE = 8


async def compared(email: str, pages: tuple[tuple[str, str], ...]) -> list[dict[str, Any]]:
    """One row for each (job, path), asked as this person."""
    async with engine.reading():
        user = await User.objects().where(User.email_key == email).first()
        assert user is not None
        viewer = await viewer_of(user)
    token, _ = await engine.run_writing(lambda: begin_session(user, half=False, address="127.0.0.1", agent="bench"))
    rows = []
    async with _serving() as (port, pid):
        for job, path in pages:
            render, count = await _limit(viewer, path)
            ours, limit = [], []
            for _ in range(ROUNDS):
                ours.append(await _served(port, path, token))
                limit.append(_rate(render))
            fast, bare = median(ours), median(limit)
            rows.append(
                {
                    "job": job, "size": f"{count} queries", "ours": f"{fast:,.0f}/s", "limit": f"{bare:,.0f}/s",
                    "ratio": fast / bare, "memory": f"{_memory(pid)} MB",
                }
            )  # fmt: skip
    return rows


@contextlib.asynccontextmanager
async def _serving() -> AsyncIterator[tuple[int, int]]:
    port = _free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "web", "serve", "--port", str(port)],
        env=dict(os.environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            await _answers(port)
            yield port, server.pid
        finally:
            server.terminate()
            server.wait(timeout=20)


async def _limit(viewer: Viewer, path: str) -> tuple[Callable[[], int], int]:
    """What answers the page with bare sqlite3 and Jinja2: the statements and the context are those of the real request."""
    caught: list[tuple[str, dict[str, Any]]] = []
    asked: list[tuple[str, tuple[Any, ...]]] = []
    plain_render, plain_fetch = partials.render, engine.engine().__class__.fetch
    app()

    def render(template: str, /, **context: Any) -> str:
        caught.append((template, context))
        return plain_render(template, **context)

    async def fetch(self: Any, sql: str, args: Any = ()) -> Any:
        asked.append((sql, tuple(args)))
        return await plain_fetch(self, sql, args)

    partials.render, engine.engine().__class__.fetch = render, fetch
    try:
        async with browser_of(viewer) as browser:
            asked.clear()
            reply = await browser.get(path)
            assert reply.status_code == 200, reply.text
    finally:
        partials.render, engine.engine().__class__.fetch = plain_render, plain_fetch
    template, context = caught[-1]
    statements = [
        (re.sub(r"\$(\d+)", r"?\1", sql), args) for sql, args in asked if sql.lstrip().upper().startswith("SELECT")
    ]
    db = sqlite3.connect(config.settings().database_url.removeprefix("sqlite:///"), isolation_level=None)
    db.row_factory = lambda cursor, row: {
        column[0]: value for column, value in zip(cursor.description, row, strict=True)
    }
    compiled = partials.env.get_template(template)

    def answer() -> int:
        for sql, args in statements:
            db.execute(sql, [str(one) if hasattr(one, "isoformat") else one for one in args]).fetchall()
        return len(compiled.render(context).encode())

    answer()
    return answer, len(asked)


def _rate(call: Callable[[], int]) -> float:
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        call()
        done += 1
    return done / (time.perf_counter() - began)


async def _served(port: int, path: str, token: str) -> float:
    """Requests per second over a few kept-open connections; any answer but 200 ends the measurement."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie_name()}={token}\r\nAccept-Language: nl\r\n\r\n".encode()
    until, done = time.perf_counter() + SECONDS, 0

    async def client() -> None:
        nonlocal done
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        while time.perf_counter() < until:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = re.search(rb"(?i)content-length: (\d+)", head)
            assert length
            await reader.readexactly(int(length[1]))
            done += 1
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return done / (time.perf_counter() - began)


async def _answers(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise RuntimeError("the app did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _memory(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        found = re.search(r"VmHWM:\s+(\d+)", status.read())
    return int(found[1]) // 1024 if found else 0
