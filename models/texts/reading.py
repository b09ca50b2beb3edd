"""Having the bytes of documents read, one after the other, the newest first; what was read is kept by their SHA-256."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from models import config, engine
from models.scanning import shut_among
from models.storage import Missing, StorageDown, storage
from models.texts.kinds import MOST_SIZE, reader_of

log = logging.getLogger("poort.texts")

TRIES = 3  # of a file whose reader died or took too long
SECONDS = 150.0
LOOK_AT = 200  # that wait, to find one that may be read
_ROOT = Path(__file__).resolve().parents[2]
# What the other process says, and what that makes of the file; anything else was a try that failed.
_STATES = {"password": "none", "damaged": "failed", "too_big": "too_big"}


class Outcome(NamedTuple):
    """`state` as in the table (waiting: it failed, and is tried again); the text with form feeds between its pages."""

    state: str
    text: str = ""
    pages: int = 0


async def may_read(hashes: Sequence[str]) -> set[str]:
    """Those of the waiting bytes that may be read now. Here quarantine has its say: what was not found clean is not opened."""
    return set(hashes) - set(await shut_among(hashes))


async def prepare(rows: Sequence[dict[str, Any]]) -> None:
    """Bytes of documents (sha256, mime, name, size, id) that are not known yet: to be read, or not of a kind that is. In a
    writing unit."""
    await engine.raw_many(
        "INSERT INTO document_text (sha256, mime, name, size, place, state) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (sha256) "
        "DO UPDATE SET place = excluded.place WHERE document_text.place < excluded.place",
        [(row["sha256"], row["mime"], row["name"], row["size"], row["id"], _first_state(row)) for row in rows],
    )


def _first_state(row: dict[str, Any]) -> str:
    if not reader_of(row["mime"], row["name"]):
        return "none"
    return "too_big" if row["size"] > MOST_SIZE else "waiting"


async def read_next() -> bool:
    """Read the newest bytes that wait; whether there were any. A try counts before it begins, so that whatever dies of it
    (this process too) is not asked for ever."""
    rows = await engine.raw(
        f"SELECT sha256, mime, name, tries FROM document_text WHERE state = 'waiting' ORDER BY place DESC LIMIT {LOOK_AT}"
    )
    allowed = await may_read([row["sha256"] for row in rows]) if rows else set()
    row = next((row for row in rows if row["sha256"] in allowed), None)
    if row is None:
        return False
    if row["tries"] >= TRIES:
        await _keep(row["sha256"], Outcome("failed"))
        return True
    await engine.run_writing(
        lambda: engine.raw("UPDATE document_text SET tries = tries + 1 WHERE sha256 = $1", row["sha256"])
    )
    try:
        outcome = await _read(row["sha256"], reader_of(row["mime"], row["name"]))
    except Missing:
        outcome = Outcome("failed")
    except StorageDown:  # no fault of the file
        await engine.run_writing(
            lambda: engine.raw("UPDATE document_text SET tries = tries - 1 WHERE sha256 = $1", row["sha256"])
        )
        return False
    await _keep(row["sha256"], outcome)
    return True


async def _keep(sha256: str, outcome: Outcome) -> None:
    body = await asyncio.to_thread(zlib.compress, outcome.text.encode("utf-8", "replace"), 6) if outcome.text else None

    async def keep() -> None:
        await engine.raw(
            "UPDATE document_text SET state = $2, body = $3, pages = $4 WHERE sha256 = $1",
            sha256,
            outcome.state,
            body,
            outcome.pages,
        )
        if body is not None:
            await engine.raw(
                "INSERT INTO search_due (document) SELECT id FROM document WHERE sha256 = $1 "
                "ON CONFLICT (document) DO UPDATE SET turn = search_due.turn + 1",
                sha256,
            )

    await engine.run_writing(keep)


async def _read(sha256: str, reader: str) -> Outcome:
    folder = config.settings().var / "reading"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as at:
        source, target = Path(at) / "source", Path(at) / "text"
        with source.open("wb") as file:
            async for chunk in storage().open(sha256):
                await asyncio.to_thread(file.write, chunk)
        status, said = await _run(reader, source, target)
        if status == 0 and target.exists():
            pages, _, text = (await asyncio.to_thread(target.read_text, "utf-8", "replace")).partition("\n")
            return Outcome("done" if text.strip("\f ") else "none", text, int(pages))
    log.info("the text of %s could not be read: %s", sha256[:12], said or status)
    return Outcome(_STATES.get(said, "waiting"))


async def _run(reader: str, source: Path, target: Path) -> tuple[int, str]:
    """The other process to its end: its status (negative: it was killed) and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-E", "-s", "-m", "models.extracting", reader, str(source), str(target),
        cwd=_ROOT, env={}, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(SECONDS):
            said, _ = await process.communicate()
    except TimeoutError:
        return -1, "late"
    finally:
        if process.returncode is None:
            _kill_group(process.pid)
            await process.wait()
    return process.returncode or 0, said.decode("ascii", "replace").strip()


def _kill_group(pid: int) -> None:
    """With what it started itself (Tesseract)."""
    import contextlib
    import os
    import signal

    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
