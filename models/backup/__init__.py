"""One file that holds an installation: the rows of one moment, and the bytes they refer to; readable by both databases.

A zip: `tables/<name>.jsonl` with a JSON array per row, `blobs/<sha256>`, and `manifest.json`, written last, with the
counts and hashes of all that. The rows go first and in one reading unit; blobs never change, so they may follow at
leisure.
Sessions, trusted browsers, throttles and live topics are left out: people sign in again. SECRET_KEY and the other settings of the
environment are not in it.
"""

from __future__ import annotations

from models.backup.archive import BackupBroken, BackupRefused, Report
from models.backup.restoring import restore
from models.backup.writing import backup

__all__ = ["BackupBroken", "BackupRefused", "Report", "backup", "restore"]
