"""Which rights templates a folder is open to: of a standard structure, which carries it to clients, or of one client."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models.clients.rights import templates
from models.core import Refused, Say
from models.dossiers import Folder
from models.dossiers.grants import grants_of, set_grants
from models.viewer import Viewer
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes

grants = Routes("grants", Access.STAFF)


@grants.get("/folders/{folder_id:int}/grants")
async def page(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder = await viewer.folders.get(folder_id)
    held = {id: "act" if act else "view" for id, act in (await grants_of(folder_id)).items()}
    return show("folders/grants.html", **await _page(folder, held))


@grants.post("/folders/{folder_id:int}/grants")
async def change(request: Request, viewer: Viewer, folder_id: int) -> Reply:
    folder, form = await viewer.folders.get(folder_id), await request.form()
    chosen = {
        int(key[9:]): str(value) for key, value in form.items() if key.startswith("template-") and key[9:].isdecimal()
    }
    try:
        await set_grants(folder, {id: how == "act" for id, how in chosen.items() if how in ("view", "act")}, by=viewer)
    except Refused as refused:
        return invalid("folders/grants.html", **await _page(folder, chosen) | {"problem": refused.why})
    return go(f"/folders/{folder_id}", toast=Say("Wie de map “{name}” opent is bewaard.", name=folder.name))


async def _page(folder: Folder, held: dict[int, str]) -> dict[str, Any]:
    return {
        "title": Say("Wie deze map opent"),
        "section": "dossiers",
        "folder": folder,
        "templates": await templates(),
        "held": held,
        "problem": None,
    }
