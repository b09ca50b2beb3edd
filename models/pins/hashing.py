"""What the database keeps of a PIN or a code: argon2id over a digest under a key that is not in the database.

Six digits are a million possibilities: whoever has the hash and can compute it finds the PIN in hours, whichever hash it is and
however dear. So the hash is not what protects them. The key is: it is derived from SECRET_KEY, which stands in no database and
no backup, and without it there is nothing to compute. argon2id makes it dearer still for who has both; its price is chosen for
the office, which makes 5,000 letters in under a minute on two cores, also while these do other work: so no more than 10 ms a PIN.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from typing import TypeVar

from argon2 import exceptions, low_level

from models import config

T = TypeVar("T")

DIGITS = 6
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing that looks like something else
CODES, CODE_LENGTH = 24, 6  # 29 bits each, of which five may be tried

# passes and KiB: 6 to 10 ms of a core for a PIN; for a code a third of one, so that a list of them costs no more than one PIN.
_PRICES = {"pin": (2, 6144), "codes": (1, 512)}
_HASH, _SALT = 32, 16  # bytes
_places: dict[int, asyncio.Semaphore] = {}


def new_pin() -> str:
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


def new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def typed(text: str, kind: str) -> str:
    """As it was made, of what somebody typed: spaces and dashes do not count, and capitals neither."""
    kept = "".join(ch for ch in text.upper() if ch.isalnum())[:40]
    fits = len(kept) == DIGITS and kept.isascii() and kept.isdecimal() if kind == "pin" else len(kept) == CODE_LENGTH
    return kept if fits else ""


def fingerprint() -> str:
    """Of the key that writes."""
    return config.settings().key_fingerprint


def make(clear: str, kind: str, person: int, number: int = 0) -> str:
    """The hash, under the key that writes. Takes its time: call it in a thread."""
    passes, memory = _PRICES[kind]
    digest = _under(config.settings().secret_keys[0], clear, kind, person, number)
    return low_level.hash_secret(
        digest, os.urandom(_SALT), passes, memory, 1, _HASH, low_level.Type.ID
    ).decode()  # fmt: skip


def fits(clear: str, hashed: str, key: str, kind: str, person: int, number: int = 0) -> bool | None:
    """Whether it is the one; None where the key under which it was made is no longer in SECRET_KEY. In a thread."""
    keys = dict(zip(config.settings().key_fingerprints, config.settings().secret_keys, strict=True))
    if key not in keys:
        return None
    try:
        return low_level.verify_secret(
            hashed.encode(), _under(keys[key], clear, kind, person, number), low_level.Type.ID
        )  # fmt: skip
    except (exceptions.VerificationError, exceptions.InvalidHashError):
        return False


def _under(secret_key: str, clear: str, kind: str, person: int, number: int) -> bytes:
    """Bound to whose it is: the hash of one's own PIN, copied to somebody else's row, fits nothing there."""
    key = hmac.digest(secret_key.encode(), b"poort pins", hashlib.sha256)
    return hmac.digest(key, f"{kind} {person} {number} {clear}".encode(), hashlib.sha256)


async def in_thread(work: Callable[[], T]) -> T:
    """As many at once as there are cores: more would only wait for each other, each with its memory."""
    place = _places.setdefault(id(asyncio.get_running_loop()), asyncio.Semaphore(os.cpu_count() or 2))
    async with place:
        return await asyncio.to_thread(work)
