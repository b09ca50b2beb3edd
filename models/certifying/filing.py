"""Filing what was approved in the client's dossier: in the folder of its kind, made when it is missing, for who may approve or
see approvals there."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from models import engine
from models.certifying.records import ApprovalSeal
from models.certifying.wording import period_of
from models.content_type import clean_name
from models.core import fold
from models.dossiers import Document, DocumentVersion, NewDocument
from models.dossiers.folders import NOW, Folder, make_folder, numbered, tell
from models.dossiers.matching import Values, expand, is_dated
from models.scanning.enlisting import enlist
from models.scanning.opening import listed_texts
from models.settings import utcnow

if TYPE_CHECKING:
    from models.viewer import Viewer

LABEL, STEP = "accordering", "›"
_FALLBACK = "Accordering"


def year_of(request: dict[str, Any]) -> int:
    """The book year it is about; where it says none that in which it was offered."""
    return int(request["book_year"] or (request["offered_at"] or request["made_at"]).year)


def steps_of(request: dict[str, Any]) -> list[tuple[str, int | None]]:
    """The names of the folders on the way, and of each the book year that it is for."""
    values = Values(year_of(request), request["client_name"], request["client_number"])
    steps, year = [], None
    for name in (step.strip() for step in (request["folder"] or _FALLBACK).split(STEP)):
        if name:
            year = values.year if is_dated(name) else year
            steps.append((expand(name, values), year))
    return steps or [(_FALLBACK, None)]


async def folder_for(request: dict[str, Any]) -> Folder:
    """In the unit: where it is filed. Raises Refused where a folder cannot be called so."""
    client, now = request["client"], utcnow()
    await engine.raw(
        "INSERT INTO dossier (kind, client, name, name_key, audience, created_at, is_sample) "
        "SELECT 'client', c.id, 'Dossier', 'dossier', '', $2, $3 FROM client c WHERE c.id = $1 ON CONFLICT DO NOTHING",
        client, now, False,
    )  # fmt: skip
    dossier = (await engine.raw("SELECT id FROM dossier WHERE client = $1", client))[0]["id"]
    at: Folder | None = None
    for name, year in steps_of(request):
        at = await _step(dossier, client, at, name, year)
    assert at is not None
    return at


async def _step(dossier: int, client: int, above: Folder | None, name: str, year: int | None) -> Folder:
    lying = (Folder.dossier == dossier) & (Folder.name_key == fold(name)) & Folder.trashed_at.is_null()
    lying = lying & ((Folder.parent == above.id) if above else Folder.parent.is_null())
    if found := await Folder.objects().where(lying).first():
        return found
    made = await make_folder(dossier, client, above.id if above else None, name, above.kind if above else "office")
    if year is not None:
        await engine.raw("UPDATE folder SET year = $2 WHERE id = $1", made.id, year)
        made.year = year
    return made


async def file_in(folder: Folder, request: dict[str, Any], files: Sequence[NewDocument]) -> list[int]:
    """In the unit: documents of these files; their ids, in that order.

    A name that is taken gets a number. Where what has it came of the request that this one replaces, this becomes its newer
    version; the very same bytes are not filed twice.
    """
    there = await _there(folder, request, [fold(file.name) for file in files])
    taken = set(there)
    if any(not row["same"] for row in there.values()) or len({fold(file.name) for file in files}) < len(files):
        rows = await engine.raw("SELECT name_key FROM document WHERE folder = $1 AND trashed_at IS NULL", folder.id)
        taken = {row["name_key"] for row in rows}
    used, ids = set[int](), []
    for file in files:
        lying = there.get(fold(file.name))
        if lying and lying["same"] and lying["id"] not in used:
            if lying["sha256"] != file.sha256:
                await new_version(lying["id"], file, request["made_by"])
            used.add(lying["id"])
            ids.append(lying["id"])
            continue
        name = numbered(file.name, taken, 255)
        taken.add(fold(name))
        ids.append(await _add(folder, request, file._replace(name=name)))
    await enlist([file.sha256 for file in files])
    await tell(folder.dossier, folder.client)
    return ids


async def _there(folder: Folder, request: dict[str, Any], keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What lies there under these names: id, name_key, sha256, and `same` for what this request filed, or the one it replaces."""
    rows = await engine.raw(
        "SELECT d.id, d.name_key, d.sha256, d.of_approval AND (d.id IN (SELECT a.document FROM approval_document a WHERE a.request IN ($2, $3)) "
        "OR d.id IN (SELECT s.document FROM approval_seal s WHERE s.request IN ($2, $3))) AS same "
        f"FROM document d WHERE d.folder = $1 AND d.trashed_at IS NULL AND d.name_key IN {listed_texts(4)}",
        folder.id, request["id"], request["replaces"] or 0, json.dumps(list(keys)),
    )  # fmt: skip
    return {row["name_key"]: row for row in rows}


async def _add(folder: Folder, request: dict[str, Any], file: NewDocument) -> int:
    now = utcnow()
    made = Document(
        folder=folder.id, client=folder.client, name=file.name, name_key=fold(file.name), sha256=file.sha256, size=file.size,
        mime=file.mime, source="office", uploaded_by=request["made_by"], uploaded_at=now, book_year=request["book_year"] or folder.year,
        period="" if request["period"].startswith("p") else request["period"], labels=LABEL, labels_key=f",{LABEL},", of_approval=True,
        **NOW.columns(now),
    )  # fmt: skip
    await made.save()
    return int(made.id)


async def new_version(document: int, file: NewDocument, by: int | None, *, lost: bool = False) -> None:
    """Other bytes in the place of those that are there, which are kept; where they are `lost` there is nothing to keep."""
    found = await Document.objects().where(Document.id == document).first()
    assert found is not None
    now: dt.datetime = utcnow()
    if not lost:
        await DocumentVersion(
            document=found.id, client=found.client, number=found.version, name=found.name, sha256=found.sha256, size=found.size,
            mime=found.mime, source=found.source, uploaded_by=found.uploaded_by, uploaded_at=found.uploaded_at, replaced_at=now,
            was_published=found.state == "published",
        ).save()  # fmt: skip
    await engine.raw(
        "UPDATE document SET sha256 = $2, size = $3, mime = $4, version = version + $5, uploaded_by = $6, uploaded_at = $7 WHERE id = $1",
        document, file.sha256, file.size, file.mime, 0 if lost else 1, by, now,
    )  # fmt: skip


async def newest_of(viewer: Viewer, request_id: int) -> ApprovalSeal | None:
    """The newest sealed certificate of a request, as far as this viewer sees it and its bytes are there."""
    seals = await viewer.scope(ApprovalSeal).where(ApprovalSeal.request == request_id).all(ApprovalSeal.number)
    return seals[-1] if seals and seals[-1].sha256 else None


def certificate_name(request: dict[str, Any]) -> str:
    """Akkoordverklaring Aangifte omzetbelasting 1e kwartaal 2026.pdf"""
    when = period_of(request["period"], request["book_year"], request["year_end"]).nl
    what = in_a_name(request["title"] or request["kind_name"])
    return clean_name(f"Akkoordverklaring {what} {when}".strip()[:200] + ".pdf")


def in_a_name(text: str) -> str:
    """As it can stand in the name of a file: IB/PVV 2025 t/m 2026 becomes IB-PVV 2025 t-m 2026, and is not taken for a path."""
    return re.sub(r"\s+", " ", re.sub(r'[/\\<>:"|?*]+', "-", text)).strip(" -")
