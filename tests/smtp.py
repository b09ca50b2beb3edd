"""A mail server on loopback that takes everything, and can be told to misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult


@dataclass
class Taken:
    """A message as the server took it over."""

    sender: str
    address: str
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.raw, policy=email.policy.default)  # type: ignore[return-value]

    @property
    def identity(self) -> str:
        return str(self.message["Message-ID"])

    @property
    def text(self) -> str:
        part = self.message.get_body(("plain",))
        assert part is not None
        return str(part.get_content()).replace("\r\n", "\n")

    @property
    def html(self) -> str:
        part = self.message.get_body(("html",))
        assert part is not None
        return str(part.get_content())

    @property
    def link(self) -> str:
        """The first one-time link in the text."""
        found = re.search(r"https?://\S+/welcome/\S+", self.text)
        assert found, self.text
        return found.group()


@dataclass
class Sink:
    """`url` is for SMTP_URL; `taken` holds what came, in order."""

    port: int = 0
    taken: list[Taken] = field(default_factory=list)
    delay: float = 0.0  # seconds between having a message and saying so
    sender_words: str = ""  # the answer to MAIL, instead of yes
    password: str = ""  # demanded of the user `poort`
    _words: dict[str, list[str]] = field(default_factory=dict)
    _at_data: list[str] = field(default_factory=list)
    _servers: list[SMTP] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?timeout=2"

    def refuse(self, address: str, *words: str) -> None:
        """Answer RCPT for this address with these, one after the other; the last one for ever ('550 5.1.1 Unknown user').
        '' accepts."""
        self._words[address] = list(words) or ["550 5.1.1 User unknown"]

    def at_data(self, *what: str) -> None:
        """What to do with the next messages when all of their content is there: 'drop' the connection, 'take and drop'
        it, 'hang', or answer with words such as '451 4.3.0 Later' or '554 5.7.1 Spam'."""
        self._at_data = list(what)

    def by_identity(self) -> Counter[str]:
        return Counter(taken.identity for taken in self.taken)

    def hang_up(self) -> None:
        """Close every connection, as servers do with idle ones."""
        loop = self._servers[0].loop
        for server in self._servers:
            if server.transport is not None:
                loop.call_soon_threadsafe(server.transport.close)

    # aiosmtpd's hooks

    async def handle_EHLO(
        self, server: SMTP, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self._servers.append(server)
        return responses

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if self.sender_words:
            return self.sender_words
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        words = self._words.get(address)
        if words:
            answer = words.pop(0) if len(words) > 1 else words[0]
            if answer:
                return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        what = self._at_data.pop(0) if self._at_data else ""
        if what in ("", "take and drop"):
            self.taken.append(Taken(envelope.mail_from, envelope.rcpt_tos[0], envelope.content))
        await asyncio.sleep(self.delay)
        if what.endswith("drop"):
            assert server.transport is not None
            server.transport.abort()
            return "451 gone"
        if what == "hang":
            await asyncio.sleep(30)
        return what or f"250 2.0.0 OK: queued as {len(self.taken)}"


@contextlib.contextmanager
def sinking(port: int = 0) -> Iterator[Sink]:
    """On a thread of its own, until the end of the context."""
    sink = Sink()
    controller = _Loopback(sink, hostname="127.0.0.1", port=port or _free_port(), ready_timeout=10)
    controller.start()
    sink.port = controller.port
    try:
        yield sink
    finally:
        controller.stop(no_assert=True)


class _Loopback(Controller):
    def factory(self) -> SMTP:
        return SMTP(
            self.handler,
            enable_SMTPUTF8=False,
            hostname="sink.example",
            ident="sink",
            auth_required=bool(self.handler.password),
            auth_require_tls=False,
            authenticator=self._check,
        )

    def _check(self, server: SMTP, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        right = given.login == b"poort" and given.password == self.handler.password.encode()
        return AuthResult(success=right, handled=False)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
