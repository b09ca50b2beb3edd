"""What nobody went on with: the pieces go, the line on the receipt says that it expired."""

from __future__ import annotations

import datetime as dt

from models import engine
from models.settings import utcnow
from models.storage import storage
from models.uploads.records import KEPT

_AT_A_TIME = 500
_DAY = dt.timedelta(days=1)


async def expire() -> int:
    """How many. The pieces go first: a crash in between leaves a row that is found again."""
    gone = 0
    while rows := await engine.raw(
        f"SELECT id, key FROM upload WHERE state IN ('coming', 'asks') AND expires_at < $1 ORDER BY id LIMIT {_AT_A_TIME}",
        utcnow(),
    ):
        for row in rows:
            await storage().forget(row["key"])
        ids = ", ".join(str(int(row["id"])) for row in rows)
        await engine.raw(
            f"UPDATE upload SET state = 'expired', blob = '', finished_at = $1 WHERE state IN ('coming', 'asks') AND id IN ({ids})",
            utcnow(),
        )
        gone += len(rows)
    return gone


async def forget_stray() -> int:
    """Pieces whose upload is over or never was: left by a crash between the two, or by a person who was removed."""
    gone, page = 0, list[str]()
    async for key in storage().partials(KEPT + _DAY):
        page.append(key)
        if len(page) == _AT_A_TIME:
            gone, page = gone + await _forget(page), []
    return gone + await _forget(page)


async def _forget(keys: list[str]) -> int:
    if not keys:
        return 0
    places = ", ".join(f"${n}" for n in range(1, len(keys) + 1))
    rows = await engine.raw(f"SELECT key FROM upload WHERE state = 'coming' AND key IN ({places})", *keys)
    stray = set(keys) - {row["key"] for row in rows}
    for key in stray:
        await storage().forget(key)
    return len(stray)
