"""Requests that end otherwise than by approval: withdrawn, replaced, expired, on paper; and more time for who needs it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from models import engine
from models.approvals.events import changed, happened
from models.approvals.holding import (
    approvers_of,
    ask_again,
    by_staff,
    close_places,
    hold,
    move,
    require_move,
    void_approvals,
    worded,
)
from models.approvals.infected import refuse_infected
from models.approvals.letting_go import refuse_let_go
from models.approvals.making import NewPart
from models.approvals.record import note
from models.approvals.records import ApprovalDocument, ApprovalRequest
from models.core import Refused, Say, operation, save
from models.scanning.enlisting import enlist
from models.settings import HERE, this_day, utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

EXPIRES_AFTER = (
    60  # days after the legal deadline, and after it was last offered or extended: then it waits for nobody any more
)
# Nothing was done about it by the office since `$2`.
_LEFT_ALONE = "NOT EXISTS (SELECT 1 FROM approval_record o WHERE o.request = r.id AND o.act IN ('offered', 'extended', 'part_replaced') AND o.at >= $2)"
AT_ONCE = 200
OPEN_ROWS = ("asked", "waiting")


@operation(Permission.EDIT_APPROVALS, trail=False)
async def withdraw(request: ApprovalRequest, reason: str = "", *, by: Viewer) -> None:
    """Nothing is asked any more; what was approved stands in the proof. Of what a client saw, he reads the reason."""
    await hold(request)
    require_move(request, "withdrawn")
    reason = worded(reason, needed=request.state not in ("draft", "sign_off"))
    was = request.state
    await close_places(request, "void", *OPEN_ROWS)
    await by_staff(request, "withdrawn", by, reason=reason, was=was)
    await move(request, "withdrawn", "withdrawn", reason=reason, ended_at=utcnow())


async def replace_former(request: ApprovalRequest, by: Viewer) -> None:
    """What this request takes the place of is replaced, at the moment this one is offered: approvals of it are void."""
    if not request.replaces:
        return
    former = await ApprovalRequest.objects().where(ApprovalRequest.id == request.replaces).first()
    if former is None or former.client != request.client:
        raise Refused("replaces", Say("Wat u wilt vervangen, is er niet (meer)."))
    await hold(former)
    if former.state in ("draft", "sign_off"):
        await by_staff(former, "withdrawn", by, was=former.state, replaced_by=request.id)
        await move(former, "withdrawn", "withdrawn", ended_at=utcnow())
        return
    if former.state in ("withdrawn", "replaced"):
        raise Refused("replaces", Say("Wat u wilt vervangen, is intussen al vervangen of ingetrokken."))
    await void_approvals(former, "replaced")
    await close_places(former, "void", "approved", "rejected", *OPEN_ROWS)
    await by_staff(former, "replaced", by, replaced_by=request.id, was=former.state)
    await move(former, "replaced", "replaced", ended_at=utcnow())


@operation(Permission.EDIT_APPROVALS, trail=False)
async def replace_by(former: ApprovalRequest, request: ApprovalRequest, *, by: Viewer) -> str:
    """`request`, a draft of the same client, takes the place of `former` and is offered; the state it has then."""
    from models.approvals.offering import offer
    from models.core import save

    if request.client != former.client or request.id == former.id or request.state != "draft":
        raise Refused("replaces", Say("Kies een concept van dezelfde cliënt."))
    require_replaceable(former)
    await save(request, replaces=former.id)
    return await offer(request, by=by)


def require_replaceable(former: ApprovalRequest) -> None:
    if former.state not in ("draft", "sign_off"):
        require_move(former, "replaced")


@operation(Permission.EDIT_APPROVALS, trail=False)
async def extend(request: ApprovalRequest, internal: dt.date | None, legal: dt.date | None, *, by: Viewer) -> None:
    """Other deadlines. What had expired is open again, as far as it had come, and for as long as after an offering."""
    await hold(request)
    if request.state not in ("draft", "sign_off", "offered", "partly", "expired"):
        require_move(request, "expired")  # says why not
    if legal and internal and internal > legal:
        raise Refused("internal_due", Say("De interne deadline ligt na de wettelijke."))
    if request.state != "expired" and (internal, legal) == (request.internal_due, request.legal_due):
        return  # they stand there already: nothing goes on the record
    if request.state == "expired":
        await refuse_let_go(request.id)
    before = {"internal": str(request.internal_due or ""), "legal": str(request.legal_due or "")}
    state = request.state
    if state == "expired":
        given = any(row.state == "approved" for row in await approvers_of(request.id))
        state = "partly" if given else "offered"
    after = {"internal_until": str(internal or ""), "legal_until": str(legal or "")}
    await by_staff(request, "extended", by, **before, **after)
    again = request.state == "expired"
    if request.state in ("draft", "sign_off"):
        await save(request, changed_by=by.user.id)
    await move(request, state, internal_due=internal, legal_due=legal, ended_at=None if again else request.ended_at)
    if again:
        await ask_again(request)
    await (happened(request, "offered") if again else changed(request))


@operation(Permission.EDIT_APPROVALS, trail=False)
async def record_on_paper(
    request: ApprovalRequest,
    scans: Sequence[NewPart],
    signed_by: str,
    signed_on: dt.date,
    remark: str = "",
    *,
    by: Viewer,
) -> None:
    """It was signed on paper: who signed, when, and the scan, which is kept apart from what was put before them."""
    await hold(request)
    require_move(request, "on_paper")
    await refuse_infected(request.id)
    await refuse_let_go(request.id)
    signed_by = " ".join(worded(signed_by, "signed_by", 400, needed=False).split())
    if not signed_by:
        raise Refused("signed_by", Say("Vul in wie er getekend heeft."))
    if signed_on > this_day():
        raise Refused("signed_on", Say("Deze dag is nog niet geweest."))
    if not scans:
        raise Refused("files", Say("Voeg de scan toe van wat er getekend is."))
    hashes: list[str] = []
    await enlist([scan.sha256 for scan in scans])
    for place, scan in enumerate(scans, 900):
        part = ApprovalDocument(
            **{**scan._asdict(), "part": "attachment", "blob": scan.sha256},
            request=request.id,
            client=request.client,
            position=place,
            is_scan=True,
        )
        await part.save()
        hashes.append(scan.sha256)
    await close_places(request, "skipped", *OPEN_ROWS)
    await by_staff(
        request, "on_paper", by, signed_by=signed_by, signed_on=signed_on.isoformat(), remark=worded(remark, "remark", needed=False),
        scans=hashes,
    )  # fmt: skip
    await move(request, "on_paper", "on_paper", completed_at=utcnow(), ended_at=None)


async def expire_due(day: dt.date | None = None) -> int:
    """A chore: what lies open 60 days after its legal deadline, and after the office last offered or extended it, has expired; how
    many. The office can extend it again."""
    last = (day or this_day()) - dt.timedelta(days=EXPIRES_AFTER)
    rows = await engine.raw(
        f"SELECT r.id FROM approval_request r WHERE r.state IN ('offered', 'partly') AND r.legal_due < $1 AND {_LEFT_ALONE} ORDER BY r.id LIMIT $3",
        last, _begin(last), AT_ONCE,
    )  # fmt: skip
    done = 0
    for row in rows:
        done += await engine.run_writing(lambda id=row["id"]: _expire(id, last))  # type: ignore[misc]
    return done


def _begin(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), HERE).astimezone(dt.UTC)


async def _expire(id: int, last: dt.date) -> int:
    request = await ApprovalRequest.objects().where(ApprovalRequest.id == id).first()
    if request is None:
        return 0
    await hold(request)
    if request.state not in ("offered", "partly") or request.legal_due is None or request.legal_due >= last:
        return 0
    if not await engine.raw(
        f"SELECT 1 AS one FROM approval_request r WHERE r.id = $1 AND {_LEFT_ALONE}", id, _begin(last)
    ):
        return 0
    await note(request, "expired", role="Poort", legal_due=request.legal_due.isoformat(), days=EXPIRES_AFTER)
    await move(request, "expired", "expired", ended_at=utcnow())
    return 1
