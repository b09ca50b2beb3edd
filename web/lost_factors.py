"""Help for who lost his second factor: asking it, two colleagues who confirm, and the link by which the person stops it."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models import lost_factors as lost
from models.core import Gone, Missing, Refused, Say
from models.lost_factors import LostFactor
from models.settings import Firm
from models.viewer import Permission, Viewer
from web.proof import asks_proof
from web.replies import Reply, go, show
from web.routing import Access, Routes
from web.sessions import LAYOUT, gone_page, sign_in
from web.user import page as person_page
from web.user import refusal

lost_factors = Routes("lost_factors", Access.STAFF)


@lost_factors.get("/sign-in/code/lost", Access.PUBLIC)
async def lost_(request: Request, viewer: Viewer) -> Reply:
    """After the password: what happens when he asks for help, and asking it."""
    if "poort.half" not in request.scope:
        return go(sign_in.url())
    return await _lost(request)


@lost_factors.post("/sign-in/code/lost", Access.PUBLIC)
async def ask(request: Request, viewer: Viewer) -> Reply:
    half = request.scope.get("poort.half")
    if half is None:
        return go(sign_in.url())
    await lost.ask_for_oneself(half.user)
    return await _lost(request)


async def _lost(request: Request) -> Reply:
    person, firm = request.scope["poort.half"].user, await Firm.load()
    return show(
        "lost_factors/lost.html", title=Say("Tweede factor kwijt"), layout=LAYOUT, person=person,
        asked=await lost.open_of(person.id), hours=firm.lost_factor_hours,
    )  # fmt: skip


@lost_factors.get("/lost-factor/{token}", Access.PUBLIC)
async def stopping(request: Request, viewer: Viewer, token: str) -> Reply:
    """Looking stops nothing: mail scanners look at every link."""
    try:
        asked, person = await lost.request_of(token)
    except Gone as gone:
        return gone_page(gone)
    return show(
        "lost_factors/stop.html", title=Say("Tegenhouden"), layout=LAYOUT, token=token, asked=asked, person=person
    )


@lost_factors.post("/lost-factor/{token}", Access.PUBLIC)
async def stop(request: Request, viewer: Viewer, token: str) -> Reply:
    try:
        await lost.stop(token)
    except Gone as gone:
        return gone_page(gone)
    return show("lost_factors/stopped.html", title=Say("Tegengehouden"), layout=LAYOUT)


@lost_factors.get("/lost-factors")
async def list_(request: Request, viewer: Viewer) -> Reply:
    """What is under way."""
    if not viewer.may(Permission.MANAGE_USERS):
        raise Missing("lost_factors")
    rows = await lost.listed(viewer)
    return show("lost_factors/list.html", title=Say("Verloren tweede factor"), section="users", rows=rows)


@lost_factors.post("/users/{user_id:int}/lost-factor")
async def ask_for(request: Request, viewer: Viewer, user_id: int) -> Reply:
    person = await viewer.users.get(user_id)
    here = person_page.url(user_id=user_id)
    if asked := await asks_proof(request, viewer, here):
        return asked
    try:
        await lost.ask_for(person, by=viewer)
    except Refused as refused:
        return await refusal(viewer, person, refused)
    return go(here, toast=Say("Genoteerd. Een tweede collega moet het nog bevestigen."))


@lost_factors.post("/lost-factors/{lost_factor_id:int}/confirmation")
async def confirm(request: Request, viewer: Viewer, lost_factor_id: int) -> Reply:
    return await _decide(request, viewer, lost_factor_id, "confirm", Say("Bevestigd."))


@lost_factors.post("/lost-factors/{lost_factor_id:int}/refusal")
async def refuse(request: Request, viewer: Viewer, lost_factor_id: int) -> Reply:
    return await _decide(request, viewer, lost_factor_id, "refuse", Say("Het verzoek is gesloten."))


async def _decide(request: Request, viewer: Viewer, id: int, what: str, done: Say) -> Reply:
    asked: Any = await viewer.scope(LostFactor).get(id)
    here = person_page.url(user_id=asked.person)
    if proof := await asks_proof(request, viewer, here):
        return proof
    try:
        await getattr(asked, what)(by=viewer)
    except Refused as refused:
        return await refusal(viewer, await viewer.users.get(asked.person), refused)
    return go(here, toast=done)
