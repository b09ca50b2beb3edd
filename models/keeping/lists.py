"""Reading the lists and certificates: which there are, what is on one in all, and the work that runs."""

from __future__ import annotations

from typing import Any

from models import engine
from models.keeping.records import Destruction
from models.tasks import Task

KINDS_OF_WORK = ("propose_destruction", "destroy_documents", "check_files")


async def all_lists(page: int, size: int) -> tuple[list[dict[str, Any]], int]:
    """Without those that a newer one replaced; what waits for somebody first, then the newest."""
    total = int((await engine.raw("SELECT count(*) AS n FROM destruction WHERE state <> 'replaced'"))[0]["n"])
    rows = await engine.raw(
        "SELECT id, kind, month, state, made_at, made_name, documents, size, confirmed_name, confirmed_at, finished_at, destroyed, "
        "destroyed_size, dropped, spared FROM destruction WHERE state <> 'replaced' "
        "ORDER BY CASE WHEN state = 'done' THEN 1 ELSE 0 END, id DESC LIMIT $1 OFFSET $2",
        size, (page - 1) * size,
    )  # fmt: skip
    return rows, total


async def pending() -> dict[str, Any]:
    """For who decides on destroying: `list` (id of the one that waits to be confirmed, with something on it, or None), its
    `documents`, and how many stored files are `wrong`."""
    rows = await engine.raw(
        "SELECT (SELECT max(id) FROM destruction WHERE state = 'proposed' AND documents > 0) AS list, "
        "(SELECT max(documents) FROM destruction WHERE state = 'proposed') AS documents, "
        "(SELECT count(*) FROM file_check WHERE state IN ('broken', 'missing')) AS wrong"
    )
    return rows[0]


async def totals(destruction: Destruction) -> tuple[int, int, int]:
    """Of what is still to be destroyed: bytes, documents, clients."""
    rows = await engine.raw(
        "SELECT coalesce(sum(size), 0) AS size, count(*) AS n, count(DISTINCT client) AS clients FROM destruction_item "
        "WHERE destruction = $1 AND state = 'proposed'",
        destruction.id,
    )
    return int(rows[0]["size"]), int(rows[0]["n"]), int(rows[0]["clients"])


async def task_of(destruction: Destruction) -> Task | None:
    """The newest work on a list."""
    is_of = Task.kind.is_in(["propose_destruction", "destroy_documents"]) & (Task.subject_id == destruction.id)
    return await Task.objects().where(is_of).order_by(Task.id, ascending=False).first()


async def busy_tasks() -> list[Task]:
    """Work of keeping that waits or runs."""
    is_busy = Task.kind.is_in(list(KINDS_OF_WORK)) & Task.state.is_in(["waiting", "running"])
    return await Task.objects().where(is_busy).order_by(Task.id).limit(5)
