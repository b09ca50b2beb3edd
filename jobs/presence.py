"""Who is alive: every worker holds a lock on a file of its own, which the system lets go when the process dies."""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from models import config

TASKS = ".tasks"


class Presence:
    """This worker's name, and the lock that shows that it lives. Other machines are judged by the clock alone."""

    def __init__(self) -> None:
        self.folder = config.settings().var / "workers"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.name = f"{socket.gethostname()[:30]}.{os.getpid()}.{secrets.token_hex(4)}"
        self._file: IO[str] | None = self._lock()

    def _lock(self) -> IO[str]:
        """A file that was cleared away as nobody's, between being made and being locked, is made again."""
        while True:
            file = (self.folder / self.name).open("w")
            fcntl.flock(file, fcntl.LOCK_EX)
            if (self.folder / self.name).exists():
                return file
            file.close()

    def dead_of(self, names: Iterable[str]) -> list[str]:
        """Those that lived on this machine and do not any more. What runs tasks has its worker's name and a suffix."""
        owners = {name: name.removesuffix(TASKS) for name in names if name and "/" not in name}
        return [name for name, owner in owners.items() if owner != self.name and _is_free(self.folder / owner)]

    def is_first(self) -> bool:
        """Whether this worker, of those on this machine, does the chores; once first, it stays so as long as it lives."""
        if not hasattr(self, "_chores"):
            chores = (self.folder / "chores").open("w")
            try:
                fcntl.flock(chores, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                chores.close()
                return False
            self._chores = chores
        return True

    def clear(self, still_named: set[str]) -> None:
        """Remove the files of dead workers that hold nothing."""
        keep = {self.name, "chores", *(name.removesuffix(TASKS) for name in still_named)}
        for path in self.folder.iterdir():
            if path.name not in keep:
                _is_free(path, remove=True)

    def leave(self) -> None:
        """The file stays until another worker has seen whether something was left behind."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _is_free(path: Path, remove: bool = False) -> bool:
    try:
        with path.open("r") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if remove:  # while we hold the lock: its maker, who waits for it, then sees that it is gone
                path.unlink(missing_ok=True)
            return True
    except (BlockingIOError, FileNotFoundError):
        return False
