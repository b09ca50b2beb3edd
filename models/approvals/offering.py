"""Offering: authorised by the office where the kind asks that, and put before who are first in the plan."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.approvals.ending import replace_former
from models.approvals.events import happened
from models.approvals.holding import WHY_NOT, ask_step, by_staff, hold, in_proof, move, worded
from models.approvals.infected import refuse_infected
from models.approvals.making import freeze_words
from models.approvals.plan_views import PlanView
from models.approvals.planning import as_frozen, who_would_sign
from models.approvals.record import asked_of
from models.approvals.records import ApprovalDocument, ApprovalKind, ApprovalRequest, Approver
from models.core import Refused, Say, operation, save
from models.live import touch
from models.settings import utcnow
from models.viewer import Permission, permissions_of

if TYPE_CHECKING:
    from models.viewer import Viewer


OWN_WORK = Say("Wie een accordering klaarzet, wijzigt of voorlegt, autoriseert hem niet zelf. Vraag een collega.")
ALONE = "door de maker zelf; er is geen ander met dit recht"  # on the record, which is Dutch


async def plan_of(request: ApprovalRequest, day: dt.date | None = None) -> PlanView:
    """Who would sign this draft, were it offered on that day."""
    steps = json.loads(request.steps) or None
    return await who_would_sign(request.client, request.kind, steps=steps, day=day, least=request.least_level)


@operation(Permission.EDIT_APPROVALS, trail=False)
async def offer(request: ApprovalRequest, *, by: Viewer) -> str:
    """Before the first step, or to who signs off; the state it has then. Refused where the plan has nobody."""
    await hold(request)
    if request.state != "draft":
        raise Refused("", WHY_NOT[request.state])
    await _refuse_unready(request)
    kind = await ApprovalKind.objects().where(ApprovalKind.id == request.kind).first()
    assert kind is not None
    if kind.needs_sign_off:
        await move(request, "sign_off", reason="")
        await by_staff(request, "sign_off_asked", by)
        await touch("approvals", f"approval-{request.id}", f"client-{request.client}")
        return "sign_off"
    await _put_before(request, by)
    return "offered"


@operation(Permission.SIGN_OFF, trail=False)
async def sign_off(request: ApprovalRequest, *, by: Viewer) -> None:
    """Another than who worked on it says that it may go out: it is offered. Who does it himself because nobody else may, does so
    on the record."""
    await hold(request)
    _require_sign_off(request)
    how = await own_work(request, by)
    if how == "own":
        raise Refused("", OWN_WORK)
    await _refuse_unready(request)
    await save(request, signed_off_by=by.user.id, signed_off_at=utcnow())
    alone = {"remark": ALONE} if how == "alone" else {}
    await by_staff(request, "signed_off", by, sha256=await _hashes(request), **alone)
    await _put_before(request, by)


@operation(Permission.SIGN_OFF, trail=False)
async def send_back(request: ApprovalRequest, reason: str, *, by: Viewer) -> None:
    """It may not go out so: a draft again, with the reason."""
    await hold(request)
    _require_sign_off(request)
    await move(request, "draft", reason=worded(reason))
    await by_staff(request, "sent_back", by, reason=request.reason)
    await touch("approvals", f"approval-{request.id}", f"client-{request.client}")


async def own_work(request: ApprovalRequest, viewer: Viewer) -> str:
    """Whether this waits for another's eyes: '' for who did not work on it, `own` for who did, `alone` for who did and is the only one
    who may sign off."""
    if not await worked_on([request.id], int(viewer.user.id)):
        return ""
    return "alone" if await is_alone(viewer) else "own"


async def worked_on(requests: Sequence[int], person: int) -> set[int]:
    """Those of these requests that this person made, changed, whose parts he replaced, or that he laid before a
    colleague. One query."""
    rows = await engine.raw(
        f"SELECT r.id FROM approval_request r WHERE r.id IN {listed(1)} AND (r.made_by = $2 OR r.changed_by = $2 OR EXISTS (SELECT 1 FROM approval_record o "
        "WHERE o.request = r.id AND o.person = $2 AND (o.act IN ('changed', 'part_replaced') OR (o.act = 'sign_off_asked' "
        "AND o.number = (SELECT max(l.number) FROM approval_record l WHERE l.request = o.request AND l.act = 'sign_off_asked')))))",
        json.dumps(list(requests)), person,
    )  # fmt: skip
    return {row["id"] for row in rows}


async def is_alone(viewer: Viewer) -> bool:
    """Whether an administrator is the only one of the office who can sign off: then he may do it for his own."""
    if viewer.user.role != "administrator":
        return False
    rows = await engine.raw(
        "SELECT role, permissions FROM users WHERE kind = 'staff' AND state = 'active' AND id <> $1", viewer.user.id
    )
    return not any(Permission.SIGN_OFF in permissions_of(row["role"], row["permissions"]) for row in rows)


def _require_sign_off(request: ApprovalRequest) -> None:
    if request.state != "sign_off":
        raise Refused("", Say("Deze accordering wacht niet op autorisatie."))


async def _refuse_unready(request: ApprovalRequest) -> None:
    rows = await engine.raw(
        "SELECT c.name, c.state, EXISTS (SELECT 1 FROM approval_document d WHERE d.request = $1 AND d.part = 'main') AS has_main "
        "FROM client c WHERE c.id = $2",
        request.id, request.client,
    )  # fmt: skip
    if rows[0]["state"] != "active":
        raise Refused("", Say("{client} is gearchiveerd: daar kan niemand akkoord geven. Haal de cliënt eerst terug.", client=rows[0]["name"]))  # fmt: skip
    if not rows[0]["has_main"]:
        raise Refused("files", Say("Kies ten minste één PDF om akkoord op te vragen."))
    await refuse_infected(request.id)
    if refusals := (await plan_of(request)).refusals:
        raise Refused("plan", refusals[0])


async def _put_before(request: ApprovalRequest, by: Viewer) -> None:
    plan = await plan_of(request)
    now = utcnow()
    await replace_former(request, by)
    await freeze_words(request)
    await move(request, "offered", offered_at=now, steps=as_frozen(plan.steps), reason="")
    for number, step in enumerate(plan.steps, 1):
        for place in step.places:
            await Approver(
                request=request.id,
                client=request.client,
                person=place.person,
                step=number,
                state="waiting",
                role=place.role,
            ).save()
    more: dict[str, Any] = {"replaces": request.replaces} if request.replaces else {}
    await in_proof(
        request, "offered", by, statement=request.statement, language="nl",
        statement_en=request.statement_en, version=request.version, sha256=await _hashes(request), steps=json.loads(request.steps),
        files=await _files(request), of=asked_of(request), **more,
    )  # fmt: skip
    await by.note("ApprovalRequest.offer", request, {"version": request.version})
    await ask_step(request, 1)
    await happened(request, "offered")


async def _files(request: ApprovalRequest) -> dict[str, list[str]]:
    rows = await ApprovalDocument.select(ApprovalDocument.id, ApprovalDocument.name, ApprovalDocument.part).where(
        ApprovalDocument.request == request.id
    )
    return {str(row["id"]): [row["name"], row["part"]] for row in rows}


async def _hashes(request: ApprovalRequest) -> dict[str, str]:
    rows = await ApprovalDocument.select(ApprovalDocument.id, ApprovalDocument.sha256).where(
        ApprovalDocument.request == request.id
    )
    return {str(row["id"]): row["sha256"] for row in rows}
