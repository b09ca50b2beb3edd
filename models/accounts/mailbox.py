"""A mailbox that several people of clients read: who they are, and which of them is meant.

Whoever works at the office has an address of his own, or a client who reads it could come in as he.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from models import engine
from models.core import Refused, Say, fold, record_of

if TYPE_CHECKING:
    from models.accounts.records import User
    from models.viewer import Viewer

MOST = 4  # people in one mailbox: as many passwords are checked at most when somebody signs in
ANOTHER = "another"  # instead of somebody's id: another person with the same mailbox

TAKEN = Say("Er is al een gebruiker met dit e-mailadres.")
OF_STAFF = Say("Dit is het adres van een medewerker van het kantoor.")
FULL = Say("Dit adres wordt al door {most} mensen gebruikt. Meer kunnen er niet bij.", most=MOST)


class _Named(Protocol):
    def __getitem__(self, name: str, /) -> Any: ...


async def holders_of(email: str, but: int = 0) -> list[User]:
    """Who sign in with this address, in any capitals, `but` one; the longest known first."""
    from models.accounts.records import User

    key = fold(email)
    sql = "SELECT * FROM users WHERE email_key = $1 AND id <> $2 ORDER BY id LIMIT $3"
    return [record_of(User, row) for row in await engine.raw(sql, key, but, MOST)] if key else []


async def told(email: str, viewer: Viewer, but: int = 0) -> list[tuple[int, str]]:
    """(id, name) of who have this address, `but` one; with "" for whom this viewer does not see. One statement."""
    from models.mine import seen_people

    if not (key := fold(email)):
        return []
    rows = await engine.raw(
        f"SELECT u.id, CASE WHEN {seen_people(viewer, 'u')} THEN u.full_name ELSE '' END AS name "
        "FROM users u WHERE u.email_key = $1 AND u.id <> $2 ORDER BY u.id LIMIT $3",
        key, but, MOST,
    )  # fmt: skip
    return [(row["id"], row["name"]) for row in rows]


async def most_together() -> int:
    """How many people the fullest mailbox of the office has; 1 where none is shared."""
    rows = await engine.raw(
        "SELECT count(*) AS n FROM users WHERE email_key <> '' GROUP BY email_key ORDER BY n DESC LIMIT 1"
    )
    return int(rows[0]["n"]) if rows else 1


async def fits(kind: str, email: str, but: int = 0, *, shares: bool = False) -> None:
    """Raises Refused where somebody of this kind ("staff" or "client") cannot have the address: on the field `shares`
    where others have it and it was not said (`shares`) that they share it."""
    others = await holders_of(email, but)
    if not others:
        return
    if kind == "staff":
        raise Refused("email", TAKEN)
    if any(one.kind == "staff" for one in others):
        raise Refused("email", OF_STAFF)
    if len(others) >= MOST:
        raise Refused("email", FULL)
    if not shares:
        raise Refused("shares", Say("Dit adres is al van iemand anders. Zet een vinkje als zij het samen gebruiken."))


def agrees(person: _Named, typed: _Named) -> bool:
    """Whether these may be one person: the same surname, and no first names or initials that begin otherwise.

    "Hans" with the initials "J." is also J.; without a first name or initials one is anybody of that surname.
    """
    if _surname(person) != _surname(typed):
        return False
    here, there = _firsts(person), _firsts(typed)
    return not here or not there or bool(here & there)


def _surname(names: _Named) -> str:
    return re.sub(r"[\W_]", "", fold(str(names["surname"] or "")))


def _firsts(names: _Named) -> set[str]:
    return {fold(str(names[part]))[0] for part in ("first_name", "initials") if names[part]}


def named(people: Sequence[User], typed: Mapping[str, str]) -> User | None:
    """The one of these who is called like this, where that is clear; the only one, where no name was given."""
    if not typed.get("surname") and len(people) == 1:
        return people[0]
    whole = {"first_name": "", "initials": "", **typed, "surname": typed.get("surname", "")}
    found = [one for one in people if agrees(_names(one), whole)]
    return found[0] if len(found) == 1 else None


def _names(person: User) -> dict[str, str]:
    return {part: getattr(person, part) for part in ("first_name", "initials", "surname")}


async def meant(email: str, typed: Mapping[str, str], whose: str = "") -> User | None:
    """Who is to be added with this address and name: somebody who has it already, or None for a new person.

    `whose` is what was said of it: somebody's id, ANOTHER, or nothing. Raises Refused on the field `whose` when it has to
    be said.
    """
    holders = await holders_of(email)
    if not holders:
        return None
    if any(one.kind == "staff" for one in holders):
        raise Refused("email", OF_STAFF)
    if whose == ANOTHER:
        await fits("client", email, shares=True)
        return None
    said = [one for one in holders if str(one.id) == whose]
    if person := said[0] if said else named(holders, typed):
        return person
    raise Refused("whose", Say("Dit adres bestaat al. Kies of het om dezelfde persoon gaat of om iemand anders."))
