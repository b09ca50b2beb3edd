"""The one message that the queue carries: there is work in the outbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jobs

_listeners: list[Callable[[], None]] = []


def empty_outbox() -> Any:
    """Put a wake-up in the queue; blocks on the network or the disk, so call it on a thread."""
    return _wake_up()()


def listen(call: Callable[[], None]) -> None:
    """In a worker: call this, on whatever thread, when somebody asked for work."""
    _listeners[:] = [call]


def _wake_up() -> Any:
    queue = jobs.queue()
    if not hasattr(queue, "poort_wake_up"):
        queue.poort_wake_up = queue.task(name="empty_outbox", expires=3600)(_woken)
    return queue.poort_wake_up


def consumer() -> Any:
    """Huey's consumer of the wake-ups, on threads of its own, leaving the signals to us."""
    from huey.consumer import Consumer

    class Quiet(Consumer):
        def _set_signal_handlers(self) -> None:
            """The worker's own loop hears the signals."""

    _wake_up()
    return Quiet(
        jobs.queue(),
        workers=1,
        periodic=False,
        initial_delay=0.05,
        backoff=1.3,
        max_delay=0.25,
        check_worker_health=False,
    )


def _woken() -> None:
    for call in _listeners:
        call()
