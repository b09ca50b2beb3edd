"""Links for somebody without a login: made for a folder or for what is asked, shown once, listed per client, ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from models import config
from models.core import Refused, Say
from models.delivering.making import DAYS, end_link, folder_for, links_of, make_link
from models.delivering.records import UploadLink
from models.dossiers import Folder
from models.requests import RequestItem
from models.viewer import Permission, Viewer
from web import deliver
from web.dossiers import may_edit
from web.forms import BooleanField, Form, Text
from web.replies import Reply, Toast, go, invalid, show
from web.routing import Access, Routes

upload_links = Routes("upload_links", Access.STAFF)


class NewLink(Form):
    purpose = Text(most=500, required=True)
    days = Text(most=6, required=True)
    max_files = Text(most=6, required=True)
    max_mb = Text(most=6, required=True)
    asks_name = BooleanField()
    email = Text(most=254)


_USUAL = {"days": str(DAYS), "max_files": "20", "max_mb": "200", "asks_name": True}


@upload_links.get("/clients/{client_id:int}/upload-links")
async def list_(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    links = await links_of(viewer, client_id) if viewer.may(Permission.READ_DOSSIERS) else []
    return show(
        "upload_links/list.html", title=Say("Links om aan te leveren"), section="clients", client=client, links=links,
        may_edit=may_edit(viewer, client_id),
    )  # fmt: skip


@upload_links.get("/folders/{folder_id:int}/upload-link")
async def new(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    return _new(NewLink.blank(**_USUAL), folder.name, make.url(folder_id=folder_id), _folder(folder), show)


@upload_links.post("/folders/{folder_id:int}/upload-link")
async def make(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    return await _make(request, viewer, folder, None, folder.name, make.url(folder_id=folder_id), _folder(folder))


@upload_links.get("/request-items/{item_id:int}/upload-link")
async def new_of_item(request: Request, viewer: Viewer, item_id: int) -> Reply:
    item = await viewer.scope(RequestItem).get(item_id)
    form = NewLink.blank(**_USUAL, purpose=item.title)
    return _new(form, item.title, make_of_item.url(item_id=item_id), f"/requests/{item.request}", show)


@upload_links.post("/request-items/{item_id:int}/upload-link")
async def make_of_item(request: Request, viewer: Viewer, item_id: int) -> Reply:
    item = await viewer.scope(RequestItem).get(item_id)
    back = f"/requests/{item.request}"
    try:
        folder = await folder_for(item, viewer)
    except Refused as refused:
        return go(back, toast=Toast(refused.why, "attention"))
    return await _make(request, viewer, folder, item, item.title, make_of_item.url(item_id=item_id), back)


@upload_links.post("/upload-links/{link_id:int}/end")
async def end(request: Request, viewer: Viewer, link_id: int) -> Reply:
    link = await viewer.scope(UploadLink).get(link_id)
    await end_link(link, by=viewer)
    return go(list_.url(client_id=link.client), toast=Say("De link werkt niet meer. Wat binnen is, blijft staan."))


async def _make(
    request: Request, viewer: Viewer, folder: Folder, item: RequestItem | None, where: str, action: str, back: str
) -> Reply:
    form, made = await NewLink.read(request), []

    async def submit(purpose: str, days: str, max_files: str, max_mb: str, asks_name: bool, email: str) -> None:
        numbers = {"days": days, "max_files": max_files, "max_mb": max_mb}
        whole = {name: int(text) if text.isdecimal() else 0 for name, text in numbers.items()}
        made.append(
            await make_link(folder, purpose, **whole, asks_name=asks_name, email=email or "", item=item, by=viewer)
        )

    if not await form.submit(submit):
        return _new(form, where, action, back, invalid)
    link, token = made[0]
    address = f"{config.settings().base_url}{deliver.page.url(token=token)}"
    return show(
        "upload_links/made.html",
        title=Say("De link is klaar"),
        section="clients",
        link=link,
        address=address,
        back=back,
    )


def _new(form: NewLink, where: str, action: str, back: str, make_: Callable[..., Reply]) -> Reply:
    context: dict[str, Any] = {"form": form, "where": where, "action": action, "back": back}
    return make_("upload_links/new.html", title=Say("Link om aan te leveren"), section="clients", **context)


def _folder(folder: Folder) -> str:
    return f"/folders/{folder.id}"
