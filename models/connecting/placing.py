"""Placing and withdrawing on the word of other software: its fields made into what the operations of approvals ask."""

from __future__ import annotations

from typing import Protocol

from models.approvals.records import ApprovalRequest
from models.viewer import Permission, Viewer

NEEDS = Permission.EDIT_APPROVALS


class Arrived(Protocol):
    """A file that is in the storage already."""

    name: str
    size: int
    sha256: str
    head: bytes


async def request_of(viewer: Viewer, request_id: int) -> ApprovalRequest:
    """Raises Missing."""
    found: ApprovalRequest = await viewer.scope(ApprovalRequest).get(request_id)
    return found


async def place(viewer: Viewer, fields: Mapping[str, str], files: Sequence[Arrived]) -> ApprovalRequest:
    raise NotImplementedError


async def withdraw(viewer: Viewer, request_id: int, reason: str) -> None:
    raise NotImplementedError
