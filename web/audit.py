"""The trail: who did what, and when."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from models import sealing_work
from models.audit_lists import Filter, colleagues, found, page
from models.clients import Client
from models.clients.lists import named
from models.core import Missing, Refused, Say
from models.sealing import TrailAnchor
from models.viewer import Viewer
from web.clients import page_number
from web.replies import Reply, go, invalid, show, wants_fragment
from web.routing import Access, Routes
from web.trail import SENTENCES, changes, day_of, sentence

audit = Routes("audit", Access.STAFF)

SIZE = 50


@audit.get("/audit")
async def list_(request: Request, viewer: Viewer) -> Reply:
    _allow(viewer)
    typed = request.query_params.get("client", "")[:230]
    client = await _client(viewer, typed)
    who = request.query_params.get("person", "").strip()[:200]
    people, who_typed = await found(viewer, who) if who else (None, "")
    asked, number = _asked(request.query_params, client, people), min(page_number(request), 1_000_000)
    lines, total = await page(viewer, asked, number, SIZE)
    chosen: dict[str, Any] = {"person": who, "operation": asked.operation, "client": client.number if client else typed}
    chosen |= {"since": asked.since, "until": asked.until}
    return show(
        "audit/table.html" if wants_fragment(request) else "audit/list.html",
        title=Say("Logboek"),
        section="audit",
        lines=[{**line, "text": sentence(line), "changes": changes(line)} for line in lines],
        total=total,
        page=number,
        size=SIZE,
        asked=asked,
        base=list_.url(**{name: str(value) for name, value in chosen.items() if value}),
        client_typed=typed,
        who_typed=who_typed,
        colleagues=await colleagues(),
        operations=[(name, sentence({"operation": name, "detail": {}})) for name in SENTENCES],
    )


@audit.get("/audit/check")
async def check(request: Request, viewer: Viewer) -> Reply:
    """Whether the trail is still whole: the last anchors, and a check that runs as long work."""
    _allow(viewer)
    return show("audit/check.html", **await _check(viewer))


@audit.post("/audit/check")
async def start_check(request: Request, viewer: Viewer) -> Reply:
    typed = str((await request.form()).get("anchor", "")).strip()[:500]
    try:
        task = await sealing_work.start_verifying(typed, by=viewer)
    except Refused as refused:
        return invalid("audit/check.html", **(await _check(viewer) | {"typed": typed, "why": refused.why}))
    return go(f"/tasks/{task.id}")


async def _check(viewer: Viewer) -> dict[str, Any]:
    anchors = await viewer.scope(TrailAnchor).all(TrailAnchor.id, limit=520)
    newest = list(reversed(anchors))[:8]
    return {"title": Say("Logboek controleren"), "section": "audit", "anchors": newest, "typed": "", "why": None}


def _allow(viewer: Viewer) -> None:
    if not viewer.may("view_trail"):
        raise Missing("audit")


async def _client(viewer: Viewer, typed: str) -> Client | None:
    """By number, by name, or as a list offers it."""
    return await named(viewer, typed).find() if typed.strip() else None


def _asked(asked: Any, client: Client | None, people: tuple[int, ...] | None) -> Filter:
    """Of an address; nonsense narrows nothing."""
    operation = asked.get("operation", "")
    return Filter(
        people=people,
        operation=operation if operation in SENTENCES else "",
        client=client.id if client else -1 if asked.get("client", "").strip() else None,
        since=day_of(asked.get("since")),
        until=day_of(asked.get("until")),
    )
