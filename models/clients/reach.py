"""Which clients a colleague sees who does not see all: kept as pairs, so that every page is as fast for him as for anybody.

He sees the clients that he is responsible for, and those in the selection groups that were given to him or to a group of
colleagues he is in; all of it within his branch office, when he has one. Who changes one of these facts calls `settle`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from piccolo.columns import ForeignKey, OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from models import engine
from models.accounts import User
from models.accounts.blocking import listed
from models.accounts.staff_groups import StaffGroup
from models.clients import rules
from models.clients.records import Client, ClientGroup
from models.core import Owned, Say
from models.personal import Erase, Export

if TYPE_CHECKING:
    from models.viewer import Viewer


class Reach(Owned, Table, tablename="reach"):
    """A client that a restricted colleague sees: follows from other tables, by `settle`."""

    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)

    reach_unique = Unique([person, client])

    EXPORTS = Export(
        Say("Cliënten die hij ziet"), why=Say("Volgt uit de verantwoordelijkheden en groepen, die er wel in staan")
    )
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.person == viewer.user.id


class StaffReach(Owned, Table, tablename="staff_reach"):
    """A selection group of clients that a colleague, or a group of colleagues, may see."""

    person = ForeignKey(User, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    staff_group = ForeignKey(StaffGroup, null=True, default=None, on_delete=OnDelete.cascade, index=True)
    client_group = ForeignKey(ClientGroup, null=False, on_delete=OnDelete.cascade, index=True)

    EXPORTS = Export(Say("Groepen van cliënten die hij ziet"), by=("person",))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0


async def settle(*, clients: Iterable[int] | None = None, people: Iterable[int] | None = None) -> None:
    """Bring what follows from facts up to date: which clients are in the groups by rule, and which colleague sees whom.

    `clients` are those of which something changed, `people` colleagues of whom something changed; neither means all.
    A handful of statements, however many there are.
    """
    if people is None:
        await rules.settle(clients)
    which, args = _which(clients, people)
    wanted = _WANTED_SQL.format(
        **{name: which.format(person=f"{name}.person", client=f"{at}.client") for name, at in _BRANCHES}
    )
    where = which.format(person="person", client="client")
    await engine.raw(f"DELETE FROM reach WHERE {where} AND (person, client) NOT IN ({wanted})", *args)
    await engine.raw(
        f"INSERT INTO reach (person, client) SELECT v.person, v.client FROM ({wanted}) v WHERE 1 = 1 "
        "ON CONFLICT (person, client) DO NOTHING",
        *args,
    )


def _which(clients: Iterable[int] | None, people: Iterable[int] | None) -> tuple[str, list[Any]]:
    """The condition by which pairs are looked at; {person} and {client} stand for the columns."""
    if people is not None:
        return f"{{person}} IN {listed(1)}", [json.dumps(sorted(set(people)))]
    if clients is not None:
        return f"{{client}} IN {listed(1)}", [json.dumps(sorted(set(clients)))]
    return "1 = 1", []


_BRANCHES = (("r", "r"), ("s", "m"), ("g", "n"))
_WANTED_SQL = """
SELECT w.person, w.client FROM (
 SELECT r.person, r.client FROM responsible r WHERE {r}
 UNION SELECT s.person, m.client FROM staff_reach s JOIN membership m ON m.client_group = s.client_group
  WHERE s.person IS NOT NULL AND {s}
 UNION SELECT g.person, n.client FROM staff_group_member g JOIN staff_reach t ON t.staff_group = g.staff_group
  JOIN membership n ON n.client_group = t.client_group WHERE {g}
) w JOIN users u ON u.id = w.person JOIN client c ON c.id = w.client
WHERE u.kind = 'staff' AND NOT u.all_clients AND (u.office IS NULL OR u.office = c.office)
"""


async def colleagues_of(client: int, office: int | None) -> list[dict[str, Any]]:
    """The colleagues who see a client: id, who, role, roles (for what he is responsible, or None) and sees_all."""
    return await engine.raw(
        "SELECT u.id, u.full_name AS who, u.role, u.permissions, r.roles, CASE WHEN u.all_clients THEN 1 ELSE 0 END AS sees_all "
        "FROM users u LEFT JOIN responsible r ON r.person = u.id AND r.client = $1 "
        "WHERE u.kind = 'staff' AND u.state <> 'blocked' AND ((u.all_clients AND (u.role = 'administrator' OR u.office IS NULL "
        "OR u.office = CAST($2 AS INTEGER))) OR u.id IN (SELECT person FROM reach WHERE client = $1)) "
        "ORDER BY r.id IS NULL, u.sort_key, u.id LIMIT 200",
        client,
        office,
    )
