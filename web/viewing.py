"""Documents on the screen, page by page: nothing is downloaded, no program of the reader's opens them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from models import drawing
from models.core import Missing, Say
from models.drawing import WIDTHS, Undrawable
from models.scanning import require_open
from models.viewer import Viewer
from web.replies import Later, Reply, show
from web.routing import Access, Routes, remember

viewing = Routes("viewing", Access.SIGNED_IN)

AT_ONCE = 100  # pages on one screen

_HEADERS = {
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@viewing.get("/documents/{document_id:int}/view")
async def view(request: Request, viewer: Viewer, document_id: int) -> Later:
    """The pages; `?width=` is how large, `?from=` the first of them. To look at them is to have opened the document."""
    document = await viewer.documents.get(document_id)
    await require_open(document.sha256)
    remember(request, lambda: document.note_read(by=viewer))
    width, first = _width(request), _whole(request.query_params.get("from", "1"))

    async def make() -> Reply:
        why, about = None, None
        try:
            about = await drawing.about(document.sha256, document.size, document.name)
        except Undrawable as problem:
            why = problem.why
        pages = range(min(first, about.pages), min(first + AT_ONCE, about.pages + 1)) if about else range(0)
        return show(
            "viewing/pages.html", title=document.name, section="dossiers", document=document, about=about, pages=pages,
            why=why, width=width, widths=WIDTHS, first=first, step=AT_ONCE, of_client=document.client,
        )  # fmt: skip

    return Later(make)


@viewing.get("/documents/{document_id:int}/pages/{number:int}")
async def page(request: Request, viewer: Viewer, document_id: int, number: int) -> Response | Later:
    document = await viewer.documents.get(document_id)
    await require_open(document.sha256)
    width, tag = _width(request), f'"{document.sha256[:32]}-{number}-{_width(request)}"'
    if request.headers.get("if-none-match", "") == tag:
        return Response(status_code=304, headers=_HEADERS | {"ETag": tag})

    async def make() -> Response:
        try:
            drawn = await drawing.page(document.sha256, document.size, document.name, _real(number), width)
        except Undrawable as problem:
            raise Missing("Page", number) from problem
        return Response(drawn, media_type="image/webp", headers=_HEADERS | {"ETag": tag})

    return Later(make)


@viewing.get("/documents/{document_id:int}/pages/{number:int}/text")
async def text(request: Request, viewer: Viewer, document_id: int, number: int) -> Later:
    document = await viewer.documents.get(document_id)
    await require_open(document.sha256)

    async def make() -> Reply:
        try:
            said = await drawing.text(document.sha256, document.size, document.name, _real(number))
        except Undrawable as problem:
            raise Missing("Page", number) from problem
        return show(
            "viewing/text.html", title=Say("Tekst van pagina {n}", n=number), section="dossiers", document=document,
            number=number, said=said, of_client=document.client,
        )  # fmt: skip

    return Later(make)


def _real(number: int) -> int:
    if not 1 <= number <= drawing.MOST_PAGES:
        raise Missing("Page", number)
    return number


def _width(request: Request) -> int:
    asked = _whole(request.query_params.get("width", str(WIDTHS[1])))
    return asked if asked in WIDTHS else WIDTHS[1]


def _whole(text: str) -> int:
    return max(1, int(text)) if text.isdecimal() and len(text) < 7 else 1
