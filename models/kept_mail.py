"""Messages kept as files under var/mail, where no mail server is set: written whole, and read again for the screen."""

from __future__ import annotations

import contextlib
import email
import email.policy
import os
from pathlib import Path

from models import config


def folder() -> Path:
    return config.settings().var / "mail"


def path_of(errand: int) -> Path:
    return folder() / f"{errand:07}.eml"


def keep(errand: int, message: bytes) -> None:
    """Write it, whole or not at all; the same errand's earlier file is replaced. Blocks: call it on a thread."""
    folder().mkdir(parents=True, exist_ok=True)
    fresh = folder() / f".{errand}.{os.getpid()}"
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(message)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path_of(errand))
    except BaseException:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise


def text_of(errand: int) -> str | None:
    """The plain text of a kept message, or None when there is no such file. Blocks."""
    try:
        raw = path_of(errand).read_bytes()
    except FileNotFoundError:
        return None
    part = email.message_from_bytes(raw, policy=email.policy.default).get_body(("plain",))
    return str(part.get_content()) if part is not None else ""
