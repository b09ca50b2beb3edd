"""What stands on a letter, before it is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class TooLong(Exception):
    """The text does not fit on the page, also not in the smallest letters."""


@dataclass(frozen=True)
class Head:
    """The office as its paper shows it. `ink` is its colour, dark enough for text; `logo` a picture's bytes or b''."""

    name: str
    lines: tuple[str, ...] = ()
    ink: str = "#1f5c4d"
    logo: bytes = b""


class Activation(NamedTuple):
    code: str
    url: str
    typed_at: str
    until: str


@dataclass(frozen=True)
class Letter:
    """All that one page says. `secrets`: one PIN, or the codes in the order of their numbers."""

    address: tuple[str, ...]
    dated: str
    subject: str
    body: str
    secrets: tuple[str, ...] = field(repr=False)
    kind: str = "pin"
    language: str = "nl"
    reference: str = ""
    head: int = 0
    activation: Activation | None = field(default=None, repr=False)
    sample: bool = False
