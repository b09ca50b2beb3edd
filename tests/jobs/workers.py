"""Real worker processes, to be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Workers:
    """Starts `python -m jobs` with an environment of its own; ends what it started."""

    def __init__(self, var: Path, **environment: str) -> None:
        self.environment = {**os.environ, "POORT_VAR": str(var), "PYTHONPATH": str(ROOT), **environment}
        self.log = var / "worker.log"
        self.all: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str, module: str = "jobs") -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", module, *arguments], env=self.environment, stderr=log, cwd=ROOT
            )
        self.all.append(worker)
        return worker

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        worker.kill()
        worker.wait()
        self.all.remove(worker)

    def stop(self, worker: subprocess.Popen[bytes], seconds: float = 10) -> int:
        worker.send_signal(signal.SIGTERM)
        code = worker.wait(seconds)
        self.all.remove(worker)
        return code

    def end(self) -> None:
        for worker in list(self.all):
            self.kill(worker)


class Nursery:
    """Workers that are forked from a process which has everything loaded; each a process of its own."""

    def __init__(self, var: Path, **environment: str) -> None:
        self.log = var / "worker.log"
        environment = {**os.environ, "POORT_VAR": str(var), "PYTHONPATH": str(ROOT), **environment}
        with self.log.open("ab") as log:
            self._mother = subprocess.Popen(
                [sys.executable, "-m", "tests.jobs.nursery"],
                env=environment,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.all: list[int] = []

    def start(self) -> int:
        assert self._mother.stdin is not None
        assert self._mother.stdout is not None
        print("one", file=self._mother.stdin, flush=True)
        worker = int(self._mother.stdout.readline())
        self.all.append(worker)
        return worker

    def kill(self, worker: int) -> None:
        os.kill(worker, signal.SIGKILL)
        self.all.remove(worker)

    def end(self) -> None:
        for worker in list(self.all):
            self.kill(worker)
        self._mother.kill()
        self._mother.wait()
