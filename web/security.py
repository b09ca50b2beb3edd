"""Who is on the other side: trusted proxies, same-origin changes only, the session of the cookie, and the headers of every answer."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import ipaddress
import secrets
from typing import Any
from urllib.parse import urlsplit

from starlette.authentication import AuthCredentials, AuthenticationBackend
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette_login.mixins import AnonymousUser

from models import config, engine
from models.settings import utcnow
from models.signing_in import SignedIn, find_session, touch_session
from web import observe

CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'; worker-src 'self'; manifest-src 'self'"
)
_HEADERS = [
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
]
_TOUCH = dt.timedelta(minutes=1)
_COOKIE_DAYS = 400  # as long as browsers keep one: the session in the database says when it is over


class Proxies:
    """Believes X-Forwarded-For, -Proto and -Host from the proxies in the settings, and from nobody else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.trusted = [ipaddress.ip_network(name, strict=False) for name in config.settings().trusted_proxies]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.trusted and scope.get("client") and self._trusts(scope["client"][0]):
            headers = dict(scope["headers"])
            if proto := headers.get(b"x-forwarded-proto"):
                scope["scheme"] = "https" if proto.strip() == b"https" else "http"
            for hop in reversed(
                [
                    part.strip()
                    for part in headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
                    if part.strip()
                ]
            ):
                scope["client"] = (hop, 0)
                if not self._trusts(hop):
                    break
            if host := headers.get(b"x-forwarded-host"):
                name = host.split(b",")[0].strip()
                scope["headers"] = [(b"host", name) if pair[0] == b"host" else pair for pair in scope["headers"]]
        await self.app(scope, receive, send)

    def _trusts(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self.trusted)


class SameOrigin:
    """Changes come from our own pages only, told by what browsers themselves send: no tokens to forget in a form."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD", "OPTIONS") and not self._is_ours(scope):
            await PlainTextResponse("Dit verzoek kwam van een andere site en is geweigerd.", 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if site := headers.get(b"sec-fetch-site"):
            return site in ("same-origin", "none")
        origin = headers.get(b"origin")
        return origin is None or urlsplit(origin).netloc in (
            headers.get(b"host"),
            urlsplit(config.settings().base_url).netloc,
        )


class SecurityHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in _HEADERS if pair[0] not in present)]
                if config.settings().is_secure:
                    message["headers"].append((b"strict-transport-security", b"max-age=31536000"))
            await send(message)

        await self.app(scope, receive, sending if scope["type"] == "http" else send)


def cookie_name() -> str:
    return "__Host-sid" if config.settings().is_secure else "sid"


def known_cookie() -> str:
    return "__Host-known" if config.settings().is_secure else "known"


class Sessions:
    """Reads the session of the cookie; sets or removes the cookie when a handler asked for it.

    Anonymous visitors get no cookie, and a request that changes nothing sets none.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["session"] = {}  # starlette-login wants one; nothing of ours is in it
        if scope["path"].startswith(("/static/", "/health/")):
            await self.app(scope, receive, send)
            return
        self._look_on(scope)
        token = HTTPConnection(scope).cookies.get(cookie_name())
        signed_in = await self._find(token) if token else None
        if signed_in and signed_in.ended:
            scope["poort.former"] = signed_in.user.id
        elif signed_in and signed_in.choosing is not None:
            scope["poort.choosing"] = signed_in
        elif signed_in and signed_in.half:
            scope["poort.half"] = signed_in
        elif signed_in:
            scope["poort.signed_in"] = signed_in
            scope["poort.session_id"] = signed_in.session_id

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_cookies(scope, message["status"])]
            await send(message)

        await self.app(scope, receive, sending)
        if signed_in and not signed_in.ended and not signed_in.half and utcnow() - signed_in.seen_at > _TOUCH:
            try:
                await engine.run_writing(lambda: touch_session(signed_in.session_id))
            except Exception as error:  # last-seen is worth no failure
                observe.log.warning("session not touched", kind=type(error).__name__)

    async def _find(self, token: str) -> SignedIn | None:
        return await find_session(token) if len(token) < 100 else None

    def _look_on(self, scope: Scope) -> None:
        """`/view-as/7/portal` is `/portal` through the eyes of user 7: an address of its own, so that it is per tab."""
        parts = scope["path"].split("/", 3)
        if (
            len(parts) >= 3
            and parts[1] == "view-as"
            and parts[2].isdecimal()
            and len(parts[2]) < 10
            and len(parts) == 4
            and not parts[3].startswith("view-as/")
        ):
            scope["poort.view_as"] = int(parts[2])
            scope["poort.prefix"] = f"/view-as/{parts[2]}"
            scope["path"] = f"/{parts[3]}"
            scope["raw_path"] = scope["path"].encode()


def _cookies(scope: Scope, status: int) -> list[tuple[bytes, bytes]]:
    """What a handler asked to be set. A failure after signing in rolled the session back: its token would sign nobody in, and
    the old one still does."""
    asked: list[tuple[str, str, int]] = list(scope.get("poort.cookies", ()))
    if "poort.cookie" in scope and status < 400:
        asked.append((cookie_name(), scope["poort.cookie"], _COOKIE_DAYS))
        if "poort.known" in scope:
            asked.append((known_cookie(), scope["poort.known"], _COOKIE_DAYS))
    return [(b"set-cookie", _cookie(*one)) for one in asked]


def _cookie(name: str, value: str, days: int) -> bytes:
    secure = "; Secure" if config.settings().is_secure else ""
    age = days * 86400 if value else 0
    return f"{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}".encode()


class Backend(AuthenticationBackend):
    """starlette-login's user, from the session that was looked up once: no fingerprint, no remember cookie, no writes."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, Any]:
        signed_in: SignedIn | None = conn.scope.get("poort.signed_in")
        if signed_in is None:
            return AuthCredentials(), AnonymousUser()
        return AuthCredentials(["authenticated"]), signed_in.user


def address_of(request: Request) -> str:
    return request.client.host if request.client else ""


def agent_of(request: Request) -> str:
    return request.headers.get("user-agent", "")[:300]


# A device that signed somebody in before: a sealed cookie, without which strangers' tries count against it. It lets
# nobody in; it only has a count of failed tries of its own.


def device_seal(user_id: int) -> str:
    return _sealed(secrets.token_hex(8), user_id)


def is_known_device(request: Request, user_id: int) -> bool:
    given = request.cookies.get(known_cookie(), "")
    return hmac.compare_digest(given.encode(), _sealed(given.partition(".")[0], user_id).encode())


def _sealed(device: str, user_id: int) -> str:
    key = config.settings().secret_keys[0].encode()
    return f"{device}.{hmac.new(key, f'device {device} of {user_id}'.encode(), hashlib.sha256).hexdigest()[:32]}"
