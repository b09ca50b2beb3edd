"""What the office does with files that are placed for approval: begin, choose, set some apart, start, undo."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.core import Refused, Say, operation, save
from models.live import touch
from models.offering.plan import offering_of, plan_offering
from models.offering.records import CHOICES, Offering, checked, checked_own
from models.placing.records import Placing
from models.settings import utcnow
from models.tasks import start
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

_AGAIN = ("kind", "book_year", "together", *(f"on_{name}" for name in CHOICES))


async def begin_offering(*, by: Viewer) -> Placing:
    """A new one without files; what was chosen the last time is chosen again, but never to offer at once."""
    by.require(Permission.EDIT_APPROVALS)
    now = utcnow()
    mine = Placing.select(Placing.id).where((Placing.created_by == by.user.id) & (Placing.purpose == "approvals"))
    last = await Offering.objects().where(Offering.placement.is_in(mine)).order_by(Offering.id, ascending=False).first()
    placing = Placing(purpose="approvals", created_by=by.user.id, created_at=now, touched_at=now)
    await placing.save()
    await Offering(placement=placing.id, **({name: getattr(last, name) for name in _AGAIN} if last else {})).save()
    await by.note("Placing.begin", placing, {})
    await touch("placing")
    return placing


@operation(Permission.EDIT_APPROVALS, trail=False)
async def set_up(placing: Placing, values: dict[str, Any], *, by: Viewer) -> None:
    """What holds for all: see `checked`; also while files are looked into. Raises Refused beside the field that is wrong."""
    if not placing.takes_files:
        placing.refuse_busy()
    await save(await offering_of(placing), **await checked(values))
    await _plan_again(placing, by)


@operation(Permission.EDIT_APPROVALS, trail=False)
async def set_apart(placing: Placing, ids: Sequence[int], values: dict[str, Any], *, by: Viewer) -> int:
    """For these files something else than for all (by name of OWN); how many."""
    placing.refuse_busy()
    chosen = {"part": "", **(await offering_of(placing)).chosen}
    checks = checked_own(chosen | values)
    own = {name: checks[name] for name in values}
    rows = await engine.raw(
        f"UPDATE placement_file SET own = $2 WHERE placement = $1 AND state IN ('matched', 'left', 'unmatched', 'skipped') AND id IN {listed(3)} RETURNING id",
        placing.id, json.dumps(own), json.dumps(list(ids)),
    )  # fmt: skip
    await _plan_again(placing, by)
    return len(rows)


@operation(Permission.EDIT_APPROVALS, trail=False)
async def replace_all(placing: Placing, seen: str, *, by: Viewer) -> int | None:
    """Everything that waits because there is one of this kind and period already takes its place, as soon as it is offered: how many.
    Where that is something else than was `seen` (`replacing_mark`) nothing changes: None, and the plan is as it is now."""
    placing.refuse_busy()
    await _plan_again(placing, by)
    offering = await offering_of(placing)
    held = int(offering.told["held"])
    if not held or seen != replacing_mark(offering.told):
        return None
    await save(offering, on_same="replace")
    await _plan_again(placing, by)
    return held


def replacing_mark(told: dict[str, Any]) -> str:
    """What somebody agrees to who says: replace them all."""
    return "-".join(str(told.get(name, 0)) for name in ("held", "held_voided", "held_told"))


async def _plan_again(placing: Placing, by: Viewer) -> None:
    await save(placing, touched_at=utcnow(), problem="")
    await plan_offering(placing, by)
    await touch("placing", f"placing-{placing.id}")


@operation(Permission.EDIT_APPROVALS, trail=False)
async def carry_out(placing: Placing, seen: str = "", *, by: Viewer) -> bool:
    """What is ready, in the background: as drafts, or offered, as was chosen. Where `seen` is what a plan came to (`mark_of`) and
    it comes to something else now, nothing is begun: False, and the plan is as it is now."""
    placing.refuse_busy()
    offering = await offering_of(placing)
    if offering.kind is None:
        raise Refused("kind", Say("Kies een soort."))
    await plan_offering(placing, by)
    told = (await offering_of(placing)).told
    if not told["requests"]:
        raise Refused(
            "", Say("Er is niets om klaar te zetten: geen bestand heeft een cliënt, of alles wacht op een besluit.")
        )
    if seen and seen != mark_of(told):
        await touch(f"placing-{placing.id}")
        return False
    await save(placing, state="placing", problem="", touched_at=utcnow(), undone_at=None)
    await start("offer_files", placing.id, by=by, total=told["files"] + told["left"] + told["skipped"])
    await by.note("Placing.offer", placing, {"count": told["requests"]})
    await touch("placing", f"placing-{placing.id}")
    return True


def mark_of(told: dict[str, Any]) -> str:
    """What somebody agreed to who says: go."""
    return "-".join(
        str(told.get(name, 0))
        for name in ("requests", "files", "draft", "sign_off", "offered", "mailed", "replaced", "voided")
    )


@operation(Permission.EDIT_APPROVALS, trail=False)
async def undo(placing: Placing, *, by: Viewer) -> None:
    """What nobody opened yet is withdrawn, and its files wait here again; the rest stays."""
    placing.refuse_busy()
    rows = await engine.raw(
        "SELECT count(*) AS n FROM placement_file WHERE placement = $1 AND state = 'placed'", placing.id
    )
    if not rows[0]["n"]:
        raise Refused("", Say("Hiervan staat niets meer klaar dat teruggedraaid kan worden."))
    await save(placing, state="undoing", problem="", touched_at=utcnow())
    await start("undo_offering", placing.id, by=by, total=rows[0]["n"])
    await by.note("Placing.undo", placing, {})
    await touch("placing", f"placing-{placing.id}")
