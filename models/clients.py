"""Clients, their groups, the staff responsible for them, and the access of users to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from piccolo.columns import Boolean, Date, ForeignKey, Integer, OnDelete, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models import engine
from models.accounts import User
from models.core import Owned
from models.viewer import Granted, Right

if TYPE_CHECKING:
    from models.viewer import Viewer


class ClientGroup(Owned, Table, tablename="client_group"):
    name = Varchar(length=120)
    name_key = Varchar(length=240)
    description = Varchar(length=400, default="")
    created_at = Timestamptz()
    is_sample = Boolean(default=False)
    imported = Integer(null=True, default=None, index=True)

    client_group_name_unique = Unique([name_key])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.id > 0 if viewer.is_staff else cls.id < 0


class Client(Owned, Table, tablename="client"):
    """An enterprise or person for whom the office works."""

    number = Varchar(length=20, help_text="As the office writes it; leading zeros kept.")
    number_key = Varchar(length=60, help_text="Sorts in natural order: digits padded; unique.")
    name = Varchar(length=200)
    sort_key = Varchar(length=400, default="", index=True)
    search_key = Varchar(length=1000, default="")
    legal_form = Varchar(length=60, default="")
    kvk = Varchar(length=8, default="")
    vat = Varchar(length=20, default="")
    iban = Varchar(length=34, default="")
    street = Varchar(length=120, default="")
    house_number = Varchar(length=10, default="")
    addition = Varchar(length=20, default="")
    postcode = Varchar(length=12, default="")
    city = Varchar(length=120, default="")
    email = Varchar(length=254, default="")
    phone = Varchar(length=40, default="")
    sbi = Varchar(length=10, default="")
    sector = Varchar(length=120, default="")
    manager = Varchar(length=120, default="", help_text="Relatiebeheerder, as the office's list names him.")
    since = Date(null=True, default=None)
    state = Varchar(length=8, default="active", index=True)
    created_at = Timestamptz()
    is_sample = Boolean(default=False)
    imported = Integer(null=True, default=None, index=True)

    client_number_unique = Unique([number_key])
    client_state_known = Check("state IN ('active', 'archived')")

    EXPORTS = "all columns"
    ERASES = "kept as long as the office must keep the client's file"

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return visible_client(cls.id, viewer)


class Membership(Owned, Table, tablename="membership"):
    """A client in a group."""

    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade)
    client_group = ForeignKey(ClientGroup, null=False, on_delete=OnDelete.cascade)
    imported = Integer(null=True, default=None, index=True)

    membership_unique = Unique([client, client_group])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return visible_client(cls.client, viewer) if viewer.is_staff else cls.id < 0


class Responsible(Owned, Table, tablename="responsible"):
    """A staff member who looks after a client: whom the client sees as contact, and what a restricted employee may see."""

    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade)
    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade)

    responsible_unique = Unique([person, client])

    EXPORTS = "all columns"
    ERASES = "goes with the user"

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return visible_client(cls.client, viewer)


class Access(Owned, Table, tablename="access"):
    """What one user may do for one client: the rights belong to the pair."""

    person = ForeignKey(User, null=False, on_delete=OnDelete.cascade)
    client = ForeignKey(Client, null=False, on_delete=OnDelete.cascade)
    rights = Integer(default=0, help_text="bits of viewer.Right")
    role = Varchar(length=40, default="", help_text="The rights template that gave them: beheerder, lezer, …")
    created_at = Timestamptz()
    imported = Integer(null=True, default=None, index=True)

    access_unique = Unique([person, client])

    EXPORTS = "all columns"
    ERASES = "goes with the user"

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        if viewer.is_client:
            return cls.person == viewer.user.id
        return visible_client(cls.client, viewer)


def clients_of_staff(user_id: int) -> Any:
    """The ids of the clients a restricted staff member is responsible for, as a subquery."""
    return Responsible.select(Responsible.client).where(Responsible.person == user_id)


def visible_client(column: Any, viewer: Viewer) -> Any:
    """The comparison by which every client-owned table is bounded: one column against the viewer's clients.

    For a client user it says only that he has access; tables with a right of their own narrow it further.
    """
    if viewer.is_client:
        return column.is_in(list(viewer.grants)) if viewer.grants else column < 0
    if viewer.sees_all_clients:
        return column > 0
    return column.is_in(clients_of_staff(viewer.user.id))


def with_right(column: Any, viewer: Viewer, right: Any) -> Any:
    """As `visible_client`, and for a client user only where he has `right`."""
    if viewer.is_client:
        ids = viewer.client_ids_with(right)
        return column.is_in(ids) if ids else column < 0
    return visible_client(column, viewer)


_GRANTS_SQL = """
SELECT a.client AS client_id, a.rights, c.name, c.number
FROM access a JOIN client c ON c.id = a.client
WHERE a.person = $1 AND c.state = 'active' ORDER BY c.sort_key, c.id
"""


async def granted(user_id: int) -> list[Granted]:
    """What a client user may, for each client that the office still serves."""
    rows = await engine.raw(_GRANTS_SQL, user_id)
    return [Granted(row["client_id"], row["name"], row["number"], Right(row["rights"])) for row in rows]
