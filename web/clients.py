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
from models.clients.columns import EVERY_ORDER
from models.clients.export import workbook
from models.core import Refused, Say, Scope
from models.settings import MODULES
from models.viewer import Viewer
from web.addresses import address_for
from web.replies import Reply, go, show, wants_fragment
from web.routing import Access, Routes

clients = Routes("clients", Access.STAFF)

SIZE = 50
COLUMNS = (
    ("number", Say("Nummer")), ("name", Say("Naam")), ("kind", Say("Soort")), ("legal_form", Say("Rechtsvorm")), ("kvk", Say("KvK-nummer")),
    ("branch_number", Say("Vestigingsnummer")), ("rsin", Say("RSIN")), ("vat", Say("Btw-id")),
    ("payroll_numbers", Say("Loonheffingennummers")), ("iban", Say("IBAN")), ("street", Say("Straat")),
    ("house_number", Say("Huisnummer")), ("letter", Say("Huisletter")), ("addition", Say("Toevoeging")),
    ("postcode", Say("Postcode")), ("city", Say("Plaats")), ("lines", Say("Adresregels")), ("country", Say("Land")),
    ("post_street", Say("Straat (post)")), ("post_house_number", Say("Huisnummer (post)")), ("post_letter", Say("Huisletter (post)")),
    ("post_addition", Say("Toevoeging (post)")), ("post_postcode", Say("Postcode (post)")), ("post_city", Say("Plaats (post)")),
    ("post_lines", Say("Adresregels (post)")), ("post_country", Say("Land (post)")), ("email", Say("E-mailadres")),
    ("phone", Say("Telefoon")), ("website", Say("Website")), ("language", Say("Taal")), ("sectors", Say("Branches")),
    ("office", Say("Vestiging")), ("people", Say("Verantwoordelijk")), ("manager", Say("Relatiebeheerder")),
    ("since", Say("Cliënt sinds")), ("groups", Say("Groepen")),
)  # fmt: skip


@clients.get("/clients")
async def list_(request: Request, viewer: Viewer) -> Reply:
    from web import views  # which reads what is asked of the lists

    asked, number, sort = filter_of(request.query_params), page_number(request), sort_of(request.query_params)
    narrowed = as_query(asked)
    looked = await views.context(viewer, "clients", request, narrowed | {"sort": sort if sort != "name" else None})
    kept = looked["query"] | {"columns": looked["asked_columns"]}
    total = await lists.count(viewer, asked)
    number = min(number, max(1, -(-total // SIZE)))
    names = [name for name, _ in looked["columns"]]
    return show(
        "clients/table.html" if wants_fragment(request) else "clients/list.html",
        title=Say("Cliënten"),
        section="clients",
        rows=await lists.page(viewer, asked, sort, number, SIZE, names) if total else [],
        total=total,
        page=number,
        size=SIZE,
        asked=asked,
        sort=sort,
        unsorted=list_.url(**narrowed, columns=looked["asked_columns"]),
        base=list_.url(**kept),
        here=list_.url(**kept, page=number if number > 1 else None),
        export_url=export.url(**looked["query"]),
        is_narrowed=asked != lists.Filter(),
        acts=await acts_for(viewer, "clients"),
        kinds=[("", Say("Maakt niet uit")), *lists.CHOSEN["kind"].items()],
        languages=[("", Say("Maakt niet uit")), *lists.CHOSEN["language"].items()],
        factors=[("", Say("Maakt niet uit")), *lists.CHOSEN["second_factor"].items()],
        more_asked=set(narrowed) - {"q", "group", "state", "responsible", "missing"},
        told=views.told,
        **looked,
        **await lists.choices(viewer),
    )


@clients.get("/clients/export")
async def export(request: Request, viewer: Viewer) -> Response:
    """All that match the filter, as a workbook."""
    found = await lists.for_export(viewer, filter_of(request.query_params), sort_of(request.query_params))
    return await _workbook(viewer, found)


@clients.post("/clients/export")
async def export_chosen(request: Request, viewer: Viewer) -> Response:
    """Those that were ticked, or all that match, as a workbook."""
    form = await request.form()
    asked = filter_of(form) if form.get("all_matching") else lists.Filter(state="all")
    ids = None if form.get("all_matching") else ids_of(form)
    return await _workbook(viewer, await lists.for_export(viewer, asked, sort_of(form), ids))


async def _workbook(viewer: Viewer, rows: list[dict[str, Any]]) -> Response:
    with partials.speaking(viewer.user.language):
        columns = [(key, partials.speak(heading)) for key, heading in COLUMNS]
    return as_workbook(await asyncio.to_thread(workbook, rows, columns), "clienten.xlsx")


def as_workbook(book: bytes, name: str) -> Response:
    return Response(
        book,
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
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
    texts = {name: line_of(asked, name) for name in (*lists.TEXTS, "since_from", "since_until")}
    chosen = {name: value for name, known in lists.CHOSEN.items() if (value := asked.get(name, "")) in known}
    module = asked.get("module", "")
    return lists.Filter(
        q=line_of(asked, "q"),
        group=_whole(asked.get("group")),
        state=state if state in lists.STATES else "active",
        responsible=_whole(asked.get("responsible")),
        missing=missing if missing in lists.MISSING else "",
        sector=_whole(asked.get("sector")),
        office=_whole(asked.get("office")),
        module=module if module in MODULES else "",
        unsigned=_whole(asked.get("unsigned")),
        **texts,
        **chosen,
    )


def line_of(asked: Any, name: str) -> str:
    """What was typed in a line of a filter."""
    return str(asked.get(name, "")).replace("\x00", "").strip()[:100]


def sort_of(asked: Any) -> str:
    """The order that is asked of the list, downwards with a - before it; by name when it is none."""
    sort = str(asked.get("sort", ""))
    return sort if sort.removeprefix("-") in EVERY_ORDER else "name"


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
    sort = sort_of(form)
    return list_.url(**as_query(filter_of(form)), sort=sort if sort != "name" else None)


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
