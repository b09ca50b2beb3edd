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
    from models.viewer import Viewer

WAIT = dt.timedelta(days=1)
_OF_LATE = dt.timedelta(minutes=15)


async def counts_from(by: Viewer) -> dt.datetime | None:
    """None for at once: when he came in by an earlier second means, used his PIN or a code in this very session just now, or made his account today, by
    an invitation; else the moment from which it counts. In a unit."""
    now = utcnow()
    rows = await engine.raw(
        "SELECT (SELECT count(*) FROM session s WHERE s.id = $2 AND s.person = $1 AND (s.how IN ('passkey', 'oidc') OR s.factor IN ('code', 'passkey'))) "
        "+ (SELECT count(*) FROM pin k WHERE k.person = $1 AND k.used_at > $3 AND k.used_in = $2) "
        "+ (SELECT count(*) FROM users u WHERE u.id = $1 AND u.activated_at > $4) AS n",
        by.user.id, by.session_id or 0, now - _OF_LATE, now - WAIT,
    )  # fmt: skip
    return None if rows[0]["n"] else now + WAIT
