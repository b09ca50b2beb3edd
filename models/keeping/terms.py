"""Until when a document is kept, and why: the class in force, the day from which it counts, and the last day of the term.

The class is the document's own, else that of its kind, else that of its folder or the nearest one above it that has one.
A term that counts from a book year gets a margin for filing extensions on top: deleting after exactly seven years would come
too early where the return was filed late.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from models import engine
from models.accounts.blocking import listed
from models.core import Say
from models.deadlines import extension_of
from models.dossiers.documents import UPLOADER_SQL
from models.notices import ZONE
from models.retention import until

if TYPE_CHECKING:
    from models.dossiers.documents import Document

WITH_MARGIN = ("book_year", "first_use")
SOURCES: dict[str, Say] = {
    "own": Say("van het stuk zelf"),
    "kind": Say("van de soort"),
    "folder": Say("van de map"),
}
_YEAR = re.compile(r"(?<!\d)(19[89]\d|20[0-9]\d)(?!\d)")
_AT_ONCE = 200  # clients


@dataclass(frozen=True)
class Term:
    """`source` is a key of SOURCES. `anchor_on` is None while the day is not known; then `until` is None too, and the
    document is never proposed. `is_running` tells that it is not known because what it waits for has not happened."""

    class_id: int
    name: str
    ground: str
    months: int
    anchor: str
    source: str
    margin: int
    anchor_on: dt.date | None
    until: dt.date | None
    book_year: int | None = None
    is_guessed: bool = False  # the year stood only in a name
    is_running: bool = False

    def is_over(self, today: dt.date) -> bool:
        return self.until is not None and self.until < today


def term_of(row: dict[str, Any], firm_margin: int) -> Term | None:
    """The term of a row of `rows_of_clients`; None where no class is in force."""
    if row["class_id"] is None:
        return None
    anchor = row["anchor"]
    year, guessed = _book_year(row) if anchor == "book_year" else (None, False)
    since, running = _anchor_on(anchor, row, year)
    margin = extension_of(row["extension_months"], firm_margin) if anchor in WITH_MARGIN else 0
    source = "own" if row["own_class"] else "kind" if row["kind_class"] else "folder"
    last = until(row["months"] + margin, since) if since else None
    return Term(
        row["class_id"], row["class_name"], row["ground"], row["months"], anchor, source, margin, since, last, year, guessed, running,
    )  # fmt: skip


def _book_year(row: dict[str, Any]) -> tuple[int | None, bool]:
    """As it was noted with the document, else with a folder; else the last year in its name, else in that of a folder."""
    if noted := row["book_year"] or row["folder_year"]:
        return int(noted), False
    for name in (row["name"], *reversed(row["place"].split("\n"))):
        if found := _YEAR.findall(name):
            return max(map(int, found)), True
    return None, False


def _anchor_on(anchor: str, row: dict[str, Any], year: int | None) -> tuple[dt.date | None, bool]:
    if anchor == "book_year":
        return (year_end(year, row["year_end_month"] or 12) if year else None), False
    if anchor == "relation":
        ended = engine.as_day(row["relation_ended_on"])
        return ended, ended is None and row["client_state"] == "active"
    if anchor == "upload":
        return engine.as_moment(row["uploaded_at"]).astimezone(ZONE).date(), False
    set_on = engine.as_day(row["own_anchor"]) or engine.as_day(row["folder_anchor"])
    return (dt.date(set_on.year, 12, 31) if set_on and anchor == "first_use" else set_on), False


def year_end(year: int, month: int) -> dt.date:
    """The last day of book year `year`, which begins in that year: 2024 that ends in June ends on 30-06-2025."""
    following = year + (month < 12)
    first_after = dt.date(following + (month == 12), month % 12 + 1, 1)
    return first_after - dt.timedelta(days=1)


class Kept(NamedTuple):
    """Of one document: its term (None without a class), the name of its kind, whether a hold is on it, and who put it there
    (as he typed it himself where he came by a link, as an archive has it where it came in one); '' where that is not known."""

    term: Term | None
    kind: str
    is_held: bool
    uploader: str = ""


async def kept(document: Document) -> Kept:
    """Of a document that was found through the viewer, in one query."""
    rows = await _rows(_OF_ONE, int(document.id), more=f", {_UPLOADER} AS uploader")
    if not rows:
        return Kept(None, "", False)
    row = rows[0]
    term = term_of(row, int(row["firm_margin"]))
    return Kept(term, row["kind_name"] or "", bool(row["is_held"]), row["uploader"])


async def term_for(document: Document) -> Term | None:
    return (await kept(document)).term


async def rows_of(documents: list[int]) -> list[dict[str, Any]]:
    """As they are now: see `_ROWS`. Those that are gone are left out."""
    return await _rows(_OF_MANY, json.dumps(documents)) if documents else []


async def rows_of_dossier(dossier: int) -> list[dict[str, Any]]:
    return await _rows(_OF_DOSSIER, dossier)


async def rows_of_clients() -> AsyncIterator[list[dict[str, Any]]]:
    """Every document with a class or in the trash, some clients at a time; those of no client come first."""
    yield await _rows(_OF_NOBODY)
    last = 0
    while True:
        ids = await engine.raw("SELECT id FROM client WHERE id > $1 ORDER BY id LIMIT $2", last, _AT_ONCE)
        if not ids:
            return
        yield await _rows(_OF_CLIENTS, ids[0]["id"], ids[-1]["id"])
        last = ids[-1]["id"]


async def _rows(which: tuple[str, str], *args: Any, more: str = "") -> list[dict[str, Any]]:
    """`more` are further columns."""
    folders, documents = which
    sql = _ROWS.format(folders=folders, documents=documents, more=more)
    return await engine.raw(sql.replace("{each}", listed(1)), *args)


_UPLOADER = f"coalesce((SELECT u.full_name FROM users u WHERE u.id = d.uploaded_by), {UPLOADER_SQL}, '')"


_UP = (
    "id IN (WITH RECURSIVE up(id, parent) AS (SELECT f.id, f.parent FROM folder f WHERE f.id IN "
    "(SELECT d.folder FROM document d WHERE d.id {one}) UNION SELECT f.id, f.parent FROM folder f JOIN up u ON f.id = u.parent) SELECT id FROM up)"
)
# which folders the walk from the top stays in, and which documents
_OF_ONE = (_UP.format(one="= $1"), "d.id = $1")
_OF_MANY = (_UP.format(one="IN {each}"), "d.id IN {each}")
_OF_DOSSIER = ("dossier = $1", "p.dossier = $1")
_OF_NOBODY = (
    "client IS NULL",
    "d.client IS NULL AND (r.id IS NOT NULL OR d.trashed_at IS NOT NULL OR p.trashed_at IS NOT NULL)",
)
_OF_CLIENTS = (
    "client BETWEEN $1 AND $2",
    "d.client BETWEEN $1 AND $2 AND (r.id IS NOT NULL OR d.trashed_at IS NOT NULL OR p.trashed_at IS NOT NULL)",
)  # fmt: skip

# `place`: the names of the folders, the top first, by line breaks. `is_held`: a hold is on it.
_ROWS = """WITH RECURSIVE within(id) AS (SELECT id FROM folder WHERE {folders}),
place(id, dossier, retention, year, anchor_on, names, trashed_at) AS (
 SELECT f.id, f.dossier, f.retention, f.year, f.anchor_on, CAST(f.name AS TEXT), f.trashed_at FROM folder f JOIN within w ON w.id = f.id WHERE f.parent IS NULL
 UNION ALL
 SELECT f.id, f.dossier, coalesce(f.retention, p.retention), coalesce(f.year, p.year), coalesce(f.anchor_on, p.anchor_on), p.names || '\n' || f.name, f.trashed_at
 FROM folder f JOIN place p ON f.parent = p.id JOIN within w ON w.id = f.id),
held(id) AS (
 SELECT i.folder FROM hold_item i JOIN hold h ON h.id = i.hold WHERE h.lifted_at IS NULL AND i.folder IS NOT NULL
 UNION SELECT f.id FROM folder f JOIN held h ON f.parent = h.id)
SELECT d.id, d.name, d.client, d.folder, d.version, d.sha256, d.size, d.uploaded_at, d.trashed_at, p.trashed_at AS folder_trashed_at,
 p.dossier, p.names AS place, d.book_year, p.year AS folder_year, d.anchor_on AS own_anchor, p.anchor_on AS folder_anchor,
 k.name AS kind_name, r.id AS class_id, r.name AS class_name, r.months, r.anchor, r.ground, d.retention AS own_class, k.retention AS kind_class,
 c.number AS client_number, c.name AS client_name, c.state AS client_state, c.year_end_month, c.relation_ended_on, c.extension_months,
 (SELECT min(margin_months) FROM firm) AS firm_margin,
 d.size + (SELECT coalesce(sum(v.size), 0) FROM document_version v WHERE v.document = d.id) AS total,
 CASE WHEN d.folder IN (SELECT id FROM held)
  OR d.client IN (SELECT i.client FROM hold_item i JOIN hold h ON h.id = i.hold WHERE h.lifted_at IS NULL AND i.client IS NOT NULL)
  OR d.id IN (SELECT i.document FROM hold_item i JOIN hold h ON h.id = i.hold WHERE h.lifted_at IS NULL AND i.document IS NOT NULL)
  THEN 1 ELSE 0 END AS is_held{more}
FROM document d JOIN place p ON p.id = d.folder LEFT JOIN document_kind k ON k.id = d.kind
LEFT JOIN retention_class r ON r.id = coalesce(d.retention, k.retention, p.retention) LEFT JOIN client c ON c.id = d.client
WHERE {documents} ORDER BY d.client, d.id"""
