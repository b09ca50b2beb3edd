"""Placing and withdrawing on the word of other software: its fields made into what the operations of approvals ask."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from models import approvals
from models.approvals.records import ApprovalRequest
from models.connecting.reading import client_numbered, kind_named
from models.core import Refused, Say
from models.viewer import Permission, Viewer

NEEDS = Permission.EDIT_APPROVALS


class Arrived(Protocol):
    """A file that is in the storage already."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def sha256(self) -> str: ...
    @property
    def content_type(self) -> Any: ...


async def request_of(viewer: Viewer, request_id: int) -> ApprovalRequest:
    """Raises Missing."""
    found: ApprovalRequest = await viewer.scope(ApprovalRequest).get(request_id)
    return found


async def looked_over(fields: Mapping[str, Sequence[str]], files: Sequence[Arrived]) -> list[approvals.NewPart]:
    """The parts that the files make: PDFs are approved, unless they are named as an attachment. Outside any unit.

    Raises Refused.
    """
    if not files:
        raise Refused("file", Say("Stuur ten minste één PDF mee."))
    added = set(fields.get("attachment_name", ()))
    parts = []
    for one in files:
        mime = one.content_type.mime
        is_added = one.name in added or mime != "application/pdf"
        parts.append(
            await approvals.looked_at(one.name, one.sha256, one.size, mime, "attachment" if is_added else "main")
        )
    return parts


async def place(
    viewer: Viewer, fields: Mapping[str, Sequence[str]], parts: Sequence[approvals.NewPart]
) -> ApprovalRequest:
    """A draft, or offered at once where that is asked. Raises AlreadyThere where one of this kind and period is there and
    `replace` was not said."""
    client = await client_numbered(viewer, _one(fields, "client_number"))
    kind = await kind_named(_one(fields, "kind"))
    book_year = _whole(fields, "book_year")
    values = approvals.NewRequest(
        kind=kind.id,
        book_year=book_year,
        period=_one(fields, "period"),
        title=_one(fields, "title", 200),
        addressee=_one(fields, "addressee", 120) or None,
        amount=_whole(fields, "amount_cents"),
        message=_one(fields, "message", 4000),
        internal_due=_day(fields, "internal_due"),
        legal_due=_day(fields, "legal_due"),
        replaces=await _former(client.id, kind.id, fields, book_year),
        source="api",
        external_ref=_one(fields, "external_ref", 120),
    )
    request = await approvals.make(client, values, parts, by=viewer)
    if _yes(fields, "offer"):
        await approvals.offer(request, by=viewer)
    return request


async def _former(client: int, kind: int, fields: Mapping[str, Sequence[str]], book_year: int | None) -> int | None:
    if not _yes(fields, "replace"):
        return None
    formers = await approvals.already_there(client, kind, book_year, _one(fields, "period").strip().lower())
    return formers[0].id if formers else None


async def withdraw(viewer: Viewer, request_id: int, reason: str) -> None:
    """Raises Missing, Refused."""
    await approvals.withdraw(await request_of(viewer, request_id), reason[:2000], by=viewer)


def _one(fields: Mapping[str, Sequence[str]], name: str, most: int = 200) -> str:
    value = (fields.get(name) or ("",))[0].strip()
    if len(value) > most:
        raise Refused(name, Say("Dit is {n} tekens; er passen er {most}.", n=len(value), most=most))
    return value


def _whole(fields: Mapping[str, Sequence[str]], name: str) -> int | None:
    value = _one(fields, name)
    if not value:
        return None
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 15):
        raise Refused(name, Say("Vul een heel getal in."))
    return int(value)


def _day(fields: Mapping[str, Sequence[str]], name: str) -> dt.date | None:
    value = _one(fields, name)
    try:
        return dt.date.fromisoformat(value) if value else None
    except ValueError:
        raise Refused(name, Say("Vul een dag in als 2026-12-31.")) from None


def _yes(fields: Mapping[str, Sequence[str]], name: str) -> bool:
    value = _one(fields, name).lower()
    if value not in ("", "true", "false"):
        raise Refused(name, Say("Vul true of false in."))
    return value == "true"
