"""The trail: who did what, and when."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from starlette.requests import Request

from models.audit_lists import Filter, page, people
from models.core import Missing, Say
from models.viewer import Viewer
from web.clients import page_number
from web.replies import Reply, show, wants_fragment
from web.routing import Access, Routes
from web.trail import SENTENCES, sentence

audit = Routes("audit", Access.STAFF)

SIZE = 50


@audit.get("/audit")
async def list_(request: Request, viewer: Viewer) -> Reply:
    if not viewer.may("view_trail"):
        raise Missing("audit")
    asked, number = _asked(request.query_params), min(page_number(request), 1_000_000)
    lines, total = await page(viewer, asked, number, SIZE)
    kept = {name: str(value) for name, value in dataclasses.asdict(asked).items() if value}
    return show(
        "audit/table.html" if wants_fragment(request) else "audit/list.html",
        title=Say("Logboek"),
        section="audit",
        lines=[{**line, "text": sentence(line)} for line in lines],
        total=total,
        page=number,
        size=SIZE,
        asked=asked,
        base=list_.url(**kept),
        people=await people(),
        operations=[(name, sentence({"operation": name, "detail": {}})) for name in SENTENCES],
    )


def _asked(asked: Any) -> Filter:
    """Of an address; nonsense narrows nothing."""
    operation = asked.get("operation", "")
    return Filter(
        person=_whole(asked.get("person")),
        operation=operation if operation in SENTENCES else "",
        client=_whole(asked.get("client")),
        since=_day(asked.get("since")),
        until=_day(asked.get("until")),
    )


def _whole(value: Any) -> int | None:
    text = str(value or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _day(value: Any) -> dt.date | None:
    try:
        day = dt.date.fromisoformat(str(value or ""))
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2200 else None
