"""What became of a batch: downloading its file once more shows who took it, then printed, posted, come back, or cancelled."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from models import engine, pins
from models.audit import Trail
from models.core import Refused, Say, operation, save
from models.letters import sealed
from models.letters.making import end_batch, make_for_same, office_day
from models.letters.records import LetterBatch, PinLetter
from models.live import touch
from models.pins.records import BY_PASSKEY
from models.settings import utcnow
from models.tasks import Task
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

FILE_KEPT = dt.timedelta(days=1)
NOT_SO = Say("Dat kan niet (meer): deze partij is {state}.")
STATES = {
    "making": Say("in de maak"), "ready": Say("klaar om te printen"), "printed": Say("geprint"), "posted": Say("gepost"),
    "cancelled": Say("geannuleerd"),
}  # fmt: skip


@operation(Permission.PRINT_PINS, trail=False)
async def take_file(batch: LetterBatch, *, by: Viewer) -> None:
    """Note that somebody downloads the letters now; the bytes follow when that is committed."""
    if batch.state != "ready" or not batch.stored:
        raise Refused("", Say("Het bestand met de brieven is er niet meer."))
    await save(batch, downloads=batch.downloads + 1, downloaded_at=utcnow())
    await by.note("LetterBatch.take_file", batch, {"count": batch.letters, "sha256": batch.sha256})
    await touch(f"letters-{batch.id}")


@operation(Permission.PRINT_PINS, trail=False)
async def confirm_printed(batch: LetterBatch, *, by: Viewer) -> None:
    """All of it is on paper: the file is deleted."""
    _must_be(batch, "ready")
    if not batch.downloads:
        raise Refused("", Say("Niemand heeft deze brieven gedownload; ze kunnen niet geprint zijn."))
    await pins.mark_printed(await _letters(batch))
    await engine.raw("UPDATE letter SET state = 'printed' WHERE batch = $1 AND state = 'ready'", batch.id)
    await drop_file(batch, state="printed", printed_at=utcnow(), printed_by=by.user.id)
    await by.note(
        "LetterBatch.confirm_printed", batch, {"count": batch.letters, "pages": batch.pages, "sha256": batch.sha256}
    )
    await _touch(batch)


@operation(Permission.PRINT_PINS, trail=False)
async def confirm_posted(batch: LetterBatch, day: dt.date, *, by: Viewer) -> None:
    _must_be(batch, "printed")
    if not batch.dated_on <= day <= office_day() + dt.timedelta(days=14):
        raise Refused("day", Say("Kies een dag vanaf de datum van de brieven, hoogstens twee weken vooruit."))
    await pins.mark_posted(await _letters(batch), batch.id, day)
    await engine.raw("UPDATE letter SET state = 'posted' WHERE batch = $1 AND state = 'printed'", batch.id)
    await save(batch, state="posted", posted_on=day)
    await by.note("LetterBatch.confirm_posted", batch, {"count": batch.letters, "day": day.isoformat()})
    await _touch(batch)


@operation(Permission.PRINT_PINS, trail=False)
async def cancel(batch: LetterBatch, *, by: Viewer) -> None:
    """Before printing: no letter of it goes out, and what stands in them dies."""
    if batch.state not in ("making", "ready"):
        raise Refused("", Say(NOT_SO.text, state=STATES[batch.state]))
    if batch.task and batch.state == "making":
        await engine.raw(
            "UPDATE task SET cancel_asked = $2 WHERE id = $1 AND state IN ('waiting', 'running')", batch.task, True
        )
    await end_batch(batch, "person", by_person=by.user.id)
    await by.note("LetterBatch.cancel", batch, {"count": batch.letters})


@operation(Permission.PRINT_PINS, trail=False)
async def cancel_and_make(batch: LetterBatch, *, by: Viewer) -> LetterBatch:
    """It was misprinted, or is the wrong one: in its place begins another for the same people, in the same unit."""
    rows = await engine.raw("SELECT DISTINCT person FROM letter WHERE batch = $1 ORDER BY person", batch.id)
    await cancel(batch, by=by)
    return await make_for_same(batch, [row["person"] for row in rows], by)


@operation(Permission.PRINT_PINS, trail=False)
async def mark_returned(letter: PinLetter, *, by: Viewer) -> bool:
    """The post brought it back: its PIN works no more, unless it was used, for then it had arrived. Whether anything died."""
    if letter.state not in ("printed", "posted"):
        raise Refused("", Say("Alleen een geprinte of geposte brief kan terugkomen."))
    died = await pins.mark_returned([letter.id], by_person=by.user.id)
    await save(letter, state="returned", returned_at=utcnow(), returned_by=by.user.id)
    await by.note("PinLetter.mark_returned", letter, {"name": letter.recipient})
    await touch("letters", f"letters-{letter.batch}", "rollout")
    return bool(died)


def _must_be(batch: LetterBatch, state: str) -> None:
    if batch.state != state:
        raise Refused("", Say(NOT_SO.text, state=STATES[batch.state]))


async def _letters(batch: LetterBatch) -> list[int]:
    rows = await engine.raw("SELECT id FROM letter WHERE batch = $1 AND page > 0 ORDER BY page", batch.id)
    return [row["id"] for row in rows]


async def _touch(batch: LetterBatch) -> None:
    await touch("letters", f"letters-{batch.id}", "rollout")


async def drop_file(batch: LetterBatch, **more: Any) -> None:
    """In a unit: the file goes when that is committed."""
    stored = batch.stored
    await save(batch, stored="", **({"gone_at": utcnow()} if stored else {}), **more)
    if stored:
        engine.after_commit(lambda: sealed.forget([stored]))


async def expire_files(now: dt.datetime) -> int:
    """Of batches that are ready for a day: the file goes. Who downloaded it may still confirm; what nobody downloaded never
    comes on paper any more, so that it is cancelled. How many."""
    old = await engine.raw(
        "SELECT id FROM letter_batch WHERE state = 'ready' AND stored <> '' AND ready_at < $1", now - FILE_KEPT
    )
    for row in old:
        await engine.run_writing(lambda id=row["id"]: _expire(id))  # type: ignore[misc]
    return len(old)


async def _expire(id: int) -> None:
    batch = await LetterBatch.objects().where(LetterBatch.id == id).first()
    if batch is None or batch.state != "ready" or not batch.stored:
        return
    if batch.downloads:
        await drop_file(batch)
        await _touch(batch)
    else:
        await end_batch(batch, "expired")
        await Trail.write("LetterBatch.expire", batch, detail={"count": batch.letters})


# lists


async def batches(viewer: Viewer, limit: int, offset: int) -> list[LetterBatch]:
    """The newest first."""
    mine = viewer.scope(LetterBatch).condition
    return await LetterBatch.objects().where(mine).order_by(LetterBatch.id, ascending=False).limit(limit).offset(offset)


async def lines(
    batch: LetterBatch, viewer: Viewer, limit: int, offset: int, q: str = ""
) -> tuple[list[dict[str, Any]], int]:
    """The register: id, page, person, recipient, address (JSON), client, client_name, state, pin (its state), confirmed_at,
    returned_at, dropped_why; in the order of the pages. And how many there are."""
    from models.rollout.readiness import my_people_sql
    from models.words import escaped

    where, args = f"l.batch = $1 AND l.person IN (SELECT u.id FROM users u WHERE {my_people_sql(viewer)})", [batch.id]
    if q.strip():
        where += " AND lower(l.recipient) LIKE $2 ESCAPE '!'"
        args.append(f"%{escaped(q.strip().lower())}%")
    rows = await engine.raw(
        "SELECT l.id, l.page, l.person, l.recipient, l.address, l.client, c.name AS client_name, c.number, l.state, l.returned_at, "
        "l.dropped_why, l.activation, k.state AS pin, k.confirmed_at FROM letter l LEFT JOIN client c ON c.id = l.client "
        f"LEFT JOIN pin k ON k.letter = l.id WHERE {where} ORDER BY l.page = 0, l.page, l.place, l.id LIMIT {int(limit)} OFFSET {int(offset)}",
        *args,
    )
    total = (await engine.raw(f"SELECT count(*) AS n FROM letter l WHERE {where}", *args))[0]["n"]
    return rows, int(total)


async def left_without(batch: LetterBatch, viewer: Viewer, most: int) -> tuple[int, list[str]]:
    """Of whom an earlier PIN or list died for the sake of this batch and who has nothing beside it: how many, and the names of the
    first that this viewer sees."""
    from models.rollout.readiness import my_people_sql

    where = (
        "l.batch = $1 AND EXISTS (SELECT 1 FROM pin k WHERE k.person = l.person AND k.kind = l.kind AND k.state = 'replaced' "
        "AND k.ended_at >= $2 AND coalesce(k.letter, 0) <> l.id) AND NOT EXISTS (SELECT 1 FROM pin k WHERE k.person = l.person AND k.kind = l.kind "
        f"AND k.state IN {pins.LIVING} AND coalesce(k.letter, 0) <> l.id)"
    )
    args = (batch.id, batch.made_at - dt.timedelta(minutes=1))
    total = await engine.raw(f"SELECT count(*) AS n FROM letter l WHERE {where}", *args)
    rows = await engine.raw(
        f"SELECT l.recipient FROM letter l WHERE {where} AND l.person IN (SELECT u.id FROM users u WHERE {my_people_sql(viewer)}) "
        f"ORDER BY l.recipient, l.id LIMIT {int(most)}",
        *args,
    )
    return int(total[0]["n"]), [row["recipient"] for row in rows]


async def states_of(batch: LetterBatch) -> dict[str, int]:
    """state of the PIN > how many."""
    rows = await engine.raw(
        "SELECT k.state, count(*) AS n FROM pin k JOIN letter l ON l.id = k.letter WHERE l.batch = $1 GROUP BY k.state",
        batch.id,
    )
    return {row["state"]: int(row["n"]) for row in rows}


async def task_of(batch: LetterBatch) -> Task | None:
    """The work that makes it, while it is made."""
    if batch.state != "making" or not batch.task:
        return None
    return await Task.objects().where(Task.id == batch.task).first()


async def standing(viewer: Viewer) -> dict[str, int]:
    """Of the approvers that this viewer sees, lists of codes apart: approvers, lettered (have a living PIN), printed, posted, confirmed, blocked.
    Who put a passkey in the place of his PIN has confirmed it."""
    from models.clients.records import seen

    rows = await engine.raw(
        "SELECT count(*) AS approvers, sum(CASE WHEN p.rank >= 1 THEN 1 ELSE 0 END) AS lettered, "
        "sum(CASE WHEN p.rank >= 2 THEN 1 ELSE 0 END) AS printed, sum(CASE WHEN p.rank >= 3 THEN 1 ELSE 0 END) AS posted, "
        "sum(CASE WHEN p.rank >= 4 THEN 1 ELSE 0 END) AS confirmed, sum(CASE WHEN p.rank = 0 THEN 1 ELSE 0 END) AS blocked "
        "FROM (SELECT DISTINCT a.person FROM access a JOIN users u ON u.id = a.person JOIN client c ON c.id = a.client "
        f"WHERE u.kind = 'client' AND u.state <> 'blocked' AND c.state = 'active' AND (a.rights & 4) <> 0 AND {seen(viewer)}) w "
        "LEFT JOIN (SELECT k.person, max(CASE k.state WHEN 'made' THEN 1 WHEN 'printed' THEN 2 WHEN 'posted' THEN 3 "
        f"WHEN 'confirmed' THEN 4 WHEN 'replaced' THEN 4 ELSE 0 END) AS rank FROM pin k WHERE (k.kind = 'pin' AND k.state IN {pins.LIVING}) OR ({BY_PASSKEY}) GROUP BY k.person) p ON p.person = w.person"
    )
    return {name: int(value or 0) for name, value in rows[0].items()}
