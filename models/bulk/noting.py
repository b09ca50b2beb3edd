"""The lines that an act on many leaves on the trail of each of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.live import touch
from models.settings import utcnow

if TYPE_CHECKING:
    from models.viewer import Viewer

_CLIENT = "SELECT {at}, {who}, {what}, 'Client', id, id, {detail} FROM client WHERE id IN {ids}"
_USER = "SELECT {at}, {who}, {what}, 'User', id, CAST(NULL AS INTEGER), {named} FROM users WHERE id IN {ids}"


async def note_each(about: str, operation: str, ids: Sequence[int], by: Viewer, detail: dict[str, Any]) -> None:
    """A line for each client or user, in one statement; users by their name."""
    if not ids:
        return
    moment = "TEXT" if engine.is_sqlite() else "TIMESTAMPTZ"
    named = (
        "json_set($4, '$.name', full_name)"
        if engine.is_sqlite()
        else "CAST(CAST($4 AS jsonb) || jsonb_build_object('name', full_name) AS TEXT)"
    )
    sql = (_CLIENT if about == "clients" else _USER).format(
        at=f"CAST($1 AS {moment})",
        who="CAST($2 AS INTEGER)",
        what="CAST($3 AS VARCHAR)",
        detail="CAST($4 AS TEXT)",
        named=named,
        ids=listed(5),
    )
    await engine.raw(
        f"INSERT INTO trail (at, person, operation, record_table, record_id, client, detail) {sql}",
        utcnow(), by.user.id, operation, json.dumps(detail, ensure_ascii=False), json.dumps(list(ids)),
    )  # fmt: skip
    one = "client" if about == "clients" else "user"
    await touch(about, "rollout", *(f"{one}-{id}" for id in ids[:50]))
