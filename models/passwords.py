"""Passwords: which are refused, and hashing by argon2id in a thread, outside every unit of work."""

from __future__ import annotations

import asyncio
import functools
import itertools
from pathlib import Path

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from models.core import Refused, Say, fold

LEAST = 12
MOST = 256
_hasher = PasswordHash((Argon2Hasher(),))  # argon2id with the library's defaults: 64 MiB, 3 passes
# Of a password that nobody has; same parameters, or its check would take another time (a test compares them).
_NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$OHC0R4imTpqSZZ99OqNdfA$DsPW7t9Le7rjPvM32XXn88hlruWj73WNP2rZeenfdoE"
_places: dict[int, asyncio.Semaphore] = {}


@functools.cache
def _common() -> frozenset[str]:
    lines = (Path(__file__).parent / "common_passwords.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def check(password: str, *known: str, least: int = LEAST) -> None:
    """Refuse what is too short, or what a stranger would try first; `known` are names and addresses of the person."""
    if len(password) < least:
        raise Refused("password", Say("Kies een wachtwoord van ten minste {least} tekens.", least=least))
    if len(password) > MOST:
        raise Refused("password", Say("Een wachtwoord telt hoogstens {most} tekens.", most=MOST))
    plain = fold(password).replace(" ", "")
    if _is_guessable(plain):
        raise Refused(
            "password",
            Say("Dit wachtwoord staat op de lijst van veelgebruikte wachtwoorden. Kies iets wat niemand raadt."),
        )
    parts = [
        part for name in known for part in fold(name).replace("@", " ").replace(".", " ").split() if len(part) >= 4
    ]
    rest = plain
    for part in parts:
        rest = rest.replace(part, "")
    if len(rest) < 6 and rest != plain:
        raise Refused("password", Say("Dit wachtwoord lijkt te veel op uw naam of e-mailadres."))


def _is_guessable(plain: str) -> bool:
    letters = plain.strip("0123456789!?.@#-_")
    if plain in _common() or letters in _common() or (letters and len(letters) < 4):
        return True
    if len(set(plain)) <= 3 or any(plain == plain[:n] * (len(plain) // n) for n in range(1, 5) if len(plain) % n == 0):
        return True
    steps = [ord(b) - ord(a) for a, b in itertools.pairwise(plain)]
    return sum(step in (1, -1, 0) for step in steps) > 0.8 * len(steps)


async def hash_password(password: str) -> str:
    async with _place():
        return await asyncio.to_thread(_hasher.hash, password)


async def verify(password: str, hashed: str) -> bool:
    """Whether the password fits. Without a hash it takes as long, so that nobody learns whether the account exists."""
    async with _place():
        if not hashed:
            await asyncio.to_thread(_hasher.verify, password[:MOST], _NOBODYS)
            return False
        return await asyncio.to_thread(_hasher.verify, password[:MOST], hashed)


def _place() -> asyncio.Semaphore:
    """At most four at once in a process: each takes 64 MiB."""
    return _places.setdefault(id(asyncio.get_running_loop()), asyncio.Semaphore(4))
