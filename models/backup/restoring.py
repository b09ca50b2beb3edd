"""Filling an empty installation from the file."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from piccolo.table import Table

from models import config, engine
from models.backup.archive import DECODERS, FORMAT, BackupBroken, BackupRefused, Report, go_on_from, name_of, tables
from models.migrate import migrate
from models.outbox import MAIL_KINDS, Errand
from models.settings import Firm
from models.storage import storage

_CHUNK = 1 << 20
_CONTRADICTIONS = (engine.is_foreign_key_violation, engine.is_unique_violation, engine.is_check_violation)


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
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError, TypeError, zlib.error) as error:
        raise BackupBroken(f"{file} is geen back-up, of is beschadigd of afgebroken ({error}).") from error
    except Exception as error:
        if any(means(error) for means in _CONTRADICTIONS):
            raise BackupBroken(f"De rijen in {file} kloppen niet met elkaar ({error}).") from error
        raise


def _manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    manifest = json.loads(archive.read("manifest.json"))
    if not isinstance(manifest, dict):
        raise ValueError("manifest.json")
    return manifest


def _accept(manifest: dict[str, Any], despite_other_key: bool) -> Report:
    report = Report()
    if manifest["format"] != FORMAT:
        raise BackupRefused(f"Deze back-up heeft indeling {manifest['format']}; deze versie leest indeling {FORMAT}.")
    ours = {name_of(table): [column._meta.db_column_name for column in table._meta.columns] for table in tables()}
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
                "Deze back-up hoort bij een andere SECRET_KEY: versleutelde gegevens zouden onleesbaar zijn."
            )
        report.warnings.append("Andere SECRET_KEY: wat versleuteld is, is onleesbaar; stel tweede factoren opnieuw in.")
    return report


async def _require_emptiness() -> None:
    filled = [
        name_of(table)
        for table in tables()
        if table is not Firm
        and not is_seeded(table)
        and await engine.raw(f'SELECT 1 AS one FROM "{name_of(table)}" LIMIT 1')
    ]
    if (await Firm.load()).is_set_up:
        filled.append(Firm._meta.tablename)
    if filled:
        raise BackupRefused(f"Deze installatie is niet leeg (er staat iets in: {', '.join(filled)}).")


def is_seeded(table: type[Table]) -> bool:
    """Whether an empty installation has rows of it already."""
    return bool(getattr(table, "IS_SEEDED", False))


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
    seeded: list[type[Table]] = [Firm, *filter(is_seeded, tables())]
    for table in seeded:
        await table.delete(force=True)
    if engine.is_sqlite():
        await engine.raw("PRAGMA defer_foreign_keys = ON")  # a folder may stand before its parent
    opened = await _open_gates()
    for table in tables():
        about = manifest["tables"][name_of(table)]
        rows = _Rows(archive, table)
        await engine.copy_rows(name_of(table), about["columns"], iter(rows))
        if (rows.count, rows.hashed.hexdigest()) != (about["rows"], about["sha256"]):
            raise BackupBroken(f"De tabel {name_of(table)} in de back-up is beschadigd.")
        await go_on_from(table, about["last_id"])
        report.rows[name_of(table)] = rows.count
    for statement in opened:
        await engine.raw(statement)
    await _hold_mail(report)


async def _open_gates() -> list[str]:
    """Triggers that look at a row before it comes in stand aside: what is put back is in the state in which it was, where a new
    one would begin at the beginning. The statements that set them up again."""
    if engine.is_sqlite():
        found = await engine.raw(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND upper(sql) LIKE '%BEFORE INSERT ON%'"
        )
        for row in found:
            await engine.raw(f'DROP TRIGGER "{row["name"]}"')
        return [row["sql"] for row in found]
    found = await engine.raw(
        "SELECT t.tgname AS name, c.relname AS place FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal AND n.nspname = current_schema() "
        "AND t.tgtype & 2 <> 0 AND t.tgtype & 4 <> 0"
    )
    for row in found:
        await engine.raw(f'ALTER TABLE "{row["place"]}" DISABLE TRIGGER "{row["name"]}"')
    return [f'ALTER TABLE "{row["place"]}" ENABLE TRIGGER "{row["name"]}"' for row in found]


class _Rows:
    """The rows of a table, decoded and hashed while they are read."""

    def __init__(self, archive: zipfile.ZipFile, table: type[Table]) -> None:
        self._archive, self._name = archive, name_of(table)
        self._decoders = [DECODERS.get(column.value_type) for column in table._meta.columns]
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
    """Whether mail that was under way has gone out since, nobody knows: it is shown so and never repeated blindly."""
    is_mail = Errand.kind.is_in([kind.value for kind in MAIL_KINDS])
    fate: dict[Any, Any] = {
        Errand.state: "unknown",
        Errand.said: "Teruggezet uit een back-up; misschien is dit bericht al verstuurd.",
    }
    under_way = is_mail & Errand.state.is_in(["waiting", "claimed", "sending"])
    if held := await Errand.update(fate).where(under_way).returning(Errand.id):
        report.warnings.append(
            f"Van {len(held)} berichten is onbekend of ze sinds de back-up zijn verstuurd; zie Beheer > Post."
        )
