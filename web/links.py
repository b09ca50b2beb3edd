"""Signing in by a mailed link, where the office allows it: asking for one, and the page behind it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from starlette.requests import Request

from models import engine, signing_in, throttling
from models.core import Gone, Missing, Refused, Say
from models.settings import Firm
from models.viewer import Viewer
from web.forms import Form, Text
from web.replies import Reply, invalid, show
from web.routing import Access, Routes
from web.security import address_of
from web.sessions import ASKING_LASTS, LAYOUT, gone_page, let_in, next_of

door = Routes("sessions", Access.PUBLIC)


class Asked(Form):
    email = Text(most=254, required=True)


@door.get("/sign-in/link")
async def link(request: Request, viewer: Viewer) -> Reply:
    await _allowed()
    return _page(request, Asked.blank(email=request.query_params.get("email", "")[:254]), show, sent=False)


def _page(request: Request, form: Asked, make: Any, *, sent: bool) -> Reply:
    reply: Reply = make(
        "sessions/link.html",
        title=Say("Aanmelden met een link"),
        layout=LAYOUT,
        form=form,
        sent=sent,
        minutes=signing_in.SIGN_IN_MINUTES,
        next_url=next_of(request),
    )
    return reply


async def _ask(request: Request, form: Any) -> bool:
    """Before the unit, in one of its own: it lasts as long for an address that nobody has."""
    began, email = time.monotonic(), " ".join(str(form.get("email", ""))[:254].split())

    async def ask() -> bool:
        within = await throttling.count_try(throttling.of_forgotten(address_of(request)))
        if within:
            await signing_in.ask_sign_in_link(email)
        return within

    within = await engine.run_writing(ask)
    await asyncio.sleep(max(0.0, ASKING_LASTS - (time.monotonic() - began)))
    return within


@door.post("/sign-in/link", before=_ask)
async def ask_link(request: Request, viewer: Viewer, prepared: bool) -> Reply:
    """The same answer whether the address is known or not."""
    await _allowed()
    form = await Asked.read(request)
    if not prepared:
        form.refuse(Refused("email", Say("Er is vanaf hier te vaak een link aangevraagd. Wacht een kwartier.")))
    return _page(request, form, invalid if form.errors else show, sent=not form.errors)


async def _allowed() -> None:
    if (await Firm.load()).email_link == "nobody":
        raise Missing("sign-in link")


@door.get("/sign-in/link/{token}")
async def link_arrived(request: Request, viewer: Viewer, token: str) -> Reply:
    """Asks to confirm: mail scanners open every link, and must sign nobody in."""
    try:
        user = await signing_in.open_sign_in_link(token)
    except Gone as gone:
        return gone_page(gone)
    return show("sessions/link_arrived.html", title=Say("Aanmelden"), layout=LAYOUT, token=token, user=user)


@door.post("/sign-in/link/{token}")
async def use_link(request: Request, viewer: Viewer, token: str) -> Reply:
    try:
        user = await signing_in.use_sign_in_link(token)
    except Gone as gone:
        return gone_page(gone)
    return await let_in(request, user, how="link")
