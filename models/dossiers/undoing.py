"""What is kept of an act on folders and documents, so that it can be undone; and the undoing of what was done to one of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.clients.rights import STEP, folder_renamed, people_have_folders
from models.core import Refused, Say, fold
from models.dossiers.subtrees import below, internal_within, ways_of
from models.settings import utcnow

if TYPE_CHECKING:
    from models.dossiers.acts import DossierAct
    from models.viewer import Viewer


async def keep(kind: str, dossier: int, before: dict[str, Any], by: Viewer, *names: str) -> DossierAct:
    """Write an act down. `before` is how things were, as the kind has it; `names` of what it was done to, the first few."""
    from models.dossiers.acts import DossierAct

    written = json.dumps({"dossiers": [dossier], "names": list(names[:3]), **before}, default=str)
    act = DossierAct(dossier=dossier, person=by.user.id, kind=kind, at=utcnow(), before=written)
    await act.save()
    return act


async def latest_act(viewer: Viewer) -> int:
    """The id of what this person did last: within the unit in which it was done, that act."""
    rows = await engine.raw("SELECT coalesce(max(id), 0) AS id FROM dossier_act WHERE person = $1", viewer.user.id)
    return int(rows[0]["id"])


async def acts_in(viewer: Viewer, dossier: int, most: int = 50) -> list[dict[str, Any]]:
    """What this person did in a dossier, the last first: id, kind, at, undone_at, names, count."""
    rows = await engine.raw(
        "SELECT id, kind, at, undone_at, before FROM dossier_act WHERE dossier = $1 AND person = $2 ORDER BY id DESC LIMIT $3",
        dossier, viewer.user.id, most,
    )  # fmt: skip
    found = []
    for row in rows:
        before = json.loads(row.pop("before"))
        count = sum(len(before.get(what, ())) for what in ("folders", "documents", "settings"))
        found.append({**row, "names": before.get("names", []), "count": count or len(before.get("kinds", ())) or 1})
    return found


@contextlib.asynccontextmanager
async def rights_go_along(folders: Iterable[int]) -> AsyncIterator[None]:
    """Whom these folders were opened to one by one keeps them when their names or places change within the client's dossier."""
    ids = set(folders)
    clients = await people_have_folders(ids)
    if not clients:
        yield
        return
    before = await ways_of(ids)
    yield
    after = await ways_of(ids)
    for id, (client, way) in before.items():
        now = after.get(id)
        if client in clients and now is not None and now[0] == client and now[1] != way:
            await folder_renamed(client, STEP.join(way), STEP.join(now[1]))


async def undo_rename(before: dict[str, Any], by: Viewer) -> int:
    """Where the name is still the one that was given; numbered when somebody else took the old one."""
    from models.dossiers.folders import numbered

    count = 0
    for table, most in (("folder", 120), ("document", 255)):
        for id, old, new in before.get(f"{table}s", []):
            beside = "coalesce(s.parent, 0) = coalesce(o.parent, 0) AND s.dossier = o.dossier"
            beside = beside if table == "folder" else "s.folder = o.folder"
            if not await engine.raw(
                f"SELECT 1 AS one FROM {table} WHERE id = $1 AND name = $2 AND trashed_at IS NULL", id, new
            ):
                continue
            rows = await engine.raw(
                f"SELECT s.name_key FROM {table} o JOIN {table} s ON {beside} WHERE o.id = $1 AND s.id <> o.id AND s.trashed_at IS NULL",
                id,
            )
            name = numbered(old, {row["name_key"] for row in rows}, most)
            async with rights_go_along([id] if table == "folder" else []):
                await engine.raw(f"UPDATE {table} SET name = $2, name_key = $3 WHERE id = $1", id, name, fold(name))
            count += 1
    return count


async def undo_kind(before: dict[str, Any], by: Viewer) -> int:
    """Those that are still what they were made; what lies in an internal folder stays internal."""
    kinds = {id: (was, became) for id, was, became in before["kinds"]}
    rows = await engine.raw(
        f"SELECT f.id, f.kind, f.parent, p.kind AS above FROM folder f LEFT JOIN folder p ON p.id = f.parent WHERE f.id IN {listed(1)}",
        json.dumps(list(kinds)),
    )
    found = {row["id"]: row for row in rows}
    back: dict[int, str] = {}
    for id, (was, became) in kinds.items():  # as they were written down: those above first
        row = found.get(id)
        if row is None or row["kind"] != became:
            continue
        if was == "internal" or back.get(row["parent"] or 0, row["above"]) != "internal":
            back[id] = was
    await engine.raw_many("UPDATE folder SET kind = $1 WHERE id = $2", [(kind, id) for id, kind in back.items()])
    await internal_within(id for id, kind in back.items() if kind == "internal")
    return 1 if back else 0


async def undo_order(before: dict[str, Any], by: Viewer) -> int:
    rows = [(was, id, became) for id, was, became in before["positions"]]
    await engine.raw_many("UPDATE folder SET position = $1 WHERE id = $2 AND position = $3", rows)
    return 1


async def undo_settings(before: dict[str, Any], by: Viewer) -> int:
    for id, was, became in before["settings"]:
        await engine.raw(
            "UPDATE folder SET own_only = $2, retention = $3, year = $4 WHERE id = $1 AND own_only = $5 "
            "AND coalesce(retention, 0) = $6 AND coalesce(year, 0) = $7",
            id, *was, became[0], became[1] or 0, became[2] or 0,
        )  # fmt: skip
    return len(before["settings"])


async def undo_add(before: dict[str, Any], by: Viewer) -> int:
    """Into the trash, as long as nobody put something in it."""
    ids = [id for id in before["folders"] if isinstance(id, int)]
    full = await below(ids) or await engine.raw(
        f"SELECT id FROM document WHERE trashed_at IS NULL AND folder IN {listed(1)} LIMIT 1", json.dumps(ids)
    )
    if full:
        raise Refused("", Say("In deze map ligt intussen iets. Leg hem zelf in de prullenbak als hij weg mag."))
    rows = await engine.raw(
        f"UPDATE folder SET trashed_at = $2, trashed_by = $3 WHERE trashed_at IS NULL AND id IN {listed(1)} RETURNING id",
        json.dumps(ids), utcnow(), by.user.id,
    )  # fmt: skip
    return len(rows)
