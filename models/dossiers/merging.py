"""The dossiers of two clients that turn out to be one: folders of the same name and kind become one folder."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from models import engine
from models.accounts.blocking import listed
from models.core import fold
from models.dossiers.folders import numbered

Row = dict[str, Any]


async def merge_dossiers(keep: int, other: int) -> None:
    """All that is in the dossier of client `other` comes into that of `keep`; nothing is lost, not even from the trash.

    A folder that exists with both, and is of the same kind, becomes one; what is named alike otherwise gets a number.
    """
    await engine.raw("UPDATE hold_item SET client = $1 WHERE client = $2", keep, other)
    await _merge_asked(keep, other)
    dossiers = {row["client"]: row["id"] for row in await engine.raw(_DOSSIERS_SQL, keep, other)}
    if other not in dossiers:
        return
    if keep in dossiers:
        await _merge_folders(keep, other)
        await engine.raw("UPDATE folder SET dossier = $1 WHERE client = $2", dossiers[keep], other)
    else:
        await engine.raw("UPDATE dossier SET client = $1 WHERE client = $2", keep, other)
    for table in (
        "folder",
        "document",
        "document_version",
        "remark",
        "reading",
        "folder_grant",
        "carried_person",
        "dossier_export",
        "drop_receipt",
        "upload",
        "document_mailing",
    ):
        await engine.raw(f"UPDATE {table} SET client = $1 WHERE client = $2", keep, other)
    await engine.raw("DELETE FROM dossier WHERE client = $1", other)


async def _merge_asked(keep: int, other: int) -> None:
    """What was asked, and how people hear of it. One act may have asked both: then it no longer stands for the act."""
    await engine.raw(
        "UPDATE document_request SET batch = 'merged-' || CAST(id AS TEXT) WHERE client = $2 "
        "AND batch IN (SELECT q.batch FROM document_request q WHERE q.client = $1)",
        keep, other,
    )  # fmt: skip
    await engine.raw(
        "DELETE FROM hearing WHERE client = $2 AND person IN (SELECT q.person FROM hearing q WHERE q.client = $1)",
        keep,
        other,
    )
    for table in ("document_request", "request_item", "reminder", "hearing"):
        await engine.raw(f"UPDATE {table} SET client = $1 WHERE client = $2", keep, other)


async def same_folders(keep: int, other: int) -> int:
    """How many folders of `other` become one with a folder of `keep`."""
    return len((await _plan(keep, other))[0])


_DOSSIERS_SQL = "SELECT id, client FROM dossier WHERE client IN ($1, $2)"
_FOLDERS_SQL = """SELECT id, client, coalesce(parent, 0) AS parent, name, name_key, kind, own_only, trashed_at FROM folder
WHERE client IN ($1, $2) ORDER BY position, name_key, id"""


async def _plan(keep: int, other: int) -> tuple[dict[int, int], list[tuple[int | None, str, str, int, int]]]:
    """(folder of `other` > folder of `keep` that it becomes one with), and of those that move as they are: parent, name,
    name_key, position, id."""
    children: dict[int, list[Row]] = defaultdict(list)
    there: dict[int, dict[str, Row]] = defaultdict(dict)
    for row in await engine.raw(_FOLDERS_SQL, keep, other):
        if row["client"] == other:
            children[row["parent"]].append(row)
        elif row["trashed_at"] is None:
            there[row["parent"]][row["name_key"]] = row
    same: dict[int, int] = {}
    moved: list[tuple[int | None, str, str, int, int]] = []
    waiting = [(0, 0)]
    while waiting:
        from_, to = waiting.pop()
        live = [row for row in children[from_] if row["trashed_at"] is None]
        taken = {*there[to], *(row["name_key"] for row in live)}
        for place, row in enumerate(children[from_], len(there[to])):
            twin = None if row["trashed_at"] else there[to].get(row["name_key"])
            if twin and (twin["kind"], bool(twin["own_only"])) == (row["kind"], bool(row["own_only"])):
                same[row["id"]] = twin["id"]
                waiting.append((row["id"], twin["id"]))
                continue
            # of another kind or openness: what is internal stays so, and so does what only who handed it in sees
            name = numbered(row["name"], taken, 120) if twin else row["name"]
            taken.add(fold(name))
            moved.append((to or None, name, fold(name), place, row["id"]))
    return same, moved


async def _merge_folders(keep: int, other: int) -> None:
    same, moved = await _plan(keep, other)
    await engine.raw_many("UPDATE folder SET parent = $1, name = $2, name_key = $3, position = $4 WHERE id = $5", moved)
    await _number_documents(same)
    for table in ("document", "document_request", "hold_item", "upload_link", "upload"):
        await engine.raw_many(
            f"UPDATE {table} SET folder = $1 WHERE folder = $2", [(to, id) for id, to in same.items()]
        )
    await engine.raw(f"DELETE FROM folder WHERE id IN {listed(1)}", json.dumps(list(same)))


async def _number_documents(same: dict[int, int]) -> None:
    """Before they come together: the names that would be there twice get a number."""
    rows = await engine.raw(
        f"SELECT id, folder, name, name_key FROM document WHERE trashed_at IS NULL AND folder IN {listed(1)} ORDER BY id",
        json.dumps([*same, *same.values()]),
    )
    taken: dict[int, set[str]] = defaultdict(set)
    for row in rows:
        if row["folder"] not in same:
            taken[row["folder"]].add(row["name_key"])
    renamed = []
    for row in rows:
        if row["folder"] in same:
            there = taken[same[row["folder"]]]
            name = numbered(row["name"], there, 255)
            there.add(fold(name))
            if name != row["name"]:
                renamed.append((name, fold(name), row["id"]))
    await engine.raw_many("UPDATE document SET name = $1, name_key = $2 WHERE id = $3", renamed)
