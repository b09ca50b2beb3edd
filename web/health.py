"""Whether it lives, whether it can work, and its figures."""

from __future__ import annotations

import hmac

from prometheus_client import generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from models import checkup, config, outbox
from web import observe
from web.routing import Access, Routes

_HERE = ("127.0.0.1", "::1")

health = Routes("health", Access.PUBLIC)


@health.plain("/health/live")
async def live(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


@health.plain("/health/ready")
async def ready(request: Request) -> Response:
    """200 when the database answers and is up to date; what is wrong is named, not described: this page is public."""
    problems = await checkup.quick()
    return JSONResponse({"status": "error" if problems else "ok", "problems": problems}, 503 if problems else 200)


@health.plain("/metrics")
async def metrics(request: Request) -> Response:
    token, asked = config.settings().metrics_token, request.headers.get("authorization", "")
    local = (
        request.client is not None
        and request.client.host in _HERE
        and request.url.hostname in (*_HERE, "localhost")
        and "x-forwarded-for" not in request.headers
    )
    if not local and not (token and hmac.compare_digest(asked.encode(), f"Bearer {token}".encode())):
        return Response("Niet gevonden", 404, media_type="text/plain")
    figures = generate_latest(observe.registry()) + observe.outbox_figures(await outbox.figures())
    return Response(figures, media_type="text/plain; version=0.0.4")
