"""`python -m models.sheets FILE MAX_ROWS`: reads one file for somebody on the other end of the pipe.

It writes lines of JSON: first the names and top rows of the sheets; then it waits for a line that says which sheet and
after which line; then the rows, in chunks; at last `{"end": true}`, or `{"error": code, …}` at any moment.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

from models.sheets.cells import Row, Unreadable

MEMORY = 1024 * 1024 * 1024
CPU_SECONDS = 60
MAX_CELLS = 2_500_000
MAX_CHARACTERS = 40_000_000
CHUNK = 500


def main(path: Path, max_rows: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        _serve(path, max_rows)
    except Unreadable as problem:
        _say({"error": problem.code, **problem.values})
    except MemoryError:
        _say({"error": "too_big"})


def _serve(path: Path, max_rows: int) -> None:
    from models.sheets.kinds import open_book

    book = open_book(path, max_rows)
    tops = book.tops()
    _say({"format": book.format, "sheets": [{"name": name, "top": top} for name, top in tops]})
    chosen = json.loads(sys.stdin.readline() or "{}")
    if not chosen:
        return
    chunk: list[Row] = []
    cells = characters = 0
    for count, row in enumerate(book.rows(chosen["sheet"], chosen["after"]), start=1):
        if count > max_rows:
            raise Unreadable("too_many_rows", most=max_rows)
        cells += len(row[1])
        characters += sum(len(cell) for cell in row[1] if type(cell) is str)
        if cells > MAX_CELLS or characters > MAX_CHARACTERS:
            raise Unreadable("too_big")
        chunk.append(row)
        if len(chunk) == CHUNK:
            _say(chunk)
            chunk = []
    _say(chunk)
    _say({"end": True})


def _say(message: Any) -> None:
    sys.stdout.write(json.dumps(message, separators=(",", ":")) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
