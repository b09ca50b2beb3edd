"""Uploads that can be broken off and gone on with, by the tus protocol 1.0.0 (https://tus.io/protocols/resumable-upload).

Core with creation, creation-with-upload, termination, checksum and expiration. What a finished upload became stands, as
percent-encoded JSON, in `Upload-Result`; the receipt it stands on in `Upload-Receipt`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import datetime as dt
import functools
import hashlib
import json
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

import partials
from models import config, engine
from models.content_type import check_upload, detect
from models.content_type.archives import look_inside
from models.core import Missing, Say
from models.dossiers import Document, Folder
from models.placing import Placing
from models.requests import RequestItem
from models.settings import utcnow
from models.storage import Locked, Partial, StorageFull, storage
from models.storage.base import HEAD
from models.uploads import (
    KEPT,
    Announced,
    NotNow,
    Upload,
    begin,
    came,
    complete,
    refuse,
    result_of,
    size_in_words,
    stop,
    wait_for_placing,
)
from models.viewer import Viewer
from web.addresses import address_for
from web.errors import failure
from web.replies import language_of
from web.routing import Access, Routes, Turned, Visit

uploads = Routes("uploads", Access.SIGNED_IN)

VERSION = "1.0.0"
SILENCE_MOST = 30  # seconds; then whoever comes back may go on where this connection fell silent
_DAY = dt.timedelta(days=1)
_TURNS = 6
_DRAINED = 64 * 1024 * 1024
_PIECE = "application/offset+octet-stream"
_ALGORITHMS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}
_SHA256 = re.compile("[0-9a-f]{64}")


class Wrong(Exception):
    """The protocol's own way of saying no: a status, and the words for whoever reads a log."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


Answerer = Callable[..., Awaitable[Response]]


def answering(handler: Answerer) -> Answerer:
    """Every answer in the protocol's headers; every refusal as plain text, in the language of who asks."""

    @functools.wraps(handler)
    async def answer(request: Request, visit: Visit, **parameters: Any) -> Response:
        headers = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}
        try:
            response = await handler(request, visit, **parameters)
        except Wrong as wrong:
            response = PlainTextResponse(wrong.why, wrong.status)
            headers |= {"Tus-Version": VERSION} if wrong.status == 412 else {}
        except Locked:
            response = PlainTextResponse("somebody else is sending this file at this moment", 423)
        except NotNow as later:
            with partials.speaking(language_of(request, visit.viewer, visit.firm)):
                response = PlainTextResponse(partials.speak(later.why), 423)
        except ClientDisconnect:
            response = Response(status_code=400)  # nobody hears it
        except Turned:
            raise
        except Exception as error:
            said = failure(error, request, visit.viewer)
            if isinstance(error, StorageFull):
                said.context["text"] = _FULL
            with partials.speaking(language_of(request, visit.viewer, visit.firm)):
                response = PlainTextResponse(partials.speak(said.context["text"]), said.status)
        await _drain(request)
        response.headers.update(headers)
        return response

    return answer


_FULL = Say("De opslag is vol. Wat al aankwam blijft een week staan: waarschuw de beheerder en ga daarna verder.")


async def _drain(request: Request) -> None:
    """A browser that is still sending hears an answer only when it is listened to: so the rest is read, within measure."""
    left = _DRAINED
    with contextlib.suppress(Exception):
        async with asyncio.timeout(SILENCE_MOST), contextlib.aclosing(request.stream()) as stream:
            async for chunk in stream:
                left -= len(chunk)
                if left < 0:
                    return


@uploads.long("OPTIONS", "/uploads", access=Access.PUBLIC)
@answering
async def abilities(request: Request, visit: Visit) -> Response:
    return Response(
        status_code=204,
        headers={
            "Tus-Version": VERSION,
            "Tus-Extension": "creation,creation-with-upload,termination,checksum,expiration",
            "Tus-Max-Size": str(config.settings().max_upload),
            "Tus-Checksum-Algorithm": ",".join(_ALGORITHMS),
        },
    )


@uploads.long("POST", "/uploads")
@answering
async def create(request: Request, visit: Visit) -> Response:
    """`Upload-Metadata` says where to: `folder`, `item` (of a request), `document` (a newer version) or `placing`, by id."""
    said = _metadata(request.headers.get("upload-metadata", ""))
    announced = _announced(said)
    size = _whole(request.headers.get("upload-length"))

    async def unit(viewer: Viewer) -> Upload:
        target = await _target(viewer, said)
        _demand_version(request)
        if size is None:
            raise Wrong(400, "Upload-Length is missing or no number")
        return await begin(
            target, Announced(**{**vars(announced), "size": size}), _unwanted(announced, size), by=viewer
        )

    if size is not None:
        await visit.read(_nothing)  # who may not come here is told nothing of the disk
        await _refuse_full(size)
    upload = await visit.write(unit)
    if upload.state == "refused":
        return await _told(visit, upload, 422)
    if upload.state != "coming":  # the answer was lost, and it is announced again
        told = await _told(visit, upload, 201)
        told.headers["Location"] = patch.url(upload_id=upload.id)
        return told
    headers = {"Location": patch.url(upload_id=upload.id), "Upload-Offset": "0", **_dates(upload)}
    if there := await storage().partial_size(upload.key):
        headers["Upload-Offset"] = str(there)
    elif request.headers.get("content-type") == _PIECE and request.headers.get("content-length") != "0":
        taken = await _take(request, visit, upload, 0)
        taken.headers.update({name: value for name, value in headers.items() if name not in taken.headers})
        taken.status_code = 201 if taken.status_code == 204 else taken.status_code
        return taken
    return Response(status_code=201, headers=headers)


@uploads.long("HEAD", "/uploads/{upload_id:int}")
@answering
async def progress(request: Request, visit: Visit, upload_id: int) -> Response:
    """How much is there. Of a file that is whole, and of which a crash kept the rest from happening, the rest happens now."""
    upload = await visit.read(lambda viewer: viewer.uploads.get(upload_id))
    _demand_version(request)
    if upload.state != "coming":
        return await _told(visit, upload, 200 if upload.state in ("done", "asks") else 410)
    offset = await storage().partial_size(upload.key)
    if offset == upload.size and visit.viewer.view_as is None:
        with contextlib.suppress(Locked):
            async with storage().resume(upload.key) as partial:
                upload = await _finish(visit, upload, partial)
            return await _ended(visit, upload, 200)
    return Response(status_code=200, headers={"Upload-Offset": str(offset), **_dates(upload)})


@uploads.long("PATCH", "/uploads/{upload_id:int}")
@answering
async def patch(request: Request, visit: Visit, upload_id: int) -> Response:
    return await _patch(request, visit, upload_id)


@uploads.long("DELETE", "/uploads/{upload_id:int}")
@answering
async def remove(request: Request, visit: Visit, upload_id: int) -> Response:
    return await _remove(request, visit, upload_id)


@uploads.long("POST", "/uploads/{upload_id:int}")
@answering
async def instead(request: Request, visit: Visit, upload_id: int) -> Response:
    """For who comes through a proxy that knows neither PATCH nor DELETE."""
    await visit.read(lambda viewer: viewer.uploads.get(upload_id))
    match request.headers.get("x-http-method-override", "").upper():
        case "PATCH":
            return await _patch(request, visit, upload_id)
        case "DELETE":
            return await _remove(request, visit, upload_id)
    raise Wrong(405, "PATCH and DELETE")


async def _patch(request: Request, visit: Visit, upload_id: int) -> Response:
    upload = await visit.read(lambda viewer: viewer.uploads.get(upload_id))
    _demand_version(request)
    if request.headers.get("content-type") != _PIECE:
        raise Wrong(415, f"Content-Type must be {_PIECE}")
    offset = _whole(request.headers.get("upload-offset"))
    if offset is None:
        raise Wrong(400, "Upload-Offset is missing or no number")
    if upload.state != "coming":
        return await _told(visit, upload, 204 if upload.state in ("done", "asks") else 410)
    return await _take(request, visit, upload, offset)


async def _remove(request: Request, visit: Visit, upload_id: int) -> Response:
    upload = await visit.read(lambda viewer: viewer.uploads.get(upload_id))
    _demand_version(request)
    await visit.write(lambda viewer: stop(upload, by=viewer))
    await storage().forget(upload.key)
    return Response(status_code=204)


# the bytes


async def _take(request: Request, visit: Visit, upload: Upload, offset: int) -> Response:
    length = _whole(request.headers.get("content-length"))
    if length is not None and offset + length > upload.size:
        raise Wrong(413, "more bytes than were announced")
    expected = _checksum(request.headers.get("upload-checksum"))
    why: Say | None = None
    async with storage().resume(upload.key) as partial:
        if partial.offset != offset:
            raise Wrong(409, f"{partial.offset} bytes are there")
        why = await _stream(request, upload, partial, expected)
        now = partial.offset
        if why is None and now == upload.size:
            upload = await _finish(visit, upload, partial)
    if why is not None:
        upload = await visit.write(lambda viewer: refuse(upload, why, by=viewer))
    if upload.state != "coming":
        return await _ended(visit, upload, 204)
    if (
        upload.expires_at - utcnow() < KEPT - _DAY
    ):  # a piece alone is no reason to write: the storage knows how far it is
        await visit.write(lambda viewer: came(upload, now, by=viewer))
    return Response(status_code=204, headers={"Upload-Offset": str(now), **_dates(upload)})


async def _stream(request: Request, upload: Upload, partial: Partial, expected: tuple[str, bytes] | None) -> Say | None:
    """What came is safely there when this returns; why it is not wanted, as soon as its beginning tells."""
    checked, began = hashlib.new(expected[0]) if expected else None, bytearray()
    first = partial.offset == 0
    async for chunk in _chunks(request):
        if partial.offset + partial.waiting + len(chunk) > upload.size:
            await partial.undo()
            raise Wrong(413, "more bytes than were announced")
        if first and len(began) < HEAD:
            began += chunk[: HEAD - len(began)]
            if not expected and len(began) == HEAD and (why := check_upload(bytes(began), upload.size, upload.name)):
                return why
        if checked is not None:
            checked.update(chunk)
        await partial.write(chunk)
    if expected and checked is not None and checked.digest() != expected[1]:
        await partial.undo()
        raise Wrong(460, "checksum mismatch")
    await partial.settle()
    return check_upload(bytes(began), upload.size, upload.name) if len(began) == HEAD else None


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    async with contextlib.aclosing(request.stream()) as stream:
        while True:
            try:
                async with asyncio.timeout(SILENCE_MOST):
                    chunk = await anext(stream, None)
            except TimeoutError as error:
                raise Wrong(408, "the connection fell silent") from error
            if chunk is None:
                return
            if chunk:
                yield chunk


async def _finish(visit: Visit, upload: Upload, partial: Partial) -> Upload:
    if why := check_upload(await partial.head(), upload.size, upload.name):
        return await visit.write(lambda viewer: refuse(upload, why, by=viewer))
    if upload.placement:
        await visit.read(lambda viewer: wait_for_placing(upload, by=viewer))
    stored = await partial.keep()
    if upload.said_sha256 and upload.said_sha256 != stored.sha256:
        changed = Say("“{name}” is onderweg veranderd en daarom niet aangenomen. Stuur het opnieuw.", name=upload.name)
        return await visit.write(lambda viewer: refuse(upload, changed, by=viewer))
    kind = detect(stored.head, upload.name)
    if bomb := await look_inside(storage(), stored.sha256, stored.size, upload.name, kind.mime):
        return await visit.write(lambda viewer: refuse(upload, bomb, by=viewer))
    for turn in range(_TURNS):
        try:
            return await visit.write(lambda viewer: complete(upload, stored, by=viewer))
        except (
            Exception
        ) as error:  # many files of one dropped folder make the same folder at once: the next turn finds it there
            passing = engine.is_unique_violation(error) or engine.is_serialization_failure(error)
            if not passing or turn == _TURNS - 1:
                raise
            await asyncio.sleep(random.uniform(0.02, 0.1) * (turn + 1))  # noqa: S311
    raise AssertionError("unreachable")


# the answers


async def _ended(visit: Visit, upload: Upload, status: int) -> Response:
    await storage().forget(upload.key)
    return await _told(visit, upload, 422 if upload.state == "refused" else status)


async def _told(visit: Visit, upload: Upload, status: int) -> Response:
    said = await visit.read(lambda viewer: told_of(viewer, visit.firm, upload))
    headers = {"Upload-Offset": str(upload.size), "Upload-Result": quote(json.dumps(said)), **_dates(upload)}
    return PlainTextResponse(said["why"] or "", status, headers) if status >= 400 else Response(None, status, headers)


async def told_of(viewer: Viewer, firm: Any, upload: Upload) -> dict[str, Any]:
    """How an upload ended, as the browser gets it: with addresses and in the language of who reads it."""
    found = await result_of(viewer, upload)
    page = "documents.page" if viewer.is_staff else "portal.document"
    for part in ("document", "twin", "namesake"):
        if part in found:
            found[part]["url"] = address_for(page, document_id=found[part]["id"])
    with partials.speaking(str((viewer.view_as or viewer.user).language)):
        return found | {"why": partials.speak(found["why"]) if found["why"] else ""}


def _dates(upload: Upload) -> dict[str, str]:
    receipt = address_for("receipts.page", receipt_id=upload.receipt)
    expires = {"Upload-Expires": format_datetime(upload.expires_at, usegmt=True)} if upload.state == "coming" else {}
    return {"Upload-Length": str(upload.size), "Upload-Receipt": receipt, **expires}


# what is said beforehand


def _demand_version(request: Request) -> None:
    if request.headers.get("tus-resumable") != VERSION:
        raise Wrong(412, f"Tus-Resumable must be {VERSION}")


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 16 else None


def _metadata(header: str) -> dict[str, str]:
    """`name base64, name base64`; Raises Wrong."""
    found = {}
    for pair in header.split(",") if header.strip() else ():
        name, _, value = pair.strip().partition(" ")
        try:
            found[name] = base64.b64decode(value, validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError) as error:
            raise Wrong(400, f"Upload-Metadata: {name[:40]} is not base64") from error
    return found


def _announced(said: dict[str, str]) -> Announced:
    name, sha256 = said.get("filename") or said.get("name") or "", said.get("sha256", "").lower()
    path = said.get("path", "")
    if len(name) > 1000 or len(path) > 4000:
        name, path = name[-1000:], path[:4000]
    return Announced(
        name,
        0,
        path,
        said.get("publish", "now"),
        sha256 if _SHA256.fullmatch(sha256) else "",
        re.sub(r"[^\w-]", "", said.get("batch", ""))[:40],
        re.sub(r"[^\w-]", "", said.get("key", ""))[:64],
    )


async def _nothing(viewer: Viewer) -> None:
    return None


async def _target(viewer: Viewer, said: dict[str, str]) -> Any:
    """Raises Missing."""
    scopes = {"folder": Folder, "item": RequestItem, "document": Document, "placing": Placing}
    for kind, table in scopes.items():
        id = _whole(said.get(kind))
        if id is not None and id < 10**9:
            return await viewer.scope(table).get(id)
    raise Missing("Folder", said.get("folder"))


def _unwanted(file: Announced, size: int) -> Say | None:
    """What is refused before it comes; it stands on the receipt of its drop as well."""
    limit = config.settings().max_upload
    if size > limit:
        return size_in_words(limit)
    return check_upload(b"", 0, file.name) if size == 0 else None


async def _refuse_full(size: int) -> None:
    """Before the first byte, where the disk tells."""
    room = await storage().room()
    if room is not None and size > room:
        raise StorageFull("Er is minder ruimte dan dit bestand groot is.")


def _checksum(header: str | None) -> tuple[str, bytes] | None:
    if header is None:
        return None
    algorithm, _, value = header.strip().partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Wrong(400, "Upload-Checksum is not base64") from error
    if algorithm not in _ALGORITHMS:
        raise Wrong(400, f"Upload-Checksum: {algorithm[:20]} is not known here")
    return algorithm, digest
