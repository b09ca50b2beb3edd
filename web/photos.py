"""The photo of a colleague: shown to whom it concerns, uploaded and taken away by himself or by who manages staff."""

from __future__ import annotations

import hmac

from starlette.requests import Request
from starlette.responses import Response

from models.accounts import photos as records
from models.core import Missing, Refused, Say
from models.storage import Missing as NoBytes
from models.storage import storage
from models.viewer import Viewer
from web.addresses import local_path
from web.downloads import CSP
from web.replies import Reply, Toast, go
from web.routing import Routes
from web.uploads import Received

photos = Routes("photos")


@photos.get("/users/{user_id:int}/photo")
async def photo(request: Request, viewer: Viewer, user_id: int) -> Response:
    """With ?v= of the present one it is kept by that browser; never by what stands between."""
    sha256 = await records.photo_of(viewer, user_id)
    try:
        content = await storage().read(sha256)
    except NoBytes as error:
        raise Missing("photo", user_id) from error
    is_present = hmac.compare_digest(request.query_params.get("v", "").encode(), sha256[:12].encode())
    kept = "private, max-age=86400, immutable" if is_present else "private, no-cache"
    headers = {"Cache-Control": kept, "Content-Security-Policy": CSP, "X-Content-Type-Options": "nosniff"}
    return Response(content, headers=headers, media_type=records.TYPE)


async def _may(request: Request, viewer: Viewer, user_id: int) -> None:
    person = await viewer.users.get(user_id)
    if person.kind != "staff":
        raise Missing("photo", user_id)
    await records.may_set_photo(person, viewer)


async def _small(received: Received) -> str | Refused:
    try:
        file = received.one_file("photo")
        return await records.keep_small(file.sha256, file.size)
    except Refused as refused:
        return refused


@photos.upload("/users/{user_id:int}/photo", before=_may, after=_small)
async def set_photo(
    request: Request, viewer: Viewer, user_id: int, received: Received, prepared: str | Refused
) -> Reply:
    person = await viewer.users.get(user_id)
    if isinstance(prepared, Refused):
        return go(_back(received.fields, user_id), toast=Toast(prepared.why, "danger"))
    await records.set_photo(person, prepared, by=viewer)
    return go(_back(received.fields, user_id), toast=Say("De foto is bewaard."))


@photos.post("/users/{user_id:int}/photo/removal")
async def remove_photo(request: Request, viewer: Viewer, user_id: int) -> Reply:
    person = await viewer.users.get(user_id)
    if person.kind != "staff":
        raise Missing("photo", user_id)
    await records.remove_photo(person, by=viewer)
    return go(_back(await request.form(), user_id), toast=Say("De foto is weggenomen."))


def _back(form: object, user_id: int) -> str:
    """The page on which the form stood: his own account, or the page of a colleague."""
    then = form.get("then", "") if hasattr(form, "get") else ""
    return local_path(str(then)) or f"/users/{user_id}"
