"""Acts on many records in tests: prepared, looked at and carried out in one go."""

from __future__ import annotations

from typing import Any

from models import engine
from models.bulk import BulkAct, prepare, start, undo
from models.bulk.running import fates
from models.core import Scope
from models.viewer import Viewer
from web.routing import viewer_of


async def looked_at(found: Scope[Any], kind: str, by: Viewer, **params: Any) -> BulkAct:
    return await engine.run_writing(lambda: prepare(found, kind, selection={}, params=params, by=by))


async def carried_out(act: BulkAct, by: Viewer) -> dict[str, int]:
    """Fate > how many. Nothing to change is no error here."""
    if (act.numbers or {}).get("will"):
        await engine.run_writing(lambda: start(act, by=by))
    return await counted(act)


async def in_bulk(found: Scope[Any], kind: str, by: Viewer, **params: Any) -> int:
    """How many were changed."""
    return (await carried_out(await looked_at(found, kind, by, **params), by)).get("done", 0)


async def taken_back(act: BulkAct, by: Viewer) -> dict[str, int]:
    await engine.run_writing(lambda: undo(act, by=by))
    return await counted(act)


async def counted(act: BulkAct) -> dict[str, int]:
    async with engine.reading():
        return await fates(act)


async def again(viewer: Viewer) -> Viewer:
    """The same person with what he may now."""
    async with engine.reading():
        return await viewer_of(viewer.user)
