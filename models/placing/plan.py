"""Where each file of a placing would go, and what is not as usual there. Whole placings at once: a statement per level of folders."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.clients import seen
from models.core import Say, fold
from models.dossiers.folders import Publish
from models.dossiers.matching import Values, expand, is_dated
from models.placing.matching import NOBODY
from models.placing.records import OWN, STEP, Placing

if TYPE_CHECKING:
    from models.viewer import Viewer

DEVIATIONS: dict[str, Say] = {
    "archived": Say("De cliënt is gearchiveerd"),
    "no_dossier": Say("De cliënt heeft nog geen dossier"),
    "no_folder": Say("De map is er nog niet"),
    "same_name": Say("Er staat al een stuk met deze naam"),
    "same_bytes": Say("Precies dit bestand staat er al"),
}


@dataclass
class Spot:
    """A file and the place it goes to. `path` are the names of the folders; `folder` the last of them when all are there,
    `above` the last that is there (None: the top of the dossier) and `missing` those that are not."""

    row: dict[str, Any]
    chosen: dict[str, Any]
    path: list[str]
    dated: int = 99  # from which step on the folders are of the book year
    dossier: int | None = None
    folder: int | None = None
    above: dict[str, Any] | None = None
    missing: list[str] = field(default_factory=list)
    named: dict[str, Any] | None = None  # the document that has its name there
    is_there: bool = False  # the same bytes lie there
    deviation: str = ""

    @property
    def decision(self) -> str:
        """What becomes of it: place, version, skip or leave."""
        if not self.deviation:
            return "place"
        way = self.chosen[self.deviation]
        return "place" if way in ("make", "number") else way

    def publish(self) -> Publish:
        at = self.chosen["publish_at"]
        if isinstance(at, str):
            at = dt.datetime.fromisoformat(at)
        return Publish(draft=self.chosen["publish"] == "draft", at=at if self.chosen["publish"] == "at" else None)


_ROWS_SQL = """SELECT p.id, p.path, p.name, p.sha256, p.size, p.mime, p.client, p.own, p.deviation, c.number, c.name AS client_name,
 c.state AS client_state, d.id AS dossier
FROM placement_file p JOIN client c ON c.id = p.client LEFT JOIN dossier d ON d.client = c.id
WHERE p.placement = $1 AND p.state = 'matched' {more}"""


async def plan_again(placing: Placing, by: Viewer, since: int = 0) -> None:
    """Look at all that has a client (or what came after row `since`), as things are now: what deviates is kept on the rows; a
    client that the viewer does not see is nobody's. What was left waits again."""
    if placing.purpose == "approvals":
        from models.offering.plan import plan_offering

        await plan_offering(placing, by, is_reading=bool(since))
        return
    if not since:
        await engine.raw(
            "UPDATE placement_file SET state = 'matched', reason = '' WHERE placement = $1 AND state IN ('left', 'skipped') AND client IS NOT NULL",
            placing.id,
        )
        await set_unseen_apart(placing, by)
    spots = await laid_out(placing, await rows_of(placing.id, since=since))
    changed = [(spot.deviation, spot.row["id"]) for spot in spots if spot.deviation != spot.row["deviation"]]
    await engine.raw_many("UPDATE placement_file SET deviation = $1 WHERE id = $2", changed)


async def set_unseen_apart(placing: Placing, by: Viewer) -> None:
    """Files of clients outside the viewer's reach go to the bin, and nothing there says whose they are."""
    await engine.raw(
        "UPDATE placement_file SET state = 'unmatched', client = NULL, deviation = '', reason = $2 WHERE placement = $1 AND state = 'matched' "
        f"AND (client IS NULL OR NOT ({seen(by, 'client')}))",
        placing.id, json.dumps(NOBODY.as_json()),
    )  # fmt: skip


async def rows_of(placing: int, most: int | None = None, since: int = 0) -> list[dict[str, Any]]:
    """What waits to be placed, client by client."""
    limit = f" LIMIT {int(most)}" if most else ""
    after = f"AND p.id > {int(since)} " if since else ""
    return await engine.raw(_ROWS_SQL.format(more=f"{after}ORDER BY p.client, p.id{limit}"), placing)


def chosen_for(placing: Placing | dict[str, Any], own: str) -> dict[str, Any]:
    """What holds for one file: its own where that was chosen, else what holds for all."""
    whole = placing if isinstance(placing, dict) else {name: getattr(placing, name) for name in OWN}
    apart: dict[str, Any] = json.loads(own)
    return {name: whole[name] for name in OWN} | apart


def path_for(chosen: dict[str, Any], client_name: str, number: str) -> list[str]:
    """The names of the folders at this client."""
    values = Values(chosen["book_year"] or 0, client_name, number)
    return [expand(step, values) for step in chosen["target"].split(f" {STEP} ") if step]


async def laid_out(placing: Placing, rows: Sequence[dict[str, Any]]) -> list[Spot]:
    """Where these rows go, and what is not as usual there."""
    whole = {name: getattr(placing, name) for name in OWN}
    spots = []
    for row in rows:
        chosen = chosen_for(whole, row["own"])
        steps = [step for step in chosen["target"].split(f" {STEP} ") if step]
        dated = next((at for at, step in enumerate(steps) if is_dated(step)), 99)
        path = path_for(chosen, row["client_name"], row["number"])
        spots.append(Spot(row, chosen, path, dated, dossier=row["dossier"]))
    await _find_folders([spot for spot in spots if spot.path])
    await _find_documents([spot for spot in spots if spot.folder])
    _find_twins(spots)
    for spot in spots:
        spot.deviation = _deviation(spot)
    return spots


def _deviation(spot: Spot) -> str:
    if spot.row["client_state"] != "active" and spot.chosen["archived"] == "leave":
        return "archived"
    if spot.dossier is None and spot.chosen["no_dossier"] == "leave":
        return "no_dossier"
    if spot.missing and spot.chosen["no_folder"] == "leave":
        return "no_folder"
    for name, is_so in (
        ("same_bytes", spot.is_there),
        ("same_name", spot.named is not None),
        ("archived", spot.row["client_state"] != "active"),
        ("no_dossier", spot.dossier is None),
        ("no_folder", bool(spot.missing)),
    ):
        if is_so:
            return name
    return ""


async def _find_folders(spots: Sequence[Spot]) -> None:
    """Level by level, for all of them in one statement."""
    for spot in spots:
        spot.missing = list(spot.path)
    waiting = [spot for spot in spots if spot.dossier is not None]
    for depth in range(max((len(spot.path) for spot in waiting), default=0)):
        at = [spot for spot in waiting if len(spot.path) > depth]
        keys = json.dumps(sorted({fold(spot.path[depth]) for spot in at}))
        if depth == 0:
            which, places = "f.dossier", {spot.dossier for spot in at}
            top = " AND coalesce(f.parent, 0) = 0"
        else:
            which, places, top = "f.parent", {spot.above["id"] for spot in at if spot.above}, ""
        found = await engine.raw(
            f"SELECT f.id, f.dossier, f.parent, f.name_key, f.kind, f.year FROM folder f WHERE {which} IN {listed(1)}{top} "
            f"AND f.trashed_at IS NULL AND f.name_key IN {texts(2)}",
            json.dumps(sorted(places)), keys,
        )  # fmt: skip
        there = {(row["parent"] if depth else row["dossier"], row["name_key"]): row for row in found}
        waiting = []
        for spot in at:
            place = spot.above["id"] if depth and spot.above else spot.dossier
            row = there.get((place, fold(spot.path[depth])))
            if row is None:
                continue
            spot.above, spot.missing = row, spot.path[depth + 1 :]
            if spot.missing:
                waiting.append(spot)
            else:
                spot.folder = row["id"]


async def _find_documents(spots: Sequence[Spot]) -> None:
    """Those with the same name or the same bytes in the folder that a file goes to."""
    if not spots:
        return
    folders = json.dumps(sorted({spot.folder for spot in spots if spot.folder}))
    columns = "d.id, d.folder, d.name_key, d.sha256, d.state, d.version"
    found = await engine.raw(
        f"SELECT {columns} FROM document d WHERE d.folder IN {listed(1)} AND d.trashed_at IS NULL AND d.name_key IN {texts(2)} "
        f"UNION SELECT {columns} FROM document d WHERE d.sha256 IN {texts(3)} AND d.trashed_at IS NULL AND d.folder IN {listed(1)}",
        folders, json.dumps(sorted({fold(spot.row["name"]) for spot in spots})), json.dumps(sorted({spot.row["sha256"] for spot in spots})),
    )  # fmt: skip
    names = {(row["folder"], row["name_key"]): row for row in found}
    bytes_ = {(row["folder"], row["sha256"]) for row in found}
    for spot in spots:
        spot.named = names.get((spot.folder, fold(spot.row["name"])))
        spot.is_there = (spot.folder, spot.row["sha256"]) in bytes_


def _find_twins(spots: Iterable[Spot]) -> None:
    """Two files of one placing that would get the same place: the later one deviates."""
    names: dict[Any, Spot] = {}
    held: set[Any] = set()
    for spot in spots:
        place = (spot.row["client"], tuple(fold(step) for step in spot.path))
        spot.is_there = spot.is_there or (place, spot.row["sha256"]) in held
        held.add((place, spot.row["sha256"]))
        if (
            not spot.is_there
            and names.setdefault((place, fold(spot.row["name"])), spot) is not spot
            and spot.named is None
        ):
            spot.named = {"id": None, "version": 0, "state": ""}


def texts(n: int) -> str:
    """The texts in argument `n`, a JSON list."""
    if engine.is_sqlite():
        return f"(SELECT value FROM json_each(${n}))"
    return f"(SELECT value FROM json_array_elements_text(CAST(${n} AS json)))"
