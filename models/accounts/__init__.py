"""People who can sign in: who they are and how they come in (`records`), what the office does with one of them
(`managing`, `reaching`), with its own staff (`staff`), and with many at once (`lists`).
"""

from models.accounts.records import (
    PROOF_LASTS,
    STATES,
    Draft,
    Link,
    RecoveryCode,
    Session,
    Throttle,
    User,
)
from models.accounts.staff import add_staff, change_role

from models.accounts.lists import matching_users  # isort: skip  # needs the records

__all__ = [
    "PROOF_LASTS",
    "STATES",
    "Draft",
    "Link",
    "RecoveryCode",
    "Session",
    "Throttle",
    "User",
    "add_staff",
    "change_role",
    "matching_users",
]
