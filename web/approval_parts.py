"""The parts of a request on the screen, page by page, and as they are. What a client's person opens or sees is noted, once."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from models import drawing
from models.approvals import ApprovalDocument, ApprovalRequest, FormerPart, Mark, note_opened, opened_by
from models.core import Gone, Missing, Say
from models.drawing import FIT, WIDTHS, Undrawable
from models.drawing.words import is_text, words
from models.scanning import require_open
from models.storage import storage
from models.viewer import Viewer
from web.downloads import send_kept
from web.replies import Later, Reply, show, wants_fragment
from web.routing import Access, Routes, remember
from web.security import address_of

parts = Routes("approval_parts", Access.SIGNED_IN)

AT_ONCE = 100  # pages on one screen, where they come as one scrolls
WITHOUT_SCRIPT = 20
DESTROYED = Say(
    "De bewaartermijn van dit stuk is voorbij: het is vernietigd. Het bewijs noemt het nog, met zijn SHA-256."
)
_HEADERS = {
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@parts.get("/approval-parts/{part_id:int}/view")
async def view(request: Request, viewer: Viewer, part_id: int) -> Later:
    """`?width=` is how large, `?from=` the first page. To look at it is to have opened it; what cannot be shown here (it asks for a
    password, say) is opened by fetching it."""
    part = await _find(viewer, part_id)
    is_shown_here = part.pages is not None or is_text(part.mime, part.name) or part.part != "main"
    if is_shown_here:
        _remember(request, viewer, part)
    opened = (
        (part.id, part.sha256) in await opened_by(viewer.user.id, json.dumps([part.request]))
        if viewer.is_client and not is_shown_here
        else None
    )
    width, first = _width(request), _whole(request.query_params.get("from", "1"))
    step = AT_ONCE if wants_fragment(request) else WITHOUT_SCRIPT
    back = await viewer.scope(ApprovalRequest).get(part.request)

    async def make_() -> Reply:
        context: dict[str, Any] = {
            "part": part, "request": back, "width": width, "widths": WIDTHS, "fit": FIT, "first": first, "step": step,
            "of_client": part.client, "about": None, "pages": range(0), "why": None, "words": None, "opened": opened, "tells": viewer.is_client and viewer.view_as is None and wants_fragment(request),
        }  # fmt: skip
        if is_text(part.mime, part.name):
            context["words"] = await words(part.sha256, part.size, part.mime)
        else:
            try:
                about = await drawing.about(part.sha256, part.size, part.name, width)
                last = min(first + step, about.pages + 1)
                context |= {"about": about, "pages": range(min(first, about.pages), last)}
            except Undrawable as problem:
                context["why"] = problem.why
        return show("approvals/pages.html", title=part.name, section="approvals", **context)

    return Later(make_)


@parts.get("/approval-parts/{part_id:int}/pages/{number:int}")
async def page(request: Request, viewer: Viewer, part_id: int, number: int) -> Response | Later:
    ahead = "ahead" in request.query_params  # by a script that says itself when it is seen
    part = await (_find(viewer, part_id) if ahead else _get(request, viewer, part_id, _real(number)))
    _real(number)
    width = _width(request)
    tag = f'"{part.sha256[:32]}-{number}-{width}"'
    if request.headers.get("if-none-match", "") == tag:
        return Response(status_code=304, headers=_HEADERS | {"ETag": tag})

    async def make_() -> Response:
        try:
            drawn = await drawing.page(part.sha256, part.size, part.name, number, width)
        except Undrawable as problem:
            raise Missing("Page", number) from problem
        return Response(drawn, media_type="image/webp", headers=_HEADERS | {"ETag": tag})

    return Later(make_)


@parts.post("/approval-parts/{part_id:int}/pages/{number:int}/seen")
async def seen(request: Request, viewer: Viewer, part_id: int, number: int) -> Response:
    """That a page came into view. A browser fetches pages ahead; where scripts run, fetching one says nothing."""
    part = await _find(viewer, part_id)
    if viewer.is_client:
        await note_opened(part.id, part.sha256, page=_real(number), by=viewer, mark=_mark(request))
    return Response(status_code=204)


@parts.get("/approval-parts/{part_id:int}/pages/{number:int}/text")
async def text(request: Request, viewer: Viewer, part_id: int, number: int) -> Later:
    part = await _get(request, viewer, part_id, _real(number))

    async def make_() -> Reply:
        try:
            said = await drawing.text(part.sha256, part.size, part.name, number)
        except Undrawable as problem:
            raise Missing("Page", number) from problem
        return show(
            "approvals/text.html", title=Say("Tekst van pagina {n}", n=number), section="approvals", part=part, number=number,
            said=said, of_client=part.client,
        )  # fmt: skip

    return Later(make_)


@parts.get("/approval-parts/{part_id:int}/file")
async def file(request: Request, viewer: Viewer, part_id: int) -> Response:
    """As it is: the bytes that are approved."""
    part = await _get(request, viewer, part_id)
    return await send_kept(request, storage(), part.sha256, part.size, part.name, part.mime)


@parts.get("/approvals/{approval_id:int}/former-parts/{former_id:int}")
async def former(request: Request, viewer: Viewer, approval_id: int, former_id: int) -> Response:
    """A file that another took the place of, as it was: for the office."""
    found = await viewer.scope(FormerPart).where(FormerPart.request == approval_id).get(former_id)
    if not found.blob:
        raise Gone(DESTROYED)
    return await send_kept(request, storage(), found.sha256, found.size, found.name, found.mime)


async def _find(viewer: Viewer, part_id: int) -> ApprovalDocument:
    part: ApprovalDocument = await viewer.scope(ApprovalDocument).get(part_id)
    if not part.blob:
        raise Gone(DESTROYED)
    await require_open(part.sha256)
    return part


async def _get(request: Request, viewer: Viewer, part_id: int, page: int = 0) -> ApprovalDocument:
    """The part, which is then opened (or a page of it seen) by who looks."""
    part = await _find(viewer, part_id)
    _remember(request, viewer, part, page)
    return part


def _remember(request: Request, viewer: Viewer, part: ApprovalDocument, page: int = 0) -> None:
    if viewer.is_client:
        mark = _mark(request)

        async def note() -> None:
            await note_opened(part.id, part.sha256, page=page, by=viewer, mark=mark)

        remember(request, note)


def _mark(request: Request) -> Mark:
    return Mark(address_of(request), request.headers.get("user-agent", "")[:300])


def _real(number: int) -> int:
    if not 1 <= number <= drawing.MOST_PAGES:
        raise Missing("Page", number)
    return number


def _width(request: Request) -> int:
    asked = _whole(request.query_params.get("width", str(FIT)))
    return asked if asked in WIDTHS else FIT


def _whole(text_: str) -> int:
    return max(1, int(text_)) if text_.isdecimal() and len(text_) < 7 else 1
