"""Where words stand in a name or a text: the letters around them, in pieces of which some are hits. Never markup."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from models.finding.question import Group
from models.texts.words import plain

AROUND = 90  # letters of a text on either side of the first hit
_DOUBLE = (("ae", "(?:ae|æ)"), ("oe", "(?:oe|œ)"), ("ss", "(?:ss|ß)"))


class Piece(NamedTuple):
    text: str
    is_hit: bool


def pattern_of(groups: Sequence[Group]) -> re.Pattern[str] | None:
    """Finds the words of the groups in a plain text (see `plain`)."""
    parts = []
    for group in groups:
        words = r"[\W_]{1,3}".join(map(_letters, group.words))
        parts.append(words + (r"[^\W_]*" if group.begins else r"(?![^\W_])"))
        parts += [_letters(like) + r"(?![^\W_])" for like in group.likes]
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(parts)})") if parts else None


def marked(text: str, pattern: re.Pattern[str] | None) -> list[Piece]:
    """The whole text."""
    return _pieces(text, plain(text), pattern, 0, len(text))


def snippet(text: str, pattern: re.Pattern[str] | None) -> tuple[list[Piece], int]:
    """The neighbourhood of the first hit, and the page it is on (from 1). Without a hit ([], 0)."""
    if pattern is None:
        return [], 0
    folded = plain(text)
    found = _best(folded, pattern)
    if found is None:
        return [], 0
    start, end = _widened(text, found.start(), found.end())
    pieces = _pieces(text, folded, pattern, start, end)
    if start and text[start - 1] != "\f":
        pieces.insert(0, Piece("… ", False))
    if end < len(text) and text[end] != "\f":
        pieces.append(Piece(" …", False))
    return pieces, text.count("\f", 0, found.start()) + 1


def hits_in(pieces: Sequence[Piece]) -> list[str]:
    return [piece.text for piece in pieces if piece.is_hit]


def _best(folded: str, pattern: re.Pattern[str]) -> re.Match[str] | None:
    """Of the first hits, the one that has most different others near."""
    best, most = None, 0
    for number, found in enumerate(pattern.finditer(folded)):
        if number == 20:
            break
        near = folded[max(0, found.start() - AROUND) : found.end() + AROUND]
        count = len({one[:6] for one in pattern.findall(near)})
        if count > most:
            best, most = found, count
    return best


def _widened(text: str, start: int, end: int) -> tuple[int, int]:
    """To whole words, within the page."""
    first = max(start - AROUND, text.rfind("\f", 0, start) + 1, 0)
    page_end = text.find("\f", end)
    last = min(end + AROUND, page_end if page_end >= 0 else len(text))
    if first and text[first - 1] not in " \f":
        space = text.find(" ", first, start)
        first = space + 1 if space >= 0 else first
    if last < len(text) and text[last] not in " \f":
        space = text.rfind(" ", end, last)
        last = space if space > end else last
    return first, last


def _pieces(text: str, folded: str, pattern: re.Pattern[str] | None, start: int, end: int) -> list[Piece]:
    pieces, at = [], start
    for found in pattern.finditer(folded, start, end) if pattern else ():
        if found.start() > at:
            pieces.append(Piece(text[at : found.start()], False))
        pieces.append(Piece(text[found.start() : found.end()], True))
        at = found.end()
    if at < end:
        pieces.append(Piece(text[at:end], False))
    return pieces


def _letters(word: str) -> str:
    said = re.escape(word)
    for plain_letters, either in _DOUBLE:
        said = said.replace(plain_letters, either)
    return said
