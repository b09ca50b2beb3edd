"""Requests for approval by the operations themselves: placed, offered, opened and approved one by one, and the list of 500 open
ones, each next to the barest statement that writes or reads the same rows. Without the hashing of a PIN."""

from __future__ import annotations

import hashlib
import resource
import time
from collections.abc import Awaitable, Callable
from typing import Any

from models import engine
from models.accounts import User
from models.approvals import (
    ApprovalRequest,
    Choice,
    Decision,
    NewPart,
    NewRequest,
    Proof,
    decide_one,
    make,
    note_opened,
    offer,
    open_for,
)
from models.clients import Client, granted
from models.settings import utcnow
from models.viewer import Viewer
from tests.databases import Databases, begin_run, end_run, kinds

OPEN = 500


async def measure(many: int = OPEN) -> list[dict[str, Any]]:
    began_run, rows = begin_run(), []
    for kind in kinds():
        async with Databases().copy(kind):
            await _prepare()
            anna = Viewer(await User.objects().get(User.kind == "staff"))
            bare = await _each(many, lambda n: engine.raw("UPDATE client SET city = $1 WHERE id = 1", str(n)))
            made: list[ApprovalRequest] = []

            async def place(n: int, made: list[ApprovalRequest] = made, anna: Viewer = anna) -> None:
                client = await anna.clients.get(1)
                part = NewPart("btw.pdf", hashlib.sha256(b"%d" % n).hexdigest(), 1000, "application/pdf", "main", 1)
                values = NewRequest(kind=1, book_year=2026, beside=True)
                made.append(await make(client, values, [part], by=anna))
                await offer(made[-1], by=anna)

            rows.append(_row(kind, "placing and offering", many, await _each(many, place), bare))
            him = Viewer(await User.objects().get(User.kind == "client"), await granted(2))
            counted = await _each(5, lambda n: engine.raw("SELECT count(*) AS n FROM approver WHERE state = 'asked'"))
            rows.append(_row(kind, f"list of {many} open ones", 5, await _each(5, lambda n: open_for(him)), counted))
            parts = {
                row["request"]: row for row in await engine.raw("SELECT request, id, sha256 FROM approval_document")
            }

            async def approve(
                n: int, made: list[ApprovalRequest] = made, him: Viewer = him, parts: Any = parts
            ) -> None:
                part = parts[made[n].id]
                await note_opened(part["id"], part["sha256"], by=him)
                decision = Decision(made[n].id, 1, (Choice(part["id"], part["sha256"]),))
                await decide_one(him.scope(ApprovalRequest), decision, Proof("pin", "pin", utcnow()), by=him)

            rows.append(_row(kind, "opening and approving", many, await _each(many, approve), bare))
            assert not await open_for(him)
    if began_run:
        end_run()
    return rows


async def _each(times: int, act: Callable[[int], Awaitable[Any]]) -> float:
    """Each in a unit of its own; seconds of one."""
    began = time.perf_counter()
    for n in range(times):
        await engine.run_writing(lambda n=n: act(n))  # type: ignore[misc]
    return (time.perf_counter() - began) / times


def _row(kind: str, job: str, times: int, ours: float, limit: float) -> dict[str, Any]:
    memory = f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB"
    return {
        "job": f"{job} ({kind})", "size": f"{times} times", "ours": f"{ours * 1000:,.1f} ms", "limit": f"{limit * 1000:,.1f} ms",
        "ratio": ours / limit, "memory": memory,
    }  # fmt: skip


async def _prepare() -> None:
    now = utcnow()
    await Client(id=1, number="1", number_key="1", name="Klant", sort_key="klant", created_at=now).save()
    for id, kind, role in ((1, "staff", "administrator"), (2, "client", "")):
        await engine.copy_rows(
            "users", ("id", "kind", "state", "email", "email_key", "first_name", "surname", "full_name", "role", "all_clients", "created_at"),
            [(id, kind, "active", f"{kind}@x.example", f"{kind}@x.example", "A", "B", "A B", role, kind == "staff", now)],
        )  # fmt: skip
    await engine.copy_rows("access", ("person", "client", "rights", "role", "created_at"), [(2, 1, 21, "", now)])
