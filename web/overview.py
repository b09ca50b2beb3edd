"""Where staff land: what is asked of them, their clients' news, invitations in trouble and how the portal is used."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models import asked, figures, mine
from models import overview as seen
from models.certifying.attention import points_for
from models.core import Missing, Say
from models.dossiers.remarks import open_questions
from models.keeping.lists import pending
from models.keeping.records import may_keep
from models.rollout import board, checklist
from models.scanning.working import standing
from models.settings import Firm
from models.viewer import Permission, Viewer
from web.addresses import address_for
from web.clients import page_number
from web.replies import Reply, show, wants_fragment
from web.routing import Access, Routes

overview = Routes("overview", Access.STAFF)

UPLOADS, NEWS, SIZE = 5, 8, 50
TROUBLE = {
    "bounced": (Say("Niet aangekomen"), {"state": "bounced"}),
    "unopened": (Say("Na een week niet geopend"), {"trouble": "unopened"}),
    "expiring": (Say("Verloopt binnen drie dagen"), {"trouble": "expiring"}),
    "expired": (Say("Verlopen"), {"state": "expired"}),
}


@overview.get("/")
async def page(request: Request, viewer: Viewer) -> Reply:
    has_clients, has_own = await seen.standing(viewer)
    is_fresh = not has_clients and viewer.sees_all_clients
    about = {} if is_fresh else await _all(request, viewer, has_own)
    about |= {"scanner": await standing(viewer), "seals": await points_for(viewer)}
    return show("overview/page.html", title=Say("Overzicht"), section="overview", is_fresh=is_fresh, **about)


@overview.get("/overview/asked")
async def asked_(request: Request, viewer: Viewer) -> Reply:
    """What is asked, as the list on the overview; from the bell, as its menu (`?bell=1`), and without htmx as a page."""
    every = await _everybody(request, viewer)
    found = await asked.asked_of(viewer, everybody=every)
    fragment = "overview/bell.html" if request.query_params.get("bell") else "overview/asked.html"
    return show(
        fragment if wants_fragment(request) else "overview/asked_page.html",
        title=Say("Wat er van u gevraagd wordt"),
        section="overview",
        asked=found,
        asked_total=asked.total(found),
        everybody=every,
    )


@overview.get("/overview/news")
async def news(request: Request, viewer: Viewer) -> Reply:
    """Everybody's; on the overview the first few (`?few=1`)."""
    every = await _everybody(request, viewer)
    few = bool(request.query_params.get("few"))
    found, clients = await seen.news(viewer, NEWS if few else 500, everybody=every)
    return show(
        "overview/news.html" if few else "overview/news_page.html",
        title=Say("Nieuws van cliënten"),
        section="overview",
        news=found,
        news_clients=clients,
        everybody=every,
    )


@overview.get("/overview/handed-in")
async def handed_in(request: Request, viewer: Viewer) -> Reply:
    """What clients handed in and no colleague opened yet; all of it with `?show=all`."""
    if not viewer.may(Permission.READ_DOSSIERS):
        raise Missing("Document")
    every, whole = await _everybody(request, viewer), request.query_params.get("show") == "all"
    total = await seen.count_uploads(viewer, everybody=every, unopened=not whole)
    number = min(page_number(request), max(1, -(-total // SIZE)))
    kept = {"show": "all" if whole else None, "clients": request.query_params.get("clients")}
    return show(
        "overview/handed_in.html",
        title=Say("Aangeleverde stukken"),
        section="overview",
        rows=await seen.newest_uploads(viewer, SIZE, page=number, everybody=every, unopened=not whole),
        whole=whole,
        total=total,
        page=number,
        size=SIZE,
        base=handed_in.url(**kept),
        here=handed_in.url(**kept, page=number if number > 1 else None),
        views={name: handed_in.url(show=name, clients=kept["clients"]) for name in ("", "all")},
    )


@overview.get("/overview/uploads")
async def uploads(request: Request, viewer: Viewer) -> Reply:
    every = await _everybody(request, viewer)
    newest = await seen.newest_uploads(viewer, UPLOADS, everybody=every)
    return show(
        "overview/uploads.html", title=Say("Laatst aangeleverd"), section="overview", uploads=newest, everybody=every
    )


@overview.get("/overview/tasks")
async def running(request: Request, viewer: Viewer) -> Reply:
    return show(
        "overview/running.html", title=Say("Lopend werk"), section="overview", tasks=await seen.running(viewer, 5)
    )


@overview.get("/overview/rollout")
async def progress(request: Request, viewer: Viewer) -> Reply:
    steps = await checklist(viewer, await Firm.load())
    return show("overview/rollout.html", title=Say("Uitrol"), section="overview", steps=steps)


async def _all(request: Request, viewer: Viewer, has_own: bool) -> dict[str, Any]:
    """One query for each card."""
    may_choose = mine.chooses(viewer) and has_own
    every = mine.chooses(viewer) and (not may_choose or request.query_params.get("clients") == "all")
    found = await asked.asked_of(viewer, everybody=every)
    told, clients = await seen.news(viewer, NEWS, everybody=every)
    return {
        "everybody": every,
        "may_choose": may_choose,
        "asked": found,
        "asked_total": asked.total(found),
        "news": told,
        "news_clients": clients,
        "trouble": await _trouble(viewer, every),
        "activation": await figures.activation(viewer, everybody=every),
        "use": await figures.use(viewer, everybody=every),
        "tasks": await seen.running(viewer, 5),
        "uploads": await seen.newest_uploads(viewer, UPLOADS, everybody=every),
        "keeping": await pending() if may_keep(viewer) else None,
    }


async def _trouble(viewer: Viewer, every: bool) -> list[tuple[Say, int, str]] | None:
    """What, how many, and the address of the board that shows them; None for who may not look at the board."""
    if not viewer.may(Permission.VIEW_ROLLOUT):
        return None
    counted = await board.in_trouble(mine.looked_after(viewer, "a.client", everybody=every))
    whose = viewer.user.id if mine.chooses(viewer) and not every else None
    return [
        (label, counted[name], address_for("invitations.page", **query, responsible=whose))
        for name, (label, query) in TROUBLE.items()
    ]


async def _everybody(request: Request, viewer: Viewer) -> bool:
    """Whether it is of all clients that he sees: asked for in the address, and so when none of them is his own."""
    if not mine.chooses(viewer):
        return False
    return request.query_params.get("clients") == "all" or not (await seen.standing(viewer))[1]


@overview.get("/overview/questions")
async def questions(request: Request, viewer: Viewer) -> Reply:
    """What clients asked about documents and nobody answered yet."""
    return show(
        "overview/questions.html",
        title=Say("Vragen van cliënten"),
        section="overview",
        rows=await open_questions(viewer),
    )
