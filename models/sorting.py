"""Everybody's place in the lists, made anew after the office chose another rule (dutch.md 5: De Vries under V, or under D)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models import engine
from models.people import PARTS, keys_of
from models.settings import sort_rule
from models.tasks import Progress, Task, start, work

if TYPE_CHECKING:
    from models.viewer import Viewer

_BATCH = 2000


async def sort_anew(by: Viewer) -> Task:
    """In the background: half a million people take a minute."""
    total = (await engine.raw("SELECT count(*) AS n FROM users"))[0]["n"]
    return await start("sort_anew", 0, by=by, total=int(total))


@work("sort_anew")
async def _sort(task: Task, progress: Progress) -> dict[str, Any]:
    done, last = 0, 0
    columns = ", ".join(("id", "email", *PARTS))
    while True:
        async with engine.reading():
            rule = await sort_rule()
            rows = await engine.raw(f"SELECT {columns} FROM users WHERE id > $1 ORDER BY id LIMIT {_BATCH}", last)
        if not rows:
            return {"count": done}
        keys = [
            (keys_of(email=row["email"], rule=rule, **{name: row[name] for name in PARTS})["sort_key"], row["id"])
            for row in rows
        ]
        last, done = rows[-1]["id"], done + len(rows)

        async def unit(keys: list[tuple[str, int]] = keys) -> None:
            await engine.raw_many("UPDATE users SET sort_key = $1 WHERE id = $2 AND sort_key <> $1", keys)

        await engine.run_writing(unit)
        await progress.report(done)
