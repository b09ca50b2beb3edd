"""One file that holds an installation: the rows of one moment, and the bytes they refer to; readable by both databases.

A zip: `tables/<name>.jsonl` with a JSON array per row, `blobs/<sha256>`, and `manifest.json`, written last, with the counts
and hashes of all that. The rows go first and in one reading unit; blobs never change, so they may follow at leisure.
Sessions, throttles and live topics are left out: people sign in again. SECRET_KEY and the other settings of the
environment are not in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
import json
import os
import uuid
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from piccolo.table import Table, sort_table_classes

from models import config, engine
from models.migrate import migrate
from models.outbox import MAIL_KINDS, Errand
from models.piccolo_app import APP_CONFIG
from models.settings import Firm
from models.storage import Missing, storage

FORMAT = 1
_LEFT_OUT = ("session", "throttle", "topic")
_BLOB_COLUMNS = ("sha256", "logo")
_PAGE = 1000  # rows at a time
_CHUNK = 1 << 20


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


async def backup(file: Path) -> Report:
    """Write the installation to `file`, which appears only when it is whole.

    Raises:
        BackupRefused: the file exists already, or cannot be written.
    """
    if file.exists():
        raise BackupRefused(f"{file} bestaat al; kies een andere naam.")
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        report = await _write(partial)
        partial.rename(file)
    except OSError as error:
        raise BackupRefused(f"{file} kan niet worden geschreven ({error.strerror}).") from error
    finally:
        partial.unlink(missing_ok=True)
    return report


async def restore(file: Path, *, despite_other_key: bool = False) -> Report:
    """Fill this empty installation from `file`: all of it or nothing.

    Raises:
        BackupRefused: this installation is not empty, or the file is of another version or another SECRET_KEY.
        BackupBroken: the file is damaged.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = _manifest(archive)
            report = _accept(manifest, despite_other_key)
            await migrate()
            async with engine.reading():
                await _require_emptiness()
            async with _blobs_back(archive, manifest, report):
                await engine.run_writing(lambda: _rows_back(archive, manifest, report))
            return report
    except FileNotFoundError as error:
        raise BackupRefused(f"{file} is er niet.") from error
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError, TypeError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise BackupBroken(f"{file} is geen back-up, of is beschadigd of afgebroken ({error}).") from error
    except Exception as error:
        if any(means(error) for means in (engine.is_foreign_key_violation, engine.is_unique_violation, engine.is_check_violation)):
            raise BackupBroken(f"De rijen in {file} kloppen niet met elkaar ({error}).") from error
        raise


# writing


async def _write(path: Path) -> Report:
    report, tables = Report(), {}
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            referred: set[bytes] = set()
            async with engine.reading():
                for table in _tables():
                    tables[_name(table)] = about = await _write_table(archive, table, referred)
                    report.rows[_name(table)] = about["rows"]
            blobs = await _write_blobs(archive, referred, report)
            keys = config.settings()
            manifest = {
                "format": FORMAT,
                "made_at": dt.datetime.now(dt.UTC).isoformat(),
                "key": keys.key_fingerprint,
                "tables": tables,
                "blobs": blobs,
            }
            archive.writestr("manifest.json", json.dumps(manifest, indent=1))
        file.flush()
        await asyncio.to_thread(os.fsync, file.fileno())
    report.warnings.append("SECRET_KEY zit er niet in. Bewaar hem apart: zonder hem zijn versleutelde gegevens onleesbaar.")
    return report


async def _write_table(archive: zipfile.ZipFile, table: type[Table], referred: set[bytes]) -> dict[str, Any]:
    hashed, rows = hashlib.sha256(), 0
    names = [column._meta.db_column_name for column in table._meta.columns]
    holders = [name for name in names if name in _BLOB_COLUMNS]
    with archive.open(f"tables/{_name(table)}.jsonl", "w", force_zip64=True) as out:
        async for page in _pages(table):
            lines = "".join(
                json.dumps([_plain(row[name]) for name in names], ensure_ascii=False, separators=(",", ":")) + "\n" for row in page
            ).encode()
            hashed.update(lines)
            out.write(lines)
            rows += len(page)
            referred.update(bytes.fromhex(row[name]) for row in page for name in holders if row[name])
    return {"columns": names, "rows": rows, "sha256": hashed.hexdigest(), "last_id": await _last_id(table)}


async def _pages(table: type[Table]) -> AsyncIterator[list[dict[str, Any]]]:
    key = table._meta.primary_key._meta.db_column_name
    select = f'SELECT * FROM "{_name(table)}"'  # noqa: S608
    order = f' ORDER BY "{key}" LIMIT {_PAGE}'
    page = await engine.raw(select + order)
    while page:
        yield page
        page = await engine.raw(f'{select} WHERE "{key}" > $1{order}', page[-1][key])


async def _write_blobs(archive: zipfile.ZipFile, referred: set[bytes], report: Report) -> dict[str, Any]:
    listing, damaged = hashlib.sha256(), []
    async for sha256, _, _ in storage().all():
        try:
            actual, size = await _write_blob(archive, sha256)
        except Missing:  # swept meanwhile
            continue
        if actual == sha256:
            referred.discard(bytes.fromhex(sha256))
            listing.update(f"{sha256} {size}\n".encode())
            report.blobs += 1
            report.blob_bytes += size
        else:
            damaged.append(sha256)
    report.warnings += [f"Het bestand {name} in de opslag is beschadigd." for name in damaged]
    lost = sorted(referred - {bytes.fromhex(name) for name in damaged})
    report.warnings += [f"Het bestand {name.hex()} wordt genoemd maar ontbreekt in de opslag." for name in lost]
    return {"count": report.blobs, "bytes": report.blob_bytes, "sha256": listing.hexdigest(), "damaged": damaged}


async def _write_blob(archive: zipfile.ZipFile, sha256: str) -> tuple[str, int]:
    hashed, size = hashlib.sha256(), 0
    chunks = storage().open(sha256)
    chunk = await anext(chunks, b"")
    # Stored as it is: documents are compressed already.
    with archive.open(zipfile.ZipInfo(f"blobs/{sha256}"), "w", force_zip64=True) as out:
        while chunk:
            hashed.update(chunk)
            size += len(chunk)
            await asyncio.to_thread(out.write, chunk)
            chunk = await anext(chunks, b"")
    return hashed.hexdigest(), size


# reading back


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    manifest = json.loads(archive.read("manifest.json"))
    if not isinstance(manifest, dict):
        raise ValueError("manifest.json")
    return manifest


def _accept(manifest: dict[str, Any], despite_other_key: bool) -> Report:
    report = Report()
    if manifest["format"] != FORMAT:
        raise BackupRefused(f"Deze back-up heeft indeling {manifest['format']}; deze versie van Poort leest indeling {FORMAT}.")
    ours = {_name(table): [column._meta.db_column_name for column in table._meta.columns] for table in _tables()}
    theirs = {name: about["columns"] for name, about in manifest["tables"].items()}
    if ours != theirs:
        other = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
        raise BackupRefused(
            f"Deze back-up is van een andere versie van Poort (verschil in: {', '.join(other)}). "
            "Zet hem terug met die versie en werk daarna bij."
        )
    if manifest["key"] not in config.settings().key_fingerprints:
        if not despite_other_key:
            raise BackupRefused(
                "Deze back-up hoort bij een andere SECRET_KEY: versleutelde gegevens (zoals de tweede factor) zouden onleesbaar zijn."
            )
        report.warnings.append("Andere SECRET_KEY: wat versleuteld was, is onleesbaar; tweede factoren moeten opnieuw worden ingesteld.")
    return report


async def _require_emptiness() -> None:
    filled = [
        _name(table)
        for table in _tables()
        if table is not Firm and await engine.raw(f'SELECT 1 AS one FROM "{_name(table)}" LIMIT 1')  # noqa: S608
    ]
    if (await Firm.load()).is_set_up:
        filled.append(Firm._meta.tablename)
    if filled:
        raise BackupRefused(f"Deze installatie is niet leeg (er staat iets in: {', '.join(filled)}).")


@contextlib.asynccontextmanager
async def _blobs_back(archive: zipfile.ZipFile, manifest: dict[str, Any], report: Report) -> AsyncIterator[None]:
    """Put the blobs into the storage; those that were not there go again when the rows do not follow."""
    added: list[str] = []
    try:
        listing = hashlib.sha256()
        for info in archive.infolist():
            sha256 = info.filename.removeprefix("blobs/")
            if sha256 != info.filename and sha256 not in manifest["blobs"]["damaged"]:
                listing.update(f"{sha256} {info.file_size}\n".encode())
                await _blob_back(archive, info, sha256, added)
                report.blobs += 1
                report.blob_bytes += info.file_size
        if listing.hexdigest() != manifest["blobs"]["sha256"]:
            raise BackupBroken("Er ontbreken bestanden in de back-up.")
        yield
    except BaseException:
        for sha256 in added:
            await storage().delete(sha256)
        raise


async def _blob_back(archive: zipfile.ZipFile, info: zipfile.ZipInfo, sha256: str, added: list[str]) -> None:
    there = await storage().exists(sha256)
    async with storage().receive() as incoming:
        hashed = hashlib.sha256()
        with archive.open(info) as source:
            while chunk := await asyncio.to_thread(source.read, _CHUNK):
                hashed.update(chunk)
                await incoming.write(chunk)
        if hashed.hexdigest() != sha256:
            raise BackupBroken(f"Het bestand {sha256} in de back-up is beschadigd.")
        await incoming.keep()
    if not there:
        added.append(sha256)


async def _rows_back(archive: zipfile.ZipFile, manifest: dict[str, Any], report: Report) -> None:
    await _require_emptiness()
    await Firm.delete(force=True)
    if engine.is_sqlite():
        await engine.raw("PRAGMA defer_foreign_keys = ON")  # a folder may stand before its parent
    for table in _tables():
        about = manifest["tables"][_name(table)]
        rows = _Rows(archive, table)
        await engine.copy_rows(_name(table), about["columns"], iter(rows))
        if (rows.count, rows.hashed.hexdigest()) != (about["rows"], about["sha256"]):
            raise BackupBroken(f"De tabel {_name(table)} in de back-up is beschadigd.")
        await _go_on_from(table, about["last_id"])
        report.rows[_name(table)] = rows.count
    await _hold_mail(report)


class _Rows:
    """The rows of a table, decoded and hashed while they are read."""

    def __init__(self, archive: zipfile.ZipFile, table: type[Table]) -> None:
        self._archive, self._name = archive, _name(table)
        self._decoders = [_DECODERS.get(column.value_type) for column in table._meta.columns]
        self.count = 0
        self.hashed = hashlib.sha256()

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        with self._archive.open(f"tables/{self._name}.jsonl") as lines:
            for line in lines:
                self.hashed.update(line)
                self.count += 1
                yield tuple(
                    value if value is None or decode is None else decode(value)
                    for decode, value in zip(self._decoders, json.loads(line), strict=True)
                )


async def _hold_mail(report: Report) -> None:
    """Whether mail that was under way has gone out since the backup, nobody knows: it is shown so and never repeated blindly."""
    held = await (
        Errand.update({Errand.state: "unknown", Errand.said: "Teruggezet uit een back-up; misschien is dit bericht al verstuurd."})
        .where(Errand.kind.is_in([kind.value for kind in MAIL_KINDS]) & Errand.state.is_in(["waiting", "claimed", "sending"]))
        .returning(Errand.id)
    )
    if held:
        report.warnings.append(f"Van {len(held)} berichten is onbekend of ze sinds de back-up al zijn verstuurd; zie Beheer > Post.")


# ids are never given twice, also not those of rows that are gone: the trail speaks of them


async def _last_id(table: type[Table]) -> int:
    if engine.is_sqlite():
        rows = await engine.raw("SELECT seq FROM sqlite_sequence WHERE name = $1", _name(table))
        return int(rows[0]["seq"]) if rows else 0
    if (sequence := await _sequence(table)) is None:
        return 0
    row = (await engine.raw(f"SELECT last_value, is_called FROM {sequence}"))[0]  # noqa: S608
    return int(row["last_value"]) if row["is_called"] else 0


async def _go_on_from(table: type[Table], last_id: int) -> None:
    if engine.is_sqlite():
        await engine.raw("DELETE FROM sqlite_sequence WHERE name = $1", _name(table))
        await engine.raw("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)", _name(table), last_id)
    elif (sequence := await _sequence(table)) is not None:
        await engine.raw("SELECT setval($1::text::regclass, $2, $3)", sequence, max(last_id, 1), last_id > 0)


async def _sequence(table: type[Table]) -> str | None:
    key = table._meta.primary_key._meta.db_column_name
    rows = await engine.raw("SELECT pg_get_serial_sequence($1, $2) AS name", f'"{_name(table)}"', key)
    return rows[0]["name"]  # type: ignore[no-any-return]


# tables and values


def _tables() -> list[type[Table]]:
    """Each after those it refers to."""
    return [table for table in sort_table_classes(APP_CONFIG.table_classes) if _name(table) not in _LEFT_OUT]


def _name(table: type[Table]) -> str:
    return table._meta.tablename


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, uuid.UUID | Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    return value


_DECODERS: dict[type, Callable[[Any], Any]] = {
    dt.datetime: dt.datetime.fromisoformat,
    dt.date: dt.date.fromisoformat,
    dt.time: dt.time.fromisoformat,
    uuid.UUID: uuid.UUID,
    Decimal: Decimal,
    bytes: bytes.fromhex,
}
