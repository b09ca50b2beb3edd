"""Documents: seen on the screen, downloaded, named, moved, thrown away, and who opened them."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from models import unread
from models.core import Say
from models.dossiers import Document, places_for, readers_of, way_to
from models.dossiers.publishing import PERIODS
from models.dossiers.remarks import remarks_of
from models.dossiers.versions import versions_of
from models.drawing import is_shown
from models.keeping.holds import on_document
from models.keeping.records import may_keep
from models.keeping.terms import SOURCES
from models.keeping.terms import kept as how_kept
from models.keeping.trash import restore_with_folder
from models.requests.reading import asked_by
from models.retention import ANCHORS
from models.scanning import is_on, shut_documents
from models.storage import storage
from models.viewer import Viewer
from web import folders as folder_pages
from web import portal
from web.dossiers import may_edit, undo_url
from web.downloads import send_kept
from web.forms import Form, SelectField, StringField, Text, an_id
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes, remember

documents = Routes("documents", Access.STAFF)


class DocumentName(Form):
    name = Text(most=500, required=True)
    was = StringField(default="")


class Place(Form):
    folder = SelectField(coerce=an_id, validate_choice=False, choices=[])


@documents.get("/documents/{document_id:int}")
async def page(request: Request, viewer: Viewer, document_id: int) -> Reply:
    document = await viewer.documents.get(document_id)
    return await _page(viewer, document, show)


async def _page(viewer: Viewer, document: Document, make: Callable[..., Reply], said: Form | None = None) -> Reply:
    (folder, path), kept = await way_to(viewer, document.folder), await how_kept(document)
    is_read = document.source == "office" and document.state == "published"
    return make(
        "documents/page.html",
        title=document.name,
        section="clients" if document.client else "dossiers",
        document=document,
        folder=folder,
        client=await viewer.clients.get(document.client) if document.client else None,
        dossier=None if document.client else await viewer.dossiers.get(folder.dossier),
        path=path,
        uploader=kept.uploader,
        kind=kept.kind,
        readers=await readers_of(viewer, document),
        audience=await unread.audience_of(viewer, document) if is_read else None,
        asked_by=await asked_by(viewer, document.id) if document.source == "client" else None,
        versions=await versions_of(viewer, document) if document.version > 1 else [],
        drawn=is_shown(document.mime, document.name),
        remarks=await remarks_of(document),
        said=said,
        periods=PERIODS,
        may_edit=may_edit(viewer, document.client),
        term=kept.term,
        holds=await on_document(document) if kept.is_held else [],
        sources=SOURCES,
        anchors=ANCHORS,
        may_hold=may_keep(viewer),
        shut=(await shut_documents([document.id])).get(document.id),
        scanned=is_on(),
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
    response = await send_kept(
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
    return _name(request, document, DocumentName.blank(name=document.name, was=document.name), show)


@documents.post("/documents/{document_id:int}/name")
async def rename(request: Request, viewer: Viewer, document_id: int) -> Reply:
    document = await viewer.documents.get(document_id)
    form = await DocumentName.read(request)
    if await form.submit(document.rename, by=viewer):
        toast, undo = Say("Het document heet nu “{name}”.", name=document.name), await undo_url(viewer)
        if folder_pages.in_row(request):
            folder = await viewer.folders.get(document.folder)
            return await folder_pages.contents_reply(request, viewer, folder, f"d{document_id}", toast, undo)
        return go(_folder(document), toast=toast, undo=undo)
    return _name(request, document, form, invalid)


def _name(request: Request, document: Document, form: DocumentName, make: Callable[..., Reply]) -> Reply:
    title = Say("Naam wijzigen")
    if folder_pages.in_row(request):
        place = {"item": f"d{document.id}", "action": rename.url(document_id=document.id), "folder_id": document.folder}
        return make("items/name.html", title=title, section="dossiers", name=document.name, form=form, **place)
    return make("documents/name.html", title=title, section="dossiers", document=document, form=form)


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
        toast = Say("“{name}” is verplaatst.", name=document.name)
        return go(_folder(document), toast=toast, undo=await undo_url(viewer))
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
    with_folder = (await request.form()).get("with_folder") == "1"
    name = await (restore_with_folder(document, by=viewer) if with_folder else document.restore(by=viewer))
    return go(_folder(document), toast=Say("“{name}” is terug.", name=name))


def _folder(document: Document) -> str:
    return folder_pages.page.url(folder_id=document.folder)
