"""Whose clients a page speaks of, as SQL: those the viewer sees, and of those the ones he looks after."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.viewer import Viewer


def seen(viewer: Viewer, column: str) -> str:
    """The clients this member of staff sees. The number in it is his own id, never text that somebody typed."""
    if viewer.sees_all_clients:
        return "1 = 1"
    return f"{column} IN (SELECT client FROM responsible WHERE person = {_id(viewer)})"


def seen_people(viewer: Viewer, table: str) -> str:
    """The users he sees: colleagues, and who reaches a client that he sees."""
    if viewer.sees_all_clients:
        return "1 = 1"
    reaching = f"SELECT y.person FROM access y WHERE {seen(viewer, 'y.client')}"
    return f"({table}.kind = 'staff' OR {table}.id IN ({reaching}))"


def looked_after(viewer: Viewer, column: str, *, everybody: bool = False) -> str:
    """Whose news is his: of who sees all clients those that he is responsible for, unless he asked for everybody's."""
    if everybody or not viewer.sees_all_clients:
        return seen(viewer, column)
    return f"{column} IN (SELECT client FROM responsible WHERE person = {_id(viewer)})"


def _id(viewer: Viewer) -> int:
    return int(viewer.user.id) if viewer.is_staff else -1
