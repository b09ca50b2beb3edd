"""python -m jobs [--workers N]: carries out what the outbox asks for."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

from jobs.logs import set_up_logging
from models import config, engine
from models.storage import stop_on_wrong_key


def main() -> None:
    os.umask(0o077)  # database, queue, keys and copies are for this account's eyes only
    top = argparse.ArgumentParser(prog="python -m jobs")
    top.add_argument("--workers", type=int, default=1, help="processes; one hands over hundreds of messages a second")
    top.add_argument("--beside", type=int, help=argparse.SUPPRESS)  # the process that started this one
    asked = top.parse_args()
    config.stop_on_nonsense()
    set_up_logging()
    asyncio.run(stop_on_wrong_key())
    if asked.workers < 1:
        top.error("--workers: at least 1")
    if asked.beside:
        threading.Thread(target=_end_with, args=(asked.beside,), daemon=True).start()
    others = [_one_more() for _ in range(asked.workers - 1)]
    try:
        carry_out()
    finally:
        for other in others:
            other.terminate()
        for other in others:
            with suppress(subprocess.TimeoutExpired):
                other.wait(5)


def carry_out() -> None:
    from jobs.worker import work

    engine.start()
    asyncio.run(work())


def _one_more() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "jobs", "--beside", str(os.getpid())])  # noqa: S603


def _end_with(parent: int) -> None:
    """A worker whose first one is gone stops too."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
