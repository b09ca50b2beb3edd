"""The cast: the people about whom the tests are sentences, and their browsers."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
from starlette.applications import Starlette

from models import engine, sample
from models.accounts import User
from models.signing_in import begin_session
from models.viewer import Viewer, Visitor, nobody
from web.routing import viewer_of
from web.security import cookie_name

PASSWORD = "geheim-wachtwoord"
CLIENTS = 12


async def people() -> None:
    """Fills the template database: the cast and a few more clients."""
    await sample.fill(CLIENTS, 1, PASSWORD, bare=True)


@dataclass
class Cast:
    """anna: administrator; ed: staff with some clients; rik: director of two; fem: payroll only; sam: Garage Smit; vic: a visitor."""

    anna: Viewer
    ed: Viewer
    rik: Viewer
    fem: Viewer
    sam: Viewer
    vic: Visitor = field(default_factory=nobody)
    clients: dict[str, int] = field(default_factory=dict)

    @property
    def everybody(self) -> dict[str, Viewer | Visitor]:
        return {name: getattr(self, name) for name in ("anna", "ed", "rik", "fem", "sam", "vic")}

    @property
    def bakkerij(self) -> int:
        return self.clients["Bakkerij Jansen B.V."]

    @property
    def beheer(self) -> int:
        return self.clients["Jansen Beheer B.V."]

    @property
    def garage(self) -> int:
        return self.clients["Garage Smit"]


async def as_viewer(email: str) -> Viewer:
    """Somebody as he is at this moment: look again after his state or access changed."""
    async with engine.reading():
        user = await User.objects().where(User.email_key == email).first()
        assert user is not None, email
        return await viewer_of(user)


async def assemble() -> Cast:
    viewers = {email.split("@")[0]: await as_viewer(email) for email in sample.CAST_EMAILS}
    rows = await engine.raw("SELECT id, name FROM client")
    return Cast(**viewers, clients={row["name"]: row["id"] for row in rows})


@functools.cache
def app() -> Starlette:
    from web.app import make_app

    return make_app()


class Browser(httpx2.AsyncClient):
    """A browser of one person: pages by `get` and `post`, fragments by `htmx`. Redirects are not followed."""

    async def htmx(self, method: str, url: str, **kwargs: Any) -> httpx2.Response:
        headers = {"HX-Request": "true", "HX-Request-Type": "partial", **kwargs.pop("headers", {})}
        return await self.request(method, url, headers=headers, **kwargs)


@contextlib.asynccontextmanager
async def browser_of(viewer: Viewer | Visitor, address: str = "127.0.0.1") -> AsyncIterator[Browser]:
    transport = httpx2.ASGITransport(app=app(), client=(address, 50_000), raise_app_exceptions=True)
    headers = {
        "Origin": "http://127.0.0.1:8000",
        "User-Agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0",
        "Accept-Language": "nl",
    }
    async with Browser(transport=transport, base_url="http://127.0.0.1:8000", headers=headers) as browser:
        if isinstance(viewer, Viewer):
            token, _ = await engine.run_writing(
                lambda: begin_session(viewer.user, half=False, address=address, agent="Chrome")
            )
            browser.cookies.set(cookie_name(), token, domain="127.0.0.1")
        yield browser
