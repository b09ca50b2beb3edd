"""Searching by name in clients, users, folders and documents, strictly inside what the viewer may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from piccolo.columns.combination import WhereRaw

from models.accounts import User
from models.clients import lists
from models.clients.lists import escaped
from models.core import Scope
from models.dossiers import Document, Folder
from models.people import search_words

if TYPE_CHECKING:
    from models.viewer import Viewer


@dataclass(frozen=True)
class Found:
    """One thing that was found: its kind (client, user, folder or document), its id, and two lines of text."""

    kind: str
    id: int
    name: str
    more: str
    client: int | None = None


async def find(viewer: Viewer, question: str, most: int) -> dict[str, list[Found]]:
    """At most `most` of each kind, by the words of the question; nothing for fewer than two characters."""
    words = search_words(question.replace("\x00", ""))
    if sum(len(word) for word in words) < 2:
        return {}
    found = {
        "clients": await _clients(viewer, question, most),
        "users": await _users(_holding(viewer.users, "users.search_key", words), most),
        "documents": await _of_dossier(viewer, Document, "document", words, most),
        "folders": await _of_dossier(viewer, Folder, "folder", words, most),
    }
    return {kind: rows for kind, rows in found.items() if rows}


async def _clients(viewer: Viewer, question: str, most: int) -> list[Found]:
    rows = await lists.page(viewer, lists.Filter(q=question, state="all"), "name", 1, most)
    return [Found("client", row["id"], row["name"], f"{row['number']} · {row['city']}".strip(" ·")) for row in rows]


async def _users(found: Scope[User], most: int) -> list[Found]:
    people = await found.all(User.sort_key, limit=most)
    return [Found("user", one.id, one.display_name, one.email) for one in people]


async def _of_dossier(viewer: Viewer, table: Any, name: str, words: list[str], most: int) -> list[Found]:
    found = _holding(viewer.scope(table), f"{name}.name_key", words).where(table.trashed_at.is_null())
    owner = table.client
    rows = await found.select(
        table.id,
        table.name,
        owner.id.as_alias("client_id"),
        owner.name.as_alias("client_name"),
        order=[table.name_key],
        limit=most,
    )
    return [Found(name, row["id"], row["name"], row["client_name"] or "", row["client_id"]) for row in rows]


def _holding(found: Scope[Any], column: str, words: list[str]) -> Scope[Any]:
    return found.where(*(WhereRaw(f"{column} LIKE {{}} ESCAPE '!'", f"%{escaped(word)}%") for word in words))
