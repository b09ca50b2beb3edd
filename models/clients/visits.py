"""Whose page a colleague opened last: offered to him before he types a word of a search."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from piccolo.columns import ForeignKey, OnDelete, Timestamptz
from piccolo.constraints import Unique
from piccolo.table import Table

from models import engine
from models.accounts import User
from models.clients.records import Client
from models.core import Owned, Say
from models.personal import Erase, Export
from models.settings import utcnow

if TYPE_CHECKING:
    from models.viewer import Viewer

KEPT = 20


class Visit(Owned, Table, tablename="visit"):
    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade, index=True)
    at = Timestamptz()

    visit_unique = Unique([person, client])

    EXPORTS = Export(Say("Laatst bekeken cliënten"), by=("person",))
    ERASES = Erase(deletes=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.person == viewer.user.id


async def visited(person: int, client: int, at: dt.datetime | None = None) -> None:
    """He is there now; only his last twenty are remembered."""
    await engine.raw(
        "INSERT INTO visit (person, client, at) VALUES ($1, $2, $3) ON CONFLICT (person, client) DO UPDATE SET at = excluded.at",
        person, client, at or utcnow(),
    )  # fmt: skip
    await engine.raw(
        "DELETE FROM visit WHERE person = $1 AND id NOT IN (SELECT id FROM visit WHERE person = $1 ORDER BY at DESC LIMIT $2)",
        person, KEPT,
    )  # fmt: skip
