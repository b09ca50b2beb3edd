"""A real OpenID provider on loopback, that can also be made to lie: for signing in with Microsoft or Google."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route


@dataclass
class Provider:
    """`claims` are what it says of who signs in; `lie` changes what a token would rightly hold; `alg` how it is signed."""

    url: str = ""
    client_id: str = "poort"
    client_secret: str = "geheim-van-de-aanbieder"
    claims: dict[str, Any] = field(default_factory=dict)
    lie: dict[str, Any] = field(default_factory=dict)
    alg: str = "RS256"
    silent: bool = False
    huge: bool = False
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keys: list[RSAKey] = []
        self.codes: dict[str, dict[str, str]] = {}
        self.renew_key()

    def renew_key(self, *, publish: bool = True) -> None:
        """Signs with another key from now on; unpublished, nobody can check it."""
        key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"})
        self.signing = key
        if publish:
            self.keys = [key]

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.configuration),
                Route("/keys", self.published),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
            ]
        )

    async def configuration(self, request: Request) -> Response:
        self.asked.append("configuration")
        if self.silent:
            return Response("kapot", 500)
        if self.huge:
            return Response(b"{" + b" " * 2_000_000 + b"}", media_type="application/json")
        return JSONResponse(
            {
                "issuer": self.lie.get("issuer", self.url),
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
            }
        )

    async def published(self, request: Request) -> Response:
        self.asked.append("keys")
        return JSONResponse({"keys": [key.as_dict(private=False) for key in self.keys]})

    async def authorize(self, request: Request) -> Response:
        """Signs in at once whoever `claims` says, as a browser sees it."""
        asked = dict(request.query_params)
        if (
            asked.get("client_id") != self.client_id
            or asked.get("code_challenge_method") != "S256"
            or asked.get("response_type") != "code"
        ):
            return Response("niet zo", 400)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 302)

    async def token(self, request: Request) -> Response:
        form = await request.form()
        asked = self.codes.pop(str(form.get("code")), None)  # a code counts once
        if asked is None or form.get("client_secret") != self.client_secret or form.get("client_id") != self.client_id:
            return JSONResponse({"error": "invalid_grant"}, 400)
        proof = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
        if base64.urlsafe_b64encode(proof).rstrip(b"=").decode() != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        if form.get("redirect_uri") != asked["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse(
            {"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": self.id_token(asked["nonce"])}
        )

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": self.client_id,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            **self.claims,
            **self.lie,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.alg == "none":
            parts = [json.dumps({"alg": "none"}), json.dumps(claims)]
            return ".".join(base64.urlsafe_b64encode(one.encode()).rstrip(b"=").decode() for one in parts) + "."
        header = {"alg": self.alg, "kid": self.signing.kid}
        return jwt.encode(header, claims, KeySet([self.signing]), algorithms=[self.alg])


@contextlib.contextmanager
def providing() -> Iterator[Provider]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    provider = Provider(url=f"http://127.0.0.1:{port}")
    server = uvicorn.Server(uvicorn.Config(provider.app(), host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        yield provider
    finally:
        server.should_exit = True
        thread.join(5)
