"""The office's list of client users, and what can be done with many of them at once."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from starlette.requests import Request

from models.accounts import STATES, User, block_all, lists, unblock_all
from models.clients import lists as client_lists
from models.core import Refused, Say, Scope
from models.settings import utcnow
from models.viewer import Viewer
from web.clients import ids_of, page_number
from web.replies import Reply, Toast, go, show, wants_fragment
from web.routing import Access, Routes

users = Routes("users", Access.STAFF)

SIZE = 50
_NONE_LEFT = Say(
    "Hier is niemand om te blokkeren: zij zijn het al, u ziet niet al hun cliënten, of het zijn collega’s. Een collega blokkeert u op zijn eigen pagina."
)


@users.get("/users")
async def list_(request: Request, viewer: Viewer) -> Reply:
    asked, number = filter_of(request.query_params), page_number(request)
    sort = request.query_params.get("sort", "name")
    sort = sort if sort in lists.ORDERS else "name"
    kept = {**as_query(asked), "sort": sort if sort != "name" else None}
    total = await lists.count(viewer, asked)
    number = min(number, max(1, -(-total // SIZE)))
    return show(
        "users/table.html" if wants_fragment(request) else "users/list.html",
        title=Say("Gebruikers"),
        section="users",
        rows=await lists.page(viewer, asked, sort, number, SIZE) if total else [],
        total=total,
        page=number,
        size=SIZE,
        asked=asked,
        sort=sort,
        unsorted=list_.url(**as_query(asked)),
        base=list_.url(**kept),
        here=list_.url(**kept, page=number if number > 1 else None),
        is_narrowed=asked != lists.Filter(),
        groups=(await client_lists.choices(viewer))["groups"],
    )


@users.post("/users/blocks/confirmation")
async def blocking_many(request: Request, viewer: Viewer) -> Reply:
    """Before it happens: how many, and what it means for them. Changes nothing."""
    form = await request.form()
    try:
        found = chosen(viewer, form)
        count = await lists.blockable(found, by=viewer)
    except Refused as refused:
        return _turned_back(form, refused.why)
    if not count:
        return _turned_back(form, _NONE_LEFT)
    kept = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    return show(
        "users/blocking_many.html",
        title=Say("Blokkeren"),
        section="users",
        count=count,
        skipped=await found.count() - count,
        kept=kept,
        back=back(form),
    )


@users.post("/users/blocks")
async def block_many(request: Request, viewer: Viewer) -> Reply:
    form, now = await request.form(), utcnow()
    try:
        count = await block_all(chosen(viewer, form), at=now, by=viewer)
    except Refused as refused:
        return _turned_back(form, refused.why)
    if not count:
        return _turned_back(form, _NONE_LEFT)
    words = Say("{n} gebruikers geblokkeerd en afgemeld.", n=count)
    if count == 1:
        words = Say("1 gebruiker geblokkeerd en afgemeld.")
    return go(back(form), toast=words, undo=unblock_many.url(at=now.isoformat()))


@users.post("/users/unblocks")
async def unblock_many(request: Request, viewer: Viewer) -> Reply:
    """Of the rows that were ticked, or (to undo) of whom were blocked together at one moment."""
    form, at = await request.form(), moment(request.query_params.get("at", ""))
    try:
        count = await unblock_all(lists.blocked_at(viewer, at) if at else chosen(viewer, form), by=viewer)
    except Refused as refused:
        return _turned_back(form, refused.why)
    if not count:
        return _turned_back(form, Say("Geen van deze gebruikers is geblokkeerd."))
    words = Say("{n} gebruikers gedeblokkeerd. Wie nu is klaargezet, nodigt u opnieuw uit.", n=count)
    if count == 1:
        words = Say("1 gebruiker gedeblokkeerd. Wie nu is klaargezet, nodigt u opnieuw uit.")
    return go(back(form), toast=words)


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
    state, missing = asked.get("state", ""), asked.get("missing", "")
    return lists.Filter(
        q=str(asked.get("q", "")).replace("\x00", "")[:100],
        state=state if state in STATES else "",
        group=_whole(asked.get("group")),
        client=_whole(asked.get("client")),
        missing=missing if missing in lists.MISSING else "",
    )


def as_query(asked: lists.Filter) -> dict[str, Any]:
    values = dataclasses.asdict(asked)
    return {key: value for key, value in values.items() if value != getattr(lists.Filter(), key)}


def chosen(viewer: Viewer, form: Any) -> Scope[User]:
    return lists.picked(viewer, ids_of(form), filter_of(form) if form.get("all_matching") else None)


def back(form: Any) -> str:
    return list_.url(**as_query(filter_of(form)), sort=form.get("sort") or None)


def moment(text: str) -> dt.datetime | None:
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def _turned_back(form: Any, why: Say) -> Reply:
    return go(back(form), toast=Toast(why, "attention"))


def _whole(value: Any) -> int | None:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
