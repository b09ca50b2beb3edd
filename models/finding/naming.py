"""Words of a question that are the name of a client: 'bakkerij jansen jaarrekening' finds his papers, though none says whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from models import engine
from models.core import fold
from models.finding.question import Group
from models.mine import seen
from models.words import any_of

if TYPE_CHECKING:
    from models.viewer import Viewer

_MOST = 100  # clients of one name; a word that names more says nothing
_WORDS = 4


async def clients_called(viewer: Viewer, groups: Sequence[Group]) -> dict[str, tuple[int, ...]]:
    """word > the clients that he sees and in whose names it stands. One statement; none for a single word."""
    words = [group.word for group in groups if len(group.word) > 2][:_WORDS]
    if len(groups) < 2 or not words:
        return {}
    if viewer.is_client:
        names = {grant.client_id: fold(grant.client_name) for grant in viewer.grants.values()}
        return {word: tuple(id for id, name in names.items() if word in name) for word in words}
    rows = await _called(viewer, words)
    found = {word: tuple(row["id"] for row in rows if row["word"] == at) for at, word in enumerate(words)}
    return {word: ids for word, ids in found.items() if 0 < len(ids) <= _MOST}


async def _called(viewer: Viewer, words: Sequence[str]) -> list[dict[str, Any]]:
    parts: list[str] = []
    args: list[Any] = []
    for at, word in enumerate(words):
        condition, more = any_of("client", (word,))
        numbered = condition.format(*(f"${len(args) + n}" for n in range(1, len(more) + 1)))
        parts.append(
            f"SELECT * FROM (SELECT {at} AS word, client.id FROM client WHERE {numbered} AND {seen(viewer, 'client.id')} "
            f"LIMIT {_MOST + 1}) q{at}"
        )
        args += more
    return await engine.raw(" UNION ALL ".join(parts), *args)
