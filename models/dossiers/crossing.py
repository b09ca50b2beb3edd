"""Documents that come to another client: drafts there, and of the office, until they go back."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed

if TYPE_CHECKING:
    from models.viewer import Viewer


async def strangers_to(client: int | None, folders: Sequence[int], documents: Sequence[int]) -> list[list[Any]]:
    """Of these documents, and of all that lies in these folders, also in the trash, those that are another client's: id, client,
    state, publish_at, published_at, source, uploaded_by; fit for JSON."""
    rows = await engine.raw(
        f"WITH RECURSIVE tree(id) AS (SELECT id FROM folder WHERE id IN {listed(1)} UNION SELECT f.id FROM folder f JOIN tree t ON f.parent = t.id) "
        "SELECT id, client, state, publish_at, published_at, source, uploaded_by FROM document "
        f"WHERE coalesce(client, 0) <> $3 AND (folder IN (SELECT id FROM tree) OR id IN {listed(2)}) ORDER BY id",
        json.dumps(list(folders)), json.dumps(list(documents)), client or 0,
    )  # fmt: skip
    return [
        [row["id"], row["client"], row["state"], _written(row["publish_at"]), _written(row["published_at"]), row["source"], row["uploaded_by"]]
        for row in rows
    ]  # fmt: skip


async def make_drafts(strangers: Sequence[Sequence[Any]], by: Viewer) -> None:
    """Nobody of the client that they came to sees them, nor who handed them in elsewhere, before they are published."""
    if strangers:
        await engine.raw(
            "UPDATE document SET state = 'draft', publish_at = NULL, published_at = NULL, source = 'office', uploaded_by = $2 "
            f"WHERE id IN {listed(1)}",
            json.dumps([row[0] for row in strangers]), by.user.id,
        )  # fmt: skip


async def as_they_were(strangers: Sequence[Sequence[Any]]) -> None:
    """Those that are their first client's again are shown to him as before, whatever the other one saw of them."""
    await engine.raw_many(
        "UPDATE document SET state = $1, publish_at = $2, published_at = $3, source = $4, "
        "uploaded_by = (SELECT id FROM users WHERE id = $5) WHERE id = $6 AND coalesce(client, 0) = $7",
        [
            (state, _read(planned), _read(shown), source, person, id, client or 0)
            for id, client, state, planned, shown, source, person in strangers
        ],
    )


def _written(moment: Any) -> str | None:
    return moment.isoformat() if moment else None


def _read(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None
