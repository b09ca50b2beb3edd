"""One event stream per browser: says which topics changed; the fragments concerned then fetch themselves."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from models import live as topics_of_models
from models.viewer import Viewer
from web import observe
from web.routing import Routes

live = Routes("live")

BEAT_SECONDS = 20.0
_RETRY_SECONDS = 2.0


class Hub:
    """Hands what one watcher hears to every stream of this process."""

    def __init__(self) -> None:
        self._streams: set[asyncio.Queue[set[str] | None]] = set()
        self._watcher: asyncio.Task[None] | None = None
        self.closing = False

    def start(self) -> None:
        self._watcher = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """End every stream, so that the server can stop."""
        self.closing = True
        for queue in self._streams:
            queue.put_nowait(None)
        if self._watcher:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher

    async def _watch(self) -> None:
        while True:
            try:
                async for topics in topics_of_models.watch():
                    for queue in self._streams:
                        queue.put_nowait(topics)
            except Exception as error:
                observe.log.warning("watching for changes failed", kind=type(error).__name__)
            await asyncio.sleep(_RETRY_SECONDS)

    @contextlib.contextmanager
    def stream(self) -> Any:
        queue: asyncio.Queue[set[str] | None] = asyncio.Queue()
        self._streams.add(queue)
        try:
            yield queue
        finally:
            self._streams.discard(queue)


def _for(viewer: Viewer, topics: set[str]) -> list[str]:
    """The topics this viewer may hear of: a client user his own clients' and his own; names only, never content."""
    if viewer.is_staff:
        return sorted(topics)
    mine = {f"client-{client_id}" for client_id in viewer.grants} | {f"user-{viewer.user.id}", "general"}
    return sorted(topics & mine)


@live.get("/live")
async def stream(request: Request, viewer: Viewer) -> Response:
    hub: Hub = request.app.state.hub

    async def events() -> AsyncIterator[str]:
        with hub.stream() as queue:
            yield "retry: 5000\n\n"
            while not hub.closing:
                try:
                    topics = await asyncio.wait_for(queue.get(), BEAT_SECONDS)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if topics is None:
                    return
                if heard := _for(viewer, topics):
                    yield f"data: {json.dumps(heard)}\n\n"

    return StreamingResponse(
        events(), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
