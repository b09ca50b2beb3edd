"""What somebody saw before he chose: that he opened a part, and which pages of it. Once each on the record; never of who only
looks through another's eyes, and not of the office."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models import engine
from models.accounts.blocking import listed
from models.approvals.deciding import NO_MARK, Mark
from models.approvals.events import happened
from models.approvals.record import note
from models.approvals.records import ApprovalDocument, ApprovalRequest, Approver
from models.approvals.standing import APPROVER, role_words, roles_held
from models.approvals.states import OPEN
from models.core import save
from models.live import touch
from models.settings import utcnow

if TYPE_CHECKING:
    from models.viewer import Viewer

_SEEN_SQL = (
    "INSERT INTO approval_seen (request, client, document, person, sha256, page, at) VALUES ($1, $2, $3, $4, $5, $6, $7) "
    "ON CONFLICT (document, person, sha256, page) DO NOTHING RETURNING id"
)
MOST_PAGES = 5_000


async def note_opened(document: int, sha256: str, *, by: Viewer, page: int = 0, mark: Mark = NO_MARK) -> bool:
    """That these bytes of a part were opened by this person (page 0), or a page of them was on his screen. In a writing unit of
    its own (`remember`). Whether it is new."""
    if by.view_as is not None or not by.is_client or not 0 <= page <= MOST_PAGES:
        return False
    part = (
        await by.scope(ApprovalDocument)
        .where((ApprovalDocument.id == document) & (ApprovalDocument.sha256 == sha256))
        .find()
    )
    if part is None or (page and (part.pages is None or page > part.pages)):
        return False
    request = await by.scope(ApprovalRequest).where(ApprovalRequest.id == part.request).find()
    if request is None or request.state not in OPEN:
        return False
    now = utcnow()
    if not await engine.raw(_SEEN_SQL, request.id, request.client, part.id, by.user.id, sha256, page, now):
        return False
    more: dict[str, Any] = {"page": page} if page else {}
    role = role_words((await roles_held(request.client, [by.user.id]))[by.user.id]) or await _as_approver(request, by)
    await note(
        request, "page_seen" if page else "opened", person=by.user.id, name=by.user.full_name, role=role, document=part.id, address=mark.address,
        agent=mark.agent, sha256=sha256, file=part.name, version=request.version, **more,
    )  # fmt: skip
    if not page:
        await _first_opened(request, by)
        if part.pages is None:  # opened by fetching it: his page does not know otherwise
            await touch(f"user-{by.user.id}")
    return True


async def _as_approver(request: ApprovalRequest, by: Viewer) -> str:
    mine = (Approver.request == request.id) & (Approver.person == by.user.id) & (Approver.step > 0)
    return APPROVER if await Approver.exists().where(mine) else ""


async def _first_opened(request: ApprovalRequest, by: Viewer) -> None:
    mine = (Approver.request == request.id) & (Approver.person == by.user.id) & (Approver.state == "asked")
    row = await Approver.objects().where(mine & Approver.opened_at.is_null()).first()
    if row is not None:
        await save(row, opened_at=utcnow())
        await happened(request, "opened")


async def opened_by(person: int, requests: str) -> set[tuple[int, str]]:
    """The parts of these requests (a JSON list of ids) that this person opened, with their hash."""
    rows = await engine.raw(
        f"SELECT DISTINCT document, sha256 FROM approval_seen WHERE request IN {listed(1)} AND person = $2",
        requests, person,
    )  # fmt: skip
    return {(row["document"], row["sha256"]) for row in rows}
