"""Fixtures that every test may use."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from models import config
from models.viewer import Viewer, Visitor
from tests import buckets as s3
from tests import databases
from tests.cast import Browser, Cast, assemble, browser_of, people
from tests.scanner import Clamd, scanning
from tests.smtp import Sink, sinking


def pytest_configure(config: pytest.Config) -> None:
    config._began_run = databases.begin_run()


def pytest_unconfigure(config: pytest.Config) -> None:
    if getattr(config, "_began_run", False):
        databases.end_run()


@pytest.fixture(params=databases.kinds())
async def database(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """A migrated database without anybody in it, in use for this test; its URL."""
    async with databases.Databases().copy(request.param) as url:
        yield url


@pytest.fixture(params=databases.kinds())
async def cast(request: pytest.FixtureRequest) -> AsyncIterator[Cast]:
    """The cast in an office of twelve clients, in a database of their own, on both engines."""
    async with databases.Databases(people).copy(request.param, "peopled"):
        yield await assemble()


@pytest.fixture
def browser() -> Callable[[Viewer | Visitor], AbstractAsyncContextManager[Browser]]:
    """`async with browser(cast.ed) as ed:` – a browser in which that person is signed in."""
    return browser_of


@pytest.fixture(scope="session")
def buckets() -> Iterator[s3.Buckets]:
    """An S3 server for the whole run, started at first use."""
    with s3.serving() as server:
        yield server


@pytest.fixture
def smtp_sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    """A mail server on loopback, and SMTP_URL pointing there: see tests/smtp.py for how it can be made to misbehave."""
    with sinking() as sink:
        monkeypatch.setenv("SMTP_URL", sink.url)
        config.reset()
        yield sink
    monkeypatch.undo()
    config.reset()


@pytest.fixture
def clamd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clamd]:
    """A virus scanner on loopback, and CLAMD_URL pointing there: see tests/scanner.py for how it can be made to misbehave."""
    with scanning() as scanner:
        monkeypatch.setenv("CLAMD_URL", scanner.url)
        config.reset()
        yield scanner
    monkeypatch.undo()
    config.reset()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder in which about 3 MB fit: a disk of its own where we may make one, else a limit of the system."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", place], capture_output=True).returncode == 0:
        yield place
        subprocess.run(["umount", place], check=True)
        return
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 * 1024 * 1024, before[1]))
    yield place
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
