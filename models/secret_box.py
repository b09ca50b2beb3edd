"""Encrypting small secrets at rest with SECRET_KEY: the first key writes, all keys read."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from models import config


def _box() -> MultiFernet:
    keys = [hashlib.sha256(b"poort secret box:" + key.encode()).digest() for key in config.settings().secret_keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])


def encrypt(text: str) -> str:
    return _box().encrypt(text.encode()).decode()


def decrypt(sealed: str) -> str:
    """Raises ValueError when no key of SECRET_KEY fits."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise ValueError("no key in SECRET_KEY opens this secret") from error
