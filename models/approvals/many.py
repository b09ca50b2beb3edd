"""What is done to many requests at once: each for itself, so that one that cannot holds up no other, and each is told of by name."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from models import engine
from models.accounts import User
from models.accounts.blocking import listed
from models.approvals.ending import extend, withdraw
from models.approvals.holding import WHY_NOT
from models.approvals.offering import OWN_WORK, is_alone, offer, sign_off, worked_on
from models.approvals.plan_views import PlanView
from models.approvals.planning import who_would_sign, who_would_sign_each
from models.approvals.records import ApprovalRequest
from models.approvals.states import MOVES
from models.core import Forbidden, Refused, Say, Scope, operation, save
from models.engine import all_or_nothing
from models.live import touch
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

MOST = 25  # within one request of the browser; more than that is work for the background: see `runs`
_NAMED = 200
_JUDGED = 50  # drafts with a plan of their own that are looked into beforehand; the others tell when it is their turn
DO: dict[str, Say] = {
    "remind": Say("Herinneren"),
    "offer": Say("Aanbieden"),
    "sign_off": Say("Autoriseren"),
    "extend": Say("Andere uiterste dag"),
    "withdraw": Say("Intrekken"),
    "responsible": Say("Verantwoordelijke kiezen"),
}

# as `offering` says them
NOT_WAITING = Say("Deze accordering wacht niet op autorisatie.")
NO_PART = Say("Kies ten minste één PDF om akkoord op te vragen.")


class How(NamedTuple):
    """What is needed beside the verb: a reason, days, or a colleague."""

    reason: str = ""
    internal: dt.date | None = None
    legal: dt.date | None = None
    person: int | None = None

    @classmethod
    def read(cls, kept: dict[str, Any]) -> How:
        """As it was kept as JSON."""
        internal, legal = (
            dt.date.fromisoformat(kept[name]) if kept.get(name) else None for name in ("internal", "legal")
        )
        return cls(kept.get("reason", ""), internal, legal, kept.get("person"))


class Ahead(NamedTuple):
    """What is known before anything is done: why it cannot be done for some (by id); how many people get a mail of the others, the
    first of them as (name, of how many), how many of them at once and not in the mail of the day, and how many are asked who get none."""

    whys: dict[int, Say]
    mailed: int = 0
    names: tuple[tuple[str, int], ...] = ()
    silent: int = 0
    at_once: int = 0

    def told(self) -> dict[str, Any]:
        return {
            "mailed": self.mailed,
            "names": [list(one) for one in self.names],
            "silent": self.silent,
            "at_once": self.at_once,
        }


class Done(NamedTuple):
    """The ids for which it was done, and why not for the others."""

    done: list[int]
    refused: list[tuple[int, Say]]


@operation(Permission.VIEW_REQUESTED, trail=False)
async def change_many(found: Scope[ApprovalRequest], ids: Sequence[int], do: str, how: How, *, by: Viewer) -> Done:
    """In one unit, at most MOST; each operation asks for its own right and writes its own line. Raises Refused where nothing can be
    done at all."""
    if len(ids) > MOST:
        raise Refused("", Say("Dit zijn er te veel voor één keer."))
    await check(do, how, by)
    return await change_each(found, ids, do, how, by)


async def check(do: str, how: How, by: Viewer) -> None:
    """What holds for all of them. Raises Refused beside what is to be said anew."""
    if do not in DO or do == "remind":  # reminding mails people, not requests: see `reminding.send`
        raise Refused("", Say("Kies wat er moet gebeuren."))
    if do == "withdraw" and not how.reason.strip():
        raise Refused("reason", Say("Schrijf op waarom: wie het zag, leest dit."))
    if do == "extend" and how.internal is None and how.legal is None:
        raise Refused("internal", Say("Vul ten minste één dag in."))
    if do == "responsible" and how.person is not None:
        await _colleague(how.person, by)


async def change_each(found: Scope[ApprovalRequest], ids: Sequence[int], do: str, how: How, by: Viewer) -> Done:
    """Each for itself, in the present unit; one that does not exist for this viewer is in neither list."""
    done: list[int] = []
    refused: list[tuple[int, Say]] = []
    for request in await found.where(ApprovalRequest.id.is_in(list(ids) or [-1])).all(ApprovalRequest.id):
        try:
            async with all_or_nothing():
                await _change(request, do, how, by)
            done.append(request.id)
        except Refused as why:
            refused.append((request.id, why.why))
        except Forbidden:
            refused.append((request.id, Say("Dit mag u niet.")))
    return Done(done, refused)


async def foreseen(ids: Sequence[int], do: str, by: Viewer) -> Ahead:
    """Of which of these it is known beforehand that it cannot be done, and who hears of the others; `ids` are requests that `by` sees."""
    rows = await engine.raw(
        "SELECT r.id, r.client, r.kind, r.state, r.steps, r.least_level, k.needs_sign_off, "
        "CASE WHEN EXISTS (SELECT 1 FROM approval_document d WHERE d.request = r.id AND d.part = 'main') THEN 1 ELSE 0 END AS has_part "
        f"FROM approval_request r JOIN approval_kind k ON k.id = r.kind WHERE r.id IN {listed(1)}",
        json.dumps([int(id) for id in ids]),
    )
    said = {row["id"]: why for row in rows if (why := _why_not(row["state"], do))}
    if do not in ("offer", "sign_off"):
        return Ahead(said)
    rows = [row for row in rows if row["id"] not in said]
    if do == "sign_off" and not await is_alone(by):
        said |= dict.fromkeys(await worked_on([row["id"] for row in rows], int(by.user.id)), OWN_WORK)
    said = {row["id"]: NO_PART for row in rows if not row["has_part"]} | said
    views = await _views([row for row in rows if row["id"] not in said])
    said |= {id: view.refusals[0] for id, view in views.items() if view.refusals}
    goes = {row["id"] for row in rows if do == "sign_off" or not row["needs_sign_off"]}
    return _heard(said, [view for id, view in views.items() if id in goes and id not in said])


def _heard(whys: dict[int, Say], views: Sequence[PlanView]) -> Ahead:
    """Those in the first step: they are asked at once."""
    mailed: dict[int, tuple[str, int]] = {}
    silent: set[int] = set()
    at_once: set[int] = set()
    for view in views:
        named, unheard = view.told
        for person, name in named.items():
            mailed[person] = (name, mailed.get(person, ("", 0))[1] + 1)
        silent |= set(unheard)
        at_once |= view.at_once
    names = sorted(mailed.values(), key=lambda one: (-one[1], one[0]))
    return Ahead(whys, len(mailed), tuple(names[:_NAMED]), len(silent - set(mailed)), len(at_once))


def _why_not(state: str, do: str) -> Say | None:
    match do:
        case "offer":
            return None if state == "draft" else WHY_NOT[state]
        case "sign_off":
            return None if state == "sign_off" else NOT_WAITING
        case "extend":
            return None if state in ("draft", "sign_off", "offered", "partly", "expired") else WHY_NOT[state]
        case "withdraw":
            return None if "withdrawn" in MOVES[state] else WHY_NOT[state]
        case _:
            return None


async def _views(rows: Sequence[dict[str, Any]]) -> dict[int, PlanView]:
    """Who would sign each; in as many statements for a thousand of a kind as for one."""
    found: dict[int, PlanView] = {}
    own = [row for row in rows if json.loads(row["steps"])]
    alone = {row["id"] for row in own}
    for kind in sorted({row["kind"] for row in rows}):
        these = [row for row in rows if row["kind"] == kind and row["id"] not in alone]
        views = await who_would_sign_each([row["client"] for row in these], kind) if these else {}
        found |= {row["id"]: views[row["client"]] for row in these}
    for row in own[:_JUDGED]:
        steps = json.loads(row["steps"])
        found[row["id"]] = await who_would_sign(row["client"], row["kind"], steps=steps, least=row["least_level"])
    return found


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
    name = "" if person is None else (await _colleague(person, by)).full_name
    await save(request, responsible=person)
    await by.note("ApprovalRequest.give_to", request, {"who": name})
    await touch("approvals", f"approval-{request.id}")


async def _colleague(person: int, by: Viewer) -> User:
    user = await by.users.where((User.id == person) & (User.kind == "staff") & (User.state != "blocked")).find()
    if user is None:
        raise Refused("person", Say("Kies een collega."))
    return user
