"""Preparing an opening: who was chosen is written down, and nothing is sent."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts import User
from models.core import Refused, Say, Scope, operation
from models.rollout import sending
from models.rollout.records import Opening
from models.settings import Firm, utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

_DRAFTS_LIVE = dt.timedelta(days=2)


@operation(Permission.OPEN_GATES, trail=False)
async def prepare_opening(
    people: Scope[User], *, by: Viewer, selection: dict[str, Any], again: bool = False, only_ready: bool = False,
    way: str = "mail",
) -> Opening:  # fmt: skip
    """A draft for these people: page `rollout.opening` shows who gets a mail and who does not, and starts it.

    `way`: mail, or paper for a code to everybody. `again`: who was invited already gets a fresh invitation. `selection` tells later what was chosen, for people to read.
    Drafts of two days ago that nobody started are cleared away. Refused when nobody was chosen.
    """
    now = utcnow()
    ids = await User.select(User.id).where(people.where(User.kind == "client").condition).output(as_list=True)
    if not ids:
        raise Refused("", Say("Kies eerst wie u wilt uitnodigen."))
    await Opening.delete().where(Opening.started_at.is_null() & (Opening.created_at < now - _DRAFTS_LIVE))
    opening = Opening(
        opened_by=by.user.id,
        created_at=now,
        again=again,
        only_ready=only_ready,
        selection=json.dumps(selection),
        way=way,
    )
    await opening.save()
    await engine.copy_rows("opening_person", ("opening", "person"), [(opening.id, one) for one in ids])
    await sending.settle(
        opening.id, again=again, only_ready=only_ready, paper=opening.is_on_paper, firm=await Firm.load()
    )
    return opening
