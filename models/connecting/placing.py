"""Placing and withdrawing on the word of other software: its fields made into what the operations of approvals ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from models import approvals
from models.approvals.making import MOST_CENTS
from models.approvals.records import ApprovalRequest
from models.connecting import typed
from models.connecting.reading import client_numbered, kind_named
from models.core import Refused, Say
from models.viewer import Permission, Viewer

NEEDS = Permission.EDIT_APPROVALS


# As the operations call what the form names otherwise; what the form does not have, has no name there.
_OF_FORM = {
    "files": "file",
    "replaces": "replace",
    "amount": "amount_cents",
    "plan": "",
    "parts": "file",
}


def field_of(name: str) -> str:
    return _OF_FORM.get(name, name)


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
    added = {typed.text("attachment_name", name, 500) for name in fields.get("attachment_name", ())}
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
    said = _Said(fields)
    client = await client_numbered(viewer, said.text("client_number"))
    kind = await kind_named(said.text("kind"))
    book_year, period = typed.year("book_year", said["book_year"]), said.text("period").lower()
    replaces = typed.yes("replace", said["replace"])
    former = await _former(client.id, kind.id, book_year, period) if replaces else None
    values = approvals.NewRequest(
        kind=kind.id,
        book_year=book_year,
        period=period,
        title=said.text("title"),
        addressee=said.text("addressee", 120) or None,
        amount=typed.whole("amount_cents", said["amount_cents"], most=MOST_CENTS),
        message=said.text("message", 4000),
        internal_due=typed.day("internal_due", said["internal_due"]),
        legal_due=typed.day("legal_due", said["legal_due"]),
        dated_on=typed.day("dated_on", said["dated_on"]),
        replaces=former,
        source="api",
        external_ref=said.text("external_ref", 120),
    )
    request = await approvals.make(client, values, parts, by=viewer)
    if typed.yes("offer", said["offer"]):
        await approvals.offer(request, by=viewer)
    return request


async def _former(client: int, kind: int, book_year: int | None, period: str) -> int | None:
    formers = await approvals.already_there(client, kind, book_year, period)
    return formers[0].id if formers else None


async def withdraw(viewer: Viewer, request_id: int, reason: str) -> None:
    """Raises Missing, Refused."""
    request = await request_of(viewer, request_id)
    await approvals.withdraw(request, typed.text("reason", reason, 2000), by=viewer)


class _Said:
    """The first value of each field, '' where it was not sent."""

    def __init__(self, fields: Mapping[str, Sequence[str]]) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> str:
        return (self._fields.get(name) or ("",))[0]

    def text(self, name: str, most: int = 200) -> str:
        return typed.text(name, self[name], most)
