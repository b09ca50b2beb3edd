"""The trail: who did what, and when."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

import partials
from models import engine, sealing_work
from models.audit_lists import Filter, after, colleagues, found, page
from models.clients import Client
from models.clients.export import workbook
from models.clients.lists import named
from models.core import Missing, Refused, Say
from models.sealing import TrailAnchor
from models.viewer import Viewer
from web.clients import as_workbook, page_number
from web.replies import Reply, Toast, go, invalid, show, wants_fragment
from web.routing import Access, Routes
from web.trail import SENTENCES, changes, day_of, sentence

audit = Routes("audit", Access.STAFF)

SIZE = 50
_EXPORTED_AT_ONCE, _IN_A_WORKBOOK = 5_000, 50_000


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
        operations=_grouped(),
        narrowed=urlencode({name: str(value) for name, value in chosen.items() if value}),
    )


@audit.get("/audit/export.csv")
async def export_csv(request: Request, viewer: Viewer) -> Response:
    """All lines of the filter, however many: written while it is fetched. As Excel reads it here: semicolons, and a mark that
    says UTF-8."""
    _allow(viewer)
    asked = await _filter(request, viewer)

    async def lines() -> AsyncIterator[str]:
        out = io.StringIO()
        writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
        out.write("\ufeff")
        writer.writerow(_headings(viewer))
        last = 0
        while True:
            async with engine.reading():
                rows = await after(viewer, asked, last, _EXPORTED_AT_ONCE)
            writer.writerows([[_harmless(cell) for cell in one] for one in _told(rows, viewer)])
            yield out.getvalue()
            out.seek(0)
            out.truncate()
            if len(rows) < _EXPORTED_AT_ONCE:
                return
            last = rows[-1]["id"]

    headers = {"Content-Disposition": 'attachment; filename="logboek.csv"', "Cache-Control": "no-store"}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


@audit.get("/audit/export.xlsx")
async def export_xlsx(request: Request, viewer: Viewer) -> Reply | Response:
    """The lines of the filter as a workbook; more than a workbook can well hold are for the .csv."""
    _allow(viewer)
    asked = await _filter(request, viewer)
    rows = await after(viewer, asked, 0, _IN_A_WORKBOOK + 1)
    if len(rows) > _IN_A_WORKBOOK:
        words = Say("Dit zijn meer dan {n} regels. Neem een kortere periode, of kies CSV.", n=_IN_A_WORKBOOK)
        return go(list_.url(**dict(request.query_params)), toast=Toast(words, "attention"))
    keys = [(str(at), heading) for at, heading in enumerate(_headings(viewer))]
    table = [{str(at): cell for at, cell in enumerate(one)} for one in _told(rows, viewer)]
    return as_workbook(await asyncio.to_thread(workbook, table, keys), "logboek.xlsx")


def _headings(viewer: Viewer) -> list[str]:
    names = (
        Say("Regel"),
        Say("Wanneer"),
        Say("Wie"),
        Say("Wat"),
        Say("Cliënt"),
        Say("Cliëntnummer"),
        Say("Voor en na"),
        Say("Handeling"),
    )
    with partials.speaking(viewer.user.language):
        return [partials.speak(name) for name in names]


def _told(rows: list[dict[str, Any]], viewer: Viewer) -> list[list[str]]:
    """Each line as the page tells it; before and after as "what: before > after"."""
    with partials.speaking(viewer.user.language):
        speak = partials.speak
        return [
            [
                str(row["id"]),
                partials.moment(row["at"]),
                row["who"] or speak(Say("Het systeem")),
                speak(sentence(row)),
                row["client_name"] or "",
                row["client_number"] or "",
                "; ".join(f"{speak(what)}: {_word(before)} > {_word(then)}" for what, before, then in changes(row)),
                row["operation"],
            ]
            for row in rows
        ]


def _word(value: Say | str) -> str:
    return partials.speak(value) if isinstance(value, Say) else value


def _harmless(cell: str) -> str:
    """What a spreadsheet would take for a formula begins with an apostrophe."""
    return f"'{cell}" if cell[:1] in "=+-@\t\r" and cell else cell


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


_MODULES = (
    (Say("Aanmelden en beveiliging"), ("Session", "Passkey", "TrustedDevice", "LostFactor", "Identity")),
    (Say("Gebruikers"), ("User", "Access", "Proposal")),
    (Say("Cliënten en groepen"), ("Client", "ClientGroup", "Sector")),
    (Say("Dossiers"), ("Dossier", "Folder", "Document")),
    (
        Say("Kantoor en instellingen"),
        ("Firm", "Office", "RightsTemplate", "RetentionClass", "IdentityProvider", "StaffGroup"),
    ),
    (Say("Privacy"), ("Privacy", "PrivacyRequest")),
)


def _grouped() -> list[tuple[Say, list[tuple[str, Say]]]]:
    """What can be asked, by module: what happened to many at once stands with what happened to one."""
    found: list[tuple[Say, list[tuple[str, Say]]]] = [(label, []) for label, _ in _MODULES]
    rest: list[tuple[str, Say]] = []
    for name in SENTENCES:
        if name.endswith(".bulk"):
            continue
        table = name.partition(".")[0]
        at = next((at for at, (_, tables) in enumerate(_MODULES) if table in tables), None)
        (rest if at is None else found[at][1]).append((name, sentence({"operation": name, "detail": {}})))
    return [*found, (Say("Imports, uitrol en overig"), rest)]


async def _filter(request: Request, viewer: Viewer) -> Filter:
    typed = request.query_params.get("client", "")[:230]
    who = request.query_params.get("person", "").strip()[:200]
    people, _ = await found(viewer, who) if who else (None, "")
    return _asked(request.query_params, await _client(viewer, typed), people)


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
