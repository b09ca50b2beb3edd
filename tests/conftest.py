"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests import buckets as s3
from tests import databases


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


@pytest.fixture(scope="session")
def buckets() -> Iterator[s3.Buckets]:
    """An S3 server for the whole run, started at first use."""
    with s3.serving() as server:
        yield server
