"""What a word is, for who searches and for what is searched: folded letters and figures; and its Dutch stem."""

from __future__ import annotations

import functools
import re
import threading
from typing import Any

from models import engine
from models.core import fold

LONGEST = 40  # letters of a word; longer ones are cut
_WORD = re.compile(r"[^\W_]+")
_TURN = threading.Lock()
_HARDENED = {"v": "f", "z": "s"}  # brieven: brief; huizen: huis; and polissen: polis


def words_of(text: str) -> list[str]:
    """The words of a text in their order, folded: 'Café-ÉÉN_2024.pdf' -> cafe, een, 2024, pdf."""
    return [word[:LONGEST] for word in _WORD.findall(fold(text))]


def can_be_learnt(word: str) -> bool:
    """Whether other forms of it can be meant: not of numbers, and not of what no language has."""
    return 3 <= len(word) <= LONGEST and word.isalpha()


@functools.lru_cache(200_000)
def stem(word: str) -> str:
    """Of a folded word: what its other forms begin with, by the rules of Dutch ('jaarrekeningen' and 'jaarrekening' are one)."""
    with _TURN:  # a stemmer keeps the word that it is at
        found = str(_stemmer().stemWord(word))[:LONGEST] if can_be_learnt(word) else word
    if found[-1:] in _HARDENED:
        return found[:-1] + _HARDENED[found[-1]]
    return found[:-1] if len(found) > 4 and found.endswith("ss") else found


@functools.cache
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("dutch_porter")  # the one that Postgres calls dutch


def texts_in(n: int) -> str:
    """The texts in argument `n`, a JSON list, as a subquery: one argument, however many there are."""
    if engine.is_sqlite():
        return f"(SELECT value FROM json_each(${n}))"
    return f"(SELECT value FROM json_array_elements_text(CAST(${n} AS json)))"


def plain(text: str) -> str:
    """As `fold`, letter by letter, so that places in it are places in the text (which was tidied: its accents are not apart)."""
    low = text.lower()
    return (low if len(low) == len(text) else text).translate(_PLAIN)


def _table() -> dict[int, str]:
    found = {}
    for number in range(0xC0, 0x250):
        letter = fold(chr(number))
        if len(letter) == 1:
            found[number] = letter
    return found


_PLAIN = _table()
