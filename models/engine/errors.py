"""What the errors of both databases mean."""

from __future__ import annotations

import errno
import sqlite3


class Busy(Exception):
    """The database was locked, or all its connections taken, for longer than we wait."""


class TooSlow(Exception):
    """A statement that only reads took longer than we let it."""


def is_unique_violation(error: BaseException) -> bool:
    taken = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
    return _state(error) == "23505" or _code(error) in taken


def is_foreign_key_violation(error: BaseException) -> bool:
    # On SQLite a RESTRICT is carried out by a trigger of its own making.
    return _state(error) in ("23503", "23001") or (
        isinstance(error, sqlite3.IntegrityError) and "FOREIGN KEY constraint" in str(error)
    )


def is_check_violation(error: BaseException) -> bool:
    return _state(error) == "23514" or (isinstance(error, sqlite3.IntegrityError) and "CHECK constraint" in str(error))


def is_serialization_failure(error: BaseException) -> bool:
    """Postgres: the unit collided with another one and can be repeated."""
    return _state(error) in ("40001", "40P01")


def is_read_only(error: BaseException) -> bool:
    """A reading unit tried to write."""
    return _state(error) == "25006" or _code(error) & 0xFF == sqlite3.SQLITE_READONLY


def is_disk_full(error: BaseException) -> bool:
    return (
        _state(error) == "53100"
        or _code(error) == sqlite3.SQLITE_FULL
        or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT))
    )


def is_busy(error: BaseException) -> bool:
    return (
        isinstance(error, Busy)
        or _code(error) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
        or _state(error) in ("53300", "55P03")
    )


def _state(error: BaseException) -> str | None:
    return getattr(error, "sqlstate", None)


def _code(error: BaseException) -> int:
    return getattr(error, "sqlite_errorcode", None) or 0
