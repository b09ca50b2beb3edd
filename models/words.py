"""Looking for words in the keys that clients and people are found by: through an index, on both databases.

A word counts wherever it stands in a key ("bakker" finds a banketbakkerij), one of two letters where a word begins. SQLite keeps the keys' trigrams in an FTS5
table beside them, Postgres in a GIN index over an array; both say which rows can hold the word, LIKE or the phrase decides.
One slip of the finger in a word (a letter too many, too few, wrong, or two that changed places) is found by asking an index of
whole words for every word one slip away: a few hundred exact look-ups, a few milliseconds.
"""

from __future__ import annotations

import json
import re
from typing import Any

from models import engine
from models.people import natural, search_words
from models.search_ddl import TABLES, phone_sql

Condition = tuple[str, tuple[Any, ...]]

_GRAM = 3  # two letters have a trigram with the space before them; one letter is sought by reading the keys
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_MOST_SLIPS = 5  # words that stand in for one that was typed
_DIGITS_ONLY = re.compile(r"[\d\s+().-]+")


def escaped(word: str) -> str:
    """For LIKE … ESCAPE '!'."""
    return word.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def holding(table: str, question: str) -> list[Condition]:
    """SQL over the table, with `{}` for each argument: every word of the question is in the row's key, or it is his number."""
    words = search_words(question.replace("\x00", ""))
    return _or_number(table, question, [any_of(table, (word,)) for word in words]) if words else []


def any_of(table: str, words: tuple[str, ...]) -> Condition:
    """One of these words is somewhere in the key."""
    sought = [f" {word}" if len(word) == _GRAM - 1 else word for word in words]
    long, short = [word for word in sought if len(word) >= _GRAM], [word for word in sought if len(word) < _GRAM]
    parts: list[Condition] = [(f"{table}.search_key LIKE {{}} ESCAPE '!'", (f"%{escaped(word)}%",)) for word in short]
    if long and engine.is_sqlite():
        asked = " OR ".join(_quoted(word) for word in long)
        parts.append((f"{table}.id IN (SELECT g.rowid FROM {table}_grams g WHERE {table}_grams MATCH {{}})", (asked,)))
    elif long:
        # Both are said of the same row: the index finds by the trigrams, the key decides.
        parts += [
            (f"(grams({table}.search_key) @> {{}} AND {table}.search_key LIKE {{}} ESCAPE '!')", (_grams(word), f"%{escaped(word)}%"))
            for word in long
        ]  # fmt: skip
    return f"({' OR '.join(sql for sql, _ in parts)})", tuple(arg for _, args in parts for arg in args)


def number_of(question: str) -> str:
    """The digits of what looks like a number (of a client, of the chamber of commerce, of a telephone); else ''."""
    digits = re.sub(r"\D", "", question)
    return digits if digits and len(digits) <= 15 and _DIGITS_ONLY.fullmatch(question.strip()) else ""


def number_start(digits: str) -> str:
    """How the key of a client number begins that consists of these digits, whatever zeros stand before them."""
    return f"{natural(digits.lstrip('0') or '0')} "


def _or_number(table: str, question: str, conditions: list[Condition]) -> list[Condition]:
    digits = number_of(question)
    ways: list[Condition] = []
    if digits and table == "client":
        ways.append((f"substr({table}.number_key, 1, 13) = {{}}", (number_start(digits)[:13],)))
        if len(digits) in (7, 8):
            ways.append((f"{table}.kvk <> '' AND {table}.kvk = {{}}", (digits.zfill(8),)))
    if len(digits) >= 9:
        phone = phone_sql(f"{table}.phone", sqlite=engine.is_sqlite())
        ways.append((f"{table}.phone <> '' AND {phone} = {{}}", (digits[-9:],)))
    if not ways:
        return conditions
    wanted = " AND ".join(sql for sql, _ in conditions)
    ways.insert(0, (f"({wanted})", tuple(arg for _, args in conditions for arg in args)))
    # A union, and not an OR: each part has an index of its own, which Postgres would leave for reading all rows.
    sql = " UNION ".join(f"SELECT {table}.id FROM {table} WHERE {part}" for part, _ in ways)
    return [(f"{table}.id IN ({sql})", tuple(arg for _, args in ways for arg in args))]


# one slip of the finger


def slips(word: str) -> set[str]:
    """Every word that differs by one letter from this one, or by two neighbours that changed places."""
    taken = {word[:at] + word[at + 1 :] for at in range(len(word))}
    swapped = {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)}
    other = {word[:at] + letter + word[at + 1 :] for at in range(len(word)) for letter in _LETTERS}
    added = {word[:at] + letter + word[at:] for at in range(len(word) + 1) for letter in _LETTERS}
    return {one for one in taken | swapped | other | added if len(one) > _GRAM} - {word}


async def meant(words: list[str]) -> dict[str, tuple[str, ...]]:
    """word > the words of clients or people that are one slip away, the likeliest first. One query.

    Says what stands anywhere, also outside what a viewer may see: to be searched with, never to be shown as it is.
    """
    near = {word: slips(word) for word in words if 4 <= len(word) <= 24 and "@" not in word}
    asked = sorted(set().union(*near.values())) if near else []
    if engine.is_sqlite():
        there = "SELECT term AS word FROM {table}_vocabulary WHERE term IN (SELECT value FROM json_each($1))"
        rows = await engine.raw(" UNION ".join(there.format(table=table) for table in TABLES), json.dumps(asked))
    else:
        there = "EXISTS (SELECT 1 FROM {table} WHERE string_to_array({table}.search_key, ' ') @> ARRAY[v.word])"
        either = " OR ".join(there.format(table=table) for table in TABLES)
        rows = await engine.raw(f"SELECT v.word FROM unnest(CAST($1 AS text[])) AS v(word) WHERE {either}", asked)
    found = {row["word"] for row in rows}
    return {
        word: tuple(sorted(exist, key=lambda one: _unlikely(word, one))[:_MOST_SLIPS])
        for word, possible in near.items()
        if (exist := possible & found)
    }


def _unlikely(typed: str, word: str) -> tuple[bool, bool, bool, str]:
    """Letters that changed places or were left out are likelier than others; people seldom miss the first."""
    return sorted(typed) != sorted(word), typed[0] != word[0], len(word) <= len(typed), word


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def _grams(word: str) -> list[str]:
    return [word[at : at + _GRAM] for at in range(len(word) - _GRAM + 1)]
