"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

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
