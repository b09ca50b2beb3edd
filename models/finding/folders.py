"""Folders by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models import engine
from models.finding.likely import other_forms
from models.finding.question import in_words, is_too_short, parsed, with_likes
from models.finding.seeing import findable_folders

if TYPE_CHECKING:
    from models.viewer import Viewer

_NAMES = {
    True: "SELECT n.name_key FROM folder_names x CROSS JOIN folder_name n WHERE x.folder_names MATCH $1 AND n.id = x.rowid",
    False: "SELECT n.name_key FROM folder_name n WHERE found_words(n.name_key) @@ CAST($1 AS tsquery)",
}


async def find_folders(
    viewer: Viewer,
    question: str,
    most: int,
    *,
    client: int | None = None,
    likes: dict[str, tuple[str, ...]] | None = None,
) -> list[dict[str, Any]]:
    """id, name, client and client_name (or that of the dossier, where it is for many); by name. `likes` are other words that can be meant."""
    if is_too_short(question):
        return []
    groups = parsed(question)
    groups = with_likes(groups, await other_forms(groups) if likes is None else likes)
    asked = in_words(groups)
    only = f" AND f.client = {int(client)}" if client else ""
    return await engine.raw(
        f"SELECT f.id, f.name, f.client, coalesce(c.name, o.name) AS client_name FROM folder f "
        "JOIN dossier o ON o.id = f.dossier LEFT JOIN client c ON c.id = f.client "
        f"WHERE f.name_key IN ({_NAMES[engine.is_sqlite()]}) AND {findable_folders(viewer)}{only} "
        f"ORDER BY f.name_key, f.id LIMIT {int(most)}",
        asked,
    )
