"""Copies of folders and documents: new records of the same bytes, which are kept once."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from models import engine
from models.accounts.blocking import listed
from models.core import fold
from models.dossiers.dossier import Dossier
from models.dossiers.subtrees import below

_FOLDER = (
    "dossier",
    "client",
    "parent",
    "name",
    "name_key",
    "kind",
    "own_only",
    "retention",
    "year",
    "anchor_on",
    "position",
    "created_at",
)
_DOCUMENT = (
    "folder", "client", "name", "name_key", "sha256", "size", "mime", "source", "uploaded_by", "uploaded_at", "state",
    "published_at", "kind", "book_year", "period", "labels", "labels_key", "note", "retention", "anchor_on",
)  # fmt: skip


async def copy_folders(
    named: Sequence[tuple[int, str, str]],
    dossier: Dossier,
    parent: int | None,
    internal: bool,
    by: int,
    now: dt.datetime,
) -> list[int]:
    """These folders (id, and the name they get) with all below them; the ids of the copies at the top. One round a level."""
    inside = await below({id for id, _, _ in named})
    names = {id: name for id, name, _ in named} | {row["id"]: row["name"] for row in inside}
    levels = [[id for id, _, _ in named]] + [
        [row["id"] for row in inside if row["depth"] == depth]
        for depth in range(1, 1 + max((row["depth"] for row in inside), default=0))
    ]
    came: dict[int, int] = {}
    for level in levels:
        came |= await _copy_level(level, names, came, dossier, parent, internal, now)
    if dossier.kind == "standard" and not internal:
        await _copy_grants(came)
    rows = await engine.raw(
        f"SELECT id, folder, name FROM document WHERE folder IN {listed(1)} AND trashed_at IS NULL",
        json.dumps(list(came)),
    )
    await documents_copied({row["id"]: (came[row["folder"]], row["name"]) for row in rows}, dossier.client, by, now)
    return [came[id] for id, _, _ in named]


async def _copy_level(
    ids: Sequence[int], names: dict[int, str], came: dict[int, int], dossier: Dossier, top: int | None, internal: bool,
    now: dt.datetime,
) -> dict[int, int]:  # fmt: skip
    rows = await engine.raw(
        f"SELECT * FROM folder WHERE id IN {listed(1)} ORDER BY position, id", json.dumps(list(ids))
    )
    parents = {row["id"]: came.get(row["parent"] or 0, top) for row in rows}
    await engine.copy_rows(
        "folder",
        _FOLDER,
        [
            (
                dossier.id, dossier.client, parents[row["id"]], names[row["id"]], fold(names[row["id"]]),
                "internal" if internal else row["kind"], bool(row["own_only"]), row["retention"], row["year"],
                row["anchor_on"] if row["client"] == dossier.client else None, row["position"], now,
            )
            for row in rows
        ],
    )  # fmt: skip
    made = await engine.raw(
        f"SELECT id, coalesce(parent, 0) AS parent, name_key FROM folder WHERE dossier = $2 AND coalesce(parent, 0) IN {listed(1)} AND trashed_at IS NULL",
        json.dumps(sorted({parent or 0 for parent in parents.values()})), dossier.id,
    )  # fmt: skip
    at = {(row["parent"], row["name_key"]): row["id"] for row in made}
    return {row["id"]: at[(parents[row["id"]] or 0, fold(names[row["id"]]))] for row in rows}


async def _copy_grants(came: dict[int, int]) -> None:
    """Between standard structures the templates that a folder is open to go along; what is a client's stays with him."""
    rows = await engine.raw(
        f"SELECT folder, template, act FROM folder_grant WHERE client IS NULL AND folder IN {listed(1)}",
        json.dumps(list(came)),
    )
    await engine.copy_rows(
        "folder_grant",
        ("folder", "template", "act"),
        [(came[row["folder"]], row["template"], bool(row["act"])) for row in rows],
    )


async def documents_copied(
    places: dict[int, tuple[int, str]], client: int | None, by: int, now: dt.datetime
) -> list[int]:
    """Of each document (id > folder and name) a copy; their ids. What another client gets is a draft there."""
    rows = await engine.raw(f"SELECT * FROM document WHERE id IN {listed(1)} ORDER BY id", json.dumps(list(places)))
    if not rows:
        return []

    def copy(row: dict[str, Any]) -> tuple[Any, ...]:
        folder, name = places[row["id"]]
        stays = row["client"] == client
        state = row["state"] if stays and row["state"] != "planned" else "draft"
        return (
            folder, client, name, fold(name), row["sha256"], row["size"], row["mime"], row["source"] if stays else "office",
            by, now, state, now if state == "published" else None, row["kind"], row["book_year"], row["period"],
            row["labels"], row["labels_key"], row["note"], row["retention"], row["anchor_on"] if stays else None,
        )  # fmt: skip

    before = (await engine.raw("SELECT coalesce(max(id), 0) AS last FROM document"))[0]["last"]
    await engine.copy_rows("document", _DOCUMENT, [copy(row) for row in rows])
    folders = json.dumps(sorted({folder for folder, _ in places.values()}))
    made = await engine.raw(
        f"SELECT id FROM document WHERE id > $2 AND uploaded_by = $3 AND uploaded_at = $4 AND folder IN {listed(1)}",
        folders, before, by, now,
    )  # fmt: skip
    return [row["id"] for row in made]
