"""The chain of the trail: sealing its lines, and verifying all of them, beside reading them only."""

from __future__ import annotations

import os
import time
from typing import Any

from models import engine, sealing
from models.settings import utcnow
from tests.cast import people
from tests.databases import Databases, begin_run, end_run, kinds

LINES = int(os.environ.get("POORT_BENCH_TRAIL", "200000"))


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
    now = utcnow()
    detail = '{"name": "Bakkerij Jansen B.V.", "before": "Ede", "after": "Epe"}'
    for start in range(0, LINES, 50_000):
        some = [(now, 1, "Client.change", "Client", n % 900, detail) for n in range(start, min(start + 50_000, LINES))]
        await engine.copy_rows("trail", ("at", "person", "operation", "record_table", "record_id", "detail"), some)
    began = time.perf_counter()
    last, seen = 0, 0
    while rows := await engine.raw("SELECT * FROM trail WHERE id > $1 ORDER BY id LIMIT 5000", last):
        last, seen = rows[-1]["id"], seen + len(rows)
    bare = time.perf_counter() - began
    steps = {}
    began = time.perf_counter()
    sealed = await sealing.seal_all()
    steps["sealed"] = time.perf_counter() - began
    began = time.perf_counter()
    verdict = await sealing.verify()
    steps["verified"] = time.perf_counter() - began
    assert sealed >= LINES and not verdict.problems, verdict
    return [
        {
            "job": f"trail: {step} ({kind})", "size": f"{seen:,} lines", "ours": f"{took:.2f} s", "limit": f"{bare:.2f} s",
            "ratio": bare / took, "memory": f"{seen / took:,.0f} a second",
        }
        for step, took in steps.items()
    ]  # fmt: skip
