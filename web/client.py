"""One client: at a glance, his details, his log; and a new one."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request

from models.clients import portrait
from models.clients.visits import visited
from models.core import Say
from models.viewer import Viewer
from web.clients import page_number
from web.replies import Reply, go, show
from web.routing import Access, Routes, remember

clients = Routes("clients", Access.STAFF)

LOG_SIZE = 50


@clients.get("/clients/{client_id:int}")
async def page(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await viewer.clients.get(client_id)
    about = await portrait.of(client)
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
    from web.trail import sentence

    client = await viewer.clients.get(client_id)
    number = page_number(request)
    lines, total = await portrait.log(client, number, LOG_SIZE)
    return show(
        "clients/log.html",
        title=client.name,
        section="clients",
        client=client,
        tab="log",
        lines=[{**line, "text": sentence(line)} for line in lines],
        total=total,
        page=number,
        size=LOG_SIZE,
        base=log.url(client_id=client_id),
    )
