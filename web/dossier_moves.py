"""A client's dossier as one archive, to take along; and an archive that comes in: checked, planned, read in, taken back."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

import partials
from models.clients import Client
from models.core import Missing, Refused, Say
from models.dossiers import dossier_of
from models.dossiers.drift import sheet_of
from models.moving.exporting import export_dossier
from models.moving.importing import (
    add_archive,
    choose_client_of_archive,
    items_of,
    read_archive,
    remove_archive,
    take_back_archive,
)
from models.moving.records import DossierExport, DossierImport, may_import, note_download
from models.storage import storage
from models.viewer import Permission, Viewer
from web.downloads import disposition, send_blob
from web.imports import XLSX
from web.replies import Reply, go, invalid, show
from web.routing import Access, Routes, remember

moves = Routes("moves", Access.STAFF)

OUTCOMES = {
    "new": Say("nieuw"),
    "there": Say("was er al"),
    "numbered": Say("onder een nummer: de naam was er al"),
    "same": Say("overgeslagen: hetzelfde bestand was er al"),
    "refused": Say("niet ingelezen"),
}

KINDS = {
    "f": Say("map"),
    "d": Say("document"),
    "r": Say("opvraging"),
    "p": Say("rechten van een persoon"),
    "g": Say("voor wie de map open is"),
}


@moves.get("/clients/{client_id:int}/dossier/export")
async def export(request: Request, viewer: Viewer, client_id: int) -> Reply:
    return show("moving/export.html", **await _export(viewer, client_id))


@moves.post("/clients/{client_id:int}/dossier/export")
async def begin_export(request: Request, viewer: Viewer, client_id: int) -> Reply:
    context, form = await _export(viewer, client_id), await request.form()
    try:
        await export_dossier(context["client"], form.get("with_trash") == "1", by=viewer)
    except Refused as refused:
        return invalid("moving/export.html", **context | {"problem": refused.why})
    return go(
        export.url(client_id=client_id), toast=Say("Het archief wordt gemaakt. U kunt verder gaan met iets anders.")
    )


async def _export(viewer: Viewer, client_id: int) -> dict[str, Any]:
    client = await viewer.clients.get(client_id)
    if not viewer.may(Permission.EDIT_DOSSIERS) or not viewer.may(Permission.READ_DOSSIERS):
        raise Missing("Client", client_id)
    found = await viewer.scope(DossierExport).where(DossierExport.client == client_id).all(DossierExport.id)
    busy = next((one for one in reversed(found) if one.state == "making"), None)
    return {
        "title": client.name,
        "section": "clients",
        "client": client,
        "has_dossier": await dossier_of(viewer, client_id) is not None,
        "exports": found[::-1][:20],
        "task": await busy.running() if busy else None,
        "problem": None,
    }


@moves.get("/dossiers/exports/{export_id:int}/file")
async def file(request: Request, viewer: Viewer, export_id: int) -> Response:
    made = await viewer.scope(DossierExport).get(export_id)
    if made.state != "ready":
        raise Missing("DossierExport", export_id)
    if request.method == "GET":
        remember(request, lambda: note_download(made, by=viewer))
    return await send_blob(
        request, storage(), made.sha256, made.size, made.name, "application/zip", last_modified=made.at
    )


# what comes in


@moves.get("/dossiers/imports")
async def list_(request: Request, viewer: Viewer) -> Reply:
    _allow(viewer)
    return show("moving/list.html", **await _list(viewer))


async def _list(viewer: Viewer) -> dict[str, Any]:
    found = await viewer.scope(DossierImport).all(DossierImport.id)
    return {"title": Say("Dossierarchieven"), "section": "dossiers", "arrivals": found[::-1][:100], "problem": None}


async def _allowed(request: Request, viewer: Viewer) -> None:
    _allow(viewer)


@moves.upload("/dossiers/imports", before=_allowed)
async def add(request: Request, viewer: Viewer, received: Any) -> Reply:
    try:
        found = received.one_file()
        if not found.name.lower().endswith(".zip"):
            raise Refused("file", Say("Dit is geen dossierarchief. Kies de .zip die bij het exporteren is gemaakt."))
        arrivals = viewer.scope(DossierImport)
        record = await add_archive(arrivals, file_name=found.name, sha256=found.sha256, size=found.size, by=viewer)
    except Refused as refused:
        return invalid("moving/list.html", **await _list(viewer) | {"problem": refused.why})
    return go(page.url(arrival_id=record.id))


@moves.get("/dossiers/imports/{arrival_id:int}")
async def page(request: Request, viewer: Viewer, arrival_id: int) -> Reply:
    record = await viewer.scope(DossierImport).get(arrival_id)
    return show("moving/page.html", **await _page(viewer, record))


async def _page(viewer: Viewer, record: DossierImport) -> dict[str, Any]:
    task = await record.running() if record.is_busy else None
    return {
        "title": Say("Dossierarchief: {name}", name=record.file_name),
        "section": "dossiers",
        "record": record,
        "says": record.says,
        "plan": record.planned,
        "task": task,
        "is_stuck": record.is_busy and (task is None or not task.is_busy),
        "client": await viewer.clients.where(Client.id == record.client).find() if record.client else None,
        "items": _spoken(await items_of(record, 200)) if record.state in ("committed", "stopped", "undone") else [],
        "outcomes": OUTCOMES,
        "kinds": KINDS,
        "left_out": [(who, Say.from_json(why)) for who, why in record.planned.get("left_out", ())],
        "number": "",
        "problem": None,
    }


def _spoken(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"why": Say.from_json(json.loads(row["said"])) if row["said"] else None} for row in rows]


@moves.post("/dossiers/imports/{arrival_id:int}/client")
async def choose(request: Request, viewer: Viewer, arrival_id: int) -> Reply:
    record = await viewer.scope(DossierImport).get(arrival_id)
    number = str((await request.form()).get("number", "")).strip()[:60]
    try:
        client = await viewer.clients.where(Client.number == number, Client.state == "active").find()
        if client is None:
            raise Refused("number", Say("Geen cliënt met nummer {numbers}.", numbers=number or "–"))
        await choose_client_of_archive(record, client, by=viewer)
    except Refused as refused:
        return invalid("moving/page.html", **await _page(viewer, record) | {"problem": refused.why, "number": number})
    return go(page.url(arrival_id=arrival_id))


@moves.post("/dossiers/imports/{arrival_id:int}/commit")
async def carry_out(request: Request, viewer: Viewer, arrival_id: int) -> Reply:
    record = await viewer.scope(DossierImport).get(arrival_id)
    try:
        with_rights = (await request.form()).get("with_rights")
        await read_archive(record, None if record.state != "planned" else with_rights == "1", by=viewer)
    except Refused as refused:
        return invalid("moving/page.html", **await _page(viewer, record) | {"problem": refused.why})
    return go(page.url(arrival_id=arrival_id))


@moves.post("/dossiers/imports/{arrival_id:int}/undo")
async def take_back(request: Request, viewer: Viewer, arrival_id: int) -> Reply:
    record = await viewer.scope(DossierImport).get(arrival_id)
    try:
        count = await take_back_archive(record, by=viewer)
    except Refused as refused:
        return invalid("moving/page.html", **await _page(viewer, record) | {"problem": refused.why})
    return go(
        page.url(arrival_id=arrival_id), toast=Say("{n} mappen en documenten liggen nu in de prullenbak.", n=count)
    )


@moves.post("/dossiers/imports/{arrival_id:int}/removal")
async def remove(request: Request, viewer: Viewer, arrival_id: int) -> Reply:
    record = await viewer.scope(DossierImport).get(arrival_id)
    try:
        await remove_archive(record, by=viewer)
    except Refused as refused:
        return invalid("moving/page.html", **await _page(viewer, record) | {"problem": refused.why})
    return go(list_.url(), toast=Say("Het archief is weg. Er was niets van ingelezen."))


@moves.get("/dossiers/imports/{arrival_id:int}/report")
async def report(request: Request, viewer: Viewer, arrival_id: int) -> Response:
    record = await viewer.scope(DossierImport).get(arrival_id)
    rows = await items_of(record)
    with partials.speaking(viewer.user.language):
        speak = partials.speak
        heads = [speak(head) for head in (Say("Wat"), Say("Soort"), Say("Uitkomst"), Say("Reden"))]
        kinds = {key: speak(words) for key, words in KINDS.items()}
        lines = [
            [row["path"], kinds[row["key"][0]], speak(OUTCOMES[row["outcome"]]), speak(Say.from_json(json.loads(row["said"]))) if row["said"] else ""]
            for row in rows
        ]  # fmt: skip
    book = await asyncio.to_thread(sheet_of, "Verslag", heads, lines)
    name = f"verslag {record.file_name}.xlsx"
    return Response(
        book,
        media_type=XLSX,
        headers={"Content-Disposition": disposition("attachment", name), "Cache-Control": "no-store"},
    )


def _allow(viewer: Viewer) -> None:
    if not may_import(viewer):
        raise Missing("DossierImport", 0)
