"""The list of clients: filtered, sorted and paged in the address, and what can be done with many at once."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import partials
from models.bulk.offering import acts_for
from models.clients import lists
from models.clients.export import workbook
from models.core import Refused, Say, Scope
from models.viewer import Viewer
from web.addresses import address_for
from web.replies import Reply, go, show, wants_fragment
from web.routing import Access, Routes

clients = Routes("clients", Access.STAFF)

SIZE = 50
COLUMNS = (
    ("number", Say("Nummer")), ("name", Say("Naam")), ("legal_form", Say("Rechtsvorm")), ("kvk", Say("KvK-nummer")),
    ("vat", Say("Btw-id")), ("iban", Say("IBAN")), ("street", Say("Straat")), ("house_number", Say("Huisnummer")),
    ("addition", Say("Toevoeging")), ("postcode", Say("Postcode")), ("city", Say("Plaats")), ("email", Say("E-mailadres")),
    ("phone", Say("Telefoon")), ("sector", Say("Branche")), ("manager", Say("Relatiebeheerder")),
    ("since", Say("Cliënt sinds")), ("groups", Say("Groepen")),
)  # fmt: skip


@clients.get("/clients")
async def list_(request: Request, viewer: Viewer) -> Reply:
    asked, number = filter_of(request.query_params), page_number(request)
    sort = request.query_params.get("sort", "name")
    kept = {**as_query(asked), "sort": sort if sort in lists.ORDERS and sort != "name" else None}
    total = await lists.count(viewer, asked)
    number = min(number, max(1, -(-total // SIZE)))
    return show(
        "clients/table.html" if wants_fragment(request) else "clients/list.html",
        title=Say("Cliënten"),
        section="clients",
        rows=await lists.page(viewer, asked, sort, number, SIZE) if total else [],
        total=total,
        page=number,
        size=SIZE,
        asked=asked,
        sort=sort,
        unsorted=list_.url(**as_query(asked)),
        base=list_.url(**kept),
        here=list_.url(**kept, page=number if number > 1 else None),
        export_url=export.url(**kept),
        is_narrowed=asked != lists.Filter(),
        acts=acts_for(viewer, "clients"),
        **await lists.choices(viewer),
    )


@clients.get("/clients/export")
async def export(request: Request, viewer: Viewer) -> Response:
    rows = await lists.for_export(viewer, filter_of(request.query_params), request.query_params.get("sort", "name"))
    with partials.speaking(viewer.user.language):
        columns = [(key, partials.speak(heading)) for key, heading in COLUMNS]
    book = await asyncio.to_thread(workbook, rows, columns)
    return Response(
        book,
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers={"Content-Disposition": 'attachment; filename="clienten.xlsx"', "Cache-Control": "no-store"},
    )


@clients.post("/clients/structures")
async def copy_structure(request: Request, viewer: Viewer) -> Reply:
    """On to the page that shows what the structure would add at these clients: nothing is copied here."""
    form = await request.form()
    structure = _number(form.get("structure"), "structure", Say("Kies een standaardstructuur."))
    asked = filter_of(form) if form.get("all_matching") else None
    whom: dict[str, Any]
    if asked == lists.Filter():
        whom = {"who": "all"}
    elif asked is not None and asked == lists.Filter(group=asked.group):
        whom = {"who": "group", "group": asked.group}
    else:
        whom = {"who": "clients", "clients": await lists.few_ids(lists.picked(viewer, ids_of(form), asked), 1000)}
    return go(address_for("copies.preview", dossier_id=structure, **whom))


@clients.post("/clients/invitations")
async def invite(request: Request, viewer: Viewer) -> Reply:
    """On to the page that shows how many mails would go to whom: nothing is sent here."""
    from models import rollout

    form = await request.form()
    people = lists.people_of(chosen(viewer, form))
    asked = filter_of(form) if form.get("all_matching") else None
    selection = dataclasses.asdict(asked) if asked else {"clients": ids_of(form)}
    opening = await rollout.prepare_opening(people, by=viewer, selection=selection)
    return go(f"/rollout/openings/{opening.id}")


# reading what was asked


def filter_of(asked: Any) -> lists.Filter:
    """Of an address or a form; nonsense narrows nothing."""
    state, missing = asked.get("state", ""), asked.get("missing", "")
    return lists.Filter(
        q=str(asked.get("q", "")).replace("\x00", "")[:100],
        group=_whole(asked.get("group")),
        state=state if state in lists.STATES else "active",
        responsible=_whole(asked.get("responsible")),
        missing=missing if missing in lists.MISSING else "",
    )


def as_query(asked: lists.Filter) -> dict[str, Any]:
    """What of it stands in an address: only what narrows."""
    values = dataclasses.asdict(asked)
    return {key: value for key, value in values.items() if value != getattr(lists.Filter(), key)}


def page_number(request: Request) -> int:
    return max(1, _whole(request.query_params.get("page")) or 1)


def chosen(viewer: Viewer, form: Any) -> Scope[Any]:
    """The clients ticked in a list, or all that match its filter."""
    return lists.picked(viewer, ids_of(form), filter_of(form) if form.get("all_matching") else None)


def back(form: Any) -> str:
    sort = str(form.get("sort", ""))
    return list_.url(**as_query(filter_of(form)), sort=sort if sort in lists.ORDERS and sort != "name" else None)


def ids_of(form: Any) -> list[int]:
    return [number for value in form.getlist("ids") if (number := _whole(value)) is not None]


def _whole(value: Any) -> int | None:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _number(value: Any, field: str, why: Say) -> int:
    number = _whole(value)
    if number is None:
        raise Refused(field, why)
    return number
