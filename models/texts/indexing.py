"""Making documents found by what was read of them: the worker's part of the indexes, in the order of `search_due`."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Iterable
from typing import Any

from models import engine
from models.accounts.blocking import listed
from models.texts.reading import prepare
from models.texts.words import can_be_learnt, stem, texts_in, words_of

BATCH = 500  # documents at a time
TEXTS = 20  # of them with their texts at a time
MOST_WORDS = 200_000  # of one document
_VECTOR = 900_000  # bytes that a tsvector may come to: Postgres takes a megabyte
_PLACES = 255  # of one word that Postgres remembers


async def keep_up() -> bool:
    """Look at the documents and folder names that changed; whether there were any. Safe to be killed, and to run twice."""
    due = await engine.raw(f"SELECT document, turn FROM search_due ORDER BY document DESC LIMIT {BATCH}")
    if due:
        await _look_at(due)
    folders = await engine.raw(f"SELECT id, name_key FROM folder_name WHERE NOT learnt ORDER BY id LIMIT {BATCH}")
    if folders:
        await _learn(word for row in folders for word in words_of(row["name_key"]))
        ids = json.dumps([row["id"] for row in folders])
        await engine.run_writing(
            lambda: engine.raw(f"UPDATE folder_name SET learnt = $2 WHERE id IN {listed(1)}", ids, True)
        )
    return bool(due or folders)


async def _look_at(due: list[dict[str, Any]]) -> None:
    rows = await engine.raw(_DOCUMENTS_SQL.format(ids=listed(1)), json.dumps([row["document"] for row in due]))
    fresh = [row for row in rows if row["state"] is None]
    if fresh:
        await engine.run_writing(lambda: prepare(fresh))
    await _learn(word for row in rows for word in words_of(row["words"]))
    read = [row for row in rows if row["state"] == "done"]
    for at in range(0, len(read), TEXTS):
        await _put(read[at : at + TEXTS])
    unread = [(row["id"],) for row in rows if row["state"] != "done"]
    done = [(row["document"], row["turn"]) for row in due]

    async def settle() -> None:
        await engine.raw_many(_REMOVE[engine.is_sqlite()], unread)
        await engine.raw_many("DELETE FROM search_due WHERE document = $1 AND turn = $2", done)

    await engine.run_writing(settle)


async def _put(rows: list[dict[str, Any]]) -> None:
    bodies = await engine.raw(
        f"SELECT sha256, body FROM document_text WHERE sha256 IN {texts_in(1)}",
        json.dumps([row["sha256"] for row in rows]),
    )
    packed = {body["sha256"]: body["body"] for body in bodies}
    made = await asyncio.to_thread(lambda: [_made(row, packed.get(row["sha256"])) for row in rows])
    await _learn(word for _, _, body, _ in made for word in set(body.split()) if word.isascii())

    async def put() -> None:
        await engine.raw_many(_REMOVE[engine.is_sqlite()], [(row["id"],) for row in rows])
        await engine.raw_many(_INSERT[engine.is_sqlite()], made)

    await engine.run_writing(put)


def _made(row: dict[str, Any], packed: bytes | None) -> tuple[int, str, str, str]:
    """Id, its names, its text as words with spaces between, and its scope."""
    text = zlib.decompress(packed).decode("utf-8", "replace") if packed else ""
    scope = str(row["client"] or 0)
    body = " ".join(_bounded(words_of(text)))
    return row["id"], " ".join(words_of(row["words"])), body, scope if engine.is_sqlite() else f"'~{scope}'"


def _bounded(words: list[str]) -> list[str]:
    """As many as the smaller of the two databases can hold of one document."""
    seen: dict[str, int] = {}
    room = _VECTOR
    for at, word in enumerate(words[:MOST_WORDS]):
        times = seen.get(word, 0)
        seen[word] = times + 1
        room -= (len(word.encode()) + 10 if not times else 0) + (2 if times < _PLACES else 0)
        if room < 0:
            return words[:at]
    return words[:MOST_WORDS]


async def _learn(words: Iterable[str]) -> None:
    """Words that are not known yet, with their stems."""
    asked = sorted({word for word in words if can_be_learnt(word)})
    if not asked:
        return
    known = {
        row["word"]
        for row in await engine.raw(f"SELECT word FROM search_word WHERE word IN {texts_in(1)}", json.dumps(asked))
    }
    fresh = [word for word in asked if word not in known]
    if fresh:
        rows = await asyncio.to_thread(lambda: [(word, stem(word)) for word in fresh])
        await engine.run_writing(lambda: engine.raw_many(_WORD, rows))


_WORD = "INSERT INTO search_word (word, stem) VALUES ($1, $2) ON CONFLICT (word) DO NOTHING"
_DOCUMENTS_SQL = """SELECT d.id, d.client, d.sha256, d.mime, d.name, d.size, t.state,
 d.name_key || ' ' || d.labels_key || ' ' || d.note || ' ' || coalesce(k.name_key, '') AS words
FROM document d LEFT JOIN document_kind k ON k.id = d.kind LEFT JOIN document_text t ON t.sha256 = d.sha256
WHERE d.id IN {ids}"""
_REMOVE = {True: "DELETE FROM document_deep WHERE rowid = $1", False: "DELETE FROM document_deep WHERE document = $1"}
_INSERT = {
    True: "INSERT INTO document_deep (rowid, words, body, scope) VALUES ($1, $2, $3, $4)",
    False: "INSERT INTO document_deep (document, client, words) SELECT CAST($1 AS INTEGER), CAST(btrim(CAST($4 AS TEXT), '~''') AS INTEGER), to_tsvector('simple', CAST($2 AS TEXT)) "
    "|| to_tsvector('simple', CAST($3 AS TEXT)) || CAST(CAST($4 AS TEXT) AS TSVECTOR)",
}
