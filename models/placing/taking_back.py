"""The undo of a placing: what still is as it was placed goes to the trash, or back to the version before; the rest stays."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.clients import seen
from models.keeping.terms import rows_of
from models.live import touch
from models.placing.records import Placing
from models.settings import utcnow

if TYPE_CHECKING:
    from models.viewer import Viewer


async def take_back(placing: Placing, by: Viewer, most: int) -> int:
    """The next of its documents, all or nothing; how many were dealt with, 0 when none is left."""
    rows = await engine.raw(
        "SELECT p.id, p.document, p.version, p.sha256, d.sha256 AS now, d.version AS at, d.trashed_at, f.dossier, "
        f"CASE WHEN {seen(by, 'd.client')} THEN 1 ELSE 0 END AS is_seen "
        "FROM placement_file p LEFT JOIN document d ON d.id = p.document LEFT JOIN folder f ON f.id = d.folder "
        f"WHERE p.placement = $1 AND p.state = 'placed' ORDER BY p.id LIMIT {int(most)}",
        placing.id,
    )
    if not rows:
        return 0
    same = [row for row in rows if row["is_seen"] and _is_as_placed(row)]
    held = await _held([row["document"] for row in same if row["version"] > 1])
    same = [row for row in same if row["document"] not in held]
    fresh, newer = [row for row in same if row["version"] == 1], [row for row in same if row["version"] > 1]
    await engine.raw(
        f"UPDATE document SET trashed_at = $2, trashed_by = $3 WHERE id IN {listed(1)}",
        json.dumps([row["document"] for row in fresh]), utcnow(), by.user.id,
    )  # fmt: skip
    await _earlier_again([(row["document"], row["version"] - 1) for row in newer])
    taken = {row["id"] for row in same}
    await engine.raw_many(
        "UPDATE placement_file SET state = $1, document = $2, version = $3 WHERE id = $4",
        [
            ("matched", None, None, row["id"])
            if row["id"] in taken
            else ("kept", row["document"], row["version"], row["id"])
            for row in rows
        ],
    )
    await touch(f"placing-{placing.id}", *sorted({f"dossier-{row['dossier']}" for row in same})[:100])
    return len(rows)


async def _held(documents: list[int]) -> set[int]:
    """Those of which a case suspends the term: their newest version stays."""
    return {row["id"] for row in await rows_of(documents) if row["is_held"]}


def _is_as_placed(row: dict[str, Any]) -> bool:
    return row["trashed_at"] is None and row["now"] == row["sha256"] and row["at"] == row["version"]


async def _earlier_again(pairs: list[tuple[int, int]]) -> None:
    """Documents (id, number of the version before) become what they were; who opened that one has it as read again."""
    await engine.raw_many(
        "UPDATE document SET (name, name_key, sha256, size, mime, source, uploaded_by, uploaded_at, version, state) = "
        "(SELECT v.name, document.name_key, v.sha256, v.size, v.mime, v.source, v.uploaded_by, v.uploaded_at, v.number, "
        "CASE WHEN v.was_published THEN document.state ELSE 'draft' END FROM document_version v WHERE v.document = document.id AND v.number = $2) "
        "WHERE id = $1",
        pairs,
    )
    await engine.raw_many("DELETE FROM document_version WHERE document = $1 AND number = $2", pairs)


async def trash_empty_folders(placing: Placing, by: Viewer) -> int:
    """Folders that it made and in which nothing lies now: how many."""
    rows = await engine.raw("SELECT made FROM placement WHERE id = $1", placing.id)
    made, now, count = json.loads(rows[0]["made"]) if rows else [], utcnow(), 0
    while made:
        gone = await engine.raw(
            f"UPDATE folder SET trashed_at = $2, trashed_by = $3 WHERE id IN {listed(1)} AND trashed_at IS NULL "
            "AND NOT EXISTS (SELECT 1 FROM folder c WHERE c.parent = folder.id AND c.trashed_at IS NULL) "
            "AND NOT EXISTS (SELECT 1 FROM document d WHERE d.folder = folder.id AND d.trashed_at IS NULL) RETURNING id",
            json.dumps(made), now, by.user.id,
        )  # fmt: skip
        if not gone:
            break
        count += len(gone)
    await by.note("Placing.taken_back", placing, {"folders": count})
    return count
