"""Which documents and folders a viewer may find, as SQL: what `Document.visible_to` and `Folder.readable_by` say, without the trash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.dossiers.documents import shown_sql
from models.dossiers.dossier import GENERAL_SQL
from models.mine import seen
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.viewer import Viewer

_NOBODY = "1 = 0"


def findable_documents(viewer: Viewer) -> str:
    """Over `document d` and its `folder f`. The numbers in it are ids out of our own rows."""
    if viewer.is_client:
        return f"{_readable(viewer, 'd.client')} AND {shown_sql(int(viewer.user.id))}"
    return f"{_of_staff(viewer, 'd.client')} AND d.trashed_at IS NULL AND f.trashed_at IS NULL"


def findable_folders(viewer: Viewer) -> str:
    """Over `folder f`."""
    if viewer.is_client:
        return f"{_readable(viewer, 'f.client')} AND f.kind <> 'internal' AND f.trashed_at IS NULL"
    return f"{_of_staff(viewer, 'f.client')} AND f.trashed_at IS NULL"


def within_reach(viewer: Viewer, client: str) -> str:
    """Wider than what he may find, and cheap: the clients he reaches, by a column that has 0 for what is of none."""
    mine = seen(viewer, client) if viewer.is_staff else "1 = 1"
    return mine if mine == "1 = 1" else f"{mine.removesuffix(')')} UNION ALL SELECT 0)"


def scope_of(viewer: Viewer) -> list[int] | None:
    """The clients (0: none) outside of which he finds nothing at all; None where they are not known beforehand."""
    return [0, *viewer.dossier_client_ids] if viewer.is_client else None


def _of_staff(viewer: Viewer, client: str) -> str:
    if not viewer.may(Permission.READ_DOSSIERS):
        return _NOBODY
    mine = seen(viewer, client)
    return mine if mine == "1 = 1" else f"({mine} OR {client} IS NULL)"


def _readable(viewer: Viewer, client: str) -> str:
    ids = ", ".join(str(int(id)) for id in viewer.client_ids_with(Right.VIEW_DOSSIER))
    folders = ", ".join(str(int(id)) for id in viewer.opened_folders)
    parts = []
    if ids:
        parts.append(f"{client} IN ({ids})")
        parts.append(f"({client} IS NULL AND f.dossier IN ({GENERAL_SQL.format(ids=ids)}))")
    if folders:
        parts.append(f"f.id IN ({folders})")
    return f"({' OR '.join(parts)})" if parts else _NOBODY
