"""Searching from the top bar, and on a page of its own."""

from __future__ import annotations

from starlette.requests import Request

import partials
from models.core import Say
from models.search import find, recent
from models.viewer import Viewer
from web import places
from web.replies import Reply, show, wants_fragment
from web.routing import Access, Routes

search = Routes("search", Access.STAFF)


@search.get("/search")
async def page(request: Request, viewer: Viewer) -> Reply:
    """Without a question: the clients he was with last."""
    question = request.query_params.get("q", "")[:100].replace("\x00", "")
    bar = wants_fragment(request)
    with partials.speaking(viewer.user.language):
        there = {"pages": places.pages(viewer, question), "settings": places.settings(viewer, question)}
    return show(
        "search/options.html" if bar else "search/page.html",
        title=Say("Zoeken"),
        question=question,
        answer=await find(viewer, question, 5 if bar else 25),
        places=there,
        recent=[] if question.strip() else await recent(viewer, 8),
    )
