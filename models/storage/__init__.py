"""Where bytes live: by their SHA-256, in a folder or an S3-compatible store, streamed and never whole in memory."""

from __future__ import annotations

from urllib.parse import unquote

from models import config
from models.storage.base import Incoming, Missing, Storage, StorageDown, StorageFull, Stored, Swept, TooLarge
from models.storage.folder import FolderStorage
from models.storage.partial import Locked, Partial
from models.storage.s3 import S3Storage

__all__ = [
    "Incoming",
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

_open: dict[str, Storage] = {}


def open_storage(url: str) -> Storage:
    """The store at `file:///folder` or `s3://bucket?endpoint=…&region=…`."""
    if url.startswith("s3://"):
        return S3Storage(url)
    return FolderStorage(unquote(url.removeprefix("file://")))


def storage() -> Storage:
    """The store of the settings."""
    url = config.settings().storage_url
    if url not in _open:
        _open[url] = open_storage(url)
    return _open[url]


def reset() -> None:
    """Forget the open stores; for tests."""
    _open.clear()
