"""What the lists of clients and users have in common: the columns one looks at, and filters kept under a name."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

import partials
from models.approvals.records import ROLES
from models.clients.checks import KINDS, LANGUAGES, SECOND_FACTOR
from models.core import Missing, Refused, Say
from models.viewer import Viewer
from models.views import COLUMNS, FIRST, SavedView, choose_columns, known_columns, save_view, views_of
from web import clients as of_clients
from web import users as of_users
from web.replies import Reply, Toast, go
from web.routing import Access, Routes

views = Routes("views", Access.STAFF)

_SHOWN: dict[str, dict[str, Say]] = {"kind": KINDS, "language": LANGUAGES, "second_factor": SECOND_FACTOR}


@views.post("/views")
async def save(request: Request, viewer: Viewer) -> Reply:
    """The list as it is asked now, under a name."""
    form = await request.form()
    about, query = _asked(form)
    columns = str(form.get("columns", "")).split(",")
    try:
        await save_view(
            viewer.scope(SavedView), about, str(form.get("name", "")), urlencode(query), columns,
            bool(form.get("is_shared")), by=viewer,
        )  # fmt: skip
    except Refused as refused:
        return go(_address(about, query), toast=Toast(refused.why, "attention"))
    shown = ",".join(known_columns(about, columns))
    return go(_address(about, query | {"columns": shown}), toast=Say("De weergave is bewaard."))


@views.post("/views/columns")
async def choose(request: Request, viewer: Viewer) -> Reply:
    """Which columns one looks at from now on, whatever the filter."""
    form = await request.form()
    about, query = _asked(form)
    await choose_columns(viewer.scope(SavedView), about, [str(one) for one in form.getlist("column")], by=viewer)
    return go(_address(about, query), toast=Say("De kolommen zijn bewaard."))


@views.post("/views/{view_id:int}/removal")
async def remove(request: Request, viewer: Viewer, view_id: int) -> Reply:
    view = await viewer.scope(SavedView).get(view_id)
    await view.remove(by=viewer)
    return go(_address(view.about, {}), toast=Say("De weergave is verwijderd."))


async def context(viewer: Viewer, about: str, request: Request, query: dict[str, Any]) -> dict[str, Any]:
    """For a list: columns (name, label), every (name, label, whether it is shown), saved (with its address), query (filter and
    order, as hidden fields), asked_columns (as the address says
    them, or None), is_live (asked again because something changed: what one is typing beside it stays)."""
    asked = request.query_params.get("columns")
    found = await views_of(viewer, about, asked)
    every = COLUMNS[about]
    return {
        "about": about,
        "columns": [(name, every[name].label) for name in found.columns],
        "sortable": {name for name, column in every.items() if column.order},
        "every": [(name, column.label, name in found.columns) for name, column in every.items()],
        "saved": [
            row | {"address": _address(about, dict(parse_qsl(row["query"])) | {"columns": row["columns"]})}
            for row in found.saved
        ],
        "query": {name: value for name, value in query.items() if value},
        "chosen_columns": ",".join(found.columns),
        "is_live": bool(request.query_params.get("live")),
        "asked_columns": ",".join(found.columns) if asked is not None else None,
    }


def told(name: str, value: Any) -> Any:
    """What stands in a cell: a choice in its words, a day as it is read; else as it is."""
    if value is None or value == "":
        return "–"
    if name == "approver_roles":
        return ", ".join(partials.speak(ROLES.get(role, Say(role))) for role in value.split(","))
    if name in _SHOWN:
        return partials.speak(_SHOWN[name].get(value, Say(str(value))))
    return f"{value:%d-%m-%Y}" if hasattr(value, "strftime") else value


def _asked(form: Any) -> tuple[str, dict[str, Any]]:
    """Which list, and what of filter and order is known."""
    about = str(form.get("about", ""))
    if about not in COLUMNS:
        raise Missing("views", about)
    lists = of_clients if about == "clients" else of_users
    query = {name: str(value) for name, value in lists.as_query(lists.filter_of(form)).items()}
    return about, query | ({"sort": lists.sort_of(form)} if lists.sort_of(form) != "name" else {})


def _address(about: str, query: dict[str, Any]) -> str:
    query = {name: value for name, value in query.items() if value and value != ",".join(FIRST[about])}
    return f"/{about}?{urlencode(query)}" if query else f"/{about}"
