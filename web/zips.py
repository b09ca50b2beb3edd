"""Folders and documents as one ZIP, of any size: made while it goes out, never on the disk nor whole in memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from zipstream import ZIP_STORED, ZipStream

from models.content_type import clean_name
from models.core import Refused, Say
from models.dossiers import folder_of
from models.dossiers.zipping import Entry, entries, note_downloads
from models.storage import Storage, storage
from models.viewer import Viewer
from web.downloads import disposition
from web.items import items_in
from web.routing import Access, Routes, remember

zips = Routes("zips", Access.SIGNED_IN)

_WAITING = 4  # pieces of the archive that are made ahead of the browser


@zips.get("/folders/{folder_id:int}/zip")
async def folder(request: Request, viewer: Viewer, folder_id: int) -> Response:
    found = await folder_of(viewer, folder_id)
    return await _zip(request, viewer, found.name, await entries(viewer, [found.id]))


@zips.get("/dossiers/{dossier_id:int}/zip", access=Access.STAFF)
async def chosen(request: Request, viewer: Viewer, dossier_id: int) -> Response:
    """What was ticked: `ids` are f1, d2 …; they may lie in other dossiers too."""
    dossier = await viewer.dossiers.get(dossier_id)
    picked = items_in(request.query_params.getlist("ids"))
    client = await viewer.clients.get(dossier.client) if dossier.client else None
    name = f"{client.number} {client.name}" if client else dossier.name
    return await _zip(request, viewer, name, await entries(viewer, picked.folders, picked.documents))


async def _zip(request: Request, viewer: Viewer, name: str, found: list[Entry]) -> Response:
    if not found:
        raise Refused("", Say("Hier ligt niets om te downloaden."))
    ids = [entry.id for entry in found if not entry.text]
    remember(request, lambda: note_downloads(viewer, ids))
    archive = _Archive(storage(), found)
    headers = {
        "Content-Disposition": disposition("attachment", clean_name(f"{name}.zip")),
        "Content-Length": str(archive.size),
        "Content-Encoding": "identity",
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(archive.pieces(), media_type="application/zip", headers=headers)


class _Archive:
    """The library writes archives from ordinary iterators, in a thread; the bytes come from our own loop."""

    def __init__(self, store: Storage, found: Sequence[Entry]) -> None:
        self._store, self._loop = store, asyncio.get_running_loop()
        self._stream = ZipStream(compress_type=ZIP_STORED, sized=True)
        for entry in found:
            if entry.text:
                self._stream.add(entry.text, entry.path)
                continue
            self._stream.add(self._bytes(entry), entry.path, size=entry.size)
        self.size = len(self._stream)
        self._over = False

    async def pieces(self) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue(_WAITING)
        writing = self._loop.run_in_executor(None, self._write, queue)
        try:
            while (piece := await queue.get()) is not None:
                if isinstance(piece, BaseException):
                    raise piece
                yield piece
        finally:
            self._over = True
            while not writing.done():  # the browser left: the thread may wait for room
                with contextlib.suppress(asyncio.QueueEmpty):
                    queue.get_nowait()
                await asyncio.sleep(0.01)

    def _write(self, queue: asyncio.Queue[bytes | BaseException | None]) -> None:
        def put(piece: bytes | BaseException | None) -> None:
            asyncio.run_coroutine_threadsafe(queue.put(piece), self._loop).result()

        try:
            for piece in self._stream:
                if self._over:
                    break
                put(bytes(piece))
            put(None)
        except BaseException as error:
            put(error)

    def _bytes(self, entry: Entry) -> Iterator[bytes]:
        chunks = self._store.open(entry.sha256)

        async def following() -> bytes:
            return await anext(chunks, b"")

        try:
            while piece := asyncio.run_coroutine_threadsafe(following(), self._loop).result():
                yield piece
                if self._over:
                    return
        finally:
            asyncio.run_coroutine_threadsafe(chunks.aclose(), self._loop).result()
