"""Where bytes live: by their SHA-256, in a folder or an S3-compatible store, streamed and never whole in memory."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from models import config
from models.storage.base import Incoming, Missing, Storage, StorageDown, StorageFull, Stored, Swept, TooLarge
from models.storage.cipher import Damaged, Key, KeyMissing
from models.storage.encrypted import EncryptedStorage
from models.storage.folder import FolderStorage
from models.storage.partial import Locked, Partial
from models.storage.s3 import S3Storage

__all__ = [
    "Damaged",
    "EncryptedStorage",
    "Incoming",
    "KeyMissing",
    "Locked",
    "Missing",
    "Partial",
    "Storage",
    "StorageDown",
    "StorageFull",
    "Stored",
    "Swept",
    "TooLarge",
    "open_storage",
    "reset",
    "storage",
]

_open: dict[tuple[str, tuple[str, ...]], EncryptedStorage] = {}


def open_storage(url: str, keys: Sequence[str] | None = None) -> Storage:
    """The store at `file:///folder` or `s3://bucket?endpoint=…`; with `keys` one that encrypts, with the first of them, and
    without any still says of what is encrypted that it is."""
    if keys is None:
        return S3Storage(url) if url.startswith("s3://") else FolderStorage(_folder(url))
    known = [Key.of(text) for text in keys]
    first = known[0] if known else None
    sealed: Storage = (
        S3Storage(url, first, "sealed/") if url.startswith("s3://") else FolderStorage(_folder(url) / "sealed", first)
    )
    return EncryptedStorage(open_storage(url), sealed, known)


def _folder(url: str) -> Path:
    return Path(unquote(url.removeprefix("file://")))


def storage() -> EncryptedStorage:
    """The store of the settings."""
    settings = config.settings()
    which = settings.storage_url, settings.files_keys
    if which not in _open:
        made = open_storage(*which)
        assert isinstance(made, EncryptedStorage)
        _open[which] = made
    return _open[which]


async def stop_on_wrong_key() -> None:
    """For entry points: when files are encrypted with a key that is not set, say so and end with status 2. A store that does
    not answer now may do so later."""
    try:
        await storage().require_keys()
    except (Damaged, KeyMissing) as error:
        print(f"Poort start niet: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except (StorageDown, StorageFull):
        pass


def reset() -> None:
    """Forget the open stores; for tests."""
    _open.clear()
