"""The proof of approvals: placing its records in the chain over all of them, and verifying every one, beside the SHA-256 of the
same bytes alone; with what it takes of memory beyond what there was."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import resource
import time
from collections.abc import Iterator
from typing import Any

from models import engine
from models.approvals import record
from models.approvals.record import BEGIN, FIELDS, link_of
from models.certifying import chaining
from models.settings import utcnow
from tests.cast import people
from tests.databases import Databases, begin_run, end_run, kinds

RECORDS = int(os.environ.get("POORT_BENCH_PROOF", "1000000"))
_OF_ONE = 20  # records of a request
_AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1"


async def measure() -> list[dict[str, Any]]:
    began = begin_run()
    try:
        rows = []
        for kind in kinds():
            async with Databases(people).copy(kind, "peopled"):
                rows += await _measured(kind)
        return rows
    finally:
        if began:
            end_run()


async def _measured(kind: str) -> list[dict[str, Any]]:
    client = (await engine.raw("SELECT min(id) AS id FROM client"))[0]["id"]
    await engine.raw("UPDATE client SET is_sample = $1", False)
    which = (await engine.raw("SELECT min(id) AS id FROM approval_kind"))[0]["id"]
    now, requests = utcnow(), RECORDS // _OF_ONE
    columns = ("id", "client", "kind", "made_at")
    await engine.copy_rows("approval_request", columns, ((n, client, which, now) for n in range(1, requests + 1)))
    for start in range(1, requests + 1, 5_000):
        some = list(_records(range(start, min(start + 5_000, requests + 1)), client, now))
        await engine.copy_rows("approval_record", (*FIELDS, "client", "link"), some)
    hashed, size = _bare(now)
    steps = {}
    began = time.perf_counter()
    await chaining.chain_all()
    steps["placed in the chain"] = time.perf_counter() - began
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    verdict = await record.verify_all()
    steps["verified"] = time.perf_counter() - began
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert verdict.holds and verdict.records == verdict.places == requests * _OF_ONE, verdict
    return [
        {
            "job": f"proof: {step} ({kind})", "size": f"{verdict.records:,} records, {size / 1e6:.0f} MB", "ours": f"{took:.1f} s",
            "limit": f"{hashed:.2f} s (SHA-256 alone)", "ratio": hashed / took, "memory": f"+{more:.0f} MB, {verdict.records / took:,.0f} a second",
        }
        for step, took in steps.items()
    ]  # fmt: skip


def _records(requests: range, client: int, now: dt.datetime) -> Iterator[tuple[Any, ...]]:
    for request in requests:
        previous = BEGIN
        for number in range(1, _OF_ONE + 1):
            row = _row(request, number, previous, now)
            previous = link_of(row)
            yield (*(row[name] for name in FIELDS), client, previous)


def _row(request: int, number: int, previous: str, now: dt.datetime) -> dict[str, Any]:
    return {
        "request": request, "number": number, "previous": previous, "act": "page_seen", "at": now, "person": 7, "on_behalf_of": None,
        "name": "Rik Jansen", "role": "Directeur", "method": "", "level": "", "statement": "", "language": "", "document": None, "address": "203.0.113.7",
        "agent": _AGENT, "detail": json.dumps({"page": number, "sha256": "ab" * 32}),
    }  # fmt: skip


def _bare(now: dt.datetime) -> tuple[float, int]:
    """Seconds to hash as many texts of the same length, and their bytes."""
    row = _row(1, 1, BEGIN, now) | {"at": now.isoformat(timespec="microseconds")}
    text = json.dumps([row[name] for name in FIELDS], ensure_ascii=False, separators=(",", ":")).encode()
    began = time.perf_counter()
    for _ in range(RECORDS):
        hashlib.sha256(text).hexdigest()
    return time.perf_counter() - began, len(text) * RECORDS
