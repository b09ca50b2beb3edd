"""A standard structure laid beside the folders of one client: what is there, under which name, and what is missing. No database."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from models.core import Refused, Say, fold

Row = Mapping[str, Any]
Rights = frozenset[tuple[int, bool]]  # templates that a folder is open to, and whether one may hand in there
NOBODY: Rights = frozenset()

PLACEHOLDERS = ("boekjaar", "cliënt", "nummer")
_WRITTEN = re.compile(r"\{\s*([^{}+-]*?)\s*([+-]\s*[12])?\s*\}")


@dataclass(frozen=True, slots=True)
class Values:
    """What stands in the place of placeholders for one client: {boekjaar}, {boekjaar-1}, {cliënt}, {nummer}."""

    year: int
    client: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class Standard:
    """A folder of a standard structure, `dated` when it or one above it is made for each book year."""

    id: int
    parent: int | None
    name: str
    name_key: str
    kind: str
    own_only: bool
    retention: int | None
    position: int
    dated: bool
    plain: bool  # the name has no placeholder
    rights: Rights = NOBODY


@dataclass(slots=True)
class Matched:
    """A standard folder and what the client has of it. `state`: same, renamed, moved (under its name or another), new, or
    twin: filled in, its name is that of another one that is new in the same place."""

    standard: Standard
    name: str
    state: str
    folder: Row | None = None
    in_trash: bool = False
    rights: Rights = NOBODY
    twin: int | None = None  # the standard folder whose new folder it shares, because filled in both have one name

    @property
    def other_retention(self) -> bool:
        """Whether it is kept otherwise; where the standard says nothing, the client's folder may."""
        return (
            self.folder is not None
            and self.standard.retention is not None
            and self.folder["retention"] != self.standard.retention
        )

    @property
    def other_rights(self) -> bool:
        """Whether other templates open it. Of a folder that was not made from this one only what the standard opens counts."""
        found, wanted = self.folder, self.standard.rights
        if found is None or found["kind"] == "internal" or self.rights == wanted:
            return False
        return bool(wanted) or found["origin"] == self.standard.id

    @property
    def other_kind(self) -> bool:
        """Whether what may be done in it differs from the standard."""
        found = self.folder
        return found is not None and (
            found["kind"] != self.standard.kind or bool(found["own_only"]) != self.standard.own_only
        )


@dataclass(slots=True)
class Match:
    """All of it for one client, in the order of the tree; `extra` are his own folders in places that the standard has; at the
    top those of another structure are not."""

    folders: list[Matched] = field(default_factory=list)
    extra: list[Row] = field(default_factory=list)

    @property
    def new(self) -> list[Matched]:
        return [one for one in self.folders if one.state == "new"]


def refuse_unknown(name: str) -> None:
    """Raises Refused for a placeholder that is none."""
    for found in re.findall(r"\{[^{}]*\}", name):
        written = _WRITTEN.fullmatch(found)
        word = fold(written[1]) if written else ""
        if word not in {fold(one) for one in PLACEHOLDERS} or (written and written[2] and word != "boekjaar"):
            raise Refused(
                "name",
                Say(
                    "“{found}” is geen invulling. U kunt {known} gebruiken.",
                    found=found,
                    known="{boekjaar}, {boekjaar-1}, {cliënt}, {nummer}",
                ),
            )


def expand(name: str, values: Values) -> str:
    """The name as it becomes at the client, at most 120 characters."""

    def filled(found: re.Match[str]) -> str:
        word, step = fold(found[1]), int((found[2] or "0").replace(" ", ""))
        if word == "boekjaar":
            return str(values.year + step)
        return {"client": values.client, "nummer": values.number}.get(word, found[0])

    return " ".join(_WRITTEN.sub(filled, name).replace("›", ">").split())[:120].strip() or "map"


def is_dated(name: str) -> bool:
    return any(fold(found[1]) == "boekjaar" for found in _WRITTEN.finditer(name))


def in_tree_order(rows: Iterable[Row], rights: Mapping[int, Rights] | None = None) -> list[Standard]:
    """Rows of the folder table, each above before what lies in it. `rights`: folder > whom it is open to."""
    opened = rights or {}
    within: dict[int | None, list[Row]] = {}
    for row in rows:
        within.setdefault(row["parent"], []).append(row)
    found: list[Standard] = []
    waiting = [(row, False) for row in reversed(within.get(None, []))]
    while waiting:
        row, above = waiting.pop()
        dated = above or is_dated(row["name"])
        found.append(
            Standard(
                row["id"], row["parent"], row["name"], row["name_key"], row["kind"], bool(row["own_only"]), row["retention"],
                row["position"], dated, "{" not in row["name"], opened.get(row["id"], NOBODY),
            )
        )  # fmt: skip
        waiting += [(below, dated) for below in reversed(within.get(row["id"], []))]
    return found


def match(
    standard: Sequence[Standard], folders: Iterable[Row], values: Values, rights: Mapping[int, Rights] | None = None
) -> Match:
    """What the client has of the structure for this year. `rights`: of the client's folders, whom each is open to.

    A folder is found by its name in its place; else by what it was made from (and for which year), wherever it is now and
    whatever it is called. Below a folder that is missing nothing is sought by name.
    """
    by_place: dict[tuple[int, str], Row] = {}
    coming: dict[
        tuple[int, str], int
    ] = {}  # place (a folder, or minus a standard folder that is new) and name > standard
    by_origin: dict[tuple[int, int | None], Row] = {}
    thrown: set[str] = set()
    for there in folders:
        if there["trashed_at"]:
            thrown.add(there["name_key"])
            continue
        by_place[there["parent"] or 0, there["name_key"]] = there
        if there["origin"]:
            by_origin.setdefault((there["origin"], there["year"]), there)
    found, at, opened = Match(), dict[int, Row | None](), rights or {}
    used: set[int] = set()
    shares: dict[int, int] = {}
    row: Row | None
    for one in standard:
        name, key = (one.name, one.name_key) if one.plain else _expanded(one, values)
        above = at[one.parent] if one.parent is not None else None
        is_there = one.parent is None or above is not None
        row = by_place.get((above["id"] if above is not None else 0, key)) if is_there else None
        state = "same" if row is not None else "new"
        if row is None and (row := by_origin.get((one.id, values.year if one.dated else None))) is not None:
            stays = (row["parent"] or 0) == (above["id"] if above is not None else 0) if is_there else False
            state = "renamed" if stays else "moved"
        at[one.id] = row
        twin = None
        if row is None:
            place = (
                above["id"]
                if above is not None
                else -shares.get(one.parent, one.parent)
                if one.parent is not None
                else 0
            )
            if (first := coming.setdefault((place, key), one.id)) != one.id:
                state, twin = "twin", first
            shares[one.id] = first
        held = NOBODY
        if row is not None:
            used.add(row["id"])
            held = opened.get(row["id"], NOBODY)
        found.folders.append(Matched(one, name, state, row, state == "new" and key in thrown, held, twin))
    places = {0} | {row["id"] for row in at.values() if row is not None}
    known = {one.id for one in standard}
    found.extra = [
        row
        for (parent, _), row in by_place.items()
        if parent in places and row["id"] not in used and (parent or not row["origin"] or row["origin"] in known)
    ]
    return found


def _expanded(one: Standard, values: Values) -> tuple[str, str]:
    name = expand(one.name, values)
    return name, fold(name)


def with_parents(standard: Sequence[Standard], chosen: Iterable[int]) -> set[int]:
    """The chosen standard folders, and those above them, without which they have no place."""
    parents = {one.id: one.parent for one in standard}
    found: set[int] = set()
    for id in chosen:
        step: int | None = id if id in parents else None
        while step is not None and step not in found:
            found.add(step)
            step = parents[step]
    return found
