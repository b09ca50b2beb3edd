"""Asking other people's servers: only public addresses, and those within this network that are allowed (looked at when the
connection is made), briefly, and not more than fits."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpcore2
import httpx2

from models import config
from models.inside import is_allowed, is_public

SECONDS = 8.0
MOST = 512 * 1024  # bytes of an answer
_CONNECTIONS = 100


class NotAllowed(httpcore2.ConnectError):
    """The name leads to an address of this network: nothing there is asked on somebody's word."""


class TooMuch(httpx2.ReadError):
    """The answer is larger than anything we ask for, or packed, so that nobody knows how large it is."""


class _Guarded(httpcore2.AsyncNetworkBackend):
    """Resolves the name itself and connects to an address that it has looked at: what the name says a moment later is of no
    matter. TLS goes on naming the host."""

    def __init__(self, *, private: bool, allowed: bool) -> None:
        self._private, self._allowed = private, allowed
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the backend's own interface
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> Any:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
        allowed = [one for one in addresses if self._private or self._may_ask(host, one.partition("%")[0])]
        if not allowed:
            raise NotAllowed(host)
        for at, address in enumerate(allowed[:4], 1):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore2.ConnectError:
                if at == len(allowed[:4]):
                    raise
        raise NotAllowed(host)

    def _may_ask(self, host: str, address: str) -> bool:
        return is_public(address) or (self._allowed and is_allowed(host, address))

    async def connect_unix_socket(self, *_: Any, **__: Any) -> Any:
        raise NotAllowed("unix")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, inner: Any, *, is_packed: bool) -> None:
        self._inner, self._is_packed = inner, is_packed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._is_packed:
            raise TooMuch("packed")
        taken = 0
        async for chunk in self._inner:
            taken += len(chunk)
            if taken > MOST:
                raise TooMuch("too much")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


class Outward(httpx2.AsyncHTTPTransport):
    """The transport for whatever asks outside. `private` also lets it go to addresses of this network (tests, development),
    `allowed` to those of ALLOWED_PRIVATE_HOSTS."""

    def __init__(self, *, private: bool = False, allowed: bool = False) -> None:
        super().__init__(trust_env=False)
        backend = _Guarded(private=private or config.settings().allow_private_feeds, allowed=allowed)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(), network_backend=backend, max_connections=_CONNECTIONS
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        # An answer of a few hundred kilobytes can be packed so that it fills the memory when it is opened.
        request.headers["Accept-Encoding"] = "identity"
        response = await super().handle_async_request(request)
        packed = response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity")
        response.stream = _Counted(response.stream, is_packed=packed)
        return response
