"""Files that are text: shown as they are, tables, bank statements and XML too; and messages, with whom they are from."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
from dataclasses import dataclass
from email.message import EmailMessage
from html.parser import HTMLParser

from models.content_type import charset_of
from models.content_type.kinds import CSV, EML, TEXT, XML, ending_of
from models.storage import storage
from models.storage.whole import certain

SHOWN = 512 * 1024  # bytes of a text that are shown; the rest is for who downloads it
MESSAGE_MOST = 25 * 1024 * 1024  # bytes of a message that is taken apart
_ENDINGS = frozenset(
    {"txt", "csv", "tsv", "xml", "xaf", "xbrl", "mt940", "940", "sta", "swi", "camt", "json", "log", "md", "asc"}
)


@dataclass(frozen=True)
class Words:
    """What a text file says; of a message also `head` (who, to whom, when, about what) and the names of what was with it."""

    text: str
    is_cut: bool = False
    head: tuple[tuple[str, str], ...] = ()
    attached: tuple[str, ...] = ()


def is_text(mime: str, name: str) -> bool:
    """By its kind; a file of an unknown kind is text when its name says so and it holds no bytes that are not (see `words`)."""
    return mime in (TEXT, CSV, XML, EML) or (
        mime.startswith("text/") and mime != "text/html" and ending_of(name) in _ENDINGS
    )


async def words(sha256: str, size: int, mime: str, *, is_certain: bool = False) -> Words:
    """`is_certain`: also of a large one nothing is shown before all of it turned out to be the bytes of the hash. Raises what the
    storage raises, Damaged too."""
    most = MESSAGE_MOST if mime == EML else SHOWN
    data = b""
    whole = is_certain or size <= most
    source = certain(storage(), sha256) if whole else storage().open(sha256, 0, most)
    async with contextlib.aclosing(source) as chunks:
        async for chunk in chunks:
            data += chunk[: most - len(data)]
    if mime == EML:
        return await asyncio.to_thread(_of_message, data)
    return Words(_clean(data.decode(charset_of(data[: 64 * 1024]), "replace")), size > most)


def _clean(text: str) -> str:
    """Without what cannot be shown; lines stay lines."""
    return "".join(
        ch for ch in text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n") if ch >= " " or ch in "\n\t"
    )


def _of_message(data: bytes) -> Words:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    head = []
    for name in ("From", "To", "Cc", "Date", "Subject"):
        with contextlib.suppress(Exception):  # headers may be anything
            if value := _clean(str(message[name] or "")).strip():
                head.append((name, value[:500]))
    text, attached = "", []
    with contextlib.suppress(Exception):
        body = message.get_body(("plain", "html"))
        if body is not None:
            text = str(body.get_content())
            text = _bare(text) if body.get_content_type() == "text/html" else text
    with contextlib.suppress(Exception):
        attached = [_clean(part.get_filename() or "?")[:200] for part in message.iter_attachments()][:200]
    return Words(_clean(text)[:SHOWN], len(text) > SHOWN, tuple(head), tuple(attached))


class _Bare(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style", "title")
        if tag in ("br", "p", "div", "tr", "li", "h1", "h2", "h3"):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style", "title") and self._silent > 0

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(" ".join(data.split()) + " " if data.strip() else "")


def _bare(html: str) -> str:
    reader = _Bare()
    reader.feed(html)
    return "\n".join(line.strip() for line in "".join(reader.parts).split("\n"))
