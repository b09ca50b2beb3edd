"""Documents by what is written on them and in them: those whose name has the words first, then the newest."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from models import engine
from models.accounts.blocking import listed
from models.core import fold
from models.finding.likely import near_words, other_forms
from models.finding.marking import Piece, hits_in, marked, pattern_of, snippet
from models.finding.naming import clients_called
from models.finding.question import Group, asked, is_too_short, parsed, with_clients, with_likes
from models.finding.seeing import findable_documents, scope_of, within_reach
from models.scanning import open_sql

if TYPE_CHECKING:
    from models.viewer import Viewer

MOST = 500  # that are counted and ordered; of more only the newest
Likes = dict[str, tuple[str, ...]]

FEW = 3  # with fewer, what was probably meant is sought too
SHOWN = 12  # values of a facet
_SNIPPET_MOST = 4_000_000  # bytes of the texts that one page unpacks


@dataclass(frozen=True)
class Filter:
    """None and '' leave out. `state`: draft, planned or published; `source`: office or client; `label` a whole one;
    `since` and `until`: days of being put there, both included; `folder`: with all that lies in it."""

    client: int | None = None
    dossier: int | None = None
    folder: int | None = None
    kind: int | None = None
    year: int | None = None
    label: str = ""
    source: str = ""
    state: str = ""
    since: dt.date | None = None
    until: dt.date | None = None


class Value(NamedTuple):
    """What a result can be narrowed to, and how many are left then."""

    value: Any
    name: str
    documents: int


@dataclass(frozen=True)
class Hit:
    """One document. `page`: of its text, where the words stand (0: unknown); `is_read`: whether its text could be searched,
    None while it waits for that."""

    id: int
    name: list[Piece]
    snippet: list[Piece]
    page: int
    is_read: bool | None
    row: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """`total` is that of the newest MOST; `facets`: kinds, years, clients, sources; `meant`: questions that do find something,
    in words that stand in documents of the viewer; `is_near`: the hits are of those."""

    hits: list[Hit] = field(default_factory=list)
    total: int = 0
    has_more: bool = False
    facets: dict[str, list[Value]] = field(default_factory=dict)
    meant: tuple[str, ...] = ()
    is_near: bool = False
    waiting: bool = False


async def find_documents(
    viewer: Viewer,
    question: str,
    filter: Filter = Filter(),
    size: int = 25,
    page: int = 1,
    *,
    most: int = MOST,
    likes: Likes | None = None,
) -> Answer:
    """A page of them, out of at most `most`; `likes`: other forms of its words, where they are known. At most seven statements; nothing for a question that is too short."""
    if is_too_short(question):
        return Answer()
    groups = parsed(question)
    groups = with_clients(groups, await clients_called(viewer, groups) if not filter.client else {})
    groups = with_likes(groups, await other_forms(groups) if likes is None else likes)
    light = await _found(viewer, groups, filter, most)
    is_near = False
    if len(light) < FEW and (near := await near_words(groups)) and any(near.values()):
        wider = with_likes(groups, near)
        if more := await _found(viewer, wider, filter, most):
            is_near, groups = len(more) > len(light), wider if len(more) > len(light) else groups
            light = more if is_near else light
    if not light:
        return Answer()
    ordered = _in_order(light[:most], fold(question))
    at = (max(page, 1) - 1) * size
    hits = await _shown(ordered[at : at + size], groups)
    return Answer(
        hits=hits,
        total=len(ordered),
        has_more=len(light) > most,
        facets=_facets(ordered),
        meant=_meant(groups, hits) if is_near else (),
        is_near=is_near,
        waiting=any(hit.is_read is None for hit in hits),
    )


async def _found(viewer: Viewer, groups: Sequence[Group], filter: Filter, most: int) -> list[dict[str, Any]]:
    """Light rows, at most one more than `most`: those by their names, then those by their texts, each the newest first."""
    scope = [filter.client] if filter.client else scope_of(viewer)
    where, args = _where(viewer, filter, first=3)
    reach = within_reach(viewer, "CAST(n.scope AS INTEGER)" if engine.is_sqlite() else "x.client")
    named, deep = (source.format(reach=reach) for source in _SOURCES[engine.is_sqlite()])
    newest = "n.rowid" if engine.is_sqlite() else "n.document"
    sql = _FOUND_SQL.format(named=named, deep=deep, newest=newest, where=where, most=int(most) + 1)
    return await engine.raw(sql, asked(groups, scope, deep=False), asked(groups, scope, deep=True), *args)


def _where(viewer: Viewer, filter: Filter, first: int) -> tuple[str, list[Any]]:
    parts: list[str] = [findable_documents(viewer)]
    args: list[Any] = []

    def also(sql: str, value: Any) -> None:
        parts.append(sql.format(f"${first + len(args)}"))
        args.append(value)

    for column, value in (
        ("d.client", filter.client),
        ("f.dossier", filter.dossier),
        ("d.kind", filter.kind),
        ("d.book_year", filter.year),
    ):
        if value is not None:
            also(f"{column} = {{}}", int(value))
    for column, text in (("d.source", filter.source), ("d.state", filter.state)):
        if text:
            also(f"{column} = {{}}", text)
    if filter.folder is not None:
        also(f"d.folder IN ({_BELOW})", int(filter.folder))
    if filter.label:
        label = fold(filter.label.replace("\x00", "")).replace("!", "!!").replace("%", "!%").replace("_", "!_")
        also("d.labels_key LIKE {} ESCAPE '!'", f"%,{label},%")
    if filter.since is not None:
        also("d.uploaded_at >= {}", dt.datetime.combine(filter.since, dt.time(), dt.UTC))
    if filter.until is not None:
        also("d.uploaded_at < {}", dt.datetime.combine(filter.until + dt.timedelta(days=1), dt.time(), dt.UTC))
    return " AND ".join(parts), args


def _in_order(rows: list[dict[str, Any]], typed: str) -> list[dict[str, Any]]:
    def rank(row: dict[str, Any]) -> int:
        return -1 if not row["rank"] and row["name_key"].startswith(typed) else int(row["rank"])

    newest = sorted(rows, key=lambda row: (row["uploaded_at"], row["id"]), reverse=True)
    return sorted(newest, key=rank)


async def _shown(rows: list[dict[str, Any]], groups: Sequence[Group]) -> list[Hit]:
    if not rows:
        return []
    found = await engine.raw(_SHOWN_SQL.format(ids=listed(1), open=open_sql()), json.dumps([row["id"] for row in rows]))
    by_id = {row["id"]: row for row in found}
    whole = [by_id[row["id"]] for row in rows if row["id"] in by_id]
    return await asyncio.to_thread(_marked, whole, groups)


def _marked(rows: list[dict[str, Any]], groups: Sequence[Group]) -> list[Hit]:
    pattern, room, hits = pattern_of(groups), _SNIPPET_MOST, []
    for row in rows:
        packed = row.pop("body", None)
        text = ""
        if packed and room > 0:
            text = zlib.decompress(packed).decode("utf-8", "replace")
            room -= len(text)
        around, page = snippet(text, pattern)
        state = row.get("text_state")
        is_read = None if state in (None, "waiting") else state == "done"
        hits.append(
            Hit(
                row["id"],
                marked(row["name"], pattern),
                around,
                page if (row.get("pages") or 0) > 1 else 0,
                is_read,
                row,
            )
        )
    return hits


def _facets(rows: list[dict[str, Any]]) -> dict[str, list[Value]]:
    facets = {}
    for name, value, label in (
        ("kinds", "kind", "kind_name"),
        ("years", "book_year", "book_year"),
        ("clients", "client", "client_name"),
        ("sources", "source", "source"),
    ):
        counts = Counter(row[value] for row in rows if row[value] is not None)
        names = {row[value]: str(row[label]) for row in rows}
        facets[name] = [Value(one, names[one], n) for one, n in counts.most_common(SHOWN)]
    facets["years"].sort(key=lambda one: -int(one.value))
    return facets


def _meant(groups: Sequence[Group], hits: Sequence[Hit]) -> tuple[str, ...]:
    """Questions in words that were found, so that nothing is told of what the viewer may not see."""
    questions = []
    for hit in hits:
        there = {fold(word) for word in (*hits_in(hit.name), *hits_in(hit.snippet))}
        words = []
        for group in groups:
            typed = " ".join(group.words)
            other = next((like for like in group.likes if like in there), None)
            has_typed = any(word.startswith(typed) for word in there)
            words.append(typed if has_typed or other is None else other)
        questions.append(" ".join(words))
    typed = " ".join(" ".join(group.words) for group in groups)
    return tuple(dict.fromkeys(one for one in questions if one != typed))[:3]


# FTS5 goes through its rows in the order of their ids, and stops when there are enough. Postgres would go through all documents
# in that order, as if every second one were a hit: adding nothing to the id has it ask the index of words first;
# and of who sees some clients it leaves out the others before it looks at documents.
_SOURCES = {
    True: (
        "document_names n CROSS JOIN document d CROSS JOIN folder f WHERE n.document_names MATCH $1 AND {reach} AND d.id = n.rowid AND f.id = d.folder",
        "document_deep n CROSS JOIN document d CROSS JOIN folder f WHERE n.document_deep MATCH $2 AND {reach} AND d.id = n.rowid AND f.id = d.folder",
    ),
    False: tuple(
        f"(SELECT x.document + 0 AS document FROM {table} x WHERE x.words @@ CAST({place} AS tsquery) AND {{reach}} ORDER BY 1 DESC) n "
        "CROSS JOIN document d CROSS JOIN folder f WHERE d.id = n.document AND f.id = d.folder"
        for table, place in (("document_names", "$1"), ("document_deep", "$2"))
    ),
}
_LIGHT = "d.id, d.name_key, d.kind, d.book_year, d.client, d.source, d.uploaded_at"
# The texts are asked only for what is still missing.
_FOUND_SQL = f"""WITH named AS (SELECT {_LIGHT}, 0 AS rank FROM {{named}} AND {{where}} ORDER BY {{newest}} DESC LIMIT {{most}}),
deep AS (SELECT {_LIGHT}, 1 AS rank FROM {{deep}} AND d.id NOT IN (SELECT id FROM named) AND {{where}}
 ORDER BY {{newest}} DESC LIMIT (SELECT {{most}} - count(*) FROM named))
SELECT h.*, (SELECT k.name FROM document_kind k WHERE k.id = h.kind) AS kind_name,
 (SELECT c.name FROM client c WHERE c.id = h.client) AS client_name FROM (SELECT * FROM named UNION ALL SELECT * FROM deep) h"""
_BELOW = """WITH RECURSIVE inner_folder(id) AS (SELECT CAST({} AS INTEGER) UNION SELECT b.id FROM folder b JOIN inner_folder i ON b.parent = i.id)
 SELECT id FROM inner_folder"""
_SHOWN_SQL = """SELECT d.id, d.name, d.client, c.name AS client_name, d.folder, f.name AS folder_name, f.client IS NULL AS is_general, d.mime, d.size,
 d.source, d.state, d.uploaded_at, d.published_at, d.book_year, d.period, d.labels, k.name AS kind_name, t.state AS text_state, t.pages, t.body
FROM document d JOIN folder f ON f.id = d.folder LEFT JOIN client c ON c.id = d.client LEFT JOIN document_kind k ON k.id = d.kind
LEFT JOIN document_text t ON t.sha256 = d.sha256 AND {open} WHERE d.id IN {ids}"""
