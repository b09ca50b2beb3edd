"""Answering: the client hands in or says that it does not apply, the office accepts or sends back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from models import engine
from models.core import Refused, Say, operation, save
from models.dossiers import HANDING_IN, Document, Folder, NewDocument
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
    folder = await folder_for(request, by)
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
    await save(item, state="accepted", judged_by=by.user.id, judged_at=utcnow())
    await by.note("RequestItem.accept", item, {"title": item.title})
    await _close_if_done(item.request)
    await _tell(item)


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def accept_for_client(item: RequestItem, note: str, *, by: Viewer) -> None:
    """It came another way, on paper say: accepted in the client's place, with a note that both read."""
    await _open_request(item, by)
    if item.state == "accepted":
        raise Refused("note", Say("Dit is al goedgekeurd."))
    note, now = _reason(note, "note"), utcnow()
    await save(
        item,
        state="accepted",
        note=note,
        reason="",
        answered_by=by.user.id,
        answered_at=now,
        judged_by=by.user.id,
        judged_at=now,
    )
    await by.note("RequestItem.accept_for_client", item, {"title": item.title, "note": note[:200]})
    await _close_if_done(item.request)
    await _tell(item)


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def accept_all(request: DocumentRequest, *, by: Viewer) -> int:
    """Everything that waits for a look; how many."""
    rows = await engine.raw(
        "UPDATE request_item SET state = 'accepted', judged_by = $2, judged_at = $3 WHERE request = $1 AND state IN ('handed_in', 'not_applicable') RETURNING id",
        request.id, by.user.id, utcnow(),
    )  # fmt: skip
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
    await save(item, state="sent_back", reason=_reason(reason), judged_by=by.user.id, judged_at=utcnow())
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


async def folder_for(request: DocumentRequest, by: Viewer) -> Folder:
    """Where the answers of a request that was found through the viewer come: also for who may hand in and look nowhere."""
    folder = await Folder.objects().where((Folder.id == (request.folder or 0)) & Folder.trashed_at.is_null()).first()
    if folder is None or folder.client != request.client or (by.is_client and folder.kind not in HANDING_IN):
        raise Refused("files", Say("De map voor deze stukken is er niet meer. Neem contact op met uw kantoor."))
    by.require(Permission.UPLOAD_DOCUMENTS, folder)
    return folder


def _reason(text: str, field: str = "reason") -> str:
    text = text.replace("\x00", "").strip()
    if not text:
        raise Refused(field, Say("Vul een reden in."))
    if len(text) > 1000:
        raise Refused(field, Say("Dit is {n} tekens; er passen er {most}.", n=len(text), most=1000))
    return text
