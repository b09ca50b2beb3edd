"""The list of what may be destroyed: made once a month by Poort, or when somebody asks for one. It only proposes.

A book year goes as a whole: what counts from the same book year of a client waits for the last of it. From the trash comes
what lay there longer than the office keeps it, if no term keeps it: a document within its term may be thrown away, but it
stays in the trash until the term is over. Last come requests for approval that ended without being filed (`ended`).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from models import engine
from models.core import Refused, Say, Scope, operation, save
from models.keeping import ended
from models.keeping.records import Destruction, may_keep
from models.keeping.terms import Term, rows_of_clients, term_of
from models.live import touch
from models.notices import ZONE
from models.settings import Firm, utcnow
from models.tasks import Progress, Task, start, work
from models.viewer import Permission

if TYPE_CHECKING:
    from models.viewer import Viewer

MOST_MISSING = 500  # folders without an anchor date that a list names
COLUMNS = (
    "destruction", "document", "client", "client_label", "dossier", "folder", "place", "name", "why", "class_id", "class_name",
    "ground", "anchor", "anchor_on", "months", "margin", "until_on", "book_year", "size", "version", "content_hash", "trashed_at",
)  # fmt: skip
LEFT = dt.timedelta(hours=1)  # so long after it was begun, a list that is still being made belongs to a dead worker
_BATCH = 1_000


@operation(Permission.MANAGE_SETTINGS, trail=False)
async def ask_for_list(found: Scope[Destruction], *, by: Viewer) -> Task:
    """A list of today, beside the monthly one. An earlier one that nobody confirmed is replaced by it."""
    if not may_keep(by):
        raise Refused("", Say("Dit kan alleen een beheerder die alle cliënten ziet."))
    if await Destruction.exists().where(Destruction.state == "running"):
        raise Refused("", Say("Er wordt nu vernietigd. Wacht tot dat klaar is en vraag dan een nieuwe lijst."))
    destruction = await _begin("now", "", by)
    await by.note("Destruction.ask", destruction, {})
    return await start("propose_destruction", destruction.id, by=by)


@work("propose_destruction")
async def propose(task: Task, progress: Progress) -> dict[str, Any]:
    """Repeatable: what a killed worker had written of the list is thrown away and it is made anew."""
    found = await Destruction.objects().where(Destruction.id == task.subject_id).first()
    if found is None or found.state != "making":
        return {}
    await make(found, progress)
    return {"documents": found.documents}


async def propose_when_due(now: dt.datetime) -> bool:
    """Once a month, of itself; whether a list was made. It destroys nothing: a person has to confirm."""
    month = now.astimezone(ZONE).strftime("%Y-%m")
    found = await Destruction.objects().where((Destruction.kind == "month") & (Destruction.month == month)).first()
    if found is not None and not await _take_over(found, now):
        return False
    if found is None:
        firm = await Firm.load()
        if not firm.is_set_up:
            return False
        found = await engine.run_writing(lambda: _begin("month", month, None))
    await make(found)
    return True


async def _take_over(destruction: Destruction, now: dt.datetime) -> bool:
    """Whether it was left half made by a worker that died; then it is ours, and nobody else's."""
    rows = await engine.raw(
        "UPDATE destruction SET made_at = $2 WHERE id = $1 AND state = 'making' AND made_at < $3 RETURNING id",
        destruction.id, now, now - LEFT,
    )  # fmt: skip
    return bool(rows)


async def _begin(kind: str, month: str, by: Viewer | None) -> Destruction:
    now = utcnow()
    destruction = Destruction(
        kind=kind, month=month, as_of=now.astimezone(ZONE).date(), made_at=now,
        made_by=by.user.id if by else None, made_name=by.user.display_name if by else "",
    )  # fmt: skip
    await destruction.save()
    await touch("keeping")
    return destruction


async def make(destruction: Destruction, progress: Progress | None = None) -> None:
    """Fill a list that was begun, outside any unit, some clients at a time."""
    await engine.run_writing(lambda: engine.raw("DELETE FROM destruction_item WHERE destruction = $1", destruction.id))
    firm, missing = await Firm.load(), dict[tuple[int, int], dict[str, Any]]()
    documents = size = 0
    async for rows in rows_of_clients():
        lines = list(_lines(destruction, rows, firm))
        for at in range(0, len(lines), _BATCH):
            batch = lines[at : at + _BATCH]
            await engine.run_writing(lambda batch=batch: engine.copy_rows("destruction_item", COLUMNS, batch))  # type: ignore[misc]
        documents += len(lines)
        size += sum(line[COLUMNS.index("size")] for line in lines)
        _note_missing(missing, rows, firm.margin_months)
        if progress:
            await progress.report(documents)
    async for ended_lines in ended.lines_due(destruction, firm.approval_months):
        if ended_lines:
            await engine.run_writing(lambda batch=ended_lines: engine.copy_rows("destruction_item", COLUMNS, batch))  # type: ignore[misc]
        documents += len(ended_lines)
        size += sum(line[COLUMNS.index("size")] for line in ended_lines)
    worst = sorted(missing.values(), key=lambda one: -one["count"])[:MOST_MISSING]
    await engine.run_writing(lambda: _propose(destruction, documents, size, worst))


async def _propose(destruction: Destruction, documents: int, size: int, missing: list[dict[str, Any]]) -> None:
    await engine.raw(
        "DELETE FROM destruction_item WHERE destruction IN (SELECT id FROM destruction WHERE state = 'proposed')"
    )
    await engine.raw("UPDATE destruction SET state = 'replaced' WHERE state = 'proposed'")
    await save(
        destruction, state="proposed", documents=documents, size=size, missing=json.dumps(missing, ensure_ascii=False)
    )
    await touch("keeping")


def _lines(destruction: Destruction, rows: list[dict[str, Any]], firm: Firm) -> Iterable[tuple[Any, ...]]:
    today = destruction.as_of
    thrown = utcnow() - dt.timedelta(days=firm.trash_days)
    terms = [term_of(row, firm.margin_months) for row in rows]
    whole = last_of_years(rows, terms)
    for row, term in zip(rows, terms, strict=True):
        if row["is_held"]:
            continue
        gone = gone_at(row)
        if term is not None and is_over(term, row, whole, today):
            yield line_of(destruction.id, row, term, "term")
        elif term is None and gone is not None and gone < thrown:
            yield line_of(destruction.id, row, None, "trash")


def gone_at(row: dict[str, Any]) -> dt.datetime | None:
    """Since when it lies in the trash, itself or with its folder."""
    found = engine.as_moment(row["trashed_at"] or row["folder_trashed_at"])
    return found if isinstance(found, dt.datetime) else None


Years = dict[tuple[int | None, int], dt.date]


def last_of_years(rows: list[dict[str, Any]], terms: list[Term | None]) -> Years:
    """(client, book year) > the day on which the last of it may go."""
    found: Years = {}
    for row, term in zip(rows, terms, strict=True):
        if term and term.until and term.book_year:
            key = (row["client"], term.book_year)
            found[key] = max(found.get(key, term.until), term.until)
    return found


def is_over(term: Term, row: dict[str, Any], whole: Years, today: dt.date) -> bool:
    if not term.is_over(today):
        return False
    return not term.book_year or whole[row["client"], term.book_year] < today


def line_of(destruction: int, row: dict[str, Any], term: Term | None, why: str) -> tuple[Any, ...]:
    label = f"{row['client_number']} {row['client_name']}" if row["client"] else ""
    of_term = (
        (
            term.class_id,
            term.name,
            term.ground,
            term.anchor,
            term.anchor_on,
            term.months,
            term.margin,
            term.until,
            term.book_year,
        )
        if term
        else (None, "", "", "", None, 0, 0, None, None)
    )
    return (
        destruction, row["id"], row["client"], label[:240], row["dossier"], row["folder"], " › ".join(row["place"].split("\n")),
        row["name"], why, *of_term, int(row["total"]), row["version"], row["sha256"], gone_at(row),
    )  # fmt: skip


def _note_missing(missing: dict[tuple[int, int], dict[str, Any]], rows: list[dict[str, Any]], margin: int) -> None:
    for row in rows:
        term = term_of(row, margin)
        if term is None or term.until or term.is_running:
            continue
        one = missing.setdefault(
            (row["folder"], term.class_id),
            {
                "client": row["client"], "label": f"{row['client_number']} {row['client_name']}" if row["client"] else "",
                "folder": row["folder"], "place": " › ".join(row["place"].split("\n")), "class": term.name,
                "anchor": term.anchor, "count": 0,
            },
        )  # fmt: skip
        one["count"] += 1
