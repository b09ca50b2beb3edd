"""What the staff see first: what clients handed in, and what is running."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models import engine
from models.clients import seen
from models.tasks import Task

if TYPE_CHECKING:
    from models.viewer import Viewer

_UPLOADS_SQL = """
SELECT d.id, d.name, d.uploaded_at, d.client, c.name AS client_name, u.full_name
FROM document d JOIN client c ON c.id = d.client LEFT JOIN users u ON u.id = d.uploaded_by
WHERE d.source = 'client' AND d.trashed_at IS NULL AND {mine} ORDER BY d.uploaded_at DESC, d.id DESC LIMIT {most}
"""


async def newest_uploads(viewer: Viewer, most: int) -> list[dict[str, Any]]:
    """id, name, uploaded_at, client, client_name and who (''), newest first, of the clients this viewer sees."""
    if not viewer.may("read_dossiers"):
        return []
    rows = await engine.raw(_UPLOADS_SQL.format(mine=seen(viewer, "d.client"), most=most))
    return [{**row, "who": row["full_name"] or ""} for row in rows]


async def running(viewer: Viewer, most: int) -> list[Task]:
    """Long work that waits or runs, newest first."""
    found = viewer.tasks.where(Task.state.is_in(["waiting", "running"])).condition
    return await Task.objects().where(found).order_by(Task.id, ascending=False).limit(most)
