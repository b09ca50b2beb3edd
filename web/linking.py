"""A link to documents by mail, or to copy: the document itself never leaves by mail."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request

from models import config
from models.core import Missing, Refused, Say
from models.dossiers import Document, Dossier, Folder
from models.linking import DocumentMailing, mail_links, message_of, readers_for
from models.settings import Firm
from models.viewer import Viewer
from partials import mails
from web.addresses import local_path
from web.dossiers import home_of, may_edit
from web.items import items_in
from web.replies import Reply, Toast, go, invalid, show
from web.routing import Access, Routes

linking = Routes("linking", Access.STAFF)


@linking.get("/documents/{document_id:int}/open", access=Access.SIGNED_IN)
async def open_(request: Request, viewer: Viewer, document_id: int) -> Reply:
    """The address that is mailed and copied: it leads a client and a colleague each to the page he has of the document."""
    document = await viewer.documents.get(document_id)
    return go(f"/documents/{document.id}" if viewer.is_staff else f"/portal/documents/{document.id}")


@linking.get("/dossiers/{dossier_id:int}/links")
async def choose(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    """Who gets a link to the documents in `ids` (d1, d2 …)."""
    query = request.query_params
    dossier, documents = await _of(viewer, dossier_id, query.getlist("ids"))
    return await _choose(viewer, dossier, documents, local_path(query.get("back", "")), show)


@linking.post("/dossiers/{dossier_id:int}/links")
async def send(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    """`do` is look (what would be mailed to whom) or send."""
    form = await request.form()
    dossier, documents = await _of(viewer, dossier_id, form.getlist("ids"))
    back = local_path(str(form.get("back", "")))
    people = [int(str(one)) for one in form.getlist("people") if str(one).isdecimal() and len(str(one)) < 10]
    typed: dict[str, Any] = {
        "people": people,
        "message": str(form.get("message", "")),
        "token": str(form.get("token", ""))[:36],
    }
    client = await viewer.clients.get(dossier.client or 0)
    try:
        message = message_of(typed["message"])
        if form.get("do") == "again":
            return await _choose(viewer, dossier, documents, back, show, typed)
        if form.get("do") != "send":
            return await _look(viewer, dossier, documents, back, typed | {"message": message})
        mailing, count = await mail_links(client, documents, people, message, typed["token"], by=viewer)
    except Refused as refused:
        return await _choose(
            viewer, dossier, documents, back, invalid, typed | {"why": refused.why, "field": refused.field}
        )
    to = back or home_of(dossier)
    if not count:
        return go(to, toast=Say("Deze mail was al verstuurd."))
    said = (
        Say("{n} mails met een link gaan over tien seconden weg.", n=count)
        if count > 1
        else Say("De mail met een link gaat over tien seconden weg.")
    )
    return go(to, toast=said, undo=undo.url(mailing_id=mailing.id))


@linking.post("/document-mailings/{mailing_id:int}/undo")
async def undo(request: Request, viewer: Viewer, mailing_id: int) -> Reply:
    mailing = await viewer.scope(DocumentMailing).get(mailing_id)
    to = f"/clients/{mailing.client}/dossier"
    try:
        count = await mailing.undo(by=viewer)
    except Refused as refused:
        return go(to, toast=Toast(refused.why, "attention"))
    return go(to, toast=Say("Tegengehouden: {n}.", n=count))


async def _of(viewer: Viewer, dossier_id: int, ids: Sequence[Any]) -> tuple[Dossier, list[Document]]:
    dossier = await viewer.dossiers.get(dossier_id)
    if dossier.client is None or not may_edit(viewer, dossier.client):
        raise Missing("Dossier", dossier_id)
    wanted = list(items_in(list(ids)).documents)
    here = Folder.select(Folder.id).where(Folder.dossier == dossier.id)
    found = viewer.documents.where(
        Document.id.is_in(wanted or [-1]), Document.folder.is_in(here), Document.trashed_at.is_null()
    )
    return dossier, await found.all(Document.name_key, limit=60)


async def _choose(
    viewer: Viewer, dossier: Dossier, documents: list[Document], back: str, make: Callable[..., Reply], typed: dict[str, Any] | None = None
) -> Reply:  # fmt: skip
    readers = await readers_for(dossier.client or 0, [one.id for one in documents])
    return make(
        "linking/choose.html", title=Say("Link mailen"), section="clients", dossier=dossier, documents=documents, readers=readers,
        back=back or home_of(dossier), typed=typed or {"people": None, "message": "", "token": str(uuid.uuid4())},
        link=config.settings().base_url + open_.url(document_id=documents[0].id) if len(documents) == 1 else "",
        unseen=[one for one in documents if one.state != "published"],
    )  # fmt: skip


async def _look(viewer: Viewer, dossier: Dossier, documents: list[Document], back: str, typed: dict[str, Any]) -> Reply:
    readers = await readers_for(dossier.client or 0, [one.id for one in documents])
    chosen = [one for one in readers if one.id in typed["people"] and one.documents and one.can_sign_in]
    if not chosen:
        raise Refused("people", Say("Kies ten minste één persoon die het stuk mag zien en kan inloggen."))
    firm, first = await Firm.load(), chosen[0]
    names = {one.id: one.name for one in documents}
    base = config.settings().base_url
    shown = [{"name": names[id], "url": base + open_.url(document_id=id)} for id in first.documents]
    person = await viewer.users.get(first.id)
    mail = mails.compose(
        "document_link", first.language, firm=firm, person=_greeted(person), documents=shown, message=typed["message"]
    )
    return show(
        "linking/look.html", title=Say("Link mailen"), section="clients", dossier=dossier, documents=documents, chosen=chosen,
        typed=typed, back=back or home_of(dossier), mail=mail, first=first,
    )  # fmt: skip


def _greeted(person: Any) -> Any:
    from models.people import addressee

    names = ("gender", "first_name", "initials", "prefix", "surname", "partner_prefix", "partner_surname", "name_use")
    return addressee({name: getattr(person, name) for name in names} | {"shares": False})
