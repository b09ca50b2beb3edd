"""Invitations in trouble: refused, not opened, about to expire, expired. Said once, for the counts and for the lists behind them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from models import engine
from models.mine import chooses, looked_after
from models.settings import utcnow

if TYPE_CHECKING:
    from models.viewer import Viewer

SILENT_AFTER = dt.timedelta(days=7)
EXPIRES_WITHIN = dt.timedelta(days=3)

# The last invitation of a person `u` who is not in yet: a later one replaced (ended) the one before.
_LAST = "FROM link l WHERE l.person = {table}.id AND l.kind = 'invitation' AND l.ended_at IS NULL AND l.used_at IS NULL"
_STATE = "{table}.kind = 'client' AND {table}.state IN ('prepared', 'invited')"
_SENT = "EXISTS (SELECT 1 FROM errand e WHERE e.kind = 'invitation' AND e.subject_id = l.id AND e.state IN ({states}))"
_OF = {
    "refused": _SENT.format(states="'refused', 'failed', 'unknown'"),
    "unopened": "l.opened_at IS NULL AND l.created_at < {week} AND l.expires_at > {now} AND " + _SENT.format(states="'done'"),
    "expiring": "l.expires_at > {now} AND l.expires_at <= {soon}",
    "expired": "l.expires_at <= {now}",
}
KINDS = tuple(_OF)


def _written(kind: str, table: str, **moments: str) -> str:
    whole = f"{_STATE} AND EXISTS (SELECT 1 {_LAST} AND {_OF[kind]})"
    return whole.format(table=table, **moments)


TROUBLE = {"refused": _written("refused", "u")}  # what needs no moment

# Of a client `c`: somebody was invited a week ago ($1) or longer, and nobody is in.
_INVITED = "EXISTS (SELECT 1 FROM access a JOIN users u ON u.id = a.person WHERE a.client = {client} AND u.state = 'invited' AND u.invited_at < {week})"
_IN = "EXISTS (SELECT 1 FROM access a JOIN users u ON u.id = a.person WHERE a.client = {client} AND u.state = 'active')"
NOBODY_IN = f"{_INVITED} AND NOT {_IN}".format(client="c.id", week="$1")


def nobody_in(client: str) -> tuple[str, tuple[Any, ...]]:
    """The same for a list's filter, with `{}` for the moment."""
    return f"({_INVITED} AND NOT {_IN})".format(client=client, week="{}"), (utcnow() - SILENT_AFTER,)


def in_trouble(kind: str, table: str = "users") -> tuple[str, tuple[Any, ...]]:
    """Whether a user's last invitation is in this trouble, with `{}` for each moment, in the order in which they stand."""
    now = utcnow()
    moments = {
        "refused": (), "unopened": (now - SILENT_AFTER, now), "expiring": (now, now + EXPIRES_WITHIN), "expired": (now,),
    }[kind]  # fmt: skip
    return _written(kind, table, week="{}", now="{}", soon="{}"), moments


def people_of(viewer: Viewer, column: str, *, everybody: bool = False) -> str:
    """Who reaches a client that this viewer looks after."""
    if everybody and viewer.sees_all_clients:
        return "1 = 1"
    return f"{column} IN (SELECT p.person FROM access p WHERE {looked_after(viewer, 'p.client', everybody=everybody)})"


async def counts(viewer: Viewer, *, everybody: bool = False) -> dict[str, int]:
    """kind > how many people of the clients he looks after. One query, from the links that still count."""
    now = utcnow()
    sums = ", ".join(
        f"coalesce(sum(CASE WHEN {_OF[kind].format(week='$2', now='$1', soon='$3')} THEN 1 ELSE 0 END), 0) AS {kind}"
        for kind in KINDS
    )
    rows = await engine.raw(
        f"SELECT {sums} FROM link l JOIN users u ON u.id = l.person WHERE l.kind = 'invitation' AND l.ended_at IS NULL AND l.used_at IS NULL "
        f"AND {_STATE.format(table='u')} AND {people_of(viewer, 'u.id', everybody=everybody)}",
        now, now - SILENT_AFTER, now + EXPIRES_WITHIN,
    )  # fmt: skip
    return {kind: int(rows[0][kind]) for kind in KINDS}


def list_address(viewer: Viewer, kind: str, *, everybody: bool = False) -> str:
    """The users behind a count."""
    mine = f"&responsible={viewer.user.id}" if chooses(viewer) and not everybody else ""
    return f"/users?invitation={kind}{mine}"
