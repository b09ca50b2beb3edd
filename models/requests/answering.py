"""Answering: the client hands in or says that it does not apply, the office accepts or sends back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from models import engine
from models.core import Refused, Say, operation, save
from models.dossiers import Document, NewDocument
from models.live import touch
from models.requests.records import DocumentRequest, RequestItem
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

WAITING = ("open", "sent_back")  # for the client
ANSWERED = ("handed_in", "not_applicable")  # waits for a look of the office


@operation(Permission.UPLOAD_DOCUMENTS, trail=False)
async def hand_in(item: RequestItem, files: Sequence[NewDocument], *, by: Viewer) -> list[Document]:
    """Documents for this item, in the folder of the request. More may follow until it is accepted."""
    request = await _open_request(item, by)
    if item.state == "accepted":
        raise Refused("files", Say("Dit is al goedgekeurd; u hoeft niets meer aan te leveren."))
    if request.folder is None:
        raise Refused("files", Say("De map voor deze stukken is er niet meer. Neem contact op met uw kantoor."))
    folder = await by.folders.get(request.folder)
    documents = await folder.hand_in(files, by=by)
    await engine.copy_rows(
        "request_item_document", ("item", "document"), [(item.id, document.id) for document in documents]
    )
    await _answer(item, "handed_in", "", by)
    return documents


@operation(Permission.UPLOAD_DOCUMENTS, trail=False)
async def not_applicable(item: RequestItem, reason: str, *, by: Viewer) -> None:
    await _open_request(item, by)
    if item.state not in WAITING:
        raise Refused("reason", Say("Dit is al beantwoord."))
    await _answer(item, "not_applicable", _reason(reason), by)


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def accept(item: RequestItem, *, by: Viewer) -> None:
    """What was handed in, or that it does not apply, is right. With the last item the request is done."""
    await _open_request(item, by)
    if item.state not in ANSWERED:
        raise Refused("", Say("Er is nog niets om goed te keuren."))
    await save(item, state="accepted")
    await by.note("RequestItem.accept", item, {"title": item.title})
    await _close_if_done(item.request)
    await _tell(item)


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def accept_all(request: DocumentRequest, *, by: Viewer) -> int:
    """Everything that waits for a look; how many."""
    rows = await engine.raw(
        "UPDATE request_item SET state = 'accepted' WHERE request = $1 AND state IN ('handed_in', 'not_applicable') RETURNING id",
        request.id,
    )
    await by.note("DocumentRequest.accept_all", request, {"title": request.title, "count": len(rows)})
    await _close_if_done(request.id)
    await touch("requests", f"client-{request.client}")
    return len(rows)


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def send_back(item: RequestItem, reason: str, *, by: Viewer) -> None:
    """Something is wrong with it: the client reads why, and is asked again. Also what was accepted before."""
    rows = await engine.raw("SELECT state FROM document_request WHERE id = $1", item.request)
    if rows[0]["state"] == "withdrawn":
        raise Refused("", Say("Deze opvraging is al gesloten."))
    if item.state in WAITING:
        raise Refused("reason", Say("Er is nog niets aangeleverd om terug te sturen."))
    await save(item, state="sent_back", reason=_reason(reason))
    await engine.raw("UPDATE document_request SET state = 'open', closed_at = NULL WHERE id = $1", item.request)
    await by.note("RequestItem.send_back", item, {"title": item.title, "reason": item.reason[:200]})
    await _tell(item)


async def _open_request(item: RequestItem, by: Viewer) -> DocumentRequest:
    request: DocumentRequest = await by.scope(DocumentRequest).get(item.request)
    if request.state != "open":
        raise Refused("", Say("Deze opvraging is al gesloten."))
    return request


async def _answer(item: RequestItem, state: str, reason: str, by: Viewer) -> None:
    await save(item, state=state, reason=reason, answered_by=by.user.id, answered_at=utcnow())
    await by.note(f"RequestItem.{state}", item, {"title": item.title})
    await _tell(item)


async def _close_if_done(request: int) -> None:
    await engine.raw(
        "UPDATE document_request SET state = 'done', closed_at = $2 WHERE id = $1 AND state = 'open' "
        "AND NOT EXISTS (SELECT 1 FROM request_item i WHERE i.request = $1 AND i.state <> 'accepted')",
        request, utcnow(),
    )  # fmt: skip


async def _tell(item: RequestItem) -> None:
    await touch("requests", f"request-{item.request}", f"client-{item.client}")


def _reason(text: str) -> str:
    text = text.replace("\x00", "").strip()
    if not text:
        raise Refused("reason", Say("Vul een reden in."))
    if len(text) > 1000:
        raise Refused("reason", Say("Dit is {n} tekens; er passen er {most}.", n=len(text), most=1000))
    return text
