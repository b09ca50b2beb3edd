"""Puts it together; the only file that may import every layer."""

from __future__ import annotations

import contextlib
import importlib
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount
from starlette_login.login_manager import LoginManager
from starlette_login.middleware import AuthenticationMiddleware

import jobs
from models import config, engine
from models.scanning import is_on
from models.scanning.enlisting import begin
from web import observe, static
from web.live import Hub
from web.routing import Switchboard
from web.security import Backend, Proxies, SameOrigin, SecurityHeaders, Sessions

log = logging.getLogger("poort.web")
DECLARES = re.compile(r"^@\w+\.(get|post|plain|upload|long)\(", re.MULTILINE)
MODULES = sorted(
    path.stem
    for path in Path(__file__).parent.glob("*.py")
    if path.stem not in {"__init__", "__main__", "app"} and DECLARES.search(path.read_text(encoding="utf-8"))
)


def make_app() -> Starlette:
    """The whole application. Its database and queue are those of the settings, opened at start."""
    config.stop_on_nonsense()
    for name in MODULES:
        importlib.import_module(f"web.{name}")
    static.load()
    login = LoginManager(redirect_to="sessions.sign_in", secret_key=config.settings().secret_keys[0])

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        engine.engine()
        jobs.let_models_wake_the_worker()
        await _begin_scanning()
        app.state.hub.start()
        yield
        await app.state.hub.stop()
        await engine.close()

    app = Starlette(
        routes=[Mount("/", app=Switchboard())],
        middleware=[
            Middleware(Proxies),
            Middleware(observe.Observer),
            Middleware(SecurityHeaders),
            Middleware(GZipMiddleware, minimum_size=600, compresslevel=4),
            Middleware(SameOrigin),
            Middleware(Sessions),
            Middleware(
                AuthenticationMiddleware, backend=Backend(), login_manager=login, excluded_dirs=["/static/", "/health/"]
            ),
        ],
        lifespan=lifespan,
    )
    app.state.login_manager = login
    app.state.hub = Hub()
    return app


async def _begin_scanning() -> None:
    """What is here already stays open until it is looked at; without a database the pages say so themselves."""
    if is_on():
        try:
            await begin()
        except Exception as error:
            log.warning("scanning cannot begin yet: %s", type(error).__name__)
