"""What somebody proved himself with when he approved: made by `pins.prove`, counted here."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple, Protocol

from models.pins.means import LEVELS
from models.settings import utcnow

FRESH = dt.timedelta(minutes=5)  # between proving and approving lies one request


class Proven(Protocol):
    """What `pins.Proof` is: a level of LEVELS, and what goes on the record ("pin", "code 7", "totp", "passkey …")."""

    @property
    def level(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def at(self) -> dt.datetime: ...


class Proof(NamedTuple):
    level: str
    method: str
    at: dt.datetime


def counts(proof: Proven, least: str) -> bool:
    """Whether it is of at least this level, and of this moment."""
    fresh = utcnow() - FRESH <= proof.at <= utcnow() + FRESH
    return fresh and proof.level in LEVELS and LEVELS.index(proof.level) >= LEVELS.index(least)
