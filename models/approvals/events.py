"""What happened to a request: told in the unit that changes it, to the live pages and to whoever subscribed."""

from __future__ import annotations

import contextlib
import contextvars
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from models import engine
from models.accounts.blocking import listed
from models.live import touch

if TYPE_CHECKING:
    from models.approvals.records import ApprovalRequest

EVENTS = (
    "offered", "opened", "partly_approved", "approved", "rejected", "withdrawn", "replaced", "expired", "on_paper", "filed",
)  # fmt: skip
Hook = Callable[["ApprovalRequest", str], Awaitable[None]]
HOOKS: list[Hook] = []


def subscribe(hook: Hook) -> Hook:
    """Called in the unit of the change, with the request and one of EVENTS: asks for work, never does it."""
    HOOKS.append(hook)
    return hook


_unheard: contextvars.ContextVar[bool] = contextvars.ContextVar("unheard", default=False)


@contextlib.contextmanager
def unheard() -> Iterator[None]:
    """Nobody hears of what happens inside: for a sample office, whose people were invented."""
    token = _unheard.set(True)
    try:
        yield
    finally:
        _unheard.reset(token)


async def happened(request: ApprovalRequest, event: str) -> None:
    """In the unit, after the change."""
    if event not in EVENTS:
        raise ValueError(f"no event is called {event!r}")
    await changed(request)
    for hook in () if _unheard.get() else HOOKS:
        await hook(request, event)


async def happened_to_each(requests: Sequence[ApprovalRequest], event: str) -> None:
    """As `happened`, of many in one unit: whoever subscribed is told of each, the pages once."""
    if event not in EVENTS:
        raise ValueError(f"no event is called {event!r}")
    if not requests:
        return
    people = await engine.raw(
        f"SELECT DISTINCT person FROM approver WHERE request IN {listed(1)}", json.dumps([one.id for one in requests])
    )
    topics = [f"client-{one.client}" for one in requests]
    if event != "offered":  # what is new is on nobody's screen
        topics += [f"approval-{one.id}" for one in requests]
    await touch("approvals", *dict.fromkeys(topics), *(f"user-{row['person']}" for row in people))
    for request in requests:
        for hook in () if _unheard.get() else HOOKS:
            await hook(request, event)


async def changed(request: ApprovalRequest) -> None:
    """In the unit: the pages on which it stands show what is new. Also where its state is what it was."""
    people = await engine.raw("SELECT DISTINCT person FROM approver WHERE request = $1", request.id)
    await touch(
        "approvals", f"client-{request.client}", f"approval-{request.id}", *(f"user-{row['person']}" for row in people)
    )


RemarkHook = Callable[["ApprovalRequest", int, str], Awaitable[None]]
REMARK_HOOKS: list[RemarkHook] = []


def subscribe_to_remarks(hook: RemarkHook) -> RemarkHook:
    """Called in the unit in which somebody asks or answers, with the request, the id of the remark and its side (office, client)."""
    REMARK_HOOKS.append(hook)
    return hook


async def remarked(request: ApprovalRequest, remark: int, side: str) -> None:
    """In the unit, after the remark was written."""
    await changed(request)
    for hook in () if _unheard.get() else REMARK_HOOKS:
        await hook(request, remark, side)
