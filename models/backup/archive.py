"""What writing and restoring share: the tables in order, the form of their values, and the ids given so far."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from piccolo.table import Table, sort_table_classes

from models import engine
from models.piccolo_app import APP_CONFIG

FORMAT = 1
_LEFT_OUT = ("session", "trusted_device", "throttle", "topic", "file_check")


class BackupRefused(Exception):
    """It was not done, and nothing has changed; the message says why."""


class BackupBroken(BackupRefused):
    """The file is damaged; nothing of it was kept."""


@dataclass
class Report:
    """What went into or came out of the file. `warnings` are sentences for the person at the keyboard."""

    rows: dict[str, int] = field(default_factory=dict)
    blobs: int = 0
    blob_bytes: int = 0
    warnings: list[str] = field(default_factory=list)


def tables() -> list[type[Table]]:
    """Each after those it refers to."""
    return [table for table in sort_table_classes(APP_CONFIG.table_classes) if name_of(table) not in _LEFT_OUT]


def name_of(table: type[Table]) -> str:
    return table._meta.tablename


def plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, uuid.UUID | Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    return value


DECODERS: dict[type, Callable[[Any], Any]] = {
    dt.datetime: dt.datetime.fromisoformat,
    dt.date: dt.date.fromisoformat,
    dt.time: dt.time.fromisoformat,
    uuid.UUID: uuid.UUID,
    Decimal: Decimal,
    bytes: bytes.fromhex,
}


# ids are never given twice, also not those of rows that are gone: the trail speaks of them


async def last_id_of(table: type[Table]) -> int:
    if engine.is_sqlite():
        rows = await engine.raw("SELECT seq FROM sqlite_sequence WHERE name = $1", name_of(table))
        return int(rows[0]["seq"]) if rows else 0
    if (sequence := await _sequence(table)) is None:
        return 0
    row = (await engine.raw(f"SELECT last_value, is_called FROM {sequence}"))[0]
    return int(row["last_value"]) if row["is_called"] else 0


async def go_on_from(table: type[Table], last_id: int) -> None:
    if engine.is_sqlite():
        await engine.raw("DELETE FROM sqlite_sequence WHERE name = $1", name_of(table))
        await engine.raw("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)", name_of(table), last_id)
    elif (sequence := await _sequence(table)) is not None:
        await engine.raw("SELECT setval($1::text::regclass, $2, $3)", sequence, max(last_id, 1), last_id > 0)


async def _sequence(table: type[Table]) -> str | None:
    key = table._meta.primary_key._meta.db_column_name
    rows = await engine.raw("SELECT pg_get_serial_sequence($1, $2) AS name", f'"{name_of(table)}"', key)
    return rows[0]["name"]  # type: ignore[no-any-return]
