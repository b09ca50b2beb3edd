"""A hold (see `keeping.holds`) goes along with what is moved away from under it."""

from __future__ import annotations

import json
from collections.abc import Iterable

from models import engine
from models.accounts.blocking import listed

_HELD = """WITH RECURSIVE held(id, hold) AS (
 SELECT i.folder, i.hold FROM hold_item i JOIN hold h ON h.id = i.hold WHERE h.lifted_at IS NULL AND i.folder IS NOT NULL
 UNION SELECT f.id, x.hold FROM folder f JOIN held x ON f.parent = x.id)"""


async def pin(documents: Iterable[int] = (), folders: Iterable[int] = (), to_client: int | None = None) -> None:
    """Before these move: what holds them by a folder above them, or by the client they leave, holds them themselves from now on.
    Else a hold would end by putting things elsewhere."""
    if not await engine.raw("SELECT 1 AS one FROM hold WHERE lifted_at IS NULL LIMIT 1"):
        return
    for table, column, place, ids in (
        ("document", "document", "folder", documents),
        ("folder", "folder", "parent", folders),
    ):
        await engine.raw(
            f"{_HELD} INSERT INTO hold_item (hold, {column}) SELECT DISTINCT x.hold, t.id FROM {table} t JOIN "
            f"(SELECT hold, id AS place, NULL AS client FROM held UNION ALL SELECT i.hold, NULL, i.client FROM hold_item i JOIN hold h ON h.id = i.hold "
            f"WHERE h.lifted_at IS NULL AND i.client IS NOT NULL) x ON x.place = t.{place} OR (x.client = t.client AND x.client <> $2) "
            f"WHERE t.id IN {listed(1)} AND NOT EXISTS (SELECT 1 FROM hold_item o WHERE o.hold = x.hold AND o.{column} = t.id)",
            json.dumps([int(id) for id in ids]), to_client or 0,
        )  # fmt: skip
