"""A whole installation of its own for a test: web and worker as real processes on loopback, small or large.

`small` is what `make run` gives: SQLite, files, an SQLite queue. `large` is Postgres, Redis and an S3-compatible store.
A small one is migrated and seeded once in a run of the tests; each house after that begins with a copy.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests import buckets, databases
from tests.cast import PASSWORD

ROOT = Path(__file__).parents[1]
_numbers = itertools.count(1)


@dataclass
class House:
    """A running installation. `logs` holds what web and worker said."""

    url: str
    var: Path
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def run(self, *arguments: str) -> str:
        """`python -m …` to its end; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def set_up_link(self) -> str:
        found = re.search(r"http\S+/set-up/\S+", self.run("models", "setup-link"))
        assert found
        return found[0]

    def start(self, name: str, *arguments: str) -> None:
        with (self.var / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", *arguments], env=self.environment, cwd=ROOT, stdout=log, stderr=log
            )

    def start_web(self) -> None:
        self.start("web", "web", "serve", "--port", self.url.rsplit(":", 1)[1])
        _wait_for(f"{self.url}/health/ready")

    def start_worker(self) -> None:
        self.start("worker", "jobs")

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def settle(self, seconds: float = 30) -> None:
        """Until the worker has been round once: what it does of an office at rest is done before anybody comes in."""
        until = time.monotonic() + seconds
        while "the worker is at work" not in self.logs and time.monotonic() < until:
            time.sleep(0.1)
        time.sleep(1.5)

    @property
    def logs(self) -> str:
        return "\n".join(path.read_text(encoding="utf-8") for path in sorted(self.var.glob("*.log")))


@contextlib.contextmanager
def house(
    size: str,
    var: Path,
    *,
    clients: int = 0,
    lively: bool = False,
    smtp_url: str = "",
    worker: bool = True,
    host: str = "127.0.0.1",
    **more: str,
) -> Iterator[House]:
    """Migrated, and empty or an office with so many sample clients, `lively` with work going on in it; both processes run until the end of the context."""
    port = _free_port()
    url = f"http://{host}:{port}"
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    environment = {**kept, "POORT_VAR": str(var), "BASE_URL": url, "PYTHONPATH": str(ROOT), **more}
    if smtp_url:
        environment["SMTP_URL"] = smtp_url
    with contextlib.ExitStack() as stack:
        if size == "large":
            environment |= stack.enter_context(_services(var))
        made = House(url, var, environment)
        if size == "small" and "STORAGE_URL" not in more and databases.is_run():
            shutil.copytree(_furnished(clients, lively), var, dirs_exist_ok=True)
        else:
            _furnish(made, clients, lively)
        stack.callback(made.stop)
        made.start_web()
        if worker:
            made.start_worker()
            made.settle()
        try:
            yield made
        except BaseException:
            print("\n".join(line for line in made.logs.split("\n") if '"error"' in line))
            raise


def _furnish(made: House, clients: int, lively: bool) -> None:
    made.run("models", "migrate")
    if clients:
        bare = () if lively else ("--bare",)
        made.run("models", "seed", "--clients", str(clients), *bare, "--password", PASSWORD)


def _furnished(clients: int, lively: bool) -> Path:
    """Where the folder of such a house lies, for this run: the first who asks makes it, the others wait for it."""
    with databases.once(f"house-{clients}{'-lively' if lively else ''}") as (folder, is_made):
        if not is_made:
            kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
            environment = {**kept, "POORT_VAR": str(folder), "PYTHONPATH": str(ROOT)}
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            _furnish(House("", folder, environment), clients, lively)
    return folder


def sizes() -> list[str]:
    """Those whose database this run tests (TEST_DATABASES)."""
    return [{"sqlite": "small", "postgres": "large"}[kind] for kind in databases.kinds()]


@contextlib.contextmanager
def _services(var: Path) -> Iterator[dict[str, str]]:
    with buckets.serving() as store, _redis(var) as queue, _database() as database:
        yield {"STORAGE_URL": store.fresh(), "QUEUE_URL": queue, "DATABASE_URL": database}


@contextlib.contextmanager
def _database() -> Iterator[str]:
    name = f"poort_house_{os.getpid()}_{next(_numbers)}"
    made = databases.Databases()
    with psycopg.connect(made.postgres_url("postgres"), autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield made.postgres_url(name)
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextlib.contextmanager
def _redis(var: Path) -> Iterator[str]:
    program = shutil.which("redis-server")
    assert program, "redis-server is not installed: make debian"
    port = _free_port()
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(var)],
        stdout=subprocess.DEVNULL,
    )
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(url, timeout=1)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError(f"{url} did not answer")
