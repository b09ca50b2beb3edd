"""One mail server, spoken to over a connection that stays open: what became of a message, said without doubt."""

from __future__ import annotations

import asyncio
import enum
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPResponseException
from aiosmtplib.errors import SMTPAuthenticationError, SMTPNotSupported, SMTPReadTimeoutError, SMTPServerDisconnected
from aiosmtplib.protocol import PERIOD_REGEX, normalize_message_line_endings


class Fate(enum.Enum):
    """What became of a message."""

    TAKEN = "taken"
    REFUSED = "refused"  # for good
    NOT_NOW = "not now"  # surely not taken; later perhaps
    DOWN = "down"  # surely not taken, and it is not about this message: the server or our account there
    STOPPED = "stopped"  # we were told not to, before DATA
    UNKNOWN = "unknown"  # the content was on its way when the connection broke


@dataclass(frozen=True)
class Answer:
    fate: Fate
    said: str = ""


@dataclass(frozen=True)
class Server:
    """`SMTP_URL`, read. Options: starttls=1 (demanded) or 0 (never), timeout in seconds, connections per worker."""

    host: str
    port: int | None
    user: str | None
    password: str | None
    tls: bool
    starttls: bool | None
    timeout: float
    connections: int

    @classmethod
    def read(cls, url: str) -> Server:
        parts = urlsplit(url)
        asked = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        starttls = {"1": True, "0": False}.get(asked.get("starttls", ""))
        return cls(
            host=parts.hostname or "localhost",
            port=parts.port,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            tls=parts.scheme == "smtps",
            starttls=None if parts.scheme == "smtps" else starttls,
            timeout=float(asked.get("timeout", "60")),
            connections=max(1, min(50, int(asked.get("connections", "16")))),
        )


class Line:
    """A connection to the server, used by one message at a time and opened when first needed."""

    def __init__(self, server: Server, sender: str) -> None:
        self.server = server
        self.sender = sender
        self._smtp: SMTP | None = None

    async def deliver(self, address: str, message: bytes, may_send: Callable[[], Awaitable[bool]]) -> Answer:
        """Hand the message over. `may_send` is asked when the server has agreed to the recipient and the next word would
        be DATA: from its yes on, only an answer of the server settles what happened."""
        try:
            smtp = await self._greet()
            await self._say(smtp, f"RCPT TO:<{address}>", 250, Fate.REFUSED)
        except _Settled as settled:
            return settled.answer
        try:
            may = await may_send()
        except BaseException:
            smtp.close()
            self._smtp = None
            raise
        if not may:
            await self._clear(smtp)
            return Answer(Fate.STOPPED)
        try:
            await self._say(smtp, "DATA", 354, Fate.REFUSED)
        except _Settled as settled:
            return settled.answer
        return await self._content(smtp, message)

    async def close(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is None or not smtp.is_connected:
            return
        try:
            async with asyncio.timeout(2):
                await smtp.quit()
        except (TimeoutError, OSError, SMTPException):
            smtp.close()

    async def _greet(self) -> SMTP:
        """Begin a message. A connection that the server closed while it was idle is replaced once."""
        used = self._smtp is not None
        smtp = await self._open()
        try:
            await self._say(smtp, f"MAIL FROM:<{self.sender}>", 250, Fate.DOWN)
        except _Settled as settled:
            if not used or settled.answer.fate is not Fate.NOT_NOW:
                raise
            smtp = await self._open()
            await self._say(smtp, f"MAIL FROM:<{self.sender}>", 250, Fate.DOWN)
        return smtp

    async def _open(self) -> SMTP:
        if self._smtp is not None and self._smtp.is_connected:
            return self._smtp
        server = self.server
        smtp = SMTP(
            hostname=server.host, port=server.port, username=server.user, password=server.password,
            use_tls=server.tls, start_tls=server.starttls, timeout=min(server.timeout, 30.0),
        )  # fmt: skip
        try:
            await smtp.connect()
            await smtp.ehlo()
        except SMTPAuthenticationError as error:
            raise _Settled(Fate.DOWN, f"{error.code} {error.message}") from error
        except SMTPResponseException as error:
            raise _Settled(Fate.DOWN, f"{error.code} {error.message}") from error
        except (SMTPException, SMTPNotSupported, OSError, ssl.SSLError) as error:
            raise _Settled(Fate.DOWN, _plainly(error)) from error
        smtp.timeout = server.timeout
        self._smtp = smtp
        return smtp

    async def _say(self, smtp: SMTP, command: str, wanted: int, refused: Fate) -> None:
        """One command before the content. A connection that was closed while idle shows here: nothing was sent yet."""
        try:
            code, words = await smtp.execute_command(command.encode("ascii"))
        except (SMTPException, OSError) as error:
            smtp.close()
            self._smtp = None
            raise _Settled(
                Fate.NOT_NOW if isinstance(error, SMTPServerDisconnected) else Fate.DOWN, _plainly(error)
            ) from error
        if code == wanted or (wanted == 250 and code == 251):
            return
        said = _line(code, words)
        if code == 421 or refused is Fate.DOWN:
            await self.close()
            raise _Settled(Fate.DOWN, said)
        await self._clear(smtp)
        raise _Settled(refused if code >= 500 else Fate.NOT_NOW, said)

    async def _content(self, smtp: SMTP, message: bytes) -> Answer:
        protocol: Any = smtp.protocol
        try:
            if protocol is None:
                raise SMTPServerDisconnected("Connection lost")  # before a byte of it was written
            protocol.write(PERIOD_REGEX.sub(b"..", normalize_message_line_endings(message)) + b".\r\n")
        except (SMTPException, OSError) as error:
            self._smtp = None
            return Answer(Fate.NOT_NOW, _plainly(error))
        try:
            code, words = await protocol.read_response(timeout=max(self.server.timeout, 1.0))
        except asyncio.CancelledError:
            smtp.close()
            raise
        except (SMTPException, OSError) as error:
            smtp.close()
            self._smtp = None
            return Answer(Fate.UNKNOWN, _plainly(error))
        if code == 250:
            return Answer(Fate.TAKEN, _line(code, words))
        if code == 421:
            await self.close()
        return Answer(Fate.REFUSED if code >= 500 else Fate.NOT_NOW, _line(code, words))

    async def _clear(self, smtp: SMTP) -> None:
        """Forget the message that was begun, so that the connection can carry the next one."""
        try:
            await smtp.execute_command(b"RSET")
        except (SMTPException, OSError):
            self._smtp = None


class _Settled(Exception):
    def __init__(self, fate: Fate, said: str) -> None:
        self.answer = Answer(fate, said)


def _line(code: int, words: str) -> str:
    return f"{code} {' '.join(words.split())}"[:500]


def _plainly(error: BaseException) -> str:
    if isinstance(error, TimeoutError | SMTPReadTimeoutError):
        return "geen antwoord binnen de tijd"
    if isinstance(error, SMTPServerDisconnected):
        return "de verbinding werd verbroken"
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    reason = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return " ".join(str(reason).split())[:300]
