"""`python -m models.extracting READER FILE TARGET`: reads the text of one file in a process of its own, within limits.

TARGET gets the text, pages parted by form feeds, tidied. An error is a line with its code: password, damaged or too_big.
It has no environment, no network where the system lets us part with it, and may die without harm.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import sys
import zipfile
from pathlib import Path

from models.sheets.cells import Unreadable

MEMORY = 1536 * 1024 * 1024
CPU_SECONDS = 90
WRITTEN = 64 * 1024 * 1024  # bytes
MOST = 1_000_000  # letters that are kept of a document: some 400 pages
MOST_PAGES = 5_000


def main(reader: str, source: str, target: str) -> None:
    _limit()
    try:
        text, pages = _read(reader, Path(source))
    except Unreadable as problem:
        _fail({"bomb": "too_big", "password": "password"}.get(problem.code, "damaged"))
    except MemoryError:
        _fail("too_big")
    except (ValueError, OSError, EOFError, SyntaxError, KeyError, zipfile.BadZipFile, RecursionError):
        _fail("damaged")
    except Exception as error:  # readers of others have errors of their own
        _fail("password" if "password" in str(error).lower() else "damaged")
    Path(target).write_text(f"{pages}\n{text}", encoding="utf-8", errors="replace")


def _limit() -> None:
    with contextlib.suppress(OSError):
        os.nice(10)
    without_network()
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, WRITTEN),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def without_network() -> bool:
    """Into a net of one's own, in which there is nothing; whether the system let us."""
    new_user, new_net = 0x10000000, 0x40000000
    with contextlib.suppress(OSError, AttributeError):
        call = ctypes.CDLL(None, use_errno=True).unshare
        return bool(call(new_net) == 0 or call(new_user | new_net) == 0)
    return False


def _read(reader: str, source: Path) -> tuple[str, int]:
    from models.extracting import pictures, readers
    from models.extracting.tidying import tidied

    read = getattr(pictures if reader in ("pdf", "picture") else readers, reader)
    kept: list[str] = []
    size = 0
    for page in read(source):
        kept.append(tidied(page.replace("\f", " "), MOST - size).strip(" "))
        size += len(kept[-1]) + 1
        if size >= MOST or len(kept) >= MOST_PAGES:
            break
    return "\f".join(kept), len(kept)


def _fail(code: str) -> None:
    sys.stdout.write(code + "\n")
    raise SystemExit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
