"""What a handler can answer; page or fragment is decided here and nowhere else."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

import partials
from models import config
from models.core import Say
from web.addresses import address_for, url_maker
from web.navigation import navigation

FLASH_COOKIE = "flash"


@dataclass(frozen=True)
class Toast:
    """A short message after something happened, perhaps with the address that undoes it (by POST)."""

    text: Say
    kind: str = "good"  # good, attention, danger or info
    undo_url: str | None = None


@dataclass(frozen=True)
class Reply:
    template: str | None = None
    context: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    then: str | None = None
    also: tuple[tuple[str, dict[str, Any]], ...] = ()
    toast: Toast | None = None
    layout: str | None = None
    title: str | Say = ""
    section: str = ""
    triggers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Later:
    """An answer of which the making takes long and asks nothing of the database: it is made after the unit has ended."""

    make: Callable[[], Awaitable[Reply | Response]]


def show(
    template: str,
    /,
    *,
    title: str | Say = "",
    section: str = "",
    layout: str | None = None,
    status: int = 200,
    **context: Any,
) -> Reply:
    """The fragment; inside its layout where the browser did not come through htmx."""
    return Reply(template, context, status, title=title, section=section, layout=layout)


def changed(
    template: str | None = None,
    /,
    *,
    then: str,
    also: tuple[tuple[str, dict[str, Any]], ...] = (),
    toast: Say | Toast | None = None,
    undo: str | None = None,
    **context: Any,
) -> Reply:
    """Something was changed: htmx swaps the fragment (and `also`, out of band), other browsers go 303 to `then`."""
    message = Toast(toast, undo_url=undo) if isinstance(toast, Say) else toast
    return Reply(template, context, then=then, also=also, toast=message)


def invalid(
    template: str, /, *, title: str | Say = "", section: str = "", layout: str | None = None, **context: Any
) -> Reply:
    """422 with the same form: nothing typed is lost."""
    return Reply(template, context, 422, title=title, section=section, layout=layout)


def go(url: str, *, toast: Say | Toast | None = None, undo: str | None = None) -> Reply:
    message = Toast(toast, undo_url=undo) if isinstance(toast, Say) else toast
    return Reply(then=url, toast=message)


def wants_fragment(request: Request) -> bool:
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-request-type") == "partial"


def respond(reply: Reply, request: Request, viewer: Any, firm: Any) -> Response:
    """Render outside the unit: nothing here touches the database."""
    fragment = wants_fragment(request)
    with partials.speaking(language_of(request, viewer, firm)):
        if reply.then and (reply.template is None or not fragment):
            return _with_flash(redirect(request, reply.then), reply.toast)
        context = _context(reply, request, viewer, firm, fragment)
        if fragment:
            html = _fragments(reply, context)
        else:
            html = partials.render(reply.layout or _layout(viewer), fragment=reply.template, **context)
    response = HTMLResponse(html, reply.status, {"Vary": "HX-Request, HX-Request-Type", "Cache-Control": "no-store"})
    if not fragment and FLASH_COOKIE in request.cookies:
        response.delete_cookie(FLASH_COOKIE, path="/")
    return response


def redirect(request: Request, url: str) -> Response:
    """303, or for htmx the header that makes it load the address as a page. Keeps the prefix of looking on."""
    prefix = request.scope.get("poort.prefix", "")
    if prefix and url.startswith("/") and not url.startswith(("/sign-", "/view-as/", "/account/second-factor")):
        url = prefix + url
    if request.headers.get("hx-request") == "true":
        return Response(
            status_code=204, headers={"HX-Redirect": quote(url, safe="/?&=#%:+,;@~!$'()*"), "Cache-Control": "no-store"}
        )
    return RedirectResponse(url, 303, {"Cache-Control": "no-store"})


def language_of(request: Request, viewer: Any, firm: Any) -> str:
    if getattr(viewer, "is_signed_in", False):
        return str((viewer.view_as or viewer.user).language)
    asked = request.headers.get("accept-language", "")[:2].lower()
    return asked if asked in partials.LANGUAGES else (firm.language if firm else "nl")


def _layout(viewer: Any) -> str:
    if viewer.is_staff:
        return "layout.html"
    return "layout_portal.html" if viewer.is_client else "layout_public.html"


def _context(reply: Reply, request: Request, viewer: Any, firm: Any, fragment: bool) -> dict[str, Any]:
    prefix = request.scope.get("poort.prefix", "")
    base = {
        "viewer": viewer,
        "firm": firm,
        "url": url_maker(prefix),
        "lang": partials.language(),
        "focus": "autofocus" if fragment else "",
        "request_path": request.url.path,
        "title": partials.speak(reply.title),
        "section": _section(reply, viewer),
    }
    if not fragment:
        base["theme"] = _theme(request, viewer)
        base["mail_is_kept"] = viewer.is_staff and not config.settings().smtp_url
        base["view_as_end"] = address_for("users.page", user_id=viewer.user.id) if viewer.view_as else "/"
        base["nav"] = navigation(viewer, firm, prefix, reply.context.get("of_client"))
        base["flash"] = _read_flash(request.cookies.get(FLASH_COOKIE)) or reply.toast
        base["live_at"] = f"{request.scope.get('poort.began', time.time()):.3f}"
        base["live_url"] = "" if prefix or not viewer.is_signed_in else address_for("live.stream")
    return base | reply.context


def _section(reply: Reply, viewer: Any) -> str:
    """What is lit in the navigation. Whatever is about a document or folder of one client is part of that client."""
    about = (reply.context.get(name) for name in ("document", "folder", "dossier"))
    if reply.section == "dossiers" and viewer.is_staff and any(getattr(one, "client", None) for one in about):
        return "clients"
    return str(reply.section)


def _theme(request: Request, viewer: Any) -> str:
    """Light or dark as the person chose it, else as this browser did; '' follows the system."""
    chosen = str(viewer.user.theme) if viewer.is_signed_in else ""
    asked = chosen or request.cookies.get("theme", "")
    return asked if asked in ("light", "dark") else ""


def _fragments(reply: Reply, context: dict[str, Any]) -> str:
    assert reply.template is not None
    parts = [partials.render(reply.template, **context)]
    parts += [partials.render(name, **{**context, **extra, "focus": ""}) for name, extra in reply.also]
    if reply.toast:
        parts.append(partials.render("shared/toast_oob.html", **{**context, "toast": reply.toast}))
    return "\n".join(parts)


def _with_flash(response: Response, toast: Toast | None) -> Response:
    if toast:
        body = json.dumps({"text": toast.text.as_json(), "kind": toast.kind, "undo": toast.undo_url}, default=str)
        packed = base64.urlsafe_b64encode(body.encode()).decode()
        response.set_cookie(
            FLASH_COOKIE,
            f"{packed}.{_seal(packed)}",
            max_age=120,
            httponly=True,
            samesite="lax",
            secure=config.settings().is_secure,
            path="/",
        )
    return response


def _read_flash(cookie: str | None) -> Toast | None:
    if not cookie or "." not in cookie:
        return None
    packed, _, seal = cookie.rpartition(".")
    if not hmac.compare_digest(seal.encode(), _seal(packed).encode()):
        return None
    try:
        body = json.loads(base64.urlsafe_b64decode(packed))
    except (ValueError, binascii.Error):
        return None
    return Toast(Say.from_json(body["text"]), body["kind"], body["undo"])


def _seal(text: str) -> str:
    key = config.settings().secret_keys[0].encode()
    return hmac.new(key, b"flash:" + text.encode(), hashlib.sha256).hexdigest()
