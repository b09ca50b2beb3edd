"""What the office asks of a client: handed in item by item, or said not to apply."""

from __future__ import annotations

from starlette.requests import Request

from models.core import Refused, Say
from models.dossiers import Document
from models.requests import DocumentRequest, RequestItem, hand_in, items_of, not_applicable
from models.requests.answering import folder_for
from models.scanning import shut_documents
from models.uploads import note_form
from models.viewer import Permission, Viewer
from web.joining import Wished, as_wished, not_joined
from web.replies import Reply, Toast, go, show
from web.routing import Access, Routes
from web.uploads import Received

own_requests = Routes("own_requests", Access.CLIENT)


@own_requests.get("/portal/requests/{asking_id:int}")
async def page(request: Request, viewer: Viewer, asking_id: int) -> Reply:
    found: DocumentRequest = await viewer.scope(DocumentRequest).get(asking_id)
    items = await items_of(found)
    mine = {row["id"] for one in items for row in one["documents"]}
    seen = await viewer.documents.where(Document.id.is_in(list(mine) or [-1])).select(Document.id)
    return show(
        "portal/request.html", title=found.title, section="home", request=found, items=items, readable={row["id"] for row in seen},
        client=viewer.grants.get(found.client), of_client=found.client, shut=await shut_documents(sorted(mine)), may_answer=found.state == "open" and viewer.view_as is None,
    )  # fmt: skip


async def may_answer(request: Request, viewer: Viewer, item_id: int) -> None:
    """Says no before a byte is read."""
    item = await viewer.scope(RequestItem).get(item_id)
    found = await viewer.scope(DocumentRequest).get(item.request)
    try:
        await folder_for(found, viewer)
    except Refused:  # said in words once the bytes are there
        viewer.require(Permission.UPLOAD_DOCUMENTS, found)


@own_requests.upload("/request-items/{item_id:int}/documents", before=may_answer, after=as_wished)
async def answer(request: Request, viewer: Viewer, received: Received, prepared: Wished, item_id: int) -> Reply:
    item = await viewer.scope(RequestItem).get(item_id)
    found = await viewer.scope(DocumentRequest).get(item.request)
    back = page.url(asking_id=item.request)
    try:
        if not received.files:
            received.one_file("files")
        files = prepared.files
        added = await hand_in(item, files, by=viewer)
        await prepared.note(await folder_for(found, viewer), added[0].name, viewer)
        await note_form(item, added, received.turned_away, by=viewer)
    except Refused as refused:
        return go(back, toast=Toast(refused.why, "attention"))
    if prepared.why:
        return go(back, toast=Toast(not_joined(len(files), prepared.why), "attention"))
    if received.refused:
        why = received.refused[0].why
        return go(
            back,
            toast=Toast(
                Say("{n} ontvangen, {m} niet: {why}", n=len(files), m=len(received.refused), why=why), "attention"
            ),
        )
    return go(f"{back}#item-{item.id}", toast=Say("Aangeleverd voor “{title}”.", title=item.title))


@own_requests.post("/request-items/{item_id:int}/reason")
async def does_not_apply(request: Request, viewer: Viewer, item_id: int) -> Reply:
    item = await viewer.scope(RequestItem).get(item_id)
    back = page.url(asking_id=item.request)
    try:
        await not_applicable(item, str((await request.form()).get("reason", "")), by=viewer)
    except Refused as refused:
        return go(back, toast=Toast(refused.why, "attention"))
    return go(
        f"{back}#item-{item.id}", toast=Say("Doorgegeven dat “{title}” niet van toepassing is.", title=item.title)
    )
