"""Another file in the place of one that is being looked at: a new version, of which nobody has approved anything yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.approvals.events import happened
from models.approvals.holding import WHY_NOT, approvers_of, ask_step, by_staff, hold, move, void_approvals
from models.approvals.infected import infected_in
from models.approvals.making import NewPart, numbered, refuse_twins
from models.approvals.records import ApprovalDocument, ApprovalRequest, Approver, ApproverChoice, FormerPart
from models.approvals.states import OPEN
from models.core import Refused, Say, operation, save
from models.live import touch
from models.scanning.enlisting import enlist
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

_SWAPS = ("draft", "sign_off", *OPEN)


@operation(Permission.EDIT_APPROVALS, trail=False)
async def swap_part(request: ApprovalRequest, document: int, new: NewPart, *, by: Viewer) -> list[int]:
    """These bytes in the place of those. Approvals that were given are void and asked anew; who gave them.

    What waited for authorisation is a draft again: it was about other bytes.
    """
    await hold(request)
    if request.state not in _SWAPS:
        raise Refused("", WHY_NOT[request.state])
    part = await by.scope(ApprovalDocument).where(ApprovalDocument.request == request.id).get(document)
    if part.is_scan:
        raise Refused("files", Say("Een scan van wat getekend is, wordt niet vervangen."))
    if part.part == "main" and new.mime != "application/pdf":
        raise Refused("files", Say("“{name}” is geen PDF. Voeg het toe als bijlage.", name=new.name))
    if part.sha256 == new.sha256:
        from models.keeping.rehashing import came_back  # which tells of approvals

        if await came_back(part.sha256):  # it was damaged in the storage, and this put it right: nothing was replaced
            return []
        raise Refused("files", Say("Dit is hetzelfde bestand als er al staat."))
    held = await ApprovalDocument.select(ApprovalDocument.name, ApprovalDocument.sha256).where((ApprovalDocument.request == request.id) & (ApprovalDocument.id != part.id))  # fmt: skip
    refuse_twins([new], {row["sha256"]: row["name"] for row in held})
    [new] = numbered([new], [row["name"] for row in held])
    await enlist([new.sha256])
    was, name = part.sha256, part.name
    found = (await _sick(request)).get(part.id)
    why = {"reason": f"virus gevonden: {found}"} if found else {}
    if request.state != "draft":
        await _keep_former(request, part)
    await save(
        part, name=new.name, sha256=new.sha256, blob=new.sha256, size=new.size, mime=new.mime, pages=new.pages,
        is_locked=new.is_locked,
    )  # fmt: skip
    await save(request, version=request.version + 1, changed_by=by.user.id)
    await by_staff(
        request, "part_replaced", by, document=part.id, was=was, sha256=new.sha256, was_name=name, file=new.name,
        version=request.version, **why,
    )  # fmt: skip
    if request.state in OPEN:
        return await _ask_anew(request)
    if request.state == "sign_off":
        await move(request, "draft")
    await touch("approvals", f"approval-{request.id}", f"client-{request.client}")
    return []


async def _sick(request: ApprovalRequest) -> dict[int, str]:
    """What was found in which part."""
    return {row["id"]: str(row["signature"]) for row in await infected_in(request.id)}


async def _keep_former(request: ApprovalRequest, part: ApprovalDocument) -> None:
    """Somebody may have read it, or approved it: what the proof says of it can be shown for as long as the request is kept."""
    await FormerPart(
        request=request.id, client=request.client, document=part.id, version=request.version, name=part.name, sha256=part.sha256,
        blob=part.blob, size=part.size, mime=part.mime, replaced_at=utcnow(),
    ).save()  # fmt: skip


async def _ask_anew(request: ApprovalRequest) -> list[int]:
    voided = await void_approvals(request, "part_replaced")
    rows = await approvers_of(request.id)
    for row in rows:
        if row.step > 1 and row.state in ("approved", "skipped"):
            await save(row, state="asked")  # on its way to waiting: a step that came later begins again
        if row.step > 1 and row.state == "asked":
            await save(
                row, state="waiting", asked_at=None, decided_at=None, decided_by=None, mandate=None, level="", method=""
            )
        if row.step == 1 and row.state == "asked":
            await save(row, opened_at=None)
    mine = Approver.select(Approver.id).where(Approver.request == request.id)
    await ApproverChoice.delete().where(ApproverChoice.approver.is_in(mine))
    await move(request, "offered")
    await ask_step(request, 1)
    await happened(request, "offered")
    return voided
