"""Where what is in an archive comes in a dossier: beside what is there, by name and place, never over it. No database writes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from models import engine
from models.core import fold
from models.dossiers.folders import numbered

Row = dict[str, Any]


@dataclass(slots=True)
class Place:
    """What becomes of one folder or document. `outcome`: new, there (a folder that exists), numbered (new, under a number),
    same (a document that is there already)."""

    row: Row
    outcome: str
    name: str
    id: int | None = None


@dataclass
class World:
    """What is in the dossier, as far as names and hashes go; it grows as things are placed."""

    folders: dict[tuple[int, str], Row] = field(default_factory=dict)  # (above, key) of those not in the trash
    gone: dict[tuple[int, str, dt.datetime], int] = field(default_factory=dict)  # of those in it, with when
    documents: dict[int, dict[str, str]] = field(default_factory=dict)  # folder > key > hash
    trashed: set[tuple[int, str, str]] = field(default_factory=set)  # folder, key, hash

    @classmethod
    async def of(cls, client: int) -> World:
        world = cls()
        for row in await engine.raw(
            "SELECT id, parent, name_key, kind, own_only, trashed_at FROM folder WHERE client = $1", client
        ):
            above = row["parent"] or 0
            if row["trashed_at"]:
                world.gone[above, row["name_key"], row["trashed_at"]] = row["id"]
            else:
                world.folders[above, row["name_key"]] = row
        for row in await engine.raw(
            "SELECT folder, name_key, sha256, trashed_at FROM document WHERE client = $1", client
        ):
            if row["trashed_at"]:
                world.trashed.add((row["folder"], row["name_key"], row["sha256"]))
            else:
                world.documents.setdefault(row["folder"], {})[row["name_key"]] = row["sha256"]
        return world


def place_folders(world: World, rows: Iterable[Row], ids: Iterable[int], came: dict[int, int]) -> list[Place]:
    """A folder of the same name, kind and openness is that folder; one of another kind gets a sibling with a number, so that
    nobody sees more than he did. `ids` are for new ones; `came` (number in the archive > id) grows."""
    fresh, found = iter(ids), []
    for row in rows:
        if row["id"] in came:
            continue
        above, key = (came[row["parent"]] if row["parent"] else 0), fold(row["name"])
        if row["trashed_at"]:
            there = world.gone.get((above, key, row["trashed_at"]))
            place = Place(row, "there" if there else "new", row["name"], there or next(fresh))
            world.gone[above, key, row["trashed_at"]] = place.id or 0
        else:
            twin = world.folders.get((above, key))
            if twin is not None and twin["kind"] == row["kind"] and bool(twin["own_only"]) == row["own_only"]:
                place = Place(row, "there", row["name"], twin["id"])
            else:
                taken = {name for at, name in world.folders if at == above} if twin is not None else set()
                name = numbered(row["name"], taken, 120)
                place = Place(row, "numbered" if twin is not None else "new", name, next(fresh))
                world.folders[above, fold(name)] = {"id": place.id, "kind": row["kind"], "own_only": row["own_only"]}
        came[row["id"]] = place.id or 0
        found.append(place)
    return found


def place_documents(world: World, rows: Iterable[Row], came: dict[int, int]) -> list[Place]:
    """The same name with the same bytes is there already; the same name with other bytes gets a number."""
    found = []
    for row in rows:
        folder, key = came[row["folder"]], fold(row["name"])
        if row["trashed_at"]:
            is_there = (folder, key, row["sha256"]) in world.trashed
            world.trashed.add((folder, key, row["sha256"]))
            found.append(Place(row, "same" if is_there else "new", row["name"]))
            continue
        there = world.documents.setdefault(folder, {})
        if there.get(key) == row["sha256"]:
            found.append(Place(row, "same", row["name"]))
            continue
        name = numbered(row["name"], set(there), 255) if key in there else row["name"]
        outcome = "numbered" if key in there else "new"
        there[fold(name)] = row["sha256"]
        found.append(Place(row, outcome, name))
    return found


def counted(folders: Iterable[Place], documents: Iterable[Place]) -> dict[str, int]:
    """How many of each outcome: folders_new, folders_there, folders_numbered, documents_new, documents_numbered, documents_same."""
    found = {
        f"{what}_{outcome}": 0 for what in ("folders", "documents") for outcome in ("new", "there", "numbered", "same")
    }
    for what, places in (("folders", folders), ("documents", documents)):
        for place in places:
            found[f"{what}_{place.outcome}"] += 1
    return found
