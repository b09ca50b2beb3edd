"""Roll-outs that were made and taking them back; who differs from a structure; the next book year."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import partials
from models.core import Missing, Refused, Say
from models.dossiers import Dossier
from models.dossiers import drift as drifting
from models.dossiers import years as booking
from models.dossiers.runs import StructureRun, clients_of, figures, newest
from models.settings import this_day
from models.tasks import Task
from models.viewer import Permission, Viewer
from web.dossiers_copy import page_in
from web.downloads import disposition
from web.imports import XLSX
from web.replies import Reply, go, invalid, show, wants_fragment
from web.routing import Access, Routes

runs = Routes("runs", Access.STAFF)

SIZE = 100


@runs.get("/dossiers/runs")
async def list_(request: Request, viewer: Viewer) -> Reply:
    return show("dossiers/runs.html", title=Say("Uitgerold"), section="dossiers", runs=await newest(viewer, 100))


@runs.get("/dossiers/runs/{run_id:int}")
async def page(request: Request, viewer: Viewer, run_id: int) -> Reply:
    run = await viewer.scope(StructureRun).get(run_id)
    return show("dossiers/run.html", **await _run(request, viewer, run))


async def _run(request: Request, viewer: Viewer, run: StructureRun) -> dict[str, Any]:
    count = await figures(viewer, run)
    number = page_in(request.query_params, count["clients"], SIZE)
    return {
        "title": Say("Uitrol"),
        "section": "dossiers",
        "run": run,
        "count": count,
        "rows": await clients_of(viewer, run, SIZE, (number - 1) * SIZE),
        "page": number,
        "size": SIZE,
        "base": page.url(run_id=run.id),
        "task": await viewer.tasks.where(Task.id == run.task).find() if run.task else None,
        "problem": None,
    }


@runs.get("/dossiers/runs/{run_id:int}/report")
async def report(request: Request, viewer: Viewer, run_id: int) -> Response:
    """Per client what came of it, and why nothing did."""
    run = await viewer.scope(StructureRun).get(run_id)
    rows = await clients_of(viewer, run)
    with partials.speaking(viewer.user.language):
        speak = partials.speak
        heads = [Say("Cliënt"), Say("Nummer"), Say("Toegevoegd"), Say("Gelijkgemaakt"), Say("Overgeslagen"), Say("Weer weggehaald"), Say("Bijzonderheden")]  # fmt: skip
        lines = [
            [row["name"], row["number"], row["added"], row["alike"], row["skipped"], row["undone"], speak(_why(row))]
            for row in rows
        ]
        spoken = [speak(head) for head in heads]
    book = await asyncio.to_thread(drifting.sheet_of, run.name or str(run.year), spoken, lines)
    return _xlsx(book, f"uitrol {run.name or run.year}.xlsx")


def _why(row: dict[str, Any]) -> Say:
    if row["skipped"]:
        return Say("de map erboven is er niet meer")
    return Say("") if row["added"] or row["alike"] else Say("was al gelijk aan de standaard")


@runs.post("/dossiers/runs/{run_id:int}/undo")
async def undo(request: Request, viewer: Viewer, run_id: int) -> Reply:
    run = await viewer.scope(StructureRun).get(run_id)
    try:
        done = await run.undo(by=viewer)
    except Refused as refused:
        return invalid("dossiers/run.html", **await _run(request, viewer, run) | {"problem": refused.why})
    if isinstance(done, Task):
        return go(f"/tasks/{done.id}")
    return go(page.url(run_id=run_id), toast=Say("{n} lege mappen weer weggehaald.", n=done))


# who differs from a structure


@runs.get("/dossiers/{dossier_id:int}/drift")
async def drift(request: Request, viewer: Viewer, dossier_id: int) -> Reply:
    structure = await _structure(viewer, dossier_id)
    kind, q = _filter(request)
    rows = await drifting.drift(viewer, structure)
    found = drifting.narrowed(rows, kind, q)
    number = page_in(request.query_params, len(found), SIZE)
    return show(
        "dossiers/drift_table.html" if wants_fragment(request) else "dossiers/drift.html",
        title=Say("Afwijkingen van de standaard"),
        section="dossiers",
        dossier=structure,
        rows=found[(number - 1) * SIZE : number * SIZE],
        total=len(found),
        clients=len(rows),
        same=sum(row.is_same for row in rows),
        kinds=[("", Say("Wijkt af")), *drifting.WORDS.items(), ("same", Say("Gelijk aan de standaard"))],
        kind=kind,
        q=q,
        page=number,
        size=SIZE,
        base=drift.url(dossier_id=dossier_id, kind=kind or None, q=q or None),
    )


@runs.get("/dossiers/{dossier_id:int}/drift/report")
async def drift_report(request: Request, viewer: Viewer, dossier_id: int) -> Response:
    structure = await _structure(viewer, dossier_id)
    rows = drifting.narrowed(await drifting.drift(viewer, structure), *_filter(request))
    with partials.speaking(viewer.user.language):
        book = await asyncio.to_thread(drifting.workbook, structure.name, rows, partials.speak)
    return _xlsx(book, f"afwijkingen {structure.name}.xlsx")


@runs.get("/clients/{client_id:int}/drift")
async def of_client(request: Request, viewer: Viewer, client_id: int) -> Reply:
    """The line on a client's dossier: from which structures it differs."""
    client = await viewer.clients.get(client_id)
    found = await drifting.of_client(client_id) if viewer.may(Permission.READ_DOSSIERS) else []
    return show("dossiers/client_drift.html", title=client.name, section="clients", client=client, drift=found)


def _filter(request: Request) -> tuple[str, str]:
    kind = request.query_params.get("kind", "")
    known = kind == "same" or kind in drifting.WORDS
    return kind if known else "", request.query_params.get("q", "").replace("\x00", "")[:100]


# the next book year


@runs.get("/dossiers/years")
async def years(request: Request, viewer: Viewer) -> Reply:
    year, only = _asked(request.query_params)
    return show("dossiers/years.html", **await _years(viewer, year, only))


@runs.post("/dossiers/years")
async def roll_forward(request: Request, viewer: Viewer) -> Reply:
    year, only = _asked(await request.form())
    try:
        if only:
            await _structure(viewer, only)
        run = await booking.roll_forward(year, only, by=viewer)
    except Refused as refused:
        return invalid("dossiers/years.html", **await _years(viewer, year, only) | {"problem": refused.why})
    if run.task is not None:
        return go(page.url(run_id=run.id))
    count = await figures(viewer, run)
    undo_at = undo.url(run_id=run.id) if count["added"] else None
    return go(page.url(run_id=run.id), toast=Say("Boekjaar {year}: {n} mappen toegevoegd.", year=str(year), n=count["added"]), undo=undo_at)  # fmt: skip


async def _years(viewer: Viewer, year: int, only: int | None) -> dict[str, Any]:
    found = await booking.ahead(viewer, year, only)
    return {
        "title": Say("Boekjaar {year} klaarzetten", year=str(year)),
        "section": "dossiers",
        "year": year,
        "only": only,
        "rows": found,
        "adds": sum(one.adds for one in found),
        "receive": sum(one.receive for one in found),
        "skipped": sum(one.skipped for one in found),
        "problem": None,
    }


def _asked(asked: Any) -> tuple[int, int | None]:
    """The book year and the structure (None: all) that an address or form names. Without a year: the one that is next."""
    today = this_day()
    year, only = str(asked.get("year", "")).strip(), str(asked.get("structure", ""))
    given = int(year) if year.isdecimal() and len(year) == 4 and 1990 <= int(year) <= 2100 else None
    return given or booking.proposed(today) or today.year + 1, int(only) if only.isdecimal() and len(
        only
    ) < 10 else None


async def _structure(viewer: Viewer, dossier_id: int) -> Dossier:
    dossier = await viewer.dossiers.get(dossier_id)
    if dossier.kind != "standard":
        raise Missing("Dossier", dossier_id)
    return dossier


def _xlsx(book: bytes, name: str) -> Response:
    return Response(
        book,
        media_type=XLSX,
        headers={"Content-Disposition": disposition("attachment", name), "Cache-Control": "no-store"},
    )
