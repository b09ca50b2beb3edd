"""Carrying out acts on many records: freezing who was chosen, the look beforehand, chunks that may be begun again, and undo."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from models import engine, tasks
from models.accounts import User
from models.audit import Trail
from models.bulk.kinds import KINDS, BulkKind, Row, as_pairs, pairs
from models.bulk.noting import note_each
from models.bulk.records import BulkAct, BulkRow
from models.clients import Client
from models.core import Refused, Say, Scope, operation, save
from models.live import touch
from models.settings import utcnow
from models.tasks import Cancelled, Progress, Task, work
from models.viewer import Permission, Viewer

AT_ONCE = 500  # so many are changed within the request itself; more go to the background, so many in one unit
_DRAFTS_LIVE = dt.timedelta(days=2)
_COLUMNS = ("act", "record", "label", "fate", "why", "before", "after")


@operation(Permission.OWN_ACCOUNT, trail=False)
async def prepare(
    found: Scope[Any], kind: str, *, selection: dict[str, Any], params: dict[str, Any] | None = None, by: Viewer
) -> BulkAct:
    """Freeze who is chosen at this moment; nothing else happens. An act that asks nothing is looked at right away.

    Drafts of two days ago that nobody carried out are cleared away. Refused when nobody was chosen.
    """
    what = KINDS.get(kind)
    if what is None:
        raise Refused("kind", Say("Kies wat u wilt doen."))
    by.require(what.needs)
    if what.about == "clients":
        rows = await found.select(Client.id, Client.name, order=[Client.sort_key, Client.id])
    else:
        rows = await found.where(User.kind == "client").select(User.id, User.full_name, order=[User.sort_key, User.id])
    if not rows:
        raise Refused("", Say("Kies eerst een of meer regels."))
    now = utcnow()
    await BulkAct.delete().where((BulkAct.state == "draft") & (BulkAct.created_at < now - _DRAFTS_LIVE))
    act = BulkAct(
        kind=kind,
        about=what.about,
        selection=json.dumps(selection, ensure_ascii=False),
        owner=by.user.id,
        chosen=len(rows),
        created_at=now,
    )
    await act.save()
    label = "name" if what.about == "clients" else "full_name"
    await engine.copy_rows(
        "bulk_row", ("act", "record", "label"), [(act.id, row["id"], row[label][:400]) for row in rows]
    )
    if params is not None or not what.asks:
        await choose(act, params or {}, by=by)
    return act


@operation(Permission.OWN_ACCOUNT, trail=False)
async def choose(act: BulkAct, params: dict[str, Any], *, by: Viewer) -> None:
    """Settle what is to happen, and look what that does to each of the frozen records. Changes none of them."""
    what = _allowed(act, by)
    if act.state != "draft":
        raise Refused("", Say("Dit is al uitgevoerd."))
    kept = await what.checked(params, by)
    rows = await engine.raw("SELECT record, label FROM bulk_row WHERE act = $1 ORDER BY id", act.id)
    judged = await what.judge([row["record"] for row in rows], kept, by)
    fresh, counts = [], {"will": 0, "already": 0, "refused": 0}
    for row in rows:
        verdict = judged.get(row["record"])
        fate, why = (verdict.fate, verdict.why) if verdict else ("refused", "unseen")
        before, after = (verdict.before, verdict.after) if verdict else ("", "")
        fresh.append((act.id, row["record"], row["label"], fate, why, before, after))
        counts[fate] += 1
        if why:
            counts[f"{fate}:{why}"] = counts.get(f"{fate}:{why}", 0) + 1
    await BulkRow.delete().where(BulkRow.act == act.id)
    await engine.copy_rows("bulk_row", _COLUMNS, fresh)
    await save(act, params=json.dumps(kept, ensure_ascii=False), counts=json.dumps(counts))


@operation(Permission.OWN_ACCOUNT, trail=False)
async def start(act: BulkAct, *, by: Viewer) -> None:
    """Carry it out: a few within this unit, many in the background. A second click changes nothing.

    What was stopped or broke off halfway goes on where it was.
    """
    _allowed(act, by)
    numbers = act.numbers
    if act.state in ("busy", "undoing") and not await _is_running(act):
        work, fate = ("bulk", "will") if act.state == "busy" else ("bulk_undo", "done")
        await _go(act, work, (await fates(act)).get(fate, 0), by)
        return
    if numbers is None:
        raise Refused("", Say("Kies eerst wat er moet gebeuren."))
    if not numbers["will"]:
        raise Refused("", Say("Er is niets te wijzigen."))
    now = utcnow()
    fresh = await engine.raw(
        "UPDATE bulk_act SET state = 'busy', started_at = $2, owner = $3 WHERE id = $1 AND state = 'draft' RETURNING id",
        act.id, now, by.user.id,
    )  # fmt: skip
    if not fresh:
        return
    await save(act, state="busy", started_at=now)
    await _go(act, "bulk", numbers["will"], by)


@operation(Permission.OWN_ACCOUNT, trail=False)
async def undo(act: BulkAct, *, by: Viewer) -> None:
    """Give every record that is still as the act left it its value of before."""
    what = _allowed(act, by)
    if not what.can_undo:
        raise Refused("", Say("Dit kan niet ongedaan worden gemaakt."))
    fresh = await engine.raw(
        "UPDATE bulk_act SET state = 'undoing' WHERE id = $1 AND state = 'done' RETURNING id", act.id
    )
    if not fresh:
        return
    await save(act, state="undoing")
    total = await BulkRow.count().where((BulkRow.act == act.id) & (BulkRow.fate == "done"))
    await _go(act, "bulk_undo", total, by)


def _allowed(act: BulkAct, by: Viewer) -> BulkKind:
    by.require(act.what.needs)
    return act.what


async def _is_running(act: BulkAct) -> bool:
    return bool(act.task) and await Task.exists().where(
        (Task.id == act.task) & Task.state.is_in(["waiting", "running"])
    )


async def _go(act: BulkAct, work: str, total: int, by: Viewer) -> None:
    if total > AT_ONCE:
        task = await tasks.start(work, act.id, by=by, total=total, what=act.kind)
        await save(act, task=task.id)
        return
    step, end = (carry_out, _done) if work == "bulk" else (take_back, _undone)
    while await step(act, by):
        pass
    await end(act, by)


async def carry_out(act: BulkAct, by: Viewer) -> int:
    """The next chunk, in the present unit: how many records it looked at. Who moved since the look is left as he is."""
    what, params, at = act.what, act.asked, act.started_at or utcnow()
    rows = await _next(act, "will")
    if not rows:
        return 0
    ids = [row.record for row in rows]
    now, refused = await what.look(ids, params, by), await what.refusals(ids, params, by)
    fit = [row for row in rows if now.get(row.record) == row.before and row.record not in refused]
    made = await what.put(fit, params, by, at) if fit else {}
    left = await what.look([row.record for row in fit], params, by) if fit else {}
    # Who is out of sight by it (another branch office) is as it was meant to be.
    await _conclude(act, "done", {row.record: left.get(row.record, row.after) for row in fit})
    if made:
        await engine.raw(
            f"UPDATE bulk_row SET made = CAST(v.value AS INTEGER) FROM {pairs(2)} WHERE act = $1 AND record = v.id",
            act.id, as_pairs({id: str(one) for id, one in made.items()}),
        )  # fmt: skip
    done = {row.record for row in fit}
    why = {row.record: refused.get(row.record) or ("moved" if row.record in now else "unseen") for row in rows}
    await _miss(act, "moved", {id: word for id, word in why.items() if id not in done})
    await note_each(what.about, what.trail, sorted(done), by, {**what.told(params), "bulk": act.id})
    return len(rows)


async def take_back(act: BulkAct, by: Viewer) -> int:
    """The next chunk of undoing it."""
    what, params = act.what, act.asked
    rows = await _next(act, "done")
    if not rows:
        return 0
    now = await what.look([row.record for row in rows], params, by)
    fit = [row for row in rows if now.get(row.record) == row.after]
    if fit:
        await what.put_back(fit, params, by, utcnow())
    same = {row.record for row in fit}
    await _miss(act, "undone", {row.record: "" for row in fit})
    await _miss(
        act,
        "stayed",
        {row.record: "moved" if row.record in now else "unseen" for row in rows if row.record not in same},
    )
    await note_each(what.about, what.back, sorted(same), by, {**what.told(params), "bulk": act.id})
    return len(rows)


async def _next(act: BulkAct, fate: str) -> list[Row]:
    rows = await engine.raw(
        f"SELECT record, label, before, after, made FROM bulk_row WHERE act = $1 AND fate = $2 ORDER BY id LIMIT {AT_ONCE}",
        act.id, fate,
    )  # fmt: skip
    return [Row(**row) for row in rows]


async def _conclude(act: BulkAct, fate: str, after: dict[int, str]) -> None:
    if after:
        await engine.raw(
            f"UPDATE bulk_row SET fate = $3, after = v.value FROM {pairs(2)} WHERE act = $1 AND record = v.id",
            act.id, as_pairs(after), fate,
        )  # fmt: skip


async def _miss(act: BulkAct, fate: str, why: dict[int, str]) -> None:
    if why:
        await engine.raw(
            f"UPDATE bulk_row SET fate = $3, why = v.value FROM {pairs(2)} WHERE act = $1 AND record = v.id",
            act.id, as_pairs(why), fate,
        )  # fmt: skip


async def fates(act: BulkAct) -> dict[str, int]:
    """Fate > how many, at this moment."""
    rows = await engine.raw("SELECT fate, count(*) AS n FROM bulk_row WHERE act = $1 GROUP BY fate", act.id)
    return {row["fate"]: int(row["n"]) for row in rows}


async def _done(act: BulkAct, by: Viewer) -> None:
    await _end(act, "done", act.what.trail, (await fates(act)).get("done", 0), by, finished_at=utcnow())


async def _undone(act: BulkAct, by: Viewer) -> None:
    await _end(act, "undone", act.what.back, (await fates(act)).get("undone", 0), by, undone_at=utcnow())


async def _end(act: BulkAct, state: str, word: str, count: int, by: Viewer, **moments: Any) -> None:
    if count:
        detail = {**act.what.told(act.asked), "count": count, "bulk": act.id}
        await Trail.write_of(f"{word}.bulk", "", None, None, detail, by=by)
    await save(act, state=state, **moments)
    await touch(act.about, "rollout", f"bulk-{act.id}")


@work("bulk")
async def carry_out_task(task: Task, progress: Progress) -> dict[str, Any]:
    return await _run(task, progress, "busy", carry_out, _done)


@work("bulk_undo")
async def take_back_task(task: Task, progress: Progress) -> dict[str, Any]:
    return await _run(task, progress, "undoing", take_back, _undone)


async def _run(task: Task, progress: Progress, state: str, step: Any, end: Any) -> dict[str, Any]:
    """Chunk after chunk, each a unit of its own: begun again after a kill, it goes on where it was."""
    act, by = await _of(task)
    if act.state != state:
        return {}
    left = (await _counted(act)).get("will" if state == "busy" else "done", 0)
    done = max(0, task.total - left)
    try:
        while looked := await engine.run_writing(lambda: step(act, by)):
            done += looked
            await progress.report(done)
    except Cancelled:
        await engine.run_writing(lambda: end(act, by))
        if state == "undoing":  # the rest can still be given back
            await engine.run_writing(lambda: save(act, state="done", undone_at=None))
        raise
    await engine.run_writing(lambda: end(act, by))
    return await _counted(act)


async def _counted(act: BulkAct) -> dict[str, int]:
    async with engine.reading():
        return await fates(act)


async def _of(task: Task) -> tuple[BulkAct, Viewer]:
    async with engine.reading():
        act = await BulkAct.objects().where(BulkAct.id == task.subject_id).first()
        user = await User.objects().where(User.id == task.owner).first()
    by = Viewer(user) if user else None
    if act is None or by is None or by.user.state != "active" or not by.may(act.what.needs):
        raise Refused("", Say("Wie deze bewerking begon, mag dat niet meer."))
    return act, by


async def rows_of(act: BulkAct, by: Viewer, *, fate: str = "", page: int = 1, size: int = 50) -> list[dict[str, Any]]:
    """Records of the act that this viewer sees: record, label, fate, why, before, after."""
    where, args = _visible(act, by, fate)
    return await engine.raw(
        f"SELECT record, label, fate, why, before, after FROM bulk_row b WHERE {where} ORDER BY b.id LIMIT {int(size)} OFFSET {(page - 1) * int(size)}",
        *args,
    )


async def count_of(act: BulkAct, by: Viewer, fate: str = "") -> int:
    where, args = _visible(act, by, fate)
    return int((await engine.raw(f"SELECT count(*) AS n FROM bulk_row b WHERE {where}", *args))[0]["n"])


def _visible(act: BulkAct, by: Viewer, fate: str) -> tuple[str, list[Any]]:
    from models.clients import seen

    args: list[Any] = [act.id]
    parts = ["b.act = $1"]
    if fate:
        args.append(fate)
        parts.append("b.fate = $2")
    if act.about == "clients":
        parts.append(seen(by, "b.record"))
    elif not by.sees_all_clients:
        parts.append(f"b.record IN (SELECT a.person FROM access a WHERE {seen(by, 'a.client')})")
    return " AND ".join(parts), args
