"""Searching in clients, users, folders and documents at once, strictly inside what the viewer may see."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from models import engine
from models.clients import seen
from models.finding import find_documents, find_folders
from models.finding.likely import other_forms
from models.finding.question import parsed
from models.mine import seen_people
from models.people import search_words, sort_name
from models.words import any_of, escaped, holding, meant, number_of, number_start

if TYPE_CHECKING:
    from models.viewer import Viewer

FEW = 3  # found exactly: with fewer, what was probably meant is sought too
_MOST_WORDS = 4  # of a question are tried with a slip of the finger


@dataclass(frozen=True)
class Found:
    """One thing that was found: its kind (client, user, folder or document), its id, and two lines of text."""

    kind: str
    id: int
    name: str
    more: str
    client: int | None = None
    key: str = field(default="", repr=False, compare=False)  # by which it was found


@dataclass(frozen=True)
class Answer:
    """What was found, by kind; and what was found by words that were probably meant, with the questions that find it."""

    found: dict[str, list[Found]] = field(default_factory=dict)
    near: list[Found] = field(default_factory=list)
    meant: tuple[str, ...] = ()


async def find(viewer: Viewer, question: str, most: int) -> Answer:
    """At most `most` of each kind, by the words of the question; nothing for fewer than two characters."""
    question = question.replace("\x00", "")
    words = search_words(question)
    if sum(len(word) for word in words) < 2:
        return Answer()
    forms = await other_forms(parsed(question))
    found = {
        "clients": await _clients(viewer, question, holding("client", question), most),
        "users": await _users(viewer, question, holding("users", question), most),
        "documents": await _documents(viewer, question, most, forms),
        "folders": [
            Found("folder", row["id"], row["name"], row["client_name"] or "", row["client"])
            for row in await find_folders(viewer, question, most, likes=forms)
        ],
    }
    answer = Answer({kind: rows for kind, rows in found.items() if rows})
    if sum(map(len, found.values())) < FEW and not number_of(question):
        return await _with_near(viewer, answer, words[:_MOST_WORDS], most)
    return answer


async def recent(viewer: Viewer, most: int) -> list[Found]:
    """The clients whose page he last opened, the last first."""
    rows = await engine.raw(
        "SELECT client.id, client.number, client.name, client.city, client.search_key FROM visit v JOIN client ON client.id = v.client "
        f"WHERE v.person = $1 AND {seen(viewer, 'client.id')} ORDER BY v.at DESC LIMIT {int(most)}",
        viewer.user.id,
    )
    return [_client(row) for row in rows]


async def _with_near(viewer: Viewer, answer: Answer, words: list[str], most: int) -> Answer:
    """Every word may be one slip away from a word there is. Only what the viewer sees comes of it, and only such words."""
    others = await meant(words)
    if not others:
        return answer
    ways = [(word, *others.get(word, ())) for word in words]
    near = [
        *await _clients(viewer, "", [any_of("client", way) for way in ways], most),
        *await _users(viewer, "", [any_of("users", way) for way in ways], most),
    ]
    known = {(one.kind, one.id) for rows in answer.found.values() for one in rows}
    near = [one for one in near if (one.kind, one.id) not in known]
    questions = [" ".join(way) for way in list(product(*ways))[1:50] if any(_has(one, way) for one in near)]
    return replace(answer, near=near, meant=tuple(questions[:3]))


def _has(one: Found, words: tuple[str, ...]) -> bool:
    return all(word in one.key for word in words)


# A number that is exactly his stands first, then a name that begins so, then the beginnings of words.
_CLIENTS_SQL = """
SELECT client.id, client.number, client.name, client.city, client.search_key FROM client WHERE {where}
ORDER BY CASE WHEN {exact} THEN 0 WHEN {begins} THEN 1 WHEN {words} THEN 2 ELSE 3 END, client.state, client.sort_key, client.id LIMIT {most}
"""
_USERS_SQL = """
SELECT users.id, users.full_name, users.email, users.search_key FROM users WHERE {where}
ORDER BY CASE WHEN {exact} THEN 0 WHEN {begins} THEN 1 WHEN {words} THEN 2 ELSE 3 END, users.sort_key, users.id LIMIT {most}
"""


async def _clients(viewer: Viewer, question: str, conditions: list[Any], most: int) -> list[Found]:
    digits = number_of(question)
    exact = ("substr(client.number_key, 1, 13) = {}", (number_start(digits)[:13],)) if digits else ("1 = 0", ())
    visible = (seen(viewer, "client.id"), ())
    rows = await _ranked(_CLIENTS_SQL, "client", question, [*conditions, visible], exact, most)
    return [_client(row) for row in rows]


async def _users(viewer: Viewer, question: str, conditions: list[Any], most: int) -> list[Found]:
    exact = ("users.email_key = {}", (question.strip().lower(),)) if "@" in question else ("1 = 0", ())
    visible = (seen_people(viewer, "users"), ())
    rows = await _ranked(_USERS_SQL, "users", question, [*conditions, visible], exact, most)
    return [Found("user", row["id"], row["full_name"], row["email"], key=row["search_key"]) for row in rows]


async def _ranked(sql: str, table: str, question: str, conditions: list[Any], exact: Any, most: int) -> list[Any]:
    begins = (f"{table}.sort_key LIKE {{}} ESCAPE '!'", (f"{escaped(sort_name(question))}%",))
    words = [(f"{table}.search_key LIKE {{}} ESCAPE '!'", (f"% {escaped(word)}%",)) for word in search_words(question)]
    parts = [_joined(conditions), exact, begins, _joined(words)]
    args = [argument for _, more in parts for argument in more]
    where, first, second, third = (text for text, _ in parts)
    whole = sql.format(where=where, exact=first, begins=second, words=third, most=int(most))
    return await engine.raw(whole.format(*(f"${n}" for n in range(1, len(args) + 1))), *args)


def _joined(conditions: list[Any]) -> tuple[str, tuple[Any, ...]]:
    return " AND ".join(sql for sql, _ in conditions) or "1 = 1", tuple(arg for _, args in conditions for arg in args)


def _client(row: dict[str, Any]) -> Found:
    return Found(
        "client", row["id"], row["name"], f"{row['number']} · {row['city']}".strip(" ·"), key=row["search_key"]
    )


async def _documents(viewer: Viewer, question: str, most: int, forms: dict[str, tuple[str, ...]]) -> list[Found]:
    found = await find_documents(viewer, question, size=most, most=max(most, 100), likes=forms)
    return [
        Found("document", hit.id, hit.row["name"], hit.row["client_name"] or "", hit.row["client"])
        for hit in found.hits
    ]
