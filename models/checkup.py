"""Whether settings, database, queue, storage and mail do what is asked of them; says what is wrong."""

from __future__ import annotations

import asyncio
import contextlib
import os
import smtplib
import sqlite3
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from redis import Redis

from models import config, engine, migrate
from models.scanning import clamd
from models.settings import Firm
from models.storage import storage


async def quick() -> list[str]:
    """Names of what does not answer or is not up to date: 'database', 'migrations', or nothing."""
    try:
        async with asyncio.timeout(5):
            await Firm.exists()
            return ["migrations"] if await migrate.behind() else []
    except Exception:
        return ["database"]


async def full() -> list[tuple[str, str]]:
    """(what, '' or the problem in words) for each part."""
    settings = config.settings()
    parts: list[tuple[str, Callable[[], Awaitable[None]]]] = [
        ("settings", _settings),
        ("database", _database),
        ("queue", lambda: _queue(settings.queue_url)),
        ("storage", lambda: storage().check()),
        ("files", _files),
        ("seals", _seals),
        ("mail", lambda: _mail(settings.smtp_url)),
    ]
    if settings.clamd_url:
        parts.append(("scanner", lambda: _scanner(settings.clamd_url)))
    found: list[tuple[str, str]] = []
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


async def _settings() -> None:
    given = os.environ.get("SECRET_KEY") or os.environ.get("SECRET_KEY_FILE")
    if config.settings().is_secure and not given:
        raise RuntimeError(
            "SECRET_KEY is niet gezet. De sleutel in var/ is alleen bedoeld voor een proef op deze machine"
        )


async def _database() -> None:
    if waiting := await migrate.behind():
        raise RuntimeError(f"loopt achter ({', '.join(waiting)}): draai python -m models migrate")
    if strange := await migrate.ahead():
        raise RuntimeError(f"hoort bij een nieuwere versie van Poort ({', '.join(strange)})")
    if not (await engine.raw("SELECT count(*) AS n FROM firm"))[0]["n"]:
        raise RuntimeError("leeg: draai python -m models migrate")


_VERSION = " (versie {version})"


async def _files() -> None:
    """Those that the rolling check found damaged or gone, by name."""
    from models.keeping import rehashing

    if await quick():  # told already
        return
    if found := await rehashing.broken():
        named = [
            f"{use['name']}{_VERSION.format(**use) if use['version'] else ''} van {use['client_name'] or 'het kantoor'}" if use["kind"] != "other" else str(use["name"])
            for row in found for use in row["uses"]
        ]  # fmt: skip
        more = f" en nog {len(named) - 10}" if len(named) > 10 else ""
        raise RuntimeError(
            f"{len(found)} bestanden beschadigd of weg: {', '.join(named[:10])}{more}; zie Beheer > Bewaren > Bestanden"
        )


async def _seals() -> None:
    """What waits for its seal or time-stamp, and a certificate that ends or stands in for another."""
    from models.certifying import attention

    if await quick():  # told already
        return
    if found := await attention.points():
        raise RuntimeError(" ".join(str(point.words) for point in found) + f" Zie {found[0].address}")


async def _queue(url: str) -> None:
    await asyncio.to_thread(_embedded_queue if url.startswith("sqlite") else _redis, url)


def _embedded_queue(url: str) -> None:
    path = Path(url.removeprefix("sqlite:///"))
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as queue:
        if (said := queue.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
            raise RuntimeError(said)
        queue.execute("BEGIN IMMEDIATE")
        queue.execute("ROLLBACK")


def _redis(url: str) -> None:
    """Connect, and write and remove a key."""
    with contextlib.closing(Redis.from_url(url, socket_timeout=10, socket_connect_timeout=10)) as server:
        server.set("poort:check", "1", ex=10)
        server.delete("poort:check")


async def _mail(url: str) -> None:
    if url:
        await asyncio.to_thread(_greet, url)


async def _scanner(url: str) -> None:
    """It answers, and finds the test signature that every scanner knows."""
    await clamd.version(url)

    async def test_file() -> AsyncIterator[bytes]:
        yield b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

    if (await clamd.scan(url, test_file())).state != "infected":
        raise RuntimeError(
            "vindt het EICAR-proefbestand niet: heeft clamd zijn lijst van virussen al opgehaald (freshclam)?"
        )


def _greet(url: str) -> None:
    """As far as a message goes before its sender: greeting, encryption and sign-in as SMTP_URL asks."""
    parts = urlsplit(url)
    asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    host = parts.hostname or "localhost"
    kind = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    with kind(host, parts.port or (465 if parts.scheme == "smtps" else 25), timeout=10) as server:
        server.ehlo()
        wanted = asked.get("starttls")
        if parts.scheme == "smtp" and (wanted == "1" or (wanted != "0" and server.has_extn("starttls"))):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.noop()
