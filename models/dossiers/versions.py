"""Versions of a document: a newer file takes its place, the older ones are kept and can be brought back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models import engine
from models.content_type import clean_name
from models.core import Missing, Refused, Say, fold, operation, save
from models.dossiers.documents import Document, DocumentVersion
from models.dossiers.dossier import require_structures
from models.dossiers.folders import HANDING_IN, Folder, NewDocument, tell
from models.drawing import is_shown
from models.settings import utcnow
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer


async def replace(document: Document, file: NewDocument, *, by: Viewer) -> None:
    """A newer file of the same document: who opened the older one has this one to open. Clients replace what is their own."""
    await (_replace_own if by.is_client else _replace)(document, file, by=by)


async def may_replace(document: Document, by: Viewer) -> bool:
    """Whether this viewer may put a newer version in the place of a document that he sees."""
    if by.is_staff:
        return by.may(Permission.EDIT_DOSSIERS) and (document.client is not None or by.may(Permission.EDIT_STRUCTURES))
    folder = await by.folders.get(document.folder)
    own = document.source == "client" and document.uploaded_by == by.user.id
    return own and folder.kind in HANDING_IN and by.may(Permission.UPLOAD_DOCUMENTS, document)


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def _replace(document: Document, file: NewDocument, *, by: Viewer) -> None:
    require_structures(document.client, by)
    await _put(document, file, by)


@operation(Permission.UPLOAD_DOCUMENTS, trail=False)
async def _replace_own(document: Document, file: NewDocument, *, by: Viewer) -> None:
    folder = await by.folders.get(document.folder)
    if document.source != "client" or document.uploaded_by != by.user.id or folder.kind not in HANDING_IN:
        raise Refused("file", Say("U kunt alleen vervangen wat u zelf heeft aangeleverd."))
    await _put(document, file, by)


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def bring_back(document: Document, number: int, *, by: Viewer) -> None:
    """An earlier version becomes the newest; none is lost by it."""
    require_structures(document.client, by)
    row = await version_of(document, number)
    await _put(document, NewDocument(row["name"], row["sha256"], row["size"], row["mime"]), by)


async def versions_of(viewer: Viewer, document: Document) -> list[dict[str, Any]]:
    """The earlier versions of a document that was found through the viewer, the newest first: number, name, size, mime,
    sha256, who, uploaded_at, source, is_shown (on the screen)."""
    shown = "" if viewer.is_staff else " AND v.was_published"
    rows = await engine.raw(
        "SELECT v.number, v.name, v.size, v.mime, v.sha256, v.source, v.uploaded_at, "
        "coalesce(u.full_name, (SELECT p.name FROM carried_person p WHERE p.document = v.document AND p.what = 'version' AND p.record_id = v.id)) AS who FROM document_version v "
        f"LEFT JOIN users u ON u.id = v.uploaded_by WHERE v.document = $1{shown} ORDER BY v.number DESC LIMIT 200",
        document.id,
    )
    return [row | {"is_shown": is_shown(row["mime"], row["name"])} for row in rows]


async def version_of(document: Document, number: int, viewer: Viewer | None = None) -> dict[str, Any]:
    """One earlier version of a document that was found through the viewer. Raises Missing."""
    rows = await engine.raw("SELECT * FROM document_version WHERE document = $1 AND number = $2", document.id, number)
    if not rows or (viewer is not None and viewer.is_client and not rows[0]["was_published"]):
        raise Missing("DocumentVersion", number)
    return rows[0]


async def _put(document: Document, file: NewDocument, by: Viewer) -> None:
    from models.scanning.enlisting import enlist

    if document.is_trashed:
        raise Refused("file", Say("Dit document ligt in de prullenbak. Zet het eerst terug."))
    if file.sha256 == document.sha256:
        raise Refused("file", Say("Dit is precies hetzelfde bestand als de versie die er al staat."))
    now = utcnow()
    earlier = DocumentVersion(
        document=document.id, client=document.client, number=document.version, name=document.name, sha256=document.sha256,
        size=document.size, mime=document.mime, source=document.source, uploaded_by=document.uploaded_by,
        uploaded_at=document.uploaded_at, replaced_at=now, was_published=document.state == "published",
    )  # fmt: skip
    await earlier.save()
    if document.uploaded_by is None:  # whom an archive named as text goes along with what he put there
        await engine.raw(
            "UPDATE carried_person SET what = 'version', record_id = $2 WHERE document = $1 AND what = 'document'",
            document.id, earlier.id,
        )  # fmt: skip
    name = await _named(document, file)
    published = {"published_at": now} if document.state == "published" else {}
    await save(
        document, name=name, name_key=fold(name), sha256=file.sha256, size=file.size, mime=file.mime,
        version=document.version + 1, uploaded_by=by.user.id, uploaded_at=now, opened_at=None, **published,
    )  # fmt: skip
    await enlist([file.sha256])
    await by.note("Document.replace", document, {"name": document.name, "version": document.version})
    folder = await Folder.objects().where(Folder.id == document.folder).first()
    assert folder is not None
    await tell(folder.dossier, document.client)


async def _named(document: Document, file: NewDocument) -> str:
    """The document keeps its name; with the ending of the new file where that is of another kind."""
    stem, _, ending = document.name.rpartition(".")
    fresh = file.name.rpartition(".")[2]
    if file.mime == document.mime or not stem or not fresh or ending.lower() == fresh.lower():
        return str(document.name)
    name = clean_name(f"{stem}.{fresh}")
    taken = await engine.raw(
        "SELECT 1 AS one FROM document WHERE folder = $1 AND name_key = $2 AND trashed_at IS NULL AND id <> $3",
        document.folder, fold(name), document.id,
    )  # fmt: skip
    return str(document.name) if taken else name
