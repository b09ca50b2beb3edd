"""What was typed, as groups of words that must all be found; and how each database is asked for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from models import engine
from models.texts.words import words_of

SHORTEST = 2  # letters of a question
MOST_GROUPS, MOST_WORDS, MOST_LETTERS = 8, 12, 200
_DEEP_PREFIX = 3  # letters from which the beginning of a word finds it in texts
_QUOTED = re.compile(r'["“”„]([^"“”„]*)["“”„]|([^\s"“”„]+)')


@dataclass(frozen=True)
class Group:
    """Words that stand next to each other, the last of them perhaps only begun; or one of the words that are like it; or,
    beside that, the documents of these clients, who are called so."""

    words: tuple[str, ...]
    begins: bool = True
    likes: tuple[str, ...] = ()
    clients: tuple[int, ...] = ()

    @property
    def word(self) -> str:
        """Its one word, of which other forms may be meant; '' of what was put in quotation marks, and of several."""
        return self.words[0] if self.begins and len(self.words) == 1 else ""


def parsed(question: str) -> list[Group]:
    """What must be found. Words within quotation marks stand there so, next to each other; others begin so."""
    groups: list[Group] = []
    for quoted, plain in _QUOTED.findall(question.replace("\x00", " ")[:MOST_LETTERS]):
        words = tuple(words_of(quoted or plain)[:MOST_WORDS])
        if words:
            groups.append(Group(words, begins=not quoted))
    return list(dict.fromkeys(groups))[:MOST_GROUPS]


def is_too_short(question: str) -> bool:
    return sum(len(word) for group in parsed(question) for word in group.words) < SHORTEST


def with_clients(groups: Sequence[Group], clients: dict[str, tuple[int, ...]]) -> list[Group]:
    return [replace(group, clients=clients.get(group.word, ())) for group in groups]


def with_likes(groups: Sequence[Group], likes: dict[str, tuple[str, ...]]) -> list[Group]:
    return [replace(group, likes=tuple(dict.fromkeys((*group.likes, *likes.get(group.word, ()))))) for group in groups]


def asked(groups: Sequence[Group], clients: Sequence[int] | None, *, deep: bool) -> str:
    """The groups as the database in use is asked; only documents of these clients (0: of none), when they are named.

    At least one word must stand on the document itself: to have the client's name is not enough.
    """
    render = _Fts if engine.is_sqlite() else _Vector
    said = [render.either([*_terms(render, group, deep), *map(render.scope, group.clients)]) for group in groups]
    if any(group.clients for group in groups):
        said.append(render.either([term for group in groups for term in _terms(render, group, deep)]))
    if clients is not None:
        said.append(render.either([render.scope(client) for client in clients] or [render.scope(-1)]))
    return render.all(said)


def in_words(groups: Sequence[Group]) -> str:
    """As `asked`, for what has words only (the names of folders)."""
    render = _Fts if engine.is_sqlite() else _Vector
    return render.all([render.either(_terms(render, group, False, column="")) for group in groups])


def _terms(render: type[_Fts] | type[_Vector], group: Group, deep: bool, column: str | None = None) -> list[str]:
    begins = group.begins and (not deep or len(group.words[-1]) >= _DEEP_PREFIX)
    place = ("{words body}" if deep else "words") if column is None else column
    return [render.term(group.words, begins, place), *(render.term((like,), False, place) for like in group.likes)]


class _Fts:
    """FTS5. Words are letters and figures only, so that nothing in them has a meaning; they are quoted all the same."""

    @staticmethod
    def term(words: tuple[str, ...], begins: bool, column: str) -> str:
        said = f'"{" ".join(words)}"{" *" if begins else ""}'
        return f"{column} : {said}" if column else said

    @staticmethod
    def scope(client: int) -> str:
        return f'scope : "{int(client)}"'

    @staticmethod
    def either(parts: list[str]) -> str:
        return f"({' OR '.join(parts)})"

    @staticmethod
    def all(parts: list[str]) -> str:
        return " AND ".join(parts)


class _Vector:
    """The text of a tsquery."""

    @staticmethod
    def term(words: tuple[str, ...], begins: bool, column: str) -> str:
        said = " <-> ".join(f"'{word}'" for word in words)
        return f"({said}{':*' if begins else ''})"

    @staticmethod
    def scope(client: int) -> str:
        return f"'~{int(client)}'"

    @staticmethod
    def either(parts: list[str]) -> str:
        return f"({' | '.join(parts)})"

    @staticmethod
    def all(parts: list[str]) -> str:
        return " & ".join(parts)
