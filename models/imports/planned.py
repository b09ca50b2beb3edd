"""One line of a plan, and what every planner has: the records as they are, what the file made so far, and how lines are kept."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from models.core import Say
from models.imports.addresses import Addresses
from models.imports.sheet import Row
from models.imports.wholes import Parsed
from models.imports.world import World

if TYPE_CHECKING:
    from models.viewer import Viewer

Note = tuple[str, Say]
Notes = list[Note]


@dataclass(slots=True)
class Planned:
    """One row of the plan; `sheet` where the workbook has more; `content` is all that the commit needs."""

    line: int
    part: str
    action: str
    label: str
    content: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, list[Any]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    record_id: int | None = None
    sheet: str = ""


class PlannerBase:
    """What lines before this one made, by key, and the plan so far."""

    def __init__(self, world: World, addresses: Addresses, by: Viewer) -> None:
        self.world, self.addresses, self.by = world, addresses, by
        self.sheet = ""
        self.planned: list[Planned] = []
        self._sectors: dict[str, int] = {}  # key > line on which the file makes it
        self._groups: dict[str, int] = {}
        self._staff: dict[str, tuple[int, str, str]] = {}  # address > line, key, name
        self._duties: dict[tuple[str, str], int] = {}  # colleague, client > line
        self._clients: dict[str, tuple[int, dict[str, Any], str]] = {}  # key > line, values, label
        self._people: dict[str, list[tuple[int, dict[str, Any]]]] = {}  # address > first line of each, values
        self._left: set[str] = set()  # keys of clients whose line was left out: lines about them have no client either
        self._templates: dict[str, str] = {}  # client > the template that a group of the file hands to new users
        self._pairs: dict[tuple[str, str], int] = {}  # person, client > line
        self._mails: dict[str, tuple[int, str]] = {}  # an enterprise's address > line, name
        self._like: dict[tuple[str, str], tuple[str, str]] = {}  # what tells an enterprise > name, line or number

    def _made(self, client: str) -> tuple[int, dict[str, Any], str] | None:
        """Line, values and label of a client that the file makes or names."""
        return self._clients.get(client) if client not in self._left else None

    def _keep(
        self,
        row: Row,
        part: str,
        label: str,
        there: Any,
        content: dict[str, Any],
        changes: dict[str, list[Any]],
        notes: list[Note],
    ) -> None:
        action = "new" if there is None else "changed" if changes else "unchanged"
        number = there["id"] if there else None
        self.planned.append(
            Planned(row.line, part, action, label[:300], content, plain_pairs(changes), notes, number, self.sheet)
        )

    def _refuse(self, row: Row, part: str, label: str, notes: list[Note]) -> None:
        cells = [shown(cell) for cell in row.cells]
        self.planned.append(
            Planned(row.line, part, "refused", label[:300], {"cells": cells}, {}, notes, sheet=self.sheet)
        )


def differences(there: dict[str, Any], values: dict[str, Any]) -> dict[str, list[Any]]:
    """An empty cell erases nothing: it is not among the values. Nor does a text that only lost its letters: Y?lmaz."""
    return {
        name: [there[name], value]
        for name, value in values.items()
        if there[name] != value and not _only_lost_letters(there[name], value)
    }


def _only_lost_letters(kept: Any, given: Any) -> bool:
    if not isinstance(kept, str) or not isinstance(given, str) or not ("?" in given or "\ufffd" in given):
        return False
    return re.fullmatch(re.sub(r"\\\?|\ufffd", ".", re.escape(given)), kept) is not None


def twice(what: str, line: int) -> Say:
    return Say("“{what}” staat al op regel {line} van dit bestand.", what=what, line=line)


def named_person(values: dict[str, Any]) -> str:
    first = values.get("first_name") or values.get("initials")
    return " ".join(text(part) for part in (first, values.get("prefix"), values.get("surname")) if part)


def names_in(values: dict[str, Any]) -> dict[str, str]:
    return {name: text(values.get(name)) for name in ("surname", "first_name", "initials")}


def groups_in(parsed: Parsed) -> list[str]:
    names = parsed.values.get("groups")
    return names if isinstance(names, list) else []


def text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, dt.date) else value for name, value in values.items()}


def plain_pairs(changes: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {
        name: [value.isoformat() if isinstance(value, dt.date) else value for value in pair]
        for name, pair in changes.items()
    }


def shown(cell: Any) -> str:
    from models.imports.fields import text_of
    from models.imports.sheet import Fault

    return str(cell.why) if isinstance(cell, Fault) else text_of(cell)


def first_of(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    return rows[0] if rows else None
