"""An upload from its announcement to the document it becomes: each step once, however often it is asked for."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from models import engine
from models.content_type import clean_name, detect
from models.core import Forbidden, Missing, Refused, Say, digest, fold, operation, save
from models.dossiers import DRAFT, HANDING_IN, NOW, Document, Dossier, Folder, NewDocument, path_to
from models.dossiers.dossier import require_structures
from models.dossiers.versions import may_replace, replace
from models.live import touch
from models.placing.records import Placing
from models.requests.answering import folder_for as folder_of_request
from models.requests.answering import hand_in
from models.requests.records import DocumentRequest, RequestItem
from models.settings import utcnow
from models.storage import Stored
from models.uploads.placing import flat_name, folder_for, keeps_flat, parts_of, path_as_sent
from models.uploads.records import KEPT, Upload, UploadReceipt
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

Target = Folder | RequestItem | Document | Placing
ZONE = ZoneInfo("Europe/Amsterdam")
_PLACING = {"dossier": "Stukken plaatsen", "approvals": "Ter accordering plaatsen"}
OPEN_MOST = 6_000  # unfinished uploads of one person
DECISIONS = ("keep", "skip", "version")


class NotNow(Refused):
    """Not now: what is asked again in a while can be done then. Of what came nothing is lost."""


@dataclass(frozen=True)
class Announced:
    """What a browser says of a file before it sends it. `batch` is what it calls the whole drop, `key` what it calls this file:
    announced again, it is the same upload."""

    name: str
    size: int
    path: str = ""
    publish: str = "now"
    sha256: str = ""
    batch: str = ""
    key: str = ""


async def begin(target: Target, file: Announced, why: Say | None = None, *, by: Viewer) -> Upload:
    """Say no now to what would be refused when it is all there: a file that is unwanted itself, as `why` tells or by its path,
    is refused on its receipt. Raises Refused for what may not come there, Forbidden."""
    if isinstance(target, Placing) and target.purpose == "approvals":
        return await _begin_offered(target, file, why, by=by)
    return await (_begin_own if by.is_client else _begin)(target, file, why, by=by)


@operation(Permission.EDIT_DOSSIERS, trail=False)
async def _begin(target: Target, file: Announced, why: Say | None, *, by: Viewer) -> Upload:
    return await _announce(target, file, why, by)


@operation(Permission.EDIT_APPROVALS, trail=False)
async def _begin_offered(target: Placing, file: Announced, why: Say | None, *, by: Viewer) -> Upload:
    return await _announce(target, file, why, by)


@operation(Permission.UPLOAD_DOCUMENTS, trail=False)
async def _begin_own(target: Target, file: Announced, why: Say | None, *, by: Viewer) -> Upload:
    return await _announce(target, file, why, by)


async def _announce(target: Target, file: Announced, why: Say | None, by: Viewer) -> Upload:
    now, key = utcnow(), _key(file, by)
    if known := await by.uploads.where(Upload.key == key).find():
        return known
    await _refuse(target, by)
    rows = await engine.raw(
        "SELECT count(*) AS n FROM upload WHERE person = $1 AND state IN ('coming', 'asks')", by.user.id
    )
    if rows[0]["n"] >= OPEN_MOST:
        raise Refused("", Say("U heeft {n} onafgemaakte uploads. Maak die eerst af of stop ze.", n=rows[0]["n"]))
    path, why = _path_of(file, why)
    receipt = await receipt_for(target, file.batch, now, by)
    upload = Upload(
        person=by.user.id, receipt=receipt, client=client_of(target), key=key, name=clean_name(file.name),
        path=path, size=file.size, publish="draft" if file.publish == "draft" else "now",
        said_sha256=file.sha256, begun_at=now, expires_at=now + KEPT,
        folder=target.id if isinstance(target, Folder) else None,
        item=target.id if isinstance(target, RequestItem) else None,
        replaces=target.id if isinstance(target, Document) else None,
        placement=target.id if isinstance(target, Placing) else None,
    )  # fmt: skip
    await upload.save()
    if why:
        await _end(upload, "refused", why=json.dumps(why.as_json()))
    return upload


def _path_of(file: Announced, why: Say | None) -> tuple[str, Say | None]:
    """As it is kept, and why the file is not wanted."""
    try:
        return "/".join(parts_of(file.path)), why
    except Refused as refused:
        return path_as_sent(file.path), why or refused.why


def client_of(target: Target) -> int | None:
    """Whose it becomes; what is placed is nobody's yet."""
    return None if isinstance(target, Placing) else target.client


def _key(file: Announced, by: Viewer) -> str:
    return digest(f"upload {by.user.id} {file.key}")[:32] if file.key else uuid.uuid4().hex


async def receipt_for(target: Target, batch: str, now: dt.datetime, by: Viewer) -> int:
    """The id of the receipt of this drop, made with its first file; without a `batch` a new one."""
    rows = await engine.raw(
        "INSERT INTO drop_receipt (person, client, key, place, begun_at) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (person, key) DO UPDATE SET key = excluded.key RETURNING id",
        by.user.id, client_of(target), f"{batch[:40] or uuid.uuid4().hex}-{_whose(target)}"[:64], await _place(target, by), now,
    )  # fmt: skip
    return int(rows[0]["id"])


def _whose(target: Target) -> str:
    return f"p{target.id}" if isinstance(target, Placing) else str(target.client or 0)


async def _place(target: Target, by: Viewer) -> str:
    """Where it goes, in words: of the path what he may see."""
    if isinstance(target, Placing):
        return f"{_PLACING[target.purpose]} {target.created_at.astimezone(ZONE):%d-%m-%Y %H:%M}"
    if isinstance(target, Folder):
        return " › ".join(step["name"] for step in await path_to(by, target))[-400:]
    return str(target.title if isinstance(target, RequestItem) else target.name)


async def _refuse(target: Target, by: Viewer) -> None:
    if isinstance(target, Placing):
        _refuse_busy(target)
        return
    if isinstance(target, RequestItem):
        await _refuse_item(target, by)
        return
    require_structures(target.client, by) if by.is_staff else None
    if target.is_trashed:
        raise Refused("", Say("Dit ligt in de prullenbak. Zet het eerst terug."))
    if isinstance(target, Document):
        if not await may_replace(target, by):
            raise Refused("", Say("U kunt alleen vervangen wat u zelf heeft aangeleverd."))
    elif by.is_client and target.kind not in HANDING_IN:
        raise Refused("", Say("In deze map kunt u niets aanleveren. Kies een uploadmap."))
    elif await Dossier.exists().where((Dossier.id == target.dossier) & (Dossier.kind == "standard")):
        raise Refused(
            "", Say("Een standaardstructuur heeft alleen mappen. Zet documenten in het dossier van een cliënt.")
        )


def _refuse_busy(placing: Placing) -> None:
    if not placing.takes_files:
        raise NotNow("files", Say("Deze plaatsing is bezig. Wacht even, of begin een nieuwe."))


async def wait_for_placing(upload: Upload, *, by: Viewer) -> None:
    """Raises NotNow while the placing that it is for takes no files."""
    if upload.placement and (placing := await by.scope(Placing).where(Placing.id == upload.placement).find()):
        _refuse_busy(placing)


async def _refuse_item(item: RequestItem, by: Viewer) -> None:
    request = await by.scope(DocumentRequest).get(item.request)
    if not by.is_client:
        raise Missing("RequestItem", item.id)
    if request.state != "open" or item.state == "accepted":
        raise Refused("", Say("Deze opvraging is al gesloten."))
    await folder_of_request(request, by)


@operation(Permission.OWN_ACCOUNT, trail=False)
async def came(upload: Upload, received: int, *, by: Viewer) -> None:
    """So much of it is safely there: it can be gone on with for another week."""
    if upload.state == "coming":
        await save(upload, received=received, expires_at=utcnow() + KEPT)


@operation(Permission.OWN_ACCOUNT, trail=False)
async def refuse(upload: Upload, why: Say, *, by: Viewer) -> Upload:
    """For good: what came of it goes."""
    fresh: Upload = await by.uploads.get(upload.id)
    if fresh.state == "coming":
        await _end(fresh, "refused", why=json.dumps(why.as_json()))
    return fresh


@operation(Permission.OWN_ACCOUNT, trail=False)
async def stop(upload: Upload, *, by: Viewer) -> None:
    """He does not want it any more."""
    fresh: Upload = await by.uploads.get(upload.id)
    if fresh.state in ("coming", "asks"):
        await _end(fresh, "stopped")


@operation(Permission.OWN_ACCOUNT, trail=False)
async def complete(upload: Upload, stored: Stored, *, by: Viewer) -> Upload:
    """All bytes are there: it becomes a document, or asks, or is refused in words. Again: the same answer, and nothing else.

    Raises NotNow where it cannot be taken in at this moment: it stays as it is.
    """
    fresh: Upload = await by.uploads.get(upload.id)
    if fresh.state != "coming":
        return fresh
    await wait_for_placing(fresh, by=by)
    await save(fresh, sha256=stored.sha256, received=stored.size)
    if twin := await _same_bytes(fresh, by):
        await save(fresh, state="asks", twin=twin, blob=stored.sha256, expires_at=utcnow() + KEPT)
        return fresh
    await _take_in(fresh, detect(stored.head, fresh.name).mime, by)
    return fresh


@operation(Permission.OWN_ACCOUNT, trail=False)
async def decide(upload: Upload, do: str, head: bytes = b"", *, by: Viewer) -> Upload:
    """Of a file that is there already: `keep` or `skip` it. Of one whose name was taken: make it a `version` of its namesake.

    `head` is the beginning of what waits: its kind is told anew.
    """
    fresh: Upload = await by.uploads.get(upload.id)
    if do not in DECISIONS:
        raise Refused("do", Say("Kies wat er met dit bestand moet gebeuren."))
    if fresh.state == "asks" and do == "skip":
        await _end(fresh, "skipped", blob="")
    elif fresh.state == "asks" and do == "keep":
        await _take_in(fresh, detect(head, fresh.name).mime, by)
    elif fresh.state == "done" and do == "version" and fresh.namesake and fresh.document:
        await _make_version(fresh, by)
    elif fresh.state not in ("done", "skipped"):
        raise Refused("do", Say("Over dit bestand valt niets meer te kiezen."))
    return fresh


@operation(Permission.OWN_ACCOUNT, trail=False)
async def decide_all(receipt: UploadReceipt, *, by: Viewer) -> int:
    """Of everything on the receipt that is there already: leave it at that; how many."""
    rows = await engine.raw(
        "UPDATE upload SET state = 'skipped', blob = '', finished_at = $2 WHERE receipt = $1 AND state = 'asks' RETURNING id",
        receipt.id, utcnow(),
    )  # fmt: skip
    return len(rows)


async def _same_bytes(upload: Upload, by: Viewer) -> int | None:
    """A document in this dossier, seen by him, that holds exactly these bytes."""
    dossier = await _dossier(upload)
    lying = Folder.select(Folder.id).where((Folder.dossier == dossier) & Folder.trashed_at.is_null())
    same = (Document.sha256 == upload.sha256) & Document.trashed_at.is_null() & Document.folder.is_in(lying)
    if upload.replaces:
        return None  # which says itself that nothing is new
    if upload.placement:
        return None  # which says so of each file in its plan
    found = await by.documents.where(same).select(Document.id, order=(Document.id,), limit=1)
    return int(found[0]["id"]) if found else None


async def _dossier(upload: Upload) -> int:
    rows = await engine.raw(
        "SELECT dossier FROM folder WHERE id = coalesce($1, (SELECT r.folder FROM request_item i "
        "JOIN document_request r ON r.id = i.request WHERE i.id = $2), (SELECT folder FROM document WHERE id = $3))",
        upload.folder, upload.item, upload.replaces,
    )  # fmt: skip
    return int(rows[0]["dossier"]) if rows else -1


async def _take_in(upload: Upload, mime: str, by: Viewer) -> None:
    try:
        async with engine.all_or_nothing():
            if upload.placement:
                await _to_place(upload, mime, by)
                document, namesake = None, None
            else:
                document, namesake = await _document(upload, mime, by)
    except (Refused, Forbidden, Missing) as error:
        why = error.why if isinstance(error, Refused) else _GONE
        await _end(upload, "refused", why=json.dumps(why.as_json()), blob="")
        return
    await _end(upload, "done", document=document.id if document else None, namesake=namesake, blob="")


_GONE = Say("Waar dit bestand naartoe ging is er niet meer, of u mag er niets meer aanleveren.")


async def _to_place(upload: Upload, mime: str, by: Viewer) -> None:
    """A file of the placing; with the folders it stood in, as those of a ZIP: they may bear the number of a client."""
    placing = await by.scope(Placing).get(upload.placement)
    path = "/".join((*parts_of(upload.path), upload.name))
    await placing.add_files([NewDocument(path, upload.sha256, upload.size, mime)], by=by)


async def _document(upload: Upload, mime: str, by: Viewer) -> tuple[Document, int | None]:
    """What it becomes, and the document of which it could be a newer version instead."""
    file, parts = NewDocument(upload.name, upload.sha256, upload.size, mime), parts_of(upload.path)
    if upload.replaces:
        document = await by.documents.get(upload.replaces)
        await replace(document, file, by=by)
        return document, None
    item = await by.scope(RequestItem).get(upload.item) if upload.item else None
    folder = await _folder_of(item, by) if item else await by.folders.get(upload.folder or 0)
    if item or keeps_flat(folder, by):
        file = file._replace(name=flat_name(parts, file.name))
    else:
        folder, by = await folder_for(folder, parts, by=by)
    namesake = await _namesake(folder, file.name, by)
    if item:
        return (await hand_in(item, [file], by=by))[0], namesake
    if by.is_client:
        return (await folder.hand_in([file], by=by))[0], namesake
    publish = DRAFT if upload.publish == "draft" else NOW
    return (await folder.add_documents([file], publish, by=by))[0], namesake


async def _folder_of(item: RequestItem, by: Viewer) -> Folder:
    return await folder_of_request(await by.scope(DocumentRequest).get(item.request), by)


async def _namesake(folder: Folder, name: str, by: Viewer) -> int | None:
    same = (Document.folder == folder.id) & (Document.name_key == fold(name)) & Document.trashed_at.is_null()
    found = await by.documents.where(same).find()
    return int(found.id) if found and await may_replace(found, by) else None


async def _make_version(upload: Upload, by: Viewer) -> None:
    """The document that was just made goes, and its bytes become the newest of its namesake."""
    fresh: Document = await by.documents.get(upload.document)
    if fresh.uploaded_by != by.user.id or fresh.version > 1 or await _is_known(fresh, by):
        raise Refused("do", Say("Met “{name}” is intussen al iets gedaan. Voeg een nieuwe versie toe op de pagina van het stuk.", name=fresh.name))  # fmt: skip
    older: Document = await by.documents.get(upload.namesake)
    file = NewDocument(upload.name, fresh.sha256, fresh.size, fresh.mime)
    await engine.raw(
        "UPDATE request_item_document SET document = $2 WHERE document = $1 AND NOT EXISTS "
        "(SELECT 1 FROM request_item_document o WHERE o.item = request_item_document.item AND o.document = $2)",
        fresh.id, older.id,
    )  # fmt: skip
    await Document.delete().where(Document.id == fresh.id)
    await replace(older, file, by=by)
    await save(upload, document=older.id, namesake=None)


async def _is_known(document: Document, by: Viewer) -> bool:
    rows = await engine.raw(
        "SELECT 1 AS one FROM reading WHERE document = $1 AND person <> $2 UNION ALL SELECT 1 FROM remark WHERE document = $1 UNION ALL SELECT 1 FROM hold_item WHERE document = $1",
        document.id, by.user.id,
    )  # fmt: skip
    return bool(rows)


async def _end(upload: Upload, state: str, **more: Any) -> None:
    await save(upload, state=state, finished_at=utcnow(), **more)
    await touch(f"receipt-{upload.receipt}")
