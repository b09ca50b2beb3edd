"""What is done to more requests than one unit can bear: chosen and looked at beforehand, carried out in the background, and reported.

Which requests they are is frozen when they are chosen: what was shown is what is carried out.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from piccolo.columns import ForeignKey, Integer, OnDelete, Text, Timestamptz, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from models import engine, tasks
from models.accounts import User
from models.approvals.many import DO, Ahead, How, change_each, check, foreseen
from models.approvals.records import ApprovalRequest
from models.core import Owned, Refused, Say, Scope, operation, save
from models.live import touch
from models.personal import NUMBER_ONLY, Erase, Export
from models.settings import utcnow
from models.tasks import Cancelled, Progress, Task, work
from models.viewer import Permission, Viewer

AT_ONCE = 5  # requests in one unit: short enough that a client who approves meanwhile does not wait
_LOOKS_LIVE = dt.timedelta(days=2)


class ApprovalRun(Owned, Table, tablename="approval_run"):
    """One change to many requests. `how` is what was said of it: see `many.How`."""

    do = Varchar(length=11)
    how = Text(default="{}", help_text="JSON")
    told = Text(default="{}", help_text="JSON: who would hear of it, at the look beforehand; emptied when it begins.")
    owner = ForeignKey(User, null=False, on_delete=OnDelete.cascade, index=True)
    state = Varchar(length=5, default="draft")
    chosen = Integer(default=0)
    task = Integer(null=True, default=None)
    created_at = Timestamptz()
    finished_at = Timestamptz(null=True, default=None)

    approval_run_state_known = Check("state IN ('draft', 'busy', 'done')")

    EXPORTS = Export(Say("Bewerkingen van accorderingen"), by=("owner",), hidden=("how", "told"))
    ERASES = Erase(ground=NUMBER_ONLY)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        """One's own."""
        return cls.owner == viewer.user.id if viewer.is_staff else cls.id < 0


class ApprovalRunRow(Owned, Table, tablename="approval_run_row"):
    """One request of it: `fate` will, refused (`why`: a Say) or done."""

    run = ForeignKey(ApprovalRun, null=False, on_delete=OnDelete.cascade)
    request = ForeignKey(ApprovalRequest, null=False, on_delete=OnDelete.cascade, index=True)
    fate = Varchar(length=7, default="will")
    why = Text(default="")

    approval_run_row_once = Unique([run, request])

    @classmethod
    def visible_to(cls, viewer: Viewer) -> Any:
        return cls.run.is_in(ApprovalRun.select(ApprovalRun.id).where(ApprovalRun.visible_to(viewer)))


@operation(Permission.EDIT_APPROVALS, trail=False)
async def prepare(found: Scope[ApprovalRequest], ids: Sequence[int], do: str, *, by: Viewer) -> ApprovalRun:
    """Freeze which they are, those that exist for this viewer, and what is foreseen of each; none of them is changed."""
    if do not in DO:
        raise Refused("", Say("Kies wat er moet gebeuren."))
    now = utcnow()
    await ApprovalRun.delete().where(
        (ApprovalRun.state == "draft")
        & (ApprovalRun.created_at < now - _LOOKS_LIVE)
        & (ApprovalRun.owner == by.user.id)
    )
    chosen = await _known(found, ids)
    if not chosen:
        raise Refused("", Say("Kies eerst een of meer accorderingen, en wat er moet gebeuren."))
    ahead = Ahead({}) if do == "remind" else await foreseen(chosen, do, by)
    whys = ahead.whys
    told = json.dumps(ahead.told(), ensure_ascii=False)
    run = ApprovalRun(do=do, told=told, owner=by.user.id, chosen=len(chosen), created_at=now)
    await run.save()
    await engine.copy_rows(
        "approval_run_row", ("run", "request", "fate", "why"),
        [(run.id, id, "refused" if id in whys else "will", _kept(whys.get(id))) for id in chosen],
    )  # fmt: skip
    return run


async def _known(found: Scope[ApprovalRequest], ids: Sequence[int]) -> list[int]:
    """Those that exist for the viewer, once each, as they were ordered."""
    ids, known = list(dict.fromkeys(ids)), set()
    for start in range(0, len(ids), 1000):
        rows = await found.where(ApprovalRequest.id.is_in(ids[start : start + 1000])).select(ApprovalRequest.id)
        known |= {row["id"] for row in rows}
    return [id for id in ids if id in known]


def _kept(why: Say | None) -> str:
    return json.dumps(why.as_json(), ensure_ascii=False) if why else ""


@operation(Permission.EDIT_APPROVALS, trail=False)
async def begin(run: ApprovalRun, how: How, *, by: Viewer) -> None:
    """In the background; what was stopped goes on where it was, and a second click changes nothing."""
    if run.state == "busy" and await _is_running(run):
        return
    left = (await fates(run)).get("will", 0)
    if run.state == "draft":
        await check(run.do, how, by)
        if not left:
            raise Refused("", Say("Er is niets te wijzigen."))
        await save(run, how=json.dumps(how._asdict(), default=str))
    if not left:
        await _end(run)
        return
    fresh = await engine.raw(
        "UPDATE approval_run SET state = 'busy' WHERE id = $1 AND (state <> 'busy' OR task = $2) RETURNING id", run.id, run.task
    )  # fmt: skip
    if not fresh:
        return
    await save(run, told="{}")
    task = await tasks.start("change_approvals", run.id, by=by, total=left, do=run.do)
    await save(run, state="busy", task=task.id, finished_at=None)


async def _is_running(run: ApprovalRun) -> bool:
    return bool(run.task) and await Task.exists().where(
        (Task.id == run.task) & Task.state.is_in(["waiting", "running"])
    )


@work("change_approvals")
async def change_approvals(task: Task, progress: Progress) -> dict[str, Any]:
    """A few at a time, each unit with its marks: begun again after a kill it goes on where it was, and nothing is done twice."""
    run, by = await _of(task)
    if run.state != "busy":
        return {}
    async with engine.reading():
        done = max(0, task.total - (await fates(run)).get("will", 0))
    try:
        while count := await engine.run_writing(lambda: _next_few(run, by)):
            done += count
            await progress.report(done)
    except Cancelled:
        await engine.run_writing(lambda: _end(run))
        raise
    await engine.run_writing(lambda: _end(run))
    async with engine.reading():
        return dict(await fates(run))


async def _of(task: Task) -> tuple[ApprovalRun, Viewer]:
    async with engine.reading():
        run = await ApprovalRun.objects().where(ApprovalRun.id == task.subject_id).first()
        user = await User.objects().where(User.id == task.owner).first()
    by = Viewer(user) if user else None
    if run is None or by is None or by.user.state != "active" or not by.may(Permission.EDIT_APPROVALS):
        raise Refused("", Say("Wie deze bewerking begon, mag dat niet meer."))
    return run, by


async def _next_few(run: ApprovalRun, by: Viewer) -> int:
    rows = await engine.raw(
        f"SELECT request FROM approval_run_row WHERE run = $1 AND fate = 'will' ORDER BY id LIMIT {AT_ONCE}", run.id
    )
    ids = [row["request"] for row in rows]
    if not ids:
        return 0
    done = await change_each(by.scope(ApprovalRequest), ids, run.do, How.read(json.loads(run.how)), by)
    why = dict(done.refused)
    await engine.raw_many(
        "UPDATE approval_run_row SET fate = $1, why = $2 WHERE run = $3 AND request = $4",
        [
            ("done", "", run.id, id)
            if id in done.done
            else ("refused", _kept(why.get(id, Say("Deze accordering is er niet (meer)."))), run.id, id)
            for id in ids
        ],
    )
    await touch(f"approval-run-{run.id}")
    return len(ids)


async def _end(run: ApprovalRun) -> None:
    await save(run, state="done", finished_at=utcnow())
    await touch("approvals", f"approval-run-{run.id}")


def told_of(run: ApprovalRun) -> dict[str, Any]:
    """Who would hear of it: mailed, names, silent; see `many.Ahead`."""
    return Ahead({}).told() | dict(json.loads(run.told))


async def fates(run: ApprovalRun) -> dict[str, int]:
    """will, refused and done > how many, at this moment."""
    rows = await engine.raw("SELECT fate, count(*) AS n FROM approval_run_row WHERE run = $1 GROUP BY fate", run.id)
    return {row["fate"]: int(row["n"]) for row in rows}


async def ids_of(run: ApprovalRun, fate: str = "", most: int = 0, offset: int = 0) -> list[int]:
    rows = await engine.raw(
        "SELECT request FROM approval_run_row WHERE run = $1 AND ($2 = '' OR fate = $2) ORDER BY id"
        + (f" LIMIT {int(most)} OFFSET {int(offset)}" if most else ""),
        run.id, fate,
    )  # fmt: skip
    return [row["request"] for row in rows]


async def before_clients(run: ApprovalRun) -> int:
    """How many of those that will be changed wait for a client now."""
    rows = await engine.raw(
        "SELECT count(*) AS n FROM approval_run_row x JOIN approval_request r ON r.id = x.request "
        "WHERE x.run = $1 AND x.fate = 'will' AND r.state IN ('offered', 'partly')",
        run.id,
    )
    return int(rows[0]["n"])


async def whys_of(run: ApprovalRun, ids: Sequence[int]) -> Mapping[int, Say]:
    """Of these of its requests that stay as they are: why."""
    if not ids:
        return {}
    listed = ", ".join(str(int(id)) for id in ids)
    rows = await engine.raw(
        f"SELECT request, why FROM approval_run_row WHERE run = $1 AND fate = 'refused' AND request IN ({listed})", run.id
    )  # fmt: skip
    return {row["request"]: Say.from_json(json.loads(row["why"])) for row in rows if row["why"]}


async def reasons(run: ApprovalRun) -> list[tuple[Say, int]]:
    """Why it cannot be done, and for how many; the commonest first."""
    rows = await engine.raw(
        "SELECT why, count(*) AS n FROM approval_run_row WHERE run = $1 AND fate = 'refused' AND why <> '' GROUP BY why ORDER BY 2 DESC, why",
        run.id,
    )
    return [(Say.from_json(json.loads(row["why"])), int(row["n"])) for row in rows]
