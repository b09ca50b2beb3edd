"""Holds: because of a case nothing is destroyed that they are on, however long ago its term ended, until somebody lifts them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

from models import engine
from models.core import Forbidden, Refused, Say, Scope, operation, save
from models.dossiers.documents import Document
from models.dossiers.folders import Folder
from models.keeping.records import Hold, HoldItem, may_keep
from models.live import touch
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.accounts import User
    from models.viewer import Viewer


class On(NamedTuple):
    """What a hold is put on: one of the three."""

    client: int | None = None
    folder: int | None = None
    document: int | None = None


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def add_hold(
    found: Scope[Hold], name: str, reason: str, since: dt.date, expected_until: dt.date | None, on: On, *, by: Viewer
) -> Hold:
    """From now on, on this one thing; more can be added (`extend`)."""
    _may(by)
    if not name.strip():
        raise Refused("name", Say("Vul een naam in."))
    if not reason.strip():
        raise Refused("reason", Say("Vul in waarom: welke procedure of controle."))
    if expected_until is not None and expected_until < since:
        raise Refused("expected_until", Say("Deze dag ligt vóór het begin."))
    hold = Hold(
        name=name.strip()[:120], reason=reason.strip()[:1000], since=since, expected_until=expected_until, made_by=by.user.id,
        made_at=utcnow(),
    )  # fmt: skip
    await hold.save()
    client, label = await _put(hold, on, by)
    await by.note("Hold.add", hold, {"name": hold.name, "on": label, "reason": hold.reason, "client": client})
    await touch("keeping")
    return hold


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def extend(hold: Hold, on: On, *, by: Viewer) -> None:
    """The same case, on one thing more."""
    _may(by)
    if hold.lifted_at is not None:
        raise Refused("", Say("Deze opschorting is al opgeheven. Maak een nieuwe."))
    _, label = await _put(hold, on, by)
    await by.note("Hold.extend", hold, {"name": hold.name, "on": label})
    await touch("keeping")


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def lift(hold: Hold, why: str, *, by: Viewer) -> None:
    """The case is over; terms count again as if it had not been. What it was on stays noted."""
    _may(by)
    if hold.lifted_at is not None:
        raise Refused("", Say("Deze opschorting is al opgeheven."))
    if not why.strip():
        raise Refused("why", Say("Vul in waarom de opschorting niet meer nodig is."))
    await save(hold, lifted_at=utcnow(), lifted_by=by.user.id, lifted_why=why.strip()[:1000])
    await by.note("Hold.lift", hold, {"name": hold.name, "reason": hold.lifted_why})
    await touch("keeping")


async def _put(hold: Hold, on: On, by: Viewer) -> tuple[int | None, str]:
    """The client that it concerns, and how it is called."""
    if on.document:
        document = await by.documents.get(on.document)
        client, label = document.client, document.name
    elif on.folder:
        folder = await by.folders.get(on.folder)
        client, label = folder.client, folder.name
    else:
        found = await by.clients.get(on.client or 0)
        client, label = found.id, found.name
    there = await engine.raw(
        "SELECT 1 AS one FROM hold_item WHERE hold = $1 AND coalesce(client, 0) = $2 AND coalesce(folder, 0) = $3 AND coalesce(document, 0) = $4",
        hold.id, on.client or 0, on.folder or 0, on.document or 0,
    )  # fmt: skip
    if not there:
        await HoldItem(hold=hold.id, client=on.client, folder=on.folder, document=on.document).save()
    return client, label


def _may(by: Viewer) -> None:
    if not may_keep(by):
        raise Forbidden("holds")


async def all_holds() -> list[dict[str, Any]]:
    """Those in force first: id, name, reason, since, expected_until, lifted_at, lifted_why, who, items (how many)."""
    return await engine.raw(
        "SELECT h.id, h.name, h.reason, h.since, h.expected_until, h.lifted_at, h.lifted_why, u.full_name AS who, "
        "(SELECT count(*) FROM hold_item i WHERE i.hold = h.id) AS items FROM hold h LEFT JOIN users u ON u.id = h.made_by "
        "ORDER BY CASE WHEN h.lifted_at IS NULL THEN 0 ELSE 1 END, h.since DESC, h.id DESC LIMIT 500"
    )


async def items_of(hold: Hold) -> list[dict[str, Any]]:
    """What it is on: client, folder or document (ids), and name, client_name."""
    return await engine.raw(
        "SELECT i.client, i.folder, i.document, coalesce(d.name, f.name, c.name) AS name, o.name AS client_name "
        "FROM hold_item i LEFT JOIN client c ON c.id = i.client LEFT JOIN folder f ON f.id = i.folder "
        "LEFT JOIN document d ON d.id = i.document LEFT JOIN client o ON o.id = coalesce(d.client, f.client) "
        "WHERE i.hold = $1 ORDER BY i.id LIMIT 1000",
        hold.id,
    )


async def on_document(document: Document) -> list[dict[str, Any]]:
    """The holds in force on a document, by itself, a folder above it or its client: id, name, reason, since."""
    return await engine.raw(
        f"{_ABOVE} {_IN_FORCE} AND (i.document = $2 OR i.client = $3 OR i.folder IN (SELECT id FROM up)) ORDER BY h.id",
        document.folder, document.id, document.client or 0,
    )  # fmt: skip


async def on_folder(folder: Folder) -> list[dict[str, Any]]:
    return await engine.raw(
        f"{_ABOVE} {_IN_FORCE} AND (i.client = $2 OR i.folder IN (SELECT id FROM up)) ORDER BY h.id",
        folder.id, folder.client or 0,
    )  # fmt: skip


async def on_person(person: User) -> list[dict[str, Any]]:
    """The holds in force that concern a client of whom this person is a user: what he did there may be asked for."""
    return await engine.raw(
        f"{_IN_FORCE} AND coalesce(i.client, (SELECT f.client FROM folder f WHERE f.id = i.folder), "
        "(SELECT d.client FROM document d WHERE d.id = i.document)) IN (SELECT a.client FROM access a WHERE a.person = $1) ORDER BY h.id",
        person.id,
    )


_ABOVE = """WITH RECURSIVE up(id, parent) AS (SELECT id, parent FROM folder WHERE id = $1
 UNION ALL SELECT f.id, f.parent FROM folder f JOIN up u ON f.id = u.parent)"""
_IN_FORCE = "SELECT DISTINCT h.id, h.name, h.reason, h.since FROM hold h JOIN hold_item i ON i.hold = h.id WHERE h.lifted_at IS NULL"
