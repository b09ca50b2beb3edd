"""From when a means that somebody made himself counts for approving.

Whoever found out a password can set up an authenticator or a passkey of his own with it. So one that was made in a session that
showed nothing but the password counts after a day: the mail about it went at once, and its owner can stop it.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from models import engine
from models.settings import utcnow

if TYPE_CHECKING:
    from models.accounts.records import User
    from models.viewer import Viewer

WAIT = dt.timedelta(days=1)
_OF_LATE = dt.timedelta(minutes=15)


async def counts_from(by: Viewer) -> dt.datetime | None:
    """As `when`, of what this viewer makes now. In a unit."""
    rows = await engine.raw(
        "SELECT s.how, s.factor, (SELECT max(k.used_at) FROM pin k WHERE k.person = $1 AND k.used_in = $2) AS used_at "
        "FROM session s WHERE s.id = $2 AND s.person = $1",
        by.user.id, by.session_id or 0,
    )  # fmt: skip
    if not rows:
        return when(by.user, "", "", None)
    return when(by.user, rows[0]["how"], rows[0]["factor"], engine.as_moment(rows[0]["used_at"]))


def when(user: User, how: str, factor: str, used_at: dt.datetime | None) -> dt.datetime | None:
    """None for at once: when he came in by an earlier second means (`how` and `factor` of his session), used his PIN or a code in this
    very session just now (`used_at`), or made his account today, by an invitation; else the moment from which it counts."""
    now = utcnow()
    if how in ("passkey", "oidc") or factor in ("code", "passkey"):
        return None
    if used_at is not None and used_at > now - _OF_LATE:
        return None
    return None if user.activated_at and user.activated_at > now - WAIT else now + WAIT
