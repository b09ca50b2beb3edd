"""Words and names of folders that stand nowhere any more are forgotten, some at a time, so that a destroyed file leaves none behind."""

from __future__ import annotations

import json
from typing import Any

from models import engine
from models.accounts.blocking import listed

AT_ONCE = 2_000  # words that are looked at in one go
_at: dict[str, int] = {"word": 0}


async def forget_words(at_once: int = AT_ONCE) -> int:
    """Go on where the last call ended, and round again; how many were forgotten. For the worker, now and then."""
    gone = await _forget("folder_name", await engine.raw(_LOST_FOLDERS))
    words = await engine.raw(
        f"SELECT id, word FROM search_word WHERE id > $1 ORDER BY id LIMIT {int(at_once)}", _at["word"]
    )
    _at["word"] = words[-1]["id"] if len(words) == at_once else 0
    if words:
        ids = json.dumps([row["id"] for row in words])
        gone += await _forget(
            "search_word", await engine.raw(_LOST_WORDS[engine.is_sqlite()].format(ids=listed(1)), ids)
        )
    return gone


async def _forget(table: str, rows: list[dict[str, Any]]) -> int:
    if rows:
        ids = json.dumps([row["id"] for row in rows])
        await engine.run_writing(lambda: engine.raw(f"DELETE FROM {table} WHERE id IN {listed(1)}", ids))
    return len(rows)


_LOST_FOLDERS = "SELECT n.id FROM folder_name n WHERE n.learnt AND NOT EXISTS (SELECT 1 FROM folder f WHERE f.name_key = n.name_key) LIMIT 1000"
_LOST_WORDS = {
    True: "SELECT w.id FROM search_word w WHERE w.id IN {ids} AND NOT EXISTS (SELECT 1 FROM document_names_words v WHERE v.term = w.word) "
    "AND NOT EXISTS (SELECT 1 FROM document_deep_words v WHERE v.term = w.word) "
    "AND NOT EXISTS (SELECT 1 FROM folder_names_words v WHERE v.term = w.word)",
    False: "SELECT w.id FROM search_word w WHERE w.id IN {ids} "
    "AND NOT EXISTS (SELECT 1 FROM document_names n WHERE n.words @@ CAST('''' || w.word || '''' AS tsquery)) "
    "AND NOT EXISTS (SELECT 1 FROM document_deep n WHERE n.words @@ CAST('''' || w.word || '''' AS tsquery)) "
    "AND NOT EXISTS (SELECT 1 FROM folder_name n WHERE found_words(n.name_key) @@ CAST('''' || w.word || '''' AS tsquery))",
}
