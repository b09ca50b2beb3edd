"""Writing the installation into one file."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import os
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from piccolo.table import Table

from models import config, engine
from models.backup.archive import FORMAT, BackupRefused, Report, last_id_of, name_of, plain, tables
from models.storage import Damaged, Missing, StorageDown, storage
from models.tidying import BLOBS

_PAGE = 1000  # rows at a time
_PASSING = (
    "SELECT stored FROM letter_batch WHERE stored <> ''"  # what lives a day at most: a backup would keep it for years
)


async def backup(file: Path) -> Report:
    """Write the installation to `file`, which appears only when it is whole.

    Raises:
        BackupRefused: the file exists already, or cannot be written.
    """
    if file.exists():  # noqa: ASYNC240
        raise BackupRefused(f"{file} bestaat al; kies een andere naam.")
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        report = await _write(partial)
        partial.rename(file)
    except OSError as error:
        raise BackupRefused(f"{file} kan niet worden geschreven ({error.strerror}).") from error
    except StorageDown as error:
        raise BackupRefused(str(error)) from error
    finally:
        partial.unlink(missing_ok=True)
    return report


async def _write(path: Path) -> Report:
    report, about_tables = Report(), {}
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            referred: set[bytes] = set()
            async with engine.reading():
                passing = {row["stored"] for row in await engine.raw(_PASSING)}
                for table in tables():
                    about_tables[name_of(table)] = about = await _write_table(archive, table, referred)
                    report.rows[name_of(table)] = about["rows"]
            blobs = await _write_blobs(archive, referred, report, passing)
            keys = config.settings()
            manifest = {
                "format": FORMAT,
                "made_at": dt.datetime.now(dt.UTC).isoformat(),
                "key": keys.key_fingerprint,
                "tables": about_tables,
                "blobs": blobs,
            }
            archive.writestr("manifest.json", json.dumps(manifest, indent=1))
        file.flush()
        await asyncio.to_thread(os.fsync, file.fileno())
    if keys.files_keys:
        report.warnings.append(
            "De documenten staan in dit bestand ONVERSLEUTELD, ook al is FILES_KEY gezet. Bewaar het op een versleutelde schijf."
        )
    report.warnings.append("SECRET_KEY zit er niet in. Bewaar hem apart: zonder hem is wat versleuteld is onleesbaar.")
    return report


async def _write_table(archive: zipfile.ZipFile, table: type[Table], referred: set[bytes]) -> dict[str, Any]:
    hashed, rows = hashlib.sha256(), 0
    names = [column._meta.db_column_name for column in table._meta.columns]
    holders = [column for of, column in BLOBS if of == name_of(table)]  # other hashes may outlive their bytes
    with archive.open(f"tables/{name_of(table)}.jsonl", "w", force_zip64=True) as out:
        async for page in _pages(table):
            lines = b"".join(_line([row[name] for name in names]) for row in page)
            hashed.update(lines)
            out.write(lines)
            rows += len(page)
            referred.update(bytes.fromhex(row[name]) for row in page for name in holders if row[name])
    return {"columns": names, "rows": rows, "sha256": hashed.hexdigest(), "last_id": await last_id_of(table)}


def _line(values: list[Any]) -> bytes:
    return json.dumps([plain(value) for value in values], ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


async def _pages(table: type[Table]) -> AsyncIterator[list[dict[str, Any]]]:
    key = table._meta.primary_key._meta.db_column_name
    select = f'SELECT * FROM "{name_of(table)}"'
    order = f' ORDER BY "{key}" LIMIT {_PAGE}'
    page = await engine.raw(select + order)
    while page:
        yield page
        page = await engine.raw(f'{select} WHERE "{key}" > $1{order}', page[-1][key])


async def _write_blobs(
    archive: zipfile.ZipFile, referred: set[bytes], report: Report, passing: set[str]
) -> dict[str, Any]:
    listing, damaged = hashlib.sha256(), []
    referred -= {bytes.fromhex(sha256) for sha256 in passing}
    async for sha256, _, _ in storage().all():
        if sha256 in passing:
            continue
        try:
            actual, size = await _write_blob(archive, sha256)
        except Missing:  # swept meanwhile
            continue
        except Damaged:  # its encryption says so; restoring leaves out what was written of it
            actual, size = "", 0
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
