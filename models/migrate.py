"""Bringing the database up to date: safe to run twice, and from two processes at once."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import io
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from piccolo.apps.migrations.commands.forwards import run_forwards
from piccolo.apps.migrations.commands.new import new

from models import engine
from models.settings import Firm

os.environ.setdefault("PICCOLO_CONF", "models.piccolo_conf")

_LOCK = 0x706F6F72  # "poor", a number nobody else takes


class MigrationFailed(Exception):
    """The database could not be brought up to date; carries what the migration printed."""


async def migrate() -> None:
    """Run what has not run yet, then see to it that the office's one row exists.

    Raises:
        MigrationFailed: nothing of the failing migration was kept.
    """
    async with _alone():
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                outcome = await run_forwards("all")
                succeeded, why = outcome.success, outcome.message
            except Exception as error:
                succeeded, why = False, repr(error)
        if not succeeded:
            raise MigrationFailed(f"{said.getvalue()}\n{why}")
        if not await Firm.exists():
            await Firm(id=1).save()


async def make_migration(description: str) -> None:
    """For developers: write a migration of what changed in the tables since the last one."""
    await new("poort", auto=True, desc=description)


@contextlib.asynccontextmanager
async def _alone() -> AsyncIterator[None]:
    """One process at a time: the migrations table is written after the migration's own transaction, not in it."""
    database: Any = engine.engine()
    if engine.is_sqlite():
        file = Path(f"{database.path}.migrating")
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w") as lock:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            yield
        return
    connection = await asyncpg.connect(database.url)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        yield
    finally:
        await connection.close()
