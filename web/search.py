"""Searching from the top bar, and on a page of its own."""

from __future__ import annotations

from starlette.requests import Request

from models.core import Say
from models.search import find
from models.viewer import Viewer
from web.replies import Reply, show, wants_fragment
from web.routing import Access, Routes

search = Routes("search", Access.STAFF)


@search.get("/search")
async def page(request: Request, viewer: Viewer) -> Reply:
    question = request.query_params.get("q", "")[:100]
    bar = wants_fragment(request)
    found = await find(viewer, question, 5 if bar else 25)
    return show(
        "search/options.html" if bar else "search/page.html", title=Say("Zoeken"), question=question, found=found
    )
