"""The office's board: all requests it may see, by state, by deadline, by who is responsible; a page of them, and how many of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from models import engine
from models.approvals.words import period_words
from models.clients import seen
from models.core import Say, fold
from models.settings import this_day
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

SIZE = 100
# what the tabs of the board stand for, as states
STAGES: dict[str, tuple[str, ...]] = {
    "open": ("offered", "partly"),
    "sign_off": ("sign_off",),
    "draft": ("draft",),
    "rejected": ("rejected",),
    "expired": ("expired",),
    "done": ("approved", "filed", "on_paper"),
    "ended": ("withdrawn", "replaced"),
}
WHEN: dict[str, Say] = {
    "late": Say("Te laat"),
    "today": Say("Vandaag"),
    "week": Say("Binnen een week"),
    "later": Say("Later"),
    "none": Say("Zonder uiterste dag"),
}
_DUE = "coalesce(r.internal_due, r.legal_due)"
_LAST = dt.date(9999, 12, 31)
_ASKED = "SELECT m.request FROM approval_remark m WHERE m.side = 'client' AND m.settled_at IS NULL"
_OPEN = "r.state IN ('offered', 'partly', 'sign_off', 'draft')"
ORDERS: dict[str, str] = {
    "due": f"CASE WHEN {_DUE} IS NULL THEN 1 ELSE 0 END, {_DUE}, r.id",
    "-due": f"CASE WHEN {_DUE} IS NULL THEN 1 ELSE 0 END, {_DUE} DESC, r.id DESC",
    "client": "c.sort_key, r.id",
    "-client": "c.sort_key DESC, r.id DESC",
    "kind": "k.position, r.id",
    "-kind": "k.position DESC, r.id DESC",
    "made": "r.id",
    "-made": "r.id DESC",
}


@dataclass(frozen=True)
class Filter:
    """What the board is narrowed to; '' and 0 narrow nothing. `when` is one of WHEN, `stage` one of STAGES."""

    stage: str = "open"
    when: str = ""
    words: str = ""
    kind: int = 0
    responsible: int = 0
    group: int = 0
    book_year: int = 0
    period: str = ""
    questions: bool = False

    def as_query(self) -> dict[str, Any]:
        """As an address has it, without what is as usual."""
        usual = Filter()
        pairs = {
            "stage": self.stage, "when": self.when, "q": self.words, "kind": self.kind, "responsible": self.responsible, "group": self.group,
            "book_year": self.book_year, "period": self.period, "questions": 1 if self.questions else 0,
        }  # fmt: skip
        was = {"stage": usual.stage}
        return {name: value for name, value in pairs.items() if value and value != was.get(name)}


@dataclass
class _Where:
    """SQL and its arguments, in order."""

    parts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, part: str, *values: Any) -> None:
        for value in values:
            self.values.append(value)
            part = part.replace("?", f"${len(self.values)}", 1)
        self.parts.append(part)

    @property
    def sql(self) -> str:
        return " AND ".join(self.parts)


def _where(viewer: Viewer, narrowed: Filter, *, staged: bool = True, timed: bool = True) -> _Where:
    where = _Where()
    where.add(seen(viewer, "r.client") if viewer.is_staff and viewer.may(Permission.VIEW_REQUESTED) else "1 = 0")
    if staged and narrowed.stage in STAGES:
        where.add(f"r.state IN ({', '.join(repr(state) for state in STAGES[narrowed.stage])})")
    if timed and narrowed.when in WHEN:
        _add_when(where, narrowed.when)
    for word in fold(narrowed.words).split()[:6]:
        where.add(
            "(c.search_key LIKE ? OR c.number LIKE ? OR LOWER(r.title) LIKE ?)", f"%{word}%", f"{word}%", f"%{word}%"
        )
    if narrowed.kind:
        where.add("r.kind = ?", narrowed.kind)
    if narrowed.responsible:
        where.add("r.responsible = ?" if narrowed.responsible > 0 else "r.responsible IS NULL", *([narrowed.responsible] if narrowed.responsible > 0 else []))  # fmt: skip
    if narrowed.group:
        where.add("r.client IN (SELECT m.client FROM membership m WHERE m.client_group = ?)", narrowed.group)
    if narrowed.book_year:
        where.add("r.book_year = ?", narrowed.book_year)
    if narrowed.period:
        where.add("r.period = ?", narrowed.period)
    if narrowed.questions:
        where.add("r.state NOT IN ('withdrawn', 'replaced') AND EXISTS (SELECT 1 FROM approval_remark m WHERE m.request = r.id AND m.side = 'client' AND m.settled_at IS NULL)")  # fmt: skip
    return where


def _add_when(where: _Where, when: str) -> None:
    """Late, today and this week is only what is not done yet."""
    now = this_day()
    match when:
        case "late":
            where.add(f"{_DUE} < ? AND {_OPEN}", now)
        case "today":
            where.add(f"{_DUE} = ? AND {_OPEN}", now)
        case "week":
            where.add(f"{_DUE} > ? AND {_DUE} <= ? AND {_OPEN}", now, now + dt.timedelta(days=7))
        case "later":
            where.add(f"{_DUE} > ?", now + dt.timedelta(days=7))
        case _:
            where.add(f"{_DUE} IS NULL")


_FROM = "FROM approval_request r JOIN client c ON c.id = r.client JOIN approval_kind k ON k.id = r.kind "
_ROW_SQL = (
    "SELECT r.id, r.client, c.name AS client_name, c.number, k.name AS kind_name, r.title, r.book_year, r.period, r.year_end, r.state, r.step, r.steps, "
    f"{_DUE} AS due, r.legal_due, r.amount, r.offered_at, r.responsible, coalesce(u.full_name, '') AS responsible_name, "
    "(SELECT count(*) FROM approver a WHERE a.request = r.id AND a.step > 0 AND a.state <> 'void') AS places, "
    "(SELECT count(*) FROM approver a WHERE a.request = r.id AND a.state = 'approved') AS given, "
    "(SELECT count(*) FROM approver a WHERE a.request = r.id AND a.opened_at IS NOT NULL) AS opened, "
    "(SELECT count(*) FROM approval_remark m WHERE m.request = r.id AND m.side = 'client' AND m.settled_at IS NULL) AS questions "
    + _FROM
    + "LEFT JOIN users u ON u.id = r.responsible "
)


async def page(
    viewer: Viewer, narrowed: Filter, number: int = 1, sort: str = "due", size: int = SIZE
) -> tuple[list[dict[str, Any]], int]:
    """A page of rows, and how many there are in all. The rows are chosen first, and only then looked at closer."""
    where = _where(viewer, narrowed)
    total = await engine.raw(f"SELECT count(*) AS n {_FROM} WHERE {where.sql}", *where.values)
    order = ORDERS.get(sort, ORDERS["due"])
    ids = await engine.raw(
        f"SELECT r.id {_FROM} WHERE {where.sql} ORDER BY {order} LIMIT {int(size)} OFFSET {(max(int(number), 1) - 1) * int(size)}", *where.values
    )  # fmt: skip
    if not ids:
        return [], int(total[0]["n"])
    listed = ", ".join(str(int(row["id"])) for row in ids)
    rows = {row["id"]: row for row in await engine.raw(f"{_ROW_SQL} WHERE r.id IN ({listed})")}
    return [_named(rows[row["id"]]) for row in ids], int(total[0]["n"])


def _named(row: dict[str, Any]) -> dict[str, Any]:
    due = row["due"]
    day = engine.as_day(due)
    is_open = row["state"] in ("offered", "partly", "sign_off", "draft")
    return row | {
        "period_name": period_words(row["book_year"], row["period"], year_end=row["year_end"]),
        "due": day,
        "is_late": bool(day and day < this_day() and is_open),
    }


async def counts(viewer: Viewer, narrowed: Filter) -> tuple[dict[str, int], dict[str, int]]:
    """How many there are of each stage (whatever stage is chosen), and of the chosen stage in each WHEN."""
    where = _where(viewer, narrowed, staged=False, timed=False)
    now = this_day()
    by_state = await engine.raw(
        f"SELECT r.state, count(*) AS n {_FROM} WHERE {where.sql} GROUP BY r.state", *where.values
    )
    of_state = {row["state"]: int(row["n"]) for row in by_state}
    stages = {stage: sum(of_state.get(state, 0) for state in states) for stage, states in STAGES.items()}
    timed = _where(viewer, narrowed, timed=False)
    n = len(timed.values)
    row = (
        await engine.raw(
            f"SELECT sum(CASE WHEN {_DUE} < ${n + 1} AND {_OPEN} THEN 1 ELSE 0 END) AS late, "
            f"sum(CASE WHEN {_DUE} = ${n + 1} AND {_OPEN} THEN 1 ELSE 0 END) AS today, "
            f"sum(CASE WHEN {_DUE} > ${n + 1} AND {_DUE} <= ${n + 2} AND {_OPEN} THEN 1 ELSE 0 END) AS week, "
            f"sum(CASE WHEN {_DUE} > ${n + 2} THEN 1 ELSE 0 END) AS later, sum(CASE WHEN {_DUE} IS NULL THEN 1 ELSE 0 END) AS none "
            f"{_FROM} WHERE {timed.sql}",
            *timed.values, now, now + dt.timedelta(days=7),
        )
    )[0]  # fmt: skip
    return stages, {key: int(row[key] or 0) for key in WHEN}


async def by_responsible(viewer: Viewer) -> list[dict[str, Any]]:
    """Of each colleague (id 0: nobody) how many are open, late of those, to be signed off, rejected, and with a question
    (in any state): each as the board lists them that the page links to."""
    where = _where(viewer, Filter(stage=""))
    n = len(where.values)
    return await engine.raw(
        "SELECT coalesce(r.responsible, 0) AS id, coalesce(max(u.full_name), '') AS name, "
        "sum(CASE WHEN r.state IN ('offered', 'partly') THEN 1 ELSE 0 END) AS open, "
        f"sum(CASE WHEN r.state IN ('offered', 'partly') AND {_DUE} < ${n + 1} THEN 1 ELSE 0 END) AS late, "
        "sum(CASE WHEN r.state = 'sign_off' THEN 1 ELSE 0 END) AS sign_off, sum(CASE WHEN r.state = 'rejected' THEN 1 ELSE 0 END) AS rejected, "
        f"sum(CASE WHEN r.id IN ({_ASKED}) THEN 1 ELSE 0 END) AS questions "
        f"{_FROM} LEFT JOIN users u ON u.id = r.responsible WHERE {where.sql} AND r.state NOT IN ('withdrawn', 'replaced') "
        f"AND ({_OPEN} OR r.state = 'rejected' OR r.id IN ({_ASKED})) "
        "GROUP BY coalesce(r.responsible, 0) ORDER BY 4 DESC, 3 DESC, 2",
        *where.values, this_day(),
    )  # fmt: skip


async def matching(viewer: Viewer, narrowed: Filter, most: int, sort: str = "due") -> list[int]:
    """The ids of all that match, in order: the first deadline first."""
    where = _where(viewer, narrowed)
    rows = await engine.raw(
        f"SELECT r.id {_FROM} WHERE {where.sql} ORDER BY {ORDERS.get(sort, ORDERS['due'])} LIMIT {int(most)}",
        *where.values,
    )
    return [row["id"] for row in rows]


async def lines(viewer: Viewer, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Of these, the rows that exist for this viewer: for a look beforehand."""
    if not ids:
        return []
    where = _where(viewer, Filter(stage=""))
    listed = ", ".join(str(int(id)) for id in ids)
    rows = await engine.raw(
        f"{_ROW_SQL} WHERE {where.sql} AND r.id IN ({listed}) ORDER BY {ORDERS['due']}", *where.values
    )
    return [_named(row) for row in rows]


async def choices(viewer: Viewer) -> dict[str, list[tuple[int, str]]]:
    """To narrow by: kinds, colleagues, groups, book years; as (id, name)."""
    kinds = await engine.raw("SELECT id, name FROM approval_kind ORDER BY position, id")
    staff = await engine.raw(
        "SELECT id, full_name AS name FROM users WHERE kind = 'staff' AND state <> 'blocked' ORDER BY sort_key, id LIMIT 500"
    )
    groups = await engine.raw("SELECT id, name FROM client_group ORDER BY name_key LIMIT 500")
    return {
        "kinds": [(row["id"], row["name"]) for row in kinds],
        "staff": [(row["id"], row["name"]) for row in staff],
        "groups": [(row["id"], row["name"]) for row in groups],
    }
