"""Searching in documents: a page of its own with filters and counts, for the office and, lighter, in the portal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from models.core import Missing, Say
from models.dossiers import folder_of
from models.dossiers.publishing import PERIODS, kinds
from models.finding import MOST, Filter, find_documents, find_folders, is_too_short
from models.viewer import Viewer
from web.clients import page_number
from web.replies import Reply, show, wants_fragment
from web.routing import Access, Routes

finding = Routes("finding", Access.STAFF)

SIZE = 25
SOURCES = [
    ("", Say("Kantoor en cliënt")),
    ("office", Say("Van kantoor")),
    ("client", Say("Door de cliënt aangeleverd")),
]
STATES = [
    ("", Say("Maakt niet uit")),
    ("published", Say("Gepubliceerd")),
    ("draft", Say("Concept")),
    ("planned", Say("Gepland")),
]
_NUMBERS = ("client", "dossier", "folder", "kind", "year")
_TEXTS = {"label": 40, "source": 6, "state": 9}
_NARROWS_MORE = ("label", "source", "state", "since", "until")


@finding.get("/search/documents")
async def documents(request: Request, viewer: Viewer) -> Reply:
    return await _page(
        request, viewer, "search/documents_found.html" if wants_fragment(request) else "search/documents.html"
    )


@finding.get("/portal/search", access=Access.CLIENT)
async def portal(request: Request, viewer: Viewer) -> Reply:
    """In what this person may see of every dossier of his, or of one (`?client=`)."""
    return await _page(request, viewer, "portal/search_found.html" if wants_fragment(request) else "portal/search.html")


async def _page(request: Request, viewer: Viewer, template: str) -> Reply:
    question, asked, chosen = _question(request), _filter(request.query_params), _chosen(request.query_params)
    number = min(page_number(request), MOST // SIZE)
    places = await _places(viewer, asked)
    answer = await find_documents(viewer, question, asked, SIZE, number)
    folders = await find_folders(viewer, question, 6, client=asked.client) if number == 1 and not asked.folder else []
    return show(
        template,
        title=Say("Zoeken in stukken"),
        section="dossier" if viewer.is_client else "search",
        question=question,
        asked=asked,
        chosen=chosen,
        places=places,
        answer=answer,
        folders=folders,
        number=number,
        size=SIZE,
        most=MOST,
        too_short=is_too_short(question),
        kinds=[(row["id"], row["name"]) for row in await kinds()] if viewer.is_staff else [],
        sources=SOURCES,
        states=STATES,
        periods=PERIODS,
        narrows_more=[name for name in _NARROWS_MORE if name in chosen],
        of_client=asked.client if viewer.is_client else None,
    )


def _question(request: Request) -> str:
    return request.query_params.get("q", "")[:200].replace("\x00", "").strip()


def _filter(params: Mapping[str, str]) -> Filter:
    """What is no number, day or known word narrows nothing."""
    values: dict[str, Any] = {name: int(value) for name, value in _chosen(params).items() if name in _NUMBERS}
    values |= {name: value for name, value in _chosen(params).items() if name in _TEXTS}
    values |= {
        name: dt.date.fromisoformat(value) for name, value in _chosen(params).items() if name in ("since", "until")
    }
    return Filter(**values)


def _chosen(params: Mapping[str, str]) -> dict[str, str]:
    """The filters that the address names and that mean something, as they stand there."""
    found = {name: params.get(name, "").strip().replace("\x00", "") for name in (*_NUMBERS, *_TEXTS, "since", "until")}
    known = {"source": {value for value, _ in SOURCES}, "state": {value for value, _ in STATES}}
    good = {}
    for name, value in found.items():
        if name in _NUMBERS:
            is_good = value.isascii() and value.isdecimal() and len(value) < 10
        elif name in _TEXTS:
            is_good = value in known.get(name, {value}) and len(value) <= _TEXTS[name]
        else:
            is_good = _is_day(value)
        if value and is_good:
            good[name] = value
    return good


def _is_day(value: str) -> bool:
    try:
        return 1900 <= dt.date.fromisoformat(value).year <= 2200
    except ValueError:
        return False


async def _places(viewer: Viewer, asked: Filter) -> list[tuple[str, str]]:
    """The client, dossier and folder that it is narrowed to: the filter's name and that of the place. Raises Missing."""
    found = []
    if asked.client:
        if viewer.is_client and asked.client not in viewer.dossier_client_ids:
            raise Missing("Client", asked.client)
        found.append(("client", (await viewer.clients.get(asked.client)).name))
    if asked.dossier:
        dossier = await viewer.dossiers.get(asked.dossier)
        found.append(("dossier", (await viewer.clients.get(dossier.client)).name if dossier.client else dossier.name))
    if asked.folder:
        found.append(("folder", (await folder_of(viewer, asked.folder)).name))
    return found
