"""Documents: seen on the screen, downloaded, named, moved, thrown away, and who opened them."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from models import unread
from models.core import Say
from models.dossiers import Document, path_to, places_for, readers_of
from models.dossiers.publishing import PERIODS, put_by
from models.dossiers.remarks import remarks_of
from models.dossiers.versions import versions_of
from models.drawing import is_drawn
from models.requests.reading import asked_by
from models.storage import storage
from models.viewer import Viewer
from web import folders as folder_pages
from web import portal
from web.dossiers import may_edit
from web.downloads import send_blob
from web.forms import Form, SelectField, StringField, Text
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes, remember

documents = Routes("documents", Access.STAFF)


class DocumentName(Form):
    name = Text(most=500, required=True)
    was = StringField(default="")


class Place(Form):
    folder = SelectField(coerce=int, validate_choice=False, choices=[])


@documents.get("/documents/{document_id:int}")
async def page(request: Request, viewer: Viewer, document_id: int) -> Reply:
    document = await viewer.documents.get(document_id)
    return await _page(viewer, document, show)


async def _page(viewer: Viewer, document: Document, make: Callable[..., Reply], said: Form | None = None) -> Reply:
    folder = await viewer.folders.get(document.folder)
    is_shown = document.source == "office" and document.state == "published"
    return make(
        "documents/page.html",
        title=document.name,
        section="clients" if document.client else "dossiers",
        document=document,
        folder=folder,
        client=await viewer.clients.get(document.client) if document.client else None,
        dossier=await viewer.dossiers.get(folder.dossier),
        path=await path_to(viewer, folder),
        **await put_by(document),
        readers=await readers_of(viewer, document),
        audience=await unread.audience_of(viewer, document) if is_shown else None,
        asked_by=await asked_by(viewer, document.id) if document.source == "client" else None,
        versions=await versions_of(viewer, document) if document.version > 1 else [],
        drawn=is_drawn(document.mime, document.name),
        remarks=await remarks_of(document),
        said=said,
        periods=PERIODS,
        may_edit=may_edit(viewer, document.client),
    )


async def with_remark(request: Request, viewer: Viewer, document: Document, said: Form) -> Reply:
    """The page on the side of who asked, with what he typed and what was wrong with it."""
    if viewer.is_staff:
        return await _page(viewer, document, invalid, said)
    return await portal.document_page(request, viewer, document, invalid, said)


@documents.get("/documents/{document_id:int}/readers")
async def readers(request: Request, viewer: Viewer, document_id: int) -> Reply:
    document = await viewer.documents.get(document_id)
    found = await readers_of(viewer, document)
    audience = await unread.audience_of(viewer, document) if document.source == "office" else None
    return show(
        "documents/readers.html", title=document.name, section="dossiers", document=document, readers=found, audience=audience,
        may_edit=may_edit(viewer, document.client),
    )  # fmt: skip


@documents.get("/documents/{document_id:int}/file", access=Access.SIGNED_IN)
async def download(request: Request, viewer: Viewer, document_id: int) -> Response:
    """With ?show=1 in the browser itself, for kinds that may. The first piece of a file counts as opening it."""
    document = await viewer.documents.get(document_id)
    response = await send_blob(
        request,
        storage(),
        document.sha256,
        document.size,
        document.name,
        document.mime,
        inline=request.query_params.get("show") == "1",
        last_modified=document.uploaded_at,
    )
    from_start = request.headers.get("range", "bytes=0-").replace(" ", "").startswith("bytes=0-")
    if request.method == "GET" and from_start and response.status_code in (200, 206, 304):
        shown = request.query_params.get("show") == "1"
        remember(request, lambda: document.note_read(downloaded=not shown, by=viewer))
    return response


@documents.get("/documents/{document_id:int}/name")
async def name(request: Request, viewer: Viewer, document_id: int) -> Reply:
    document = await viewer.documents.get(document_id)
    form = DocumentName.blank(name=document.name, was=document.name)
    return show("documents/name.html", title=Say("Naam wijzigen"), section="dossiers", document=document, form=form)


@documents.post("/documents/{document_id:int}/name")
async def rename(request: Request, viewer: Viewer, document_id: int) -> Reply:
    document = await viewer.documents.get(document_id)
    form = await DocumentName.read(request)
    if await form.submit(document.rename, by=viewer):
        return go(_folder(document), toast=Say("Het document heet nu “{name}”.", name=document.name))
    return invalid("documents/name.html", title=Say("Naam wijzigen"), section="dossiers", document=document, form=form)


@documents.get("/documents/{document_id:int}/folder")
async def place(request: Request, viewer: Viewer, document_id: int) -> Reply:
    document = await viewer.documents.get(document_id)
    return await _place(viewer, document, Place.blank(folder=document.folder), show)


@documents.post("/documents/{document_id:int}/folder")
async def move(request: Request, viewer: Viewer, document_id: int) -> Reply:
    document = await viewer.documents.get(document_id)
    form = await Place.read(request)
    form.folder.choices = []
    if await form.submit(document.move, by=viewer):
        return go(_folder(document), toast=Say("“{name}” is verplaatst.", name=document.name))
    return await _place(viewer, document, form, invalid)


async def _place(viewer: Viewer, document: Document, form: Place, make: Callable[..., Reply]) -> Reply:
    folder = await viewer.folders.get(document.folder)
    places = await places_for(viewer, folder.dossier)
    form.folder.choices = [(one["id"], "\u2003" * one["depth"] + one["name"]) for one in places]
    return make(
        "documents/place.html", title=Say("Document verplaatsen"), section="dossiers", document=document, form=form
    )


@documents.post("/documents/{document_id:int}/removal")
async def trash(request: Request, viewer: Viewer, document_id: int) -> Reply:
    document = await viewer.documents.get(document_id)
    await document.trash(by=viewer)
    toast = Say("“{name}” ligt in de prullenbak.", name=document.name)
    return go(_folder(document), toast=toast, undo=restore.url(document_id=document_id))


@documents.post("/documents/{document_id:int}/restoration")
async def restore(request: Request, viewer: Viewer, document_id: int) -> Reply:
    document = await viewer.documents.get(document_id)
    name = await document.restore(by=viewer)
    return go(_folder(document), toast=Say("“{name}” is terug.", name=name))


def _folder(document: Document) -> str:
    return folder_pages.page.url(folder_id=document.folder)
