"""The office's list of client users, and what can be done with many of them at once."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import partials
from models.accounts import STATES, User, lists
from models.accounts.columns import COLUMNS, EVERY_ORDER
from models.approvals.records import ROLES
from models.bulk.offering import acts_for
from models.clients import lists as client_lists
from models.clients.checks import LANGUAGES
from models.clients.export import workbook
from models.clients.rights import templates
from models.core import Say, Scope
from models.viewer import Viewer
from web.clients import as_workbook, ids_of, line_of, page_number
from web.replies import Reply, go, show, wants_fragment
from web.routing import Access, Routes

users = Routes("users", Access.STAFF)

SIZE = 50
STATE_WORDS = {
    "prepared": Say("Klaargezet"),
    "invited": Say("Uitgenodigd"),
    "active": Say("Actief"),
    "blocked": Say("Geblokkeerd"),
}


@users.get("/users")
async def list_(request: Request, viewer: Viewer) -> Reply:
    from web import views  # which reads what is asked of the lists

    asked, number, sort = filter_of(request.query_params), page_number(request), sort_of(request.query_params)
    narrowed = as_query(asked)
    looked = await views.context(viewer, "users", request, narrowed | {"sort": sort if sort != "name" else None})
    kept = looked["query"] | {"columns": looked["asked_columns"]}
    total = await lists.count(viewer, asked)
    number = min(number, max(1, -(-total // SIZE)))
    names = [name for name, _ in looked["columns"]]
    offered = await client_lists.choices(viewer)
    return show(
        "users/table.html" if wants_fragment(request) else "users/list.html",
        title=Say("Gebruikers"),
        section="users",
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
        more_asked=set(narrowed) - {"q", "state", "group", "missing"},
        acts=await acts_for(viewer, "users"),
        templates=[(row["key"], row["name"]) for row in await templates()],
        told=views.told,
        **looked,
        **{name: offered[name] for name in ("groups", "staff", "offices")},
    )


@users.get("/users/export")
async def export(request: Request, viewer: Viewer) -> Response:
    """All that match the filter, as a workbook."""
    return await _workbook(viewer, filter_of(request.query_params), sort_of(request.query_params))


@users.post("/users/export")
async def export_chosen(request: Request, viewer: Viewer) -> Response:
    """Those that were ticked, or all that match, as a workbook."""
    form = await request.form()
    if form.get("all_matching"):
        return await _workbook(viewer, filter_of(form), sort_of(form))
    return await _workbook(viewer, lists.Filter(), sort_of(form), ids_of(form))


async def _workbook(viewer: Viewer, asked: lists.Filter, sort: str, ids: list[int] | None = None) -> Response:
    rows = await lists.page(viewer, asked, sort, 1, 0, COLUMNS, ids)
    with partials.speaking(viewer.user.language):
        speak = partials.speak
        yes, no = speak(Say("Ja")), speak(Say("Nee"))
        columns = [("who", speak(Say("Naam")))] + [(key, speak(column.label)) for key, column in COLUMNS.items()]
        roles = {role: speak(say) for role, say in ROLES.items()}
        words = {state: speak(say) for state, say in STATE_WORDS.items()}
    for row in rows:
        row |= {"state": words[row["state"]], "factor": yes if row["factor"] else no}
        row["approver_roles"] = ", ".join(
            roles[one] for one in (row["approver_roles"] or "").split(",") if one in roles
        )
    return as_workbook(await asyncio.to_thread(workbook, rows, columns), "gebruikers.xlsx")


@users.post("/users/invitations")
async def invite_many(request: Request, viewer: Viewer) -> Reply:
    """On to the page that shows how many mails would go to whom: nothing is sent here."""
    from models import rollout

    form = await request.form()
    asked = filter_of(form) if form.get("all_matching") else None
    selection = dataclasses.asdict(asked) if asked else {"users": ids_of(form)}
    opening = await rollout.prepare_opening(chosen(viewer, form), by=viewer, selection=selection)
    return go(f"/rollout/openings/{opening.id}")


# reading what was asked


def filter_of(asked: Any) -> lists.Filter:
    """Of an address or a form; nonsense narrows nothing."""
    state, missing, seen = asked.get("state", ""), asked.get("missing", ""), asked.get("seen", "")
    factor, language = asked.get("factor", ""), asked.get("language", "")
    return lists.Filter(
        q=line_of(asked, "q"),
        state=state if state in STATES else "",
        group=_whole(asked.get("group")),
        client=_whole(asked.get("client")),
        missing=missing if missing in lists.MISSING else "",
        role=line_of(asked, "role")[:40],
        factor=factor if factor in ("yes", "no") else "",
        language=language if language in LANGUAGES else "",
        seen=seen if seen in lists.SEEN else "",
        responsible=_whole(asked.get("responsible")),
        office=_whole(asked.get("office")),
    )


def sort_of(asked: Any) -> str:
    """The order that is asked of the list, downwards with a - before it; by name when it is none."""
    sort = str(asked.get("sort", ""))
    return sort if sort.removeprefix("-") in EVERY_ORDER else "name"


def as_query(asked: lists.Filter) -> dict[str, Any]:
    values = dataclasses.asdict(asked)
    return {key: value for key, value in values.items() if value != getattr(lists.Filter(), key)}


def chosen(viewer: Viewer, form: Any) -> Scope[User]:
    return lists.picked(viewer, ids_of(form), filter_of(form) if form.get("all_matching") else None)


def back(form: Any) -> str:
    sort = sort_of(form)
    return list_.url(**as_query(filter_of(form)), sort=sort if sort != "name" else None)


def _whole(value: Any) -> int | None:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
