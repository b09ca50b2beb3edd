"""A message as the bytes that travel: built from strings, because the standard library's objects cost ten times as much."""

from __future__ import annotations

import binascii
import functools
import re
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from urllib.parse import urlsplit

from partials.mails import Composed

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
_PLAIN = re.compile(r"[A-Za-z0-9 ]+")


def message_id(errand: int, asked_at: datetime, base_url: str) -> str:
    """The same for every try of one errand: a receiver that gets a message twice can tell."""
    return f"<errand.{errand}.{int(asked_at.timestamp() * 1000):x}@{urlsplit(base_url).hostname or 'localhost'}>"


def envelope_address(email: str) -> str:
    """The address in letters that every mail server knows. Raises UnicodeError when there is no such form."""
    local, _, domain = email.rpartition("@")
    local.encode("ascii")
    return f"{local}@{domain if domain.isascii() else domain.encode('idna').decode()}"


def build(
    composed: Composed,
    *,
    name: str,
    address: str,
    sender_name: str,
    sender: str,
    identity: str,
    now: datetime,
    reply_to: str = "",
) -> bytes:
    """`name` and `address` of the recipient; answers go to `reply_to`, or else to the sender; lines end in CRLF. `Auto-Submitted` keeps out-of-office replies away."""
    # In quoted-printable "=_" never occurs, so this boundary cannot be part of the text.
    boundary = f"=_{identity.strip('<>').split('@')[0]}"
    answers = f"Reply-To: {reply_to}\r\n" if reply_to else ""
    if composed.stop_url:
        answers += f"List-Unsubscribe: <{composed.stop_url}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    head = (
        f"From: {_mailbox(sender_name, sender)}\r\nTo: {_mailbox(name, address)}\r\nSubject: {_words(composed.subject, 9)}\r\n"
        f"{answers}Date: {format_datetime(now)}\r\nMessage-ID: {identity}\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'
    )
    parts = "".join(
        f"--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{_quoted(text)}\r\n"
        for kind, text in (("plain", composed.text), ("html", composed.html))
    )
    return f"{head}{parts}--{boundary}--\r\n".encode("ascii")


def _mailbox(name: str, address: str) -> str:
    name = " ".join(_CONTROLS.sub(" ", name).split())
    if not name:
        return address
    if name.isascii() and len(name) < 60:
        if _PLAIN.fullmatch(name):
            return f"{name} <{address}>"
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{address}>'
    return f"{_words(name[:120], 6)} <{address}>"


@functools.lru_cache(1000)
def _words(text: str, indent: int) -> str:
    text = " ".join(_CONTROLS.sub(" ", text).split())
    if text.isascii() and len(text) < 60:
        return text
    return Header(text, "utf-8", header_name="x" * indent).encode(linesep="\r\n")


def _quoted(text: str) -> str:
    return binascii.b2a_qp(text.encode(), istext=True).decode("ascii").replace("\n", "\r\n")
