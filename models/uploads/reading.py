"""What is shown of uploads: how one ended, what is still open, and the receipt of a drop."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from models import engine
from models.core import Say
from models.dossiers import Document
from models.uploads.records import Upload, UploadReceipt

if TYPE_CHECKING:
    from models.viewer import Viewer

RECEIPTS = 100
SHOWN = 6_000  # lines of a receipt on one page


async def result_of(viewer: Viewer, upload: Upload) -> dict[str, Any]:
    """How it ended, for the browser that sent it: state, name (as it is called now), sha256, why; the document, its twin and
    its namesake as id and name, each only where he may see it."""
    ids = [id for id in (upload.document, upload.twin, upload.namesake) if id]
    rows = await viewer.documents.where(Document.id.is_in(ids)).select(Document.id, Document.name) if ids else []
    seen = {row["id"]: row["name"] for row in rows}
    named = {
        part: {"id": id, "name": seen[id]}
        for part, id in (("document", upload.document), ("twin", upload.twin), ("namesake", upload.namesake))
        if id in seen
    }
    name = seen.get(upload.document or 0, upload.name)
    return {
        "id": upload.id,
        "state": upload.state,
        "name": name,
        "sha256": upload.sha256,
        "why": upload.refusal,
        **named,
    }


_FILES_SQL = """SELECT u.id, u.name, u.path, u.size, u.received, u.sha256, u.state, u.why, u.document, u.twin, u.placement, u.begun_at, u.finished_at,
 d.name AS document_name, d.version, p.purpose FROM upload u LEFT JOIN document d ON d.id = u.document LEFT JOIN placement p ON p.id = u.placement
WHERE u.receipt = $1 ORDER BY u.path, u.name, u.id LIMIT {most}"""


async def files_of(viewer: Viewer, receipt: UploadReceipt) -> list[dict[str, Any]]:
    """The lines of a receipt that was found through the viewer: id, name, path, size, received, sha256, state, why (a Say),
    document (its id, where he may see it), twin (id and name), document_name, begun_at, finished_at."""
    rows = await engine.raw(_FILES_SQL.format(most=SHOWN), receipt.id)
    ids = {row[part] for row in rows for part in ("document", "twin") if row[part]}
    seen: dict[int, str] = {}
    if ids:
        mine = Upload.select(Upload.document).where(Upload.receipt == receipt.id)
        twins = Upload.select(Upload.twin).where(Upload.receipt == receipt.id)
        found = viewer.documents.where(Document.id.is_in(mine) | Document.id.is_in(twins))
        seen = {row["id"]: row["name"] for row in await found.select(Document.id, Document.name)}
    return [_line(row, seen) for row in rows]


def _line(row: dict[str, Any], seen: dict[int, str]) -> dict[str, Any]:
    twin = row["twin"] if row["twin"] in seen else None
    return row | {
        "why": Say.from_json(json.loads(row["why"])) if row["why"] else None,
        "document": row["document"] if row["document"] in seen else None,
        "document_name": seen.get(row["document"] or 0),
        "twin": {"id": twin, "name": seen[twin]} if twin else None,
    }


_RECEIPTS_SQL = """SELECT r.id, r.place, r.begun_at, c.name AS client, count(u.id) AS files, coalesce(sum(u.size), 0) AS size,
 sum(CASE WHEN u.state = 'done' THEN 1 ELSE 0 END) AS done, sum(CASE WHEN u.state = 'asks' THEN 1 ELSE 0 END) AS asks,
 sum(CASE WHEN u.state = 'coming' THEN 1 ELSE 0 END) AS coming
FROM drop_receipt r LEFT JOIN client c ON c.id = r.client LEFT JOIN upload u ON u.receipt = r.id
WHERE r.id IN ({ids}) GROUP BY r.id, r.place, r.begun_at, c.name ORDER BY r.id DESC"""


async def newest_receipts(viewer: Viewer) -> list[dict[str, Any]]:
    """The last of one's own receipts: id, place, client, begun_at, and how many files, bytes, done, asks and coming."""
    found = viewer.scope(UploadReceipt)
    rows = await UploadReceipt.select(UploadReceipt.id).where(found.condition).order_by(UploadReceipt.id, ascending=False).limit(RECEIPTS)  # fmt: skip
    ids = ", ".join(str(int(row["id"])) for row in rows)
    return await engine.raw(_RECEIPTS_SQL.format(ids=ids)) if ids else []


async def coming_to(placing: int, viewer: Viewer) -> int:
    """How many files he began to send to a placing and did not finish."""
    return await viewer.uploads.where((Upload.placement == placing) & (Upload.state == "coming")).count()


async def open_uploads(viewer: Viewer) -> int:
    """How many files he began to send and did not finish."""
    return await viewer.uploads.where(Upload.state == "coming").count()


def size_in_words(limit: int) -> Say:
    return Say("Eén bestand mag hier ten hoogste {limit} MB zijn.", limit=limit // 1048576)
