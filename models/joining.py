"""Photos joined into one PDF: of files that just came in, or of documents that were handed in already.

The PDF has the photos upright on A4 at 200 dots to the inch, and nothing else that the phone wrote in them (place, time).
Of files that come in with the wish to be joined only the PDF becomes a document; the trail keeps the hashes of the photos.
Documents that are joined go to the trash, unless one wants to keep them.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import config, drawing, engine
from models.content_type import clean_name
from models.core import Refused, Say, fold, operation
from models.dossiers import HANDING_IN, Document, Folder, NewDocument
from models.dossiers.dossier import require_structures
from models.dossiers.folders import numbered, tell
from models.drawing import PICTURES, Undrawable
from models.live import touch
from models.scanning import require_open
from models.scanning.enlisting import enlist
from models.scanning.working import scan_now
from models.settings import utcnow
from models.storage import storage
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

MOST = 60  # photos of one PDF
MOST_SIZE = 100 * 1024 * 1024  # bytes of one photo
_PIECE = 1024 * 1024


def is_photo(mime: str) -> bool:
    return mime in PICTURES


async def make_pdf(photos: Sequence[NewDocument], name: str, *, by_link: bool = False) -> NewDocument:
    """The PDF of these photos in this order, in the storage. Outside every unit. Raises Refused."""
    check_photos(photos)
    for photo in photos:
        if why := await scan_now(photo.sha256):
            raise why
    folder = config.settings().var
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="join-") as place:
        target = Path(place) / "joined.pdf"
        try:
            with drawing.within(drawing.BY_LINK) if by_link else contextlib.nullcontext():
                await drawing.join([photo.sha256 for photo in photos], target)
        except Undrawable as problem:
            raise Refused("photos", _UNDRAWN) from problem
        async with storage().receive() as incoming:
            with target.open("rb") as file:
                while piece := file.read(_PIECE):
                    await incoming.write(piece)
            stored = await incoming.keep()
    return NewDocument(pdf_name(name), stored.sha256, stored.size, "application/pdf")


_UNDRAWN = Say("Een van de foto’s is beschadigd of te groot om samen te voegen. De foto’s zelf zijn bewaard.")


def check_photos(photos: Sequence[NewDocument]) -> None:
    """Raises Refused."""
    if not photos:
        raise Refused("photos", Say("Kies eerst de foto’s die samen één pdf worden."))
    if len(photos) > MOST:
        raise Refused("photos", Say("Ten hoogste {most} foto’s in één pdf.", most=MOST))
    for photo in photos:
        if not is_photo(photo.mime):
            raise Refused("photos", Say("“{name}” is geen foto.", name=photo.name))
        if photo.size > MOST_SIZE:
            raise Refused("photos", Say("“{name}” is te groot om samen te voegen.", name=photo.name))


def pdf_name(name: str) -> str:
    """As it was typed, with the ending; 'Foto’s.pdf' when nothing was."""
    name = " ".join(name.split()) or str(Say("Foto’s"))
    return clean_name(name if name.lower().endswith(".pdf") else f"{name[:200]}.pdf")


async def photos_of(viewer: Viewer, folder: Folder) -> list[Document]:
    """The photos in a folder that was found through the viewer and that he may join, in the order in which they came: of
    clients each his own."""
    found = viewer.documents.where(
        Document.folder == folder.id, Document.trashed_at.is_null(), Document.mime.is_in(sorted(PICTURES))
    )
    if viewer.is_client:
        found = found.where(Document.source == "client", Document.uploaded_by == viewer.user.id)
    return await found.all(Document.uploaded_at, Document.id, limit=200)


async def chosen(viewer: Viewer, folder: Folder, ids: Sequence[int]) -> list[Document]:
    """These photos in this order. Raises Refused, and Shut for what may not be opened."""
    known = {photo.id: photo for photo in await photos_of(viewer, folder)}
    photos = [known[id] for id in dict.fromkeys(ids) if id in known]
    if len(photos) < len(set(ids)):
        raise Refused(
            "photos", Say("Iets van wat u koos is er niet meer, of is geen foto van u. Laad de pagina opnieuw.")
        )
    check_photos([NewDocument(one.name, one.sha256, one.size, one.mime) for one in photos])
    _like(photos, folder)
    for photo in photos:
        await require_open(photo.sha256)
    return photos


def _like(photos: Sequence[Document], folder: Folder) -> tuple[str, int | None, bool]:
    """Whose the PDF is, and whether clients see it: as the photos. Raises Refused where that would show one what another's is."""
    sources = {(photo.source, photo.uploaded_by) for photo in photos}
    if len(sources) > 1 and folder.own_only:
        raise Refused("photos", Say("Deze foto’s zijn van verschillende mensen, die elkaars stukken hier niet zien."))
    published = all(photo.state == "published" for photo in photos)
    if len(sources) == 1:
        source, person = sources.pop()
        return source, person, published
    return ("client" if all(photo.source == "client" for photo in photos) else "office"), None, published


async def join(
    folder: Folder, ids: Sequence[int], pdf: NewDocument, keep: bool = False, *, by: Viewer
) -> tuple[Document, int]:
    """The PDF of these photos as a document beside them, and how many photos went to the trash. Clients do so with what is
    their own; what the office has opened already stays where it is."""
    return await (_join_own if by.is_client else _join)(folder, ids, pdf, keep, by=by)


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def _join(
    folder: Folder, ids: Sequence[int], pdf: NewDocument, keep: bool, *, by: Viewer
) -> tuple[Document, int]:
    require_structures(folder.client, by)
    return await _put(folder, ids, pdf, keep, by)


@operation(Permission.UPLOAD_DOCUMENTS, trail=False)
async def _join_own(
    folder: Folder, ids: Sequence[int], pdf: NewDocument, keep: bool, *, by: Viewer
) -> tuple[Document, int]:
    from models.notices import uploaded

    if folder.kind not in HANDING_IN:
        raise Refused("photos", Say("In deze map kunt u niets aanleveren. Kies een uploadmap."))
    made, gone = await _put(folder, ids, pdf, keep, by)
    await uploaded(folder.client, [made.id])
    await touch("uploads")
    return made, gone


async def _put(folder: Folder, ids: Sequence[int], pdf: NewDocument, keep: bool, by: Viewer) -> tuple[Document, int]:
    photos = await chosen(by, folder, ids)
    source, person, published = _like(photos, folder)
    now, name = utcnow(), pdf.name
    rows = await engine.raw("SELECT name_key FROM document WHERE folder = $1 AND trashed_at IS NULL", folder.id)
    name = numbered(name, {row["name_key"] for row in rows}, 255)
    first = photos[0]
    made = Document(
        folder=folder.id, client=folder.client, name=name, name_key=fold(name), sha256=pdf.sha256, size=pdf.size, mime=pdf.mime,
        source=source, uploaded_by=person if source == "client" else by.user.id, uploaded_at=now, book_year=first.book_year,
        state="published" if published else "draft", published_at=now if published else None,
    )  # fmt: skip
    await made.save()
    await enlist([pdf.sha256])
    places = ", ".join(str(int(photo.id)) for photo in photos)
    await engine.raw(
        f"INSERT INTO request_item_document (item, document) SELECT DISTINCT item, {int(made.id)} FROM request_item_document WHERE document IN ({places})"
    )
    may_go = "" if by.is_staff else " AND opened_at IS NULL"
    gone = [] if keep else await engine.raw(
        f"UPDATE document SET trashed_at = $1, trashed_by = $2 WHERE id IN ({places}) AND trashed_at IS NULL{may_go} RETURNING id",
        now, by.user.id,
    )  # fmt: skip
    await note_joined(folder, made.name, [photo.sha256 for photo in photos], by)
    await tell(folder.dossier, folder.client)
    return made, len(gone)


async def note_joined(folder: Any, name: str, hashes: Sequence[str], by: Viewer | None) -> None:
    """On the trail: what the PDF was made of, as proof of what the photos were."""
    from models.audit import Trail

    detail = {"name": name, "count": len(hashes), "hashes": list(hashes)}
    await Trail.write("Folder.join_photos", folder, by=by, detail=detail)
