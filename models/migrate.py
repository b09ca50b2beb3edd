"""Bringing the database up to date: safe to run twice, and from two processes at once."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import functools
import io
import os
import sys
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
from piccolo.apps.migrations.commands.base import BaseMigrationManager
from piccolo.apps.migrations.commands.forwards import run_forwards
from piccolo.apps.migrations.commands.new import new
from piccolo.apps.migrations.tables import Migration

from models import engine
from models.piccolo_app import APP_CONFIG
from models.settings import Firm, utcnow

_APP = APP_CONFIG.app_name
_LOCK = 0x706F6F7274  # "poort", a number nobody else takes


class MigrationFailed(Exception):
    """The database could not be brought up to date; carries what the migration said."""


async def migrate() -> bool:
    """Run what has not run yet and see to it that the office's one row exists; whether anything had to be run.

    Each migration is one transaction together with its line in the list of those that ran, so that a process killed
    half-way leaves either all of it or nothing.

    Raises:
        MigrationFailed: nothing of the failing migration was kept.
    """
    async with _alone():
        waiting = await pending()
        for name in waiting:
            await engine.run_writing(lambda name=name: _run(name))  # type: ignore[misc]
        if not await Firm.exists():
            await Firm(id=1, heard_from=utcnow()).save()
        return bool(waiting)


async def pending() -> list[str]:
    """The migrations that have not run yet, in order."""
    known = await asyncio.to_thread(_known)
    ran = await Migration.get_migrations_which_ran(_APP) if await Migration.table_exists() else []
    return sorted(known - set(ran))


async def behind() -> list[str]:
    """As `pending`, in one statement: what a running process may ask often."""
    known = _known_once()
    return sorted(known - await _ran())


async def ahead() -> list[str]:
    """Migrations that this version does not know: the database is of a newer one."""
    return sorted(await _ran() - _known_once())


async def _ran() -> set[str]:
    rows = await engine.raw("SELECT name FROM migration WHERE app_name = $1", _APP)
    return {row["name"] for row in rows}


async def make_migration(description: str) -> None:
    """For developers: write a migration of what changed in the tables since the last one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "not fully supported by SQLite": see engine/alter.py
        await new(_APP, auto=True, desc=description)


@functools.cache
def _known_once() -> frozenset[str]:
    return frozenset(_known())


def _known() -> set[str]:
    folder = APP_CONFIG.resolved_migrations_folder_path
    if folder in sys.path:  # Piccolo puts it there each time it looks
        sys.path.remove(folder)
    return set(BaseMigrationManager().get_migration_modules(folder))


async def _run(name: str) -> None:
    said, succeeded, why = io.StringIO(), False, ""
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            outcome = await run_forwards(_APP, name)
            succeeded, why = outcome.success, outcome.message or ""
        except Exception as error:
            if engine.is_serialization_failure(error):
                raise
            raise MigrationFailed(f"{said.getvalue().strip()}\n{type(error).__name__}: {error}") from error
    if not succeeded:
        raise MigrationFailed(f"{said.getvalue().strip()}\n{why}")


@contextlib.asynccontextmanager
async def _alone() -> AsyncIterator[None]:
    """One process at a time: the second finds everything done."""
    database: Any = engine.engine()
    if engine.is_sqlite():
        async with _locked(Path(f"{database.path}.migrating")):
            yield
        return
    connection = await asyncpg.connect(database.url)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        yield
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(0.05)
        yield
    finally:
        os.close(lock)
