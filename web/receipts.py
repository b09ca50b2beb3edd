"""Receipts of what was uploaded: each file with its size and SHA-256 as the server has it, and what is still to be chosen."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

import partials
from models.core import Say
from models.storage import storage
from models.uploads import Upload, UploadReceipt, decide, decide_all, files_of, newest_receipts
from models.viewer import Viewer
from web.replies import Reply, Toast, go, show
from web.routing import Access, Routes, Visit
from web.tus import told_of

receipts = Routes("receipts", Access.SIGNED_IN)

STATES = {
    "coming": Say("nog niet compleet"),
    "asks": Say("wacht op uw keuze"),
    "done": Say("ontvangen"),
    "refused": Say("niet aangenomen"),
    "skipped": Say("overgeslagen, het stond er al"),
    "stopped": Say("gestopt"),
    "expired": Say("verlopen"),
}
_HEADS = (Say("Map"), Say("Bestand"), Say("Bytes"), Say("SHA-256"), Say("Uitkomst"), Say("Moment"))
TONES = {"done": "good", "asks": "attention", "coming": "info", "refused": "danger"}


@receipts.get("/uploads")
async def list_(request: Request, viewer: Viewer) -> Reply:
    return show(
        "uploads/list.html", title=Say("Ontvangstbewijzen"), section="dossier", receipts=await newest_receipts(viewer)
    )


@receipts.get("/uploads/receipts/{receipt_id:int}")
async def page(request: Request, viewer: Viewer, receipt_id: int) -> Reply:
    receipt = await viewer.receipts.get(receipt_id)
    return show(
        "uploads/receipt.html", title=Say("Ontvangstbewijs"), section="dossier", **await _shown(viewer, receipt)
    )


async def _shown(viewer: Viewer, receipt: UploadReceipt) -> dict[str, Any]:
    files = await files_of(viewer, receipt)
    return {
        "receipt": receipt,
        "files": files,
        "counts": {state: sum(one["state"] == state for one in files) for state in STATES},
        "size": sum(one["size"] for one in files if one["state"] == "done"),
        "states": STATES,
        "tones": TONES,
        "document_page": "documents.page" if viewer.is_staff else "portal.document",
        "of_client": receipt.client,
        "placing": next(((one["placement"], one["purpose"]) for one in files if one["placement"]), None),
    }


@receipts.get("/uploads/receipts/{receipt_id:int}/export.csv")
async def export(request: Request, viewer: Viewer, receipt_id: int) -> Response:
    receipt = await viewer.receipts.get(receipt_id)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    language = str((viewer.view_as or viewer.user).language)
    with partials.speaking(language):
        writer.writerow([partials.speak(head) for head in _HEADS])
        for one in await files_of(viewer, receipt):
            outcome = partials.speak(one["why"] or STATES[one["state"]])
            at = partials.moment(one["finished_at"] or one["begun_at"])
            writer.writerow([_plain(one["path"]), _plain(one["name"]), one["size"], one["sha256"], outcome, at])
    headers = {
        "Content-Disposition": f'attachment; filename="ontvangstbewijs-{receipt.id}.csv"',
        "Cache-Control": "no-store",
    }
    return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _plain(text: str) -> str:
    """A name that a spreadsheet would take for a formula is only text."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text


@receipts.long("POST", "/uploads/{upload_id:int}/decision")
async def choose(request: Request, visit: Visit, upload_id: int) -> Reply | Response:
    """`do` is keep, skip or version. The drop zone gets the outcome in a header, a form goes back to the receipt."""
    upload = await visit.read(lambda viewer: viewer.uploads.get(upload_id))
    do, head = str((await visit.form()).get("do", "")), b""
    if upload.blob and do == "keep":
        async with contextlib.aclosing(storage().open(upload.blob, 0, 65536)) as chunks:
            head = await anext(chunks, b"")
    after: Upload = await visit.write(lambda viewer: decide(upload, do, head, by=viewer))
    if request.headers.get("x-requested-with") == "drop-zone":
        said = await visit.read(lambda viewer: told_of(viewer, visit.firm, after))
        return Response(
            status_code=204, headers={"Upload-Result": quote(json.dumps(said)), "Cache-Control": "no-store"}
        )
    outcome = after.refusal or Say("“{name}”: {outcome}.", name=after.name, outcome=STATES[after.state])
    return go(page.url(receipt_id=after.receipt), toast=Toast(outcome, "attention" if after.refusal else "good"))


@receipts.post("/uploads/receipts/{receipt_id:int}/skipping")
async def skip_all(request: Request, viewer: Viewer, receipt_id: int) -> Reply:
    receipt = await viewer.receipts.get(receipt_id)
    count = await decide_all(receipt, by=viewer)
    return go(page.url(receipt_id=receipt_id), toast=Say("Overgeslagen wat er al stond: {n}.", n=count))
