"""Taking in what somebody without a login hands in by a link: found by its token, counted, kept within its limits."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models import engine
from models.audit import Trail
from models.core import Gone, Say, digest, fold
from models.delivering.lying import recorded
from models.delivering.records import DeliveredFile, Delivery, UploadLink
from models.dossiers import HANDING_IN, Document, Folder, NewDocument
from models.dossiers.folders import numbered, tell
from models.joining import note_joined
from models.live import touch
from models.notices import uploaded
from models.scanning.enlisting import enlist
from models.settings import utcnow

# The same words whatever is the matter: they tell a guesser nothing.
CLOSED = Say("Deze link werkt niet (meer). Vraag het kantoor waarvan u hem kreeg om een nieuwe.")
FULL = Say("Via deze link kunt u niet zoveel meer aanleveren. Er is niets bewaard; kies minder of kleinere bestanden.")


async def link_by(token: str) -> UploadLink:
    """The link of this token, as long as it may be used. Raises Gone, in the same words whatever is the matter."""
    found = await UploadLink.objects().where(UploadLink.token_hash == digest(token)).first()
    if found is None or not found.is_live or await _place(found) is None:
        raise Gone(CLOSED)
    return found


async def _place(link: UploadLink) -> Folder | None:
    """The folder into which it leads, as long as it is of a client we have, clients hand in there and what it answers is
    still asked."""
    folder = await Folder.objects().where(Folder.id == (link.folder or 0)).first()
    if not await engine.raw("SELECT 1 AS one FROM client WHERE id = $1 AND state = 'active'", link.client):
        return None
    if folder is None or folder.is_trashed or folder.kind not in HANDING_IN or folder.client != link.client:
        return None
    if link.item:
        rows = await engine.raw(
            "SELECT 1 AS one FROM request_item i JOIN document_request r ON r.id = i.request "
            "WHERE i.id = $1 AND r.state = 'open' AND i.state <> 'accepted'",
            link.item,
        )
        if not rows:
            return None
    return folder


async def deliver(token: str, who: str, files: Sequence[NewDocument], joined: Sequence[str] = ()) -> str:
    """Documents of these files in the folder of the link; the token of the receipt. `joined` are the hashes of the photos
    that became the first of them. Raises Gone.

    The room is taken before anything is made, in one statement: two who come at once never take more than there is.
    """
    link = await link_by(token)
    await _take_room(link, len(files), sum(file.size for file in files))
    folder = await _place(link)
    assert folder is not None
    receipt, now = secrets.token_urlsafe(32), utcnow()
    who = " ".join(who.replace("\x00", "").split())[:120]
    delivery = Delivery(link=link.id, client=link.client, who=who, receipt_hash=digest(receipt), at=now)
    await delivery.save()
    documents = await _documents(folder, files)
    await recorded(link.id, sum(file.size for file in (files[1:] if joined else files)))
    await DeliveredFile.insert(
        *(
            DeliveredFile(delivery=delivery.id, document=made.id, name=made.name, size=made.size, sha256=made.sha256)
            for made in documents
        )
    )
    if link.item:
        await _answer(link.item, [made.id for made in documents])
    if joined:
        await note_joined(folder, documents[0].name, joined, None)
    await _tell(link, folder, documents, who)
    return receipt


async def _take_room(link: UploadLink, files: int, size: int) -> None:
    taken = await engine.raw(
        "UPDATE upload_link SET files = files + $2, bytes = bytes + $3 WHERE id = $1 AND ended_at IS NULL AND expires_at > $4 "
        "AND files + $2 <= max_files AND bytes + $3 <= max_bytes RETURNING id",
        link.id, files, size, utcnow(),
    )  # fmt: skip
    if not taken:
        raise Gone(FULL)


async def _documents(folder: Folder, files: Sequence[NewDocument]) -> list[Document]:
    rows = await engine.raw("SELECT name_key FROM document WHERE folder = $1 AND trashed_at IS NULL", folder.id)
    names, now, made = {row["name_key"] for row in rows}, utcnow(), []
    for file in files:
        name = numbered(file.name, names, 255)
        names.add(fold(name))
        made.append(
            Document(
                folder=folder.id, client=folder.client, name=name, name_key=fold(name), sha256=file.sha256, size=file.size,
                mime=file.mime, source="client", uploaded_by=None, uploaded_at=now, book_year=folder.year, published_at=now,
            )
        )  # fmt: skip
    await Document.insert(*made)
    await enlist([file.sha256 for file in files])
    return made


async def _answer(item: int, documents: Sequence[int]) -> None:
    await engine.copy_rows("request_item_document", ("item", "document"), [(item, document) for document in documents])
    await engine.raw(
        "UPDATE request_item SET state = 'handed_in', reason = '', answered_by = NULL, answered_at = $2 WHERE id = $1",
        item, utcnow(),
    )  # fmt: skip
    rows = await engine.raw("SELECT request FROM request_item WHERE id = $1", item)
    await touch("requests", f"request-{rows[0]['request']}")


async def _tell(link: UploadLink, folder: Folder, documents: Sequence[Document], who: str) -> None:
    names = [document.name for document in documents]
    detail = {"names": names[:20], "count": len(names), "who": who, "link": link.id}
    await Trail.write("UploadLink.deliver", link, detail=detail)
    await uploaded(link.client, [document.id for document in documents])
    await tell(folder.dossier, link.client)
    await touch("uploads")


@dataclass(frozen=True)
class Receipt:
    """What was handed in, as we have it: `files` with name, size and sha256."""

    at: Any
    who: str
    purpose: str
    files: list[dict[str, Any]]


async def receipt_by(token: str) -> Receipt:
    """Raises Gone for one that is not there."""
    rows = await engine.raw(
        "SELECT d.id, d.at, d.who, l.purpose FROM delivery d JOIN upload_link l ON l.id = d.link WHERE d.receipt_hash = $1",
        digest(token),
    )
    if not rows:
        raise Gone(CLOSED)
    files = await engine.raw(
        "SELECT name, size, sha256 FROM delivered_file WHERE delivery = $1 ORDER BY id", rows[0]["id"]
    )
    return Receipt(rows[0]["at"], rows[0]["who"], rows[0]["purpose"], files)
