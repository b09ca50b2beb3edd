"""Two files of one client: which they are, what merging them would do, and doing it."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models import merging
from models.clients import Client
from models.core import Missing, Refused, Say
from models.viewer import Permission, Viewer
from web.client import page
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes
from web.trail import named_field, shown

clients = Routes("clients", Access.STAFF)


@clients.get("/clients/{client_id:int}/merge")
async def merge_preview(request: Request, viewer: Viewer, client_id: int) -> Reply:
    """Without `other` the choice of a duplicate; with it field by field what survives, and counts of what moves."""
    client = await _allowed(viewer, client_id)
    typed = request.query_params.get("other", "").strip()[:230]
    if not typed:
        return show("merging/choose.html", **await _choice(viewer, client))
    try:
        other = await _other(viewer, client, typed)
    except Refused as refused:
        return invalid("merging/choose.html", **await _choice(viewer, client, typed=typed, why=refused.why))
    return show("merging/preview.html", **await _preview(client, other))


@clients.post("/clients/{client_id:int}/merge")
async def merge(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client = await _allowed(viewer, client_id)
    form = await request.form()
    number = str(form.get("other", ""))
    other = await viewer.clients.get(int(number) if number.isdecimal() and len(number) < 10 else 0)
    take = [name for name in merging.CHOSEN if form.get(f"take-{name}") == "other"]
    try:
        await merging.merge(client, other, take, str(form.get("seen", "")), by=viewer)
    except Refused as refused:
        return invalid("merging/preview.html", **await _preview(client, other, take, refused.why))
    words = Say("“{other}” is samengevoegd met “{name}”.", other=other.name, name=client.name)
    return go(page.url(client_id=client_id), toast=words)


async def _allowed(viewer: Viewer, client_id: int) -> Client:
    if not viewer.may(Permission.MANAGE_CLIENTS):
        raise Missing("clients.merge")
    return await viewer.clients.get(client_id)


async def _other(viewer: Viewer, client: Client, typed: str) -> Client:
    found = merging.to_merge(viewer, typed).where(Client.id != client.id)
    one = await found.find() if await found.count() == 1 else None
    if one is None:
        raise Refused("other", Say("Geen andere cliënt heeft dit nummer, of meer cliënten heten zo: typ het nummer."))
    return one


async def _choice(viewer: Viewer, client: Client, **more: Any) -> dict[str, Any]:
    rows = await merging.alike(viewer, client)
    return {
        "title": client.name,
        "section": "clients",
        "client": client,
        "tab": "details",
        "alike": [{**row, "by": [named_field(name) for name in row["by"]]} for row in rows],
        "typed": "",
        "why": None,
        **more,
    }


async def _preview(
    client: Client, other: Client, taken: list[str] | None = None, why: Say | None = None
) -> dict[str, Any]:
    """`taken`: the fields of which the other's value was chosen."""
    done = await merging.preview(client, other)
    rows = [
        {
            "name": one.name,
            "label": named_field(one.name),
            "kept": shown(one.name, one.kept),
            "other": shown(one.name, one.other),
            "takes_other": one.takes_other if taken is None else one.name in taken,
        }
        for one in done.differences
    ]
    return {
        "title": client.name,
        "section": "clients",
        "client": client,
        "other": other,
        "tab": "details",
        "rows": rows,
        "moves": done.moves,
        "seen": done.seen,
        "why": why,
    }
