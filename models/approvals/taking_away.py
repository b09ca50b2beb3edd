"""An attachment with a virus in it goes from what is offered already. The proof names every file that was offered by its SHA-256,
and so nothing disappears from it: a note that says why takes its place, as another file would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.approvals.infected import infected_in
from models.approvals.making import NewPart
from models.approvals.records import ApprovalDocument, ApprovalRequest
from models.approvals.swapping import swap_part
from models.core import Refused, Say, operation
from models.storage import storage
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

MIME = "text/plain"
_TEXT = """Deze bijlage is door het kantoor weggehaald, omdat er een virus in is gevonden.
This attachment was taken away by the office, because a virus was found in it.

{name}
SHA-256 {sha256}
"""


async def note_left(part: ApprovalDocument) -> NewPart:
    """The note, in the storage, which names the file that it stands for: two of them are not the same file. Outside every unit."""
    kept = await storage().put(_TEXT.format(name=part.name, sha256=part.sha256).encode())
    return NewPart(f"{part.name[:230]} (weggehaald).txt", kept.sha256, kept.size, MIME, "attachment")


@operation(Permission.EDIT_APPROVALS, trail=False)
async def take_away(request: ApprovalRequest, document: int, note: NewPart, *, by: Viewer) -> list[int]:
    """As `swap_part`, with the note: of an attachment in which a virus was found."""
    part = await by.scope(ApprovalDocument).where(ApprovalDocument.request == request.id).get(document)
    if part.part == "main" or part.id not in {row["id"] for row in await infected_in(request.id)}:
        raise Refused("", Say("Alleen een bijlage waarin een virus is gevonden, kan zo worden weggehaald."))
    return await swap_part(request, part.id, note, by=by)
