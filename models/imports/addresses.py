"""Whose an e-mail address seems to be: in a list a cell slips, and somebody would get another's invitation."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from models import engine
from models.core import Say, fold
from models.imports.lexicon import Kind
from models.imports.sheet import Row
from models.imports.wholes import Parsed, Value
from models.imports.world import World
from models.people import number_key

NEAR = 10  # lines; a cell slips to a row nearby
_LEAST = 4  # letters of a surname that say anything


class _Bare(NamedTuple):
    """Somebody in the file without an address that can be used."""

    line: int
    name: str
    surname: str
    first_name: str


class _Owner(NamedTuple):
    """A client that has an address as its own; `id` when it is there already."""

    name: str
    id: int | None


@dataclass
class Addresses:
    """Of all lines of a file, before any of them is judged."""

    bare: dict[int, _Bare] = field(default_factory=dict)  # by line
    surnames: dict[str, list[_Bare]] = field(default_factory=lambda: defaultdict(list))
    people: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # address > keys of clients
    clients: dict[str, dict[str, _Owner]] = field(
        default_factory=lambda: defaultdict(dict)
    )  # address > key of a client

    async def look_up(self) -> None:
        """Which clients there are already have one of these; in the present unit."""
        listed = "json_each($1)" if engine.is_sqlite() else "json_array_elements_text(CAST($1 AS json))"
        sql = f"SELECT id, number_key, name, lower(email) AS email FROM client WHERE lower(email) IN (SELECT value FROM {listed})"
        for row in await engine.raw(sql, json.dumps(sorted(self.people))):
            self.clients[row["email"]][row["number_key"]] = _Owner(row["name"], row["id"])

    def not_his(self, line: int, values: dict[str, Value], client: str, world: World) -> Say | None:
        """Why the address on this line seems to be another's."""
        address = fold(str(values["email"]))
        letters = re.sub("[^a-z]", "", address)
        surname, words = _letters(values.get("surname")), _words(address)
        parts = [_letters(part) for part in re.split(r"[\s-]+", str(values.get("surname") or ""))]
        if _letters(values.get("first_name")) not in words and not any(
            part in letters for part in parts if len(part) > 2
        ):
            for other in self._candidates(line, words):
                if other.surname in letters and other.surname != surname:
                    return Say(
                        "Dit adres lijkt dat van {name} (regel {line}), die zelf geen adres heeft. Klopt het toch, haal dan regel {line} uit het bestand.",
                        name=other.name,
                        line=other.line,
                    )
        return self._of_a_client(address, client, world)

    def _candidates(self, line: int, words: set[str]) -> list[_Bare]:
        near = [self.bare[at] for at in range(line - NEAR, line + NEAR + 1) if at in self.bare and at != line]
        named = [one for word in words & self.surnames.keys() for one in self.surnames[word] if one.first_name in words]
        return near + named

    def _of_a_client(self, address: str, client: str, world: World) -> Say | None:
        """It is another client's, and nobody with this address is a user there."""
        owners = self.clients.get(address)
        if not owners or client in owners or self.people.get(address, set()) & owners.keys():
            return None
        people = world.users.get(address, [])
        if any((person["id"], owner.id) in world.accesses for person in people for owner in owners.values()):
            return None
        owner = next(iter(owners.values()))
        if owner.id is not None and not world.may_see(owner.id):
            return Say("Dit is het e-mailadres van een andere cliënt, en niemand met dit adres is daar gebruiker.")
        return Say(
            "Dit is het e-mailadres van {name}, en niemand met dit adres is daar gebruiker. De uitnodiging zou bij een ander aankomen.",
            name=owner.name,
        )


def addresses_in(kind: Kind, rows: list[tuple[Row, Parsed]], whole: Addresses | None = None) -> Addresses:
    """Of one list; of a sheet of a `whole` workbook with the addresses of its other sheets."""
    found = Addresses(people=whole.people, clients=whole.clients) if whole else Addresses()
    if kind not in ("clients", "users"):
        return found
    start, number = ("contact_", "number") if kind == "clients" else ("", "client_number")
    for row, parsed in rows:
        values = parsed.values
        surname, address = _letters(values.get(f"{start}surname")), fold(_text(values.get(f"{start}email")))
        key = number_key(_text(values.get(number)))
        if address:
            found.people[address].add(key)
        elif len(surname) >= _LEAST:
            names = (values.get(f"{start}{name}") for name in ("first_name", "prefix", "surname"))
            name = " ".join(str(part) for part in names if part)
            bare = _Bare(row.line, name, surname, _letters(values.get(f"{start}first_name")))
            found.bare[row.line] = bare
            found.surnames[surname].append(bare)
        if kind == "clients" and values.get("email"):
            found.clients[fold(_text(values["email"]))].setdefault(key, _Owner(_text(values.get("name")), None))
    return found


def _words(address: str) -> set[str]:
    """`a.bakker56@…` > a, bakker"""
    return set(re.findall("[a-z]+", address.partition("@")[0]))


def _letters(value: Value) -> str:
    return re.sub("[^a-z]", "", fold(_text(value)))


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""
