"""A form that was sent when the session had ended: kept for the same person, and shown again as he typed it."""

from __future__ import annotations

import dataclasses
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from models import engine
from models.core import Missing, Say
from models.signing_in import find_draft, keep_draft
from models.viewer import Viewer
from web import routing
from web.addresses import address_for, local_path
from web.replies import Reply, Toast, go, redirect
from web.routing import Routes

drafts = Routes("drafts")

_NEVER = ("password", "code", "pin", "secret", "sealed", "token", "credential")


async def keep(request: Request, form: FormData) -> Response:
    """Write the fields down (never secrets) and go to the sign-in, which leads back here."""
    then = await engine.run_writing(lambda: keep_typed(request, form, request.scope["poort.former"], proof=False))
    return redirect(request, address_for("sessions.sign_in", next=then))


async def keep_typed(request: Request, form: FormData, person: int, *, proof: bool = True) -> str:
    """Write the fields down for this person; the address at which he gets them back. In a writing unit."""
    fields = [
        (name, value)
        for name, value in form.multi_items()
        if isinstance(value, str) and not any(word in name for word in _NEVER)
    ]
    came = urlsplit(request.headers.get("hx-current-url") or request.headers.get("referer") or "")
    came_from = local_path(came.path) if routing.is_our_host(came.netloc, request) else ""
    draft_id = await keep_draft(person, request.url.path, came_from, fields)
    return again.url(draft_id=draft_id, proof=1 if proof else None)


@drafts.get("/drafts/{draft_id:int}")
async def again(request: Request, viewer: Viewer, draft_id: int) -> Reply | Response:
    """The form as it was typed. The handler runs as a rehearsal: forms submit nothing, and the unit is read-only."""
    found = await find_draft(draft_id, viewer.user.id)
    if found is None:
        raise Missing("draft")
    path, came_from, fields = found
    sorry = Say("Uw sessie was verlopen. Controleer wat u had ingevuld en verstuur het opnieuw.")
    if request.query_params.get("proof"):
        sorry = Say("Dank u. Controleer wat u had ingevuld en verstuur het opnieuw.")
    action, parameters = routing.action_at("POST", path)
    routing.bar(action, viewer)
    rehearsal = Request({**request.scope, "method": "POST", "path": path}, request.receive)
    rehearsal._form = FormData([(name, value) for name, value in fields])
    token = routing.rehearsing.set(True)
    try:
        if action.before:
            parameters["prepared"] = await action.before(rehearsal, rehearsal._form)
        reply: Any = await action.handler(rehearsal, viewer, **parameters)
    except Exception:
        return go(came_from or "/", toast=Toast(sorry, "attention"))
    finally:
        routing.rehearsing.reset(token)
    if isinstance(reply, Reply) and reply.status == 422:
        context = {**reply.context, "inner": reply.template, "sorry": sorry}
        return dataclasses.replace(reply, template="sessions/draft.html", context=context, status=200)
    return go(came_from or "/", toast=Toast(sorry, "attention"))
