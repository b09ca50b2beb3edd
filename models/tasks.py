"""Long work with a progress that can be watched: imports, structures for many clients, sending."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from piccolo.columns import Boolean, ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from models import engine
from models.accounts import User
from models.core import Owned, Refused, Say, operation, save
from models.live import touch
from models.outbox import Errand, Kind, ask
from models.personal import NUMBER_ONLY, Erase, Export
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

STALE = dt.timedelta(seconds=60)  # without a heartbeat for so long, the worker that had it is gone


class Cancelled(Exception):
    """Somebody asked to stop; what was committed so far stays, and the work says in its outcome what that is."""


class Task(Owned, Table, tablename="task"):
    kind = Varchar(length=30, help_text="plan_import, commit_import, undo_import, apply_structure, …")
    subject_id = Integer(null=True, default=None, index=True)
    owner = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    state = Varchar(length=9, default="waiting")
    done = Integer(default=0)
    total = Integer(default=0)
    cancel_asked = Boolean(default=False)
    detail = Text(default="{}", help_text="JSON: what was asked")
    outcome = Text(default="{}", help_text="JSON: counts, or a Say that tells what went wrong")
    created_at = Timestamptz()
    started_at = Timestamptz(null=True, default=None)
    heartbeat_at = Timestamptz(null=True, default=None)
    finished_at = Timestamptz(null=True, default=None)

    task_state_known = Check("state IN ('waiting', 'running', 'done', 'failed', 'cancelled')")

    EXPORTS = Export(Say("Taken"), by=("owner",), hidden=("detail", "outcome"))
    ERASES = Erase(ground=NUMBER_ONLY)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        """One's own; who sees all clients also sees what colleagues have running, and may stop it."""
        return cls.id > 0 if viewer.is_staff and viewer.sees_all_clients else cls.owner == viewer.user.id

    @property
    def asked(self) -> dict[str, Any]:
        return dict(json.loads(self.detail))

    @property
    def is_busy(self) -> bool:
        return self.state in ("waiting", "running")

    @property
    def said(self) -> Say | None:
        """What the outcome says in words, if it says anything."""
        outcome = json.loads(self.outcome)
        return Say(outcome["say"], **outcome.get("with", {})) if "say" in outcome else None

    @property
    def rate(self) -> float:
        """Steps a second so far; 0 while nothing can be said."""
        if not self.started_at or not self.done:
            return 0.0
        seconds = ((self.finished_at or utcnow()) - self.started_at).total_seconds()
        return self.done / seconds if seconds > 0.5 else 0.0

    @property
    def seconds_left(self) -> int | None:
        """At the rate so far; None while nothing can be said."""
        if self.state != "running" or not self.rate or self.done < self.total / 100:
            return None
        return max(0, round((self.total - self.done) / self.rate))

    @operation(Permission.OWN_ACCOUNT)
    async def cancel(self, *, by: Viewer) -> None:
        """Ask the worker to stop at the next step; work that has not begun stops at once."""
        if not self.is_busy:
            raise Refused("", Say("Dit werk is al klaar."))
        await save(self, cancel_asked=True)
        if self.state == "waiting":
            await save(self, state="cancelled", finished_at=utcnow())
        await touch("tasks", f"task-{self.id}")


async def start(kind: str, subject_id: int | None, *, by: Viewer, total: int = 0, **detail: Any) -> Task:
    """Ask for long work in the present unit; a worker carries out what `work(kind)` was declared for."""
    if kind not in WORKS:
        raise ValueError(f"no work is called {kind!r}")
    task = Task(
        kind=kind, subject_id=subject_id, owner=by.user.id, total=total, detail=json.dumps(detail), created_at=utcnow()
    )
    await task.save()
    await ask(Kind.RUN_TASK, task.id)
    await touch("tasks", f"task-{task.id}")
    return task


async def newest(viewer: Viewer, most: int) -> list[Task]:
    """The last that were started, of those that exist for this viewer."""
    found = viewer.tasks.condition
    return await Task.objects().where(found).order_by(Task.id, ascending=False).limit(most)


class Progress:
    """How far a task is. Called as often as the work likes: it writes at most twice a second, in a unit of its own."""

    def __init__(self, task: Task, pause: float = 0.5) -> None:
        self.task = task
        self._pause = dt.timedelta(seconds=pause)
        self._written = dt.datetime.min.replace(tzinfo=dt.UTC)

    async def report(self, done: int, total: int | None = None) -> None:
        """Outside any unit. Raises Cancelled when somebody asked to stop."""
        now = utcnow()
        if now - self._written < self._pause:
            return
        self._written = now
        if await engine.run_writing(lambda: self._write(done, total, now)):
            raise Cancelled

    async def _write(self, done: int, total: int | None, now: dt.datetime) -> bool:
        values = {"done": done, "heartbeat_at": now} | ({} if total is None else {"total": total})
        await save(self.task, **values)
        await touch("tasks", f"task-{self.task.id}")
        row = await Task.select(Task.cancel_asked).where(Task.id == self.task.id).first()
        return bool(row and row["cancel_asked"])


Work = Callable[[Task, Progress], Awaitable[dict[str, Any]]]
WORKS: dict[str, Work] = {}


def work(kind: str) -> Callable[[Work], Work]:
    """Declare what carries out tasks of this kind: called outside any unit, returns the outcome (counts, JSON).

    A killed worker's task is begun again from the start: the work must be repeatable, or find out how far it was.
    """

    def declare(call: Work) -> Work:
        WORKS[kind] = call
        return call

    return declare


# what the worker does with a task, each in a unit of its own


async def of_errand(errand: int) -> tuple[Task, int] | None:
    """The task that an errand is about, and how often the errand was claimed."""
    row = await Errand.select(Errand.subject_id, Errand.attempts).where(Errand.id == errand).first()
    task = await Task.objects().where(Task.id == row["subject_id"]).first() if row and row["subject_id"] else None
    return (task, row["attempts"]) if task and row else None


async def begin(task: Task) -> None:
    now = utcnow()
    await engine.run_writing(lambda: _change(task, state="running", started_at=now, heartbeat_at=now, done=0))


async def beat(task: Task) -> None:
    await engine.run_writing(lambda: save(task, heartbeat_at=utcnow()))


async def finish(task: Task, state: str, outcome: dict[str, Any]) -> None:
    more = {"done": task.total} if state == "done" and task.total else {}
    await engine.run_writing(
        lambda: _change(task, state=state, outcome=json.dumps(outcome, default=str), finished_at=utcnow(), **more)
    )


async def _change(task: Task, **values: Any) -> None:
    await save(task, **values)
    await touch("tasks", f"task-{task.id}")
