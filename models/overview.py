"""What the staff see first: what clients handed in, what else they did since yesterday, and what is running."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from models import engine
from models.dossiers.documents import UPLOADER_SQL
from models.mine import chooses, looked_after, seen
from models.settings import utcnow
from models.tasks import Task
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

ZONE = ZoneInfo("Europe/Amsterdam")
UPLOADS = "uploads"
ACTIVATIONS = "activations"
READINGS = "readings"


@dataclasses.dataclass(frozen=True)
class News:
    """What the people of one client did: how often of each kind, `who` came in, and when the last thing happened."""

    client: int
    name: str
    last: dt.datetime
    uploads: int = 0
    activations: int = 0
    readings: int = 0
    who: str = ""


async def standing(viewer: Viewer) -> tuple[bool, bool]:
    """Whether the office has any client, and whether this viewer looks after any (who sees only his own always does)."""
    rows = await engine.raw(
        "SELECT (SELECT count(*) FROM (SELECT 1 AS one FROM client LIMIT 1) c) AS clients, "
        "(SELECT count(*) FROM (SELECT 1 AS one FROM responsible WHERE person = $1 LIMIT 1) r) AS mine",
        viewer.user.id,
    )
    return bool(rows[0]["clients"]), bool(rows[0]["mine"]) or not chooses(viewer)


def yesterday(now: dt.datetime | None = None) -> dt.datetime:
    """The beginning of yesterday as the Dutch calendar has it."""
    day = (now or utcnow()).astimezone(ZONE).date() - dt.timedelta(days=1)
    return dt.datetime.combine(day, dt.time(), ZONE).astimezone(dt.UTC)


# Each part walks an index over what is recent, and gives a row for each event: client, what, when, who.
_EVENTS = {
    UPLOADS: "SELECT d.client, 'uploads' AS what, d.uploaded_at AS at, d.id, '' AS who FROM document d "
    "WHERE d.source = 'client' AND d.trashed_at IS NULL AND d.uploaded_at >= $1 AND {mine}",
    ACTIVATIONS: "SELECT d.client, 'activations', u.activated_at, u.id, u.full_name FROM users u JOIN access d ON d.person = u.id "
    "WHERE u.kind = 'client' AND u.activated_at IS NOT NULL AND u.activated_at >= $1 AND {mine}",
    READINGS: "SELECT d.client, 'readings', d.first_at, d.document, '' FROM reading d JOIN users u ON u.id = d.person "
    "WHERE d.first_at >= $1 AND u.kind = 'client' AND {mine}",
}
_NEWS_SQL = """
WITH event AS ({events}), newest AS (SELECT client, max(at) AS last FROM event WHERE client IS NOT NULL GROUP BY client ORDER BY last DESC LIMIT {most})
SELECT n.client, c.name, e.what, count(*) AS n, max(e.at) AS last, min(e.who) AS who, (SELECT count(DISTINCT client) FROM event) AS clients
FROM newest n JOIN client c ON c.id = n.client JOIN event e ON e.client = n.client GROUP BY n.client, c.name, e.what, n.last ORDER BY n.last DESC, n.client
"""


async def news(
    viewer: Viewer, most: int, *, everybody: bool = False, now: dt.datetime | None = None
) -> tuple[list[News], int]:
    """Of each client that did something since the beginning of yesterday, the last first; and how many clients that are."""
    mine = looked_after(viewer, "d.client", everybody=everybody)
    kinds = (UPLOADS, ACTIVATIONS, READINGS) if viewer.may(Permission.READ_DOSSIERS) else (ACTIVATIONS,)
    events = " UNION ALL ".join(_EVENTS[kind].format(mine=mine) for kind in kinds)
    if kinds[0] != UPLOADS:
        events = events.replace(
            "'activations', u.activated_at, u.id, u.full_name",
            "'activations' AS what, u.activated_at AS at, u.id, u.full_name AS who",
        )
    rows = await engine.raw(_NEWS_SQL.format(events=events, most=int(most)), yesterday(now))
    return _by_client(rows), int(rows[0]["clients"]) if rows else 0


def _by_client(rows: Iterable[dict[str, Any]]) -> list[News]:
    found: dict[int, News] = {}
    for row in rows:
        last = row["last"] if isinstance(row["last"], dt.datetime) else dt.datetime.fromisoformat(row["last"])
        one = found.get(row["client"]) or News(row["client"], row["name"], last)
        one = dataclasses.replace(one, last=max(one.last, last), who=one.who or row["who"])
        counted: dict[str, Any] = {row["what"]: int(row["n"])}
        found[one.client] = dataclasses.replace(one, **counted)
    return list(found.values())


_UPLOADS_SQL = """
SELECT d.id, d.name, d.uploaded_at, d.opened_at, d.client, c.name AS client_name,
 coalesce(u.full_name, {uploader}) AS who
FROM document d JOIN client c ON c.id = d.client LEFT JOIN users u ON u.id = d.uploaded_by
WHERE d.source = 'client' AND d.trashed_at IS NULL {unopened}AND {mine} ORDER BY d.uploaded_at DESC, d.id DESC LIMIT {most} OFFSET {offset}
"""


async def newest_uploads(
    viewer: Viewer, most: int, *, page: int = 1, everybody: bool = True, unopened: bool = False
) -> list[dict[str, Any]]:
    """id, name, uploaded_at, opened_at, client, client_name and who (None: no longer there), newest first."""
    if not viewer.may(Permission.READ_DOSSIERS):
        return []
    return await engine.raw(
        _UPLOADS_SQL.format(
            mine=looked_after(viewer, "d.client", everybody=everybody),
            unopened="AND d.opened_at IS NULL " if unopened else "",
            most=int(most),
            uploader=UPLOADER_SQL,
            offset=(int(page) - 1) * int(most),
        )
    )


async def count_uploads(viewer: Viewer, *, everybody: bool = True, unopened: bool = False) -> int:
    if not viewer.may(Permission.READ_DOSSIERS):
        return 0
    narrowed = "AND d.opened_at IS NULL " if unopened else ""
    mine = looked_after(viewer, "d.client", everybody=everybody)
    rows = await engine.raw(
        f"SELECT count(*) AS n FROM document d WHERE d.source = 'client' AND d.trashed_at IS NULL {narrowed}AND d.client IS NOT NULL AND {mine}"
    )
    return int(rows[0]["n"])


async def running(viewer: Viewer, most: int) -> list[Task]:
    """Long work that waits or runs, newest first."""
    found = viewer.tasks.where(Task.state.is_in(["waiting", "running"])).condition
    return await Task.objects().where(found).order_by(Task.id, ascending=False).limit(most)


__all__ = ["News", "count_uploads", "newest_uploads", "news", "running", "seen", "standing", "yesterday"]
