"""Looking through a client user's eyes: what the member of staff sees there, and the line that says he looked."""

from __future__ import annotations

import datetime as dt
import json
from functools import partial
from typing import TYPE_CHECKING, Any

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
    return Granted(
        grant.client_id, grant.client_name, grant.client_number, rights, office=grant.office, looks_on=grant.looks_on
    )


async def note_look(
    viewer: Viewer, *, of_client: int | None = None, folder_id: int | None = None, document_id: int | None = None
) -> None:
    """One line on the person's trail for each look, and one on the client's for each folder, document or dossier that was
    opened in it. Every page asks; within the hour only the first writes."""
    staff, person = viewer.view_as, viewer.user
    assert staff is not None
    told = {"name": person.display_name, "person": person.id}
    lines: list[_Line] = [(_LOOK, "User", int(person.id), None, told | {"clients": len(viewer.grants)})]
    if opened := await _opened(of_client, folder_id, document_id):
        table, id, client, what = opened
        lines.append((_OPEN, table, id, client, told | {"what": what}))
    for line in lines:
        if not await _noted_lately(staff, line, person.id):
            await engine.run_writing(partial(Trail.write_of, *line, by=Viewer(staff)))


_Line = tuple[str, str, int, int | None, dict[str, Any]]  # operation, table, id, client, detail
_LOOK, _OPEN = "User.view_as", "User.view_as.open"


async def _noted_lately(staff: User, line: _Line, person: int) -> bool:
    operation, table, id, _client, _detail = line
    rows = await engine.raw(
        "SELECT detail FROM trail WHERE record_table = $1 AND record_id = $2 AND person = $3 AND operation = $4 AND at > $5",
        table,
        id,
        staff.id,
        operation,
        utcnow() - _ONE_LOOK,
    )
    return any(operation == _LOOK or json.loads(row["detail"]).get("person") == person for row in rows)


async def _opened(
    client: int | None, folder: int | None, document: int | None
) -> tuple[str, int, int | None, str] | None:
    """What a page shows: table, id, the client in whose log it belongs, and its name."""
    if document or folder:
        table = "document" if document else "folder"
        rows = await engine.raw(f"SELECT id, name, client FROM {table} WHERE id = $1", document or folder)
        return (table.title(), rows[0]["id"], rows[0]["client"] or client, rows[0]["name"]) if rows else None
    if client:
        rows = await engine.raw("SELECT id, name FROM client WHERE id = $1", client)
        return ("Client", client, client, rows[0]["name"]) if rows else None
    return None
