"""Whether somebody is greeted formally (u, Geachte) or not (je, Beste): as his clients wish it, and colleagues among themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from models import engine
from models.accounts import mailbox

if TYPE_CHECKING:
    from models.accounts import User
    from models.people import Addressee


async def informal_among(people: Iterable[int]) -> set[int]:
    """Who of these people is greeted informally. One statement, however many they are."""
    listed = ", ".join(str(int(one)) for one in people)
    if not listed:
        return set()
    rows = await engine.raw(
        f"SELECT u.id FROM users u WHERE u.id IN ({listed}) AND (u.kind = 'staff' OR (EXISTS (SELECT 1 FROM access a "
        "JOIN client c ON c.id = a.client WHERE a.person = u.id AND c.state = 'active') AND NOT EXISTS (SELECT 1 FROM access a "
        "JOIN client c ON c.id = a.client WHERE a.person = u.id AND c.state = 'active' AND c.formal)))"
    )
    return {row["id"] for row in rows}


async def addressed(person: User) -> Addressee:
    """As a message to this person greets him."""
    found = person.addressed(formal=person.id not in await informal_among([person.id]))
    return replace(found, shares=bool(await mailbox.holders_of(person.email, but=person.id)))
