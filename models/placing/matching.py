"""Of which client a file is: by the number with which its name, or the name of a folder around it, begins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models import engine
from models.clients import seen
from models.core import Say, fold

if TYPE_CHECKING:
    from models.viewer import Viewer

MOST_LETTERS = 40  # of a client number
_BETWEEN = " _-.,+=()[]–—"
# Where a number may end: between a letter and a digit, or beside anything that is neither.
_EDGE = re.compile(r"(?<=\d)(?=\D)|(?<=[^\W\d_])(?=[\W\d_])|(?<=[\W_])(?=\w)|$")

NOBODY = Say("In de naam staat geen nummer van een cliënt die u ziet.")


@dataclass(frozen=True)
class Match:
    """What a name says: the client, or why there is none; and what is left of the name without the number."""

    client: int | None
    rest: str
    why: Say | None = None


@dataclass
class Numbers:
    """The numbers of all clients, as they are written and without the zeros before them.

    Also those that the viewer does not see: their files are nobody's, and never go to a client whose number looks like it.
    """

    written: dict[str, int] = field(default_factory=dict)  # folded number > client
    bare: dict[str, list[int]] = field(default_factory=dict)  # without leading zeros > clients
    shown: dict[int, str] = field(default_factory=dict)  # the clients that the viewer sees > number

    def add(self, client: int, number: str, is_seen: bool) -> None:
        key = _key(number)
        if not key:
            return
        self.written[key] = client
        self.bare.setdefault(_bare(key), []).append(client)
        if is_seen:
            self.shown[client] = number

    def match(self, path: str) -> Match:
        """`path` is a file's name, with slashes where it lay in folders. The longest number that exists wins.

        '1234_Btw-jan.pdf' is of 1234 and called 'Btw-jan.pdf'; 'x/1234 Jansen/Btw.pdf' is of 1234 by its folder. Where file and
        folder name two clients, it is nobody's: a person decides.
        """
        *folders, name = path.split("/")
        own, rest = self._begin(name, is_file=True)
        around: tuple[int, ...] = ()
        for folder in reversed(folders):
            around, _ = self._begin(folder)
            if around:
                break
        if own and around and set(own) != set(around) and not set(own) & set(around):
            return self._several((*own, *around), name)
        found = own or around
        if not found:
            return Match(None, name, NOBODY)
        if own and around and len(own) > 1:
            found = tuple(set(own) & set(around))
        if len(found) > 1:
            return self._several(found, name)
        if found[0] not in self.shown:
            return Match(None, name, NOBODY)
        return Match(found[0], rest if own else name)

    def _begin(self, name: str, *, is_file: bool = False) -> tuple[tuple[int, ...], str]:
        """The clients whose number the name begins with, and the rest of the name."""
        stem, ending = _apart(name) if is_file else (name, "")
        start = len(stem) - len(stem.lstrip(_BETWEEN))
        edges = [at.start() for at in _EDGE.finditer(stem[: start + MOST_LETTERS + 1]) if at.start() > start]
        for end in sorted({min(edge, len(stem)) for edge in edges}, reverse=True):
            key = _key(stem[start:end])
            if not key or key[-1] in _BETWEEN:
                continue
            rest = stem[end:].lstrip(_BETWEEN)
            whole = f"{rest}{ending}" if rest else name
            if (client := self.written.get(key)) is not None:
                return (client,), whole
            if found := self.bare.get(_bare(key)):
                return tuple(found), whole
        return (), name

    def _several(self, clients: Iterable[int], name: str) -> Match:
        """Names only the numbers of clients that the viewer sees."""
        shown = sorted({self.shown[client] for client in clients if client in self.shown})
        if len(shown) < 2:
            return Match(None, name, NOBODY)
        return Match(None, name, Say("De naam past bij meer dan één cliënt: {numbers}.", numbers=", ".join(shown)))


async def load_numbers(viewer: Viewer) -> Numbers:
    """The numbers of all clients, in one query."""
    rows = await engine.raw(
        f"SELECT c.id, c.number, CASE WHEN {seen(viewer)} THEN 1 ELSE 0 END AS is_seen FROM client c"
    )
    numbers = Numbers()
    for row in rows:
        numbers.add(row["id"], row["number"], bool(row["is_seen"]))
    return numbers


def _key(number: str) -> str:
    return fold(number)[:MOST_LETTERS]


def _bare(key: str) -> str:
    return key.lstrip("0") or "0"


def _apart(name: str) -> tuple[str, str]:
    stem, dot, ending = name.rpartition(".")
    return (stem, f".{ending}") if dot and stem and ending and len(ending) <= 12 and " " not in ending else (name, "")
