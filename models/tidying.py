"""What nobody needs any more: expired sessions, drafts and throttles, and bytes in the storage that no record refers to."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence

from models import drawing, engine, sign_ins, throttling
from models.placing.lists import forget_placings
from models.security_policy import end_overlong
from models.settings import utcnow
from models.storage import storage

# Every column that names a blob. A blob that stands in none of them is removed some hours after it came.
BLOBS = (
    ("document", "sha256"),
    ("document_version", "sha256"),
    ("import_batch", "sha256"),
    ("dossier_export", "sha256"),
    ("dossier_import", "sha256"),
    ("upload", "blob"),
    ("approval_document", "blob"),
    ("approval_former_part", "blob"),
    ("approval_seal", "sha256"),
    ("placement_source", "sha256"),
    ("placement_file", "sha256"),
    ("firm", "logo"),
    ("office", "logo"),
    ("users", "photo"),
    ("letter_batch", "stored"),
)

_SESSION_KEPT = dt.timedelta(days=35)  # after its end: a form typed in it can be given back, four weeks are drawn
_HOUR = dt.timedelta(hours=1)
_IMPORT_ROWS_KEPT = dt.timedelta(days=90)  # as long as an import can be taken back
_ARCHIVES_KEPT = dt.timedelta(days=30)  # of dossiers that came in; what was made of them stays
_BLOB_AGE = dt.timedelta(hours=6)


async def forget_expired() -> None:
    """Rows that have served; each statement on its own, so that nobody waits long."""
    now = utcnow()
    for sql, moment in (
        ("DELETE FROM session WHERE ended_at < $1 OR expires_at < $1", now - _SESSION_KEPT),
        ("DELETE FROM draft WHERE created_at < $1", now - _HOUR),
        ("DELETE FROM sign_in WHERE at < $1", now - sign_ins.KEPT),
        ("DELETE FROM trusted_device WHERE expires_at < $1", now),
        ("DELETE FROM throttle WHERE since < $1", now - throttling.DAY - _HOUR),
        ("UPDATE dossier_export SET state = 'gone', sha256 = '' WHERE state = 'ready' AND expires_at < $1", now),
        ("UPDATE dossier_import SET sha256 = '' WHERE coalesce(finished_at, at) < $1", now - _ARCHIVES_KEPT),
        (
            "DELETE FROM import_row WHERE batch IN (SELECT id FROM import_batch WHERE coalesce(committed_at, created_at) < $1)",
            now - _IMPORT_ROWS_KEPT,
        ),
    ):
        await engine.raw(sql, moment)
    await engine.run_writing(end_overlong)
    await engine.run_writing(lambda: forget_placings(now))
    await asyncio.to_thread(drawing.forget_old)


async def sweep_storage(older_than: dt.timedelta = _BLOB_AGE) -> int:
    """Remove unreferenced blobs; how many."""
    return (await storage().sweep(referenced, older_than)).blobs


async def referenced(hashes: Sequence[str]) -> set[str]:
    """Those of the hashes that a record refers to."""
    if not hashes:
        return set()
    places = ", ".join(f"${n}" for n in range(1, len(hashes) + 1))
    parts = [f"SELECT {column} AS sha256 FROM {table} WHERE {column} IN ({places})" for table, column in BLOBS]
    return {row["sha256"] for row in await engine.raw(" UNION ".join(parts), *hashes)}
