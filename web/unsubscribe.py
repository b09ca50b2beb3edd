"""The link in a mail by which a client's person hears no more: looked at first, done by a button or by the mail program itself."""

from __future__ import annotations

from starlette.requests import Request

from models import hearing
from models.core import Gone, Say
from models.viewer import Viewer
from web.replies import Reply, show
from web.routing import Access, Routes
from web.sessions import LAYOUT, gone_page

unsubscribe = Routes("unsubscribe", Access.PUBLIC)


@unsubscribe.get("/unsubscribe/{token}")
async def page(request: Request, viewer: Viewer, token: str) -> Reply:
    try:
        person = await hearing.person_of(token)
    except Gone as gone:
        return gone_page(gone)
    return show("unsubscribe/page.html", title=Say("Geen berichten meer"), layout=LAYOUT, token=token, person=person)


@unsubscribe.post("/unsubscribe/{token}")
async def stop(request: Request, viewer: Viewer, token: str) -> Reply:
    try:
        await hearing.hear_no_more(token)
    except Gone as gone:
        return gone_page(gone)
    return show("unsubscribe/done.html", title=Say("Geen berichten meer"), layout=LAYOUT)
