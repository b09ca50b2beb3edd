"""make bench: runs every benchmark (or those named) and prints one table with medians and ratios.

Each `bench_<subject>.py` has `async def measure() -> list[dict]` with the keys job, size, ours, limit, ratio and memory, all
text but `ratio`. Ours and the limit are measured in the same run, on the same machine, one after the other.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
COLUMNS = ("job", "size", "ours", "limit", "ratio", "memory")


def subjects(asked: list[str]) -> list[str]:
    found = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    return [name for name in found if not asked or name in asked]


def measured(name: str) -> list[dict[str, object]]:
    """In a process and a var folder of its own, so that no benchmark inherits another's memory or caches."""
    with tempfile.TemporaryDirectory(prefix="poort-bench-") as folder:
        environment = {**os.environ, "POORT_VAR": folder, "PYTHONPATH": str(HERE.parents[1])}
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench", "--one", name],
            env=environment,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
        )
    if done.returncode:
        print(done.stderr[-3000:], file=sys.stderr)
        return [{"job": f"{name}: failed", "size": "", "ours": "", "limit": "", "ratio": "", "memory": ""}]
    return list(json.loads(done.stdout.strip().split("\n")[-1]))


def written(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value if value is not None else "")


def table(rows: list[dict[str, object]]) -> str:
    lines = [COLUMNS, *(tuple(written(row.get(column)) for column in COLUMNS) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def main() -> int:
    if sys.argv[1:2] == ["--one"]:
        rows = asyncio.run(importlib.import_module(f"tests.bench.bench_{sys.argv[2]}").measure())
        print(json.dumps(rows))
        return 0
    rows: list[dict[str, object]] = []
    for name in subjects(sys.argv[1:]):
        began = time.monotonic()
        rows += measured(name)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    print(table(rows))
    return int(any(str(row["job"]).endswith("failed") for row in rows))


if __name__ == "__main__":
    sys.exit(main())
