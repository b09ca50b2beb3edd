"""Which clients a person reaches, by name: as his invitation and the list of an opening name them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from models import engine
from models.clients.records import seen
from models.people import sort_name

if TYPE_CHECKING:
    from models.viewer import Viewer

MOST = 12  # a mail names no more; a bookkeeper may reach thousands


class Reached(NamedTuple):
    """The first names in the order of the client list, and how many more there are."""

    names: list[str]
    more: int

    def beside(self, name: str) -> Reached:
        """With one client more, in its place."""
        return Reached(sorted({*self.names, name}, key=sort_name), self.more)


NOTHING = Reached([], 0)


async def reached_by(people: Iterable[int], *, seen_by: Viewer | None = None, most: int = MOST) -> dict[int, Reached]:
    """person > the active clients he reaches; who reaches none is not in it. One statement, however many people.

    Clients that `seen_by` does not see are counted and not named.
    """
    listed = ", ".join(str(int(one)) for one in people)
    if not listed:
        return {}
    shown = "1" if seen_by is None else f"CASE WHEN {seen(seen_by)} THEN 1 ELSE 0 END"
    rows = await engine.raw(
        "SELECT person, name, seen, n FROM (SELECT person, name, seen, "
        "row_number() OVER (PARTITION BY person ORDER BY seen DESC, sort_key, id) AS place, "
        "count(*) OVER (PARTITION BY person) AS n FROM "
        f"(SELECT a.person, c.id, c.name, c.sort_key, {shown} AS seen FROM access a JOIN client c ON c.id = a.client "
        f"WHERE c.state = 'active' AND a.person IN ({listed})) r) p WHERE place <= $1 ORDER BY person, place",
        most,
    )
    found: dict[int, Reached] = {}
    for row in rows:
        named, _ = found.get(row["person"], NOTHING)
        named = [*named, row["name"]] if row["seen"] else named
        found[row["person"]] = Reached(named, row["n"] - len(named))
    return found
