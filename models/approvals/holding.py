"""What every act on a request begins and ends with: the row held, the move made if it is legal, the people told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts import User
from models.approvals.events import happened
from models.approvals.record import note
from models.approvals.records import ApprovalRequest, Approver
from models.approvals.standing import roles_then
from models.approvals.states import MOVES
from models.core import Missing, Refused, Say, save
from models.settings import utcnow

if TYPE_CHECKING:
    from models.viewer import Viewer

WHY_NOT: dict[str, Say] = {
    "draft": Say("Deze accordering is nog een concept."),
    "sign_off": Say("Deze accordering wacht nog op autorisatie door het kantoor."),
    "offered": Say("Deze accordering is al aangeboden."),
    "partly": Say("Deze accordering is al aangeboden."),
    "approved": Say("Deze accordering is al volledig akkoord."),
    "filed": Say("Deze accordering is al volledig akkoord."),
    "on_paper": Say("Deze accordering is al op papier akkoord."),
    "rejected": Say("Deze accordering is al geweigerd."),
    "withdrawn": Say("Deze accordering is ingetrokken door het kantoor."),
    "replaced": Say("Deze accordering is vervangen door een nieuwe."),
    "expired": Say("Deze accordering is verlopen. Bewaar eerst de deadlines opnieuw: dan staat hij weer open."),
}
# As a client's people read it.
WHY_NOT_YOURS = WHY_NOT | {
    "expired": Say("Deze accordering is verlopen. Vraag uw kantoor om hem opnieuw aan te bieden."),
}


# What the office says to itself stands with the request and on the trail: the proof goes to the client.
OURS = {"sent_back": ("reason",)}


async def hold(request: ApprovalRequest) -> None:
    """The row as it is now, and nobody else's until this unit ends: two at once do not both go on from the same state."""
    await engine.raw("UPDATE approval_request SET version = version WHERE id = $1", request.id)
    fresh = await ApprovalRequest.objects().where(ApprovalRequest.id == request.id).first()
    if fresh is None:
        raise Missing("ApprovalRequest", request.id)
    request.__dict__.update(fresh.__dict__)


def require_move(request: ApprovalRequest, *new: str) -> None:
    """Refused, in words, where the request can become none of these."""
    if not set(new) & set(MOVES[request.state]):
        raise Refused("", WHY_NOT[request.state])


async def move(request: ApprovalRequest, new: str, event: str = "", **columns: Any) -> None:
    """To a state it may have, with what is kept beside it; `event` is told of."""
    if new != request.state:
        require_move(request, new)
    await save(request, state=new, **columns)
    if event:
        await happened(request, event)


async def by_staff(request: ApprovalRequest, act: str, by: Viewer, **detail: Any) -> None:
    """A line in the proof of what somebody of the office did, and one on the trail."""
    document = detail.pop("document", None)
    told = {name: value for name, value in detail.items() if name not in OURS.get(act, ())}
    await in_proof(request, act, by, document=document, **told)
    kept = {"state": request.state, **{name: value for name, value in detail.items() if isinstance(value, str | int)}}
    await by.note(f"ApprovalRequest.{act}", request, {name: str(value)[:200] for name, value in kept.items()})


async def in_proof(request: ApprovalRequest, act: str, by: Viewer, **told: Any) -> None:
    """Only the line in the proof. Of what other software did in his name it says which."""
    address, agent = await _from_where(by)
    program: dict[str, Any] = {"program": by.program} if by.program else {}
    await note(
        request, act, person=by.user.id, name=by.user.full_name, role="kantoor", address=address, agent=agent, **program, **told
    )  # fmt: skip


async def _from_where(by: Viewer) -> tuple[str, str]:
    """The address and agent of the call of other software, or else of his session; of a command there is none."""
    if by.came_from:
        return by.came_from
    rows = await engine.raw("SELECT address, agent FROM session WHERE id = $1", by.session_id) if by.session_id else []
    return (rows[0]["address"], rows[0]["agent"]) if rows else ("", "")


async def approvers_of(request: int) -> list[Approver]:
    return await Approver.objects().where(Approver.request == request).order_by(Approver.step, Approver.id)


async def names_of(people: set[int]) -> dict[int, str]:
    if not people:
        return {}
    rows = await User.select(User.id, User.full_name).where(User.id.is_in(list(people)))
    return {row["id"]: row["full_name"] for row in rows}


async def _as_now(request: ApprovalRequest, rows: list[Approver]) -> tuple[dict[int, str], dict[tuple[int, str], str]]:
    """How these are called, and what they are at the client."""
    names = await names_of({row.person for row in rows})
    return names, await roles_then(request.client, [(row.person, row.role) for row in rows])


async def ask_step(request: ApprovalRequest, step: int) -> list[int]:
    """Whose turn it is now: of that step, those who wait, skipped or approved before (a part was replaced); asked and noted."""
    rows = [row for row in await approvers_of(request.id) if row.step == step and row.state not in ("asked", "void")]
    names, roles = await _as_now(request, rows)
    now = utcnow()
    for row in rows:
        await save(
            row,
            state="asked",
            asked_at=now,
            opened_at=None,
            decided_at=None,
            decided_by=None,
            mandate=None,
            level="",
            method="",
            reason="",
        )
        await note(
            request, "asked", person=row.person, name=names[row.person], role=roles[(row.person, row.role)], step=step
        )
    await save(request, step=step)
    return [row.person for row in rows]


async def ask_again(request: ApprovalRequest) -> None:
    """Who was asked when it expired is asked anew, from now on: he hears of it again."""
    rows = [row for row in await approvers_of(request.id) if row.state == "asked"]
    names, roles = await _as_now(request, rows)
    for row in rows:
        await save(row, asked_at=utcnow())
        await note(
            request,
            "asked",
            person=row.person,
            name=names[row.person],
            role=roles[(row.person, row.role)],
            step=row.step,
        )


async def void_approvals(request: ApprovalRequest, why: str) -> list[int]:
    """Of who approved before: it no longer counts, and the proof says so. Who they are, once each."""
    rows = [row for row in await approvers_of(request.id) if row.state == "approved"]
    names, roles = await _as_now(request, rows)
    for row in rows:
        await note(
            request, "voided", person=row.person, name=names[row.person], role=roles[(row.person, row.role)], why=why
        )
    return list(dict.fromkeys(row.person for row in rows))


async def close_places(request: ApprovalRequest, state: str, *of: str) -> None:
    """The approvers in these states get that one: nothing is asked of them any more."""
    for row in await approvers_of(request.id):
        if row.state in of:
            await save(row, state=state)


def worded(text: str, field: str = "reason", most: int = 2000, *, needed: bool = True) -> str:
    text = text.replace("\x00", "").strip()
    if needed and not text:
        raise Refused(field, Say("Vul een reden in."))
    if len(text) > most:
        raise Refused(field, Say("Dit is {n} tekens; er passen er {most}.", n=len(text), most=most))
    return text
