"""Who gets a letter: approvers (APPROVE at an active client), chosen by group, by rule, one by one or all that lack one; with the
address of each, and apart from them those to whom no letter can go, with the reason."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from models import engine
from models.accounts.blocking import listed
from models.clients import rules
from models.clients.records import seen
from models.clients.tone import informal_among
from models.core import Say
from models.letters import addresses
from models.people import PARTS, addressee
from models.pins import LIVING
from models.pins.records import BY_PASSKEY
from models.viewer import Right

if TYPE_CHECKING:
    from models.viewer import Viewer

HOWS = ("lacking", "group", "rule", "person", "people")
UNDER_WAY = Say("Staat al in een partij die nog niet is geprint.")
UNPRINTABLE = Say("In naam of adres staan tekens die niet gedrukt kunnen worden: {signs}.")


@dataclass(frozen=True)
class Choice:
    """`rule` as clients.rules keeps it; `renew`: also who has a PIN already, which dies then."""

    how: str = "lacking"
    group: int = 0
    rule: str = ""
    person: int = 0
    people: tuple[int, ...] = ()
    renew: bool = False

    def as_json(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Recipient:
    """`names` are all the clients for which he approves, by number; `order` is how letters are sorted."""

    person: int
    name: str
    client: int
    client_name: str
    lines: tuple[str, ...]
    order: str
    country: str
    language: str
    formal: bool
    greeting: str
    office: int | None
    state: str
    has_one: bool
    names: tuple[str, ...] = field(default=(), repr=False)
    whole_name: str = ""


class LeftOut(NamedTuple):
    person: int
    name: str
    clients: str
    why: Say


@dataclass(frozen=True)
class Chosen:
    letters: list[Recipient]
    left_out: list[LeftOut]

    @property
    def version(self) -> str:
        """Tells whether letters would still go to the same people at the same addresses."""
        said = [[one.person, one.client, *one.lines] for one in self.letters]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:24]


_APPROVES = f"(a.rights & {int(Right.APPROVE)}) <> 0"
_PERSON = ", ".join(f"u.{name}" for name in (*PARTS, "gender", "language", "state", "full_name"))
_PLACES = ("street", "house_number", "letter", "addition", "postcode", "city", "lines", "country")
_CLIENT = ", ".join(f"c.{which}{name}" for which in ("", "post_") for name in _PLACES)
# A private person's own file comes first, then the lowest number: at the first of them that has a usable address he gets it.
_SQL = f"""
SELECT a.person, {_PERSON}, c.id AS client, c.name, c.number, c.kind, c.office, {_CLIENT},
 CASE WHEN a.person IN (SELECT k.person FROM pin k WHERE k.kind = $1 AND k.state IN {LIVING}) THEN 1 ELSE 0 END AS has_one
FROM access a JOIN users u ON u.id = a.person JOIN client c ON c.id = a.client
WHERE u.kind = 'client' AND u.state <> 'blocked' AND c.state = 'active' AND {_APPROVES} AND {{seen}} AND {{which}}
ORDER BY a.person, CASE WHEN c.kind = 'private' THEN 0 ELSE 1 END, c.number_key, c.id
"""
_OF_THESE = "+a.person IN {}"  # the plus keeps SQLite from trying every one of them at every client
# Who chose a passkey in the place of his PIN lacks neither: a letter would undo his choice.
_LACKING = f"a.person NOT IN (SELECT k.person FROM pin k WHERE (k.kind = $1 AND k.state IN {LIVING}) OR ({BY_PASSKEY}))"
_AMONG = "+a.person IN (SELECT x.person FROM access x JOIN client c ON c.id = x.client WHERE (x.rights & 4) <> 0 AND c.state = 'active' AND {seen} AND {rule})"


async def chosen(viewer: Viewer, kind: str, choice: Choice) -> Chosen:
    """Of those that this viewer sees, in the order in which letters are printed. A handful of statements."""
    which, args = _which(viewer, choice)
    if not choice.renew and choice.how not in ("person", "people"):
        which = f"{which} AND {_LACKING}"
    found = await _recipients(viewer, kind, which, args)
    busy = await engine.raw("SELECT person FROM letter WHERE kind = $1 AND state IN ('making', 'ready')", kind)
    under_way = {row["person"] for row in busy}
    letters = [one for one in found.letters if one.person not in under_way]
    waiting = [
        LeftOut(one.person, one.name, ", ".join(one.names), UNDER_WAY)
        for one in found.letters
        if one.person in under_way
    ]
    return Chosen(letters, [*found.left_out, *waiting])


async def among(viewer: Viewer, kind: str, people: Iterable[int]) -> dict[int, Recipient]:
    """Of these people who may still approve and has an address, as `chosen` tells of them."""
    found = await _recipients(viewer, kind, _OF_THESE.format(listed(2)), [json.dumps(list(people))])
    return {one.person: one for one in found.letters}


async def still_approve(batch: int) -> set[int]:
    """Of the people of this batch those who may."""
    rows = await engine.raw(
        "SELECT l.person FROM letter l JOIN users u ON u.id = l.person WHERE l.batch = $1 AND u.kind = 'client' AND u.state <> 'blocked' "
        f"AND EXISTS (SELECT 1 FROM access a JOIN client c ON c.id = a.client WHERE a.person = l.person AND c.state = 'active' AND {_APPROVES})",
        batch,
    )
    return {row["person"] for row in rows}


def _which(viewer: Viewer, choice: Choice) -> tuple[str, list[Any]]:
    """The condition over `a`, with its arguments from $2 on."""
    if choice.how == "group":
        rule = "c.id IN (SELECT m.client FROM membership m WHERE m.client_group = $2)"
        return _AMONG.format(seen=seen(viewer), rule=rule), [choice.group]
    if choice.how == "rule":
        rule, args = rules.condition(choice.rule, 2)
        return _AMONG.format(seen=seen(viewer), rule=rule), args
    if choice.how == "person":
        return "a.person = $2", [choice.person]
    if choice.how == "people":
        return _OF_THESE.format(listed(2)), [json.dumps(choice.people)]
    return "1 = 1", []


async def _recipients(viewer: Viewer, kind: str, which: str, args: list[Any]) -> Chosen:
    rows = await engine.raw(_SQL.format(seen=seen(viewer), which=which), kind, *args)
    by_person = {person: list(some) for person, some in itertools.groupby(rows, key=lambda row: row["person"])}
    informal = await informal_among(by_person)
    letters, left_out = [], []
    for person, clients in by_person.items():
        found = _recipient(clients, formal=person not in informal)
        if isinstance(found, Recipient):
            letters.append(found)
        else:
            left_out.append(
                LeftOut(person, clients[0]["full_name"], ", ".join(row["name"] for row in clients[:4]), found)
            )
    letters.sort(key=lambda one: (one.order, one.name, one.person))
    left_out.sort(key=lambda one: one.name)
    return Chosen(letters, left_out)


def _recipient(clients: list[dict[str, Any]], *, formal: bool) -> Recipient | Say:
    """Where the one letter of this person goes, however many clients he has; or why none can."""
    from models.letters.drawing import unprintable

    first = clients[0]
    for row in clients:
        place = addresses.where(row)
        if place is None:
            continue
        lines = addresses.lines_of(first, row, place)
        if signs := unprintable("".join(lines)):
            return Say(UNPRINTABLE.text, signs=signs[:20])
        language = first["language"] if first["language"] in ("nl", "en") else "nl"
        reader = addressee(first, formal=formal)
        return Recipient(
            first["person"], first["full_name"], row["client"], row["name"], lines, place.order, place.country, language, formal,
            addresses.greeting(first, language, formal=formal), row["office"], first["state"], bool(first["has_one"]),
            tuple(one["name"] for one in clients), reader.whole_name,
        )  # fmt: skip
    return addresses.NO_ADDRESS
