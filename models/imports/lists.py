"""What the pages about imports list: the imports themselves, the rows of a plan, the whole of one for its report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts import User
from models.core import Scope
from models.imports.records import Import, ImportRow

if TYPE_CHECKING:
    from models.viewer import Viewer


async def newest(viewer: Viewer, number: int, size: int) -> list[Import]:
    """One page, counted from 1, the last first."""
    query = Import.objects().where(viewer.imports.condition).order_by(Import.id, ascending=False)
    return await query.limit(size).offset((number - 1) * size)


async def who_imported() -> dict[int, str]:
    rows = await engine.raw("SELECT i.id, u.full_name AS name FROM import_batch i JOIN users u ON u.id = i.created_by")
    return {row["id"]: row["name"] for row in rows}


def rows_of(viewer: Viewer, record: Import, action: str, q: str = "") -> Scope[ImportRow]:
    found: Scope[ImportRow] = viewer.scope(ImportRow).where(ImportRow.batch == record.id, ImportRow.action == action)
    if not q:
        return found
    like = ImportRow.label.like if engine.is_sqlite() else ImportRow.label.ilike  # SQLite's LIKE minds no case
    return found.where(like(f"%{q.replace('%', '').replace('_', ' ')}%"))


def people_of(viewer: Viewer, record: Import) -> Scope[User]:
    """The users of clients whom it made."""
    return viewer.users.where(User.imported == record.id, User.kind == "client")


def uninvited(viewer: Viewer, record: Import) -> Scope[User]:
    return people_of(viewer, record).where(User.state == "prepared")


async def for_report(record: Import) -> list[dict[str, Any]]:
    return await engine.raw(
        "SELECT sheet, line, part, action, label, content, changes, reasons FROM import_row WHERE batch = $1 ORDER BY id",
        record.id,
    )
