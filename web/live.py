"""One event stream per browser: says which topics changed; the fragments concerned then fetch themselves."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import threading
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from models import engine
from models import live as topics_of_models
from models.signing_in import find_session
from models.viewer import Viewer
from web import observe
from web.routing import Routes, viewer_of
from web.security import cookie_name

live = Routes("live")

BEAT_SECONDS = 20.0
_RETRY_SECONDS = 2.0
_SKEW_SECONDS = 1.0  # by which the clocks of two machines may differ

Heard = tuple[float, set[str]]  # the moment, and the topics that changed


class Hub:
    """Hands what one watcher hears to every stream of this process, and remembers it for who comes a moment later.

    A page is drawn first and listens afterwards: what changed in between it asks for by the moment it was drawn.
    """

    def __init__(self) -> None:
        self._streams: set[asyncio.Queue[Heard | None]] = set()
        self._watcher: asyncio.Task[None] | None = None
        self._log: deque[Heard] = deque(maxlen=5000)
        self._knows_since = time.time()
        self.closing = False

    def start(self) -> None:
        self._watcher = asyncio.create_task(self._watch())
        self._end_streams_at_the_signal()

    async def stop(self) -> None:
        self.end_streams()
        if self._watcher:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher

    def end_streams(self) -> None:
        """So that the server can stop: it waits for answers that are still being given."""
        self.closing = True
        for queue in self._streams:
            queue.put_nowait(None)

    def since(self, moment: float) -> set[str] | None:
        """The topics that changed after this moment; None when that is longer ago than is remembered."""
        moment -= _SKEW_SECONDS
        first = self._log[0][0] if len(self._log) == self._log.maxlen else self._knows_since
        if moment < first:
            return None
        return set().union(*(topics for at, topics in self._log if at > moment))

    async def _watch(self) -> None:
        while True:
            try:
                async for topics in topics_of_models.watch():
                    self._hear((time.time(), topics))
            except Exception as error:
                observe.log.warning("watching for changes failed", kind=type(error).__name__)
            await asyncio.sleep(_RETRY_SECONDS)
            self._knows_since = time.time()

    def _hear(self, heard: Heard) -> None:
        self._log.append(heard)
        for queue in self._streams:
            queue.put_nowait(heard)

    def _end_streams_at_the_signal(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)
            if callable(before):

                def ending(signum: int, frame: Any, before: Any = before) -> None:
                    loop.call_soon_threadsafe(self.end_streams)
                    before(signum, frame)

                signal.signal(number, ending)

    @contextlib.contextmanager
    def stream(self) -> Any:
        queue: asyncio.Queue[Heard | None] = asyncio.Queue()
        self._streams.add(queue)
        try:
            yield queue
        finally:
            self._streams.discard(queue)


async def _still(request: Request, viewer: Viewer) -> Viewer | None:
    """Who listens, with the rights he has now; None when he is signed out or blocked since."""
    async with engine.reading():
        signed_in = await find_session(request.cookies.get(cookie_name(), ""))
        if signed_in is None or signed_in.ended or signed_in.half or signed_in.user.id != viewer.user.id:
            return None
        return await viewer_of(signed_in.user, signed_in.session_id)


def _for(viewer: Viewer, topics: set[str]) -> list[str]:
    """The topics this viewer may hear of: a client user his own clients' and his own; names only, never content."""
    if viewer.is_staff:
        return sorted(topics)
    mine = {f"client-{client_id}" for client_id in viewer.grants} | {f"user-{viewer.user.id}", "general"}
    return sorted(topics & mine)


@live.get("/live")
async def stream(request: Request, viewer: Viewer) -> Response:
    """`since`: the moment, in seconds, at which the page was drawn that begins to listen."""
    hub: Hub = request.app.state.hub
    moment = _moment(request.headers.get("last-event-id") or request.query_params.get("since", ""))

    def told(at: float, topics: set[str] | None) -> str:
        heard = None if topics is None else _for(viewer, topics)
        return f"id: {at:.3f}\ndata: {json.dumps({'at': round(at, 3), 'topics': heard})}\n\n"

    async def events() -> AsyncIterator[str]:
        nonlocal viewer
        with hub.stream() as queue:
            yield "retry: 5000\n\n"
            if moment:
                yield told(time.time(), hub.since(moment))
            while not hub.closing:
                try:
                    heard = await asyncio.wait_for(queue.get(), BEAT_SECONDS)
                except TimeoutError:
                    heard = (0.0, set())
                if heard is None:
                    return
                # With each beat, and when something about him changed: rights that ended while he listened end here too.
                if not heard[1] or f"user-{viewer.user.id}" in heard[1]:
                    now = await _still(request, viewer)
                    if now is None:
                        return
                    viewer = now
                if not heard[1]:
                    yield ": still here\n\n"
                    continue
                if _for(viewer, heard[1]):
                    yield told(*heard)

    return StreamingResponse(
        events(), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


def _moment(text: str) -> float:
    return float(text) if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", text) else 0.0
