"""Looking through a client user's eyes: what the member of staff sees there, and the line that says he looked."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from models import engine
from models.audit import Trail
from models.clients import Client, granted
from models.core import Missing
from models.settings import utcnow
from models.viewer import Granted, Right, Viewer

if TYPE_CHECKING:
    from models.accounts import User

_ONE_LOOK = dt.timedelta(hours=1)  # within which pages that are opened are one look, and one line


async def through_the_eyes_of(person: int, staff: Viewer) -> Viewer:
    """The person as a viewer who changes nothing. Of his clients only those that the member of staff may see himself:
    to look on gives nobody more than he has. Raises Missing for who is blocked, or not to be seen."""
    if not staff.may("view_as"):
        raise Missing("view-as")
    user: User = await staff.users.get(person)
    if user.kind != "client" or user.state == "blocked":
        raise Missing("view-as")
    grants = await granted(user.id)
    seen = (
        {
            row["id"]
            for row in await staff.clients.where(Client.id.is_in([g.client_id for g in grants])).select(Client.id)
        }
        if grants
        else ()
    )
    shown = [_as_far_as(staff, grant) for grant in grants if grant.client_id in seen]
    return Viewer(user, shown, session_id=staff.session_id, view_as=staff.user, left_out=len(grants) - len(shown))


def _as_far_as(staff: Viewer, grant: Granted) -> Granted:
    """Without the dossier, where the colleague may not read dossiers."""
    if staff.may("read_dossiers"):
        return grant
    rights = grant.rights & ~(Right.VIEW_DOSSIER | Right.UPLOAD_DOCUMENTS)
    return Granted(grant.client_id, grant.client_name, grant.client_number, rights)


async def note_look(viewer: Viewer) -> None:
    """One line on the person's trail for each look; every page of it asks, the first one writes."""
    staff, person = viewer.view_as, viewer.user
    assert staff is not None
    lately = await engine.raw(
        "SELECT 1 AS looked FROM trail WHERE person = $1 AND operation = 'User.view_as' AND record_id = $2 AND at > $3 LIMIT 1",
        staff.id,
        person.id,
        utcnow() - _ONE_LOOK,
    )
    if not lately:
        detail = {"name": person.display_name, "clients": len(viewer.grants)}
        await engine.run_writing(lambda: Trail.write("User.view_as", person, by=Viewer(staff), detail=detail))
