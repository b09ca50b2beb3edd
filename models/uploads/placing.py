"""Where the files of a dropped folder go: the same folders below the target, made as they are needed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

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
    siblings = (Folder.dossier == folder.dossier) & (Folder.parent == folder.id) & Folder.trashed_at.is_null()
    found = await by.folders.where(siblings & (Folder.name_key == fold(name))).find()
    if found is None or by.is_staff:
        return found
    return found if found.kind in HANDING_IN and by.may(Permission.UPLOAD_DOCUMENTS, found) else None


@operation(Permission.UPLOAD_DOCUMENTS)
async def _add_own(folder: Folder, name: str, *, by: Viewer) -> Folder:
    """A client's folder in one where he may hand in: of the same kind. A name that is taken, perhaps unseen, gets a number."""
    if folder.kind not in HANDING_IN:
        raise Refused("files", Say("In deze map kunt u niets aanleveren. Kies een uploadmap."))
    rows = await engine.raw(
        "SELECT id, name_key FROM folder WHERE parent = $1 AND trashed_at IS NULL AND name_key LIKE $2",
        folder.id,
        _starting(name),
    )
    taken = {row["name_key"] for row in rows}
    return await make_folder(folder.dossier, folder.client, folder.id, numbered(name, taken, _LONGEST), folder.kind)


def _starting(name: str) -> str:
    """Of all names that a number could be put behind."""
    return re.sub(r"[%_\\]", "_", fold(name)[:100]) + "%"


async def seen_anew(by: Viewer) -> Viewer:
    """With what was made in this unit: what lies in a folder that was opened to somebody is open to him too."""
    if not by.is_client:
        return by
    return Viewer(by.user, await granted(by.user.id), session_id=by.session_id, view_as=by.view_as)
