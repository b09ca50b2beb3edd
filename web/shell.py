"""What makes it one application on a device: manifest, service worker, offline page, and the office's colour and logo."""

from __future__ import annotations

import hmac
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from models import branding, engine
from models.core import Say
from models.offices import office_row
from models.settings import Firm
from models.storage import Missing as NoBytes
from models.storage import storage
from models.viewer import Viewer
from web import static
from web.downloads import CSP
from web.replies import Reply, show
from web.routing import Access, Routes

shell = Routes("shell", Access.PUBLIC)

_FOREVER = "public, max-age=31536000, immutable"
_GROUND = "#f8f9fa"


@shell.plain("/manifest.webmanifest")
async def manifest(request: Request) -> Response:
    """One for the office and one for the portal (`?app=portal`): browsers ask for it without saying who is signed in."""
    async with engine.reading():
        firm = await Firm.load()
    body = _manifest(firm, is_portal=request.query_params.get("app") == "portal")
    return JSONResponse(body, headers={"Cache-Control": "no-cache"}, media_type="application/manifest+json")


def _manifest(firm: Firm, *, is_portal: bool) -> dict[str, Any]:
    name, start = firm.name or "Poort", "/portal" if is_portal else "/"
    return {
        "id": start,
        "name": name if is_portal else f"{name} – Poort",
        "short_name": name[:30],
        "lang": firm.language,
        "start_url": start,
        "scope": "/",
        "display": "standalone",
        "background_color": _GROUND,
        "theme_color": branding.of(firm.brand).fill,
        "icons": [
            {"src": static.address("icons/poort-192.png"), "sizes": "192x192", "type": "image/png"},
            {"src": static.address("icons/poort-512.png"), "sizes": "512x512", "type": "image/png"},
            {
                "src": static.address("icons/poort-maskable-512.png"),
                "sizes": "512x512",
                "type": "image/png",
                "purpose": "maskable",
            },
        ],
    }


@shell.plain("/sw.js")
async def service_worker(request: Request) -> Response:
    """At the root, so that its scope is everything; asked for anew each time, so that a new version is found."""
    return Response(static.content("js-sw/sw.js"), headers={"Cache-Control": "no-cache"}, media_type="text/javascript")


@shell.get("/offline")
async def offline(request: Request, viewer: Viewer) -> Reply:
    return show("shared/offline.html", title=Say("Offline"), layout="layout_public.html")


@shell.plain("/brand.css")
async def brand(request: Request) -> Response:
    """The office's colour as tokens; the address names the colour, so that it may be kept for ever."""
    colour = f"#{request.query_params.get('v', '')}"
    return Response(branding.stylesheet(colour), headers={"Cache-Control": _FOREVER}, media_type="text/css")


@shell.plain("/logo")
async def logo(request: Request) -> Response:
    """The office's; with `office` that of a branch office."""
    number = request.query_params.get("office", "")
    async with engine.reading():
        office = await office_row(int(number)) if number.isdecimal() and len(number) < 10 else None
        firm = (await Firm.load()).shown_as(office)
    if not firm.logo:
        return Response("Niet gevonden", 404, media_type="text/plain")
    try:
        content = await storage().read(firm.logo)
    except NoBytes:
        return Response("Niet gevonden", 404, media_type="text/plain")
    is_present = hmac.compare_digest(request.query_params.get("v", "").encode(), firm.logo[:12].encode())
    headers = {"Cache-Control": _FOREVER if is_present else "no-cache", "Content-Security-Policy": CSP}
    return Response(content, headers=headers, media_type=firm.logo_type)
