"""Documents on the screen, page by page or as text: nothing is downloaded, no program of the reader's opens them."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from models import drawing
from models.core import Missing, Say
from models.dossiers import Document
from models.dossiers.versions import version_of
from models.drawing import FIT, WIDTHS, Undrawable
from models.drawing.words import is_text, words
from models.scanning import require_open
from models.viewer import Viewer
from web.replies import Later, Reply, go, show, wants_fragment
from web.routing import Access, Routes, remember

viewing = Routes("viewing", Access.SIGNED_IN)

AT_ONCE = 100  # pages on one screen, where they come as one scrolls
WITHOUT_SCRIPT = 20  # a browser without scripts fetches all of a screen at once

PICTURE_HEADERS = {
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@viewing.get("/documents/{document_id:int}/view")
async def view(request: Request, viewer: Viewer, document_id: int) -> Reply | Later:
    """What it says or looks like; `?width=` is how large, `?from=` the first page, `?page=` one to go to, `?version=` an earlier
    version. To look at it is to have opened the document: once, and not again for every turn of its pages."""
    document = await viewer.documents.get(document_id)
    query = request.query_params
    source = await _source(viewer, document, query.get("version", ""))
    await require_open(source["sha256"])
    width, first = _width(request), _whole(query.get("from", "1"))
    if "page" in query:
        number = _whole(query["page"])
        first = (number - 1) // WITHOUT_SCRIPT * WITHOUT_SCRIPT + 1
        more = {"from": first if first > 1 else None, "width": width if width != FIT else None}
        return go(view.url(document_id=document_id, version=source["version"], **more) + f"#page-{number}")
    if not {"width", "from", "version"} & set(query):
        remember(request, lambda: document.note_read(by=viewer))

    step = AT_ONCE if wants_fragment(request) else WITHOUT_SCRIPT

    async def make() -> Reply:
        context: dict[str, Any] = {
            "document": document, "name": source["name"], "version": source["version"], "width": width, "widths": WIDTHS, "fit": FIT,
            "first": first, "step": step, "of_client": document.client, "about": None, "pages": range(0), "why": None, "words": None,
        }  # fmt: skip
        if is_text(source["mime"], source["name"]):
            context["words"] = await words(source["sha256"], source["size"], source["mime"])
        else:
            try:
                about = await drawing.about(source["sha256"], source["size"], source["name"], width)
                context |= {
                    "about": about,
                    "pages": range(min(first, about.pages), min(first + step, about.pages + 1)),
                }
            except Undrawable as problem:
                context["why"] = problem.why
        return show("viewing/pages.html", title=document.name, section=_section(viewer), **context)

    return Later(make)


@viewing.get("/documents/{document_id:int}/pages/{number:int}")
async def page(request: Request, viewer: Viewer, document_id: int, number: int) -> Response | Later:
    document = await viewer.documents.get(document_id)
    source = await _source(viewer, document, request.query_params.get("version", ""))
    await require_open(source["sha256"])
    width, tag = _width(request), f'"{source["sha256"][:32]}-{number}-{_width(request)}"'
    if request.headers.get("if-none-match", "") == tag:
        return Response(status_code=304, headers=PICTURE_HEADERS | {"ETag": tag})

    async def make() -> Response:
        try:
            drawn = await drawing.page(source["sha256"], source["size"], source["name"], _real(number), width)
        except Undrawable as problem:
            raise Missing("Page", number) from problem
        return Response(drawn, media_type="image/webp", headers=PICTURE_HEADERS | {"ETag": tag})

    return Later(make)


@viewing.get("/documents/{document_id:int}/pages/{number:int}/text")
async def text(request: Request, viewer: Viewer, document_id: int, number: int) -> Later:
    document = await viewer.documents.get(document_id)
    source = await _source(viewer, document, request.query_params.get("version", ""))
    await require_open(source["sha256"])

    async def make() -> Reply:
        try:
            said = await drawing.text(source["sha256"], source["size"], source["name"], _real(number))
        except Undrawable as problem:
            raise Missing("Page", number) from problem
        return show(
            "viewing/text.html", title=Say("Tekst van pagina {n}", n=number), section=_section(viewer), document=document,
            number=number, said=said, version=source["version"], of_client=document.client,
        )  # fmt: skip

    return Later(make)


async def _source(viewer: Viewer, document: Document, version: str) -> dict[str, Any]:
    """Which bytes: those of the document, or of an earlier version that this viewer may see. Raises Missing."""
    if version and version != str(document.version):
        return await version_of(document, _whole(version), viewer) | {"version": _whole(version)}
    names = ("sha256", "size", "name", "mime")
    return {name: getattr(document, name) for name in names} | {"version": None}


def _section(viewer: Viewer) -> str:
    return "dossiers" if viewer.is_staff else "dossier"


def _real(number: int) -> int:
    if not 1 <= number <= drawing.MOST_PAGES:
        raise Missing("Page", number)
    return number


def _width(request: Request) -> int:
    asked = _whole(request.query_params.get("width", str(FIT)))
    return asked if asked in WIDTHS else FIT


def _whole(text: str) -> int:
    return max(1, int(text)) if text.isdecimal() and len(text) < 7 else 1
