"""Which other words can be meant by a word: its other forms, what it is a part of, what is one slip of the finger away.

Says what stands anywhere, also outside what a viewer may see: to be searched with, never to be shown as it is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from models import engine
from models.finding.question import Group
from models.texts.words import can_be_learnt, stem, texts_in
from models.words import escaped, slips

_MOST = 25  # words that stand for one
_SLIPS_FROM, _PART_FROM = 4, 4  # letters


async def other_forms(groups: Sequence[Group]) -> dict[str, tuple[str, ...]]:
    """word > words of the same Dutch stem: 'belastingen' for 'belasting'. One statement."""
    words = {group.word for group in groups if can_be_learnt(group.word)}
    if not words:
        return {}
    rows = await engine.raw(
        f"SELECT word, stem FROM search_word WHERE stem IN {texts_in(1)} ORDER BY length(word), word LIMIT 400",
        json.dumps(sorted({stem(word) for word in words})),
    )
    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        same = [row["word"] for row in rows if row["stem"] == stem(word) and not row["word"].startswith(word)]
        if same:
            found[word] = tuple(same[:_MOST])
    return found


async def near_words(groups: Sequence[Group]) -> dict[str, tuple[str, ...]]:
    """word > words that it is a part of ('rekening': jaarrekening), or that are one slip away. One statement."""
    words = sorted({group.word for group in groups if len(group.word) >= _PART_FROM})[:4]
    if not words:
        return {}
    slipped = {word: slips(word) for word in words if _SLIPS_FROM <= len(word) <= 24}
    asked = json.dumps(sorted(set().union(*slipped.values())) if slipped else [])
    parts = [_part(at) for at in range(2, len(words) + 2)]
    rows = await engine.raw(
        " UNION ".join([f"SELECT word FROM search_word WHERE word IN {texts_in(1)}", *parts]),
        asked,
        *(f'"{word}"' if engine.is_sqlite() else f"%{escaped(word)}%" for word in words),
    )
    there = sorted((row["word"] for row in rows), key=lambda one: (len(one), one))
    return {
        word: tuple(
            [one for one in there if one in slipped.get(word, ())]
            + [one for one in there if word in one and one != word]
        )[:_MOST]
        for word in words
    }


def _part(at: int) -> str:
    if engine.is_sqlite():
        return f"SELECT word FROM (SELECT word FROM search_grams WHERE search_grams MATCH ${at} LIMIT 200)"
    return (
        f"SELECT word FROM (SELECT word FROM search_word WHERE grams(CAST(word AS text)) @> grams(btrim(${at}, '%')) "
        f"AND word LIKE ${at} ESCAPE '!' LIMIT 200) p{at}"
    )
