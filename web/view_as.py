"""Looking through a client's eyes: the entry is logged, the rest is `/view-as/{id}/…` (web/routing.py), read-only and per tab."""

from __future__ import annotations

from starlette.requests import Request

from models.core import Refused, Say
from models.viewer import Permission, Viewer
from web.replies import Reply, go
from web.routing import Access, Routes

view_as = Routes("view_as", Access.STAFF)


@view_as.post("/users/{user_id:int}/view-as")
async def begin(request: Request, viewer: Viewer, user_id: int) -> Reply:
    person = await viewer.users.get(user_id)
    viewer.require(Permission.VIEW_AS, person)
    if person.kind != "client" or person.state == "blocked":
        raise Refused("", Say("Meekijken kan alleen met een cliëntgebruiker die niet is geblokkeerd."))
    await viewer.note("User.view_as", person)
    return go(f"/view-as/{user_id}/portal")
