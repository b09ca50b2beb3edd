"""Files of a placing into their dossiers: what is missing on the way is made, what deviates is done as was chosen. One unit."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.core import Say, fold
from models.dossiers.folders import numbered
from models.dossiers.publishing import labels_key
from models.dossiers.rolling import new_ids as fresh_ids
from models.live import touch
from models.placing.plan import DEVIATIONS, Spot, laid_out, rows_of, set_unseen_apart
from models.placing.records import Placing
from models.scanning.enlisting import enlist
from models.settings import utcnow

if TYPE_CHECKING:
    from models.viewer import Viewer

_FOLDER = ("id", "dossier", "client", "parent", "name", "name_key", "kind", "year", "position", "created_at")
_DOCUMENT = (
    "id", "folder", "client", "name", "name_key", "sha256", "size", "mime", "source", "uploaded_by", "uploaded_at", "state",
    "publish_at", "published_at", "kind", "book_year", "period", "labels", "labels_key",
)  # fmt: skip
_SHOWN = Say(
    "Er staat al een zichtbaar stuk met deze naam; een nieuwe versie zou de cliënt meteen zien, en dat koos u niet."
)


@dataclass
class _Done:
    """What a unit writes: documents and versions to make, and what the rows of the placing become."""

    new: list[Spot] = field(default_factory=list)
    versions: list[Spot] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)  # state, reason, deviation, document, version, id


async def put(placing: Placing, by: Viewer, most: int) -> int:
    """The next files, all or nothing; how many were dealt with, 0 when none is left. What is there now counts, not what the
    plan saw."""
    state = await engine.raw("SELECT state FROM placement WHERE id = $1", placing.id)
    if not state or state[0]["state"] != "placing":
        return 0
    await set_unseen_apart(placing, by)
    rows = await rows_of(placing.id, most)
    if not rows:
        return 0
    now = utcnow()
    spots = await laid_out(placing, rows)
    done = _Done()
    ours = await _placed_by_us(placing.id, spots)
    for spot in spots:
        _decide(spot, done, ours)
    going = [*done.new, *done.versions]
    await _make_dossiers([spot for spot in going if spot.dossier is None], now)
    await _make_folders(placing, [spot for spot in going if spot.folder is None], now)
    await _make_documents(placing, done, by, now)
    await _make_versions(done, by, now)
    await enlist([spot.row["sha256"] for spot in going])
    await engine.raw_many(
        "UPDATE placement_file SET state = $1, reason = $2, deviation = $3, document = $4, version = $5 WHERE id = $6",
        done.rows,
    )
    await _note(placing, going, by, now)
    return len(rows)


def _decide(spot: Spot, done: _Done, ours: set[int]) -> None:
    decision = spot.decision
    if decision == "version" and (spot.named is None or spot.named["id"] is None or spot.named["id"] in ours):
        decision = "place"  # two files of this very placing: numbered, none takes the other's place
    if decision == "version" and spot.named and spot.named["state"] == "published" and spot.chosen["publish"] != "now":
        done.rows.append(("left", _said(_SHOWN), spot.deviation, None, None, spot.row["id"]))
    elif decision == "version":
        done.versions.append(spot)
    elif decision == "place":
        done.new.append(spot)
    else:
        state = "skipped" if decision == "skip" else "left"
        done.rows.append((state, _said(DEVIATIONS[spot.deviation]), spot.deviation, None, None, spot.row["id"]))


def _said(why: Say) -> str:
    return json.dumps(why.as_json(), ensure_ascii=False)


async def _placed_by_us(placing: int, spots: Iterable[Spot]) -> set[int]:
    ids = [spot.named["id"] for spot in spots if spot.named and spot.named["id"]]
    rows = await engine.raw(
        f"SELECT document FROM placement_file WHERE placement = $1 AND document IN {listed(2)}",
        placing,
        json.dumps(ids),
    )
    return {row["document"] for row in rows}


async def _make_dossiers(spots: Sequence[Spot], now: dt.datetime) -> None:
    if not spots:
        return
    clients = json.dumps(sorted({spot.row["client"] for spot in spots}))
    await engine.raw(
        "INSERT INTO dossier (kind, client, name, name_key, audience, created_at, is_sample) "
        f"SELECT 'client', c.id, 'Dossier', 'dossier', '', $2, $3 FROM client c WHERE c.id IN {listed(1)} ON CONFLICT DO NOTHING",
        clients, now, False,
    )  # fmt: skip
    rows = await engine.raw(f"SELECT id, client FROM dossier WHERE client IN {listed(1)}", clients)
    made = {row["client"]: row["id"] for row in rows}
    for spot in spots:
        spot.dossier = made[spot.row["client"]]


async def _make_folders(placing: Placing, spots: Sequence[Spot], now: dt.datetime) -> None:
    """Each once, of the kind of the folder it lies in; of the book year from the step on that names it."""
    wanted: dict[Any, tuple[Any, ...]] = {}
    ids = await fresh_ids("folder", sum(len(spot.missing) for spot in spots))
    places = await _next_places(spots)
    for spot in spots:
        parent = spot.above["id"] if spot.above else None
        kind = spot.above["kind"] if spot.above else "office"
        year = spot.above["year"] if spot.above else None
        first = len(spot.path) - len(spot.missing)
        for at, name in enumerate(spot.missing, start=first):
            key = (spot.dossier, parent, fold(name))
            if key not in wanted:
                dated = spot.chosen["book_year"] if at >= spot.dated else year
                place = places.get((spot.dossier, parent or 0), 0)
                places[spot.dossier, parent or 0] = place + 1
                wanted[key] = (
                    next(ids), spot.dossier, spot.row["client"], parent, name, fold(name), kind, dated, place, now,
                )  # fmt: skip
            made = wanted[key]
            parent, year = made[0], made[7]
        spot.folder = parent
        spot.above = {"id": parent, "kind": kind, "year": year}
    await engine.copy_rows("folder", _FOLDER, list(wanted.values()))
    if wanted:
        kept = await engine.raw("SELECT made FROM placement WHERE id = $1", placing.id)
        ours = json.loads(kept[0]["made"]) + [row[0] for row in wanted.values()]
        await engine.raw("UPDATE placement SET made = $2 WHERE id = $1", placing.id, json.dumps(ours))


async def _next_places(spots: Sequence[Spot]) -> dict[tuple[int | None, int], int]:
    rows = await engine.raw(
        f"SELECT dossier, coalesce(parent, 0) AS parent, max(position) AS place FROM folder WHERE dossier IN {listed(1)} "
        f"AND coalesce(parent, 0) IN {listed(2)} AND trashed_at IS NULL GROUP BY dossier, coalesce(parent, 0)",
        json.dumps(sorted({spot.dossier for spot in spots if spot.dossier})),
        json.dumps(sorted({spot.above["id"] if spot.above else 0 for spot in spots})),
    )
    return {(row["dossier"], row["parent"]): row["place"] + 1 for row in rows}


async def _make_documents(placing: Placing, done: _Done, by: Viewer, now: dt.datetime) -> None:
    ids = await fresh_ids("document", len(done.new))
    taken = await _names_where_needed(done.new)
    rows = []
    for spot in done.new:
        names = taken.setdefault(spot.folder or 0, set())
        name = numbered(spot.row["name"], names, 255)
        names.add(fold(name))
        id, chosen, how = next(ids), spot.chosen, spot.publish().columns(now)
        year = chosen["book_year"] or (spot.above["year"] if spot.above else None)
        labels = [one for one in chosen["labels"].split(", ") if one]
        rows.append(
            (
                id, spot.folder, spot.row["client"], name, fold(name), spot.row["sha256"], spot.row["size"], spot.row["mime"],
                "office", by.user.id, now, how["state"], how["publish_at"], how["published_at"], chosen["kind"], year,
                chosen["period"], chosen["labels"], labels_key(labels),
            )
        )  # fmt: skip
        done.rows.append(("placed", "", spot.deviation, id, 1, spot.row["id"]))
    await engine.copy_rows("document", _DOCUMENT, rows)


async def _names_where_needed(spots: Sequence[Spot]) -> dict[int, set[str]]:
    """All names in the folders in which one is taken; elsewhere what comes is all that matters."""
    folders = sorted({spot.folder for spot in spots if spot.folder and spot.named and spot.named["id"]})
    if not folders:
        return {}
    rows = await engine.raw(
        f"SELECT folder, name_key FROM document WHERE folder IN {listed(1)} AND trashed_at IS NULL", json.dumps(folders)
    )
    taken: dict[int, set[str]] = {}
    for row in rows:
        taken.setdefault(row["folder"], set()).add(row["name_key"])
    return taken


async def _make_versions(done: _Done, by: Viewer, now: dt.datetime) -> None:
    """The documents keep their name, kind and labels; the bytes that they had are kept as an earlier version."""
    if not done.versions:
        return
    spots = {spot.named["id"]: spot for spot in done.versions if spot.named}
    await engine.raw(
        "INSERT INTO document_version (document, client, number, name, sha256, size, mime, source, uploaded_by, uploaded_at, "
        "replaced_at, was_published) SELECT d.id, d.client, d.version, d.name, d.sha256, d.size, d.mime, d.source, d.uploaded_by, "
        f"d.uploaded_at, $2, d.state = 'published' FROM document d WHERE d.id IN {listed(1)}",
        json.dumps(sorted(spots)), now,
    )  # fmt: skip
    rows = []
    for id, spot in spots.items():
        how = spot.publish().columns(now)
        row = spot.row
        rows.append(
            (
                row["sha256"],
                row["size"],
                row["mime"],
                by.user.id,
                now,
                how["state"],
                how["publish_at"],
                how["published_at"],
                id,
            )
        )
        done.rows.append(("placed", "", spot.deviation, id, spot.named["version"] + 1 if spot.named else 1, row["id"]))
    await engine.raw_many(
        "UPDATE document SET sha256 = $1, size = $2, mime = $3, uploaded_by = $4, uploaded_at = $5, state = $6, publish_at = $7, "
        "published_at = $8, source = 'office', opened_at = NULL, version = version + 1 WHERE id = $9",
        rows,
    )


async def _note(placing: Placing, spots: Sequence[Spot], by: Viewer, now: dt.datetime) -> None:
    """One line on the trail of each client, and whoever looks at his dossier hears of it."""
    counts: dict[tuple[int, int], int] = {}
    for spot in spots:
        if spot.dossier:
            counts[spot.dossier, spot.row["client"]] = counts.get((spot.dossier, spot.row["client"]), 0) + 1
    lines = [
        (
            now,
            by.user.id,
            "Dossier.placed",
            "Dossier",
            dossier,
            client,
            json.dumps({"count": count, "placing": placing.id}),
        )
        for (dossier, client), count in counts.items()
    ]
    await engine.copy_rows(
        "trail", ("at", "person", "operation", "record_table", "record_id", "client", "detail"), lines
    )
    topics = [f"dossier-{dossier}" for dossier, _ in counts] + [f"client-{client}" for _, client in counts]
    await touch(f"placing-{placing.id}", *topics[:100])
