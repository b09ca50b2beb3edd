"""Clients, their groups, the staff responsible for them, and the access of users to them.

The tables and what one can do with a record are in `records`; lists of many, with bulk changes, in `lists`.
"""

from models.clients.records import (
    Access,
    Client,
    ClientGroup,
    Membership,
    Responsible,
    add_client,
    add_group,
    granted,
    seen,
    visible_client,
    with_right,
)

from models.clients.reach import settle  # isort: skip  # needs the records
from models.clients.rights import settle_rights  # isort: skip  # needs the records
from models.clients.lists import (  # isort: skip  # needs the records
    Filter,
    add_to_group,
    matching,
    remove_from_group,
)

__all__ = [
    "Access",
    "Client",
    "ClientGroup",
    "Filter",
    "Membership",
    "Responsible",
    "add_client",
    "add_group",
    "add_to_group",
    "granted",
    "matching",
    "remove_from_group",
    "seen",
    "settle",
    "settle_rights",
    "visible_client",
    "with_right",
]
