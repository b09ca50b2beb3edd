"""In the portal: who approves lets a colleague do it for a while."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models.approvals import granting
from models.approvals.records import Mandate
from models.clients import Client
from models.core import Missing, Refused, Say
from models.viewer import Right, Viewer
from web.client_approvers import day_in, warned
from web.plan_form import id_in
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes

own = Routes("own_substitutes", Access.CLIENT)


@own.get("/portal/substitutes")
async def page(request: Request, viewer: Viewer) -> Reply:
    return show("approvers/own.html", **await _page(viewer))


async def _page(viewer: Viewer, **more: Any) -> dict[str, Any]:
    """Of each client at which he may approve: the colleagues who may stand in, and what he gave."""
    ids = viewer.client_ids_with(Right.APPROVE)
    found = await granting.own_substitutes(viewer.user.id, ids)
    clients = [{"id": id, "name": viewer.grants[id].client_name, **found[id]} for id in ids]
    if not clients:
        raise Missing("approvals")
    return {"title": Say("Vervanging bij accorderen"), "section": "approvals", "clients": clients, "typed": {}} | more


@own.post("/portal/substitutes/{client_id:int}")
async def appoint(request: Request, viewer: Viewer, client_id: int) -> Reply:
    client, form = await viewer.clients.get(client_id), await request.form()
    try:
        mandate = await granting.appoint_substitute(
            client, id_in(form, "taker"), day_in(form, "since"), day_in(form, "until"), str(form.get("note", "")).strip(), by=viewer
        )  # fmt: skip
    except Refused as refused:
        typed = {name: str(value) for name, value in form.items() if isinstance(value, str)}
        return invalid("approvers/own.html", **await _page(viewer, typed={client.id: typed}, problem=(client.id, refused.why)))  # fmt: skip
    done = Say("De vervanging is vastgelegd. Uw kantoor ziet dit ook.")
    return go(page.url(), toast=warned(await granting.doubts(mandate)) or done)


@own.post("/portal/substitutes/{client_id:int}/{mandate_id:int}/end")
async def end(request: Request, viewer: Viewer, client_id: int, mandate_id: int) -> Reply:
    client: Client = await viewer.clients.get(client_id)
    given = (
        await viewer.scope(Mandate)
        .where((Mandate.client == client.id) & (Mandate.giver == viewer.user.id))
        .get(mandate_id)
    )
    await granting.end_own_mandate(given, by=viewer)
    return go(page.url(), toast=Say("De vervanging is beëindigd."))
