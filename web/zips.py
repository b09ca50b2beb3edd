"""Folders and documents as one ZIP, of any size: made while it goes out, never on the disk nor whole in memory.

An archive does not lie: what is not in the storage any more is named in a text file inside, and bytes that turn out not to be what
they were break the download off, so that no browser takes it for whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import threading
from collections.abc import AsyncIterator, Iterator, Sequence

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from zipstream import ZIP_STORED, ZipStream

import partials
from models.content_type import clean_name
from models.core import Missing, Refused, Say
from models.dossiers import dossier_of, folder_of
from models.dossiers.zipping import Entry, entries, note_downloads, tops_of
from models.storage import Storage, StorageDown, storage
from models.storage.base import Missing as BlobMissing
from models.viewer import Viewer
from web.downloads import disposition
from web.items import items_in
from web.replies import Later
from web.routing import Access, Routes, remember

zips = Routes("zips", Access.SIGNED_IN)

_PIECE = 256 * 1024  # bytes that are handed on at a time
_WAITING = 4  # pieces of the archive that are made ahead of the browser
_ASKED = 32  # files that the storage is asked about at a time


@zips.get("/folders/{folder_id:int}/zip")
async def folder(request: Request, viewer: Viewer, folder_id: int) -> Later:
    found = await folder_of(viewer, folder_id)
    return _zip(request, viewer, found.name, await entries(viewer, [found.id]))


@zips.get("/dossiers/{dossier_id:int}/zip", access=Access.STAFF)
async def chosen(request: Request, viewer: Viewer, dossier_id: int) -> Later:
    """What was ticked: `ids` are f1, d2 …; they may lie in other dossiers too. Without any, all of the dossier."""
    dossier = await viewer.dossiers.get(dossier_id)
    picked = items_in(request.query_params.getlist("ids"))
    client = await viewer.clients.get(dossier.client) if dossier.client else None
    name = f"{client.number} {client.name}" if client else dossier.name
    tops = picked.folders if len(picked) else await tops_of(viewer, dossier.id)
    return _zip(request, viewer, name, await entries(viewer, tops, picked.documents, whole=False))


@zips.get("/portal/dossier/zip", access=Access.CLIENT)
async def own(request: Request, viewer: Viewer) -> Later:
    """All that a client user sees of the dossier of one client (`?client=`)."""
    asked = request.query_params.get("client", "")
    client = int(asked) if asked.isdecimal() and len(asked) < 10 else next(iter(viewer.dossier_client_ids), 0)
    if client not in viewer.dossier_client_ids:
        raise Missing("Client", asked)
    dossier = await dossier_of(viewer, client)
    if dossier is None:
        raise Missing("Dossier", client)
    grant = viewer.grants[client]
    tops = await tops_of(viewer, dossier.id)
    return _zip(request, viewer, f"{grant.client_number} {grant.client_name}", await entries(viewer, tops, whole=False))


def _zip(request: Request, viewer: Viewer, name: str, found: list[Entry]) -> Later:
    if not found:
        raise Refused("", Say("Hier ligt niets om te downloaden."))
    language = viewer.user.language

    async def make() -> Response:
        answer, there = await archived(f"{name}.zip", found, language)
        remember(request, lambda: note_downloads(viewer, [entry.id for entry in there if not entry.text]))
        return answer

    return Later(make)


async def archived(name: str, found: Sequence[Entry], language: str) -> tuple[Response, list[Entry]]:
    """Outside every unit: the archive as an answer, and which of the files are in it."""
    store = storage()
    there, lost = await _sorted_out(store, found)
    archive = _Archive(store, there, _told(lost, language) if lost else b"")
    headers = {
        "Content-Disposition": disposition("attachment", clean_name(name)),
        "Content-Length": str(archive.size),
        "Content-Encoding": "identity",
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(archive.pieces(), media_type="application/zip", headers=headers), there


async def _sorted_out(store: Storage, found: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Those of which the storage has the bytes, all of them; and those of which it has not."""
    sizes: dict[str, int | None] = {}
    hashes = list({entry.sha256 for entry in found if not entry.text})

    async def ask(sha256: str) -> None:
        try:
            sizes[sha256] = await store.size(sha256)
        except BlobMissing:
            sizes[sha256] = None

    for at in range(0, len(hashes), _ASKED):
        await asyncio.gather(*(ask(one) for one in hashes[at : at + _ASKED]))
    lost = [entry for entry in found if not entry.text and sizes[entry.sha256] != entry.size]
    return [entry for entry in found if entry.text or sizes[entry.sha256] == entry.size], lost


def _told(lost: Sequence[Entry], language: str) -> bytes:
    """What is not in the archive, for who opens it later."""
    with partials.speaking(language):
        head = partials.speak(_LOST)
    return "\r\n".join(["\ufeff" + head, "", *(entry.path for entry in lost), ""]).encode()


_LOST = Say("Deze stukken ontbreken in dit archief, omdat de opslag ze niet meer heeft. Vraag uw kantoor ernaar.")
_LOST_NAME = "ONTBREEKT.txt"


class _Archive:
    """The library writes archives from ordinary iterators, so in a thread, of its own: hundreds of slow downloads must not
    hold the threads that others wait for. The bytes come from our own loop."""

    def __init__(self, store: Storage, found: Sequence[Entry], told: bytes = b"") -> None:
        self._store, self._loop = store, asyncio.get_running_loop()
        self._stream = ZipStream(compress_type=ZIP_STORED, sized=True)
        for entry in found:
            if entry.text:
                self._stream.add(entry.text, entry.path)
                continue
            self._stream.add(self._bytes(entry), entry.path, size=entry.size)
        if told:
            self._stream.add(told, _LOST_NAME)
        self.size = len(self._stream)
        self._over = False

    async def pieces(self) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue(_WAITING)
        writing = threading.Thread(target=self._write, args=(queue,), name="zip", daemon=True)
        writing.start()
        try:
            while (piece := await queue.get()) is not None:
                if isinstance(piece, BaseException):
                    raise piece
                yield piece
        finally:
            self._over = True
            while writing.is_alive():  # the browser left: the thread may wait for room
                with contextlib.suppress(asyncio.QueueEmpty):
                    queue.get_nowait()
                await asyncio.sleep(0.01)

    def _write(self, queue: asyncio.Queue[bytes | BaseException | None]) -> None:
        def put(piece: bytes | BaseException | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                asyncio.run_coroutine_threadsafe(queue.put(piece), self._loop).result()

        try:
            waiting = bytearray()  # headers and small files go out together: every piece costs a change of threads
            for piece in self._stream:
                if self._over:
                    break
                waiting += piece
                if len(waiting) >= _PIECE:
                    put(bytes(waiting))
                    waiting.clear()
            put(bytes(waiting))
            put(None)
        except BaseException as error:
            put(error)

    def _bytes(self, entry: Entry) -> Iterator[bytes]:
        """Checked as they go by: what does not add up to its hash breaks the archive off."""
        seen = hashlib.sha256()
        for piece in self._small(entry) if entry.size <= _PIECE else self._large(entry):
            seen.update(piece)
            yield piece
            if self._over:
                return
        if seen.hexdigest() != entry.sha256:
            raise StorageDown(f"Een bestand in de opslag is niet meer wat het was: {entry.sha256}.")

    def _small(self, entry: Entry) -> Iterator[bytes]:
        yield asyncio.run_coroutine_threadsafe(self._store.read(entry.sha256), self._loop).result()

    def _large(self, entry: Entry) -> Iterator[bytes]:
        chunks = self._store.open(entry.sha256)

        async def following() -> bytes:
            return await anext(chunks, b"")

        try:
            while piece := asyncio.run_coroutine_threadsafe(following(), self._loop).result():
                yield piece
        finally:
            asyncio.run_coroutine_threadsafe(chunks.aclose(), self._loop).result()
