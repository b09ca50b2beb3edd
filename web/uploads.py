"""Files coming in: multipart bodies streamed straight into the storage, hashed on the way, never whole in memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from models.content_type import ContentType, check_upload, clean_name, detect
from models.content_type.archives import look_inside
from models.core import Refused, Say
from models.storage import Incoming, Storage, TooLarge
from models.storage.base import HEAD

FIELD_MOST = 1024 * 1024  # bytes of one field
FIELDS_TOTAL = 4 * 1024 * 1024  # bytes of all fields together
FIELDS_MOST = 1000
FILES_MOST = 500
SILENCE_MOST = 120  # seconds; a phone that lost its network says nothing, not even goodbye
_AROUND = 4 * 1024 * 1024  # bytes of a body besides its files: boundaries, headers, fields

Check = Callable[[bytes, int, str], Say | None]


class BadBody(Exception):
    """The body is not the form it says it is, or too much of one; `why` is for the person who sent it."""

    def __init__(self, why: Say) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True)
class Arrived:
    """A file that is in the storage now, and not yet in any record. `head` is its first 64 KiB."""

    name: str
    size: int
    sha256: str
    head: bytes
    content_type: ContentType
    field: str = ""  # of the form, in which it was chosen


@dataclass(frozen=True)
class TurnedAway:
    """A file that was not taken in, and why."""

    name: str
    why: Say


class Claim(Protocol):
    """Room that is taken before a body is read, and given back when it is over, except for what lies in the storage then."""

    async def take(self, size: int) -> None:
        """In a unit of its own. Raises Refused."""

    async def give_back(self, size: int, lies: int) -> None:
        """In a unit of its own."""


@dataclass(frozen=True)
class Bounds:
    """How much of a body is taken in where that is less than usual: bytes, and files; further files are turned away in words."""

    max_size: int
    max_files: int
    claim: Claim | None = None

    def check(self) -> Check:
        """As `check_upload`, and no more files than there is room for."""
        left = self.max_files

        def checked(head: bytes, size: int, name: str) -> Say | None:
            nonlocal left
            if why := check_upload(head, size, name):
                return why
            left -= 1
            return Say("“{name}” paste er niet meer bij.", name=name) if left < 0 else None

        return checked


@dataclass(frozen=True)
class Received:
    """What a body held; files and refusals in the order in which they came."""

    files: list[Arrived]
    refused: list[TurnedAway]
    fields: FormData

    @property
    def turned_away(self) -> list[tuple[str, Say]]:
        return [(one.name, one.why) for one in self.refused]

    def one_file(self, field: str = "file") -> Arrived:
        """The one file a form asked for. Raises Refused when there is none."""
        if self.files:
            return self.files[0]
        raise Refused(field, self.refused[0].why if self.refused else Say("Kies eerst een bestand."))


@contextlib.asynccontextmanager
async def claimed(request: Request, bounds: object, most: int) -> AsyncIterator[list[int]]:
    """While a body is read: the room for it, where `bounds` has a claim. What is yielded gets the sizes of what came."""
    kept = list[int]()
    if not isinstance(bounds, Bounds) or bounds.claim is None:
        yield kept
        return
    declared = request.headers.get("content-length", "")
    size = min(int(declared[:20]) if declared.isdecimal() else most + _AROUND, most + _AROUND)
    await bounds.claim.take(size)
    try:
        yield kept
    finally:
        await bounds.claim.give_back(size, sum(kept))


async def receive_files(
    request: Request,
    storage: Storage,
    *,
    max_size: int = 2 * 1024**3,
    max_files: int = FILES_MOST,
    check: Check = check_upload,
    kept: list[int] | None = None,
) -> Received:
    """Stream every file of a multipart body into the storage.

    `max_size` is for the files of one request together: so a body that is too large is refused before it is read, by
    its Content-Length. `kept` gets the size of each file as soon as it is in the storage. What `check` refuses does not reach the storage. Files that arrived before the rest of the body
    broke off stay there without a record, for the sweeper.

    Raises:
        TooLarge: more than `max_size` bytes.
        BadBody: not a multipart form, too many parts, or nothing came for two minutes.
        ClientDisconnect: broken off by the sender.
        StorageFull, StorageDown
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > max_size + _AROUND:
        raise TooLarge(max_size)
    async with contextlib.AsyncExitStack() as last_resort:
        body = _Body(request, storage, max_size, max_files, check, [] if kept is None else kept)
        last_resort.push_async_callback(body.let_go)
        return await body.read()


def _boundary_of(request: Request) -> bytes:
    kinds = request.headers.getlist("content-type")
    kind, options = parse_options_header(kinds[0] if kinds else "")
    if kind != b"multipart/form-data":
        raise BadBody(Say("Er kwam geen formulier met bestanden aan. Kies de bestanden opnieuw en verstuur ze."))
    boundary = options.get(b"boundary", b"")
    if len(kinds) > 1 or kinds[0].lower().count("boundary=") > 1 or not boundary:
        raise BadBody(_GARBLED)
    return boundary


_GARBLED = Say("Het formulier kwam niet heel aan. Er is niets bewaard; probeer het opnieuw.")


@dataclass
class _Part:
    """The part of the body that is being read; a file when it has a `file_name`."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    name: str = ""
    file_name: str | None = None
    start: bytearray = field(default_factory=bytearray)  # of a file, until its kind is known; of a field, all of it
    is_turned_away: bool = False
    incoming: Incoming | None = None


class _Body:
    """The parser's callbacks are plain functions: they note events, which are then carried out in order."""

    def __init__(
        self, request: Request, storage: Storage, max_size: int, max_files: int, check: Check, kept: list[int]
    ) -> None:
        self._kept = kept
        self._request, self._storage, self._check = request, storage, check
        self._typed = 0
        self._max_size, self._max_files = max_size, max_files
        self._events: list[tuple[str, bytes]] = []
        self._part = _Part()
        self._header_name, self._header_value = b"", b""
        self._open = contextlib.AsyncExitStack()
        self._files: list[Arrived] = []
        self._refused: list[TurnedAway] = []
        self._fields: list[tuple[str, str | UploadFile]] = []  # as FormData wants it; there are only texts
        self._size = 0
        self._is_whole = False

    async def read(self) -> Received:
        parser = self._make_parser(_boundary_of(self._request))
        async with contextlib.aclosing(self._request.stream()) as chunks:
            while chunk := await self._next(chunks):
                self._size += len(chunk)
                if self._size > self._max_size + _AROUND:
                    raise TooLarge(self._max_size)
                try:
                    parser.write(chunk)
                except FormParserError as error:
                    raise BadBody(_GARBLED) from error
                events = self._events[:]
                self._events.clear()
                for event, data in events:
                    await self._carry_out(event, data)
        if not self._is_whole:
            raise BadBody(_GARBLED)
        return Received(self._files, self._refused, FormData(self._fields))

    async def let_go(self) -> None:
        """What was not kept goes."""
        await self._open.aclose()

    def _make_parser(self, boundary: bytes) -> MultipartParser:
        note = self._events.append
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": lambda: note(("begin", b"")),
                    "on_header_field": lambda data, start, end: note(("name", data[start:end])),
                    "on_header_value": lambda data, start, end: note(("value", data[start:end])),
                    "on_header_end": lambda: note(("header", b"")),
                    "on_headers_finished": lambda: note(("body", b"")),
                    "on_part_data": lambda data, start, end: note(("data", data[start:end])),
                    "on_part_end": lambda: note(("end", b"")),
                    "on_end": lambda: note(("all", b"")),
                },
                max_header_size=16 * 1024,
            )
        except FormParserError as error:
            raise BadBody(_GARBLED) from error

    async def _next(self, chunks: AsyncIterator[bytes]) -> bytes:
        """The next piece of the body, b'' at its end."""
        try:
            async with asyncio.timeout(SILENCE_MOST):
                return await anext(chunks, b"")
        except TimeoutError as error:
            raise BadBody(Say("De verbinding viel stil. Er is niets bewaard; probeer het opnieuw.")) from error

    async def _carry_out(self, event: str, data: bytes) -> None:
        match event:
            case "data":
                await self._take(data)
            case "begin":
                self._part = _Part()
            case "name":
                self._header_name += data
            case "value":
                self._header_value += data
            case "header":
                self._part.headers[self._header_name.lower()] = self._header_value
                self._header_name, self._header_value = b"", b""
            case "body":
                self._begin_part()
            case "end":
                await self._end_part()
            case "all":
                self._is_whole = True

    def _begin_part(self) -> None:
        part = self._part
        kind, options = parse_options_header(part.headers.get(b"content-disposition", b""))
        encoding = part.headers.get(b"content-transfer-encoding", b"binary").strip().lower()
        if kind != b"form-data" or b"name" not in options or encoding not in (b"binary", b"7bit", b"8bit"):
            raise BadBody(_GARBLED)
        part.name = options[b"name"].decode("utf-8", "replace")
        if b"filename" in options:
            part.file_name = _unescaped(options[b"filename"].decode("utf-8", "replace"))
            if len(self._files) + len(self._refused) >= self._max_files:
                raise BadBody(Say("Meer dan {most} bestanden in één keer gaat niet.", most=self._max_files))
        elif len(self._fields) >= FIELDS_MOST:
            raise BadBody(Say("Het formulier heeft te veel velden."))

    async def _take(self, data: bytes) -> None:
        part = self._part
        if part.incoming is not None:
            await part.incoming.write(data)
        elif not part.is_turned_away:
            part.start += data
            if part.file_name is None:
                self._typed += len(data)
                if len(part.start) > FIELD_MOST or self._typed > FIELDS_TOTAL:
                    raise BadBody(Say("Een veld van het formulier is te lang."))
            elif len(part.start) > HEAD:
                await self._decide()

    async def _end_part(self) -> None:
        part = self._part
        if part.file_name is None:
            self._fields.append((part.name, part.start.decode("utf-8", "replace")))
            return
        if not part.file_name and not part.start and part.incoming is None:
            return  # a field for files in which nothing was chosen
        if part.incoming is None and not part.is_turned_away:
            await self._decide()
        if part.incoming is not None:
            name, stored = clean_name(part.file_name), await part.incoming.keep()
            self._kept.append(stored.size)
            kind = detect(stored.head, name)
            if why := await look_inside(self._storage, stored.sha256, stored.size, name, kind.mime):
                self._refused.append(TurnedAway(name, why))
                await self.let_go()
                return
            self._files.append(Arrived(name, stored.size, stored.sha256, stored.head, kind, part.name))
            await self.let_go()

    async def _decide(self) -> None:
        """Enough has come to know what it is: into the storage with it, or not."""
        part = self._part
        start, name = bytes(part.start), clean_name(part.file_name or "")
        if why := self._check(start[:HEAD], len(start), name):
            part.is_turned_away = True
            part.start.clear()
            self._refused.append(TurnedAway(name, why))
            return
        part.incoming = await self._open.enter_async_context(self._storage.receive(self._max_size))
        await part.incoming.write(start)


def _unescaped(name: str) -> str:
    """Browsers write three characters of a file's name in this way (HTML, multipart form data)."""
    for written, meant in (("%22", '"'), ("%0D", "\r"), ("%0A", "\n")):
        name = name.replace(written, meant)
    return name
