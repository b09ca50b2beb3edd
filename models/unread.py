"""What clients' people did not open yet: per document how many, over all clients, one client or one folder; and who, of one document."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models import engine
from models.clients import seen
from models.dossiers.documents import shown_sql
from models.dossiers.seeing import GENERAL_FOR, VIEWING, VIEWS, opened_sql
from models.settings import utcnow
from models.viewer import Permission, Right

if TYPE_CHECKING:
    from models.dossiers import Document
    from models.viewer import Viewer

SIZE = 50
MOST = 20_000
LATELY = dt.timedelta(days=90)  # what was published before is asked for by its day


@dataclass(frozen=True)
class Filter:
    """Words of a document or a client; one client, group of clients, or folder with what lies in it; published since; and
    whether it is of the general dossiers (`where` general)."""

    words: str = ""
    client: int = 0
    group: int = 0
    folder: int = 0
    since: dt.date | None = None
    where: str = ""

    def as_query(self) -> dict[str, Any]:
        """What of it is in an address."""
        return {
            "q": self.words or None, "client": self.client or None, "group": self.group or None, "folder": self.folder or None,
            "since": self.since.isoformat() if self.since else None, "where": self.where or None,
        }  # fmt: skip


async def page(viewer: Viewer, narrowed: Filter, number: int = 1) -> tuple[list[dict[str, Any]], int]:
    """Documents whose present version somebody who may see it and is in did not open, the last published first, and how many:
    id, name, version, client, client_name, folder, folder_name, published_at, may (people who are in), unread (of those),
    later (people who are not in yet)."""
    sql, args = _sql(viewer, narrowed)
    rows = await engine.raw(sql.replace("{limit}", f"LIMIT {SIZE} OFFSET {(max(number, 1) - 1) * SIZE}"), *args)
    return rows, int(rows[0]["total"]) if rows else 0


async def matching(viewer: Viewer, narrowed: Filter) -> list[int]:
    """The ids of all such documents."""
    sql, args = _sql(viewer, narrowed)
    return [row["id"] for row in await engine.raw(sql.replace("{limit}", f"LIMIT {MOST}"), *args)]


async def audience_of(viewer: Viewer, document: Document, most: int = 50) -> dict[str, Any]:
    """Who may see the present version of a document that was found through the viewer and did not open it: rows of who and
    state, those who are in first; unread (how many of who are in), later (not in yet) and may (who are in, in all).

    Of a draft, or one that is planned: who will."""
    args: list[Any] = [document.id]
    shown = shown_sql("u.id").replace("d.state = 'published'", "1 = 1")
    if document.client is not None:
        clients = f"SELECT {int(document.client)}"
        start = f"WITH RECURSIVE {opened_sql('viewing', Right.VIEW_DOSSIER, clients)} "
        where = (
            f"JOIN access a ON a.client = d.client {_PEOPLE} {VIEWING} {_READ} WHERE d.id = $1 AND {shown} AND {VIEWS}"
        )
    else:
        start = ""
        where = f"JOIN dossier g ON g.id = f.dossier AND g.kind = 'general' JOIN access a ON a.rights <> 0 {_PEOPLE} {_READ} WHERE d.id = $1 AND {shown} AND {GENERAL_FOR} AND {seen(viewer, 'a.client')}"
    people = f"SELECT DISTINCT u.id, u.full_name AS who, u.sort_key, u.state, CASE WHEN q.person IS NULL THEN 0 ELSE 1 END AS opened FROM document d JOIN folder f ON f.id = d.folder {where}"
    rows = await engine.raw(
        f"{start}SELECT x.who, x.state, x.opened, sum(CASE WHEN x.state = 'active' THEN 1 ELSE 0 END) OVER () AS may, "
        "sum(CASE WHEN x.state = 'active' AND x.opened = 0 THEN 1 ELSE 0 END) OVER () AS unread, "
        "sum(CASE WHEN x.state <> 'active' AND x.opened = 0 THEN 1 ELSE 0 END) OVER () AS later "
        f"FROM ({people}) x ORDER BY x.opened, CASE WHEN x.state = 'active' THEN 0 ELSE 1 END, x.sort_key, x.id LIMIT {int(most)}",
        *args,
    )
    counts = {name: int(rows[0][name] or 0) if rows else 0 for name in ("may", "unread", "later")}
    return {**counts, "rows": [row for row in rows if not row["opened"]]}


def _sql(viewer: Viewer, narrowed: Filter) -> tuple[str, list[Any]]:
    since = narrowed.since or (utcnow() - LATELY).date()
    args: list[Any] = [dt.datetime.combine(since, dt.time(), dt.UTC)]
    general = narrowed.where == "general"
    parts = ["d.published_at >= $1", "d.source = 'office'", shown_sql("u.id")]
    parts.append("1 = 1" if viewer.may(Permission.READ_DOSSIERS) else "1 = 0")
    if general:
        parts += ["d.client IS NULL", GENERAL_FOR, seen(viewer, "a.client")]
    else:
        parts += [VIEWS, seen(viewer, "d.client")]
    for value, sql in (
        (narrowed.client, "a.client = {}"),
        (narrowed.group, "a.client IN (SELECT m.client FROM membership m WHERE m.client_group = {})"),
        (narrowed.folder, "d.folder IN (SELECT b.id FROM below b)"),
    ):
        if value:
            if "{}" in sql:
                args.append(value)
            parts.append(sql.format(f"${len(args)}"))
    if narrowed.words.strip():
        args.append(f"%{narrowed.words.strip().lower().replace('!', '!!').replace('%', '!%').replace('_', '!_')}%")
        named = f"lower(d.name) LIKE ${len(args)} ESCAPE '!'"
        parts.append(named if general else f"({named} OR c.search_key LIKE ${len(args)} ESCAPE '!')")
    below = (
        f", below(id) AS (SELECT id FROM folder WHERE id = {int(narrowed.folder)} UNION ALL SELECT f.id FROM folder f JOIN below b ON f.parent = b.id)"
        if narrowed.folder
        else ""
    )
    source = (
        f"JOIN dossier g ON g.id = f.dossier AND g.kind = 'general' JOIN access a ON a.rights <> 0 {_PEOPLE} {_READ}"
        if general
        else f"JOIN access a ON a.client = d.client {_PEOPLE} {VIEWING} {_READ}"
    )
    # Of a client's own dossier a person has one access; what is for many he may reach by several clients.
    each = "count(DISTINCT CASE WHEN {} THEN u.id END)" if general else "sum(CASE WHEN {} THEN 1 ELSE 0 END)"
    unread = each.format("u.state = 'active' AND q.person IS NULL")
    sql = f"""WITH RECURSIVE {opened_sql("viewing", Right.VIEW_DOSSIER)}{below}, counted AS (
 SELECT d.id, d.published_at, {each.format("u.state = 'active'")} AS may, {unread} AS unread,
  {each.format("u.state <> 'active' AND q.person IS NULL")} AS later
 FROM document d JOIN folder f ON f.id = d.folder {source} WHERE {" AND ".join(parts)} GROUP BY d.id, d.published_at HAVING {unread} > 0),
 chosen AS (SELECT k.*, count(*) OVER () AS total FROM counted k ORDER BY k.published_at DESC, k.id DESC {{limit}})
SELECT k.id, k.may, k.unread, k.later, k.total, d.name, d.version, coalesce(d.client, 0) AS client, coalesce(c.name, o.name) AS client_name,
 f.id AS folder, f.name AS folder_name, d.published_at
FROM chosen k JOIN document d ON d.id = k.id JOIN folder f ON f.id = d.folder JOIN dossier o ON o.id = f.dossier LEFT JOIN client c ON c.id = d.client
ORDER BY d.published_at DESC, d.id DESC"""
    return sql, args


_PEOPLE = "JOIN users u ON u.id = a.person AND u.kind = 'client' AND u.state <> 'blocked' JOIN client c ON c.id = a.client AND c.state = 'active'"
_READ = "LEFT JOIN reading q ON q.document = d.id AND q.version = d.version AND q.person = u.id"


async def hearers_of(viewer: Viewer, documents: list[int], folder: int = 0) -> dict[str, int]:
    """When and to how many people it would be told when these documents are published, or something new in a folder: daily,
    at_once, never, and later (who are not in yet)."""
    from models.hearing import how_sql
    from models.settings import Firm

    how = how_sql(await Firm.load())
    ids = ", ".join(str(int(id)) for id in documents) or "-1"
    which = (
        f"f.id = {int(folder)}"
        if folder
        else f"f.id IN (SELECT folder FROM document WHERE id IN ({ids}) AND source = 'office')"
    )
    clients = f"SELECT f.client FROM folder f WHERE {which}"
    chosen = "LEFT JOIN hearing h ON h.person = a.person AND h.client = a.client LEFT JOIN hearing p ON p.person = a.person AND p.client IS NULL"
    shown = "f.kind <> 'internal' AND f.trashed_at IS NULL"
    rows = await engine.raw(
        f"WITH RECURSIVE {opened_sql('viewing', Right.VIEW_DOSSIER, clients)} "
        f"SELECT u.id, u.state, CASE WHEN u.email = '' THEN 'never' ELSE {how} END AS how FROM folder f JOIN access a ON a.client = f.client {_PEOPLE} {VIEWING} {chosen} "
        f"WHERE {which} AND {shown} AND {VIEWS} UNION SELECT u.id, u.state, CASE WHEN u.email = '' THEN 'never' ELSE {how} END "
        f"FROM folder f JOIN dossier g ON g.id = f.dossier AND g.kind = 'general' JOIN access a ON a.rights <> 0 {_PEOPLE} {chosen} "
        f"WHERE {which} AND f.client IS NULL AND {shown} AND {GENERAL_FOR} AND {seen(viewer, 'a.client')}",
    )
    people: dict[str, set[int]] = {"at_once": set(), "daily": set(), "later": set(), "never": set()}
    for row in rows:
        people[row["how"] if row["state"] == "active" else "later"].add(row["id"])
    counted: set[int] = set()
    found = {}
    for name, some in people.items():  # of several clients he may hear in several ways: he counts once
        found[name] = len(some - counted)
        counted |= some
    return found
