"""What is done to many requests at once: each for itself, so that one that cannot holds up no other, and each is told of by name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from models.approvals.ending import extend, withdraw
from models.approvals.offering import offer, sign_off
from models.approvals.records import ApprovalRequest
from models.core import Forbidden, Refused, Say, Scope, operation, save
from models.engine import all_or_nothing
from models.live import touch
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

MOST = 500
DO: dict[str, Say] = {
    "remind": Say("Herinneren"),
    "offer": Say("Aanbieden"),
    "sign_off": Say("Autoriseren"),
    "extend": Say("Andere uiterste dag"),
    "withdraw": Say("Intrekken"),
    "responsible": Say("Verantwoordelijke kiezen"),
}


class How(NamedTuple):
    """What is needed beside the verb: a reason, days, or a colleague."""

    reason: str = ""
    internal: dt.date | None = None
    legal: dt.date | None = None
    person: int | None = None


class Done(NamedTuple):
    """The ids for which it was done, and why not for the others."""

    done: list[int]
    refused: list[tuple[int, Say]]


@operation(Permission.VIEW_REQUESTED, trail=False)
async def change_many(found: Scope[ApprovalRequest], ids: Sequence[int], do: str, how: How, *, by: Viewer) -> Done:
    """In one unit; each operation asks for its own right and writes its own line. Raises Refused where nothing can be done at all."""
    if do not in DO or do == "remind":  # reminding mails people, not requests: see `reminding.send`
        raise Refused("", Say("Kies wat er moet gebeuren."))
    if do == "withdraw" and not how.reason.strip():
        raise Refused("reason", Say("Schrijf op waarom: wie het zag, leest dit."))
    if do == "extend" and how.internal is None and how.legal is None:
        raise Refused("internal", Say("Vul ten minste één dag in."))
    done: list[int] = []
    refused: list[tuple[int, Say]] = []
    for request in await found.where(ApprovalRequest.id.is_in(list(ids[:MOST]) or [-1])).all(ApprovalRequest.id):
        try:
            async with all_or_nothing():
                await _change(request, do, how, by)
            done.append(request.id)
        except Refused as why:
            refused.append((request.id, why.why))
        except Forbidden:
            refused.append((request.id, Say("Dit mag u niet.")))
    return Done(done, refused)


async def _change(request: ApprovalRequest, do: str, how: How, by: Viewer) -> Any:
    match do:
        case "offer":
            await offer(request, by=by)
        case "sign_off":
            await sign_off(request, by=by)
        case "withdraw":
            await withdraw(request, how.reason, by=by)
        case "extend":
            internal = how.internal or request.internal_due
            await extend(request, internal, how.legal or request.legal_due, by=by)
        case _:
            await give_to(request, how.person, by=by)


@operation(Permission.EDIT_APPROVALS, trail=False)
async def give_to(request: ApprovalRequest, person: int | None, *, by: Viewer) -> None:
    """Another colleague is responsible; None for nobody."""
    from models.accounts import User

    name = ""
    if person is not None:
        user = await by.users.where((User.id == person) & (User.kind == "staff") & (User.state != "blocked")).find()
        if user is None:
            raise Refused("person", Say("Kies een collega."))
        name = user.full_name
    await save(request, responsible=person)
    await by.note("ApprovalRequest.give_to", request, {"who": name})
    await touch("approvals", f"approval-{request.id}")
