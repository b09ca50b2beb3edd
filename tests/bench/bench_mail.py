"""10,000 invitations to a mail server on loopback, next to the bare dialogue with the same server over as many connections."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import resource
import time
from collections.abc import Iterator
from typing import Any

from jobs.post import Post
from models import config
from models.outbox import Errand
from tests.databases import Databases, begin_run, end_run, kinds
from tests.jobs.posting import make_people, nothing_to_do

COUNT = 10_000
_DIALOGUE = (b"MAIL FROM:<poort@127.0.0.1>\r\n", b"RCPT TO:<klant@bedrijf.example>\r\n", b"DATA\r\n")


async def measure(count: int = COUNT) -> list[dict[str, Any]]:
    """One row per database: messages per second by one worker, composing and bookkeeping included, and the bare rate."""
    began = begin_run()
    try:
        return await _measure(count)
    finally:
        if began:
            end_run()


async def _measure(count: int) -> list[dict[str, Any]]:
    rows = []
    with _server() as (port, taken):
        limit = await _bare(port, count, _message())
        assert taken.value == count
        for kind in kinds():
            async with Databases().copy(kind):
                await make_people(count)
                before = taken.value
                seconds = await _ours(port)
                assert taken.value - before == count
                assert await Errand.count().where(Errand.state == "done") == count
                ours = count / seconds
                rows.append(
                    {
                        "job": f"invitations handed over, one worker ({kind})",
                        "size": f"{count:,} messages",
                        "ours": f"{ours:,.0f}/s",
                        "limit": f"{limit:,.0f}/s",
                        "ratio": ours / limit,
                        "memory": f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB",
                    }
                )
    return rows


async def _ours(port: int) -> float:
    os.environ["SMTP_URL"] = f"smtp://127.0.0.1:{port}"
    config.reset()
    post = Post("bench")
    began = time.perf_counter()
    running = asyncio.create_task(post.run())
    while not await nothing_to_do():
        await asyncio.sleep(0.05)
    seconds = time.perf_counter() - began
    post.stop()
    await running
    del os.environ["SMTP_URL"]
    config.reset()
    return seconds


async def _bare(port: int, count: int, message: bytes, connections: int = 16) -> float:
    """The same words over plain sockets, with one message made beforehand."""

    async def talk(messages: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        writer.write(b"EHLO bench\r\n")
        await reader.readline()
        for _ in range(messages):
            for words in (*_DIALOGUE, message):
                writer.write(words)
                await reader.readline()
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(talk(count // connections) for _ in range(connections)))
    return count / (time.perf_counter() - began)


def _message() -> bytes:
    """About as long as an invitation: 5 kB."""
    return b"Subject: x\r\n\r\n" + (b"x" * 76 + b"\r\n") * 64 + b".\r\n"


@contextlib.contextmanager
def _server() -> Iterator[tuple[int, Any]]:
    """A sink in a process of its own that answers as fast as Python can; its port, and how many messages it took."""
    context = multiprocessing.get_context("spawn")
    port, taken = context.Value("i", 0), context.Value("i", 0)
    process = context.Process(target=serve, args=(port, taken), daemon=True)
    process.start()
    while not port.value:
        time.sleep(0.02)
    try:
        yield port.value, taken
    finally:
        process.terminate()
        process.join()


def serve(port: Any, taken: Any) -> None:
    class Sink(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            self.transport, self.buffer, self.content = transport, b"", False
            transport.write(b"220 sink\r\n")

        def data_received(self, data: bytes) -> None:
            self.buffer += data
            if self.content:
                if self.buffer.endswith(b"\r\n.\r\n"):
                    self.buffer, self.content = b"", False
                    taken.value += 1
                    self.transport.write(b"250 2.0.0 OK\r\n")
                return
            while b"\r\n" in self.buffer and not self.content:
                line, _, self.buffer = self.buffer.partition(b"\r\n")
                self.content = line == b"DATA"
                self.transport.write(
                    b"354 go\r\n" if self.content else b"221 bye\r\n" if line == b"QUIT" else b"250 OK\r\n"
                )

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
        port.value = server.sockets[0].getsockname()[1]
        await server.serve_forever()

    asyncio.run(main())
