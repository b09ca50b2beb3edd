"""Whose clients a page speaks of, as SQL: those the viewer sees, and of those the ones he looks after."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.viewer import Viewer


def seen(viewer: Viewer, column: str) -> str:
    """The clients he sees."""
    from models.clients import seen  # which knows the lists that ask here

    return seen(viewer, column)


def seen_people(viewer: Viewer, table: str) -> str:
    """The users he sees: colleagues, who reaches a client that he sees, and whom he is adding himself."""
    if viewer.sees_all_clients:
        return "1 = 1"
    reaching = f"SELECT y.person FROM access y WHERE {seen(viewer, 'y.client')}"
    begun = f"SELECT w.person FROM preparation w WHERE w.begun_by = {int(viewer.user.id)}"
    return f"({table}.kind = 'staff' OR {table}.id IN ({reaching}) OR {table}.id IN ({begun}))"


def chooses(viewer: Viewer) -> bool:
    """Whether he sees more clients than he looks after, and so has two lists of news to choose from."""
    return bool(viewer.is_staff and viewer.user.all_clients)


def looked_after(viewer: Viewer, column: str, *, everybody: bool = False) -> str:
    """Whose news is his: of who sees all clients those that he is responsible for, unless he asked for everybody's."""
    if everybody or not chooses(viewer):
        return seen(viewer, column)
    mine = f"{column} IN (SELECT v.client FROM responsible v WHERE v.person = {int(viewer.user.id)})"
    return f"({mine} AND {seen(viewer, column)})"


def people_of(viewer: Viewer, column: str, *, everybody: bool = False) -> str:
    """Who reaches a client that he looks after."""
    if everybody and viewer.sees_all_clients:
        return "1 = 1"
    return f"{column} IN (SELECT p.person FROM access p WHERE {looked_after(viewer, 'p.client', everybody=everybody)})"
