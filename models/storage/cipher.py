"""How a file is encrypted: in chunks, each of which is authenticated with its place, so that any part can be read alone and
what was changed, swapped, moved or cut off is noticed.

    header   7 bytes POORT, NUL, 1 (the version) · 1 byte 18 (chunks of 2^18 bytes) · 8 bytes name of the key · 16 bytes salt
    chunks   AES-256-GCM of up to 256 KiB, each with its tag of 16 bytes

The key of a file is HKDF-SHA256 of the installation's key with the salt; the nonce of a chunk is its number (8 bytes) and
whether it is the last (4 bytes). Header, number and last-mark are authenticated with every chunk, and with the last one the
SHA-256 of the whole, which is the name of the file: a whole file under another's name does not open. There is always a last
chunk, of an empty file an empty one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from models.storage.base import StorageDown

_MAGIC = b"POORT\x00\x01\x12"
CHUNK = 1 << 18
TAG = 16
HEADER = 32


class Damaged(StorageDown):
    """The bytes are not those that were written, or not all of them."""

    def __init__(
        self, said: str = "Een bestand in de opslag is beschadigd of gewijzigd: het past niet bij zijn versleuteling."
    ) -> None:
        super().__init__(said)


class KeyMissing(StorageDown):
    """It was encrypted with a key that FILES_KEY does not have."""

    def __init__(self, name: bytes = b"") -> None:
        which = f" (sleutel {name.hex()})" if name else ""
        super().__init__(
            f"De opslag heeft versleutelde bestanden die met FILES_KEY niet te openen zijn{which}. Zet de juiste sleutel erbij."
        )


@dataclass(frozen=True)
class Key:
    """`name` (8 bytes) tells keys apart without giving them away."""

    name: bytes
    secret: bytes

    @classmethod
    def of(cls, text: str) -> Key:
        secret = hashlib.sha256(b"poort files key:" + text.encode()).digest()
        return cls(hashlib.sha256(b"poort files key name:" + text.encode()).digest()[:8], secret)


class Sealer:
    """Encrypts one file while it comes in. Not for two threads at once."""

    def __init__(self, key: Key) -> None:
        self._header = _MAGIC + key.name + os.urandom(16)
        self._cipher = _cipher(key, self._header)
        self._waiting = bytearray()
        self._begun = False
        self._number = 0

    def feed(self, data: bytes) -> bytes:
        """What can be written by now: the chunk that may turn out to be the last waits."""
        self._waiting += data
        out = [] if self._begun else [self._header]
        self._begun = True
        at = 0
        while len(self._waiting) - at > CHUNK:
            out.append(self._chunk(bytes(self._waiting[at : at + CHUNK]), b""))
            at += CHUNK
        del self._waiting[:at]
        return b"".join(out)

    def finish(self, digest: bytes) -> bytes:
        """The rest; `digest` is the SHA-256 of all that was fed."""
        return self.feed(b"") + self._chunk(bytes(self._waiting), digest)

    def _chunk(self, data: bytes, digest: bytes) -> bytes:
        sealed = self._cipher.encrypt(_nonce(self._number, bool(digest)), data, self._header + digest)
        self._number += 1
        return sealed


class Opener:
    """Decrypts chunks of the file that has this header and name."""

    def __init__(self, header: bytes, sha256: str, keys: Sequence[Key]) -> None:
        if len(header) != HEADER or not header.startswith(_MAGIC):
            raise Damaged
        key = next((key for key in keys if key.name == key_of(header)), None)
        if key is None:
            raise KeyMissing(key_of(header))
        self._header, self._digest = header, bytes.fromhex(sha256)
        self._cipher = _cipher(key, header)

    def open(self, data: bytes, first: int, last: int) -> bytes:
        """Whole chunks one after the other, of which the first has number `first`; `last` is the number of the file's last."""
        out = []
        for number, at in enumerate(range(0, len(data), CHUNK + TAG), first):
            is_last = number == last
            try:
                out.append(
                    self._cipher.decrypt(
                        _nonce(number, is_last),
                        data[at : at + CHUNK + TAG],
                        self._header + (self._digest if is_last else b""),
                    )
                )
            except (InvalidTag, ValueError) as error:
                raise Damaged from error
        return b"".join(out)


def key_of(header: bytes) -> bytes:
    return header[8:16]


def sizes(sealed: int) -> tuple[int, int]:
    """Of a file that takes so many bytes encrypted: its own size, and the number of its last chunk. Raises Damaged."""
    body = sealed - HEADER
    chunks = -(-body // (CHUNK + TAG))
    if body < TAG or body - (chunks - 1) * (CHUNK + TAG) < TAG:
        raise Damaged
    return body - chunks * TAG, chunks - 1


def place_of(number: int) -> int:
    """Where a chunk begins."""
    return HEADER + number * (CHUNK + TAG)


def _cipher(key: Key, header: bytes) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=header[16:], info=b"poort file 1").derive(key.secret))


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(8, "big") + int(is_last).to_bytes(4, "big")
