"""What goes into a ZIP of folders and documents: as far as the viewer may see it, under names that every system takes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.content_type import clean_name
from models.core import fold
from models.dossiers.documents import Document
from models.dossiers.folders import Folder, numbered
from models.dossiers.subtrees import below
from models.scanning import shut_among
from models.settings import utcnow

if TYPE_CHECKING:
    from models.viewer import Viewer

_LONGEST = 200  # characters of a whole name in the archive: Windows unpacks no path of more than 260
_WAY, _SHORTEST = 140, 24  # of the folders together, and what is left to a name however deep it lies


@dataclass(frozen=True)
class Entry:
    """A file of the archive: `path` with slashes, its bytes by their hash, and its size in bytes; or `text`, which says why
    the file of that name is not in it."""

    id: int
    path: str
    sha256: str
    size: int
    text: str = ""


async def tops_of(viewer: Viewer, dossier: int) -> list[int]:
    """The folders at the top of a dossier, as far as the viewer sees them."""
    found = viewer.folders.where(Folder.dossier == dossier, Folder.parent.is_null(), Folder.trashed_at.is_null())
    return [row["id"] for row in await found.select(Folder.id)]


async def entries(
    viewer: Viewer, folders: Sequence[int], documents: Sequence[int] = (), *, whole: bool = True
) -> list[Entry]:
    """All that lies in these folders, with what lies below, and these documents; folders in which nothing lies are not there.
    What the viewer does not see is not there either. `whole`: of one folder alone, its own name is left out of the paths.
    """
    tops = await viewer.folders.where(Folder.id.is_in(list(folders) or [-1]), Folder.trashed_at.is_null()).all(
        Folder.position, Folder.name_key
    )
    rows = [{"id": top.id, "parent": None, "name": top.name} for top in tops]
    rows += [{"id": row["id"], "parent": row["parent"], "name": row["name"]} for row in await below(t.id for t in tops)]
    if viewer.is_client:
        seen = await viewer.folders.where(Folder.id.is_in([row["id"] for row in rows] or [-1])).select(Folder.id)
        known = {row["id"] for row in seen}
        rows = [row for row in rows if row["id"] in known]
    places = _places(rows, whole=whole and len(tops) == 1 and not documents)
    found = await viewer.documents.where(
        Document.trashed_at.is_null(),
        Document.folder.is_in(list(places) or [-1]) | Document.id.is_in(list(documents) or [-1]),
    ).select(
        Document.id, Document.folder, Document.name, Document.sha256, Document.size,
        order=(Document.folder, Document.name_key, Document.id),
    )  # fmt: skip
    taken: dict[str, set[str]] = {}
    made = []
    shut = await shut_among({row["sha256"] for row in found})
    for row in found:
        place = places.get(row["folder"], "")
        names = taken.setdefault(place, set())
        name = fitting(clean_name(row["name"]), names, max(_LONGEST - len(place), _SHORTEST))
        names.add(fold(name))
        if row["sha256"] in shut:
            made.append(Entry(row["id"], f"{place}{name}.txt", "", 0, str(shut[row["sha256"]].why)))
            continue
        made.append(Entry(row["id"], f"{place}{name}", row["sha256"], row["size"]))
    return made


def _places(rows: Iterable[dict[str, Any]], *, whole: bool) -> dict[int, str]:
    """For each folder the way to it in the archive, with a slash at its end; of one folder alone the top is left out."""
    places: dict[int, str] = {}
    taken: dict[str, set[str]] = {}
    for row in rows:
        if row["parent"] is None and whole:
            places[row["id"]] = ""
            continue
        above = places.get(row["parent"] or 0, "")
        names = taken.setdefault(above, set())
        most = min(60, max((_WAY - len(above)) // 2, 12))  # the deeper, the shorter
        name = fitting(clean_name(row["name"]).rstrip(". ") or "map", names, most)
        names.add(fold(name))
        places[row["id"]] = f"{above}{name}/"
    return places


def fitting(name: str, taken: set[str], most: int) -> str:
    """The name within `most` characters, its ending kept, numbered when it is taken."""
    if len(name) > most:
        stem, dot, ending = name.rpartition(".")
        tail = f"{dot}{ending}" if stem and len(ending) <= 12 and " " not in ending else ""
        name = f"{name[: most - len(tail)].rstrip('. ')}{tail}"
    return numbered(name, taken, most)


async def note_downloads(viewer: Viewer, documents: Sequence[int]) -> None:
    """That this person took these along, in one statement. Who looks through another's eyes leaves no trace."""
    if viewer.view_as is not None:
        return
    await engine.raw(
        "INSERT INTO reading (document, client, person, first_at, last_at, times, version, downloaded_at) "
        f"SELECT d.id, d.client, $2, $3, $3, 1, d.version, $3 FROM document d WHERE d.id IN {listed(1)} "
        "AND coalesce(d.uploaded_by, 0) <> $2 "
        "ON CONFLICT (document, person, version) DO UPDATE SET last_at = excluded.last_at, downloaded_at = excluded.downloaded_at, times = reading.times + 1",
        json.dumps(list(documents)), viewer.user.id, utcnow(),
    )  # fmt: skip
