"""The virus scanner: how it is, what nobody may open, looking again, and destroying what has a virus in it."""

from __future__ import annotations

from starlette.requests import Request

from models.core import Refused, Say
from models.scanning.enlisting import destroy as destroy_document
from models.scanning.enlisting import scan_again, scan_all_again
from models.scanning.working import shut_list, standing
from models.viewer import Viewer
from web import folders
from web.documents import page as document_page
from web.replies import Reply, Toast, go, show
from web.routing import Access, Routes

scanning = Routes("scanning", Access.STAFF)


@scanning.get("/scanning")
async def page(request: Request, viewer: Viewer) -> Reply:
    found = await standing(viewer)
    return show(
        "scanning/page.html", title=Say("Virusscanner"), section="overview", scanner=found,
        rows=await shut_list(viewer) if found else [], may_manage=viewer.may("manage_settings") and viewer.view_as is None,
    )  # fmt: skip


@scanning.get("/scanning/banner")
async def banner(request: Request, viewer: Viewer) -> Reply:
    found = await standing(viewer)
    return show("scanning/banner.html", title=Say("Virusscanner"), section="overview", scanner=found)


@scanning.post("/scanning/tries")
async def again(request: Request, viewer: Viewer) -> Reply:
    count = await scan_all_again(by=viewer)
    return go(page.url(), toast=Say("{n} bestanden worden opnieuw nagekeken.", n=count))


@scanning.post("/documents/{document_id:int}/scan")
async def rescan(request: Request, viewer: Viewer, document_id: int) -> Reply:
    document = await viewer.documents.get(document_id)
    back = document_page.url(document_id=document_id)
    try:
        await scan_again(document, by=viewer)
    except Refused as refused:
        return go(back, toast=Toast(refused.why, "attention"))
    return go(back, toast=Say("“{name}” wordt opnieuw nagekeken.", name=document.name))


@scanning.post("/documents/{document_id:int}/destruction")
async def destroy(request: Request, viewer: Viewer, document_id: int) -> Reply:
    document = await viewer.documents.get(document_id)
    try:
        await destroy_document(document, by=viewer)
    except Refused as refused:
        return go(document_page.url(document_id=document_id), toast=Toast(refused.why, "attention"))
    return go(
        folders.page.url(folder_id=document.folder),
        toast=Say("“{name}” is vernietigd. In het logboek staat wat het was.", name=document.name),
    )
