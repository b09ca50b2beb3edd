"""What lies below folders, in a few statements however many there are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from models import engine
from models.accounts.blocking import listed

Row = dict[str, Any]


async def below(folders: Iterable[int]) -> list[Row]:
    """The folders below these that are not in the trash, level by level: id, parent, kind, name, depth (from 1)."""
    ids = sorted(set(folders))
    if not ids:
        return []
    return await engine.raw(
        f"WITH RECURSIVE tree(id, parent, kind, name, depth) AS (SELECT id, parent, kind, name, 0 FROM folder WHERE id IN {listed(1)} "
        "UNION ALL SELECT f.id, f.parent, f.kind, f.name, t.depth + 1 FROM folder f JOIN tree t ON f.parent = t.id "
        "WHERE f.trashed_at IS NULL) SELECT id, parent, kind, name, depth FROM tree WHERE depth > 0 ORDER BY depth, id",
        json.dumps(ids),
    )


async def ways_of(folders: Iterable[int]) -> dict[int, tuple[int | None, list[str]]]:
    """For each folder its client, and the names on the way to it, its own last."""
    rows = await engine.raw(
        f"WITH RECURSIVE up(id, client, parent, name, height) AS (SELECT id, client, parent, name, 0 FROM folder WHERE id IN {listed(1)} "
        "UNION ALL SELECT u.id, u.client, f.parent, f.name, u.height + 1 FROM folder f JOIN up u ON f.id = u.parent) "
        "SELECT id, client, name FROM up ORDER BY id, height DESC",
        json.dumps(sorted(set(folders))),
    )
    found: dict[int, tuple[int | None, list[str]]] = {}
    for row in rows:
        found.setdefault(row["id"], (row["client"], []))[1].append(row["name"])
    return found


async def internal_within(folders: Iterable[int]) -> None:
    """What lies in these folders, which are internal now, is internal too, also in the trash."""
    await engine.raw(
        f"UPDATE folder SET kind = 'internal' WHERE kind <> 'internal' AND id IN (WITH RECURSIVE within(id) AS (SELECT id FROM folder WHERE id IN {listed(1)} "
        "UNION SELECT f.id FROM folder f JOIN within w ON f.parent = w.id) SELECT id FROM within)",
        json.dumps(sorted(set(folders))),
    )  # fmt: skip


async def carry_over(folders: Iterable[int], dossier: int, client: int | None) -> None:
    """All that lies below these folders, also in the trash, belongs to the dossier and client that they came to."""
    tree = (
        f"WITH RECURSIVE tree(id) AS (SELECT id FROM folder WHERE id IN {listed(1)} "
        "UNION ALL SELECT f.id FROM folder f JOIN tree t ON f.parent = t.id) "
    )
    ids = json.dumps(sorted(folders))
    inside = [row["id"] for row in await engine.raw(f"{tree} SELECT id FROM tree", ids)]
    await engine.raw(
        f"UPDATE folder SET dossier = $2, client = $3 WHERE id IN {listed(1)} AND (dossier <> $2 OR coalesce(client, 0) <> coalesce($3, 0))",
        json.dumps(inside), dossier, client,
    )  # fmt: skip
    rows = await engine.raw(
        f"SELECT id FROM document WHERE folder IN {listed(1)} AND coalesce(client, 0) <> $2",
        json.dumps(inside),
        client or 0,
    )
    if rows:
        await of_client([row["id"] for row in rows], client)


async def of_client(documents: Sequence[int], client: int | None) -> None:
    """These documents, and what hangs on them, are of this client now."""
    ids = json.dumps(list(documents))
    await engine.raw(f"UPDATE document SET client = $2 WHERE id IN {listed(1)}", ids, client)
    for table in ("document_version", "remark", "reading", "carried_person"):
        await engine.raw(
            f"UPDATE {table} SET client = $2 WHERE document IN {listed(1)} AND coalesce(client, 0) <> coalesce($2, 0)",
            ids,
            client,
        )
