"""Where the files of a dropped folder go: the same folders below the target, made as they are needed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from models import engine
from models.clients import granted
from models.content_type import clean_name
from models.core import Refused, Say, fold, operation
from models.dossiers import HANDING_IN, Folder
from models.dossiers.dossier import tidy_name
from models.dossiers.folders import make_folder, numbered
from models.viewer import Permission, Viewer

DEEPEST = 20
_LONGEST = 120


def parts_of(path: str) -> list[str]:
    """The names of the folders in a relative path, each fit to be one. '../a//b\\c' -> ['a', 'b', 'c']. Raises Refused."""
    parts = []
    for part in re.split(r"[/\\]", unicodedata.normalize("NFC", path)):
        if part.strip() in ("", ".", ".."):
            continue
        parts.append(tidy_name(clean_name(part)[:_LONGEST]))
    if len(parts) > DEEPEST:
        raise Refused("path", Say("Deze map ligt {n} mappen diep; er passen er {most}.", n=len(parts), most=DEEPEST))
    return parts


def path_as_sent(path: str) -> str:
    """Of what is not taken in: for whoever reads where it stood."""
    return "/".join(clean_name(part) for part in re.split(r"[/\\]", path) if part.strip())[:1000]


async def folder_for(target: Folder, parts: Sequence[str], *, by: Viewer) -> tuple[Folder, Viewer]:
    """The folder at that path below the target, made where it was not; and the viewer as he is with it."""
    folder = target
    for name in parts:
        found = await _there(folder, name, by)
        if found is None:
            made = await (_add_own(folder, name, by=by) if by.is_client else folder.add_folder(name, by=by))
            by = await seen_anew(by)
            found = await by.folders.get(made.id)
        folder = found
    return folder, by


def keeps_flat(target: Folder, by: Viewer) -> bool:
    """Where clients see of each other nothing, the name of a folder would tell: the files go into the target itself."""
    return by.is_client and bool(target.own_only)


def flat_name(parts: Sequence[str], name: str) -> str:
    return clean_name(" - ".join([*parts, name])) if parts else name


async def _there(folder: Folder, name: str, by: Viewer) -> Folder | None:
    """The folder of that name in this one, if it may take his files; for a client else the numbered one that came instead."""
    siblings = (Folder.dossier == folder.dossier) & (Folder.parent == folder.id) & Folder.trashed_at.is_null()
    keys = [fold(name)] if by.is_staff else [fold(one) for one in _in_turn(name)]
    found = {one.name_key: one for one in await by.folders.where(siblings & Folder.name_key.is_in(keys)).all()}
    if by.is_staff:
        return found.get(keys[0])
    taken = {row["name_key"] for row in await _names_in(folder, name)}
    for key in keys:
        if key not in taken:
            return None
        one = found.get(key)
        if one is not None and one.kind in HANDING_IN and by.may(Permission.UPLOAD_DOCUMENTS, one):
            return one
    return None


def _in_turn(name: str) -> list[str]:
    return [
        name,
        *(numbered(name, {fold(name), *(fold(f"{name} ({n})") for n in range(2, m))}, _LONGEST) for m in range(2, 22)),
    ]


@operation(Permission.UPLOAD_DOCUMENTS, trail=False)
async def _add_own(folder: Folder, name: str, *, by: Viewer) -> Folder:
    """A client's folder in one where he may hand in: of the same kind. A name that is taken, perhaps unseen, gets a number."""
    if folder.kind not in HANDING_IN:
        raise Refused("files", Say("In deze map kunt u niets aanleveren. Kies een uploadmap."))
    taken = {row["name_key"] for row in await _names_in(folder, name)}
    made = await make_folder(folder.dossier, folder.client, folder.id, numbered(name, taken, _LONGEST), folder.kind)
    await by.note("Folder.add_folder", made, {"name": made.name})
    return made


async def _names_in(folder: Folder, name: str) -> list[dict[str, Any]]:
    """Of all folders in this one, seen or unseen, whose name begins so."""
    return await engine.raw(
        "SELECT name_key FROM folder WHERE parent = $1 AND trashed_at IS NULL AND name_key LIKE $2",
        folder.id, re.sub(r"[%_\\]", "_", fold(name)[:100]) + "%",
    )  # fmt: skip


async def seen_anew(by: Viewer) -> Viewer:
    """With what was made in this unit: what lies in a folder that was opened to somebody is open to him too."""
    if not by.is_client:
        return by
    return Viewer(by.user, await granted(by.user.id), session_id=by.session_id, view_as=by.view_as)
