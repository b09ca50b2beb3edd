"""One client: at a glance, his details, his log; and a new one."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request

from models.clients import Client, portrait, timeline
from models.clients.visits import visited
from models.core import Say
from models.requests.reading import progress_of
from models.viewer import Viewer
from web.clients import page_number
from web.replies import Reply, go, show, wants_fragment
from web.routing import Access, Routes, remember
from web.trail import changes, day_of, sentence

clients = Routes("clients", Access.STAFF)

LOG_SIZE = 50
TIMELINE_KINDS = [
    ("", Say("Alles")),
    ("details", Say("Gegevens")),
    ("users", Say("Gebruikers")),
    ("dossier", Say("Dossier")),
    ("opened", Say("Geopende stukken")),
    ("mail", Say("Mails")),
]


@clients.get("/clients/{client_id:int}")
async def page(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    if client.merged_into and await viewer.clients.where(Client.id == client.merged_into).exists():
        return go(page.url(client_id=client.merged_into))
    about = await portrait.of(client)
    about["asked"] = await progress_of(viewer, client.id)
    remember(request, partial(visited, viewer.user.id, client_id))
    return show("clients/page.html", title=client.name, section="clients", client=client, tab="overview", **about)


@clients.post("/clients/{client_id:int}/archive")
async def archive(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    await client.archive(by=viewer)
    undo = restore.url(client_id=client_id)
    return go(page.url(client_id=client_id), toast=Say("“{name}” is gearchiveerd.", name=client.name), undo=undo)


@clients.post("/clients/{client_id:int}/restoration")
async def restore(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    await client.restore(by=viewer)
    return go(page.url(client_id=client_id), toast=Say("“{name}” is weer actief.", name=client.name))


@clients.get("/clients/{client_id:int}/log")
async def log(request: Request, viewer: Viewer, client_id: int) -> Reply:
    """The timeline: everything that happened with this client."""
    client = await viewer.clients.get(client_id)
    asked, number = _asked(request), min(page_number(request), 1_000_000)
    lines, total = await timeline.page(client, viewer, asked, number, LOG_SIZE)
    narrowed = {"kind": asked.kind, "since": asked.since, "until": asked.until}
    return show(
        "clients/timeline.html" if wants_fragment(request) else "clients/log.html",
        title=client.name,
        section="clients",
        client=client,
        tab="log",
        lines=[{**line, "text": sentence(line), "changes": changes(line)} for line in lines],
        total=total,
        page=number,
        size=LOG_SIZE,
        asked=asked,
        kinds=TIMELINE_KINDS,
        base=log.url(client_id=client_id, **{name: str(value) for name, value in narrowed.items() if value}),
    )


def _asked(request: Request) -> timeline.Filter:
    asked = request.query_params
    kind = asked.get("kind", "")
    return timeline.Filter(
        kind if kind in timeline.KINDS else "", day_of(asked.get("since")), day_of(asked.get("until"))
    )
