"""Whether settings, database, queue, storage and mail do what is asked of them; says what is wrong."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from models import config, engine
from models.settings import Firm
from models.storage import storage


async def quick() -> list[str]:
    """Names of what does not answer: 'database' or nothing."""
    try:
        async with asyncio.timeout(5):
            await Firm.exists()
    except Exception:
        return ["database"]
    return []


async def full() -> list[tuple[str, str]]:
    """(what, '' or the problem in words) for each part."""
    settings = config.settings()
    parts: list[tuple[str, Callable[[], Awaitable[None]]]] = [
        ("database", _database),
        ("queue", lambda: _queue(settings.queue_url)),
        ("storage", lambda: storage().check()),
        ("mail", lambda: _mail(settings.smtp_url)),
    ]
    found = [("settings", "")]
    for name, check in parts:
        try:
            async with asyncio.timeout(15):
                await check()
            found.append((name, ""))
        except TimeoutError:
            found.append((name, "antwoordt niet binnen 15 seconden"))
        except Exception as error:
            found.append((name, f"{type(error).__name__}: {error}"))
    return found


async def _database() -> None:
    if not (await engine.raw("SELECT count(*) AS n FROM firm"))[0]["n"]:
        raise RuntimeError("leeg: draai python -m models migrate")


async def _queue(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        return
    await asyncio.to_thread(_connect, parts.hostname or "", parts.port or 6379)


async def _mail(url: str) -> None:
    if url:
        parts = urlsplit(url)
        await asyncio.to_thread(_connect, parts.hostname or "", parts.port or (465 if parts.scheme == "smtps" else 25))


def _connect(host: str, port: int) -> None:
    with socket.create_connection((host, port), timeout=10):
        pass
