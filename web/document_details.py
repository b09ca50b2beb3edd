"""What is said of a document, whether clients see it, its versions, and the questions about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from models.core import Refused, Say
from models.dossiers import DRAFT, NOW, Document, NewDocument, Publish
from models.dossiers.publishing import PERIODS, describe, kinds, publish
from models.dossiers.remarks import say, settle
from models.dossiers.versions import bring_back, replace, version_of
from models.retention import classes
from models.storage import storage
from models.uploads import note_form
from models.viewer import Permission, Viewer
from web import documents as pages
from web.addresses import local_path
from web.downloads import send_kept
from web.forms import Form, SelectField, StringField, Text, TextAreaField, an_id
from web.items import moment_in
from web.replies import Reply, Toast, go, invalid, show
from web.routing import Access, Routes
from web.uploads import Received

details = Routes("document_details", Access.STAFF)


class Particulars(Form):
    kind = SelectField(coerce=an_id, validate_choice=False, choices=[])
    book_year = Text(most=40)
    period = SelectField(choices=list(PERIODS.items()), default="")
    labels = Text(most=500)
    note = TextAreaField(default="")
    retention = SelectField(coerce=an_id, validate_choice=False, choices=[])


class Said(Form):
    text = StringField(default="")


@details.get("/documents/{document_id:int}/particulars")
async def particulars(request: Request, viewer: Viewer, document_id: int) -> Reply:
    document = await viewer.documents.get(document_id)
    form = Particulars.blank(
        kind=document.kind or 0, book_year=str(document.book_year or ""), period=document.period,
        labels=document.labels, note=document.note, retention=document.retention or 0,
    )  # fmt: skip
    return await _particulars(document, form, show)


@details.post("/documents/{document_id:int}/particulars")
async def change(request: Request, viewer: Viewer, document_id: int) -> Reply:
    document = await viewer.documents.get(document_id)
    form = await Particulars.read(request)
    form.kind.choices = form.retention.choices = []
    if await form.submit(_describing(document), by=viewer):
        return go(_page(document), toast=Say("Bewaard wat er over “{name}” bekend is.", name=document.name))
    return await _particulars(document, form, invalid)


def _describing(document: Document) -> Callable[..., Any]:
    async def submit(kind: int, book_year: str, retention: int, *, by: Viewer, **more: str) -> None:
        if book_year and not (book_year.isdecimal() and len(book_year) < 9):
            raise Refused("book_year", Say("Vul een jaar in, bijvoorbeeld 2026."))
        year = int(book_year) if book_year else None
        await describe(document, kind=kind or None, book_year=year, retention=retention or None, by=by, **more)

    return submit


async def _particulars(document: Document, form: Particulars, make: Callable[..., Reply]) -> Reply:
    form.kind.choices = [(0, Say("Niet ingedeeld")), *((one["id"], one["name"]) for one in await kinds())]
    form.retention.choices = [
        (0, Say("Zoals de map")),
        *((one["id"], one["name"]) for one in await classes()),
    ]
    return make(
        "documents/particulars.html",
        title=Say("Gegevens van het stuk"),
        section="dossiers",
        document=document,
        form=form,
    )


@details.post("/documents/{document_id:int}/publication")
async def publication(request: Request, viewer: Viewer, document_id: int) -> Reply:
    """`do`: publish (at once), draft, or plan with the moment in `at`."""
    document = await viewer.documents.get(document_id)
    form = await request.form()
    do = str(form.get("do", ""))
    try:
        how = NOW if do == "publish" else DRAFT if do == "draft" else Publish(at=moment_in(str(form.get("at", ""))))
        await publish(document, how, by=viewer)
    except Refused as refused:
        return go(_page(document), toast=Toast(refused.why, "attention"))
    return go(_page(document), toast=_SAID[document.state])


_SAID = {
    "published": Say("Gepubliceerd. Wie het mag zien, leest het in zijn overzicht van de dag."),
    "draft": Say("Weer een concept: cliënten zien het niet meer."),
    "planned": Say("Gepland. Tot dat moment zien cliënten het niet."),
}


async def may_replace(request: Request, viewer: Viewer, document_id: int) -> None:
    document = await viewer.documents.get(document_id)
    viewer.require(Permission.UPLOAD_DOCUMENTS if viewer.is_client else Permission.EDIT_DOSSIERS, document)


@details.upload("/documents/{document_id:int}/versions", before=may_replace, access=Access.SIGNED_IN)
async def add_version(request: Request, viewer: Viewer, received: Received, document_id: int) -> Reply:
    document = await viewer.documents.get(document_id)
    back = local_path(str(received.fields.get("back", ""))) or _page(document)
    was = document.name
    try:
        file = received.one_file("file")
        await replace(document, NewDocument(file.name, file.sha256, file.size, file.content_type.mime), by=viewer)
        await note_form(document, [document], by=viewer)
    except Refused as refused:
        return go(back, toast=Toast(refused.why, "attention"))
    return go(
        back,
        toast=_renamed(was, document)
        or Say("Versie {n} van “{name}” staat er.", n=document.version, name=document.name),
    )


def _renamed(was: str, document: Document) -> Say | None:
    """That a version of another kind gave the document another name."""
    if was == document.name:
        return None
    return Say("Versie {n} staat er. Het is een ander soort bestand: “{was}” heet nu “{name}”.", n=document.version, was=was, name=document.name)  # fmt: skip


@details.get("/documents/{document_id:int}/versions/{number:int}/file", access=Access.SIGNED_IN)
async def version(request: Request, viewer: Viewer, document_id: int, number: int) -> Response:
    document = await viewer.documents.get(document_id)
    row = await version_of(document, number, viewer)
    return await send_kept(
        request, storage(), row["sha256"], row["size"], row["name"], row["mime"], last_modified=row["uploaded_at"]
    )


@details.post("/documents/{document_id:int}/versions/{number:int}/return")
async def return_(request: Request, viewer: Viewer, document_id: int, number: int) -> Reply:
    document = await viewer.documents.get(document_id)
    was = document.name
    try:
        await bring_back(document, number, by=viewer)
    except Refused as refused:
        return go(_page(document), toast=Toast(refused.why, "attention"))
    return go(
        _page(document),
        toast=_renamed(was, document) or Say("Versie {old} is nu versie {n}.", old=number, n=document.version),
    )


@details.post("/documents/{document_id:int}/remarks", access=Access.SIGNED_IN)
async def remark(request: Request, viewer: Viewer, document_id: int) -> Reply:
    """A question or an answer, from the page of the document on either side."""
    document = await viewer.documents.get(document_id)
    form = await Said.read(request)
    if await form.submit(_saying(document), by=viewer):
        where = _page(document) if viewer.is_staff else f"/portal/documents/{document.id}"
        return go(f"{where}#remarks", toast=Say("Verstuurd."))
    return await pages.with_remark(request, viewer, document, form)


def _saying(document: Document) -> Callable[..., Any]:
    async def submit(text: str, *, by: Viewer) -> None:
        await say(document, text, by=by)

    return submit


@details.post("/documents/{document_id:int}/remarks/settled")
async def put_aside(request: Request, viewer: Viewer, document_id: int) -> Reply:
    document = await viewer.documents.get(document_id)
    await settle(document, by=viewer)
    return go(_page(document), toast=Say("De vraag staat niet meer open."))


def _page(document: Document) -> str:
    return pages.page.url(document_id=document.id)
