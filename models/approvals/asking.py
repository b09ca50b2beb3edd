"""Questions about a request, by the client's people and by the office, and their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models import engine
from models.approvals.events import changed, remarked
from models.approvals.holding import worded
from models.approvals.record import note
from models.approvals.records import ApprovalRemark, ApprovalRequest
from models.core import Forbidden, Refused, Say, operation
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

MOST = 500  # remarks of one request
CLOSED = ("withdrawn", "replaced")


@operation(Permission.OWN_ACCOUNT, trail=False)
async def ask(request: ApprovalRequest, text: str, *, by: Viewer) -> int:
    """A question, or a word: of the client's people to the office, or of the office to them; the id of the remark."""
    if by.is_staff:
        by.require(Permission.EDIT_APPROVALS, request)
    await by.scope(ApprovalRequest).get(request.id)
    if request.state in CLOSED:
        raise Refused("text", Say("Deze accordering is gesloten; er kan niets meer bij."))
    return await _remark(request, text, "question", by)


@operation(Permission.EDIT_APPROVALS, trail=False)
async def answer(request: ApprovalRequest, text: str, *, by: Viewer) -> int:
    """To what the client's people asked: with it their questions are settled."""
    await _settle(request, "client")
    return await _remark(request, text, "answer", by)


@operation(Permission.EDIT_APPROVALS, trail=False)
async def put_aside(request: ApprovalRequest, *, by: Viewer) -> None:
    """Their questions need no answer here: it was given by telephone, say."""
    await _settle(request, "client")
    await by.note("ApprovalRequest.put_aside", request)
    await changed(request)


async def remarks_of(request: ApprovalRequest, viewer: Viewer) -> list[dict[str, Any]]:
    """The oldest first: id, text, at, side, settled_at and who."""
    if not await viewer.scope(ApprovalRequest).where(ApprovalRequest.id == request.id).exists():
        return []
    return await remarks_on(request)


async def remarks_on(request: ApprovalRequest) -> list[dict[str, Any]]:
    """As `remarks_of`, of a request that was found through the viewer."""
    return await engine.raw(
        "SELECT m.id, m.text, m.at, m.side, m.settled_at, coalesce(u.full_name, '') AS who FROM approval_remark m "
        "LEFT JOIN users u ON u.id = m.person WHERE m.request = $1 ORDER BY m.id",
        request.id,
    )


async def _remark(request: ApprovalRequest, text: str, act: str, by: Viewer) -> int:
    text = text.replace("\x00", "").strip()
    if not text:
        raise Refused("text", Say("Schrijf eerst uw vraag of antwoord."))
    text = worded(text, "text", 4000)
    if await ApprovalRemark.count().where(ApprovalRemark.request == request.id) >= MOST:
        raise Refused("text", Say("Hier is al zoveel over geschreven; bel liever even."))
    side = "office" if by.is_staff else "client"
    if by.is_client and act != "question":
        raise Forbidden("answers are the office's")
    remark = ApprovalRemark(
        request=request.id, client=request.client, person=by.user.id, side=side, text=text, at=utcnow()
    )
    await remark.save()
    await note(
        request,
        act,
        person=by.user.id,
        name=by.user.full_name,
        role="kantoor" if by.is_staff else "",
        remark=remark.id,
        text=text,
    )
    await by.note(f"ApprovalRequest.{act}", request)
    await remarked(request, int(remark.id), side)
    return int(remark.id)


async def _settle(request: ApprovalRequest, side: str) -> None:
    await engine.raw(
        "UPDATE approval_remark SET settled_at = $3 WHERE request = $1 AND side = $2 AND settled_at IS NULL",
        request.id, side, utcnow(),
    )  # fmt: skip
